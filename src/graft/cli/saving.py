"""What a fit leaves behind: shown before it is saved, and where saving fails, said what was saved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graft.cli.options import How
from graft.cli.output import say, shown
from graft.errors import GraftError, refused_as

if TYPE_CHECKING:
    from graft.model import Model

Step = tuple[str, Path, Callable[[], Any]]
"""What is saved, where, and how."""


def named_after(model: Path, ending: str) -> Path:
    """Where by default a model goes that another one was made into: beside it, with this behind its name."""
    name = model.resolve().name.removesuffix(".graft") or "model"
    return model.resolve().with_name(f"{name}{ending}.graft")


def show_and_save(
    model: Model,
    target: Path,
    page: Path | None,
    how: How,
    use: str = "",
    more: Sequence[Step] = (),
) -> int:
    """Print the report, then save the model, its page and what else there is; the exit code.

    The figures have cost the work: no full disk takes them away. As JSON they stand in one value, beside the error.

    Args:
        model: What was fitted.
        target: Its folder.
        page: Where the report goes as a page.
        how: Whether to print JSON, and whether what is there may be replaced.
        use: Stands beside the model's place.
        more: What else is to be saved.

    Raises:
        GraftError: Something could not be saved; says what was.
    """
    report = replace(model.report, model=str(target), report=str(page) if page else None)
    if not how.as_json:
        say(str(report))
    steps: list[Step] = [("Model", target, lambda: model.save(target, overwrite=how.overwrite))]
    if page:
        steps.append(("Report", page, lambda: report.to_html(page, overwrite=how.overwrite)))
    error = save(steps := [*steps, *more])
    width = max(7, *(len(what) for what, _, _ in steps))
    places = [
        f"{what:<{width}} {shown(place)}" + (f"    {use}" if use and what == "Model" else "")
        for what, place, _ in steps
    ]
    return how.show(report.to_dict, () if error else places, error)


def save(steps: Sequence[Step]) -> GraftError | None:
    """Save one after the other; the error at which it ended, which says what was saved before."""
    saved: list[str] = []
    for what, place, write in steps:
        try:
            with refused_as(GraftError, f"{place} cannot be written", "Choose another place."):
                write()
        except GraftError as error:
            error.message += f" Saved before: {', '.join(saved)}." if saved else " Nothing was saved."
            return error
        saved.append(f"{what.lower()} {place}")
    return None


def write_held_out(model: Model, path: Path) -> None:
    """Write what was said of every held-out item, with its given label, its split and its fold, 0 for a test split."""
    from graft.cli.answers import Layout, PredictedRow, to_file

    held = model.held_out
    if held is None:
        raise GraftError("Nothing is known of held-out items.", "Fit the model again.")
    answers = (
        PredictedRow(prediction, {"given": given, "split": "train" if fold else "test", "fold": int(fold)})
        for prediction, given, fold in zip(held.predictions(), held.given, held.fold, strict=True)
    )
    to_file(
        answers, Layout(held.classes, columns=("given", "split", "fold"), answers=model.task.prediction.columns), path
    )
