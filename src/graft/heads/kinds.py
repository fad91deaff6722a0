"""The heads that a saved model can have, by the name that stands in its file."""

from __future__ import annotations

from collections.abc import Mapping

from graft.heads.classifier import Classifier
from graft.heads.tags import TagClassifier

Answering = Classifier | TagClassifier
"""What answers: settings and arrays, ``restore``, ``check``, ``answer`` and ``predictions``."""
KINDS: Mapping[str, type[Answering]] = {head.kind: head for head in (Classifier, TagClassifier)}
