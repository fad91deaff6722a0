"""What may be asked of a function that trains, and what is refused before any work."""

from __future__ import annotations

from typing import Any

import pytest

from graft.errors import UsageError
from graft.training_function.event import TrainEvent

EVENT = {"train": "s3://b/photos/", "output": "s3://b/models/"}


def test_the_model_goes_under_the_name_of_the_data() -> None:
    assert TrainEvent.from_dict(EVENT).output == "s3://b/models/photos.graft.zip"
    assert TrainEvent.from_dict({**EVENT, "train": "s3://b/tickets.csv"}).output == "s3://b/models/tickets.graft.zip"
    assert TrainEvent.from_dict({**EVENT, "name": "doors"}).output == "s3://b/models/doors.graft.zip"
    assert TrainEvent.from_dict({**EVENT, "output": "s3://b/m/x.graft.zip"}).output == "s3://b/m/x.graft.zip"


def test_options_are_those_of_fit() -> None:
    asked = TrainEvent.from_dict({**EVENT, "head": "logistic", "seed": 3, "label_column": "kind", "multi_label": True})
    assert (asked.recipe.head, asked.recipe.seed) == ("logistic", 3)
    assert asked.reading == {"label_column": "kind", "multi_label": True}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"train": None}, "neither an address nor a zip nor examples"),
        ({"train": "photos/"}, "no address of an object store"),
        ({"train": "file:///etc/"}, "no address of an object store"),
        ({"test": "file:///etc/passwd"}, "no address of an object store"),
        ({"output": "file:///tmp/x.graft.zip"}, "no address of an object store"),
        ({"output": "s3://b/models/doors"}, "neither a folder nor a model"),
        ({"output": "s3://b/models/.graft.zip"}, "neither a folder nor a model"),
        ({"output": "s3://b/photos/x.graft.zip"}, "among the data"),
        ({"train": "s3://b/photos"}, None),
        ({"train": "s3://b"}, "among the data"),
        ({"train": "s3://b/photos", "output": "s3://b/photos/"}, "among the data"),
        ({"test": "s3://b/models/"}, "among the data"),
        ({"train": "s3://b/photos", "output": "s3://b/photos2/"}, None),
        ({"train": "s3://b/photos", "output": "s3://other/photos/"}, None),
        ({"train": "s3://b/x.graft.runs/", "output": "s3://b/x.graft.zip"}, "among the data"),
        ({"train": "s3://b/x.graft.csv", "output": "s3://b/x.graft.zip"}, "among the data"),
        ({"train": "s3://b/x.csv", "output": "s3://b/x.graft.zip"}, None),
        ({"train": "abfss://c@a.dfs.core.windows.net/p/", "output": "az://c/p/m/"}, "among the data"),
        ({"train": "abfss://c@a.dfs.core.windows.net/p/", "output": "abfss://c@b.dfs.core.windows.net/p/m/"}, None),
        ({"train": "s3://b/\ud800/"}, "control character"),
        ({"name": "n" * 300}, "is too long"),
        ({"output": "s3://b/" + "a/" * 500}, "is too long"),
        ({"sed": 3}, "has no sed"),
        ({"backend": "openvino"}, "has no backend"),
        ({"encoder": "owner/model"}, "encoder is 'owner/model'"),
        ({"encoder": "image+/etc"}, "come with Graft"),
        ({"encoder": 3}, "encoder is 3"),
        ({"encoder": "efficientnet-lite0"}, None),
        ({"seed": "3"}, "seed must be a whole number"),
        ({"force": "yes"}, "force is 'yes'"),
        ({"label_column": 3}, "label_column is 3"),
        ({"name": "a/b"}, "name is 'a/b'"),
        ({"prices": {"per_hour": 3}}, "per_hour"),
        ({"train": {"zip": 3}}, "neither"),
        ({"train": {"examples": []}}, "holds 0 examples"),
        ({"train": {"examples": [{"text": "a"}]}}, "has no label"),
        ({"train": {"examples": [{"label": "a"}]}}, "is no example"),
        ({"train": {"examples": [{"text": "a", "base64": "", "label": "a"}]}}, "is no example"),
        ({"train": {"examples": [{"text": 3, "label": "a"}]}}, r"text of examples\[0\] is no text"),
        ({"train": {"examples": [{"text": "a", "label": "\ud800"}]}}, r"label of examples\[0\] is no text"),
        ({"train": {"examples": [{"text": "a", "label": "a"}, {"base64": "a", "label": "a"}]}}, "another kind"),
        ({"train": {"examples": [{"text": "a", "label": "a"}]}, "test": "s3://b/t/"}, "test is not for examples"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(changed: dict[str, Any], told: str | None) -> None:
    if told is None:
        TrainEvent.from_dict({**EVENT, **changed})
        return
    with pytest.raises(UsageError, match=told):
        TrainEvent.from_dict({**EVENT, **changed})


@pytest.mark.parametrize("name", ["train", "output"])
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(UsageError, match=f"does not say '{name}'"):
        TrainEvent.from_dict({key: value for key, value in EVENT.items() if key != name})


def test_the_same_event_on_the_same_data_has_the_same_digest_and_no_other_has() -> None:
    one = TrainEvent.from_dict(EVENT)
    assert one.digest("a") == TrainEvent.from_dict({**EVENT, "force": True, "prices": {}}).digest("a")
    others = [
        TrainEvent.from_dict({**EVENT, **more}).digest("a")
        for more in ({"seed": 1}, {"modality": "image"}, {"test": "s3://b/t/"}, {"train": "s3://b/photo/"})
    ]
    assert len({one.digest("a"), one.digest("b"), *others}) == 6
