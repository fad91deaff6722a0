"""``graft clean``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graft.cli.output import progress_bar, show_json
from graft.cli.reading import read_data, reading_options
from graft.errors import TooFewClasses, UsageError

if TYPE_CHECKING:
    from graft.cleaning import Findings
    from graft.cleaning.worth import Worth
    from graft.data.dataset import Dataset
    from graft.data.decision import Decision
    from graft.data.standing import Applied


@click.command(name="clean")
@click.argument("data", type=click.Path())
@click.option(
    "--journal",
    type=click.Path(path_type=Path),
    help="Decisions about the items. [with --app: DATA's name + .journal.jsonl]",
)
@click.option("--app", "as_app", is_flag=True, help="Go through the items in a web page.")
@click.option("--port", default=7860, show_default=True, help="Of the web page; 0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the web page listens; this machine only.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the whole table: .csv, .json or .parquet.")
@click.option("--export", "folder", type=click.Path(path_type=Path), help="Write a cleaned copy, by the journal.")
@click.option("--manifest", is_flag=True, help="Export a manifest of paths instead of copies.")
@click.option("--encoder", default="auto", show_default=True, help="What to look with; see graft encoders.")
@click.option("--prompt", default="", help="Put before every text, for encoders that were trained with one.")
@click.option("--backend", default="auto", show_default=True, help="openvino, onnxruntime, or auto.")
@click.option("--seed", default=0, show_default=True, help="Every random choice follows from it.")
@reading_options
@click.option("--no-cache", is_flag=True, help="Neither read nor write the cache of embeddings.")
@click.option("--json", "as_json", is_flag=True, help="Print all findings as JSON.")
def command(
    data: str,
    journal: Path | None,
    as_app: bool,
    port: int,
    host: str,
    output: Path | None,
    folder: Path | None,
    manifest: bool,
    encoder: str,
    prompt: str,
    backend: str,
    seed: int,
    no_cache: bool,
    as_json: bool,
    **reading: Any,
) -> None:
    """Find what is wrong in DATA: labels, strangers, copies, leaks, bad items, spurious cues. DATA are never changed.

    Decisions go to a journal, which graft fit --journal follows.
    """
    from graft.cleaning import find_issues, shortest_list
    from graft.cleaning.findings import check_format
    from graft.recipe import Recipe

    if manifest and not folder:
        raise UsageError("--manifest says how to export, and nothing is to be exported.", "Give --export FOLDER.")
    if folder and Path(data).resolve() in folder.resolve().parents:
        raise UsageError(f"{folder} lies in {data}, which is never changed.", "Export to another folder.")
    if output:
        check_format(output)
    decided = _read_journal(journal) if journal and not as_app else None
    recipe = Recipe(encoder=encoder, prompt=prompt, backend=backend, seed=seed)
    with progress_bar(quiet=as_json) as progress:
        dataset = read_data(data, min_classes=1, **reading)
        findings = find_issues(dataset, recipe, cache=None if no_cache else "default", progress=progress)
    if output:
        findings.write(output)
    corrections = shortest_list(findings.pool, findings.labels, findings.outliers) if findings.labels else None
    applied = _apply(findings, decided) if decided is not None else None
    worth = _worth(findings, applied) if applied else None
    exported = _export(applied.dataset if applied else findings.dataset, folder, manifest) if folder else None
    if as_json:
        show_json(
            findings.to_dict()
            | {"corrections": corrections.to_dicts() if corrections else []}
            | ({"worth": worth.to_dict()} if worth else {})
            | ({"export": str(exported)} if exported else {})
        )
    else:
        click.echo(str(findings))
        if corrections and corrections.n_candidates:
            click.echo(f"Gain    {corrections.sentence}")
        if worth:
            click.echo(f"Worth   {worth.sentence}")
        for what, path in (("Table", output), ("Export", exported)):
            if path:
                click.echo(f"{what:<8}{path}")
        if not (as_app or journal or exported):
            click.echo(f"Next    graft clean {data} --app")
    if as_app:
        from graft.app import serve_editor
        from graft.data.journal import Journal

        serve_editor(findings, Journal(journal or f"{dataset.name}.journal.jsonl", dataset.name), host=host, port=port)


def _read_journal(journal: Path) -> tuple[Decision, ...]:
    from graft.data.journal import Journal

    return Journal(journal).read()


def _apply(findings: Findings, decided: tuple[Decision, ...]) -> Applied:
    from graft.data.standing import apply

    return apply(findings.dataset, findings.pool.embedded.digests, decided)


def _worth(findings: Findings, applied: Applied) -> Worth | None:
    from graft.cleaning import measure_worth

    try:
        return measure_worth(findings.pool, applied) if findings.labels is not None else None
    except TooFewClasses as error:  # what is left may still be looked at, and exported
        click.echo(f"What the edits were worth cannot be told: {error}", err=True)
        return None


def _export(dataset: Dataset, folder: Path, manifest: bool) -> Path:
    from graft.cleaning import export

    return export(dataset, folder, as_manifest="absolute" if manifest else None).folder
