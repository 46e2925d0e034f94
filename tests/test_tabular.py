"""A table of answers in words, as online tools export it: to a survey folder, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

import motivlab as ml
from motivlab.files import ReadError
from motivlab.tabular import read_table

TABLE = """Your city,Tools,Column2,Column3,Other tool,Useful,Wie oft?,Score,ID no
Rīga,Git,,SQL,,Agree,never,10,7
Cēsis,,Python,,Julia,Neutral,often,9,8
Rīga,,,,,Strongly agree,I never did,8,9
Cēsis,Git,Python,,,,often,,11
"""
SCALE = ["Disagree", "Neutral", "Agree", "Strongly agree"]
SETS = {"tools": ("Tools", "Column3")}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "export.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def test_a_table_of_words_becomes_codes_and_loses_nothing(file: Path, tmp_path: Path) -> None:
    ml.import_survey(file, tmp_path / "s", SETS, [SCALE, [("never", "I never did"), "often"]], ["Neutral"])
    survey = ml.open_survey(tmp_path / "s")
    form, responses = survey.questionnaire, survey.responses
    assert [(q.name, q.type) for q in form] == [
        ("your_city", "select_one"), ("tools", "select_multiple"), ("other_tool", "text"), ("useful", "select_one"),
        ("wie_oft", "select_one"), ("score", "integer"), ("id_no", "integer"),
    ]  # fmt: skip
    assert [choice.name for choice in form["tools"].choices] == ["git", "python", "sql"]
    assert form["your_city"].choices[1].label("en") == "Rīga"
    assert form["your_city"].label("lv") == "Your city"
    # one who ticked nothing has not answered; who ticked something has not ticked the rest
    assert responses[["tools/git", "tools/python", "tools/sql"]].fillna(-1).to_numpy().tolist() == [
        [1, 0, 1], [0, 1, 0], [-1, -1, -1], [1, 1, 0],
    ]  # fmt: skip
    assert responses["useful"].astype(object).fillna("").tolist() == ["3", "2", "4", ""]
    assert [choice.neutral for choice in form["useful"].choices] == [False, True, False, False]
    assert responses["wie_oft"].astype(str).tolist() == ["1", "2", "1", "2"]
    assert [choice.label("en") for choice in form["wie_oft"].choices] == ["never", "often"]
    assert survey.check().ok
    readme = (tmp_path / "s" / "README.md").read_text(encoding="utf-8")
    assert "the 1 respondents who ticked none of them" in readme
    assert "free text, to be read for names before it is passed on: other_tool" in readme


def test_a_column_that_looks_like_an_id_is_it(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Respondent,x\nA1,u\nA2,v\nA3,u\nA4,v\n", encoding="utf-8")
    draft = read_table(path)
    assert draft.respondent_id == "Respondent"
    assert draft.responses["Respondent"].tolist() == ["A1", "A2", "A3", "A4"]
    path.write_text("Respondent,x\nA1,u\nA1,v\n", encoding="utf-8")  # the same twice is no id
    assert read_table(path).respondent_id == "respondent_number"


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        ({"tools": ("Tool", "Column3")}, "names the column 'Tool', which is not there; did you mean 'Tools'?"),
        ({"tools": ("Column3", "Tools")}, "'Tools' stands before 'Column3'"),
        ({"tools": ("Your city", "Column3")}, "column 'Your city' of the set 'tools' holds 2 different texts"),
    ],
)
def test_a_set_that_is_none_is_refused(file: Path, sets: dict[str, tuple[str, str]], said: str) -> None:
    with pytest.raises(ReadError) as caught:
        read_table(file, sets)
    assert said in str(caught.value)
    assert "export.csv" in str(caught.value)


def test_two_columns_of_one_name_an_empty_choice_and_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a b,a-b\nx,y\nx,y\n", encoding="utf-8")
    with pytest.raises(ReadError, match="two columns are named 'a_b'"):
        read_table(path)
    path.write_text("p,q\nx,\nx,\n", encoding="utf-8")
    with pytest.raises(ReadError, match="column 'q' of the set 's' holds nothing"):
        read_table(path, {"s": ("p", "q")})
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="an SPSS file says them itself"):
        ml.import_survey(tmp_path / "x.sav", tmp_path / "s", SETS)
    assert not (tmp_path / "s").exists()
