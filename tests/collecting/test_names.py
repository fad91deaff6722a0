import pytest
from hypothesis import given
from hypothesis import strategies as st

from graft.data.listing import is_stray
from graft.data.names import safe_name


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("open door", "open door"),
        ("Tür auf", "Tür auf"),
        ("../../etc/passwd", "etc passwd"),
        ("a/b\\c", "a b c"),
        ('"open door" -window?', "open door -window"),
        ("nul", "nul_"),
        ("Con.txt", "Con.txt_"),
        (".hidden", "hidden"),
        ("thumbs.db", "thumbs.db_"),
        ("doors.graft", "doors.graft_"),
        ("door. ", "door"),
        ("a\tb\n\x00c", "a b c"),
        ("..", ""),
        ("ü" * 100, "ü" * 60),
    ],
)
def test_names(query, name):
    assert safe_name(query) == name


@given(st.text())
def test_any_text_gives_a_name_that_is_safe_or_none(query):
    name = safe_name(query)
    assert safe_name(name) == name
    assert not name or (not is_stray(name) and not set(name) & set('/\\:*?"<>|\0') and name not in (".", ".."))
    assert len(name.encode()) <= 121
