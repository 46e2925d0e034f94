"""The sheet of findings, out and in: what a person fills in comes back as it was meant."""

import datetime as dt
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surveys import ROWS, SHIPPED

import motivlab as ml
from motivlab.cleaning_answers import cells_of, code_of, missing_cells, reason_code
from motivlab.cleaning_log import ACTIONS, LOG_COLUMNS, CleaningError, guarded, plain, read_log
from motivlab.files import ReadError
from motivlab.language import LANGUAGES, say
from motivlab.questionnaire import Choice, Question
from motivlab.tables_cleaning import how_to_fill

Small = Callable[..., Path]
FAULTY = ("1,1,x,30,yes,1,0,0,0,0,,2021-10-04", "2,2,m,180,yes,1,1,0,0,0,,2021-10-05", *ROWS[2:])


def log(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([{"respondent": "1", "variable": "age", "value": "30", "answer": "", **row} for row in rows])


@pytest.fixture
def sheet(small: Small, tmp_path: Path) -> Callable[[str], Path]:
    def export(language: str) -> Path:
        file = tmp_path / f"findings_{language}.xlsx"
        ml.export(ml.open_survey(small(rows=FAULTY), language).check(), file)
        return file

    return export


def fill(file: Path, variable: str, language: str, **cells: Any) -> None:
    """Fill in the row of a variable, as a person would."""
    book = openpyxl.load_workbook(file)
    page = book.worksheets[0]
    heads = {cell.value: cell.column for cell in page[1]}
    rows = [
        row[0].row
        for row in page.iter_rows(min_row=2)
        if row[heads[say("log_variable", language)] - 1].value == variable
    ]
    for head, value in cells.items():
        page.cell(rows[0], heads[say(f"log_{head}", language)], value)
    book.save(file)


# ------------------------------------------------------------------------------------------------------- the sheet out


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sheet_is_made_to_be_filled_in(sheet: Callable[[str], Path], language: str) -> None:
    book = openpyxl.load_workbook(sheet(language))
    assert book.sheetnames == [say(f"sheet_{name}", language) for name in ("findings", "summary", "how")]
    page = book.worksheets[0]
    heads = [cell.value for cell in page[1]]
    assert heads[0] == say("log_respondent", language)
    assert heads[-2:] == [say("log_rule", language), say("log_row", language)]
    (choice,) = page.data_validations.dataValidation
    assert choice.formula1 == '"' + ",".join(say(f"action_{action}", language) for action in ACTIONS) + '"'
    assert page.freeze_panes == "B2"
    assert page.auto_filter.ref.endswith(str(page.max_row))
    assert page.page_setup.orientation == "landscape"
    assert page.print_title_rows == "$1:$1"
    rows = {row[heads.index(say("log_variable", language))].value: row for row in page.iter_rows(min_row=2)}
    assert rows["age"][heads.index(say("log_value", language))].value == "180"
    assert (
        rows["age"][heads.index(say("log_wording", language))].value
        == {"lv": "Vecums", "en": "Age", "ru": "Возраст"}[language]
    )
    colours = {cell.fill.start_color.rgb for cell in rows["age"]}
    assert {"FFF8CBAD", "FFFFFFCC"} <= colours  # an error, and cells to fill in
    assert [cell.value for cell in book.worksheets[2]["A"]] == how_to_fill(language)


def test_the_same_findings_are_the_same_bytes(small: Small, tmp_path: Path) -> None:
    report = ml.open_survey(small(rows=FAULTY), "lv").check()
    for ending in ("xlsx", "csv", "html"):
        one, two = tmp_path / f"1.{ending}", tmp_path / f"2.{ending}"
        ml.export(report, one)
        ml.export(report, two)
        assert one.read_bytes() == two.read_bytes(), ending


def test_a_text_is_never_a_formula(small: Small, tmp_path: Path) -> None:
    rows = ('1,1,=1+1,30,yes,1,0,0,0,0,,2021-10-04', '@SUM(A1),2,"=HYPERLINK(""http://x"")",40,yes,1,1,0,0,0,,2021-10-05',
            *ROWS[2:])  # fmt: skip
    report = ml.open_survey(small(rows=rows)).check()
    ml.export(report, tmp_path / "f.xlsx", tmp_path / "f.csv", tmp_path / "f.html")
    for page in openpyxl.load_workbook(tmp_path / "f.xlsx"):
        assert not [
            cell.coordinate for row in page.iter_rows() for cell in row if cell.data_type == "f" or cell.hyperlink
        ]
    assert not re.search(r'(^|,)"?[=@]', (tmp_path / "f.csv").read_text(encoding="utf-8"), re.MULTILINE)
    for name in ("f.xlsx", "f.csv"):  # and it comes back as it was
        back = read_log(tmp_path / name)
        assert {"=1+1", '=HYPERLINK("http://x")'} <= set(back["value"]), name
        assert "@SUM(A1)" in set(back["respondent"])


def test_the_page_is_escaped_and_needs_nothing_else(small: Small, tmp_path: Path) -> None:
    rows = ("1,1,<script>x</script>,30,yes,1,0,0,0,0,,2021-10-04", *ROWS[1:])
    ml.export(ml.open_survey(small(rows=rows), "ru").check(), tmp_path / "f.html")
    page = (tmp_path / "f.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert 'class="error"' in page
    assert not re.search(r"(src|href)=", page)


def test_notes_are_in_the_summary_only(small: Small, tmp_path: Path) -> None:
    report = ml.open_survey(small(rows=FAULTY)).check()
    noted = report.findings.assign(severity=["note", *report.findings["severity"].iloc[1:]])
    ml.export(type(report)(**{**vars(report), "findings": noted}), tmp_path / "f.xlsx", tmp_path / "f.csv")
    assert len(read_log(tmp_path / "f.xlsx")) == len(read_log(tmp_path / "f.csv")) == len(noted) - 1
    summary = openpyxl.load_workbook(tmp_path / "f.xlsx").worksheets[1]
    assert "note" in {cell.value for row in summary.iter_rows() for cell in row}


# -------------------------------------------------------------------------------------------------------- the sheet in


def test_every_head_and_action_is_read_in_every_language() -> None:
    for language in LANGUAGES:
        heads = [say(f"log_{name}", language) for name in LOG_COLUMNS]
        assert len(set(heads)) == len(heads)
        for action in ACTIONS:
            cells = dict.fromkeys(LOG_COLUMNS, "x") | {"action": say(f"action_{action}", language).upper(), "row": "2"}
            cells |= {"answer": "x" if action in ("change", "missing") else ""}
            frame = pd.DataFrame([list(cells.values())], columns=heads)
            assert read_log(frame)["action"].tolist() == [action]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("saved_by", ["openpyxl", "LibreOffice"])
def test_a_filled_in_workbook_comes_back(
    sheet: Callable[[str], Path], language: str, saved_by: str, tmp_path: Path
) -> None:
    file = sheet(language)
    fill(
        file,
        "age",
        language,
        answer=18.0,
        action=say("action_change", language),
        by="Ē. Žagata",
        date=dt.date(2021, 11, 1),
    )
    fill(file, "sex", language, action=say("action_drop", language), reason="Viltota / подделка")
    if saved_by == "LibreOffice":
        if not shutil.which("soffice"):
            pytest.skip("LibreOffice is not here")
        to = tmp_path / "saved"
        command = ["soffice", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless"]
        command += ["--convert-to", "xlsx", "--outdir", str(to), str(file)]
        subprocess.run(command, check=True, capture_output=True, timeout=180)
        file = to / file.name
    back = read_log(file).set_index("variable")
    assert back.loc["age", ["respondent", "value", "rule", "answer", "action", "by", "date"]].tolist() == [
        "2", "180", "out_of_range", "18", "change", "Ē. Žagata", "2021-11-01"]  # fmt: skip
    assert back.loc["sex", ["action", "reason"]].tolist() == ["drop", "Viltota / подделка"]
    assert back["log"].unique().tolist() == [file.name]
    assert back.loc["age", "log_row"] in (2, 3)


def test_a_csv_as_excel_saves_it_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    text = "Respondents;Mainīgais;Vērtība;Atbilde;Pamatojums\n;;;;\n7;age;180;18;pārrakstīšanās kļūda, labots\n"
    file.write_bytes(text.encode("cp1257"))
    back = read_log(file)
    assert back[["answer", "reason", "log_row"]].to_numpy().tolist() == [["18", "pārrakstīšanās kļūda, labots", 3]]


def test_a_title_above_and_other_sheets_do_no_harm(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Notes"])
    page = book.create_sheet("Answers")
    for row in (["Returned by the office"], [], ["Respondent", "Variable", "Value", "Answer", "Our comment"],
                ["7", "age", 180, 3.0, "?"], [], ["8", "age", 17, None, None]):  # fmt: skip
        page.append(row)
    book.save(tmp_path / "log.xlsx")
    back = read_log(tmp_path / "log.xlsx")
    assert back[["respondent", "value", "answer", "action", "log_row"]].to_numpy().tolist() == [
        ["7", "180", "3", "change", 4], ["8", "17", "", "", 6]]  # fmt: skip
    book.copy_worksheet(page)
    book.save(tmp_path / "log.xlsx")
    with pytest.raises(ReadError, match="the sheets Answers, Answers Copy are logs"):
        read_log(tmp_path / "log.xlsx")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"action": "delete"},
            "row 1, action 'delete': there is no such action. Use one of change, missing, drop, keep; labot",
        ),
        ({"action": "change"}, "row 1, answer: a change needs the new value"),
        ({"action": "missing"}, "row 1, answer: say why there is none: refused"),
        ({"action": "drop"}, "row 1, reason: to drop needs a reason"),
        ({"action": "keep"}, "row 1, reason: to keep needs a reason"),
        ({"action": "keep", "reason": "ok", "answer": "31"}, "row 1, answer '31': to keep a value and to give another"),
        ({"answer": "a\x07b"}, "it holds a control character"),
    ],
)
def test_a_row_that_lacks_something_is_named(row: dict[str, str], message: str) -> None:
    with pytest.raises(CleaningError, match=re.escape(message)):
        read_log(log(row))


def test_all_faults_are_told_at_once_up_to_a_number() -> None:
    with pytest.raises(CleaningError) as told:
        read_log(log(*({"action": "delete"} for _ in range(25))))
    lines = str(told.value).splitlines()
    assert len(lines) == 22
    assert lines[20] == "DataFrame: 5 more faults like these."
    assert "nothing was changed" in lines[21]


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="no column value, answer"):
        read_log(pd.DataFrame({"respondent": ["1"], "variable": ["age"]}))
    with pytest.raises(ReadError, match="the column answer is there twice"):
        read_log(log({"Atbilde": "3"}))
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_log(tmp_path / "none.xlsx")
    (tmp_path / "log.docx").write_bytes(b"x")
    with pytest.raises(ReadError, match=r"a log is read from \.xlsx or \.csv"):
        read_log(tmp_path / "log.docx")


# ---------------------------------------------------------------------------------------------------- answers as codes


def test_an_answer_is_a_code_or_a_wording() -> None:
    form = ml.Questionnaire.read(SHIPPED / "questionnaire")
    assert cells_of(form["gender"], "gender", "Женщина", []) == {"gender": "woman"}
    assert cells_of(form["age"], "age", "40.0", []) == {"age": "40"}
    assert cells_of(form["interview_date"], "interview_date", "5.10.2021.", []) == {"interview_date": "2021-10-05"}
    columns = list(form["actions"].columns)
    chosen = cells_of(form["actions"], "actions", "Vērsās tiesā; left", columns)
    assert {column for column, code in chosen.items() if code == "1"} == {"actions/court", "actions/left"}
    assert set(chosen) == set(columns)
    assert cells_of(form["actions"], "actions", "court left", columns) == chosen
    assert cells_of(form["actions"], "actions/court", "1", columns) == {"actions/court": "1"}


@pytest.mark.parametrize(
    ("question", "answer", "message"),
    [
        (Question("q", "integer"), "12,5", "no number"),
        (Question("q", "integer"), "12.5", "no whole number"),
        (Question("q", "decimal"), "1e5", "no number"),
        (Question("q", "date"), "2021-02-30", "no day of the calendar"),
        (Question("q", "date"), "31.2.2021", "no day of the calendar"),
        (Question("q", "select_one", choices=(Choice("yes"), Choice("no"))), "Yes", "did you mean 'yes'"),
        (
            Question("q", "select_one", choices=(Choice("1", {"en": "A"}), Choice("2", {"en": "A"}))),
            "A",
            "several choices",
        ),
        (Question("q", "select_multiple", choices=(Choice("a"), Choice("b"))), "a c", "no choice"),
        (Question("q", "select_multiple", choices=(Choice("a"), Choice("b"))), "a; c", "no choice"),
    ],
)
def test_what_is_no_answer_is_refused(question: Question, answer: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cells_of(question, "q", answer, ["q/a", "q/b"])


def test_a_missing_reason_needs_a_code() -> None:
    age = Question("age", "integer", missing={"-8": "refused"})
    sex = Question("sex", "select_one", choices=(Choice("f"), Choice("dk", {"lv": "Grūti pateikt"}, "dont_know")))
    for answer in ("refused", "Atteicās", "отказ", "-8"):
        assert reason_code(age, answer) == "-8"
    assert reason_code(sex, "Grūti pateikt") == reason_code(sex, "don't know") == "dk"
    assert reason_code(age, "nav jautāts") == ""
    with pytest.raises(ValueError, match=r"age has no code for invalid\. Add -9=invalid .* to its `missing`"):
        reason_code(age, "invalid")
    with pytest.raises(ValueError, match=r"Add a choice with `missing` refused to the list sex"):
        reason_code(sex, "refused")
    with pytest.raises(ValueError, match="no missing reason"):
        reason_code(age, "unwilling")
    set_of = Question("q", "select_multiple", choices=(Choice("a"), Choice("ref", missing="refused")))
    assert missing_cells(set_of, "ref", ["q/a", "q/ref"]) == {"q/a": "0", "q/ref": "1"}
    assert missing_cells(set_of, "ref", ["q/a"]) == {"q/a": "ref"}
    assert missing_cells(set_of, "", ["q/a", "q/ref"]) == {"q/a": "", "q/ref": ""}


def test_a_number_written_by_another_program_is_a_code() -> None:
    assert code_of((Choice("3"), Choice("4")), "3.0") == "3"


@given(st.text())
@settings(max_examples=300, deadline=None)
def test_a_guarded_text_runs_nowhere_and_comes_back(text: str) -> None:
    safe = guarded(text)
    assert not safe or safe[0] not in "=@\t\r" or plain(safe) == text
    assert not safe.startswith(("=", "@", "\t", "\r"))
    assert plain(safe) == text
