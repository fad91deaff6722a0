import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graft.errors import UsageError
from graft.reading.cutting import Piece, Way, cut
from graft.reading.patterns import compile_pattern, suggest_pattern


def said(pattern, path):
    named = compile_pattern(pattern).match(path)
    return named and (named.label, named.group, named.split)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("{label}_{group}_{index}.wav", "0_george_12.wav", ("0", "george", "")),
        ("{label}_{group}_{index}", "0_george_12.wav", ("0", "george", "")),
        ("{label}_{group}_{index}.wav", "0_george_12.WAV", ("0", "george", "")),
        ("{label}_{group}_{index}.wav", "0_george_12.mp3", None),
        ("{label}_{group}_{index}.*", "0_george_12.mp3", ("0", "george", "")),
        ("{ label }_*", "sub/folder/yes_12.wav", ("yes", "", "")),
        ("{group}-*.jpg", "p7-left-2.jpg", ("", "p7", "")),
        ("{label}.{index}.jpg", "cat.12.jpg", ("cat", "", "")),
        ("{label}.{group}", "cat.p12.jpg", ("cat", "p12", "")),
        ("{label}.{group}", "cat.12", ("cat", "12", "")),
        ("speaker{group}_{label}.flac", "speaker3_no.flac", ("no", "3", "")),
        ("speaker{group}_{label}.flac", "listener3_no.flac", None),
        ("{split}/{label}/{group}/*.wav", "train/yes/p1/8.wav", ("yes", "p1", "train")),
        ("{split}/{label}/{group}/*.wav", "train/yes/8.wav", None),
        ("{group}/*", "p1/deeper/8.wav", None),
        ("./{group}\\*.wav", "p1/8.wav", ("", "p1", "")),
        ("*_{label}.wav", "a_b_c_yes.wav", ("yes", "", "")),
        ("{label}_x[1].wav", "yes_x[1].wav", ("yes", "", "")),
        ("{label}-1.wav", "caf\u0065\u0301-1.wav", ("caf\u00e9", "", "")),
        ("{label}_{index}.wav", "_1.wav", None),
    ],
)
def test_what_names_say(pattern, path, expected):
    assert said(pattern, path) == expected


def test_the_label_may_hold_what_stands_between_fields_and_that_is_said():
    pattern = compile_pattern("{label}_{group}_{index}.jpg")
    assert pattern.match("golden_retriever_p1_12.jpg") == ("golden_retriever", "p1", "", True)
    assert pattern.match("pug_p1_12.jpg") == ("pug", "p1", "", False)
    assert compile_pattern("{group}_{label}.jpg").match("p1_golden_retriever.jpg")[:2] == ("golden_retriever", "p1")
    assert compile_pattern("{group}_*.jpg").match("p1_a_b.jpg") == ("", "p1", "", False)  # the rest is for the star


@pytest.mark.parametrize(
    "pattern",
    ["{a}x{b}x{c}x{d}x{e}x{f}x{label}", "{c}q{label}x*x*x{group}x{a}x{b}", "{label}a{group}b*c{x}a{y}b{z}a{w}"],
)
@pytest.mark.parametrize("name", ["x" * 255 + "!/", "x" * 4000 + "/", "ab" * 120 + "/", "xa" * 2000 + "q/"])
def test_fields_between_letters_are_cut_in_bounded_time(pattern, name):
    """By a regular expression each of these would take longer than this test may."""
    compile_pattern(pattern).match(f"a/{name[:-1]}")
    compile_pattern(f"b/{pattern}").match(f"b/{name}{name}")


PIECES = st.lists(
    st.one_of(
        st.text("ab_", min_size=1, max_size=2).map(Piece),
        st.builds(
            Piece, st.just(""), st.just(""), st.sampled_from(["/", "/_", "/a"]), st.integers(0, 1), st.booleans()
        ),
    ),
    min_size=1,
    max_size=5,
)


@given(pieces=PIECES, name=st.text("ab_/", max_size=12))
@settings(max_examples=500, deadline=None)
def test_names_are_cut_as_a_regular_expression_does(pieces, name):
    named = tuple(
        piece if piece.literal else piece._replace(field=f"f{position}") for position, piece in enumerate(pieces)
    )
    found = Way(named).regex.fullmatch(name)
    assert cut(named, name) == (found.groupdict() if found else None)


def test_a_name_longer_than_any_path_fits_nothing():
    assert compile_pattern("{label}_{group}").match("a" * 4000 + "_b") is not None
    assert compile_pattern("{label}_{group}").match("a" * 5000 + "_b") is None


def test_names_made_to_take_long():
    pattern = compile_pattern("_".join(f"{{{name}}}" for name in ("label", *"abcdef")) + "-x.wav")
    assert pattern.match("_" * 250 + ".wav") is None
    assert pattern.match("a_" * 120 + ".wav") is None
    assert pattern.match("a_" * 120 + "b-x.wav").ambiguous
    assert compile_pattern("*_*_*_{label}-x.wav").match("a_" * 120 + ".wav") is None


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("", "none of the fields"),
        ("*.wav", r"none of the fields \{label\}, \{group\} and \{split\}"),
        ("{speaker}_{index}.wav", "none of the fields"),
        ("{label}{index}.wav", r"nothing between \{label\} and \{index\}"),
        ("{label}*.wav", r"nothing between \{label\} and \*"),
        ("{label}_{label}.wav", r"\{label\} twice"),
        ("{label_{index}.wav", r"a \{ without its partner"),
        ("label}.wav", r"a \} without its partner"),
        ("{}_{label}.wav", "a field called ''"),
        ("{the label}.wav", "a field called 'the label'"),
        ("{label}_*_*_*_*", "4 stars; the limit is 3"),
        ("_".join(f"{{{name}}}" for name in ("label", *"abcdefghi")), "10 fields; the limit is 8"),
    ],
)
def test_patterns_that_are_none(pattern, words):
    with pytest.raises(UsageError, match=words + r".*Write it like \{label\}_\{group\}_\{index\}\.wav"):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        ([f"{d}_{who}_{i}.wav" for d in range(10) for who in "ab" for i in range(9)], "{label}_{group}_{index}.wav"),
        ([f"{animal}.{i}.jpg" for animal in ("cat", "dog") for i in range(9)], "{label}.{index}.jpg"),
        ([f"x/rec-{i:03}-{word}.ogg" for i in range(30) for word in ("on", "off")], "*-{index}-{label}.ogg"),
        ([f"IMG_{i}.jpg" for i in range(50)], ""),
        ([f"photo{i}.jpg" for i in range(50)], ""),
        (["cat_1.jpg", "dog_1.jpg"], ""),
        ([], ""),
    ],
)
def test_a_pattern_is_suggested_where_names_repeat_themselves(names, pattern):
    assert suggest_pattern(names) == pattern
    if pattern:
        assert all(compile_pattern(pattern).match(name) for name in names)
