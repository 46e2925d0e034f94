"""Reading and writing XLSForm sheets."""

from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from surveys import CHOICES, SHIPPED, SURVEY

from motivlab.expressions import ExpressionError
from motivlab.questionnaire import Questionnaire, QuestionnaireError

Small = Callable[..., Path]


def test_questions_carry_labels_choices_and_routing(small: Small) -> None:
    form = Questionnaire.read(small() / "questionnaire")
    assert [q.name for q in form] == ["sex", "age", "met", "grounds", "other", "day"]
    assert form["sex"].label("lv") == "Dzimums"
    assert form["sex"].label("de") == "Dzimums"  # a language that is not there: the questionnaire's first
    assert [c.name for c in form["grounds"].answers] == ["age", "gender", "other", "none"]
    assert form["grounds"].choices[3].exclusive
    assert form["grounds"].missing_codes == {"ref": "refused"}
    assert form["grounds"].columns == ("grounds/age", "grounds/gender", "grounds/other", "grounds/none")
    assert form["grounds"].optional_columns == ("grounds/ref",)
    assert form["age"].missing_codes == {"-8": "refused"}
    assert [e.text for e in form["grounds"].routing] == ["${met} = 'yes'"]


def test_the_routing_of_a_group_holds_for_all_in_it(small: Small) -> None:
    survey = SURVEY.replace("text,other", "begin_group,g,,Group,,${met} = 'yes',,\ntext,other") + "end_group,,,,,,,\n"
    form = Questionnaire.read(small(survey=survey) / "questionnaire")
    assert [e.text for e in form["other"].routing] == ["${met} = 'yes'", "selected(${grounds}, 'other')"]
    assert [e.text for e in form["day"].routing] == ["${met} = 'yes'"]


@pytest.mark.parametrize("folder", ["shipped", "small"])
def test_what_is_written_is_read_again(folder: str, small: Small, tmp_path: Path) -> None:
    form = Questionnaire.read((SHIPPED if folder == "shipped" else small()) / "questionnaire")
    form.write(tmp_path / "again")
    assert Questionnaire.read(tmp_path / "again") == form


def test_a_workbook_reads_as_the_sheets_do(small: Small, tmp_path: Path) -> None:
    folder = small() / "questionnaire"
    book = openpyxl.Workbook()
    for i, (name, text) in enumerate({"survey": SURVEY, "choices": CHOICES}.items()):
        sheet = book.active if i == 0 else book.create_sheet()
        sheet.title = name
        for line in text.splitlines():
            import csv

            sheet.append(next(csv.reader([line])))
    book.save(tmp_path / "form.xlsx")
    book.close()
    assert Questionnaire.read(tmp_path / "form.xlsx") == Questionnaire.read(folder)


def test_a_range_has_limits(small: Small) -> None:
    survey = "type,name,label,parameters\nrange,score,Score,start=0 end=10 step=1\n"
    assert Questionnaire.read(small(survey=survey) / "questionnaire")["score"].limits == (0, 10)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("select_one sex,sex", "select_one sexx,sex"), "row 2: question 'sex': there is no list of choices 'sexx'"),
        (("select_one sex,sex", "select_one sexx,sex"), "did you mean 'sex'?"),
        (("date,day", "date,age"), "row 7: the question name 'age' is used twice, first in row 3"),
        (("date,day", "dat,day"), "row 7: question 'day': the type 'dat' is not known"),
        (("date,day", "date,a day"), "row 7: the question name 'a day'"),
        (("date,day", "date,a/day"), "row 7: the question name 'a/day'"),
        (("type,name", "typ,name"), "the column 'type' is missing"),
        (("-8=refused", "-8=refusal"), "row 3: missing is '-8=refusal'"),
        (("date,day", "end_group,\ndate,day"), "row 7: end_group without a begin_group"),
        (("date,day", "begin_group,g\ndate,day"), "the group 'g' is never closed"),
        (("integer,age", "integer list,age"), "takes no list"),
    ],
)
def test_a_fault_in_the_survey_sheet_names_file_row_and_value(small: Small, change: tuple[str, str], said: str) -> None:
    folder = small(survey=SURVEY.replace(*change))
    with pytest.raises(QuestionnaireError) as caught:
        Questionnaire.read(folder / "questionnaire")
    assert said in str(caught.value)
    assert "survey.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("sex,m,", "sex,f,"), "row 3: the choice 'f' is in the list 'sex' twice"),
        (("sex,m,", "sex,,"), "row 3: a choice needs a list_name and a name"),
        ((",dont_know,", ",dunno,"), "row 6: missing is 'dunno'"),
        ((",,yes", ",,maybe"), "row 10: exclusive is 'maybe'"),
    ],
)
def test_a_fault_in_the_choices_names_file_row_and_value(small: Small, change: tuple[str, str], said: str) -> None:
    folder = small(choices=CHOICES.replace(*change))
    with pytest.raises(QuestionnaireError) as caught:
        Questionnaire.read(folder / "questionnaire")
    assert said in str(caught.value)
    assert "choices.csv" in str(caught.value)


def test_a_choice_of_several_may_hold_no_space(small: Small) -> None:
    folder = small(choices=CHOICES.replace("grounds,gender", "grounds,gen der"))
    with pytest.raises(QuestionnaireError, match="the choice 'gen der' holds a space"):
        Questionnaire.read(folder / "questionnaire")


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("count-selected(${grounds}) > 1", "count-selected"),
        ("${mett} = 'yes'", "did you mean 'met'?"),
        ("${met} = 'yess'", "'yess' is no choice of 'met'; did you mean 'yes'?"),
    ],
)
def test_an_expression_that_cannot_be_used_names_the_question(small: Small, condition: str, said: str) -> None:
    folder = small(survey=SURVEY.replace("${met} = 'yes'", condition))
    with pytest.raises(ExpressionError) as caught:
        Questionnaire.read(folder / "questionnaire")
    assert "question 'grounds', relevant" in str(caught.value)
    assert condition in str(caught.value)
    assert said in str(caught.value)


def test_files_that_are_none(small: Small, tmp_path: Path) -> None:
    folder = small() / "questionnaire"
    with pytest.raises(FileNotFoundError, match="no such questionnaire"):
        Questionnaire.read(tmp_path / "nowhere")
    (folder / "survey.csv").write_bytes(SURVEY.encode("utf-16"))
    with pytest.raises(QuestionnaireError, match=r"survey\.csv: byte 0 is not UTF-8 .* Save the file as CSV UTF-8"):
        Questionnaire.read(folder)
    (folder / "survey.csv").write_text("", encoding="utf-8")
    with pytest.raises(QuestionnaireError, match="the file is empty"):
        Questionnaire.read(folder)
    (folder / "survey.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"survey\.csv: no such file"):
        Questionnaire.read(folder)
    (tmp_path / "form.xlsx").write_text("no workbook", encoding="utf-8")
    with pytest.raises(QuestionnaireError, match=r"not an \.xlsx workbook"):
        Questionnaire.read(tmp_path / "form.xlsx")


def test_a_row_with_too_many_cells_is_refused(small: Small) -> None:
    folder = small(survey=SURVEY.replace("date,day,Diena,Day,День,,,", "date,day,Diena,Day,День,,,,extra"))
    with pytest.raises(QuestionnaireError, match="row 7: 9 cells under 8 columns"):
        Questionnaire.read(folder / "questionnaire")


def test_the_neutral_choice_is_the_questionnaires(small: Small, tmp_path: Path) -> None:
    rows = [line + ",neutral" if i == 0 else line + "," for i, line in enumerate(CHOICES.strip().split("\n"))]
    marked = [line[:-1] + ",yes" if line.startswith("sex,f,") else line for line in rows]
    form = Questionnaire.read(small(choices="\n".join(marked) + "\n") / "questionnaire")
    assert [choice.neutral for choice in form["sex"].choices] == [True, False]
    form.write(tmp_path)
    assert Questionnaire.read(tmp_path)["sex"].choices[0].neutral
    folder = small(choices="\n".join(line.replace(",yes", ",middle") for line in marked) + "\n")
    with pytest.raises(QuestionnaireError, match="neutral is 'middle'"):
        Questionnaire.read(folder / "questionnaire")
