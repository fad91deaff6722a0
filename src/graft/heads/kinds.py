"""The heads that a saved model can have, by the task that they answer to."""

from __future__ import annotations

from graft.heads.classifier import Classifier
from graft.heads.tags import TagClassifier

Answering = Classifier | TagClassifier
"""What answers: settings and arrays, ``restore``, ``check``, ``answer`` and ``predictions``."""
KINDS: dict[str, type[Answering]] = {head.task: head for head in (Classifier, TagClassifier)}
