"""What was found in the data: shown, summed up and written."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graft.cells import TableWriter
from graft.cleaning.issue_table import IssueTable
from graft.cleaning.text import render
from graft.data.guard import Inputs
from graft.errors import UsageError, needing
from graft.files import write_atomically

FORMATS = (".csv", ".json", ".parquet")


@dataclass(frozen=True, slots=True, eq=False)
class Findings(IssueTable):
    """Issues of a data set, for people and programs. Nothing in the data was changed."""

    def __str__(self) -> str:
        return render(self)

    def items(self) -> Iterator[dict[str, Any]]:
        """One dictionary for each row, in the order of the data, ready for JSON."""
        for row in range(len(self)):
            yield {name: _plain(values[row]) for name, values in self.columns.items()}

    def summary(self) -> dict[str, Any]:
        """The figures of the whole, ready for JSON."""
        return {
            "n_items": len(self),
            "n_skipped": len(self.skipped),
            "skipped": [entry.to_dict() for entry in self.skipped],
            "modality": self.dataset.modality,
            "encoder": self.pool.encoder.name,
            "classes": list(self.classes),
            "issues": {kind: int(self.columns[f"is_{kind}_issue"].sum()) for kind in self.kinds},
            "n_unjudged": int((~self.columns["is_label_judged"]).sum()),
            "too_few_to_judge": list(self.too_few()),
            "duplicate_sets": [asdict(entry) for entry in self.duplicates],
            "cues": [cue.to_dict() for cue in self.cues],
            "warnings": list(self.dataset.warnings),
        }

    def to_dict(self) -> dict[str, Any]:
        """``{items, summary}``, ready for JSON."""
        return {"items": list(self.items()), "summary": self.summary()}

    def write(self, path: str | Path) -> None:
        """Write the table as CSV, JSON or Parquet, by the extension of ``path``.

        Raises:
            UsageError: The extension is another.
            OutputIsInput: It is a file that was read, or lies among the data.
            MissingExtra: It is Parquet, and pyarrow is not installed.
        """
        path = Path(path)
        check_format(path)
        Inputs.of(self.dataset).check(path, "data")
        writers = {".csv": self._as_csv, ".json": self._as_json, ".parquet": self._as_parquet}
        write_atomically(path, writers[path.suffix.lower()]())

    def _as_csv(self) -> bytes:
        buffer = io.StringIO()
        writer = TableWriter(buffer)
        writer.writerow(self.columns)
        for row in self.items():
            writer.writerow(json.dumps(value) if isinstance(value, list) else value for value in row.values())
        return buffer.getvalue().encode()

    def _as_json(self) -> bytes:
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False).encode()

    def _as_parquet(self) -> bytes:
        with needing("parquet", "Parquet"):
            import pyarrow
            from pyarrow import parquet
        sink = io.BytesIO()
        parquet.write_table(pyarrow.Table.from_pylist(list(self.items())), sink)
        return sink.getvalue()


def check_format(path: Path) -> None:
    """Whether findings can be written to a file of this name.

    Raises:
        UsageError: They cannot.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"Findings cannot be written as {path.name}.", f"Use {', '.join(FORMATS)}.")


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, np.ndarray | tuple):
        return [int(entry) for entry in value]
    return value
