"""What AWS Lambda calls: ``handler.handler``. Each kind of event has a module of its own, named in function.json."""

from importlib import import_module
from typing import Any

from predicting import SETTINGS

EVENTS = [import_module(name) for name in SETTINGS["events"]]


def handler(event: Any, context: Any) -> Any:
    """The answer to an event, whose first kind that takes it gives it."""
    for kind in EVENTS:
        if kind.takes(event):
            return kind.answer(event, context)
    keys = sorted(map(str, event))[:10] if isinstance(event, dict) else type(event).__name__
    known = "; ".join((kind.__doc__ or kind.__name__).splitlines()[0] for kind in EVENTS)
    raise ValueError(f"This event is of no kind that the function knows: {keys}. It knows: {known}")
