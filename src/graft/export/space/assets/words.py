"""Says an answer in words, as HTML in which every name is text: first what it is, then how far to trust it."""

import html
from typing import Any

SHOWN = 20
"""So many classes are named."""
LONG = 30
"""An answer of more characters is set smaller."""


def of_answer(found: dict[str, Any]) -> str:
    """An answer of the model, or why there is none."""
    if "error" in found:
        told = found["error"]
        lines = [headline("not read"), *(f"<p>{html.escape(told[key])}</p>" for key in ("message", "hint"))]
    else:
        lines = of_number(found) if "value" in found else of_classes(found)
    return f'<div class="answer" role="status">{"".join(lines)}</div>'


def of_classes(found: dict[str, Any]) -> list[str]:
    """The likeliest class first, then what else it may be, then how likely each is."""
    likely, scores = found["set"], found["scores"]
    top = next(iter(scores))
    others = [label for label in scores if label in likely and label != top]
    if found["unknown"]:
        words = [headline("none of these"), "<p>It is unlike all that the model has seen.</p>"]
        words.append(f"<p>If it had to be one of its classes: {name(top)}, {per_100(scores[top])} in 100.</p>")
    elif "labels" in found:
        words = [headline(" and ".join(map(name, likely)) or "no label", sum(map(len, likely)))]
    elif others and scores[top] < 0.6:
        words = [headline(either([top, *others]), sum(map(len, [top, *others]))), "<p>Not sure which of them.</p>"]
    else:
        words = [headline(f"{name(top)}, {per_100(scores[top])} in 100", len(top))]
        words.append(f"<p>Could also be {either(others)}.</p>" if others else "<p>Nothing else is likely.</p>")
    about = "In 100, as if it were one of them" if found["unknown"] else "How likely, in 100"
    bars = "".join(bar(label, p, label in likely) for label, p in list(scores.items())[:SHOWN])
    kind = ' class="unknown"' if found["unknown"] else ""
    return [*words, f'<p class="quiet">{about}</p><ol{kind} aria-label="{about}">{bars}</ol>']


def of_number(found: dict[str, Any]) -> list[str]:
    """The number with its interval."""
    words = [headline(f"{found['value']:.4g}"), f"<p>Between {found['low']:.4g} and {found['high']:.4g}.</p>"]
    return [*words, "<p>It is unlike all that the model has seen.</p>"] if found["unknown"] else words


def headline(words: str, length: int = 0) -> str:
    """The answer in large letters, in less large ones where it is long."""
    return f'<p class="word{" long" if length > LONG else ""}">{words}</p>'


def bar(label: str, p: float, member: bool) -> str:
    """A class with its probability; bars begin at 0 and end at 100."""
    drawn = f'<span class="bar" style="width:{100 * p:.1f}%" aria-hidden="true"></span>'
    return f'<li{" class=member" if member else ""}>{name(label)}{drawn}<span class="sure">{per_100(p)}</span></li>'


def name(label: str) -> str:
    """A class's name, which is text whatever it looks like."""
    return f"<bdi>{html.escape(label)}</bdi>"


def either(labels: list[str]) -> str:
    """As in "a or b"; of more than four two and how many others."""
    words = [name(label) for label in labels]
    words = [*words[:2], f"{len(words) - 2} others"] if len(words) > 4 else words
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def per_100(p: float) -> str:
    """A probability out of a hundred."""
    return "over 99" if p >= 0.995 else "under 1" if p < 0.01 else str(round(100 * p))


def of_model(about: dict[str, Any]) -> str:
    """How often the model is right, and which classes it knows."""
    classes, score = about["classes"], about.get("accuracy") or {}
    right = ""
    if score.get("value") is not None:
        value, low, high = (round(100 * score[key]) for key in ("value", "low", "high"))
        right = f"Of 100 new ones about {value} would be named rightly; between {low} and {high}, 95 % sure. "
    known = ", ".join(map(name, classes[:SHOWN])) + (" ..." if len(classes) > SHOWN else "")
    return f"<h1>{name(about['name'])}</h1><p>{right}{f'{len(classes)} classes: {known}.' if classes else ''}</p>"
