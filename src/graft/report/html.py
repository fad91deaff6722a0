"""The report as one self-contained page: no requests, no foreign code, whole without a network and without scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby

from graft.heads.features import DESCRIPTIONS
from graft.report import charts, markup, new_classes, runs, steps, timings, tuning, words
from graft.report.exhibits import Exhibits, gather, legend
from graft.report.markup import Content, Html, element, folded, join, name, scrolled, table
from graft.report.matrix import Matrix, gallery
from graft.report.page import document
from graft.results.facts import Facts
from graft.results.figures import ClassesAdded, ClassFigures, MultiLabelFigures, RecallChange, ReportRecord

WORST = 20
"""Of more classes than this, the best are folded away."""
EXAMPLES = 24
"""Of more mistakes than this in one gallery, the others are folded away."""
CLASSES = 8
"""Typical examples of more classes than this are folded away."""
SKIPPED = 200
"""At most this many skipped items are listed."""


def render(report: ReportRecord, *, evaluated: bool = False) -> str:
    """The whole page; see ``document`` for what it may do.

    Args:
        report: What a fit found, or what ``as_report`` made of an evaluation.
        evaluated: Whether it is of an evaluation, of which there is less to tell.
    """
    cells = Matrix(report)
    exhibits = gather(report, cells.in_turn())
    score = f"{words.percent(report.score.value)} {words.score_name(report).lower()}"
    sections = _sections(report, cells, exhibits, evaluated)
    return whole(report, score, words.brought(report), sections, exhibits, evaluated)


def whole(
    report: Facts, score: str, brought: str, sections: Iterator[Html], exhibits: Exhibits, evaluated: bool
) -> str:
    """The page of any task.

    Args:
        report: What is true of any fit.
        score: Stands in the title.
        brought: What the items are.
        sections: What the task has to tell.
        exhibits: What they show of the items.
        evaluated: Whether it is of an evaluation.
    """
    body = [_header(report, brought, evaluated), element("main", sections), _footer(report)]
    return document(f"{report.name}: {score}", body, css=exhibits.css, sound=exhibits.plays)


def _header(report: Facts, brought: str, evaluated: bool) -> Html:
    facts = [brought, element("br"), words.made(report)]
    if evaluated:
        facts = [f"Evaluation of {words.clean(report.model or 'a model')}", element("br"), *facts]
    if report.journal is not None:
        said = f"{words.clean(report.journal.name)}: {words.journal(report.journal)}"
        facts += [element("br"), f"Journal {said}"]
    return element("header", element("h1", name(report.name)), element("p", facts, class_="quiet"))


def _sections(report: ReportRecord, cells: Matrix, exhibits: Exhibits, evaluated: bool) -> Iterator[Html]:
    """All of them; of an evaluation without those that only a fit has something to say in."""
    yield _score(report)
    if report.multi is not None:
        yield _multi_label(report.multi)
    yield from notes(report)
    if not evaluated:
        yield from _what_next(report)
    yield _classes(report)
    if report.added is not None:
        yield _added(report.added)
    if report.confusion:
        yield _confusion(report, cells, exhibits)
    yield from _galleries(report, cells, exhibits)
    if report.tuning is not None:
        yield section("tuning", "Tuning", runs.decided(report.tuning, report.modality), tuning.shown(report.tuning))
    if not evaluated:
        yield _learning(report)
    yield _calibration(report)
    if not evaluated:
        yield section("sets", "Sets and unknown" if report.sets else "Unknown", [], _sets(report))
    yield from ending(report, evaluated=evaluated)


def ending(report: Facts, *, evaluated: bool = False) -> Iterator[Html]:
    """What could not be used and, of a fit, what time it took."""
    if report.n_skipped or report.skipped:
        yield _skipped(report)
    if not evaluated:
        cached, took = timings.cache(report), timings.timings(report)
        body = element("p", f"{took}." if took else "Not measured.")
        yield section("timings", "Time", [f"{cached}." if cached else ""], body)


def notes(report: Facts) -> Iterator[Html]:
    """The warnings."""
    if report.warnings:
        notes = element(
            "ul",
            (element("li", element("span", warning), class_="note warning") for warning in report.warnings),
            class_="notes",
        )
        yield section("warnings", "Warnings", ["What to know about the data before believing the figures."], notes)


def _score(report: ReportRecord) -> Html:
    score, between = report.score, ""
    if words.known(score.low, score.high):
        between = f"{words.span(score.low, score.high)}, the 95{words.NBSP}% interval"
    more: list[Content] = [
        _ladder(report),
        element("p", words.origin(report), class_="quiet"),
        (element("p", said, class_="beside") for said in words.beside(report)),
    ]
    figure = words.percent(score.value)
    return headline(words.score_name(report), figure, between, words.headline(report), words.doubt(report), more)


def headline(name: str, figure: str, between: str, lead: str, doubt: str, more: Content) -> Html:
    """The section that a page begins with: the score with its interval, what it means, and what to doubt of it."""
    margin = element(
        "div",
        element("h2", name, id="h-score"),
        element("p", figure, class_="figure"),
        element("p", between, class_="quiet") if between else None,
    )
    body = element(
        "div",
        element("p", lead, class_="lead"),
        element("p", element("span", doubt), class_="note warning doubt") if doubt else None,
        more,
    )
    return element("section", margin, body, id="score", class_="score", aria_labelledby="h-score")


def _ladder(report: ReportRecord) -> Html:
    rows = [(*score, kind) for score, kind in zip(words.scores(report), ("accent", ""), strict=False)]
    rows += [(*score, "base") for score in words.baselines(report)]
    cells: list[Sequence[Content]] = [
        (label, charts.interval(score, kind), words.percent(score.value), words.spread(score))
        for label, score, kind in rows
    ]
    cells.append((None, charts.scale(), None, None))
    caption = f"{words.score_name(report)} beside the test split and the baselines, in per cent"
    columns = [("", ""), ("", "drawn"), ("", "number"), ("", "number range")]
    return table("ladder", columns, cells, caption=caption)


def _classes(report: ReportRecord) -> Html:
    rows = words.worst_first(report)
    n = len(rows)
    tables: list[Content] = [_class_table(report, rows[:WORST])]
    if n > WORST:
        called = f"The other {n - WORST} {words.kinds(report).lower()}"
        tables.append(folded(called, _class_table(report, rows[WORST:])))
    order = f"The {WORST} of {n} with the lowest recall." if n > WORST else "The lowest recall first."
    macro = f" Macro F1 is {report.macro_f1:.3f}." if words.known(report.macro_f1) else ""
    found = "a label's items that are" if report.multi_label else "a class that is"
    explained = (
        f" Recall is the share of {found} found, with its 95{words.NBSP}% interval (Wilson); "
        "precision is the share of right ones among those called so."
    )
    return section("classes", words.kinds(report), [order, macro, explained], tables)


def _class_table(report: ReportRecord, rows: list[tuple[str, ClassFigures]]) -> Html:
    columns = [
        ("label" if report.multi_label else "class", "label"),
        ("recall", "drawn"),
        ("", "number"),
        ("precision", "number"),
        ("n", "number"),
    ]
    cells: list[list[Content]] = [
        [markup.label(label), *_recall(found), words.percent(found.precision), f"{found.n:,}"] for label, found in rows
    ]
    return table("classes", columns, cells)


def _recall(found: ClassFigures) -> list[Content]:
    """Drawn, and in figures."""
    if not found.n:
        return [element("span", "never scored", class_="quiet"), words.NO_FIGURE]
    between = element("span", words.span(found.recall_low, found.recall_high, 0), class_="between")
    drawn = charts.bar(found.recall, found.recall_low, found.recall_high)
    return [drawn, [words.percent(found.recall), " ", between]]


def _multi_label(found: MultiLabelFigures) -> Html:
    shown = figures(words.multi_label(found))
    return section("multi-label", "Over all labels", ["An item may bear several labels, or none."], shown)


def figures(rows: Sequence[tuple[str, str, str]]) -> Html:
    """What each figure is called, how much it is, and what is to be said of it."""
    return table("figures", [("", ""), ("", "number"), ("", "quiet")], rows)


def _added(found: ClassesAdded) -> Html:
    rows = new_classes.losses(found)
    changed = [row for row in rows if new_classes.changed(row[1])]
    tables: list[Content] = [_recall_table(changed[:WORST])] if changed else []
    rest = changed[WORST:] + [row for row in rows if not new_classes.changed(row[1])]
    if rest:
        called = "the other" if changed else "the"
        summary = f"{called} {words.count(len(rest), 'old class', 'old classes')}".capitalize()
        tables.append(folded(summary, _recall_table(rest)))
    prose = ["Recall of the old classes before and after the new ones came."]
    return section("added", "New classes", prose, [element("p", new_classes.added(found), class_="lead"), tables])


def _recall_table(rows: list[tuple[str, RecallChange]]) -> Html:
    heads = ("before", "after", "change", "lost to new", "n")
    cells = [(markup.label(label), *new_classes.change_of(change)) for label, change in rows]
    shown = table("recalls", [("class", "label"), *((head, "number") for head in heads)], cells)
    return scrolled(shown, "Recall of the old classes")


def _galleries(report: ReportRecord, cells: Matrix, exhibits: Exhibits) -> Iterator[Html]:
    things = words.things(report.modality)
    if hard := cells.hard():
        what = f"Held-out {things} that the model got most wrong, or was least sure of. "
        prose = [what, "Some of them may carry a wrong label.", legend(report.whys)]
        if len(hard) < len(report.hardest):
            prose.append(" What the open cell of the confusion matrix shows is not shown again.")
        yield section("hardest", "Hardest examples", prose, gallery(report, hard, exhibits))
    if report.typical:
        prose = [f"Held-out {things} that were named rightly and lie in the middle of their class."]
        yield section("typical", "Typical examples", prose, _typical(report, exhibits))
    if report.confusion or not report.mistakes:
        return
    among = {judged.path for judged in report.hardest}
    others = [judged for judged in report.mistakes if judged.path not in among]
    if others:  # without a matrix there is no cell that they could stand behind
        first, rest = others[:EXAMPLES], others[EXAMPLES:]
        shown: list[Content] = [gallery(report, first, exhibits)]
        if rest:
            shown.append(folded(f"{len(rest)} more", gallery(report, rest, exhibits)))
        prose = [f"More held-out {things} whose labels are not all right."]
        yield section("mistakes", "Mistakes", prose, shown)


def _typical(report: ReportRecord, exhibits: Exhibits) -> list[Content]:
    """A row for each class; of many, the further ones are folded away."""
    rows: list[Content] = [
        [element("h3", name(label)), gallery(report, list(shown), exhibits)]
        for label, shown in groupby(report.typical, key=lambda judged: judged.label)
    ]
    few, rest = rows[:CLASSES], rows[CLASSES:]
    return [*few, folded(f"{len(rest)} more classes", rest) if rest else None]


def _what_next(report: ReportRecord) -> Iterator[Html]:
    """How the model is used, and what would make it better."""
    asked, ahead = steps.use(report), steps.ahead(report)
    improved = [element("h3", "What would make it better"), step_list(ahead)] if ahead else None
    if asked:
        yield section("use", "Use this model", [], [step_list([asked]), improved])
    elif improved:
        yield section("use", "What to do next", [], improved[1])


def step_list(things: Sequence[steps.Step]) -> Html:
    """What to do, with commands to copy."""
    return element(
        "ol", (element("li", element("p", step.why), _command(step.command)) for step in things), class_="steps"
    )


def _command(command: str) -> Html:
    """A command to copy; the button is shown where a script can press it."""
    button = element("button", "Copy", type="button", class_="button", hidden=True)
    return element("div", element("code", command, dir="ltr"), button, class_="command")


def _confusion(report: ReportRecord, cells: Matrix, exhibits: Exhibits) -> Html:
    if not words.confusions(report):
        judged = any(any(row) for row in report.confusion)
        empty = "Not one mistake on held-out items." if judged else "Nothing was judged, so nothing was confused."
        return section("confusion", "Confusion", [], element("p", empty, class_="lead"))
    how = "hear" if exhibits.plays else "see"
    prose = (
        f"Choose a cell to {how} its {words.things(report.modality)}; the arrow keys move between cells. "
        "The stronger its tint, the larger the share of its row."
    )
    shown = cells.shown
    if len(shown) < len(report.classes):
        wrong = sum(pair.n for pair in words.confusions(report))
        inside = sum(report.confusion[i][j] for i in shown for j in shown if i != j)
        prose += (
            f" These are the {len(shown)} of {len(report.classes)} classes that are confused most; "
            f"{inside:,} of {wrong:,} mistakes lie among them."
        )
    return section("confusion", "Confusion", [prose], cells.drawn(exhibits))


def _learning(report: ReportRecord) -> Html:
    overfit = words.overfit(report)
    forecasts = [element("li", words.outlook(forecast)) for forecast in report.forecast]
    prose: list[Content] = [overfit]
    if not words.growth(report):
        return section("learning", "Learning curve", prose, element("p", words.no_growth(report)))
    everyone = next((forecast for forecast in report.forecast if forecast.label == "all"), None)
    chart = charts.learning_curve(
        report.learning_curve, everyone, len(report.classes), words.score_name(report).lower()
    )
    ahead = [element("h3", "What more would bring"), element("ul", forecasts, class_="plain")] if forecasts else None
    return section("learning", "Learning curve", prose, [chart, ahead])


def _calibration(report: ReportRecord) -> Html:
    bins = [entry for entry in report.calibration.bins if entry.n]
    prose = [words.confidence(report)]
    if not bins:
        return section("calibration", "Calibration", prose, element("p", "There is nothing to draw."))
    prose.append(
        " On the diagonal, a confidence is what it says. The larger a dot, the more predictions stand behind it."
    )
    rows = [(words.percent(entry.confidence), words.percent(entry.accuracy), f"{entry.n:,}") for entry in bins]
    shown = table("bins", [(head, "number") for head in ("sure", "right", "n")], rows, named=False)
    return section("calibration", "Calibration", prose, [charts.reliability(bins), folded("The figures", shown)])


def _sets(report: ReportRecord) -> list[Content]:
    if report.sets is None:
        return [element("p", words.unknown(report.unknown, report.modality))]
    guarantee = report.sets.guarantee
    return [
        element("h3", "Prediction sets"),
        element("p", words.sets(report)),
        element("p", guarantee, class_="quiet") if guarantee else None,
        element("h3", "Unknown"),
        element("p", words.unknown(report.unknown, report.modality)),
    ]


def _skipped(report: Facts) -> Html:
    rows = [(_skipped_name(report, entry.path), entry.reason) for entry in report.skipped[:SKIPPED]]
    what = "text" if report.modality == "text" else "file"
    shown = table("skipped", [(what, ""), ("why", "")], rows, named=False)
    more = report.n_skipped - len(rows)
    rest = element("p", f"and {more:,} more", class_="quiet") if more > 0 else None
    box = scrolled(shown, f"Skipped {words.things(report.modality)}")
    prose = [words.unusable(report.n_skipped, report.skipped, report.modality), "."]
    return section("skipped", "Skipped", prose, [box if rows else None, rest])


def _skipped_name(report: Facts, path: str) -> Html:
    if report.modality == "text":
        return element("div", words.excerpt(path) or "(blank)", dir="auto", lang="")
    return markup.path(path)


def _footer(report: Facts) -> Html:
    """How the model was made."""
    head = report.head
    strength = f", strength {head.strength:g}" if words.known(head.strength) else ""
    stages = DESCRIPTIONS.get(head.features, head.features)
    size = f", {words.size(head.bytes)}" if head.bytes else ""
    facts: list[tuple[str, str]] = [("head", f"{head.kind} on {stages}{strength}{size}")]
    if report.head.why:
        facts.append(("chosen because", report.head.why))
    facts += [
        ("recipe", json.dumps(dict(report.recipe), sort_keys=True, ensure_ascii=False, default=str)),
        ("data fingerprint", report.fingerprint),
        ("made by", f"Graft {report.version}".rstrip()),
    ]
    terms = (part for term, fact in facts for part in (element("dt", term), element("dd", fact)))
    return element("footer", element("h2", "How it was made"), element("dl", terms))


def section(key: str, heading: str, prose: Content, body: Content) -> Html:
    """A heading with prose in the margin, and what stands beside it."""
    margin = element(
        "div", element("h2", heading, id=f"h-{key}"), element("p", prose) if join(prose) else None, class_="margin"
    )
    return element("section", margin, element("div", body), id=key, aria_labelledby=f"h-{key}")
