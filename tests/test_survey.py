"""Opening a survey folder, a survey from a DataFrame, and what bad input says."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from surveys import HEAD, ROWS, YML

import motivlab as ml
from motivlab.about import SurveyError
from motivlab.files import ReadError
from motivlab.readers import read_responses

Small = Callable[..., Path]


def test_a_folder_opens_with_a_dtype_per_question(small: Small) -> None:
    survey = ml.open_survey(small(), "lv")
    assert repr(survey) == "Survey('Mazā aptauja', 7 respondents, 6 questions)"
    kinds = survey.responses.dtypes.astype(str)
    assert kinds["sex"] == "category"
    assert kinds["age"] == "Int8"
    assert kinds["grounds/age"] == "Int8"
    assert kinds["day"].startswith("datetime64")
    assert kinds["w"] == "float64"
    assert survey.design.weight == "w"
    assert survey.analysed == ("grounds",)
    assert [file.name for file in survey.files] == ["survey.yml", "choices.csv", "survey.csv", "responses.csv"]


@pytest.mark.parametrize("ending", ["parquet", "sav", "dta", "xlsx"])
def test_responses_are_the_same_codes_from_any_format(small: Small, ending: str) -> None:
    import pyreadstat

    folder = small(head=HEAD.replace("/", "_"))  # SPSS and Stata names hold no slash
    frame = pd.read_csv(folder / "responses.csv")
    file = folder / f"other.{ending}"
    writers: dict[str, Callable[[], object]] = {
        "parquet": lambda: frame.to_parquet(file),
        "xlsx": lambda: frame.to_excel(file, index=False),
        "sav": lambda: pyreadstat.write_sav(frame, str(file)),
        "dta": lambda: pyreadstat.write_dta(frame, str(file)),
    }
    writers[ending]()
    pd.testing.assert_frame_equal(read_responses(file), read_responses(folder / "responses.csv"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("design:", "desing:"), "unknown key 'desing'; did you mean 'design'?"),
        (("{weight: w}", "{wieght: w}"), "unknown key 'design.wieght'; did you mean 'weight'?"),
        (("synthetic: false\n", ""), "the key 'synthetic' is missing"),
        (("synthetic: false", "synthetic: perhaps"), "'synthetic' is 'perhaps'"),
        (("respondent_id: id", "respondent_id: 5"), "'respondent_id' is 5"),
        (("start: 2021-10-04", "start: soon"), "'fieldwork.start' is 'soon'"),
        (("measure: encountered", "measure: felt"), "'analysis.grounds.measure' is 'felt'"),
        (("by: [sex]", "by: [gender]"), "analysis.grounds.by: no question 'gender'"),
        (("  grounds:", "  ground:"), "analysis.ground: no question 'ground'; did you mean 'grounds'?"),
        (("design:", "date: 2021-10-04\ndesign:"), "unknown key 'date'"),
        (("end: 2021-10-29", "end: 2021-10-01"), "it ends on 2021-10-01, before it starts on 2021-10-04"),
        (("{weight: w}", "{weight: w, lonely: maybe}"), "'design.lonely' is 'maybe'"),
    ],
)
def test_a_fault_in_survey_yml_names_file_key_and_remedy(small: Small, change: tuple[str, str], said: str) -> None:
    assert change[0] in YML
    folder = small(yml=YML.replace(*change))
    with pytest.raises(SurveyError) as caught:
        ml.open_survey(folder)
    assert said in str(caught.value)
    assert str(folder / "survey.yml") in str(caught.value)


@pytest.mark.parametrize(
    ("yml", "said"),
    [
        ("title: [unclosed\n", "malformed YAML"),
        ("title: a\n  b: c\n", "survey.yml, line 2: malformed YAML"),
        (YML + "title: again\n", "a key is there twice"),
        ("", "it holds no keys"),
        (YML.replace("2021-10-04", "2021-13-45"), "month must be in 1..12"),
        (YML + "source: \x01\n", "malformed YAML"),
        ("- a\n- b\n", "it holds no keys"),
    ],
)
def test_malformed_yaml_names_the_line(small: Small, yml: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"survey\.yml") as caught:
        ml.open_survey(small(yml=yml))
    assert said in str(caught.value)


def test_yaml_in_a_wrong_encoding(small: Small) -> None:
    folder = small()
    (folder / "survey.yml").write_bytes(YML.encode("cp1251", "replace"))
    with pytest.raises(ReadError, match=r"survey\.yml: byte \d+ is not UTF-8 .* Save the file as UTF-8"):
        ml.open_survey(folder)


def test_folders_that_are_none(small: Small, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such survey folder"):
        ml.open_survey(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"not a survey folder, it holds no survey\.yml"):
        ml.open_survey(tmp_path / "empty")
    folder = small()
    with pytest.raises(FileNotFoundError, match=r"no responses, looked for nope\.csv"):
        ml.open_survey(folder, responses="nope.csv")
    with pytest.raises(ValueError, match="language is 'de'"):
        ml.open_survey(folder, "de")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        ((HEAD + "\n").encode(), "the file is empty but for its head"),
        ("id,vārds\n1,Ņ\n".encode("cp1257"), "is not UTF-8"),
        (b"id,id\n1,2\n", "the column 'id' is there twice"),
        (b"id,w\n1,2\n3,4,5\n", "malformed CSV"),
        (b"id,w\n1,2,3\n4,5,6\n", "more cells than the 2 columns"),
    ],
)
def test_a_responses_file_that_cannot_be_read(small: Small, content: bytes, said: str) -> None:
    folder = small()
    (folder / "responses.csv").write_bytes(content)
    with pytest.raises(ReadError) as caught:
        ml.open_survey(folder)
    assert said in str(caught.value)
    assert str(folder / "responses.csv") in str(caught.value)


def test_a_file_of_an_unknown_kind(small: Small) -> None:
    folder = small()
    (folder / "answers.docx").write_text("", encoding="utf-8")
    with pytest.raises(ReadError, match=r"answers\.docx: responses are read from"):
        ml.open_survey(folder, responses="answers.docx")
    (folder / "answers.sav").write_text("no SPSS file", encoding="utf-8")
    with pytest.raises(ReadError, match=r"answers\.sav: it cannot be read as \.sav"):
        ml.open_survey(folder, responses="answers.sav")


def test_text_in_a_number_column_is_kept_for_the_check(small: Small) -> None:
    rows = (ROWS[0].replace(",30,", ",thirty,"), *ROWS[1:])
    survey = ml.open_survey(small(rows=rows))
    assert survey.responses["age"].iloc[0] == "thirty"


def test_from_frame_infers_the_questionnaire() -> None:
    frame = pd.DataFrame(
        {
            "sex": pd.Categorical(["f", "m", "f", "m"], categories=["m", "f"]),
            "score": [1, 2, 2, 1],
            "income": [1000.5, 2000.0, np.nan, 10.0],
            "employed": [True, False, True, True],
            "town": ["Rīga", "Rīga", "Cēsis", "Cēsis"],
            "remark": ["a", "b", "c", "d"],
            "when": pd.to_datetime(["2021-10-01"] * 4),
            "q/a": [1, 0, np.nan, 1],
            "q/b": [0, 0, np.nan, 1],
            "weight": [1.0, 2.0, 1.5, 0.5],
            "h": ["x", "x", "y", "y"],
        }
    )
    before = frame.copy()
    survey = ml.Survey.from_frame(frame, weight="weight", strata="h")
    assert {q.name: q.type for q in survey.questionnaire} == {
        "sex": "select_one", "score": "select_one", "income": "decimal", "employed": "select_one", "town": "select_one",
        "remark": "text", "when": "date", "q": "select_multiple", "h": "select_one",
    }  # fmt: skip
    assert [c.name for c in survey.questionnaire["sex"].choices] == ["m", "f"]
    assert [c.name for c in survey.questionnaire["score"].choices] == ["1", "2"]
    assert survey.check().ok
    pd.testing.assert_frame_equal(frame, before)


def test_from_frame_refuses_a_design_column_that_is_not_there() -> None:
    with pytest.raises(ValueError, match=r"weight='weigth': the frame has no such column; did you mean 'weight'\?"):
        ml.Survey.from_frame(pd.DataFrame({"weight": [1.0]}), weight="weigth")
    with pytest.raises(ValueError, match="respondent_id='nr': the frame has no such column"):
        ml.Survey.from_frame(pd.DataFrame({"weight": [1.0]}), respondent_id="nr")


def test_from_frame_keeps_long_numbers_and_reads_objects_as_what_they_are() -> None:
    frame = pd.DataFrame(
        {
            "id": np.array([2**62 + 1, 2**62 + 2, 2**62 + 3, 2**62 + 4]),
            "mixed": pd.Series([1, 2.0, None, "1"], dtype=object),
            "flag": pd.Series([True, False, None, True], dtype=object),
        }
    )
    survey = ml.Survey.from_frame(frame, respondent_id="id")
    assert survey.check().ok
    assert survey.responses["id"].nunique() == 4
    assert [c.name for c in survey.questionnaire["mixed"].choices] == ["1", "2"]
    assert [c.name for c in survey.questionnaire["flag"].choices] == ["0", "1"]


def test_from_frame_keeps_a_set_and_a_column_that_is_no_id() -> None:
    frame = pd.DataFrame({"q": ["a b", "b"], "q/a": [1, 0], "q/b": [1, 1], "respondent": ["proxy", "proxy"]})
    survey = ml.Survey.from_frame(pd.concat([frame] * 2))
    assert survey.questionnaire["q"].type == "select_multiple"
    assert survey.questionnaire["respondent"].type == "select_one"
    assert survey.about.respondent_id == "respondent_number"
    assert survey.check().ok


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pd.DataFrame({"a": []}), "the frame has no rows"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "the frame has two columns 'a'"),
    ],
)
def test_from_frame_refuses_what_it_cannot_read(frame: pd.DataFrame, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ml.Survey.from_frame(frame)


def test_blank_lines_do_not_move_the_numbers_of_rows(small: Small) -> None:
    folder = small(rows=(*ROWS[:3], "", ",,,,,,,,,,,", *(ROWS[3].replace(",m,", ",x,"), *ROWS[4:])))
    survey = ml.open_survey(folder)
    assert len(survey.responses) == 7
    assert survey.check().findings.index.tolist() == [7]
    with pytest.raises(ValueError, match=r"row 7, respondent 4: sex is 'x'"):
        ml.prevalence(survey, "sex")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id;w;sex\n1;1;f\n", "its cells are separated by semicolons. Save it as CSV with commas"),
        ("id\tw\n1\t1\n", "its cells are separated by tabs"),
        ("id,w,\n1,1,\n", "row 1: column 3 has no name"),
    ],
)
def test_another_separator_is_named(small: Small, content: str, said: str) -> None:
    folder = small()
    (folder / "responses.csv").write_text(content, encoding="utf-8")
    with pytest.raises(ReadError, match=said):
        ml.open_survey(folder)
    if ";" in content:
        choices = folder / "questionnaire" / "choices.csv"
        choices.write_text(choices.read_text(encoding="utf-8").replace(",", ";"), encoding="utf-8")
        with pytest.raises(ValueError, match="separated by semicolons"):
            ml.open_survey(folder)
