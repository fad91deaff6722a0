import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graft.reading.delimited import read_delimited

KNOWN = ("text", "label")


def table(text):
    """Header, rows and notes of a table."""
    found = read_delimited(text, "a.csv", KNOWN)
    rows = [tuple(row.get(column) for column in found.columns) for _, row in found.records]
    return found.columns, rows, found.warnings, found.skipped


def rows_of(text):
    return table(text)[1]


LINES = [f"where is parcel {n},late" if n % 2 else f"money back for {n},money" for n in range(20)]


def with_line(line, place=8, header="text,label", lines=LINES):
    return "\n".join([header, *lines[:place], line, *lines[place:]]) + "\n"


@pytest.mark.parametrize(
    "line",
    [
        '"5 inch screen,late',  # nothing closes it
        'a 5 inch screen,"late',
        '"5 inch" screen is "late,late',
    ],
)
def test_an_open_quote_costs_no_other_row(line):
    rows = rows_of(with_line(line))
    assert len(rows) == 21
    assert [row for row in rows if row[0].startswith(("where", "money"))] == [tuple(one.split(",")) for one in LINES]


def test_a_quote_that_a_later_row_closes_swallows_nothing():
    """Quotes that fit each other by chance: the second closes the first as the format wants it."""
    lines = [*LINES[:12], 'the screen of 7",money', *LINES[12:]]
    _, rows, notes, _ = table(with_line('"5 inch screen,late', 3, lines=lines))
    assert len(rows) == 22
    assert rows[3] == ('"5 inch screen', "late")
    assert "line 5" in notes[0]
    assert '"5 inch screen,late' in notes[0]


def test_the_same_where_labels_come_first():
    lines = [",".join(reversed(line.split(","))) for line in LINES]
    swapped = [*lines[:3], 'late,"5 inch', 'money,the screen of 7"', *lines[3:]]
    _, rows, notes, _ = table("\n".join(["label,text", *swapped]))
    assert len(rows) == 22
    assert rows[3:5] == [("late", '"5 inch'), ("money", 'the screen of 7"')]
    assert notes


def test_cells_of_several_lines_stay_whole():
    letter = "Dear all,\n\nwhere is it, please?\nRegards,\nAnn"
    text = with_line(f'"{letter}",late')
    _, rows, notes, _ = table(text)
    assert rows[8] == (letter, "late")
    assert len(rows) == 21
    assert not notes
    first = "\n".join(["label,text", *[",".join(reversed(line.split(","))) for line in LINES], f'late,"{letter}"'])
    assert rows_of(first)[-1] == ("late", letter)


def test_what_was_wrong_with_quotes_in_one_line_is_read_as_ever():
    assert rows_of('text,label\n"she said "hello" to me",late\n')[0][1] == "late"
    assert rows_of('text,label\n"a ""quoted"" word",late\n') == [('a "quoted" word', "late")]


def test_blank_lines_before_the_header_and_blanks_after_commas():
    assert rows_of("\n \n\ntext,label\na b,late\n") == [("a b", "late")]
    assert rows_of('text, label\n"a, b", "late"\n') == [("a, b", "late")]


cell = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r", exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.tuples(cell, st.sampled_from(["late", "money"])), min_size=1, max_size=6))
def test_what_the_standard_library_writes_is_read_back(rows):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([("text", "label"), *rows])
    _, found, notes, skipped = table(out.getvalue())
    guarded = [row for row in rows if not row[0].startswith("'")]
    if len(guarded) == len(rows) and not notes:  # what looks like rows within a cell is told, and cut
        assert found == rows
        assert not skipped
