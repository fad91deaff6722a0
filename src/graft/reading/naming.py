"""Labels, groups and splits that the names of files say."""

from __future__ import annotations

from collections.abc import Sequence

from graft.data.arrangement import SPLITS, Arrangement, Labelled
from graft.data.items import Skipped, Text
from graft.data.listing import Listing, printable
from graft.errors import DataError, UsageError
from graft.reading.folders import inside_of_one, splits_of
from graft.reading.patterns import FIELDS, Pattern


def label_by_names(listing: Listing, pattern: Pattern) -> Arrangement:
    """Label every file by its name; folders called as splits are say the split."""
    while below := inside_of_one(listing):
        listing = below
    named = splits_of({entry.parts[0] for entry in listing.entries if len(entry.parts) > 1})
    rows = [Labelled(entry.item, "", named.get(entry.parts[0], "")) for entry in listing.entries]
    paths = [(printable("/".join(entry.parts)), entry.item.name) for entry in listing.entries]
    result = Arrangement()
    _name(result, list(zip(rows, paths, strict=True)), pattern)
    return result


def apply_pattern(found: Arrangement, pattern: Pattern) -> None:
    """Take group and split from the names of files that are labelled in another way.

    Raises:
        UsageError: The items are texts in a manifest, which have no names; or a manifest says their labels already.
        DataError: No file fits the pattern.
    """
    if "label" in pattern.fields:
        raise UsageError(f"{', '.join(found.manifests)} says the labels itself.", "Put * for {label} in the pattern.")
    if any(isinstance(row.item, Text) for row in found.rows):
        raise UsageError(
            f"{', '.join(found.manifests)} holds texts, and a pattern speaks of the names of files.",
            "Name the column of groups: --group-column (in Python group_column=).",
        )
    rows, found.rows = found.rows, []
    _name(found, [(row, (row.inside,)) for row in rows], pattern)


def _name(result: Arrangement, rows: Sequence[tuple[Labelled, Sequence[str]]], pattern: Pattern) -> None:
    """Add the rows to ``result``, with what their names say; each comes with the paths that may fit the pattern."""
    torn: list[str] = []
    for row, paths in rows:
        named = next(filter(None, map(pattern.match, paths)), None)
        if named is None:
            reason = f"Its name does not fit the pattern {pattern.text!r}."
            result.skipped.append(Skipped(row.item.name, reason, "no_match"))
            continue
        if named.split and named.split.lower() not in SPLITS:
            raise DataError(
                f"The name of {row.item.name} says the split {named.split!r}.", "Use train, val or test, or no {split}."
            )
        if named.ambiguous:
            said = ", ".join(f"{field} {getattr(named, field)!r}" for field in FIELDS if field in pattern.fields)
            torn.append(f"{row.item.name} was read as {said}")
        result.rows.append(
            row._replace(
                label=named.label or row.label,
                group=named.group or row.group,
                split=SPLITS.get(named.split.lower(), row.split),
            )
        )
    if rows and not result.rows:
        names = ", ".join(paths[0] for _, paths in rows[:3])
        raise DataError(
            f"No name fits the pattern {pattern.text!r}; there are {names}.",
            "Write {label}, {group}, {split} for what they say, and * for the rest; with a slash in it, the pattern is "
            "held against the whole path.",
        )
    if torn:
        fit = "1 name fits" if len(torn) == 1 else f"{len(torn):,} names fit"
        result.warnings.append(f"{fit} the pattern {pattern.text!r} in more than one way: {torn[0]}.")
