import tracemalloc

import pytest

from data.sheets import container, ods, xls, xlsx, zipped
from graft import read
from graft.decoding.containers import container_in
from graft.errors import DataError, MissingColumn, MissingExtra, NothingToRead
from graft.reading.inputs import gather
from graft.reading.manifest import parse_manifest

pytest.importorskip("python_calamine")

ROWS = [["text", "label", "n"], ["where is it?", "late", 1], ["money, please", "refund", 2.5], ["zu spät", "late", 3]]
PAIRS = [("where is it?", "late"), ("money, please", "refund"), ("zu spät", "late")]


def pairs(manifest):
    return [(row.item, row.label) for row in manifest.rows]


@pytest.mark.parametrize("make", [lambda: xlsx({"Data": ROWS}), lambda: ods(ROWS), lambda: xls(ROWS)])
def test_a_sheet_is_a_table(make, tmp_path):
    manifest = parse_manifest(make(), "a")
    assert pairs(manifest) == PAIRS
    assert [row.number for row in manifest.rows] == [2, 3, 4]
    assert manifest.warnings == ("The sheet 'Data' of a was read (3 rows).",)
    (tmp_path / "any name").write_bytes(make())  # judged by its content
    dataset = read(tmp_path / "any name")
    assert dataset.modality == "text"
    assert dataset.classes == ("late", "refund")
    assert [item.text for item in gather([tmp_path / "any name"], "text")] == [text for text, _ in PAIRS]


def test_of_several_sheets_the_visible_one_with_known_columns_is_read():
    content = xlsx({"Notes": [["made in May"]], "Old": ROWS[:2], "Rows": ROWS}, hidden=("Old",))
    manifest = parse_manifest(content, "a.xlsx")
    assert pairs(manifest) == PAIRS
    assert manifest.warnings == ("The sheet 'Rows' of a.xlsx was read (3 rows). Not read: 'Notes', 'Old'.",)


def test_numbers_are_labels_as_they_are_shown():
    rows = [["text", "label"], ["one", 1], ["two", 2.5], ["three", True], ["", "lost"], ["four", ""]]
    manifest = parse_manifest(xlsx({"S": rows}), "a.xlsx")
    assert pairs(manifest) == [("one", "1"), ("two", "2.5"), ("three", "True")]
    assert [one.code for one in manifest.skipped] == ["no_item", "no_label"]


def test_blank_rows_above_the_header_are_passed_over():
    assert pairs(parse_manifest(xlsx({"S": [[], ["", ""], *ROWS]}), "a.xlsx")) == PAIRS


def test_a_table_of_pictures(pets, tmp_path):
    rows = [["path", "label"], *([str(file.relative_to(tmp_path)), file.parent.name] for file in pets.rglob("*.jpg"))]
    (tmp_path / "pets.xlsx").write_bytes(xlsx({"S": rows}))
    dataset = read(tmp_path / "pets.xlsx")
    assert (dataset.modality, len(dataset)) == ("image", len(rows) - 1)


@pytest.mark.parametrize(
    "content",
    [
        xlsx({"S": ROWS}, extra=[("XFD1048576", "far away")]),
        xlsx({"S": ROWS}, extra=[("A99999999", "far below")]),
        ods(ROWS, repeated=10**9),
    ],
)
def test_one_cell_far_away_fills_no_memory(content):
    tracemalloc.start()
    with pytest.raises(DataError, match=r"rows and .* columns; the limits are .*Delete what lies far"):
        parse_manifest(content, "a.xlsx")
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_one_text_in_every_cell_fills_no_memory():
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 2001))
    files = {
        "[Content_Types].xml": "",
        "xl/sharedStrings.xml": f"<sst><si><t>{'x' * 1_000_000}</t></si></sst>",
        "xl/worksheets/sheet1.xml": f"<worksheet><sheetData>{cells}</sheetData></worksheet>",
    }
    with pytest.raises(DataError, match=r"texts of 2\.0 GB when those that come again are written out"):
        parse_manifest(zipped(files), "a.xlsx")


def test_one_row_again_and_again_fills_no_memory():
    with pytest.raises(DataError, match=r"texts of 2\.\d GB when those that come again are written out"):
        parse_manifest(ods([*ROWS, ["x" * 100_000, "late", 1]], repeated=20_000), "a.ods")


def test_empty_rows_that_close_a_sheet_do_not_count():
    assert len(parse_manifest(ods(ROWS, repeated=5), "a.ods").rows) == 7


def test_a_sheet_that_grows_beyond_measure_is_refused():
    bomb = zipped({"[Content_Types].xml": "", "xl/worksheets/sheet1.xml": "<row>" + " " * 100_000_000})
    assert len(bomb) < 1_000_000
    with pytest.raises(DataError, match=r"grows from .* MB to 100 MB when it is unpacked"):
        parse_manifest(bomb, "a.xlsx")


@pytest.mark.parametrize(
    "content",
    [
        xlsx({"S": ROWS})[:-100],
        zipped({"[Content_Types].xml": "x", "xl/workbook.xml": "<broken"}),
        zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<x"}),
        container("Workbook", b"\x09\x08rubbish" * 50),
        xls(ROWS)[:2000],
    ],
)
def test_damage_is_an_error_in_words(content):
    with pytest.raises(DataError) as caught:
        parse_manifest(content, "a.xlsx")
    assert caught.value.hint


def test_an_empty_workbook():
    with pytest.raises(DataError, match="no sheet that holds anything"):
        parse_manifest(xlsx({"S": []}), "a.xlsx")


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "python_calamine", None)
    with pytest.raises(MissingExtra, match=r"graft-learn\[tables\]"):
        parse_manifest(xlsx({"S": ROWS}), "a.xlsx")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (zipped({"[Content_Types].xml": "", "word/document.xml": ""}), "Word document"),
        (zipped({"[Content_Types].xml": "", "ppt/presentation.xml": ""}), "presentation"),
        (zipped({"[Content_Types].xml": "", "xl/workbook.bin": ""}), "binary spreadsheet"),
        (zipped({"mimetype": "application/epub+zip", "META-INF/container.xml": ""}), "e-book"),
        (zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": ""}), "text document"),
        (zipped({"META-INF/MANIFEST.MF": "", "A.class": ""}), "Java archive"),
        (zipped({"AndroidManifest.xml": "", "META-INF/MANIFEST.MF": ""}), "Android program"),
        (zipped({"Index/Document.iwa": ""}), "Pages, Numbers or Keynote"),
        (zipped({"arr_0.npy": ""}), "NumPy"),
        (zipped({"model/data.pkl": ""}), "PyTorch"),
        (zipped({"x-1.dist-info/WHEEL": "", "x/a.py": ""}), "Python package"),
        (container("WordDocument", b"x"), "Word document"),
        (container("EncryptedPackage", b"x"), "password"),
        (b"%PDF-1.4 x", "PDF document"),
    ],
)
@pytest.mark.parametrize("name", ["data.zip", "data.csv", "data"])
def test_what_is_a_zip_inside_is_named_and_not_read_as_a_folder(content, what, name, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises((NothingToRead, DataError), match=what) as caught:
        read(tmp_path / name)
    assert caught.value.hint
    (item,) = gather([tmp_path / name], "text")
    with pytest.raises(Exception, match=what):
        item.read()


def test_documents_among_texts_are_skipped_by_name(tmp_path):
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for n in range(20):
            (tmp_path / label / f"{n}.txt").write_text(f"text {n} of {label}")
    (tmp_path / "a" / "x.docx").write_bytes(zipped({"[Content_Types].xml": "", "word/document.xml": ""}))
    (skipped,) = read(tmp_path).skipped
    assert "Word document" in skipped.reason


def test_a_zip_of_very_many_files_is_no_document():
    names = {f"{'x' * 200}{n}": "" for n in range(40_000)}
    assert container_in(zipped({"[Content_Types].xml": "", "word/document.xml": ""})) == "docx"
    assert container_in(zipped({"[Content_Types].xml": "", "word/document.xml": "", **names})) == ""


def test_a_title_above_the_table_is_told_so():
    book = xlsx(
        {"A": [["Our mails of 2024"], [], ["text", "label"], ["where is it", "late"], ["money back", "refund"]]}
    )
    with pytest.raises(MissingColumn, match="'Our mails of 2024', and columns are named below it: 'text'"):
        parse_manifest(book, "a.xlsx")


@pytest.mark.parametrize("start", ["<html><table>", "\n<TABLE border=1>", "<!DOCTYPE html>", '<?xml version="1.0"?>'])
def test_a_web_page_that_is_called_a_spreadsheet(start):
    with pytest.raises(DataError, match=r"a\.xls is a web page or XML, and no table"):
        parse_manifest(f"{start}<tr><td>text</td><td>label</td></tr>".encode(), "a.xls")
