"""Elements are balanced and escaped by construction."""

from graft.report.markup import Html, element, folded, join, name, path, scrolled, table


def test_plain_strings_are_escaped_and_finished_markup_is_not() -> None:
    made = element("p", "<b>&\"'", element("i", "x"), title='"><script>')

    assert made == ('<p title="&quot;&gt;&lt;script&gt;">&lt;b&gt;&amp;&quot;&#x27;<i>x</i></p>')


def test_attributes_are_spelled_as_html_spells_them() -> None:
    made = element("td", None, 3, class_="a", aria_label="b", hidden=True, title=None, x=0.123456789)

    assert made == '<td class="a" aria-label="b" hidden x="0.12346">3</td>'


def test_void_elements_are_not_closed() -> None:
    assert element("br") == "<br>"


def test_content_may_be_nested() -> None:
    made = join(["a", [Html("<b>"), ("<", 1)], None])

    assert isinstance(made, Html)
    assert made == "a<b>&lt;1"


def test_names_keep_their_direction_to_themselves() -> None:
    assert name("a\u202eb") == "<bdi>a\ufffdb</bdi>"


def test_paths_may_break_after_a_slash() -> None:
    assert path("a/b<c") == "<bdi>a/<wbr>b&lt;c</bdi>"


def test_a_table_names_its_rows_and_where_there_are_heads_its_columns() -> None:
    row = '<tbody><tr><th scope="row">&lt;a&gt;</th><td class="number">1</td></tr></tbody></table>'
    heads = '<thead><tr><th scope="col">label</th><th scope="col" class="number">n</th></tr></thead>'

    assert table("small", [("label", ""), ("n", "number")], [("<a>", 1)]) == f'<table class="small">{heads}{row}'
    assert table("small", [("", ""), ("", "number")], [("<a>", 1)]) == f'<table class="small">{row}'
    assert "<td>a</td><td>b</td>" in table("small", [("x", ""), ("y", "")], [("a", "b")], named=False)


def test_what_is_wide_is_a_region_that_keys_reach_and_what_is_long_is_folded() -> None:
    assert scrolled(Html("<i>a</i>"), "<b>").startswith(
        '<div class="scroll" tabindex="0" role="region" aria-label="&lt;b'
    )
    assert folded("3 more", ["<", Html("<i>a</i>")]) == "<details><summary>3 more</summary>&lt;<i>a</i></details>"
