import json
from dataclasses import replace

import pytest

from graft.errors import UsageError
from graft.tuning.methods import METHODS, plan_for
from graft.tuning.plan import TrainingPlan


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_plans_that_travel(method: str) -> None:
    for modality, plan in METHODS[method].items():
        assert plan_for(method, modality) == plan == TrainingPlan.from_dict(json.loads(json.dumps(plan.to_dict())))


def test_what_does_not_fit_is_refused_with_what_does() -> None:
    with pytest.raises(UsageError, match=r"no method called 'magic'.*blocks"):
        plan_for("magic", "image")
    with pytest.raises(UsageError, match=r"'pairs' does not apply to image.*blocks, full"):
        plan_for("pairs", "image")


@pytest.mark.parametrize(
    "changes",
    [
        *({"unfreeze": -1}, {"unfreeze": "some"}, {"rate": 0.0}, {"decay": 1.5}, {"batch": 0}, {"alphas": ()}),
        *({"alphas": (2.0,)}, {"contrast": 1.1}, {"warm_up": 1.0}, {"soften": 0.0}, {"mixup": -1.0}),
    ],
)
def test_plans_that_make_no_sense_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(changes))):
        replace(TrainingPlan(), **changes)


def test_a_plan_of_unknown_keys_is_refused() -> None:
    with pytest.raises(UsageError, match="has no speed"):
        TrainingPlan.from_dict({"speed": 1})


def test_networks_of_a_hub_learn_slowly_at_their_own_size() -> None:
    for method in METHODS:
        for modality, plan in METHODS[method].items():
            other = plan_for(method, modality, built_in=False)
            assert other.size == 0
            assert other.rate <= plan.rate


@pytest.mark.parametrize("values", [
    {"rate": "x"}, {"rate": "all"}, {"rate": None}, {"epochs": 2.5}, {"epochs": True}, {"flips": "no"}, {"flips": 1},
    {"alphas": 1.0}, {"alphas": ["1"]}, {"alphas": [True]}, {"unfreeze": []}, {"unfreeze": "some"}, {"names": None},
])  # fmt: skip
def test_a_value_of_another_kind_is_refused(values) -> None:
    (name,) = values
    with pytest.raises(UsageError, match=f"^{name} of a plan is "):
        TrainingPlan.from_dict(values)


def test_whole_numbers_and_all_of_a_network_are_taken() -> None:
    assert TrainingPlan.from_dict({"rate": 1, "unfreeze": "all", "alphas": [1, 0.5]}).unfreeze == "all"
