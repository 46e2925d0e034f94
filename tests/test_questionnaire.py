"""Reading and writing XLSForm sheets."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from surveys import CHOICES, SHIPPED, SURVEY

from motivlab.expressions import ExpressionError, parse_expression
from motivlab.questionnaire import TYPES, Choice, Question, Questionnaire, QuestionnaireError, check_references

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
        ("count-selected() > 1", "count-selected() takes 1 arguments"),
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


HOUSEHOLD = """\
type,name,label,relevant,constraint,choice_filter,calculation,required,repeat_count,trigger
start,start,,,,,,,,
select_one region,region,Region,,,,,yes,,
select_one town or_other,town,Town,,,region = ${region},,,,
begin_group,house,House,${region} != '',,,,,,
integer,size,Members,,. > 0,,,${region} = 'r1',,
begin_repeat,member,Member,${size} > 0,,,,,${size},
text,name_of,Name,,,,,,,
begin_group,grown,Adult,${age} > 17,,,,,,
select_one yes,works,Works?,${size} < 9,,,,TRUE,,
end_group,,,,,,,,,
integer,age,Age,,. <= 120,,,true(),,
begin_repeat,job,Job,${works} = 'y',,,,,,
decimal,hours,Hours,,,,,,,
end_repeat,,,,,,,,,
end_repeat,,,,,,,,,
end_group,,,,,,,,,
calculate,grown_ups,,,,,sum(${age}) + unheard-of(${size}),,,
calculate,hours_all,,,,,sum(${hours}),,,${size}
rank yes,order,Order,,,,,no,,
"""
LISTS = """\
list name,value,label,region,note
region,r1,One,,
region,r2,Two,,
town,a,A,r1,first
town,b,B,r2,
yes,y,Yes,,
yes,NA,Not applicable,,
"""


def test_a_form_with_repeats_and_all_that_forms_in_life_have(small: Small, tmp_path: Path) -> None:
    form = Questionnaire.read(small(survey=HOUSEHOLD, choices=LISTS) / "questionnaire")
    assert [q.name for q in form] == [
        "start", "region", "town", "town_other", "size", "grown_ups", "hours_all", "order",
    ]  # fmt: skip
    (member,) = form.repeats
    (job,) = member.form.repeats
    assert ([q.name for q in member.form], [q.name for q in job.form]) == (["name_of", "works", "age"], ["hours"])
    assert (member.after, job.after, member.identity) == ("size", "age", "member_id")
    assert [e.text for e in member.routing] == ["${region} != ''", "${size} > 0"]
    assert [e.text for e in member.form["works"].routing] == ["${age} > 17", "${size} < 9"]
    assert [form[name].required for name in ("region", "size", "order")] == [True, "${region} = 'r1'", False]
    assert [member.form[name].required for name in ("works", "age", "name_of")] == [True, True, False]
    assert [choice.name for choice in form["town"].choices] == ["a", "b", "other"]
    assert form["town"].choices[0].extra == {"region": "r1", "note": "first"}
    assert [e.text for e in form["town_other"].routing] == ["selected(${town}, 'other')"]
    assert (form["hours_all"].calculation, form["hours_all"].trigger) == ("sum(${hours})", "${size}")
    assert [choice.name for choice in form["order"].choices] == ["y", "NA"]
    assert set(form.known) >= {"house", "member", "grown", "job", "hours", "town_other"}
    form.write(tmp_path / "again")
    assert Questionnaire.read(tmp_path / "again") == form


def test_a_choice_filter_says_what_was_offered(small: Small) -> None:
    form = Questionnaire.read(small(survey=HOUSEHOLD, choices=LISTS) / "questionnaire")
    frame = pd.DataFrame({"region": pd.Categorical(["r1", "r2", None])})
    assert {name: mask.tolist() for name, mask in form["town"].offered(frame).items()} == {
        "a": [True, False, False], "b": [False, True, False], "other": [False, False, True],
    }  # fmt: skip
    assert {name: mask.all() for name, mask in form["region"].offered(frame).items()} == {"r1": True, "r2": True}
    folder = small(survey=HOUSEHOLD.replace("region = ${region}", "regon = ${region}"), choices=LISTS)
    with pytest.raises(ExpressionError, match="no column of the choices sheet; did you mean 'region'"):
        Questionnaire.read(folder / "questionnaire")


def test_a_calculation_is_worked_out_or_names_what_it_misses(small: Small) -> None:
    form = Questionnaire.read(small(survey=HOUSEHOLD, choices=LISTS) / "questionnaire")
    frame = pd.DataFrame({"size": [2, 3], "x": ["a", ""]})
    assert Question("y", "calculate", extra={"calculation": "${size} * 2"}).calculated(frame).tolist() == [4, 6]
    with pytest.raises(ExpressionError, match=r"unheard-of\(\) is not known here"):
        Question("y", "calculate", extra={"calculation": "unheard-of(${size})"}).calculated(frame)
    with pytest.raises(ExpressionError, match="no column for the question 'age'"):
        form["grown_ups"].calculated(frame)
    with pytest.raises(ExpressionError, match="has no calculation"):
        form["size"].calculated(frame)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("end_repeat,,,,,,,,,\nend_repeat", "end_repeat"), "row 16: end_group without .* inside the repeat 'member'"),
        (("begin_repeat,job", "begin_repeat,age"), "the repeat name 'age' is used twice"),
        (("decimal,hours,Hours", "end_group,,,,,,,,,\ndecimal,hours,Hours"), "end_group without a begin_group"),
        (("begin_repeat,job,Job,${works}", "begin_repeat,job,Job,${wrks}"), "repeat 'job', relevant.*mean 'works'"),
        ((",${size},\ntext", ",${sise},\ntext"), "repeat 'member', repeat_count.*did you mean 'size'"),
        (("sum(${hours})", "sum(${hour})"), "question 'hours_all', calculation.*did you mean 'hours'"),
        (("${region} = 'r1',,", "${region} = 'rr1',,"), "question 'size', required.*'rr1' is no .* mean 'r1'"),
    ],
)  # fmt: skip
def test_a_fault_in_a_repeat_is_named(small: Small, change: tuple[str, str], said: str) -> None:
    assert change[0] in HOUSEHOLD
    folder = small(survey=HOUSEHOLD.replace(*change), choices=LISTS)
    with pytest.raises(ValueError, match=said):
        Questionnaire.read(folder / "questionnaire")


def test_a_copied_condition_is_never_true_but_a_slip_is_an_error(small: Small) -> None:
    form = Questionnaire.read(small(survey=SURVEY.replace("${met} = 'yes'", "${met} = 'zzz'")) / "questionnaire")
    assert not form["grounds"].routed(pd.DataFrame({"met": ["yes", "no"]})).any()
    with pytest.raises(ExpressionError, match="'zzz' is no choice of 'met'"):  # what an analysis asks for must be there
        check_references(parse_expression("${met} = 'zzz'"), form.known)


def test_sheets_that_r_wrote_have_na_for_blanks(small: Small) -> None:
    survey = (
        "type,name,label::English (en),hint::English (en),relevant,required\n"
        "select_one yes,q,Q?,NA,NA,TRUE\ninteger,n,NA,NA,${q} = 'NA',NA\n"
    )
    choices = "list_name,name,label::English (en),filter\nyes,y,Yes,NA\nyes,NA,Not applicable,NA\n"
    form = Questionnaire.read(small(survey=survey, choices=choices) / "questionnaire")
    assert (form["q"].relevant, form["q"].extra) == ("", {"required": "TRUE"})
    assert form["n"].labels == {}
    assert form["q"].choices == (Choice("y", {"en": "Yes"}), Choice("NA", {"en": "Not applicable"}))


def test_heads_are_read_as_other_tools_read_them(small: Small) -> None:
    survey = (
        "Type,Name,Label:English,label :: Latviešu (lv),Relevance,Constraint Message,my column\nint,n,N?,N lv,,No,x\n"
    )
    form = Questionnaire.read(small(survey=survey) / "questionnaire")
    assert form["n"].labels == {"English": "N?", "lv": "N lv"}
    assert (form["n"].type, form["n"].extra) == ("integer", {"constraint_message": "No", "my column": "x"})


@pytest.mark.parametrize("kind", [kind for kind in TYPES if "select" not in kind and kind != "rank"])
def test_every_type_is_read_and_written(kind: str, small: Small, tmp_path: Path) -> None:
    folder = small(survey=f"type,name,label\n{kind},q,Q\ntext,t,T\n") / "questionnaire"
    form = Questionnaire.read(folder)
    assert form["q"].type == kind
    form.write(tmp_path / "again")
    assert Questionnaire.read(tmp_path / "again") == form


def test_the_cells_of_a_workbook_may_be_numbers_dates_and_truths(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Survey "
    day = dt.datetime(2021, 10, 31)  # noqa: DTZ001  # a spreadsheet knows no time zones
    head = ["type", "name", "label", "required", "default", None]
    for row in [head, ["select_one a", "q", 5, True, day], [None] * 5]:
        sheet.append(row)
    choices = book.create_sheet("choices")
    for row in [["list_name", "name", "label"], ["a", 1, "One"], ["a", 2.0, "Two"], ["a", 2.5, "Half"]]:
        choices.append(row)
    book.create_sheet("entities").append(["list_name", "label"])
    book.save(tmp_path / "form.xlsx")
    book.close()
    form = Questionnaire.read(tmp_path / "form.xlsx")
    assert [choice.name for choice in form["q"].choices] == ["1", "2", "2.5"]
    assert (form["q"].label(""), form["q"].required, form["q"].extra["default"]) == ("5", True, "2021-10-31")


def test_damaged_sheets_end_in_an_error(small: Small, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (201 * 2**20))
    with pytest.raises(QuestionnaireError, match="not read, as that is no survey"):
        Questionnaire.read(tmp_path / "bomb.xlsx")
    folder = small(survey='type,name,label\ntext,q,"' + "x" * 200_000 + '"\n') / "questionnaire"
    with pytest.raises(QuestionnaireError, match="it is not a CSV file"):
        Questionnaire.read(folder)
    with pytest.raises(QuestionnaireError, match="a control character"):
        Questionnaire.read(small(survey="type,name,label\ntext,a\x00b c,Q\n") / "questionnaire")
