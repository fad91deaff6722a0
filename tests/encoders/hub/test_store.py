"""Two that make the same encoder at the same time."""

from __future__ import annotations

import shutil

from graft.encoders.hub import hub_encoder
from graft.encoders.hub.fetch import Address
from graft.encoders.hub.store import GRAPH, keep
from graft.encoders.runtime import Backend

SINGLE = Backend("onnxruntime", "f32")


def test_what_another_process_has_just_made_is_kept(made, tmp_path):
    folder = shutil.copytree(made("bert"), tmp_path / "bert")
    first = hub_encoder(str(folder), None, SINGLE).entry
    before = (first.folder / GRAPH).stat()
    second = keep(Address.parse(str(folder)), first.card, {GRAPH: b"of a second process"})
    assert second == first
    assert (first.folder / GRAPH).stat() == before
    assert second.read(GRAPH)
    assert [path.name for path in first.folder.parent.iterdir()] == [first.folder.name]


def test_what_has_no_card_makes_room(made, tmp_path):
    folder = shutil.copytree(made("bert"), tmp_path / "bert")
    first = hub_encoder(str(folder), None, SINGLE).entry
    contents = {name: first.read(name) for name in first.card.files}
    (first.folder / "card.json").write_text("{")
    assert keep(Address.parse(str(folder)), first.card, contents).read(GRAPH) == contents[GRAPH]
    assert hub_encoder(str(folder), None, SINGLE).entry == first
