"""The confusion matrix, whose cells open the items behind them, and the gallery of the hardest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from graft.report import markup, words
from graft.report.exhibits import Exhibits
from graft.report.markup import Html, element, join, name, scrolled
from graft.results.figures import Judged, ReportRecord

SHOWN = 20
"""Of more classes than this, the matrix shows the most confused ones."""
MANY = 12
"""Above this many classes, the cells are small."""
SURE = 0.75
"""An item that was named rightly with this confidence is not hard."""
_SHADES = 10

Pair = tuple[int, int]


def visible(report: ReportRecord) -> list[int]:
    """Indices of the classes that the matrix shows, in their order."""
    if len(report.classes) <= SHOWN:
        return list(range(len(report.classes)))
    index = {label: i for i, label in enumerate(report.classes)}
    chosen: set[int] = set()
    for pair in words.confusions(report):  # both ends of the most frequent mistakes: no class stands there without one
        both = chosen | {index[pair.label], index[pair.predicted]}
        if len(both) <= SHOWN:
            chosen = both
    return sorted(chosen)


def examples(report: ReportRecord) -> dict[Pair, list[Judged]]:
    """The items that are known behind each cell, most confident first, each once."""
    index = {label: i for i, label in enumerate(report.classes)}
    found: defaultdict[Pair, dict[str, Judged]] = defaultdict(dict)
    for judged in (*report.mistakes, *report.hardest):
        if judged.label in index and judged.predicted in index:
            found[index[judged.label], index[judged.predicted]].setdefault(judged.path, judged)
    return {pair: sorted(items.values(), key=lambda judged: -judged.confidence) for pair, items in found.items()}


def in_turn(report: ReportRecord) -> Iterator[Judged]:
    """What the page shows, the first to be kept first.

    The hardest; then one item of each pair, then a second one: a limit takes from the fullest cells.
    """
    yield from report.hardest
    if not report.confusion:
        yield from report.mistakes
        return
    yield from (next(own) for _, own in groupby(report.typical, key=lambda shown: shown.label))
    shown = set(visible(report))
    behind = examples(report)
    pairs = [pair for pair in behind if shown.issuperset(pair)]
    pairs.sort(key=lambda pair: -report.confusion[pair[0]][pair[1]])
    for depth in range(max((len(items) for items in behind.values()), default=0)):
        yield from (behind[pair][depth] for pair in pairs if depth < len(behind[pair]))
    yield from report.typical


def hard(report: ReportRecord) -> list[Judged]:
    """The hardest items, without those that are right and sure, and without those that the open cell shows."""
    pair = opened_first(report)
    shown = {judged.path for judged in examples(report).get(pair, ())} if pair else set()
    return [judged for judged in not_easy(report) if judged.path not in shown]


def not_easy(report: ReportRecord) -> list[Judged]:
    """The hardest items, without those that are right and sure: of few items, some of the hardest are easy."""
    return [judged for judged in report.hardest if judged.predicted != judged.label or judged.confidence < SURE]


def opened_first(report: ReportRecord) -> Pair | None:
    """The cell that is open when the page is: that of the most frequent mistake."""
    if not report.confusion:
        return None
    behind = examples(report)
    return max(
        _opening(report, visible(report), behind),
        key=lambda pair: (pair[0] != pair[1], report.confusion[pair[0]][pair[1]]),
        default=None,
    )


def _opening(report: ReportRecord, shown: Sequence[int], behind: Mapping[Pair, Sequence[Judged]]) -> list[Pair]:
    """The cells that open: mistakes, and those behind which items are known."""
    return [(i, j) for i in shown for j in shown if (i != j and report.confusion[i][j]) or behind.get((i, j))]


def matrix(report: ReportRecord, exhibits: Exhibits) -> Html:
    """The table and, below it, one panel for each cell that opens."""
    shown, behind = visible(report), examples(report)
    opened, first = _opening(report, shown, behind), opened_first(report)
    panels = [_panel(report, pair, behind.get(pair, []), exhibits) for pair in opened]
    table = scrolled(_table(report, shown, set(opened), first), "Confusion matrix")
    return join([table, element("div", panels, class_="panels", aria_live="polite")])


def gallery(report: ReportRecord, judged: Sequence[Judged], exhibits: Exhibits) -> Html:
    """Items side by side: each with its name, what it was given, what it was called and how sure the model was."""
    return exhibits.gallery(exhibits.card(entry, _said(report, entry)) for entry in judged)


def _table(report: ReportRecord, shown: Sequence[int], opened: set[Pair], first: Pair | None) -> Html:
    labels = [report.classes[i] for i in shown]
    few = len(shown) <= 4 and max(map(len, labels)) <= 12
    heads = [
        element("th", element("span", name(label)), scope="col", title=label, class_="upright" if few else "turned")
        for label in labels
    ]
    rows = [
        element(
            "tr",
            element("th", element("span", markup.label(report.classes[i])), scope="row", title=report.classes[i]),
            (_cell(report, (i, j), (i, j) in opened, (i, j) == first) for j in shown),
            element("td", sum(report.confusion[i]), class_="sum"),
        )
        for i in shown
    ]
    corner = element("td", "given ↓", element("br"), "predicted →", class_="corner")
    return element(
        "table",
        element("caption", "Confusion matrix: given labels in rows, predictions in columns", class_="hidden"),
        element("thead", element("tr", corner, heads, element("th", "n", scope="col", class_="sum"))),
        element("tbody", rows),
        class_=f"matrix {'few' if few else 'many' if len(shown) > MANY else ''}".strip(),
    )


def _cell(report: ReportRecord, pair: Pair, opens: bool, first: bool) -> Html:
    i, j = pair
    n, of = report.confusion[i][j], sum(report.confusion[i])
    shade = 0 if not n else max(1, round(_SHADES * n / of))
    kind = f"{'right' if i == j else 'wrong'} s{shade}"
    if not opens:
        return element("td", n or None, class_=kind)
    words_for_it = f"{report.classes[i]} {'named rightly' if i == j else f'taken for {report.classes[j]}'}: {n} of {of}"
    link = element("a", n, href=f"#pair-{i}-{j}", aria_label=words_for_it, aria_current="true" if first else None)
    return element("td", link, class_=kind)


def _panel(report: ReportRecord, pair: Pair, judged: Sequence[Judged], exhibits: Exhibits) -> Html:
    i, j = pair
    n, of = report.confusion[i][j], sum(report.confusion[i])
    if i == j:
        head: list[Html | str] = [name(report.classes[i]), " named rightly, but with little confidence"]
        note = f"{len(judged)} of {n:,} shown." if n >= len(judged) else ""
    else:
        head = [name(report.classes[i]), " taken for ", name(report.classes[j])]
        share = words.percent(n / of if of else None)
        note = f"{n:,} of {of:,} ({share})" + (f", {len(judged)} shown." if 0 < len(judged) < n else ".")
    shown = (
        gallery(report, judged, exhibits)
        if judged
        else element("p", "No example of it was kept for this page.", class_="quiet")
    )
    return element(
        "section", element("h3", head), element("p", note, class_="quiet"), shown, id=f"pair-{i}-{j}", class_="panel"
    )


def _said(report: ReportRecord, judged: Judged) -> list[Html | str]:
    sure = words.percent(judged.confidence, 0)
    given, predicted = (name(words.label(report, labels)) for labels in (judged.label, judged.predicted))
    if judged.predicted == judged.label:
        return [given, f", {sure} sure"]
    return ["given ", given, element("br"), "predicted ", element("strong", predicted), f" {sure}"]
