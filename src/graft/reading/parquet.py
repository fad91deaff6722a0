"""Parquet: bounded by what its footer says, and by what comes out; class numbers named by what is noted beside them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from graft.errors import DataError, needing
from graft.reading.columns import spelled
from graft.reading.table import MAX_COLUMNS, MAX_ROWS, MAX_UNPACKED, Table

_BATCH_BYTES = 1 << 26
_BATCH_ROWS = 16_384
_PART = "Write it again with fewer rows and columns, or give a part of it."


def read_parquet(content: bytes, name: str, known: Collection[str]) -> Table:
    """The columns that are of interest, row by row.

    A file of 150 KB may hold a billion rows, or one text a million times. The footer bounds rows, columns and pages;
    texts that come from a dictionary are kept once and not copied; what is unpacked is counted batch by batch.

    Args:
        content: The file.
        name: How it is called in errors.
        known: Names of columns, in lower case, that are read; all others stay packed.

    Raises:
        MissingExtra: pyarrow is not installed.
        DataError: It is damaged or too large.
    """
    with needing("parquet", message=f"{name} is a Parquet file, and pyarrow is not installed."):
        import pyarrow
        from pyarrow import parquet
    try:
        footer = parquet.read_metadata(pyarrow.BufferReader(content))
        if footer.num_rows > MAX_ROWS or footer.num_columns > MAX_COLUMNS:
            raise DataError(
                f"{name} holds {footer.num_rows:,} rows of {footer.num_columns:,} columns in {len(content):,} bytes; "
                f"the limits are {MAX_ROWS:,} and {MAX_COLUMNS:,}.",
                _PART,
            )
        schema = footer.schema.to_arrow_schema()
        columns = [str(column) for column in schema.names]
        table = Table(columns, class_names=_class_names(schema.metadata or {}))
        needed = [column for column in columns if spelled(column) in known]
        if not needed:  # then those that can be looked at for a proposal
            needed = [str(field.name) for field in schema if not field.type.num_fields][:100]
        if twice := [column for column in needed if columns.count(column) > 1]:
            number = columns.count(twice[0])
            raise DataError(f"{name} has {number} columns called {twice[0]!r}.", "Rename or remove all but one.")
        plain = [column for column in needed if _is_text(schema.field(column).type)]
        size = _batch_size(footer, needed, plain, name)
        file = parquet.ParquetFile(pyarrow.BufferReader(content), read_dictionary=plain)
        table.records = list(enumerate(_rows(file, needed, size, name), 1))
    except (pyarrow.ArrowException, OSError, ValueError, MemoryError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{name} cannot be read as Parquet: {error}.", "Copy or write it again.") from None
    return table


def _rows(file: Any, needed: list[str], size: int, name: str) -> Iterator[dict[str | None, Any]]:
    unpacked = 0
    for batch in file.iter_batches(batch_size=size, columns=needed):
        lists = []
        for column in batch.columns:
            values = _values(column)
            unpacked += sum(map(_weight, values))
            lists.append(values)
            if unpacked > MAX_UNPACKED:
                raise DataError(
                    f"{name} grows beyond {MAX_UNPACKED / 1e9:.1f} GB when it is unpacked; read so far: {unpacked:,} "
                    "bytes.",
                    _PART,
                )
        names = batch.schema.names
        yield from (dict(zip(names, row, strict=True)) for row in zip(*lists, strict=True))


def _values(column: Any) -> list[Any]:
    """A column's cells; those of a dictionary share their values, however often they come."""
    if not hasattr(column, "dictionary"):
        return list(column.to_pylist())
    values = column.dictionary.to_pylist()
    return [None if at is None else values[at] for at in column.indices.to_pylist()]


def _weight(value: Any) -> int:
    """About how many bytes a cell takes."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, Mapping):
        return sum(map(_weight, value.values()))
    return sum(map(_weight, value)) if isinstance(value, list | tuple) else 8


def _batch_size(footer: Any, needed: list[str], plain: list[str], name: str) -> int:
    """How many rows to unpack at once, by the largest value that could stand in each.

    Raises:
        DataError: The pages alone are too large.
    """
    total, largest = 0, 1
    for group in range(footer.num_row_groups):
        row_group = footer.row_group(group)
        for at in range(row_group.num_columns):
            chunk = row_group.column(at)
            top = chunk.path_in_schema.split(".", 1)[0]
            if top not in needed:
                continue
            total += max(chunk.total_uncompressed_size, chunk.num_values)
            if top not in plain and any("DICTIONARY" in encoding for encoding in chunk.encodings):
                largest = max(largest, chunk.total_uncompressed_size)
    if total > MAX_UNPACKED:
        raise DataError(
            f"{name} grows to {total / 1e9:.1f} GB when it is unpacked; the limit is {MAX_UNPACKED / 1e9:.1f} GB.",
            _PART,
        )
    return max(1, min(_BATCH_ROWS, _BATCH_BYTES // largest))


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind))


def _class_names(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """By column, the names that its numbers stand for, as the library datasets notes them."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return {str(column): names for column, feature in features.items() if (names := _names_in(feature))}
    except (LookupError, TypeError, ValueError, AttributeError):
        return {}


def _names_in(feature: Any) -> list[str]:
    """The names of a ``ClassLabel``, or of one inside a list."""
    if isinstance(feature, list) and len(feature) == 1:
        return _names_in(feature[0])
    if not isinstance(feature, Mapping):
        return []
    if feature.get("_type") == "ClassLabel" and isinstance(feature.get("names"), list):
        return [str(name) for name in feature["names"]]
    return _names_in(feature.get("feature"))
