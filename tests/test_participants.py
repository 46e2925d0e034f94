"""The register of a programme: who is counted, every contradiction as an error and as a finding."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest

import motivlab as ml
from motivlab.language import LANGUAGES
from motivlab.participants import participants
from motivlab.programme import Definition, Programme
from motivlab.questionnaire import Questionnaire
from motivlab.rules import days, programme_rules

DATES = ("entered", "began", "finished", "left", "followed", "hired")
DECLARED = Programme(
    entry="entered", start="began", completion="finished", exit="left", follow_up="followed", drop_out="why",
    outcome="result", outcome_dates={"job": "hired"}, person="who", complete=True,
    definitions={"work": Definition(choices=("job",)), "any": Definition(choices=("job", "course"))},
)  # fmt: skip

#  who completed with a job, who dropped out without one, whose outcome is unknown, who is still there
ROWS = [
    ("a", "2021-01-04", "2021-01-11", "2021-06-30", "2021-06-30", "2022-01-10", None, 1, 0, 0, "2021-07-05", "yes"),
    ("b", "2021-01-04", "2021-01-11", None, "2021-03-01", None, "health", 0, 0, 1, None, "yes"),
    ("c", "2021-02-01", "2021-02-01", "2021-06-30", "2021-07-01", None, None, None, None, None, None, "yes"),
    ("d", "2021-05-03", None, None, None, None, None, None, None, None, None, "yes"),
    ("e", "2021-05-03", "2021-05-10", "2021-09-01", "2021-09-01", "2022-03-01", None, 0, 1, 0, None, "no"),
    ("f", "2021-05-03", "2021-05-10", None, "2021-08-02", None, "work", 1, 1, 0, "2021-05-03", "no"),
]
COLUMNS = ["who", *DATES[:5], "why", "result/job", "result/course", "result/none", "hired", "treated"]


def register(programme: Programme | None = DECLARED, **changed: Any) -> ml.Survey:
    """The rows above as a survey; ``column=(row, value)`` changes a cell."""
    frame = pd.DataFrame(ROWS, columns=COLUMNS)
    for name, (row, value) in changed.items():
        frame.loc[row - 1, name.replace("__", "/")] = value
    frame = frame.assign(**{name: pd.to_datetime(frame[name]) for name in DATES})
    frame = frame.astype({"why": pd.CategoricalDtype(["health", "work"])})
    survey = ml.Survey.from_frame(frame.assign(who=frame["who"].astype("category")))
    return replace(survey, about=survey.about.model_copy(update={"programme": programme}))


def test_who_is_counted() -> None:
    found = participants(register())
    assert found.enrolled.tolist() == [True] * 6
    assert found.exited.tolist() == [True, True, True, False, True, True]
    assert found.completed.tolist() == [True, False, True, False, True, False]
    assert found.dropped.tolist() == [False, True, False, False, False, True]
    assert found.followed.tolist() == [True, False, False, False, True, False]
    assert found.known.tolist() == [True, True, False, False, True, True]
    assert found.choices == ("job", "course", "none")
    assert found.success("work")[0].tolist() == [True, False, False, False, False, True]
    assert found.success("any")[0].tolist() == [True, False, False, False, True, True]
    assert found.success("any")[1].tolist() == found.known.tolist()
    assert list(found.dates) == ["entry", "start", "completion", "exit", "follow_up"]
    assert found.dates["exit"].dtype == np.dtype("datetime64[D]")
    assert str(found.outcome_dates["job"][0]) == "2021-07-05"
    assert np.isnat(found.outcome_dates["job"][1:5]).all()
    assert register().check().ok


def test_the_comparison_group_is_not_enrolled() -> None:
    found = participants(register(DECLARED.model_copy(update={"comparison": "${treated} = 'no'"})))
    assert found.enrolled.tolist() == [True] * 4 + [False] * 2
    assert found.exited.tolist() == [True, True, True, False, False, False]
    assert found.known.tolist() == [True, True, False, False, False, False]
    assert not found.success("any")[0][4:].any()


def test_what_is_not_declared_is_nobodys() -> None:
    least = Programme(entry="entered", exit="left", outcome="result", definitions=DECLARED.definitions, complete=True)
    found = participants(register(least))
    assert not (found.completed | found.followed | found.dropped).any()
    with_reason = participants(register(least.model_copy(update={"drop_out": "why"})))
    assert with_reason.dropped.tolist() == [False, True, False, False, False, True]


def test_somebody_who_answered_a_part_is_known_as_far_as_it_goes() -> None:
    found = participants(register(result__course=(1, None), result__none=(1, None)))
    assert found.success("work")[1][0]
    assert found.success("any")[1][0]  # one of the choices is enough
    found = participants(register(result__course=(2, None)))
    assert found.success("work")[1][1]
    assert not found.success("any")[1][1]


def _with_missing(survey: ml.Survey, name: str, code: str) -> ml.Survey:
    questions = (replace(q, missing={code: "dont_know"}) if q.name == name else q for q in survey.questionnaire)
    return replace(survey, questionnaire=Questionnaire(tuple(questions), survey.questionnaire.languages))


@pytest.mark.parametrize("code", ["-9", "dk", "1900-01-01"])
def test_a_missing_reason_is_a_blank_date(code: str) -> None:
    survey = register()
    texts = survey.responses["finished"].dt.strftime("%Y-%m-%d").astype(object)
    texts.iloc[3] = code
    survey = _with_missing(replace(survey, responses=survey.responses.assign(finished=texts)), "finished", code)
    found = participants(survey)
    assert found.completed.tolist() == [True, False, True, False, True, False]
    assert "date_order" not in set(survey.check().findings["rule"])
    assert days(pd.Series(["2021-03-31T08:30:00", code]), (code,)).astype(str).tolist() == ["2021-03-31", "NaT"]


FAULTS = [
    ("date_order", "began", {"began": (2, "2021-01-03")},
     "row 2, respondent 2: began is 2021-01-03, before entered, which is 2021-01-04. Correct one of the dates."),
    ("date_order", "finished", {"finished": (1, "2021-01-10")},
     "row 1, respondent 1: finished is 2021-01-10, before began, which is 2021-01-11."),
    ("date_order", "left", {"left": (1, "2021-06-29")},
     "row 1, respondent 1: left is 2021-06-29, before finished, which is 2021-06-30."),
    ("date_order", "left", {"left": (4, "2021-05-02")},  # nothing in between
     "row 4, respondent 4: left is 2021-05-02, before entered, which is 2021-05-03."),
    ("date_order", "followed", {"followed": (1, "2021-06-01")},
     "row 1, respondent 1: followed is 2021-06-01, before finished, which is 2021-06-30."),
    ("outcome_before_entry", "hired", {"hired": (1, "2021-01-03")},
     "row 1, respondent 1: hired is 2021-01-03, before entered, which is 2021-01-04. What was there before"),
    ("outcome_not_chosen", "hired", {"hired": (2, "2021-04-01")},
     "row 2, respondent 2: hired is 2021-04-01, but result/job is 0. Enter the outcome, or remove its date."),
    ("outcome_not_chosen", "hired", {"hired": (3, "2021-08-01")},
     "row 3, respondent 3: hired is 2021-08-01, but result/job is blank."),
    ("not_exited", "finished", {"finished": (4, "2021-09-01")},
     "row 4, respondent 4: finished is 2021-09-01, but the exit date left is blank. Enter it, or remove"),
    ("not_exited", "result", {"result__job": (4, 1), "result__course": (4, 1), "result__none": (4, 0)},
     "row 4, respondent 4: result/job, result/course is 1, but the exit date left is blank."),
    ("person_duplicate", "who", {"who": (5, "b")},
     "row 2, respondent 2, and the responses, row 5, respondent 5: who is 'b' in both. Keep one row for each parti"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "variable", "changed", "said"), FAULTS)
def test_each_contradiction_is_an_error_and_a_finding(
    rule: str, variable: str, changed: dict[str, Any], said: str
) -> None:
    survey = register(**changed)
    with pytest.raises(ValueError, match=re.escape(said)):
        participants(survey)
    found = survey.check().findings
    assert set(found["rule"]) == {rule}
    assert set(found["variable"]) == {variable}
    messages = set()
    for language in LANGUAGES:
        translated = replace(survey, language=language).check()
        messages.add(translated.findings["message"].iloc[0])
        assert all(variable in message for message in translated.findings["message"])
    assert len(messages) == 3


def test_two_faults_in_one_row_are_two_findings() -> None:
    survey = register(began=(1, "2021-01-01"), hired=(1, "2021-01-02"), who=(2, "a"))
    found = survey.check().findings.reset_index()
    assert set(found[["row", "rule"]].itertuples(index=False, name=None)) == {
        (1, "date_order"), (1, "outcome_before_entry"), (1, "person_duplicate"), (2, "person_duplicate"),
    }  # fmt: skip


def test_an_id_twice() -> None:
    survey = register()
    about = survey.about.model_copy(update={"respondent_id": "treated"})
    with pytest.raises(ValueError, match="row 1, respondent yes, and the responses, row 2, respondent yes: treated"):
        participants(replace(survey, about=about))


def test_nobody_is_twice_the_same_unknown_person() -> None:
    survey = _with_missing(register(who=(5, "b")), "who", "b")
    assert participants(survey).enrolled.all()
    blank = register(who=(5, None))
    blank = replace(blank, responses=blank.responses.assign(who=blank.responses["who"].mask(blank.responses.index < 2)))
    assert participants(blank).enrolled.all()


def test_one_date_of_two_outcomes() -> None:
    survey = register(DECLARED.model_copy(update={"outcome_dates": {"job": "hired", "course": "hired"}}))
    assert participants(survey).success("work")[0].sum() == 2
    survey = register(survey.about.programme, result__job=(1, 0), result__course=(1, 1))
    assert survey.check().ok
    bad = register(survey.about.programme, hired=(2, "2021-04-01"))
    with pytest.raises(ValueError, match="hired is 2021-04-01, but result/job is 0, result/course is 0"):
        participants(bad)


def test_none_may_be_noted_before_somebody_leaves() -> None:
    survey = register(result__job=(4, 0), result__course=(4, 0), result__none=(4, 1))
    assert survey.check().findings["rule"].tolist() == ["not_exited"]  # any choice, but "none of these"
    result = survey.questionnaire["result"]
    choices = tuple(replace(choice, exclusive=choice.name == "none") for choice in result.choices)
    questions = (replace(q, choices=choices) if q is result else q for q in survey.questionnaire)
    survey = replace(survey, questionnaire=Questionnaire(tuple(questions)))
    assert survey.check().ok
    assert not participants(survey).known[3]


def test_the_rules_are_few_checks_of_the_schema() -> None:
    survey = register()
    rules = list(programme_rules(survey.questionnaire, DECLARED))
    assert len({rule.key for rule in rules}) == len(rules) == 9
    schema = ml.schema(survey.questionnaire, survey.about)
    names = [check.name for check in schema.checks]
    assert {rule.key for rule in rules if rule.variable != "who"} <= set(names)
    assert len(names) == len(set(names))
    assert [check.name for check in schema.columns["who"].checks][-1] == "person_duplicate:who"
    with pytest.raises(pa.errors.SchemaErrors, match="date_order:began"):
        schema.validate(register(began=(2, "2021-01-03")).responses, lazy=True)
    assert all(not rule.mask(survey.responses.drop(columns=["entered", "left", "who"])).any() for rule in rules)


def _declared(**update: Any) -> ml.Survey:
    return register(DECLARED.model_copy(update=update))


def _weighted() -> ml.Survey:
    survey = register()
    design = survey.design.model_copy(update={"weight": "w"})
    return replace(survey, about=survey.about.model_copy(update={"design": design}))


def _as_text(name: str, row: int, value: str) -> ml.Survey:
    survey = register()
    texts = survey.responses[name].dt.strftime("%Y-%m-%d").astype(object)
    texts.iloc[row - 1] = value
    return replace(survey, responses=survey.responses.assign(**{name: texts}))


@pytest.mark.parametrize(
    ("survey", "said"),
    [
        (lambda: register(None), "survey.yml declares no programme. Write `programme:` into it with `entry`"),
        (_weighted, "the design declares weight='w': this is a sample, and a register counts its participants, each"),
        (_weighted, "Remove the design if the file is a register; shares of a sample are prevalence()'s."),
        (lambda: _declared(entry="enterd"), "programme.entry: there is no question 'enterd'; did you mean 'entered'?"),
        (lambda: _declared(exit="who"), "programme.exit: 'who' is a select_one question; name one of type date."),
        (lambda: _declared(outcome="why"), "programme.outcome: 'why' is a select_one question; name one of"),
        (lambda: _declared(outcome_dates={"jobb": "hired"}), "'result' has no choice 'jobb'; did you mean 'job'?"),
        (lambda: _declared(outcome_dates={"job": "why"}), "programme.outcome_dates.job: 'why' is a select_one"),
        (lambda: _declared(drop_out="left"), "programme.drop_out: 'left' is a date question; name one of type select"),
        (lambda: _declared(person="whom"), "programme.person: there is no question 'whom'; did you mean 'who'?"),
        (lambda: _declared(comparison="${treated} = 'x'"), "'x' is no choice of 'treated'"),
        (lambda: _as_text("left", 2, "soon"), "row 2, respondent 2: left is 'soon', which is no date. Write it as"),
        (lambda: _as_text("left", 2, "31.03.2021"), "left is '31.03.2021', which is no date."),
        (lambda: replace(register(), responses=register().responses.drop(columns="left")),
         "the column 'left', which is programme.exit, is missing. Add it to the responses."),
    ],
)  # fmt: skip
def test_errors_name_the_value_and_the_remedy(survey: Any, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        participants(survey())


@pytest.mark.parametrize(
    ("definitions", "name", "said"),
    [
        (DECLARED.definitions, "wrk", "there is no definition 'wrk'; did you mean 'work'? Known: work, any."),
        ({}, "work", "there is no definition 'work'. Known: none. Name one of them, or add it to"),
        ({"w": Definition(choices=("jop",))}, "w", "programme.definitions.w: 'result' has no choice 'jop'; did you"),
    ],
)  # fmt: skip
def test_a_definition_is_one_of_those_declared(definitions: Any, name: str, said: str) -> None:
    found = participants(_declared(definitions=definitions))
    with pytest.raises(ValueError, match=re.escape(said)):
        found.success(name)
