"""``README.md`` of an export: what lies there, how it is asked, what the answers mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graft.decoding.formats import NOUNS
from graft.export.examples import needs_of
from graft.report.words import NBSP, percent

README = "README.md"
_INPUTS = {
    "image": (
        "`pixels` (n, height, width, 3) uint8: upright RGB pictures of any size, transparency laid on white, above "
        "2,000,000 pixels divided by a whole factor as `example.py` does it"
    ),
    "text": (
        "`input_ids` and `attention_mask` (n, length) int64, and where the model looks at words `words` (n, v) "
        "float32: `tokenizer/tokenizer.py` and `tokenizer.js` make them of texts"
    ),
    "audio": "`samples` (n, length) float32: one channel at 16,000 samples a second, full scale 1",
}
_ASK = """```sh
pip install -r requirements.txt
python example.py model.onnx FILE
```"""
_FILES = """| file | what it is |
| --- | --- |
| `model.onnx` | the graph, weights kept as {precision}; its metadata hold the texts of `labels.json` |
| `labels.json` | classes, thresholds, figures, versions |
| `example.py`, `requirements.txt` | the few lines that ask it, and what they need |
| `goldens/` | inputs with the answers that the model gave when it was exported |
| `certificate.json` | the hash of every file, and how alike the graph answered |"""
_UNKNOWN = (
    "- gives `unknown_score` (n,): above {unknown_threshold:.4g} the item is like nothing that the model learned from, "
    "and its answer is not to be relied on"
)
_SETS = (
    "- gives `set` (n, {k}): the classes among which the true one is aimed to be in 9 of 10 cases; one class is a "
    "clear answer, several a doubt, none an item that fits no class well"
)
_COPIED = (
    "`example.py` needs {} and nothing else; copy it into your own program.",
    "`example.py` needs {}, and the folder `tokenizer` beside it; copy both into your own program.",
)
_MOST_NAMED = 20


def read_me(labels: Mapping[str, Any]) -> str:
    """The text.

    Args:
        labels: What stands in ``labels.json``.
    """
    one, many = NOUNS[labels["modality"]]
    classes = labels["classes"]
    parts = [
        f"# {_plain(labels['name'])}",
        _purpose(labels, one, classes),
        _quality(labels, many),
        "## Ask it",
        _ASK,
        _COPIED[labels["modality"] == "text"].format(_joined(needs_of(labels))),
        "## What the graph takes and gives",
        "\n".join([f"- takes {_INPUTS[labels['modality']]}", *_outputs(labels, len(classes))]),
        "## What lies here",
        _FILES.format(precision=labels["precision"]),
        "`graft verify` on this folder checks the files and asks the graph again, on whatever machine it lies.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _purpose(labels: Mapping[str, Any], one: str, classes: list[str]) -> str:
    encoder = labels["encoder"]["name"]
    if not classes:
        return f"A model that says a number of each {one}, on the encoder {_plain(encoder)}."
    named = ", ".join(_plain(label) for label in classes[:_MOST_NAMED])
    more = f" and {len(classes) - _MOST_NAMED} more" if len(classes) > _MOST_NAMED else ""
    does = (
        "gives each {} any number of the labels" if "thresholds" in labels else "tells for each {} which class it is of"
    )
    return f"A model that {does.format(one)}: {named}{more}. It stands on the encoder {_plain(encoder)}."


def _quality(labels: Mapping[str, Any], many: str) -> str:
    unseen = f"On {many} that it had not seen"
    whole = f" It has learned from {labels['n_items']:,} {many}, and the figure holds for {many} like those."
    if accuracy := _figure(labels, "accuracy"):
        right = "all its labels were right" if "thresholds" in labels else "it was right"
        return (
            f"{unseen} {right} in {percent(accuracy['value'])} of cases, {percent(accuracy['low'])} to "
            f"{percent(accuracy['high'])} with 95{NBSP}% confidence.{whole}"
        )
    if error := _figure(labels, "mean_absolute_error"):
        return (
            f"{unseen} it was off by {error['value']:.4g} on average, {error['low']:.4g} to {error['high']:.4g} with "
            f"95{NBSP}% confidence.{whole}"
        )
    return ""


def _figure(labels: Mapping[str, Any], name: str) -> Mapping[str, float]:
    """A figure with its interval; nothing where there is none, as of very few items."""
    figure = labels.get(name)
    whole = isinstance(figure, Mapping) and all(isinstance(figure.get(key), float) for key in ("value", "low", "high"))
    return figure if whole and figure else {}


def _outputs(labels: Mapping[str, Any], k: int) -> list[str]:
    unknown = _UNKNOWN.format(**labels)
    if not k:
        interval = "- gives `value` (n,), and `low` and `high`, between which the true number lies in 9 of 10 cases"
        return [interval, unknown]
    if "thresholds" in labels:
        p = f"- gives `probabilities` (n, {k}) of each label, in the order of `classes`"
        return [p, f"- gives `set` (n, {k}): the labels that are more likely than not", unknown]
    p = f"- gives `probabilities` (n, {k}), calibrated, in the order of `classes`"
    return [p, _SETS.format(k=k), unknown]


def _joined(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1]


def _plain(text: str) -> str:
    """A name that is text in Markdown, and nothing else, where it does not begin a line."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>#|&~$@:" else letter for letter in line)
