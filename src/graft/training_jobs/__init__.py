"""Training as a platform asks for it: folders that it mounts, settings that it hands over as texts, a signal to end."""

from graft.training_jobs.settings import JobSettings
from graft.training_jobs.stopping import Stopping
from graft.training_jobs.training import TrainedJob, train
from graft.training_jobs.tree import JobTree

__all__ = ["JobSettings", "JobTree", "Stopping", "TrainedJob", "train"]
