"""The heads that Graft knows, by name. Another joins here and passes ``tests/contracts.py``."""

from __future__ import annotations

from collections.abc import Mapping

from graft.contracts import Head
from graft.heads.discriminant import Discriminant
from graft.heads.logistic import Logistic
from graft.heads.prototype import Prototype

HEADS: Mapping[str, Head] = {"logistic": Logistic(), "discriminant": Discriminant(), "prototype": Prototype()}
