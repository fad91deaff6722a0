"""Charts as inline SVG. Strokes and fills are classes of ``page.css``, so that they follow the theme.

Charts of one line place their marks in per cent of their width: they fit any column, and nothing in them is scaled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from graft.report.markup import Html, element
from graft.report.words import brief, known, measured, percent
from graft.results.figures import CurvePoint, Forecast, Interval, ReliabilityBin

WIDTH, HEIGHT = 420.0, 264.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 14.0, 12.0, 44.0
_DIGIT = 7.0
"""A figure beside an axis is so wide."""
_QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)
_TOLD = 6
"""At most this many lines are put into words."""


def interval(score: Interval, kind: str = "") -> Html:
    """A figure between 0 and 100 % as a dot, its 95 % interval as a line; ``kind`` is a class of the style sheet."""
    marks: list[Html] = [_line(share, 0, share, "100%", "grid") for share in _QUARTERS]
    if known(score.value):
        if measured(score):
            marks.append(_line(score.low, "50%", score.high, "50%", "range"))
            marks += [_line(end, "34%", end, "66%", "cap") for end in (score.low, score.high)]
        marks.append(element("circle", cx=_share(score.value), cy="50%", r=5, class_="dot"))
    return _svg_line(marks, f"interval {kind}".strip(), f"{percent(score.value)} on a scale from 0 to 100 %")


def scale() -> Html:
    """The labels under a column of ``interval`` charts."""
    texts = [
        element("text", f"{100 * share:.0f}", x=_share(share), y=13, class_="minor" if share in (0.25, 0.75) else None)
        for share in _QUARTERS
    ]
    return element("svg", texts, class_="scale", aria_hidden="true", height=18)


def bar(value: float, low: float, high: float) -> Html:
    """A share as a bar on a track, with its 95 % interval as a whisker."""
    marks = [element("rect", x=0, y="22%", width="100%", height="56%", class_="track")]
    if known(value):
        marks.append(element("rect", x=0, y="22%", width=_share(value), height="56%", class_="fill"))
    if known(low, high):
        marks.append(_line(low, "50%", high, "50%", "whisker"))
        marks += [_line(end, "30%", end, "70%", "whisker") for end in (low, high)]
    return _svg_line(marks, "bar", f"recall {percent(value)}")


def learning_curve(
    curve: Sequence[CurvePoint], forecast: Forecast | None, classes: int, score: str = "accuracy"
) -> Html:
    """Accuracy by number of training items with its interval as a band; the forecast goes on as a dashed line.

    Args:
        curve: At least one point with an accuracy.
        forecast: What ``extra`` more items of every class are expected to gain.
        classes: How many classes there are.
        score: What the figure is called.
    """
    shown = sorted((point for point in curve if known(point.accuracy)), key=lambda point: point.n)
    last = shown[-1]
    ahead: list[CurvePoint] = []
    if forecast is not None and known(forecast.gain, forecast.low, forecast.high):
        accuracies = (min(1.0, last.accuracy + change) for change in (forecast.gain, forecast.low, forecast.high))
        ahead = [CurvePoint(last.n + forecast.extra * classes, *accuracies)]
    everything = [*shown, *ahead]
    bottom = math.floor(10 * min(_low(point) for point in everything) - 0.2) / 10
    frame = _Frame(0, max(point.n for point in everything) * 1.04, max(0.0, bottom), 1.0)
    marks = [*frame.axes("training items", f"{score}, %", _count, _per_cent)]
    marks.append(element("polygon", points=frame.band(shown), class_="band"))
    marks.append(element("polyline", points=frame.path((point.n, point.accuracy) for point in shown), class_="line"))
    if ahead:
        marks.append(element("polygon", points=frame.band([last, *ahead], pinched=True), class_="band ahead"))
        path = frame.path((point.n, point.accuracy) for point in (last, *ahead))
        marks.append(element("polyline", points=path, class_="line ahead"))
        marks.append(frame.dot(ahead[0].n, ahead[0].accuracy, 4, "open"))
    marks += [frame.dot(point.n, point.accuracy, 4, "dot") for point in shown]
    words = ", ".join(f"{percent(point.accuracy)} after {point.n}" for point in shown)
    return _svg(marks, f"Learning curve: {words}")


def error_curve(curve: Sequence[CurvePoint], error: str) -> Html:
    """An error by number of training items with its interval as a band; the points' ``accuracy`` is the error.

    Args:
        curve: At least one point.
        error: What the error is called.
    """
    frame = _Frame(0, curve[-1].n * 1.04, 0, 1.05 * max(point.high for point in curve) or 1.0, _compact)
    marks = [*frame.axes("training items", error, _count, _compact)]
    marks.append(element("polygon", points=frame.band(curve), class_="band"))
    marks.append(element("polyline", points=frame.path([(point.n, point.accuracy) for point in curve]), class_="line"))
    marks += [frame.dot(point.n, point.accuracy, 4, "dot") for point in curve]
    return _svg(marks, f"{error}: {', '.join(f'{brief(point.accuracy)} after {point.n}' for point in curve)}")


def scatter(places: Sequence[tuple[float, float]], margin: float) -> Html:
    """Predicted against given numbers; on the dashed diagonal they are the same, in the band the interval holds.

    Args:
        places: Given and predicted numbers, at least one.
        margin: How far the interval reaches to either side.
    """
    low, high = min(map(min, places)), max(map(max, places))
    room = 0.04 * (high - low) or abs(high) or 1.0
    low, high = low - room, high + room
    written = _written(_ticks(low, high))
    frame = _Frame(low, high, low, high, written)
    reach = min(margin, high - low)
    edge = [
        (low, low),
        (low, low + reach),
        (high - reach, high),
        (high, high),
        (high, high - reach),
        (low + reach, low),
    ]
    marks = [*frame.axes("given", "predicted", written, written)]
    marks.append(element("polygon", points=frame.path(edge), class_="band"))
    marks.append(element("polyline", points=frame.path([(low, low), (high, high)]), class_="diagonal"))
    marks += [frame.dot(given, predicted, 2.5, "point") for given, predicted in places]
    return _svg(marks, f"{len(places)} predicted numbers against the given ones, from {brief(low)} to {brief(high)}")


def reliability(bins: Sequence[ReliabilityBin]) -> Html:
    """How often predictions of each confidence were right; on the dashed diagonal, a confidence is what it says."""
    shown = [entry for entry in bins if entry.n and known(entry.confidence, entry.accuracy)]
    frame = _Frame(0, 1, 0, 1)
    most = max((entry.n for entry in shown), default=1)
    marks = [*frame.axes("confidence, %", "right, %", _per_cent, _per_cent)]
    marks.append(element("polyline", points=frame.path(((0, 0), (1, 1))), class_="diagonal"))
    for entry in shown:
        gap = frame.path(((entry.confidence, entry.confidence), (entry.confidence, entry.accuracy)))
        marks.append(element("polyline", points=gap, class_="gap"))
    for entry in shown:
        title = element(
            "title", f"{entry.n} predictions: {percent(entry.confidence)} sure, {percent(entry.accuracy)} right"
        )
        radius = 3 + 8 * math.sqrt(entry.n / most)
        marks.append(frame.dot(entry.confidence, entry.accuracy, radius, "bubble", title))
    words = ", ".join(f"{percent(entry.confidence)} sure and {percent(entry.accuracy)} right" for entry in shown)
    return _svg(marks, f"Reliability diagram: {words}")


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of a chart over epochs.

    Attributes:
        name: What it shows.
        points: Epochs and figures; those that are ``nan`` are left out.
        kind: A class of the style sheet.
        marked: The epoch that has a dot.
    """

    name: str
    points: Sequence[tuple[int, float]]
    kind: str = ""
    marked: int | None = None

    @property
    def shown(self) -> list[tuple[int, float]]:
        """What can be drawn."""
        return [(x, y) for x, y in self.points if known(y)]


def by_epoch(lines: Sequence[Curve], what: str, from_zero: bool = False) -> Html:
    """Lines over epochs; one point alone is a dot.

    Args:
        lines: At least one of them with a figure.
        what: What the figures are, with their unit.
        from_zero: Whether the axis begins at 0 in any case; it does where the figures reach down near it.
    """
    drawn = [line for line in lines if line.shown]
    figures = [y for line in drawn for _, y in line.shown]
    low, high = min(figures), max(figures)
    room = max(high - low, abs(high) / 5) or 1.0
    bottom = 0.0 if from_zero or 0 <= low < high / 2 else low - 0.1 * room
    last = max(x for line in drawn for x, _ in line.shown)
    frame = _Frame(0, max(last, 1), bottom, high + 0.05 * room)
    marks = [*frame.axes("epoch", "", _whole, brief)]
    for line in drawn:
        marks.append(element("polyline", points=frame.path(line.shown), class_=f"line {line.kind}".strip()))
        dots = line.shown if len(line.shown) == 1 else [point for point in line.shown if point[0] == line.marked]
        marks += [frame.dot(x, y, 4, "dot") for x, y in dots]
    told = (f"{line.name} from {brief(line.shown[0][1])} to {brief(line.shown[-1][1])}" for line in drawn[:_TOLD])
    return _svg(marks, f"{what} by epoch: {', '.join(told)}")


def key(kind: str) -> Html:
    """A piece of a line, to say what it stands for."""
    stroke = element("line", x1=0, x2="100%", y1="50%", y2="50%", class_=f"line {kind}".strip())
    return element("svg", stroke, class_="chart key", aria_hidden="true")


class _Frame:
    """Maps figures to places in a chart with axes."""

    def __init__(
        self, left: float, right: float, bottom: float, top: float, up: Callable[[float], str] | None = None
    ) -> None:
        """Figures as wide as those that ``up`` writes have room beside the upright axis and its name."""
        self.left, self.right, self.bottom, self.top = left, right, bottom, top
        widest = max((len(up(value)) for value in _ticks(bottom, top)), default=0) if up else 0
        self.start = max(_LEFT, 30 + _DIGIT * widest)

    def x(self, value: float) -> float:
        return self.start + (WIDTH - self.start - _RIGHT) * (value - self.left) / (self.right - self.left)

    def y(self, value: float) -> float:
        return HEIGHT - _BOTTOM - (HEIGHT - _BOTTOM - _TOP) * (value - self.bottom) / (self.top - self.bottom)

    def path(self, places: Iterator[tuple[float, float]] | Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in places)

    def band(self, curve: Sequence[CurvePoint], pinched: bool = False) -> str:
        """The outline of the intervals; ``pinched`` starts it at the accuracy of the first point."""
        lows = [(point.n, _low(point)) for point in curve]
        highs = [(point.n, point.high if known(point.high) else point.accuracy) for point in curve]
        if pinched:
            lows[0] = highs[0] = (curve[0].n, curve[0].accuracy)
        return self.path([*highs, *reversed(lows)])

    def dot(self, x: float, y: float, radius: float, kind: str, *content: Html) -> Html:
        return element("circle", *content, cx=self.x(x), cy=self.y(y), r=radius, class_=kind)

    def axes(
        self, below: str, beside: str, across: Callable[[float], str], up: Callable[[float], str]
    ) -> Iterator[Html]:
        """Grid lines with their figures, and what the axes are called; an upright one need not have a name."""
        floor, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
        for value in _ticks(self.bottom, self.top):
            y = self.y(value)
            yield element("line", x1=self.start, x2=right, y1=y, y2=y, class_="grid")
            yield element("text", up(value), x=self.start - 8, y=y + 4, text_anchor="end")
        ticks = _ticks(self.left, self.right)
        widest = _DIGIT * (1 + max(len(across(value)) for value in ticks))
        every = math.ceil(widest * len(ticks) / (right - self.start))
        for value in ticks[::every]:
            if shown := across(value):
                yield element("text", shown, x=self.x(value), y=floor + 18, text_anchor="middle")
        yield element("line", x1=self.start, x2=right, y1=floor, y2=floor, class_="axis")
        yield element("text", below, x=(self.start + right) / 2, y=HEIGHT - 5, text_anchor="middle", class_="name")
        if not beside:
            return
        middle = (_TOP + floor) / 2
        turned = f"rotate(-90 12 {middle:g})"
        yield element("text", beside, x=12, y=middle, text_anchor="middle", class_="name", transform=turned)


def _per_cent(value: float) -> str:
    return f"{100 * value:.0f}"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _compact(value: float) -> str:
    """A number of any size in few characters: ``0.25``, ``1500``, ``1.2M``, ``2e+15``."""
    if abs(value) >= 1e12:
        return f"{value:.3g}"
    for unit, sign in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= unit:
            return f"{value / min(unit, 1e3 if sign == 'k' else unit):.4g}{sign}"
    return brief(value) if abs(value) < 1e-2 else f"{value:.4g}"


def _written(ticks: Sequence[float]) -> Callable[[float], str]:
    """How figures of an axis are written: in few characters, but no two of them alike."""
    ways = [_compact, *(f"{{:.{digits}g}}".format for digits in range(4, 18))]
    told = [way for way in ways if len({way(value) for value in ticks}) == len(ticks)]
    return min(told or ways[:1], key=lambda way: sum(len(way(value)) for value in ticks))


def _whole(value: float) -> str:
    """Nothing at all between two epochs."""
    return f"{value:.0f}" if abs(value - round(value)) < 1e-9 else ""


def _ticks(low: float, high: float) -> list[float]:
    """Up to seven round figures from low to high: multiples of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10((high - low) / 4))
    step = next(power * factor for factor in (1, 2, 5, 10) if (high - low) / (power * factor) <= 6)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def _low(point: CurvePoint) -> float:
    return point.low if known(point.low) else point.accuracy


def _svg(marks: Sequence[Html], label: str) -> Html:
    return element("svg", marks, class_="chart", viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}", role="img", aria_label=label)


def _svg_line(marks: Sequence[Html], kind: str, label: str) -> Html:
    return element("svg", marks, class_=kind, role="img", aria_label=label)


def _line(x1: float, y1: float | str, x2: float, y2: str, kind: str) -> Html:
    return element("line", x1=_share(x1), y1=y1, x2=_share(x2), y2=y2, class_=kind)


def _share(value: float) -> str:
    return f"{100 * min(max(value, 0.0), 1.0):.2f}%"
