"""Any file in: workbooks with their traps, endings that lie, damaged files, and a survey in memory."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

import motivlab as ml
from motivlab.cli import main
from motivlab.drafts import Draft, write_draft
from motivlab.files import ReadError
from motivlab.imports import read_draft
from motivlab.questionnaire import Choice, Question, Questionnaire
from motivlab.readers import read_any, read_responses, read_workbook


def workbook(file: Path, *sheets: tuple[str, list[list[object]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(file)
    return file


ROWS: list[list[object]] = [
    ["id", "sex", "when", "at", "agreed", "pay"],
    [1, "f", dt.date(2021, 10, 31), pd.Timestamp("2021-10-31T09:05"), True, 1234.5],
    [2, "m", dt.date(2021, 11, 1), pd.Timestamp("2021-11-01T09:05"), False, 980],
]


def test_a_workbook_says_which_sheet_was_read(tmp_path: Path) -> None:
    file = workbook(tmp_path / "b.xlsx", ("Notes", [["read me"]]), ("Data", ROWS), ("More", [["a"], [1]]))
    tables, notes = read_workbook(file)
    assert list(tables) == ["Data", "More"]
    assert notes == ["sheet: 'Data', the first with rows; the others are Notes, More."]
    assert tables["Data"].to_numpy().tolist() == [
        ["1", "f", "2021-10-31", "2021-10-31T09:05:00", "1", "1234.5"],
        ["2", "m", "2021-11-01", "2021-11-01T09:05:00", "0", "980"],
    ]
    assert read_responses(file).columns.tolist() == ROWS[0]
    survey = ml.read_survey(file)
    assert survey.responses["when"].tolist() == [pd.Timestamp("2021-10-31"), pd.Timestamp("2021-11-01")]
    assert any("not read: the sheets More" in note for note in read_draft(file).notes)


def test_formulas_errors_and_merged_cells_are_said(tmp_path: Path) -> None:
    import xlsxwriter

    file = tmp_path / "f.xlsx"
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet("S")
        sheet.write_row(0, 0, ["id", "sum", "lost", "wrong"])
        for row in (1, 2):
            sheet.write_number(row, 0, row)
            sheet.write_formula(row, 1, "=A2*2", value=row * 2)
            sheet.write_formula(row, 2, "=A2*3", value="")
        sheet.write_formula(1, 3, "=NA()", value="#N/A")
        sheet.merge_range("A4:B4", "both")
    tables, notes = read_workbook(file)
    assert tables["S"]["sum"].tolist()[:2] == ["2", "4"]
    assert tables["S"][["lost", "wrong"]].isna().to_numpy().all() if "lost" in tables["S"] else True
    said = " ".join(notes)
    assert "1 cells hold an error, read as blank: wrong, row 2: #N/A" in said
    assert "formulas are read as the values they had" in said
    assert "merged cells (1); only the first of them holds the value" in said
    workbook(file, ("S", [["id", "made"], [1, "=A2*2"], [2, 5]]))  # openpyxl writes no value of a formula
    tables, notes = read_workbook(file)
    assert tables["S"]["made"].fillna("").tolist() == ["", "5"]
    assert "1 formulas have no value in the file (B2)" in notes[0]


def merged_head(file: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["id", "grounds", None])
    book.active.append([1, 0, 1])
    book.active.merge_cells("B1:C1")
    book.save(file)


def packed(file: Path, parts: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def with_part(part: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """A good workbook with one part changed."""

    def make(file: Path) -> None:
        workbook(file, ("Data", ROWS))
        with zipfile.ZipFile(file) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        packed(file, parts | {part: change(parts[part])})

    return make


LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9)
) + b"]>"  # fmt: skip
SHEET, STYLES = "xl/worksheets/sheet1.xml", "xl/styles.xml"


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        ("head.xlsx", merged_head, r"the head is merged \(B1:C1\)"),
        ("old.xls", lambda f: f.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600), "imported from .sav"),
        ("secret.xlsx", lambda f: f.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600),
         "an old Excel workbook, or one with a password, not a .xlsx. Save the data as .csv or .xlsx"),
        ("bomb.xlsx", with_part(SHEET, lambda x: x.replace(b"</sheetData>", b" " * (300 << 20) + b"</sheetData>")),
         "times its size: not read"),
        ("laughs.xlsx", with_part(SHEET, lambda x: LAUGHS + x), "declares XML entities"),
        ("laughs2.xlsx", with_part(STYLES, lambda x: LAUGHS + x), "declares XML entities"),
        ("deep.xlsx", with_part(SHEET, lambda x: x.replace(b"</sheetData>", b"<a>" * 200_000 + b"</sheetData>")),
         "cannot be read as .xlsx|damaged"),
        ("cut.xlsx", lambda f: (workbook(f, ("D", ROWS)), f.write_bytes(f.read_bytes()[:-300])),
         "or damaged or cut off"),
        ("middle.xlsx", lambda f: (workbook(f, ("D", ROWS)),
         f.write_bytes(f.read_bytes()[:1500] + b"\xff" * 400 + f.read_bytes()[1900:])), "damaged|cannot be read"),
        ("far.xlsx", with_part(SHEET, lambda x: x.replace(b'<row r="2"', b'<row r="99999999"')), "last row or column"),
        ("rows.xlsx", with_part(SHEET, lambda x: x.split(b"<sheetData>")[0]), "cannot be read as .xlsx"),
        ("zip.xlsx", lambda f: packed(f, {"a.txt": b"x"}), "cannot be read as .xlsx"),
        ("calc.xlsx", lambda f: packed(f, {"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}), "OpenDoc"),
        ("empty.xlsx", lambda f: workbook(f, ("A", []), ("B", [["only", "heads"]])), "the file is empty"),
        ("nameless.xlsx", lambda f: workbook(f, ("A", [["a", None], [1, 2]])), "'A', row 1: column 2 has no name"),
        ("twice.xlsx", lambda f: workbook(f, ("A", [["a", "a"], [1, 2]])), "the column 'a' is there twice"),
        ("page.xlsx", lambda f: f.write_bytes(b"<!DOCTYPE html><table></table>"), "its first bytes it is a web page"),
        ("table.csv", lambda f: workbook(f.with_suffix(".xlsx"), ("D", ROWS)).rename(f),
         r"a zip archive, as .xlsx workbooks are, not a .csv. Rename it to end in .xlsx"),
        ("spss.csv", lambda f: f.write_bytes(b"$FL2@(#) SPSS DATA FILE"), "an SPSS file, not a .csv. Rename it to end"),
        ("data.parquet", lambda f: f.write_bytes(b"a,b\n1,2\n"), "be read as a Parquet file: by its first bytes"),
        ("cut.parquet", lambda f: f.write_bytes(b"PAR1" + b"\0" * 100), "cannot be read as .parquet"),
        ("data.dta", lambda f: f.write_bytes(b"a,b\n1,2\n"), "cannot be read as a Stata file"),
        ("zip.csv", lambda f: f.write_bytes(b"\x1f\x8b\x08" + b"\0" * 20), "a gzip archive, not a .csv"),
        ("nothing.sav", lambda f: f.write_bytes(b""), "cannot be read as an SPSS file: the file is empty"),
        ("noending", lambda f: f.write_bytes(b"a,b\n1,2\n"), "a survey is imported from"),
    ],
)  # fmt: skip
def test_damaged_and_disguised_files_are_refused_in_seconds(
    tmp_path: Path, name: str, make: Callable[[Path], object], said: str
) -> None:
    file = tmp_path / name
    make(file)
    started = time.perf_counter()
    with pytest.raises(ReadError, match=said) as caught:
        ml.import_survey(file, tmp_path / "s")
    assert time.perf_counter() - started < 10
    assert str(file) in str(caught.value)
    assert not (tmp_path / "s").exists()


def test_every_plain_format_gives_the_same_survey(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": [1, 2, 3, 4], "sex": ["f", "m", "f", "m"], "pay": [1.5, 2, 3, np.nan],
                          "q/a": [1, 0, 1, 0], "q/b": [0, 0, 1, 1]})  # fmt: skip
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    frame.to_csv(tmp_path / "t.txt", index=False, sep=";", decimal=",", encoding="utf-16")
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    surveys = [ml.read_survey(tmp_path / f"t.{kind}") for kind in ("csv", "tsv", "txt", "xlsx", "parquet")]
    for survey in surveys:
        assert [(q.name, q.type) for q in survey.questionnaire] == [
            ("sex", "select_one"), ("pay", "decimal"), ("q", "select_multiple"),
        ]  # fmt: skip
        pd.testing.assert_frame_equal(survey.responses, surveys[0].responses)
        assert survey.about.respondent_id == "id"
        assert set(survey.about.to_fill) == {"population", "fieldwork.start", "fieldwork.end", "analysis.q.measure"}
    assert ml.read_survey(tmp_path / "t.csv", language="lv").language == "lv"


def test_what_was_found_out_stands_in_the_readme_and_on_the_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "eksports.txt"
    file.write_bytes("Nr;Pilsēta;Alga;Diena\n1;Rīga;1 234,5;31.12.2021\n2;Rīga;980;1.1.2022\n".encode("cp1257"))
    assert main(["import", str(file), "--to", str(tmp_path / "s")]) == 0
    out = capsys.readouterr().out
    readme = (tmp_path / "s" / "README.md").read_text(encoding="utf-8")
    for said in ("encoding: cp1257 (Windows Baltic)", "delimiter: semicolon", "decimal comma: Alga, as '1 234,5'",
                 "Diena: dates with the day first"):  # fmt: skip
        assert said in out
        assert said in readme
    survey = ml.open_survey(tmp_path / "s")
    assert survey.responses["alga"].tolist() == [1234.5, 980.0]
    assert survey.questionnaire["diena"].type == "date"


def test_arguments_that_a_file_has_no_use_for(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n")
    (tmp_path / "form").mkdir()
    with pytest.raises(ValueError, match="a table without a form"):
        ml.read_survey(tmp_path / "t.csv", tmp_path / "form", sets={"a": ("a", "a")})
    for name, what in (("t.sav", "an SPSS file"), ("t.dta", "a Stata file")):
        with pytest.raises(ValueError, match=f"{what} says them itself"):
            ml.read_survey(tmp_path / name, neutral=["x"])
        with pytest.raises(ValueError, match=f"{what} holds its own questions"):
            ml.read_survey(tmp_path / name, tmp_path / "form")
    with pytest.raises(FileNotFoundError, match="no such file"):
        ml.read_survey(tmp_path / "none.csv")


def test_a_draft_of_typed_columns_is_read_back_with_the_same_codes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    yes_no = (Choice("1", {"": "Yes"}), Choice("2", {"": "No"}))
    form = Questionnaire((
        Question("a", "select_one", {"": "A"}, yes_no, "a"), Question("n", "decimal", {"": "N"}),
        Question("d", "date", {"": "D"}), Question("t", "text", {"": "T"}),
        Question("m", "select_multiple", {"": "M"}, yes_no, "m"),
    ), {"": ""})  # fmt: skip
    frame = pd.DataFrame({
        "id": pd.array([1, 2, 3], dtype="Int64"), "a": pd.Categorical(["1", None, "2"], ["1", "2"]),
        "n": [1.5, np.nan, 3], "d": pd.to_datetime(["2021-10-31", None, "2021-11-02"]),
        "t": pd.Series(["ā, \"b\"\nc", None, "x"], dtype="str"),
        "m/1": pd.array([1, None, 0], dtype="Int8"), "m/2": pd.array([0, None, 1], dtype="Int8"),
    })  # fmt: skip
    source = tmp_path / "x.sav"
    source.write_bytes(b"x")
    draft = Draft(frame, form, "id", "", ("m",), (), paradata={}, title="Pilot")
    write_draft(draft, source, tmp_path / "s")
    monkeypatch.setattr("motivlab.drafts.MOST_CELLS", 5)
    write_draft(draft, source, tmp_path / "p")
    csv, parquet = (
        read_responses(tmp_path / "s" / "responses.csv"),
        read_responses(tmp_path / "p" / "responses.parquet"),
    )
    pd.testing.assert_frame_equal(csv, parquet)
    assert csv.fillna("").to_numpy().tolist() == [
        ["1", "1", "1.5", "2021-10-31", 'ā, "b"\nc', "1", "0"], ["2", "", "", "", "", "", ""],
        ["3", "2", "3", "2021-11-02", "x", "0", "1"],
    ]  # fmt: skip
    assert "too many for a .csv" in (tmp_path / "p" / "README.md").read_text(encoding="utf-8")
    for name in ("s", "p"):
        survey = ml.open_survey(tmp_path / name)
        assert survey.about.title == "Pilot"
        assert survey.responses["a"].astype(object).fillna("").tolist() == ["1", "", "2"]


def test_the_command_line_names_the_fault_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"a;b\n1;2\n3\n")
    command = [sys.executable, "-m", "motivlab", "import", str(tmp_path / "t.csv"), "--to", str(tmp_path / "s")]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 2
    assert "t.csv, row 3 (line 3): 1 cells under 2 columns" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_a_table_is_read_from_any_of_its_kinds(tmp_path: Path) -> None:
    workbook(tmp_path / "a.xlsx", ("One", [["x"], ["é"]]))
    tables, notes = read_any(tmp_path / "a.xlsx")
    assert (list(tables), notes) == (["One"], [])
