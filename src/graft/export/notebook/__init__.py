"""A notebook leaves the house: an image that runs it for who asks, and as a function."""

from graft.export.notebook.image import ExportedNotebook, export_notebook

__all__ = ["ExportedNotebook", "export_notebook"]
