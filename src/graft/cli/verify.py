"""``graft verify``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graft.cli.options import How, how_options
from graft.cli.output import shown
from graft.cli.paths import Command, InputPath
from graft.errors import GateError

if TYPE_CHECKING:
    from graft.export.installed import Installation
    from graft.export.proof.agreement import Agreement
    from graft.export.verifying import Verified

_SHOWN = 20


@click.command(name="verify", cls=Command)
@click.argument("folder", metavar="DIR", type=InputPath(Path))
@click.option("--install", "installing", is_flag=True, help="Install and run it in a fresh environment, and ask that.")
@how_options()
def command(folder: Path, installing: bool, how: How) -> int:
    """Check an export: whether its files are as they were, and answer on this machine as the model did.

    DIR is what graft export has written. No program in it is run; its graph is. Exit code 3 says that it differs.

    With --install what DIR asks for is installed from the package index into a fresh environment, and its page (or its
    example) is run and asked there: for exports that you trust.
    """
    from graft.export.verifying import verify

    with how.progress() as progress:
        found = verify(folder, installing=installing, progress=progress)
    how.show(found.to_dict, _lines(found))
    return 0 if found.ok else GateError.exit_code


def _lines(found: Verified) -> Iterator[str]:
    known = found.certificate
    if known.notebook:
        yield f"Export    {shown(found.path)}    {shown(known.target)}, a notebook, {found.mb:.1f} MB"
        yield f"Files     {_files(found)}"
        yield "Answers   none are known of a notebook: it was not run"
        yield "ok: the files are what was exported." if found.ok else click.style("Not ok.", fg="red", bold=True)
        return
    own = f", {known.data_items} of them from data" if known.data_items else ""
    yield f"Export    {shown(found.path)}    {shown(known.target)}, {known.precision}, {found.mb:.1f} MB"
    yield f"Files     {_files(found)}"
    if found.replay is None:
        yield f"Answers   cannot be compared: {shown(found.problem)}"
    else:
        yield f"Answers   {len(known.items)} golden items{own}"
        for name, agreement in (("values", found.replay.of_values), ("files", found.replay.of_files)):
            if len(agreement):
                yield f"          from {name:<7} {_alike(agreement)}"
    then, now = known.versions, found.versions
    changed = [f"{name} {now[name]} (then {then[name]})" for name in now if name in then and now[name] != then[name]]
    yield f"Versions  {shown(', '.join(changed)) or 'the same as when it was exported'}"
    if found.replay is not None and found.replay.differing:
        yield from _differing(found)
    if found.installed is not None:
        yield from _installed(found.installed)
    yield "ok: it answers as the model did." if found.ok else click.style("Not ok.", fg="red", bold=True)


def _installed(found: Installation) -> Iterator[str]:
    seconds = found.seconds
    yield f"Installed {found.packages} packages, {found.mb:,.0f} MB, in {seconds['install']:.1f} s"
    if found.agreement is None:
        yield f"Started   no: {shown(found.problem)}"
        return
    if seconds["start"]:
        yield f"Started   first answer after {seconds['start']:.1f} s"
    yield f"Answers   {len(found.agreement)} golden items in {seconds['answers']:.1f} s; {_alike(found.agreement)}"
    for one in found.agreement.differing[:_SHOWN]:
        yield f"  {one.item}    {one.why}: the model said {shown(one.expected)}, it {shown(one.found)}"
    if found.ok:
        yield "ready: a fresh environment installs it, and it answers there as the model did."


def _files(found: Verified) -> str:
    changed, missing, extra = found.contents
    n = len(found.certificate.hashes)
    parts = [f"{n - len(changed) - len(missing)} of {n} as they were"]
    for name, names in (("changed", changed), ("missing", missing), ("not part of the export", extra)):
        if names:
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            parts.append(f"{name}: {', '.join(map(shown, names[:5]))}{more}")
    return "; ".join(parts)


def _alike(agreement: Agreement) -> str:
    near = f", {len(agreement.near)} on a threshold" if agreement.near else ""
    return (
        f"{agreement.share:.1%} alike{near}, largest difference {agreement.largest_difference:.4f} "
        f"(limit {agreement.tolerance:g})"
    )


def _differing(found: Verified) -> Iterator[str]:
    assert found.replay is not None
    differing = found.replay.differing
    for one in differing[:_SHOWN]:
        yield f"  {one.item}    {shown(found.certificate.items.get(one.item, ''))}: {one.why}"
        yield f"      the model said  {shown(one.expected)}"
        yield f"      now             {shown(one.found)}"
    if len(differing) > _SHOWN:
        yield f"  and {len(differing) - _SHOWN} more; --json lists them all"
