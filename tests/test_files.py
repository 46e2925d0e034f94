"""The guards that all readers share: what is no file, leaves its folder, unpacks or multiplies without end."""

from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path

import openpyxl
import pytest

import motivlab as ml
from motivlab.about import SurveyError
from motivlab.cleaning_log import read_log
from motivlab.files import ReadError, new_file
from motivlab.questionnaire import Questionnaire, QuestionnaireError
from motivlab.readers import read_responses, read_workbook, read_yaml

YML = "title: T\nsynthetic: true\nrespondent_id: id\nfieldwork: {start: 2021-10-01, end: 2021-10-31}\n"
RECORD = "respondent,variable,rule,action,before,after\n"
SHEET = "xl/worksheets/sheet1.xml"


def small(at: Path, yml: str = "", survey: str = "type,name,label\ninteger,age,Age\n") -> Path:
    (at / "questionnaire").mkdir(parents=True)
    (at / "questionnaire" / "survey.csv").write_text(survey, encoding="utf-8")
    (at / "survey.yml").write_text(YML + yml, encoding="utf-8")
    (at / "responses.csv").write_text("id,age\n1,30\n2,\n", encoding="utf-8")
    return at


def book(file: Path, before: bytes = b"", after: bytes = b"") -> Path:
    """A form as a workbook, with a part of its survey sheet replaced."""
    made = openpyxl.Workbook()
    made.active.title = "survey"
    for row in (("type", "name", "label"), ("integer", "age", "Age"), ("integer", "pay", "Pay")):
        made.active.append(row)
    made.save(file)
    if before:
        with zipfile.ZipFile(file) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        assert before in parts[SHEET]
        parts[SHEET] = parts[SHEET].replace(before, after)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in parts.items():
                archive.writestr(name, content)
    return file


@pytest.mark.parametrize("key", ["responses", "cleaning", "margins", "faulty_responses"])
@pytest.mark.parametrize("name", ["../x.csv", "/etc/passwd", "a/../../x.csv", "..\\x.csv", "C:x.csv"])
def test_a_key_names_a_file_of_the_folder(key: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(SurveyError, match=f"survey.yml: '{key}': .* leads out of the survey folder"):
        ml.open_survey(small(tmp_path / "s", f"{key}: '{name}'\n"))


def test_published_figures_may_stand_beside_the_folder(tmp_path: Path) -> None:
    assert ml.open_survey(small(tmp_path / "a", "published: ../published/x.csv\n")).about.published
    with pytest.raises(SurveyError, match="not a path from the survey folder"):
        ml.open_survey(small(tmp_path / "b", "published: /etc/passwd\n"))
    with pytest.raises(SurveyError, match="are not in the folder"):
        ml.open_survey(small(tmp_path / "c"), responses="../a/responses.csv")


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (None, "names it under `cleaning`"),
        ("id,age\n1,2\n", "no record of a cleaning, it has no column respondent"),
        (RECORD + "1,age,,explode,1,2\n", "row 2: the action 'explode'"),
        (RECORD + "1,age,,change,1,2\n2,age,,,1,2\n", "row 3: the action"),
    ],
)
def test_a_record_is_one(record: str | None, said: str, tmp_path: Path) -> None:
    folder = small(tmp_path / "s", "cleaning: record.csv\n")
    if record:
        (folder / "record.csv").write_text(record, encoding="utf-8")
    with pytest.raises((SurveyError, FileNotFoundError), match=said):
        ml.open_survey(folder)


def test_pipes_devices_and_folders_are_no_files(tmp_path: Path) -> None:
    folder = small(tmp_path / "s")
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "device.xlsx").symlink_to("/dev/zero")
    for read in (read_responses, read_yaml, read_log):
        with pytest.raises(ReadError, match="a device or a pipe"):
            read(tmp_path / "pipe.csv")
        with pytest.raises(ReadError, match="it is a folder"):
            read(folder)
    for file in (tmp_path / "device.xlsx", tmp_path / "pipe.csv"):
        with pytest.raises(QuestionnaireError, match="a device or a pipe"):
            Questionnaire.read(file)
    (folder / "responses.csv").unlink()
    os.mkfifo(folder / "responses.csv")
    with pytest.raises(ReadError, match=r"responses\.csv: it is a device or a pipe"):
        ml.open_survey(folder)
    with pytest.raises(FileExistsError, match="Give another name"), new_file(tmp_path / "pipe.csv"):
        pass


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &a [x, x]\nb0: [*a, *a]\n", ""),
        (
            "x0: &x0 [x, x]\n" + "".join(f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 10)}]\n" for i in range(1, 10)),
            "more than 60,000 values",
        ),
        ("x0: &x0 {a: 1}\nx1: &x1 [*x1]\n", "stands within what it repeats"),
        ("x: " + "[" * 5_000, "nested too deeply|malformed"),
        ("x:\n" + "- 1\n" * 70_000, "more than 60,000 values"),
        ("# " + "x" * (3 << 20), "at most 2 are read"),
    ],
)
def test_yaml_that_grows(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "survey.yml"
    file.write_text(text, encoding="utf-8")
    if not said:
        assert read_yaml(file)["b0"] == [["x", "x"], ["x", "x"]]
        return
    started = time.perf_counter()
    with pytest.raises(ReadError, match=rf"survey\.yml.*({said})"):
        read_yaml(file)
    assert time.perf_counter() - started < 15


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"id,a,b\n1,2,3\n2,3\n", "row 3: 2 cells under 3 columns"),
        (b'id,a,b\n1,"x, y",3\n2\n', "row 3: 1 cells under 3 columns"),
        (b"id,a\n1,x\0y\n", "row 2: a NUL"),
        (b"," * 40_000 + b"\n1\n", "40,001 columns"),
    ],
)
def test_responses_that_were_cut_short(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(content)
    with pytest.raises(ReadError, match=said):
        read_responses(tmp_path / "r.csv")


def test_blank_lines_and_blank_last_cells_are_no_fault(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(b'id,a,b\n\n1,"x, y",\n2,,\n')
    assert read_responses(tmp_path / "r.csv").index.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (b'ref="A1:C3"', b'ref="A1:C2"', ""),
        (b'<row r="3"', b'<row r="99999999"', "beyond the last row or column of Excel"),
        (b'r="C3"', b'r="ZZZ3"', "beyond the last row or column of Excel"),
        (b'r="A3"', b'r="ZZZZZZZ3"', "cannot be read as .xlsx"),
        (b"</sheetData>", b"<a>" * 500_000 + b"</sheetData>", "cannot be read as .xlsx"),
        (b"<worksheet", b"<!DOCTYPE w [<!ENTITY a 'ha'>]><worksheet", "declares XML entities"),
    ],
)
def test_damaged_workbooks_are_told_alike_everywhere(before: bytes, after: bytes, said: str, tmp_path: Path) -> None:
    file = book(tmp_path / "form.xlsx", before, after)
    if not said:
        assert [question.name for question in Questionnaire.read(file)] == ["age", "pay"]
        return
    for read in (Questionnaire.read, read_workbook, read_log):
        with pytest.raises((ReadError, QuestionnaireError), match=rf"form\.xlsx.*{said}"):
            read(file)


def test_forms_with_control_characters_or_without_a_floor(tmp_path: Path) -> None:
    with pytest.raises(QuestionnaireError, match="row 2: a control character"):
        Questionnaire.read(small(tmp_path / "a", survey="type,name,label\ninteger,a,x\x07\n") / "questionnaire")
    deep = "".join(f"begin_repeat,r{i},R\n" for i in range(1_000)) + "integer,a,A\n" + "end_repeat,,\n" * 1_000
    with pytest.raises(QuestionnaireError, match="row 52: more than 50 groups and repeats inside one another"):
        Questionnaire.read(small(tmp_path / "b", survey="type,name,label\n" + deep) / "questionnaire")
    wide = "type,name,label," + ",".join(f"h{i}" for i in range(100_000)) + "\ninteger,a,A\n"
    started = time.perf_counter()
    assert len(Questionnaire.read(small(tmp_path / "c", survey=wide) / "questionnaire")) == 1
    assert time.perf_counter() - started < 15
