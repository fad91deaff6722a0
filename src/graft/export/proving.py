"""The proof that an export carries: golden items, the model's answers to them, an example that gives these answers.

Nothing leaves that does not answer as the model does: the graph is asked before the folder has its name, by Graft and
by the example, as whoever copies that example would ask it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from graft.errors import GateError
from graft.export.draft import CERTIFICATE, GRAPH
from graft.export.examples import EXAMPLE, example_of, requirements_of, run_example
from graft.export.exported_folder import hashes_of
from graft.export.proof.agreement import FILE_TOLERANCE, Agreement
from graft.export.proof.certificate import Certificate, versions_here
from graft.export.proof.golden_set import FOLDER, GoldenSet, gather
from graft.export.proof.goldens import chosen, drawn
from graft.export.proof.inference import GraphSession, decoder_of
from graft.export.proof.replay import Replay, replayed
from graft.export.read_me import README, read_me

if TYPE_CHECKING:
    from pathlib import Path

    from graft.data.dataset import Dataset
    from graft.export.draft import Draft
    from graft.model import Model


class Unlike(GateError):
    """An exported graph does not answer as its model does; it was not written."""

    code = "unlike"


class Proof(NamedTuple):
    """What was shown.

    Attributes:
        goldens: The items and the model's answers.
        replay: The graph's answers beside them.
    """

    goldens: GoldenSet
    replay: Replay

    @property
    def data_items(self) -> int:
        """How many of the items are from data that were given."""
        return sum(item.own for item in self.goldens.items)


def golden_set(model: Model, folder: Path, data: Dataset | None = None) -> GoldenSet:
    """Golden items of a model's modality with its answers.

    Args:
        model: On a backend that computes in float32.
        folder: Where the tokenizer of an export lies already, where it has one.
        data: Up to 50 of its items join them.
    """
    modality = model.report.modality
    goldens = drawn(modality) + (chosen(data) if data is not None else [])
    return gather(model, goldens, decoder_of(modality, folder))


def write_proof(draft: Draft, goldens: GoldenSet) -> None:
    """Golden items, example, requirements and words beside a graph."""
    for name, content in goldens.files().items():
        draft.write(name, content)
    modality = draft.labels["modality"]
    draft.write(EXAMPLE, example_of(modality))
    draft.write("requirements.txt", requirements_of(draft.labels))
    draft.write(README, read_me(draft.labels))


def prove(draft: Draft, goldens: GoldenSet) -> Proof:
    """Ask the graph of a draft about all golden items, through Graft.

    Raises:
        Unlike: It does not answer as the model does; names the worst item.
    """
    classes = tuple(draft.labels["classes"])
    modality = draft.labels["modality"]
    session = GraphSession((draft.folder / GRAPH).read_bytes(), len(classes))
    replay = replayed(session, goldens, decoder_of(modality, draft.folder), draft.precision, classes)
    for found, how in ((replay.of_values, "graph"), (replay.of_files, "graph, asked about files,")):
        _refuse_unlike(found, how)
    return Proof(goldens, replay)


def prove_example(draft: Draft, goldens: GoldenSet) -> None:
    """Run the example of a draft on all golden files, as a process of its own.

    Raises:
        Unlike: It does not answer as the model does.
        ExportError: It does not run.
    """
    classes = tuple(draft.labels["classes"])
    found = Agreement(goldens.boundary, FILE_TOLERANCE, classes)
    names = [f"{FOLDER}/{item.name}" for item in goldens.items]
    for item, answer in zip(goldens.items, run_example(draft.folder, names, classes), strict=True):
        found.add(item.name, item.of_file, answer, item.of_values)
    _refuse_unlike(found, EXAMPLE)


def seal(draft: Draft, target: str, proof: Proof) -> Certificate:
    """Write the certificate of a folder that is complete."""
    values, files = proof.replay
    certificate = Certificate(
        target=target,
        precision=draft.precision,
        hashes=hashes_of(draft.folder),
        backend=draft.model.encoder.backend if draft.model.encoder else "",
        versions=versions_here(),
        boundary=proof.goldens.boundary,
        items={item.name: item.what for item in proof.goldens.items},
        data_items=proof.data_items,
        agreement=values.share,
        largest_difference=values.largest_difference,
        largest_difference_of_files=files.largest_difference,
        near_threshold=len(values.near),
    )
    draft.write_json(CERTIFICATE, certificate.to_dict())
    return certificate


def _refuse_unlike(found: Agreement, how: str) -> None:
    if found.ok:
        return
    worst = found.differing[0]
    raise Unlike(
        f"The {how} does not answer as the model does: {len(found.differing)} of {len(found)} golden items differ by "
        f"more than {found.tolerance:g} or in what is decided. The worst is {worst.item} ({worst.why}): the model says "
        f"{worst.expected}, the {how} {worst.found}.",
        "Nothing was written. Export with --precision fp32; if that differs too, ask the model with graft predict.",
    )
