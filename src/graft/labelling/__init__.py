"""What to label next: of many items without a label, the few whose labels would help a model most."""

from graft.labelling.active_learning import label_next
from graft.labelling.shortlist import Shortlist, Suggestion

__all__ = ["Shortlist", "Suggestion", "label_next"]
