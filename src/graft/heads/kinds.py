"""What answers, whatever it is asked; and the heads that a saved model can have."""

from __future__ import annotations

from graft.heads.classifier import Classifier
from graft.heads.offered import Answering
from graft.heads.regressor import Regressor
from graft.heads.tags import TagClassifier

_HEADS: tuple[type[Answering], ...] = (Classifier, TagClassifier, Regressor)
KINDS: dict[str, type[Answering]] = {head.task: head for head in _HEADS}
