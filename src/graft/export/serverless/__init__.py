"""``--to serverless``: a function for AWS Lambda as folder and zip, and one container for it and for others like it."""

from graft.export.serverless.folder import check, complete

__all__ = ["check", "complete"]
