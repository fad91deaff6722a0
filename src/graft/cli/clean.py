"""``graft clean``."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graft.cli.options import How, encoder_option, how_options, recipe_options
from graft.cli.output import pasted, say, show_json, shown
from graft.cli.paths import Command, InputPath, Output, OutputFile
from graft.cli.reading import as_flags, read_data, reading_options
from graft.errors import TooFewClasses, UsageError

if TYPE_CHECKING:
    from graft.cleaning import Corrections, Findings
    from graft.cleaning.effect import Effect
    from graft.journal.journal import JournalState
    from graft.journal.resolution import Applied

SHOWN = 5
"""So many corrections are named."""


@click.command(name="clean", cls=Command)
@click.argument("data", type=InputPath())
@click.option(
    "--journal",
    type=Output("journal"),
    help="Decisions about the items. [with --app: DATA's name + .journal]",
)
@click.option("--app", "as_app", is_flag=True, help="Go through the items in a web page.")
@click.option("--port", default=7860, show_default=True, help="Of the web page; 0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the web page listens; this machine only.")
@click.option("-o", "--output", type=OutputFile("data"), help="Write the whole table: .csv, .json or .parquet.")
@click.option("--export", "folder", type=Output("data"), help="Write a cleaned copy, by the journal.")
@click.option("--manifest", is_flag=True, help="Export a manifest of paths instead of copies.")
@encoder_option(help="What to look with; see graft encoders.")
@recipe_options
@reading_options
@how_options(json="Print all findings as JSON.", overwrite="Replace a table that is there already.", cache=True)
def command(
    data: str,
    journal: Path | None,
    as_app: bool,
    port: int,
    host: str,
    output: Path | None,
    folder: Path | None,
    manifest: bool,
    recipe: dict[str, Any],
    reading: dict[str, Any],
    how: How,
) -> None:
    """Find what is wrong in DATA: labels, strangers, copies, leaks, bad items, spurious cues. DATA are never changed.

    Decisions go to a journal, which graft fit --journal follows.
    """
    from graft.cleaning import export, find_issues
    from graft.cleaning.findings import check_format
    from graft.model.journalled import decisions_of
    from graft.recipe import Recipe
    from graft.report.words import amount

    if manifest and not folder:
        raise UsageError("--manifest says how to export, and nothing is to be exported.", "Give --export FOLDER.")
    if output:
        check_format(output)
    if as_app:
        _check_app(as_json=how.as_json)
    decided = decisions_of(journal) if journal and not as_app else None
    with how.progress() as progress:
        dataset = read_data(data, progress=progress, min_classes=1, **reading)
        findings = find_issues(dataset, Recipe(**recipe), cache=how.cache, progress=progress)
    applied = _apply(findings, decided) if decided is not None else None
    effect = _effect(findings, applied) if applied else None
    findings = findings.decided(applied) if applied else findings
    corrections = _corrections(findings)
    if output:
        findings.write(output)
    exported = None
    if folder:
        exported = export((applied or findings).dataset, folder, as_manifest="absolute" if manifest else None)
    if how.as_json:
        show_json(
            findings.to_dict()
            | {"corrections": corrections.to_dicts() if corrections else []}
            | (_told(applied) | {"worth": effect.to_dict() if effect else None} if applied else {})
            | ({"export": exported.to_dict()} if exported else {})
        )
    else:
        _show(findings, corrections, applied, effect)
        if output:
            _say("Table", str(output))
        if exported:
            _say("Export", f"{exported.folder}: {amount(exported.n_items, dataset.modality)}")
            for entry in exported.skipped:
                _say("", f"Not written: {entry.path}: {entry.reason}")
        if not (as_app or journal or exported):
            asked = {name: value for name, value in recipe.items() if name != "seed" and value != "auto"}
            flags = as_flags(asked | reading)
            say(f" {'Next':<12}{' '.join([pasted('clean', data), *flags, '--app'])}")  # to be copied
    if as_app:
        from graft.app import serve_editor

        serve_editor(findings, journal or f"{dataset.name}.journal", host=host, port=port)


def _check_app(*, as_json: bool) -> None:
    """Whether the page can be shown; before the work, not after it."""
    from graft.app import check_installed

    if as_json:
        raise UsageError("--app shows a page, and --json prints one value.", "Give one of them.")
    check_installed()


def _show(findings: Findings, corrections: Corrections | None, applied: Applied | None, effect: Effect | None) -> None:
    from graft.report.words import excerpt

    say(str(findings))
    if corrections and corrections.n_candidates:
        _say("Gain", corrections.sentence)
        for row, to in list(zip(corrections.rows.tolist(), corrections.to, strict=True))[:SHOWN]:
            name = excerpt(findings.dataset.items[row].name, 60)
            _say("", f"{findings['given_label'][row]} -> {to or 'drop'}: {name}")
    if applied:
        told = _told(applied)["journal"]
        _say("Journal", ", ".join(f"{n:,} {what}" for what, n in told.items() if n and what != "warnings") or "empty")
        for warning in told["warnings"]:
            _say("", warning)
    if effect:
        _say("Worth", effect.sentence)


def _say(what: str, sentence: str) -> None:
    from graft.report.terminal import page_width

    lines = textwrap.wrap(shown(sentence), page_width() - 15, break_long_words=False, break_on_hyphens=False)
    say(f" {what:<12}" + f"\n{'':13}".join(lines))


def _apply(findings: Findings, decided: JournalState) -> Applied:
    """The decisions, and among the data's warnings only what is to be said of them."""
    from graft.journal.resolution import apply
    from graft.model.journalled import warn_of_lines

    applied = apply(findings.dataset, findings.pool.embedded.digests, decided.decisions)
    warnings = (*applied.dataset.warnings[len(findings.dataset.warnings) :], *warn_of_lines(decided))
    return replace(applied, dataset=replace(applied.dataset, warnings=warnings))


def _told(applied: Applied) -> dict[str, Any]:
    actions = ("relabelled", "dropped", "kept", "unsure", "unmatched")
    counts = {action: len(getattr(applied, action)) for action in actions}
    return {"journal": {**counts, "warnings": list(applied.dataset.warnings)}}


def _corrections(findings: Findings) -> Corrections | None:
    from graft.cleaning import shortest_list

    if findings.labels is None or not findings.labels.judged.any():
        return None
    return shortest_list(findings.pool, findings.labels, findings.outliers)


def _effect(findings: Findings, applied: Applied) -> Effect | None:
    from graft.cleaning import measure_effect

    try:
        return measure_effect(findings.pool, applied) if findings.labels is not None else None
    except TooFewClasses as error:  # what is left may still be looked at, and exported
        say(f"What the edits were worth cannot be told: {error}", err=True)
        return None
