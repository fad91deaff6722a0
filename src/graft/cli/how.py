"""How a command works and tells of it: the options that mean the same in all commands, as one value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from graft.cli.output import progress_bar, say, show_json

if TYPE_CHECKING:
    from graft.contracts import Progress
    from graft.errors import GraftError

Caching = Literal["default"] | None
"""What every public function takes for ``cache``."""


@dataclass(frozen=True, slots=True)
class How:
    """What was said of how a command is to work; a command that does not take an option has its default.

    Attributes:
        as_json: Print one JSON value, and nothing else, to stdout.
        overwrite: What is there already may be replaced.
        cache: Where embeddings are kept.
        allow_download: A model's encoder may be fetched.
    """

    as_json: bool = False
    overwrite: bool = False
    cache: Caching = "default"
    allow_download: bool = False

    def progress(self) -> AbstractContextManager[Progress]:
        """A bar for every step that takes a while, unless a program reads what is printed."""
        return progress_bar(quiet=self.as_json)

    def show(self, found: Callable[[], Any], lines: Iterable[str], refusal: GraftError | None = None) -> int:
        """Print what was found; the exit code.

        As JSON it is one value with the error inside, if there is one: the figures are wanted most then.

        Args:
            found: Gives JSON-able values.
            lines: The same for people.
            refusal: Why it is not good enough, or what went wrong at last.

        Raises:
            GraftError: ``refusal``, once the lines are printed.
        """
        if self.as_json:
            show_json({**found(), "error": refusal.to_dict()} if refusal else found())
            return refusal.exit_code if refusal else 0
        for line in lines:
            say(line)
        if refusal:
            raise refusal
        return 0
