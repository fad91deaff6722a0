"""The heads that a saved model can have, by the task that they answer to."""

from __future__ import annotations

from graft.heads.classifier import Classifier
from graft.heads.offered import Answering
from graft.heads.tags import TagClassifier

_HEADS: tuple[type[Answering], ...] = (Classifier, TagClassifier)
KINDS: dict[str, type[Answering]] = {head.task: head for head in _HEADS}
