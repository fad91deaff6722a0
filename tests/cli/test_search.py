"""``graft search`` from outside."""

import re
import shutil

import pytest
from rich.cells import cell_len

import shapes
from graft.decoding.sound import wav_bytes

TEXTS = ["Where is my parcel?", "I want my money back.", "The app crashes at the start.", "My parcel has not come."]


@pytest.fixture
def messages(tmp_path):
    path = tmp_path / "messages.csv"
    path.write_text("text\n" + "\n".join(f'"{text}"' for text in TEXTS) + "\n", encoding="utf-8")
    return path


def test_json_holds_what_is_promised(run, photos):
    query = photos / "square" / "003.png"
    found = run("search", photos, query, "-n", 3, "--json")
    assert (found.code, found.err) == (0, "")
    (one,) = found.json
    assert one["query"] == str(query)
    assert [match["rank"] for match in one["matches"]] == [1, 2, 3]
    first = one["matches"][0]
    assert first == {
        "rank": 1, "path": "square/003.png", "label": "square", "similarity": 1.0, "row": first["row"], "same": True
    }  # fmt: skip


def test_people_see_a_table(run, photos):
    found = run("search", photos, photos / "square" / "003.png", "--top", 2)
    first, second = found.out.splitlines()
    assert first.split() == ["1", "█" * 10, "1.000", "square", "square/003.png", "(the", "same", "content)"]
    assert second.startswith("  2  ")


def test_files_without_labels(run, photos, tmp_path):
    folder = tmp_path / "größe 写真"
    folder.mkdir()
    for seed in range(3):
        (folder / f"ü{seed}.png").write_bytes(shapes.encoded("circle", seed))
    bad = shapes.bad_files(folder)
    found = run("search", folder, folder / "ü1.png", "--json")
    assert found.code == 0
    assert found.json[0]["matches"][0]["path"] == "ü1.png"
    assert len(found.json[0]["matches"]) == 3
    assert "label" not in found.json[0]["matches"][0]
    assert f"{len(bad)} skipped" in found.err
    assert "cut.jpg" in found.err


def test_texts(run, messages, tmp_path):
    (tmp_path / "letter.txt").write_text("Did the package arrive?")
    found = run("search", messages, "Has the parcel come?", tmp_path / "letter.txt", "-n", 2, "--json")
    assert found.code == 0
    for one in found.json:
        assert {match["text"] for match in one["matches"]} == {TEXTS[0], TEXTS[3]}
    found = run("search", messages, "-", "-n", 1, "--json", stdin=b"Money!\n\nIt stops working\n")
    assert [one["matches"][0]["text"] for one in found.json] == [TEXTS[1], TEXTS[2]]
    shown = run("search", messages, "a refund", "and/or", "-n", 1).out
    assert shown.startswith("a refund\n  1  ")
    assert "\nand/or\n" in shown


def test_recordings(run, tmp_path):
    import numpy as np

    time = np.arange(16_000) / 16_000
    folder = tmp_path / "sounds"
    folder.mkdir()
    for pitch in (200, 210, 900):
        sound = 0.3 * np.sin(2 * np.pi * pitch * time) * np.hanning(len(time))
        (folder / f"{pitch}.wav").write_bytes(wav_bytes(sound.astype(np.float32), 16_000))
    found = run("search", folder, "-", "-n", 2, "--json", stdin=(folder / "200.wav").read_bytes())
    assert found.json[0]["query"] == "stdin"
    assert [match["path"] for match in found.json[0]["matches"]] == ["200.wav", "210.wav"]


def test_what_cannot_be_answered(run, photos, messages, tmp_path):
    (tmp_path / "letter.txt").write_text("Dear all,\n")
    alone = run("search", photos, tmp_path / "letter.txt")
    assert alone.code == 1
    assert alone.out == ""
    assert "letter.txt is a text, and photos holds pictures. " in alone.err.replace("\n       ", " ")
    good = photos / "circle" / "000.png"
    both = run("search", photos, good, tmp_path / "letter.txt", "--json")
    assert both.code == 0
    assert both.json[1]["error"]["code"] == "not_a_picture"
    assert both.json[0]["matches"][0]["same"]
    assert run("search", photos, tmp_path / "gone.png", "--json").json["error"]["code"] == "unreadable"
    assert run("search", tmp_path / "nowhere", good).code == 1
    assert run("search", photos).code == 2
    assert run("search", messages, "-", stdin=b"\n").code == 2
    assert run("search", photos, good, "-n", 0).code == 2
    assert run("search", photos, good, "--min-similarity", 2).code == 2
    assert run("search", photos, good, "--min-similarity", "nan").code == 2


def test_nothing_is_so_alike(run, messages):
    found = run("search", messages, "Weather in Peru", "--min-similarity", 0.95)
    assert (found.code, found.out) == (0, "Nothing is so alike.\n")


def test_the_cache_can_be_left_alone(run, messages, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAFT_CACHE", str(tmp_path / "cache"))
    assert run("search", messages, "parcel", "--no-cache").code == 0
    assert not (tmp_path / "cache").exists()


def test_a_page_holds_what_was_found(run, photos, messages, tmp_path):
    page = tmp_path / "found.html"
    assert run("search", photos, photos / "square" / "003.png", "-n", 4, "--html", page).code == 0
    text = page.read_text(encoding="utf-8")
    assert text.count("<img ") == text.count("data:image/jpeg;base64,") == 5  # the query, too
    asked = text.split("<h2")[1].split("</figure>")[0]
    assert "data:image/jpeg;base64," in asked
    assert "003.png" in asked
    assert "http://" not in text
    assert "https://" not in text
    assert run("search", messages, "a refund", "--html", page).code == 1
    assert page.read_text(encoding="utf-8") == text
    assert run("search", messages, "<b>a refund</b>", "--html", page, "--overwrite").code == 0
    assert "&lt;b&gt;a refund" in page.read_text(encoding="utf-8")
    assert page.read_text(encoding="utf-8").count("<blockquote") == 4


@pytest.mark.parametrize("most", [500, 4, 1])
def test_each_picture_of_a_page_stands_by_its_own_name(run, photos, tmp_path, monkeypatch, most):
    monkeypatch.setattr("graft.similarity.page.MOST", most)
    page, torn = tmp_path / "found.html", tmp_path / "torn.png"
    torn.write_bytes(b"torn")
    asked = [photos / "square" / "003.png", torn, photos / "circle" / "001.png"]
    assert run("search", photos, *asked, "-n", 3, "--html", page).code == 0
    figures = re.findall("<figure>.*?</figure>", page.read_text(encoding="utf-8"))
    named = [re.search('aria-label="([^"]*[.]png)"', figure) for figure in figures]
    assert len(figures) == len(asked) + 6
    assert sum(found is not None for found in named) == {500: 8, 4: 2 + 4, 1: 1 + 1}[most]
    for figure, found in zip(figures, named, strict=True):
        if found is not None:
            assert re.sub("<[^>]*>", "", figure).endswith(found[1])


def test_a_table_is_no_query(run, messages):
    alone = run("search", messages, messages)
    assert (alone.code, alone.out) == (1, "")
    assert "messages.csv is a table, and a query is one text." in alone.err
    both = run("search", messages, messages, "a refund", "-n", 1, "--json").json
    assert both[0]["error"]["code"] == "not_a_text"
    assert both[1]["matches"][0]["text"] == TEXTS[1]


def test_a_query_without_text_among_several_has_a_heading(run, messages, tmp_path):
    found = run("search", messages, "a refund", "  ", "-n", 1, "--html", tmp_path / "found.html")
    assert "\n(no text)\nskipped  The query has no text." in found.out
    assert "<h2></h2>" not in (tmp_path / "found.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def awkward(tmp_path_factory, photos):
    """Photos in folders whose names are very long, or of characters that are two columns wide."""
    folder = tmp_path_factory.mktemp("awkward") / "photos"
    for name, form in (("a" * 120 + " open", "circle"), ("写真の名前", "square"), ("door", "triangle")):
        shutil.copytree(photos / form, folder / name)
    return folder


def test_rows_fit_a_terminal(on_a_terminal, awkward):
    query = next(awkward.glob("door/*.png"))
    rows = on_a_terminal("search", awkward, query, "-n", 36)
    assert len(rows) == 36
    assert max(map(cell_len, rows)) <= 80
    assert any(" open  " in row and "aaa…" in row for row in rows)  # both ends of a long name
    begins = {cell_len(row[: row.rindex("  ")]) for row in rows[1:] if "…" not in row}
    assert begins == {44}  # 3 of the rank, 2, the bar of 10, 1, the figure of 6, 2, the label of 20
    assert rows[0].endswith("  (the same content)")


def test_a_pipe_gets_names_in_full(run, awkward):
    found = run("search", awkward, next(awkward.glob("door/*.png")), "-n", 36)
    assert "a" * 120 + " open  " + "a" * 120 + " open/" in found.out
    assert "…" not in found.out


def test_headings_fit_a_terminal_too(on_a_terminal, messages):
    rows = on_a_terminal("search", messages, "Where is " + "my parcel " * 20, "refund", "-n", 1)
    assert max(map(cell_len, rows)) <= 80
    assert rows[0].startswith("Where is my parcel")
