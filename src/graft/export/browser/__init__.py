"""A static folder whose page answers in the browser: nothing that is given leaves it, and no server is asked."""

from graft.export.browser.folder import complete

__all__ = ["complete"]
