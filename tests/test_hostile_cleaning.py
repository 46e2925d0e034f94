"""Logs that are damaged or meant to do harm end in a clear error, at once, and nothing is written."""

import time
import tracemalloc
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from surveys import ROWS

import motivlab as ml
from motivlab.cleaning_log import CleaningError, read_log
from motivlab.cli import main
from motivlab.files import ReadError

Small = Callable[..., Path]
HEADS = ["Respondent", "Variable", "Value", "Answer"]


def workbook(file: Path, *rows: Sequence[object]) -> Path:
    book = openpyxl.Workbook()
    for row in (HEADS, *map(list, rows)):
        book.active.append(row)
    book.save(file)
    return file


def repacked(file: Path, name: str, text: bytes) -> Path:
    """The workbook with another part of that name."""
    new = file.with_name(f"new_{file.name}")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as packed:
        for part in old.infolist():
            packed.writestr(part.filename, text if part.filename == name else old.read(part.filename))
    return new


SHEET = "xl/worksheets/sheet1.xml"
XMLNS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def test_a_formula_is_refused_with_its_row(tmp_path: Path) -> None:
    file = workbook(
        tmp_path / "log.xlsx", ["1", "age", "180", "18"], ["2", "age", "17", "=1+17"], ["3", "age", "1", "#REF!"]
    )
    with pytest.raises(CleaningError) as told:
        read_log(file)
    assert "log.xlsx, row 3, answer '=1+17': a formula. Put the value itself into the cell" in str(told.value)
    assert "log.xlsx, row 4, answer '#REF!': an error of Excel" in str(told.value)


@pytest.mark.parametrize("damage", ["truncated", "text", "empty", "html", "not zipped right", "no sheets"])
def test_a_damaged_workbook_is_refused(damage: str, tmp_path: Path) -> None:
    file = workbook(tmp_path / "log.xlsx", *([str(i), "age", "180", "18"] for i in range(500)))
    whole = file.read_bytes()
    parts = {
        "truncated": whole[: len(whole) // 2], "text": b"respondent,variable,value,answer\n1,age,2,3\n", "empty": b"",
        "html": b"<html><table></table></html>", "not zipped right": whole[:200] + b"\0" * 300 + whole[500:],
        "no sheets": b"PK\x05\x06" + b"\0" * 18,
    }  # fmt: skip
    file.write_bytes(parts[damage])
    with pytest.raises(ReadError, match=r"log\.xlsx: (not an|it cannot be read as) \.xlsx .*Save it again"):
        read_log(file)


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    file = workbook(tmp_path / "log.xlsx", ["1", "age", "180", "18"])
    bomb = repacked(file, SHEET, b"<worksheet>" + b" " * (300 << 20))
    assert bomb.stat().st_size < 1 << 20
    tracemalloc.start()
    start = time.perf_counter()
    with pytest.raises(ReadError, match="it unpacks to 300 MiB"):
        read_log(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.perf_counter() - start < 5
    assert peak < 50 << 20


def test_entities_that_multiply_are_refused(tmp_path: Path) -> None:
    laughs = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))
    cell = '<c r="A1" t="inlineStr"><is><t>&a11;</t></is></c>'
    sheet = f'<worksheet {XMLNS}><sheetData><row r="1">{cell}</row></sheetData></worksheet>'
    text = f'<!DOCTYPE w [<!ENTITY a0 "ha">{laughs}]>{sheet}'
    file = repacked(workbook(tmp_path / "log.xlsx"), SHEET, text.encode())
    start = time.perf_counter()
    with pytest.raises(ReadError, match="declares XML entities"):
        read_log(file)
    assert time.perf_counter() - start < 5


def test_a_sheet_that_claims_to_be_endless_is_read_by_what_it_holds(tmp_path: Path) -> None:
    heads = "".join(
        f'<c r="{c}1" t="inlineStr"><is><t>{head}</t></is></c>' for c, head in zip("ABCD", HEADS, strict=True)
    )
    cells = "".join(
        f'<c r="{c}1048576" t="inlineStr"><is><t>{v}</t></is></c>' for c, v in zip("ABCD", "1xyz", strict=True)
    )
    text = (f'<worksheet {XMLNS}><dimension ref="A1:XFD1048576"/><sheetData><row r="1">{heads}</row>'
            f'<row r="1048576">{cells}</row></sheetData></worksheet>')  # fmt: skip
    file = repacked(workbook(tmp_path / "log.xlsx"), SHEET, text.encode())
    start = time.perf_counter()
    back = read_log(file)
    assert back[["respondent", "answer", "log_row"]].to_numpy().tolist() == [["1", "z", 1048576]]
    assert time.perf_counter() - start < 20


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"respondent,variable,value,answer\n", "the file is empty but for its head"),
        (b"respondent,variable,value,answer\n1,age,\x0018,18\n", "a NUL byte"),
        (b"respondent,variable,value,answer\n1,age,18,18,19,20\n", "row 2"),
        (b"a,b\n1,2\n", "no column respondent, variable, value, answer"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\r", "NUL"),
    ],
)
def test_a_damaged_csv_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_bytes(content)
    with pytest.raises(ReadError, match=message):
        read_log(file)


def test_a_folder_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "log.csv").mkdir()
    with pytest.raises(ReadError, match="it is a folder"):
        read_log(tmp_path / "log.csv")


def test_a_refused_log_writes_nothing(small: Small, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = small()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    file = tmp_path / "log.xlsx"
    for row in (["1", "age", "30", "=31"], ["1", "../age", "30", "31"], ["1", "age", "30", "31" * 3000]):
        workbook(file, row)
        assert main(["clean", str(folder), str(file)]) == 2
        assert "nothing was changed" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "text", ['a "quoted", text', "two\nlines", "carriage\rreturn", "=1+1", "ēšž 日本 🙂", " ", "a\tb"]
)
def test_any_text_of_an_answer_is_written_and_read_back(small: Small, text: str) -> None:
    survey = ml.open_survey(small())
    log = pd.DataFrame({"respondent": ["7"], "variable": "other", "value": "looks", "answer": text, "action": "change"})
    if not text.strip():
        with pytest.raises(CleaningError, match="a change needs the new value"):
            ml.apply_cleaning(survey, log)
        return
    made = ml.apply_cleaning(survey, log)
    file, record = made.write()
    back = ml.open_survey(survey.folder or "", responses=file.name)
    wanted = text.replace("\r", "\n")
    assert back.responses["other"].iloc[6] == made.survey.responses["other"].iloc[6] == wanted
    assert pd.read_csv(record)["after"].tolist() == [wanted]
    assert len(back.responses) == len(ROWS)


def test_a_long_log_on_many_interviews_takes_seconds() -> None:
    count = 50_000
    ids = [f"R{i}" for i in range(count)]
    survey = ml.Survey.from_frame(pd.DataFrame({"id": ids, "age": [i % 60 for i in range(count)]}), respondent_id="id")
    some = range(0, count, 25)
    log = pd.DataFrame({"respondent": [f"R{i}" for i in some], "variable": "age", "value": [str(i % 60) for i in some],
                        "answer": [str(i % 60 + 1) for i in some]})  # fmt: skip
    start = time.perf_counter()
    made = ml.apply_cleaning(survey, log)
    assert len(made.record) == len(log) == 2000
    assert time.perf_counter() - start < 20
