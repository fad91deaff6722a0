import pytest

from graft.encoders.windows import MAX_WINDOWS, cuts, pieces, spread


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [(0, []), (1, [(0, 1)]), (10, [(0, 10)]), (11, [(0, 5), (5, 11)]), (21, [(0, 7), (7, 14), (14, 21)])],
)
def test_parts_are_as_few_as_can_be_and_alike(tokens, expected):
    assert cuts(tokens, 10) == expected


def test_of_many_windows_the_first_and_the_last_are_among_those_that_are_read():
    windows = [[number] for number in range(1000)]
    chosen = spread(windows)
    assert (len(chosen), chosen[0], chosen[-1]) == (MAX_WINDOWS, [0], [999])
    assert spread(windows[:5]) == windows[:5]


def test_a_very_long_text_is_cut_into_pieces_from_beginning_to_end():
    text = "".join(chr(0x4E00 + number) for number in range(MAX_WINDOWS * 10 + 1))
    found = pieces(text, 10)
    assert (len(found), {len(piece) for piece in found}) == (MAX_WINDOWS, {10})
    assert text.startswith(found[0])
    assert text.endswith(found[-1])
    assert pieces(text[:-1], 10) == [text[:-1]]
