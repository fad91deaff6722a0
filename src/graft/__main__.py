"""``python -m graft``, and the command ``graft``.

Until the command line is loaded, Ctrl-C ends the process at once and without a word: there is nothing to undo yet, and
a traceback through half-loaded libraries helps nobody.
"""

from __future__ import annotations

# What signal is made of; signal itself loads enum and more before it can be told anything.
import _signal  # type: ignore[import-not-found]

if quiet := _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)


def main() -> None:
    """Run the command line and exit with its code."""
    from graft.cli import main as run

    if quiet:
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
