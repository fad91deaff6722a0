"""``python -m graphs`` writes every structure, and says the hash of each network's packed weights."""

from __future__ import annotations

import hashlib

from graft.encoders.structures import PLACE, packed
from graphs.networks import NETWORKS

for network in NETWORKS:
    weights = network.weights()
    (PLACE / f"{network.structure.name}.onnx").write_bytes(network.build(weights))
    print(network.structure.name, hashlib.sha256(packed(weights)).hexdigest())  # noqa: T201
