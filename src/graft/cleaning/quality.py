"""Items that are hard to make out, whatever their label: dark, blurred, empty, silent, of odd size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graft.cleaning.wording import emptiness, repetition
from graft.contracts import Array, Bool, Float64
from graft.data.dataset import Dataset
from graft.evaluation.notices import CLIPPED, SILENT

COMMON = 0.25
"""What more of the items have is how the data are: only what scores below half of their lower quartile is an issue."""
FAR_OUT = 3.0
"""Quartile ranges beyond the quartiles from which on a size is far from all others (Tukey, 1977)."""
DROP_IT = "Drop it."
"""The advice where nothing can be made of an item."""
AT_LEAST = 20
"""Items from which on there is such a thing as an odd one among them."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Something that can be wrong with an item.

    Attributes:
        modality: Of the items that can have it.
        threshold: A score below it is an issue.
        score: From what was measured, ``(n,)`` each: 0 to 1, low is bad.
        words: What it means for the item.
        advice: What to do about it.
    """

    modality: str
    threshold: float
    score: Callable[[Mapping[str, Array]], Float64]
    words: str
    advice: str


def examine(dataset: Dataset, statistics: Mapping[str, Array], texts: Sequence[str] | None = None) -> dict[str, Array]:
    """Judge the quality of items by what was measured when they were decoded.

    Args:
        dataset: ``n`` items.
        statistics: What was measured on each, by name ``(n,)``.
        texts: The items' texts, where they are texts and at hand.

    Returns:
        For each of ``KINDS`` that can be judged ``is_<kind>_issue`` ``(n,) bool`` and ``<kind>_score``
        ``(n,) float64``, 0 to 1, low is bad. Where nothing was measured on an item, it has no issue and the score 1.
    """
    known = dict(statistics)
    if dataset.modality == "text" and texts is not None:
        known |= {"emptiness": emptiness(texts), "repetition": repetition(texts, dataset.labels)}
    columns: dict[str, Array] = {}
    for name, kind in KINDS.items():
        if kind.modality != dataset.modality:
            continue
        try:
            score = np.clip(np.nan_to_num(kind.score(known), nan=1.0), 0.0, 1.0)
        except KeyError:  # an encoder from elsewhere may measure less
            continue
        columns[f"is_{name}_issue"] = _issues(score, kind.threshold)
        columns[f"{name}_score"] = score
    return columns


def _issues(score: Float64, threshold: float) -> Bool:
    low = np.asarray(score < threshold, np.bool_)
    if len(low) < AT_LEAST or low.mean() <= COMMON:
        return low
    return np.asarray(low & (score < np.quantile(score, COMMON) / 2), np.bool_)


def _dark(known: Mapping[str, Array]) -> Float64:
    """The brightest parts; or the mean, where a lamp in the night is all that can be seen."""
    return np.asarray(np.minimum(known["luma_99"], 4 * known["brightness"]), np.float64)


def _light(known: Mapping[str, Array]) -> Float64:
    return 1 - known["luma_5"]


def _low_information(known: Mapping[str, Array]) -> Float64:
    return known["entropy"] / 10


def _blurry(known: Mapping[str, Array]) -> Float64:
    """Edges in proportion to contrast: fog is not blur, and a blank is another matter."""
    detail = known["sharpness"] / np.maximum(np.square(255 * known["contrast"]), 1.0)
    return np.where(known["contrast"] < _BLANK, 1.0, 1 - np.exp(-detail / _DETAIL))


_DETAIL, _BLANK = 0.1, 0.02


def _odd_size(known: Mapping[str, Array]) -> Float64:
    """Ratio to the size of the median picture where it is far below all; or how short the shorter side is."""
    size = np.sqrt(known["width"] * known["height"])
    among = np.where(size < np.nanmedian(size), _ratio_to_others(size), 1.0)  # a larger one has lost nothing
    return np.minimum(among, np.minimum(known["width"], known["height"]) / _ENOUGH_PIXELS)


_ENOUGH_PIXELS = 160.0


def _odd_aspect_ratio(known: Mapping[str, Array]) -> Float64:
    return np.minimum(known["width"], known["height"]) / np.maximum(known["width"], known["height"])


def _grayscale(known: Mapping[str, Array]) -> Float64:
    return np.where(known["contrast"] < _BLANK, 1.0, known["saturation_max"] * 10)


def _short_text(known: Mapping[str, Array]) -> Float64:
    """Letters and digits in it, where most texts have words."""
    if np.nanmedian(known["characters"]) < _A_FEW_WORDS:
        return np.ones(len(known["characters"]))
    dense = known["characters"] - known["words"] + 1
    return np.asarray((known["letters"] + known["digits"]) * dense / _A_FEW_WORDS)


_A_FEW_WORDS = 20.0


def _silent(known: Mapping[str, Array]) -> Float64:
    return _decibels(known["rms"]) / 120 + 1


def _odd_length(known: Mapping[str, Array]) -> Float64:
    return _ratio_to_others(known["seconds"])


def _ratio_to_others(size: Array) -> Float64:
    """Ratio of each to the median, or of the median to it: at most 1; and 1 where it is not far out."""
    logs = np.log(np.maximum(size, 1e-9))
    low, middle, high = np.nanquantile(logs, [0.25, 0.5, 0.75]) if len(logs) else np.zeros(3)
    room = FAR_OUT * (high - low)
    far = (logs < low - room) | (logs > high + room)
    return np.where(far, np.exp(-np.abs(logs - middle)), 1.0)


def _decibels(amplitude: Array) -> Float64:
    return 20 * np.log10(np.maximum(amplitude, 1e-6))


KINDS: Mapping[str, Kind] = {
    "dark": Kind("image", 0.32, _dark, "too dark to see much", "Take it again with more light, or drop it."),
    "light": Kind("image", 0.05, _light, "overexposed: nearly all of it is white", "Take it again, or drop it."),
    "low_information": Kind(
        "image", 0.25, _low_information, "next to nothing in it: a blank or a drawing of few tones", DROP_IT
    ),
    "blurry": Kind("image", 0.07, _blurry, "blurred", "Take it again, or drop it."),
    "odd_size": Kind(
        "image", 0.2, _odd_size, "tiny, or far smaller than all others", "Get the original in full size."
    ),
    "odd_aspect_ratio": Kind(
        "image", 0.35, _odd_aspect_ratio, "so long and narrow that the encoder sees little of it", "Crop it."
    ),
    "grayscale": Kind("image", 0.1, _grayscale, "without colour, where nearly all others have some", "Look at it."),
    "empty": Kind("text", 0.5, lambda known: 1 - known["emptiness"], "no word in it", DROP_IT),
    "boilerplate": Kind(
        "text", 0.2, lambda known: 1 - known["repetition"],
        "a placeholder, or words that stand under several labels alike", DROP_IT,
    ),
    "short": Kind("text", 0.125, _short_text, "too short to say much", "Look at it."),
    "non_letters": Kind(
        "text", 0.4, lambda known: known["letters"], "mostly digits and signs", "Look at it."
    ),
    "silent": Kind(
        "audio", float(_decibels(np.array(SILENT))) / 120 + 1, _silent, "silent", "Record it again, or drop it."
    ),
    "clipped": Kind(
        "audio", 1 - CLIPPED, lambda known: 1 - known["clipped"], "recorded too loud and clipped", "Record it again."
    ),
    "mostly_silent": Kind(
        "audio", 0.1, lambda known: 1 - known["silence"], "hardly anything but silence", "Cut it, or drop it."
    ),
    "too_short": Kind(
        "audio", 0.2, lambda known: known["seconds"] * (1 - known["silence"]) / 0.5,
        "less than a tenth of a second of sound: no syllable is as short", "Record it again, or drop it.",
    ),
    "odd_length": Kind("audio", 0.2, _odd_length, "of a length far from all others", "Cut it, or drop it."),
}  # fmt: skip
"""Everything that can be wrong with an item's quality, and below which score it is.

The thresholds of ``dark`` (99th percentile of the brightness), ``light`` (5th percentile) and ``odd_aspect_ratio`` are
CleanVision's, as is that what many items have is no issue; the others were set by looking at the worst pictures, texts
and recordings of eight data sets (``docs/quality.md``).
"""
