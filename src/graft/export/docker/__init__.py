"""``--to docker``: an image that answers and trains as SageMaker, Azure ML and any other platform asks for it."""

from graft.export.docker.folder import complete

__all__ = ["complete"]
