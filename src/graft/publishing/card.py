"""The card of a saved model: what it tells apart, how good it is and how that is known, and how it is used."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from graft import bundle
from graft.encoders.hub.fetch import HUB_NAME
from graft.front_matter import Value, headed

MARK = "<!-- written by graft push; without this line the card is yours, and is not written over -->"
SHOWN = 200
"""So many classes stand in the card."""
PIPELINES = {
    ("image", True): "image-classification",
    ("text", True): "text-classification",
    ("audio", True): "audio-classification",
}
ITEMS = {"image": ("photo", "photos", "new.jpg"), "text": ("text", "texts", "'a new text'")}
RECORDINGS = ("recording", "recordings", "new.wav")


def card_of(folder: Path, name: str) -> str:
    """The card of a model, as Markdown with front matter.

    Args:
        folder: The saved model.
        name: Of its repository.

    Raises:
        GraftError: It cannot be loaded.
    """
    report: Mapping[str, Any] = bundle.read(folder, {"report.json"}).documents["report"]
    modality, classes = str(report["modality"]), report.get("classes")
    one, many, example = ITEMS.get(modality, RECORDINGS)
    title = str(report.get("name") or name)
    encoder = _encoder(report)
    head: dict[str, Value] = {
        "library_name": "graft",
        "pipeline_tag": PIPELINES.get((modality, classes is not None), ""),
        "base_model": encoder.partition("@")[0] if HUB_NAME.fullmatch(encoder.partition("@")[0]) else "",
        "tags": ["graft", "transfer-learning", "calibrated"],
    }
    what = _kinds(report) if classes else "gives a number, with an interval"
    parts = [
        MARK,
        f"# {_text(title)}",
        _introduction(report, what, one, many),
        "## How good it is",
        *(_class_figures(report) if classes else _number_figures(report)),
        "## Data",
        _data(report, many),
        "## Limits",
        _limits(report, many),
        "## How to use it",
        _use(name, example),
    ]
    return headed(head, "\n\n".join(part for part in parts if part) + "\n")


def _introduction(report: Mapping[str, Any], what: str, one: str, many: str) -> str:
    version = _text(str(report.get("version", "")))
    return (
        f"Given {'an' if one[0] in 'aeiou' else 'a'} {one}, this model {what}. A new head on the encoder "
        f"{_text(_encoder(report))}, fitted with Graft {version} to {report['n_train']:,} {many}."
    )


def _encoder(report: Mapping[str, Any]) -> str:
    """The encoder's name; of a folder of the machine that the model was fitted on, no more than its last part."""
    name = str(report["encoder"])
    return PurePath(name).name if PurePath(name).is_absolute() else name


def _kinds(report: Mapping[str, Any]) -> str:
    classes = [_text(str(label)) for label in report["classes"]]
    listed = ", ".join(classes[:SHOWN]) + (f" and {len(classes) - SHOWN} others" if len(classes) > SHOWN else "")
    if report.get("multi"):
        return f"gives it any of {len(classes)} labels: {listed}"
    return f"names one of {len(classes)} classes: {listed}"


def _class_figures(report: Mapping[str, Any]) -> list[str]:
    score = report.get("test") or report["accuracy"]
    named = "Exactly the right labels" if report.get("multi") else "Accuracy"
    rows = [_row(named, score)]
    if report.get("test"):
        rows.append(_row("The same, cross-validated", report["accuracy"]))
    if _is_number(report.get("macro_f1")):
        rows.append(f"| Macro F1 | {report['macro_f1']:.3f} | |")
    if _is_number((report.get("calibration") or {}).get("ece")):
        rows.append(f"| Expected calibration error | {report['calibration']['ece']:.3f} | |")
    rows += [f"| Baseline: {_text(key)} | {value:.3f} | |" for key, value in report.get("baselines", {}).items()]
    table = "\n".join(["| figure | value | 95 % interval |", "| --- | --- | --- |", *rows])
    how = _sentences(score.get("method"), report.get("judged_on"))
    per = report.get("per_class") or {}
    lines = [
        f"| {_text(label)} | {_share(found['precision'])} | {_share(found['recall'])} | "
        f"{_share(found.get('recall_low'))} to {_share(found.get('recall_high'))} | {found['n']:,} |"
        for label, found in list(per.items())[:SHOWN]
    ]
    head = ["| class | precision | recall | 95 % interval of the recall | judged |", "| --- | --- | --- | --- | --- |"]
    return [table, how, "\n".join([*head, *lines]) if lines else ""]


def _number_figures(report: Mapping[str, Any]) -> list[str]:
    names = {"mae": "Mean absolute error", "rmse": "Root mean squared error", "r2": "Share of variance explained"}
    source = report.get("test") or report
    rows = [_row(label, source[key]) for key, label in names.items() if key in source]
    rows.append(_row("Numbers within their 90 % interval", source["interval_coverage"]))
    rows += [f"| Error of a baseline: {_text(key)} | {value:.4g} | |" for key, value in report["baselines"].items()]
    table = "\n".join(["| figure | value | 95 % interval |", "| --- | --- | --- |", *rows])
    return [table, _sentences(source["mae"].get("method"), report.get("judged_on"))]


def _data(report: Mapping[str, Any], many: str) -> str:
    text = f"{report['n_train']:,} {many} to learn from"
    text += f" and {report['n_test']:,} held back as a test" if report.get("n_test") else ""
    text += f"; {report['n_skipped']:,} could not be read" if report.get("n_skipped") else ""
    return (
        f"{text}. The items themselves are not in this repository; a hash, the label and the split of each are, and "
        "who holds the very same item can tell that it was learned from."
    )


def _limits(report: Mapping[str, Any], many: str) -> str:
    first = f"- The figures hold for {many} like those it was fitted to. {many.capitalize()} of another place, device"
    lines = [f"{first} or time can score lower: judge it on some of your own with graft evaluate."]
    if sets := report.get("sets"):
        lines.append(f"- With each answer comes a set of classes. {_sentences(sets.get('guarantee'))}")
    unknown = report.get("unknown") or {}
    rate = unknown["rate"]["value"] if isinstance(unknown.get("rate"), Mapping) else None
    if _is_number(unknown.get("threshold")) and _is_number(rate):
        share = f"{rate:.0%} of {many} of its own kind"
        lines.append(f"- What is unlike all it has seen is called unknown; so are about {share}. It is no proof.")
    lines += [f"- {_text(warning)}" for warning in report.get("warnings", ())[:20]]
    return "\n".join(lines)


def _use(name: str, example: str) -> str:
    own = name.rpartition("/")[2]
    return (
        "```\npip install 'graft-learn[push]'\n"
        f"hf download {name} --local-dir {own}.graft\n"
        f"graft predict {own}.graft {example}\n```"
    )


def _row(label: str, score: Mapping[str, Any]) -> str:
    value, low, high = (score.get(key) for key in ("value", "low", "high"))
    if not _is_number(value):
        return f"| {label} | not judged | |"
    span = f"{low:.3g} to {high:.3g}" if _is_number(low) and _is_number(high) else ""
    return f"| {label} | {value:.3g} | {span} |"


def _share(value: Any) -> str:
    return f"{value:.3f}" if _is_number(value) else "-"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _sentences(*texts: Any) -> str:
    return " ".join(f"{text[:1].upper()}{text[1:].rstrip('.')}." for text in texts if isinstance(text, str) and text)


def _text(text: str) -> str:
    """A text of the user's as Markdown that stays one: nothing in it heads, links, marks up or ends a cell."""
    plain = " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())
    return "".join(f"\\{mark}" if mark in "\\`*_{}[]()<>#!|~&$@:" else mark for mark in plain)
