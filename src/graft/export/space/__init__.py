"""``--to space``: a Hugging Face Space, a page in Gradio that asks the exported graph without Graft."""

from graft.export.space.folder import complete

__all__ = ["complete"]
