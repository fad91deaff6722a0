"""Spurious cues: classes that can be told by brightness, size, background, file type or length alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from graft.cleaning.feature_groups import FEATURE_GROUPS, Feature, FeatureGroup, format_word
from graft.cleaning.naive_bayes import MOST_BINS, assign_folds, cross_validate, into_bins
from graft.contracts import Array, Bool, Float64, Int

FALSE_ALARMS = 0.05
"""How often labels that were dealt at random may give any cue at all."""
WIDER = 1.5
"""How many times wider than a binomial's the spread by chance is taken to be: items of one bin are judged together."""
AT_LEAST = 5
"""Units that a class must have to be judged: a unit is an item with its copies, or a group."""
MOST_ITEMS = 20_000
"""Of more, so many are drawn by chance."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Something that classes can be told by, and perhaps should not.

    Attributes:
        family: What it is, such as ``"brightness"``.
        label: The class that is told from the rest, of two the smaller; ``None``: all classes from each other.
        score: 0 to 1, low is bad: (1 - accuracy) / (1 - chance), as cleanlab scores properties of pictures.
        accuracy: Balanced accuracy of telling by it alone, cross-validated.
        chance: That of guessing.
        sentence: What was found, what it means and what to do.
    """

    family: str
    label: str | None
    score: float
    accuracy: float
    chance: float
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """The cue as JSON-able values."""
        return asdict(self)


def find_cues(
    y: Int, classes: Sequence[str], statistics: Mapping[str, Array], modality: str, units: Int, seed: int = 0
) -> tuple[Cue, ...]:
    """Look for what gives a class away.

    Args:
        y: Class of each item ``(n,) int64``.
        classes: Their ``k`` names.
        statistics: What was measured on each item, by name ``(n,)``.
        modality: ``"image"``, ``"text"`` or ``"audio"``.
        units: What must stay together ``(n,) int64``: clusters of near-copies. Groups as well, where there are many; a
            handful of speakers who are in every class leave too little to be sure of.
        seed: Deals the folds.

    Returns:
        The cues that are both beyond chance and considerable, the worst first.
    """
    y, units, statistics = _drawn(y, units, statistics, seed)
    inside, outside = _units_of_each(y, units, len(classes))
    judged = inside >= AT_LEAST
    measured = [(group, _measured(group, statistics)) for group in FEATURE_GROUPS[modality]]
    known = [(group, values) for group, values in measured if any(map(_differs, values))]
    if judged.sum() < 2 or not known:
        return ()
    folds = assign_folds(units, seed)
    bins = int(np.clip(np.sqrt(np.bincount(y)[judged].min()), 3, MOST_BINS))
    candidates = np.flatnonzero(judged)
    k = len(candidates)
    z = WIDER * NormalDist().inv_cdf(1 - FALSE_ALARMS / (len(known) * (1 + k)))
    of_all = float(np.sqrt(1 / k * (1 - 1 / k) * (1 / inside[judged]).sum())) / k  # standard deviations by chance
    of_one = np.sqrt(0.25 / np.maximum(1, inside) + 0.25 / np.maximum(1, outside)) / 2
    if k == 2:  # what tells one tells the other
        candidates = candidates[[int(inside[candidates].argmin())]]
    found = []
    for group, values in known:
        rates = cross_validate([into_bins(value, bins) for value in values], y, len(classes), folds, judged)
        if k > 2 and _stands_out(group, rates.accuracy, 1 / k, z * of_all):
            found.append(_cue(group, None, f"the {k} classes apart", rates.accuracy, 1 / k))
        for c in candidates.tolist():
            accuracy = float(rates.against_rest[c])
            if _stands_out(group, accuracy, 0.5, z * of_one[c]):
                difference = f"{_difference(group, values, y == c, classes[c])}. It may be a spurious cue: "
                found.append(_cue(group, classes[c], f"{classes[c]!r} from the rest", accuracy, 0.5, difference))
    return tuple(sorted(found, key=lambda cue: cue.score))


def _stands_out(group: FeatureGroup, accuracy: float, chance: float, margin: float) -> bool:
    """Whether an accuracy is both beyond chance and considerable."""
    return accuracy >= chance + margin and _score(accuracy, chance) < group.alarm


def _cue(group: FeatureGroup, label: str | None, whom: str, accuracy: float, chance: float, found: str = "") -> Cue:
    sentence = (
        f"{group.name[:1].upper()}{group.name[1:]} alone tells {whom} in {accuracy:.0%} of cases, where guessing is "
        f"right in {chance:.0%}: {found}{group.meaning}. {group.advice}"
    )
    return Cue(group.name, label, _score(accuracy, chance), accuracy, chance, sentence)


def _difference(group: FeatureGroup, values: Sequence[Float64], inside: Bool, label: str) -> str:
    """How the class differs, said by the one cut through one feature that parts it from the rest best."""
    cuts = [
        _best_cut(feature, value, inside) if feature.most else _best_name(value, inside)
        for feature, value in zip(group.features, values, strict=True)
    ]
    chosen, words = max(cuts, key=lambda cut: cut[0][inside].mean() - cut[0][~inside].mean())
    return f"{chosen[inside].mean():.0%} of {label!r} and {chosen[~inside].mean():.0%} of the others are {words}"


def _best_name(codes: Float64, inside: Bool) -> tuple[Bool, str]:
    kinds = np.unique(codes)
    lead = [(codes[inside] == kind).mean() - (codes[~inside] == kind).mean() for kind in kinds]
    kind = float(kinds[int(np.argmax(lead))])
    return codes == kind, format_word(kind)


def _best_cut(feature: Feature, values: Float64, inside: Bool) -> tuple[Bool, str]:
    order = np.argsort(values, kind="stable")
    own, ordered = inside[order], values[order]
    lead = np.cumsum(own) / max(1, own.sum()) - np.cumsum(~own) / max(1, (~own).sum())
    lead[:-1][ordered[1:] == ordered[:-1]] = 0.0  # no cut parts what is the same
    if lead.max() >= -lead.min():
        chosen, words = values <= ordered[lead.argmax()], feature.least
    else:
        chosen, words = values > ordered[lead.argmin()], feature.most
    return chosen, f"among the {chosen.mean():.0%} that {words}"


def _drawn(y: Int, units: Int, statistics: Mapping[str, Array], seed: int) -> tuple[Int, Int, Mapping[str, Array]]:
    if len(y) <= MOST_ITEMS:
        return y, units, statistics
    rows = np.sort(np.random.default_rng(seed).choice(len(y), MOST_ITEMS, replace=False))
    return y[rows], units[rows], {name: values[rows] for name, values in statistics.items()}


def _units_of_each(y: Int, units: Int, k: int) -> tuple[Int, Int]:
    """In how many units each class has items, and in how many the others have ``(k,) int64``."""
    pairs = np.unique(np.stack([y, units], axis=1), axis=0)
    _, unit, classes_in = np.unique(pairs[:, 1], return_inverse=True, return_counts=True)
    inside = np.bincount(pairs[:, 0], minlength=k)
    only = np.bincount(pairs[classes_in[unit] == 1, 0], minlength=k)
    return inside, len(classes_in) - only


def _measured(group: FeatureGroup, statistics: Mapping[str, Array]) -> list[Float64]:
    try:
        return [feature.of(statistics) for feature in group.features]
    except KeyError:  # an encoder from elsewhere may measure less
        return []


def _differs(value: Float64) -> bool:
    return len(np.unique(value[np.isfinite(value)])) > 1


def _score(accuracy: float, chance: float) -> float:
    return float(np.clip((1 - accuracy) / (1 - chance), 0.0, 1.0))
