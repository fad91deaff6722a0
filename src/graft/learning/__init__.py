"""The heads that Graft knows, by name. Another joins here and passes ``tests/contracts.py``."""

from __future__ import annotations

from collections.abc import Mapping

from graft.contracts import Head
from graft.learning.discriminant import Discriminant
from graft.learning.logistic import Logistic
from graft.learning.prototype import Prototype

HEADS: Mapping[str, Head] = {"logistic": Logistic(), "discriminant": Discriminant(), "prototype": Prototype()}
SMOOTH = "logistic"
"""The head whose loss changes smoothly with every item: how much one counts can be told from its derivative."""
