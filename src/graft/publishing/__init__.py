"""To a hub: an export as a Space or a model repository, a saved model with its card; one commit or none."""

from graft.publishing.push import Pushed, push

__all__ = ["Pushed", "push"]
