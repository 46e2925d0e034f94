"""Cleaning: the answered sheet applied, checked again, on record; and everything refused that does not fit."""

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from surveys import HEAD, ROWS, SHIPPED, YML

import motivlab as ml
from motivlab.cleaning import RECORD, RESPONSES, raw_responses
from motivlab.cleaning_log import CleaningError
from motivlab.cleaning_rows import RECORD_COLUMNS
from motivlab.cli import main
from motivlab.codes import as_texts
from motivlab.files import sha256
from motivlab.language import LANGUAGES, say
from motivlab.questionnaire import Question, Questionnaire, Repeat

Small = Callable[..., Path]
FAULTY = ("1,1,x,30,yes,1,0,0,0,0,,2021-10-04", "2,2.50,m,180,yes,1,1,0,0,0,,2021-10-05", *ROWS[2:])


def log(*rows: dict[str, Any]) -> pd.DataFrame:
    blank = dict.fromkeys(("row", "value", "rule", "answer", "action", "reason", "by", "date"), "")
    return pd.DataFrame([{**blank, "respondent": "2", "variable": "age", **row} for row in rows])


AGE = {"value": "180", "answer": "18"}
SEX = {"respondent": "1", "variable": "sex", "value": "x", "answer": "f"}


@pytest.fixture
def survey(small: Small) -> ml.Survey:
    return ml.open_survey(small(rows=FAULTY))


def texts(survey: ml.Survey) -> pd.DataFrame:
    return pd.DataFrame({column: as_texts(survey.responses[column]) for column in survey.responses})


# ----------------------------------------------------------------------------------------------------- what it does


def test_the_shipped_story_ends_with_a_clean_survey(tmp_path: Path) -> None:
    raw = SHIPPED / "responses_with_errors.csv"
    before = sha256(raw)
    survey = ml.open_survey(SHIPPED, responses=raw.name)
    cleaning = ml.apply_cleaning(survey, SHIPPED / "cleaning_log.csv")
    assert cleaning.report.ok
    assert cleaning.counts == {"change": 14, "missing": 1, "drop": 1, "keep": 1, "open": 0}
    assert not survey.check().ok
    assert survey.cleaning is None
    written, record = cleaning.write(tmp_path)
    assert sha256(raw) == before
    # every value is the true one again, as it is written there
    true = (SHIPPED / "responses.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    gone = [line for line in true if not line.startswith("R0860,")]
    assert len(gone) == len(true) - 1
    assert written.read_text(encoding="utf-8") == "".join(gone)
    assert list(pd.read_csv(record)) == list(RECORD_COLUMNS)


def test_the_log_answers_what_the_check_finds() -> None:
    found = ml.open_survey(SHIPPED, responses="responses_with_errors.csv").check().findings.reset_index()
    answered = pd.read_csv(SHIPPED / "cleaning_log.csv", keep_default_na=False, dtype=str)
    pairs = ["row", "variable", "rule"]
    errors = found[found["severity"] != "note"].astype(str)[pairs]
    assert set(errors.itertuples(index=False, name=None)) == set(answered[pairs].itertuples(index=False, name=None))


def test_the_log_is_made_again_byte_for_byte(tmp_path: Path) -> None:
    command = [sys.executable, str(SHIPPED / "make_survey.py"), "--to", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    assert (tmp_path / "cleaning_log.csv").read_bytes() == (SHIPPED / "cleaning_log.csv").read_bytes()


def test_a_change_leaves_the_original_and_goes_on_record(survey: ml.Survey) -> None:
    before = survey.responses.copy()
    cleaning = ml.apply_cleaning(survey, log({**AGE, "rule": "out_of_range", "by": "office", "date": "1 November"}))
    pd.testing.assert_frame_equal(survey.responses, before)
    assert texts(cleaning.survey)["age"].tolist() == ["30", "18", "50", "60", "-8", "70", "20"]
    assert cleaning.record.to_numpy().tolist() == [
        ["2", "age", "out_of_range", "change", "180", "18", "", "office", "1 November", "DataFrame", "1"]
    ]
    assert cleaning.survey.cleaning is not None
    assert cleaning.survey.responses.dtypes["age"] == "Int8"


def test_each_missing_reason_is_stored_as_the_question_stores_it(survey: ml.Survey) -> None:
    answered = log(
        {"value": "180", "answer": "atteicās", "action": "missing"},
        {"respondent": "1", "variable": "grounds", "value": "age", "answer": "refused", "action": "missing"},
        {"respondent": "2", "variable": "met", "value": "yes", "answer": "don't know", "action": "missing"},
        {"respondent": "2", "variable": "grounds", "value": "age gender", "answer": "not asked", "action": "missing"},
        {"respondent": "7", "variable": "other", "value": "looks", "answer": "not_asked", "action": "missing"},
        SEX,
    )
    made = ml.apply_cleaning(survey, answered)
    after = texts(made.survey).set_index("id")
    assert after.loc["2", ["age", "met"]].tolist() == ["-8", "dk"]
    grounds = [column for column in after if column.startswith("grounds/")]
    assert after.loc["1", grounds].tolist() == ["0", "0", "0", "0", "1"]
    assert after.loc["2", grounds].tolist() == [""] * 5
    assert after.loc["7", "other"] == ""
    assert made.counts["missing"] == 5


def test_a_dropped_interview_is_gone_and_columns_are_typed_anew(small: Small) -> None:
    rows = ("1,1,f,forty,yes,1,0,0,0,0,,2021-10-04", *ROWS[1:])
    survey = ml.open_survey(small(rows=rows))
    assert survey.responses["age"].dtype.kind not in "iuf"
    drop = log({"respondent": "1", "value": "forty", "action": "drop", "reason": "invented"})
    cleaned = ml.apply_cleaning(survey, drop).survey
    assert as_texts(cleaned.responses["id"]).tolist() == ["2", "3", "4", "5", "6", "7"]
    assert cleaned.responses["age"].dtype == "Int8"
    assert cleaned.check().ok


def test_what_is_kept_is_no_longer_found_but_told(survey: ml.Survey) -> None:
    keep = {"value": "180", "rule": "out_of_range", "action": "keep", "reason": "documents were seen"}
    made = ml.apply_cleaning(survey, log(keep, SEX))
    assert made.report.ok
    assert made.report.kept[["respondent", "rule"]].to_numpy().tolist() == [["2", "out_of_range"]]
    assert made.record["action"].tolist() == ["keep", "change"]
    again = ml.apply_cleaning(made.survey, log(keep))
    assert (len(again.record), again.done) == (2, 1)


def test_ids_are_corrected_by_their_row(small: Small) -> None:
    rows = (*ROWS[:2], ROWS[2].replace("3,", "2,", 1), ROWS[3].replace("4,", ",", 1), *ROWS[4:])
    survey = ml.open_survey(small(rows=rows))
    answered = log(
        {"row": "4", "variable": "id", "value": "2", "rule": "id_duplicate", "answer": "3"},
        {"row": "5", "respondent": "", "variable": "id", "rule": "id_missing", "answer": "4"},
        {"row": "4", "variable": "age", "value": "50", "answer": "51"},  # the id it had when the sheet was made
        {"row": "3", "variable": "age", "value": "40", "answer": "41"},
    )
    made = ml.apply_cleaning(survey, answered)
    assert as_texts(made.survey.responses["id"]).tolist() == list("1234567")
    assert as_texts(made.survey.responses["age"]).tolist() == ["30", "41", "51", "60", "-8", "70", "20"]
    assert made.record["respondent"].tolist() == ["3", "4", "3", "2"]
    again = ml.apply_cleaning(made.survey, answered)
    assert again.done == 4
    pd.testing.assert_frame_equal(again.survey.responses, made.survey.responses)
    without_row = answered.assign(row="")
    with pytest.raises(CleaningError, match=r"2 rows have this id\. Say in the column row which is meant"):
        ml.apply_cleaning(survey, without_row)


def test_one_of_two_interviews_of_an_id_is_dropped_once(small: Small) -> None:
    rows = (*ROWS[:2], ROWS[1], *ROWS[2:])
    survey = ml.open_survey(small(rows=rows))
    drop = log(
        {"row": "4", "variable": "id", "value": "2", "rule": "id_duplicate", "action": "drop", "reason": "twice"}
    )
    made = ml.apply_cleaning(survey, drop, drop)
    assert len(made.survey.responses) == 7
    assert made.done == 1
    with pytest.raises(CleaningError, match="the check finds no such fault"):  # without the record it is refused
        ml.apply_cleaning(replace(made.survey, cleaning=None), drop.assign(row="3"))


def test_logs_follow_each_other(survey: ml.Survey) -> None:
    first, second = log(AGE), log({"value": "18", "answer": "19"})
    made = ml.apply_cleaning(survey, first, second)
    assert texts(made.survey)["age"][1] == "19"
    assert made.record[["before", "after"]].to_numpy().tolist() == [["180", "18"], ["18", "19"]]
    steps = ml.apply_cleaning(ml.apply_cleaning(survey, first).survey, second)
    pd.testing.assert_frame_equal(made.record, steps.record)
    pd.testing.assert_frame_equal(made.survey.responses, steps.survey.responses)
    with pytest.raises(CleaningError, match="the file holds '180' now"):
        ml.apply_cleaning(survey, second, first)


def test_what_nobody_answered_is_open(survey: ml.Survey) -> None:
    unanswered = {**SEX, "answer": "", "rule": "unknown_code"}
    made = ml.apply_cleaning(survey, log(AGE, unanswered))
    assert made.open[["respondent", "variable", "log_row"]].to_numpy().tolist() == [["1", "sex", 2]]
    assert not made.report.ok
    both = ml.apply_cleaning(survey, log(AGE, unanswered), log({**SEX, "rule": "unknown_code"}))
    assert both.open.empty
    dropped = ml.apply_cleaning(
        survey, log(unanswered, {**unanswered, "variable": "", "action": "drop", "reason": "no"})
    )
    assert dropped.open.empty
    nothing = ml.apply_cleaning(survey, log(unanswered))
    assert (len(nothing.record), len(nothing.open), nothing.survey.cleaning) == (0, 1, None)


def test_an_answer_is_checked_again(survey: ml.Survey) -> None:
    with pytest.raises(CleaningError, match=r"row 1, answer '81': not accepted, since it is checked again: .*age"):
        ml.apply_cleaning(survey, log({**AGE, "answer": "81"}))
    with pytest.raises(CleaningError, match=r"checked again: .*grounds"):  # none together with another
        ml.apply_cleaning(survey, log({"variable": "grounds", "value": "age gender", "answer": "age none"}))
    with pytest.raises(CleaningError, match=r"checked again: .*grounds"):  # it was to be put
        ml.apply_cleaning(
            survey, log({"variable": "grounds", "value": "age gender", "answer": "not_asked", "action": "missing"})
        )
    with pytest.raises(CleaningError, match="checked again"):
        ml.apply_cleaning(survey, log({"variable": "id", "row": "3", "value": "2", "answer": "3"}))
    with pytest.raises(CleaningError, match="checked again"):
        ml.apply_cleaning(survey, log({"variable": "w", "value": "2.5", "answer": "-1"}))


def test_a_recode_follows_and_is_not_written(small: Small) -> None:
    recodes = "recodes:\n  old: {of: age, codes: {no: {range: [~, 49]}, yes: {range: [50, ~]}}}\n"
    survey = ml.open_survey(small(rows=FAULTY, yml=YML + recodes))
    made = ml.apply_cleaning(survey, log(AGE, SEX))
    assert made.survey.responses["old"].tolist()[:2] == ["no", "no"]
    assert survey.responses["old"].tolist()[1] == "yes"
    file, _ = made.write()
    assert file.read_text(encoding="utf-8").splitlines()[0] == HEAD
    with pytest.raises(CleaningError, match=r"it is made of age\. Correct that one"):
        ml.apply_cleaning(survey, log({"variable": "old", "value": "yes", "answer": "no"}))


def test_members_of_a_dropped_interview_go_with_it(survey: ml.Survey) -> None:
    form = Questionnaire(
        survey.questionnaire.questions, survey.questionnaire.languages,
        repeats=(Repeat("hh", Questionnaire((Question("years", "integer"),))),),
    )  # fmt: skip
    members = pd.DataFrame({"hh_id": ["1/1", "2/1", "2/2"], "id": ["1", "2", "2"], "years": [5, 6, 7]})
    whole = replace(survey, questionnaire=form, repeats={"hh": members})
    drop = log({**AGE, "answer": "", "action": "drop", "reason": "invented"})
    assert ml.apply_cleaning(whole, drop).survey.repeats["hh"]["hh_id"].tolist() == ["1/1"]
    with pytest.raises(CleaningError, match="it is asked of each hh"):
        ml.apply_cleaning(whole, log({"variable": "hh/years", "value": "6", "answer": "7"}))


def test_what_identifies_a_person_is_not_put_on_record(small: Small) -> None:
    rows = (*ROWS[:6], ROWS[6].replace("looks", "zvaniet 29123456 vai anna.berza@example.lv"))
    survey = ml.open_survey(small(rows=rows))
    found = survey.check().findings
    found = found[(found["rule"] == "identifier") & (found["respondent"] == "7")]
    if found.empty:
        pytest.skip("the check does not look for identifiers in this text")
    answered = log({"respondent": "7", "variable": "other", "value": found["value"].iloc[0], "rule": "identifier",
                    "answer": "izskats"})  # fmt: skip
    made = ml.apply_cleaning(survey, answered)
    assert "anna.berza" not in made.record.to_csv()
    assert "29123456" not in made.record.to_csv()
    assert made.survey.responses["other"].iloc[6] == "izskats"


# ------------------------------------------------------------------------------------------------- what it refuses


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"respondent": "99"}, "row 1, respondent '99': there is no such respondent"),
        ({"respondent": ""}, "row 1, respondent: it is blank"),
        ({"variable": "agee"}, "row 1, variable 'agee': there is no such question or column; did you mean 'age'?"),
        ({"variable": "grounds/ages", "value": "1"}, "there is no such question or column"),
        ({"rule": "out_of_rang"}, "row 1, rule 'out_of_rang': there is no such rule; did you mean 'out_of_range'?"),
        ({"answer": "old"}, "row 1, answer 'old': no number"),
        ({"variable": "sex", "value": "m", "answer": "x"}, "row 1, answer 'x': no choice of the question"),
        ({"value": "170"}, "row 1, value '170': 2, age: the file holds '180' now. Make a new sheet"),
        ({"answer": "180"}, "row 1, answer '180': it is the value that stands there. To leave it, use keep"),
        ({"answer": "invalid", "action": "missing"}, "age has no code for invalid. Add -9=invalid"),
        ({"variable": "w", "value": "2.5", "answer": "refused", "action": "missing"}, "it is no question"),
        ({"answer": "", "action": "keep", "reason": "so"}, "what is kept is named by its rule"),
        ({"answer": "", "action": "keep", "reason": "so", "rule": "wrong_type"}, "the check finds no such fault"),
        ({"respondent": "99", "answer": "", "action": "drop", "reason": "so"}, "there is no such respondent"),
    ],
)
def test_a_row_that_does_not_fit_is_named(survey: ml.Survey, row: dict[str, str], message: str) -> None:
    with pytest.raises(CleaningError, match=re.escape(message)):
        ml.apply_cleaning(survey, log({**AGE, **row}))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (({**AGE}, {**AGE, "answer": "19"}), "row 2, answer '19': row 1 of the log gives age the value '18'"),
        (({**AGE}, {**AGE, "answer": "", "action": "drop", "reason": "so"}), "row 2 of the log drops the interview"),
        (({**AGE}, {**AGE, "answer": "", "action": "keep", "rule": "out_of_range", "reason": "so"}),
         "row 2, action 'keep': row 1 of the log changes the value"),
        (({"variable": "grounds", "value": "age gender", "answer": "age"},
          {"variable": "grounds/gender", "value": "1", "answer": "refused", "action": "missing"}),
         "gives grounds/age the value '1'"),
    ],
)  # fmt: skip
def test_rows_that_contradict_each_other_are_refused(
    survey: ml.Survey, rows: tuple[dict[str, str], ...], message: str
) -> None:
    with pytest.raises(CleaningError, match=re.escape(message)):
        ml.apply_cleaning(survey, log(*rows))


def test_the_same_said_twice_is_said_once(survey: ml.Survey) -> None:
    assert len(ml.apply_cleaning(survey, log(AGE, AGE)).record) == 1


def test_one_fault_refuses_the_whole_log(survey: ml.Survey) -> None:
    with pytest.raises(CleaningError) as told:
        ml.apply_cleaning(survey, log(AGE, {**AGE, "respondent": "98"}, {**AGE, "respondent": "99"}))
    assert str(told.value).count("there is no such respondent") == 2
    assert survey.responses["age"].tolist()[1] == 180


def test_not_everything_can_be_dropped(survey: ml.Survey) -> None:
    every = [{"respondent": str(i), "variable": "", "action": "drop", "reason": "so"} for i in range(1, 8)]
    with pytest.raises(CleaningError, match="it drops every interview"):
        ml.apply_cleaning(survey, log(*every))
    with pytest.raises(CleaningError, match="no log was given"):
        ml.apply_cleaning(survey)


# -------------------------------------------------------------------------------------------------- files, command


def test_both_files_are_written_or_neither(survey: ml.Survey, monkeypatch: pytest.MonkeyPatch) -> None:
    assert survey.folder
    before = {path.name for path in survey.folder.iterdir()}
    made = ml.apply_cleaning(survey, log(AGE))
    with pytest.raises(CleaningError, match="nothing was corrected"):
        ml.apply_cleaning(survey, log({**AGE, "answer": ""})).write()

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(type(made.record), "to_csv", fail)
        with pytest.raises(OSError, match="disk is full"):
            made.write()
    assert {path.name for path in survey.folder.iterdir()} == before
    assert [file.name for file in made.write()] == [RESPONSES, RECORD]
    with pytest.raises(CleaningError, match="was not opened from a folder"):
        ml.apply_cleaning(replace(survey, folder=None), log(AGE)).write()


def test_untouched_cells_are_written_as_they_were(survey: ml.Survey) -> None:
    file, _ = ml.apply_cleaning(survey, log(AGE)).write()
    expected = "\n".join([HEAD, FAULTY[0], FAULTY[1].replace("180", "18"), *FAULTY[2:], ""])
    assert file.read_text(encoding="utf-8") == expected  # the weight 2.50 too


def test_the_cleaned_files_open_and_are_cleaned_no_further(survey: ml.Survey) -> None:
    assert survey.folder
    made = ml.apply_cleaning(survey, log(AGE, SEX))
    made.write()
    yml = survey.folder / "survey.yml"
    yml.write_text(f"{YML}responses: {RESPONSES}\n", encoding="utf-8")
    with pytest.raises(CleaningError, match=r"Add `cleaning: cleaning_record\.csv` to survey\.yml"):
        ml.apply_cleaning(ml.open_survey(survey.folder), log({"value": "18", "answer": "19"})).write()
    yml.write_text(f"{YML}responses: {RESPONSES}\ncleaning: {RECORD}\n", encoding="utf-8")
    again = ml.open_survey(survey.folder)
    pd.testing.assert_frame_equal(again.responses, made.survey.responses)
    assert ml.apply_cleaning(again, log(AGE, SEX)).done == 2
    assert raw_responses(survey.folder) == "responses.csv"
    (survey.folder / "responses.csv").rename(survey.folder / "raw.csv")
    with pytest.raises(FileNotFoundError, match="Say with --responses"):
        raw_responses(survey.folder)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_cites_it(survey: ml.Survey, language: str) -> None:
    spoken = replace(survey, language=language)
    made = ml.apply_cleaning(spoken, log(AGE, {**SEX, "answer": "", "action": "drop", "reason": "so"}))
    said = repr(ml.describe(made.survey))
    assert RECORD in said
    assert RECORD not in repr(ml.describe(spoken))
    shown = repr(made)
    assert say("cleaning_drop", language) in shown
    assert say("rule_out_of_range", language) not in shown  # the rows named no rule
    assert say("cleaning_no_rule", language) in shown
    assert "nan" not in shown


def test_the_command_starts_from_the_raw_responses(small: Small, capsys: pytest.CaptureFixture[str]) -> None:
    folder = small(rows=FAULTY)
    raw = sha256(folder / "responses.csv")
    one, two = folder / "one.csv", folder / "two.csv"
    log(AGE, {**SEX, "answer": ""}).to_csv(one, index=False)
    log(SEX).to_csv(two, index=False)
    assert main(["clean", str(folder), str(one)]) == 1
    out = capsys.readouterr().out
    assert "responses: responses_clean.csv\ncleaning: cleaning_record.csv\n" in out
    assert "sex is x" in out
    (folder / "survey.yml").write_text(f"{YML}responses: {RESPONSES}\ncleaning: {RECORD}\n", encoding="utf-8")
    assert main(["clean", str(folder), str(one), str(two), "--lang", "lv"]) == 0
    assert f"read {folder / 'responses.csv'}, and {one}, {two}" in capsys.readouterr().out
    first = [(folder / name).read_bytes() for name in (RESPONSES, RECORD)]
    assert main(["clean", str(folder), str(one), str(two)]) == 0
    assert [(folder / name).read_bytes() for name in (RESPONSES, RECORD)] == first
    capsys.readouterr()
    log({**AGE, "value": "170", "answer": "19"}).to_csv(two, index=False)
    assert main(["clean", str(folder), str(one), str(two)]) == 2
    assert "two.csv, row 2, value '170'" in capsys.readouterr().err
    assert [(folder / name).read_bytes() for name in (RESPONSES, RECORD)] == first
    assert sha256(folder / "responses.csv") == raw


# ------------------------------------------------------------------------------------- any findings, any answers

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # a shorter example is not worth its minutes
ANSWERS = {
    "age": ["18", "30", "75", "-8"], "sex": ["f", "Sieviete", "m"], "met": ["yes", "no", "dk"],
    "grounds": ["age", "age gender", "none", "ref", "Vecums; Cits"], "day": ["2021-10-04", "7.10.2021"],
    "w": ["1", "0.5"], "other": ["looks", "cits"], "id": ["101", "102"],
}  # fmt: skip
FAULTS = [("sex", "x"), ("age", "180"), ("age", "old"), ("age", "17"), ("grounds/age", "2"), ("grounds/none", "1"),
          ("met", "no"), ("met", ""), ("day", "soon"), ("w", "-1"), ("id", "2"), ("id", ""),
          ("other", "words")]  # fmt: skip


@given(st.data())
@settings(max_examples=25, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_answers_are_refused_whole_or_done_once(small: Small, data: st.DataObject) -> None:
    cells = np.array([row.split(",") for row in ROWS], dtype=object)
    for row in range(len(ROWS)):
        if data.draw(st.booleans()):
            variable, value = data.draw(st.sampled_from(FAULTS))
            cells[row, HEAD.split(",").index(variable)] = value
    folder = small(rows=tuple(",".join(row) for row in cells))
    raw = sha256(folder / "responses.csv")
    survey = ml.open_survey(folder)
    before = survey.responses.copy()
    findings = survey.check().findings.reset_index()
    findings = findings[findings["severity"] != "note"]
    rows = []
    for found in findings.to_dict("records"):
        action = data.draw(st.sampled_from(["", "change", "missing", "drop", "keep"]))
        said = {key: str(found[key]) for key in ("row", "respondent", "variable", "value", "rule")}
        said |= {"action": action, "reason": "so" if action in ("drop", "keep") else "", "answer": ""}
        if action in ("change", "missing"):
            known = ANSWERS.get(found["variable"].partition("/")[0], ["1"])
            said["answer"] = data.draw(st.sampled_from(known if action == "change" else ["refused", "not_asked", "?"]))
        rows.append(said)
    if not rows:
        return
    answered = log(*rows)
    told = ""
    try:
        made = ml.apply_cleaning(survey, answered)
    except CleaningError as error:
        told = str(error)
    else:
        twice = ml.apply_cleaning(survey, answered, answered)
        later = ml.apply_cleaning(made.survey, answered)
        for other in (twice, later):
            pd.testing.assert_frame_equal(other.survey.responses, made.survey.responses)
            pd.testing.assert_frame_equal(other.record, made.record)
        # what was changed has no error, and what was kept is told
        changed = set(made.record.loc[made.record["action"].isin(["change", "missing"])][["respondent", "variable"]]
                      .itertuples(index=False, name=None))  # fmt: skip
        left = made.report.findings
        errors = left[left["severity"] == "error"][["respondent", "variable"]].itertuples(index=False, name=None)
        assert not changed & set(errors)
        if len(made.record):
            file, _ = made.write()
            back = ml.open_survey(folder, responses=file.name)
            pd.testing.assert_frame_equal(back.responses, made.survey.responses.reset_index(drop=True))
    assert not told or "DataFrame, row" in told or "every interview" in told
    pd.testing.assert_frame_equal(survey.responses, before)
    assert sha256(folder / "responses.csv") == raw
    for name in (RESPONSES, RECORD):
        (folder / name).unlink(missing_ok=True)
