"""The confusion matrix, whose cells open the items behind them, and the gallery of the hardest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby, product

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


class Matrix:
    """What a page shows of a report's confusion matrix; a report that has none has no cell that opens.

    Attributes:
        shown: Indices of the classes that stand in it, in their order.
        behind: The items that are known behind each cell, most confident first, each once.
        opened: The cells that open: mistakes, and those behind which items are known.
        first: The cell that is open when the page is: that of the most frequent mistake.
    """

    def __init__(self, report: ReportRecord) -> None:
        """Choose what is shown."""
        self._report, self._n = report, report.confusion
        self._index = {label: i for i, label in enumerate(report.classes)}
        self.shown = self._visible()
        self.behind = self._examples()
        pairs = product(self.shown, repeat=2) if self._n else ()
        self.opened = [(i, j) for i, j in pairs if (i != j and self._n[i][j]) or self.behind.get((i, j))]
        often = {(i, j): (i != j, self._n[i][j]) for i, j in self.opened}
        self.first = max(self.opened, key=often.__getitem__, default=None)

    def _visible(self) -> list[int]:
        if len(self._index) <= SHOWN:
            return list(range(len(self._index)))
        chosen: set[int] = set()
        # Both ends of the most frequent mistakes: no class stands there without one.
        for pair in words.confusions(self._report):
            both = chosen | {self._index[pair.label], self._index[pair.predicted]}
            if len(both) <= SHOWN:
                chosen = both
        return sorted(chosen)

    def _examples(self) -> dict[Pair, list[Judged]]:
        found: defaultdict[Pair, dict[str, Judged]] = defaultdict(dict)
        for judged in (*self._report.mistakes, *self._report.hardest):
            if judged.label in self._index and judged.predicted in self._index:
                pair = self._index[judged.label], self._index[judged.predicted]
                found[pair].setdefault(judged.path, judged)
        return {pair: sorted(items.values(), key=lambda judged: -judged.confidence) for pair, items in found.items()}

    def in_turn(self) -> Iterator[Judged]:
        """What the page shows, the first to be kept first.

        The hardest; then one item of each pair, then a second one: a limit takes from the fullest cells.
        """
        report = self._report
        yield from report.hardest
        if not self._n:
            yield from report.mistakes
            return
        yield from (next(own) for _, own in groupby(report.typical, key=lambda shown: shown.label))
        pairs = [pair for pair in self.behind if set(self.shown).issuperset(pair)]
        pairs.sort(key=lambda pair: -self._n[pair[0]][pair[1]])
        for depth in range(max(map(len, self.behind.values()), default=0)):
            yield from (self.behind[pair][depth] for pair in pairs if depth < len(self.behind[pair]))
        yield from report.typical

    def hard(self) -> list[Judged]:
        """The hardest items, without those that are right and sure, and without those that the open cell shows."""
        shown = {judged.path for judged in self.behind.get(self.first, ())} if self.first else set()
        return [judged for judged in not_easy(self._report) if judged.path not in shown]

    def drawn(self, exhibits: Exhibits) -> Html:
        """The table and, below it, one panel for each cell that opens."""
        panels = [self._panel(*pair, exhibits) for pair in self.opened]
        table = scrolled(self._table(), "Confusion matrix")
        return join([table, element("div", panels, class_="panels", aria_live="polite")])

    def _table(self) -> Html:
        classes, shown = self._report.classes, self.shown
        few = len(shown) <= 4 and max(len(classes[i]) for i in shown) <= 12
        way = "upright" if few else "turned"
        heads = [
            element("th", element("span", name(classes[i])), scope="col", title=classes[i], class_=way) for i in shown
        ]
        rows = [
            element(
                "tr",
                element("th", element("span", markup.label(classes[i])), scope="row", title=classes[i]),
                (self._cell(i, j) for j in shown),
                element("td", sum(self._n[i]), class_="sum"),
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

    def _cell(self, i: int, j: int) -> Html:
        classes, n, of = self._report.classes, self._n[i][j], sum(self._n[i])
        shade = 0 if not n else max(1, round(_SHADES * n / of))
        kind = f"{'right' if i == j else 'wrong'} s{shade}"
        if (i, j) not in self.opened:
            return element("td", n or None, class_=kind)
        words_for_it = f"{classes[i]} {'named rightly' if i == j else f'taken for {classes[j]}'}: {n} of {of}"
        now = "true" if (i, j) == self.first else None
        link = element("a", n, href=f"#pair-{i}-{j}", aria_label=words_for_it, aria_current=now)
        return element("td", link, class_=kind)

    def _panel(self, i: int, j: int, exhibits: Exhibits) -> Html:
        judged = self.behind.get((i, j), [])
        label, predicted = (name(self._report.classes[end]) for end in (i, j))
        n, of = self._n[i][j], sum(self._n[i])
        if i == j:
            head: list[Html | str] = [label, " named rightly, but with little confidence"]
            note = f"{len(judged)} of {n:,} shown." if n >= len(judged) else ""
        else:
            head = [label, " taken for ", predicted]
            share = words.percent(n / of if of else None)
            note = f"{n:,} of {of:,} ({share})" + (f", {len(judged)} shown." if 0 < len(judged) < n else ".")
        none = element("p", "No example of it was kept for this page.", class_="quiet")
        shown = gallery(self._report, judged, exhibits) if judged else none
        note_of_it = element("p", note, class_="quiet")
        return element("section", element("h3", head), note_of_it, shown, id=f"pair-{i}-{j}", class_="panel")


def not_easy(report: ReportRecord) -> list[Judged]:
    """The hardest items, without those that are right and sure: of few items, some of the hardest are easy."""
    return [judged for judged in report.hardest if judged.predicted != judged.label or judged.confidence < SURE]


def gallery(report: ReportRecord, judged: Sequence[Judged], exhibits: Exhibits) -> Html:
    """Items side by side: each with its name, what it was given, what it was called and how sure the model was."""
    return exhibits.gallery(exhibits.card(entry, _said(report, entry)) for entry in judged)


def _said(report: ReportRecord, judged: Judged) -> list[Html | str]:
    sure = words.percent(judged.confidence, 0)
    given, predicted = (name(words.label(report, labels)) for labels in (judged.label, judged.predicted))
    if judged.predicted == judged.label:
        return [given, f", {sure} sure"]
    return ["given ", given, element("br"), "predicted ", element("strong", predicted), f" {sure}"]
