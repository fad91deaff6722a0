"""What a class might be told by although it has nothing to do with it: groups of features that were measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from graft.contracts import Array, Float64
from graft.decoding.measures import FORMATS

Known = Mapping[str, Array]

ESSENTIAL = 0.3
"""The alarm of what often belongs to a class: colours, digits, capitals."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A number of an item.

    Attributes:
        of: From what was measured on all, ``(n,)`` each, to ``(n,) float64``.
        least: What is said of the items that have least of it; "" where it is the code of a type of file.
        most: What is said of those that have most.
    """

    of: Callable[[Known], Float64]
    least: str
    most: str


@dataclass(frozen=True, slots=True)
class FeatureGroup:
    """Numbers that say the same kind of thing.

    Attributes:
        name: What they say something about.
        meaning: What the model may learn instead of what it should.
        advice: What to do.
        features: The numbers.
        alarm: A cue is reported when its score is below: where half of what guessing leaves open is told by it, and
            more where the numbers are often of the essence.
    """

    name: str
    meaning: str
    advice: str
    features: tuple[Feature, ...]
    alarm: float


def _plain(name: str) -> Callable[[Known], Float64]:
    return lambda known: np.asarray(known[name], np.float64)


def _log(name: str, *per: str, decimals: int = 4) -> Callable[[Known], Float64]:
    """On a logarithmic scale, rounded so that nothing parts what is the same; ``per``: what it is divided by."""

    def of(known: Known) -> Float64:
        value = np.maximum(known[name], 1e-9) / math.prod(np.maximum(known[part], 1e-9) for part in per)
        return np.asarray(np.round(np.log(value), decimals), np.float64)

    return of


def format_word(code: float) -> str:
    """How a type of file is called."""
    name = FORMATS[int(code)] if 0 <= code < len(FORMATS) else FORMATS[0]
    return "of a rare type" if name == "other" else f"{name.upper()} files"


def _amount(name: str, what: str, least: str = "least") -> Feature:
    """A number of which items have more or less; ``least``: the word for those that have little, such as "fewest"."""
    return Feature(_plain(name), f"have the {least} {what}", f"have the most {what}")


def _group(name: str, meaning: str, advice: str, *features: Feature, alarm: float = 0.5) -> FeatureGroup:
    return FeatureGroup(name, meaning, advice, features, alarm)


_FORMAT = _group(
    "file type",
    "the type of file says where it came from, not what it shows",
    "Save all classes the same way, or get every class from the same sources.",
    Feature(_plain("format"), "", ""),
)
_PRIMARIES = ("red", "green", "blue")

_PICTURES = (
    _group(
        "brightness",
        "the model may learn the light instead of the thing",
        "Take pictures of every class under the same light.",
        Feature(_plain("brightness"), "are darkest", "are brightest"),
        Feature(_plain("luma_5"), "have the darkest shadows", "have the brightest shadows"),
        Feature(_plain("luma_99"), "have the darkest lights", "have the brightest lights"),
    ),
    _group(
        "size",
        "the sizes say where the pictures came from, and small ones look softer to the encoder",
        "Get every class from the same sources, at the same size.",
        Feature(_log("width"), "are narrowest", "are widest"),
        Feature(_log("height"), "are lowest", "are highest"),
    ),
    _group(
        "shape",
        "the format decides what is cropped, and may say where the pictures came from",
        "Crop all pictures to one format, or get every class from the same sources.",
        Feature(_log("width", "height", decimals=2), "are most upright", "are most oblong"),
    ),
    _group(
        "background colour",
        "the model may learn the background instead of the thing",
        "Take pictures of every class before the same backgrounds.",
        *(_amount(f"border_{primary}", f"{primary} at the border") for primary in _PRIMARIES),
        Feature(_plain("border_spread"), "have the plainest border", "have the liveliest border"),
    ),
    _group(
        "colour",
        "fine if colour is what tells the classes; else the model may learn the light or the camera",
        "Take pictures of every class under the same light, with the same camera.",
        *(_amount(primary, primary) for primary in _PRIMARIES),
        Feature(_plain("saturation"), "are palest", "are most colourful"),
        alarm=ESSENTIAL,
    ),
    _group(
        "sharpness",
        "the model may learn the camera or the focus instead of the thing",
        "Take pictures of every class with the same camera, from the same distance.",
        Feature(_log("sharpness"), "are softest", "are sharpest"),
    ),
    _FORMAT,
    _group(
        "file size",
        "strong compression leaves traces that the model may learn",
        "Save all classes with the same quality.",
        Feature(
            _log("bytes", "width", "height", decimals=3), "take the fewest bytes a pixel", "take the most bytes a pixel"
        ),
    ),
)

_TEXTS = (
    _group(
        "length",
        "the model may learn the length instead of the meaning",
        "Collect texts of every class of all lengths.",
        Feature(_log("characters"), "are shortest", "are longest"),
        _amount("words", "words", "fewest"),
        _amount("lines", "lines", "fewest"),
    ),
    _group(
        "capitals",
        "capitals often say who wrote, not what about",
        "Get every class from the same sources, or write all in lower case.",
        _amount("upper", "capitals", "fewest"),
        alarm=ESSENTIAL,
    ),
    _group(
        "digits and signs",
        "fine if numbers belong to the class; else they may say where a text came from",
        "Look at the digits and signs, and take out what is no part of the text.",
        _amount("digits", "digits", "fewest"),
        _amount("letters", "letters", "fewest"),
        alarm=ESSENTIAL,
    ),
    _group(
        "links",
        "fine if links belong to the class; else they say where a text came from",
        "Take the links out of all texts, or get every class from the same sources.",
        _amount("links", "links", "fewest"),
        alarm=ESSENTIAL,
    ),
    _group(
        "alphabet",
        "the characters may say who wrote or how it was exported, not what about",
        "Look at the characters, and export every class the same way.",
        Feature(_plain("ascii"), "have the most unusual characters", "have the fewest unusual characters"),
        alarm=ESSENTIAL,
    ),
)

_RECORDINGS = (
    _group(
        "length",
        "the model may learn how the recordings were cut",
        "Cut recordings of every class in the same way.",
        Feature(_log("seconds"), "are shortest", "are longest"),
    ),
    _group(
        "rate and channels",
        "the model may learn the recorder instead of the sound",
        "Record every class with the same equipment, or bring all to the lowest rate.",
        Feature(_plain("rate"), "have the lowest rate", "have the highest rate"),
        _amount("channels", "channels", "fewest"),
        Feature(_plain("bandwidth"), "have the narrowest band", "have the widest band"),
    ),
    _group(
        "loudness",
        "the model may learn the distance or the level instead of the sound",
        "Record every class at the same distance and level.",
        Feature(_log("rms"), "are quietest", "are loudest"),
        Feature(_log("peak"), "have the lowest peaks", "have the highest peaks"),
        Feature(_plain("clipped"), "are clipped least", "are clipped most"),
    ),
    _group(
        "background noise",
        "the model may learn the room instead of the sound",
        "Record every class in the same places.",
        Feature(_plain("noise"), "have the quietest pauses", "have the loudest pauses"),
        _amount("silence", "silence"),
    ),
    _FORMAT,
    _group(
        "file size",
        "the way in which a recording was saved leaves traces that the model may learn",
        "Save all classes the same way.",
        Feature(_log("bytes", "seconds"), "take the fewest bytes a second", "take the most bytes a second"),
    ),
)

FEATURE_GROUPS: Mapping[str, tuple[FeatureGroup, ...]] = {"image": _PICTURES, "text": _TEXTS, "audio": _RECORDINGS}
"""What is looked at, by modality."""
