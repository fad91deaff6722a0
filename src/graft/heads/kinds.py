"""What answers, whatever it is asked; and the heads that a saved model can have."""

from __future__ import annotations

from graft.heads.classifier import Classifier
from graft.heads.multi_label import MultiLabelClassifier
from graft.heads.protocols import Answering
from graft.heads.regressor import Regressor

_HEADS: tuple[type[Answering], ...] = (Classifier, MultiLabelClassifier, Regressor)
KINDS: dict[str, type[Answering]] = {head.task: head for head in _HEADS}
