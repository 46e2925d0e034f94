"""The check on random surveys: none of it clean gives an alarm, what is put in is found, and nothing but that."""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import fuzz
import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from fuzz import NUMBERS, Finding, Made, conditions, expected
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import motivlab as ml
from motivlab.about import About
from motivlab.checking import CheckReport
from motivlab.findings import SAID_BY
from motivlab.language import LANGUAGES
from motivlab.questionnaire import Choice, Question, Questionnaire, Repeat
from motivlab.typed import typed

few = settings(max_examples=8, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
once = settings(few, max_examples=2)
seeds = st.integers(0, 100_000)
Faulty = Callable[[Made, random.Random], set[Finding]]


@lru_cache(maxsize=64)
def made_once(seed: int, size: int = 72) -> Made:
    return fuzz.make(seed, size, full=True)


def findings(report: CheckReport) -> list[Finding]:
    """What is more than a note, and the blanks of what a form does not require."""
    shown = report.findings
    shown = shown[(shown["severity"] != "note") | (shown["rule"] == "asked_not_answered")]
    return sorted(shown[["respondent", "variable", "rule"]].itertuples(index=False, name=None))


# ------------------------------------------------------------------------------------------------------- no false alarm


@given(seed=seeds, language=st.sampled_from(LANGUAGES))
@few
def test_a_clean_survey_gives_no_alarm(seed: int, language: str) -> None:
    made = fuzz.make(seed)
    assert expected(made) == set()
    report = made.survey(language).check()
    assert findings(report) == []
    assert report.ok
    assert report.left_out == ()


@given(seed=seeds)
@settings(few, max_examples=4)
def test_the_members_of_a_repeat_give_no_alarm(seed: int) -> None:
    made = fuzz.make(seed, repeats=True)
    report = made.survey().check()
    assert (findings(report), report.left_out, expected(made)) == ([], (), set())


# --------------------------------------------------------------------------------------- cells that somebody typed over

TYPED_OVER = {
    "select_one": ("zzz", "c0", "c1", "", "dk", "5"), "select_multiple": ("0", "1", "", "2", "x", "-8", "-7"),
    "integer": ("12", "abc", "", "-5", "3.5", "200", "-8", "-9", "-7", "0"), "decimal": ("1.5", "abc", "", "0"),
    "range": ("11", "-1", "", "5", "x", "2.5"), "date": ("2021-02-30", "", "2021-03-03", "soon", "2021-12-24", "2022"),
    "text": ("", "bread", "xxx 9"), "time": ("", "25:99", "10:10"), "calculate": ("", "7", "low", "NaN"),
    "start": ("soon", "", "2021-10-05T10:00:00Z"), "end": ("soon", "", "2021-10-05T10:00:00Z"),
    "today": ("soon", "", "2021-11-30", "2021-09-01", "2021-10-07"),
}  # fmt: skip


def typed_over(made: Made, rng: random.Random, cells: int) -> Made:
    """The survey with some cells that hold anything."""
    out = made.copy()
    forms = {"": made.form, **{repeat.name: repeat.form for repeat in made.form.repeats}}
    for _ in range(cells):
        table = rng.choice(["", *(name for name, frame in made.members.items() if len(frame))])
        frame = out.members[table] if table else out.frame
        question = rng.choice([q for q in forms[table] if q.type != "note"])
        column = rng.choice([c for c in (*question.columns, *question.optional_columns) if c in frame])
        frame.loc[rng.randrange(len(frame)), column] = rng.choice(TYPED_OVER[question.type])
    return out


@given(seed=seeds, cells=st.integers(1, 12))
@few
def test_whatever_is_typed_over_is_found_as_the_form_says(seed: int, cells: int) -> None:
    bad = typed_over(fuzz.make(seed), random.Random(seed), cells)
    assert findings(bad.survey().check()) == sorted(expected(bad))


# ----------------------------------------------------------------------------------------------- one fault of each kind


def questions(made: Made, kinds: tuple[str, ...], where: Callable[[Question], Any] = bool) -> list[Question]:
    return [q for q in made.form if q.type in kinds and where(q)]


def cell(made: Made, rng: random.Random, found: list[Question], filled: bool = True) -> tuple[Question, int, str]:
    """A question of these and a respondent who answered it, or did not."""
    rng.shuffle(found)
    for question in found:
        codes = ("", *question.missing_codes)
        given = ~made.frame[list(question.columns)].isin(codes).all(axis=1) == filled
        if given.any():
            row = rng.choice(np.flatnonzero(given).tolist())
            return question, row, str(made.frame["id"][row])
    pytest.fail("the form has no such question: take another seed")


def unknown_code(made: Made, rng: random.Random) -> set[Finding]:
    q, row, who = cell(made, rng, questions(made, ("select_one",)))
    made.frame.loc[row, q.name] = "zzz"
    return {(who, q.name, "unknown_code")}


def unknown_code_of_a_set(made: Made, rng: random.Random) -> set[Finding]:
    q, row, who = cell(made, rng, questions(made, ("select_multiple",)))
    made.frame.loc[row, q.columns[0]] = "2"
    return {(who, q.columns[0], "unknown_code")}


def wrong_type(made: Made, rng: random.Random) -> set[Finding]:
    q, row, who = cell(made, rng, questions(made, (*NUMBERS, "date", "time")))
    made.frame.loc[row, q.name] = "2021-02-30"
    return {(who, q.name, "wrong_type")}


def out_of_range(made: Made, rng: random.Random) -> set[Finding]:
    q, row, who = cell(made, rng, questions(made, ("range",)))
    made.frame.loc[row, q.name] = "11"
    return {(who, q.name, "out_of_range")}


def answered_not_asked(made: Made, rng: random.Random) -> set[Finding]:
    texts = {text for text, _, _ in made.pairs}
    q, row, who = cell(
        made,
        rng,
        questions(made, ("integer", "text", "select_one"), lambda q: conditions(q) and q.name not in texts),
        False,
    )
    made.frame.loc[row, q.name] = {
        "integer": "30",
        "text": "bread",
        "select_one": q.choices[0].name if q.choices else "",
    }[q.type]
    asked = (who, q.name, "answered_not_asked") in expected(made)  # a missing reason is no answer, but was asked
    return {(who, q.name, "answered_not_asked")} if asked else set()


def asked_not_answered(made: Made, rng: random.Random) -> set[Finding]:
    texts = {text for text, _, _ in made.pairs}
    q, row, who = cell(
        made,
        rng,
        questions(
            made, ("integer", "text", "select_one", "select_multiple"), lambda q: conditions(q) and q.name not in texts
        ),
    )
    made.frame.loc[row, [c for c in (*q.columns, *q.optional_columns) if c in made.frame]] = ""
    return {(who, q.name, "asked_not_answered")}


def exclusive(made: Made, rng: random.Random) -> set[Finding]:
    q, row, who = cell(made, rng, questions(made, ("select_multiple",), lambda q: any(c.exclusive for c in q.choices)))
    made.frame.loc[row, [q.columns[0], f"{q.name}/none"]] = "1"
    return {(who, q.name, "exclusive")}


def not_offered(made: Made, rng: random.Random) -> set[Finding]:
    q, row, who = cell(made, rng, questions(made, ("select_one",), lambda q: q.choice_filter))
    zone = made.frame.loc[row, q.name.removesuffix("_of")]
    clean = made.frame.copy()
    for choice in q.choices:
        made.frame = clean.copy()
        made.frame.loc[row, q.name] = choice.name
        if (who, q.name, "not_offered") in expected(made):
            return {(who, q.name, "not_offered")}
    pytest.fail(f"all is offered in {zone}: take another seed")


def calculation(made: Made, rng: random.Random) -> set[Finding]:
    found = questions(made, ("calculate",), lambda q: (made.frame[q.name] != "").any())
    if not found:
        pytest.fail("the form calculates nothing: take another seed")
    q = rng.choice(found)
    row = rng.choice(np.flatnonzero(made.frame[q.name] != "").tolist())
    made.frame.loc[row, q.name] = "7777"
    return {(made.frame["id"][row], q.name, "calculation")}


def other_without_text(made: Made, rng: random.Random) -> set[Finding]:
    text, row, who = cell(made, rng, [made.form[text] for text, _, _ in made.pairs if text in made.form])
    made.frame.loc[row, text.name] = ""
    return {(who, text.name, "other_without_text")}


def text_without_other(made: Made, rng: random.Random) -> set[Finding]:
    text, row, who = cell(made, rng, [made.form[text] for text, _, _ in made.pairs if text in made.form], False)
    made.frame.loc[row, text.name] = "bread"
    return {(who, text.name, "text_without_other")}


def id_duplicate(made: Made, rng: random.Random) -> set[Finding]:
    made.frame.loc[7, "id"] = made.frame["id"][3]
    return {("R004", "id", "id_duplicate")}


def id_missing(made: Made, rng: random.Random) -> set[Finding]:
    made.frame.loc[7, "id"] = ""
    return {("", "id", "id_missing")}


NOT_COPIED = ("id", "start", "end", "today", "interviewer", "w", "h")


def duplicate_interview(made: Made, rng: random.Random) -> set[Finding]:
    columns = [column for column in made.frame if column not in NOT_COPIED]
    made.frame.loc[7, columns] = made.frame.loc[3, columns]
    return {("R004", "id", "duplicate_interview"), ("R008", "id", "duplicate_interview")}


def near_duplicate(made: Made, rng: random.Random) -> set[Finding]:
    duplicate_interview(made, rng)
    item = next(name for name in made.frame if name.endswith("_4"))
    made.frame.loc[7, item] = "s1" if made.frame[item][3] != "s1" else "s2"
    return {("R004", "id", "near_duplicate"), ("R008", "id", "near_duplicate")}


def outside_fieldwork(made: Made, rng: random.Random) -> set[Finding]:
    made.frame.loc[7, "today"] = rng.choice(["2021-10-03", "2021-10-30"])
    return {("R008", "today", "outside_fieldwork")}


def end_before_start(made: Made, rng: random.Random) -> set[Finding]:
    made.frame.loc[7, ["start", "end"]] = made.frame.loc[7, ["end", "start"]].tolist()
    return {("R008", "end", "end_before_start")}


def too_short(made: Made, rng: random.Random) -> set[Finding]:
    start = made.frame["start"][7]
    later = dt.datetime.fromisoformat(start) + dt.timedelta(seconds=150)
    made.frame.loc[7, "end"] = later.isoformat()
    return {("R008", "end", "too_short")}


def straight_lining(made: Made, rng: random.Random) -> set[Finding]:
    items = [q.name for q in made.form if q.choices and q.choices[0].name == "s1"]
    made.frame.loc[7, items] = "s2"
    return {("R008", items[0], "straight_lining")}


def age_impossible(made: Made, rng: random.Random) -> set[Finding]:
    made.frame.loc[7, "age"] = rng.choice(["-1", "111", "999"])
    return {("R008", "age", "age_impossible")}


def age_disagrees(made: Made, rng: random.Random) -> set[Finding]:
    made.frame.loc[7, "age"] = str(int(made.frame["age"][7]) + rng.choice([-5, 5]))
    return {("R008", "age", "age_disagrees")}


def no_answer_question(made: Made, rng: random.Random) -> set[Finding]:
    item = next(name for name in made.frame if name.endswith("_4"))
    made.frame.loc[range(30), item] = "dk"
    return {("", item, "no_answer_question")}


def interviewer_effect(made: Made, rng: random.Random) -> set[Finding]:
    item = next(name for name in made.frame if name.endswith("_4"))
    made.frame.loc[made.frame["interviewer"] == "I1", item] = "s1"
    return {("", item, "interviewer_effect")}


def weight(made: Made, rng: random.Random) -> set[Finding]:
    made.frame.loc[7, "w"] = rng.choice(["0", "-1", "", "heavy", "inf"])
    return {("R008", "w", "weight")}


def weight_extreme(made: Made, rng: random.Random) -> set[Finding]:
    made.frame.loc[7, "w"] = "9"
    return {("R008", "w", "weight_extreme")}


def design(made: Made, rng: random.Random) -> set[Finding]:
    made.frame.loc[7, "h"] = ""
    return {("R008", "h", "design")}


def personal_code(digits: str) -> str:
    """A Latvian personal code of the old form: eleven digits, of which the last checks the others."""
    told = 1 + sum(a * int(b) for a, b in zip((10, 5, 8, 4, 2, 1, 6, 3, 7, 9), digits, strict=True))
    return f"{digits[:6]}-{digits[6:]}{told % 11 % 10}"


IDENTIFIERS = (
    personal_code("1203851123"), "320012-34567", "anna.b@example.com", "+371 29 123 456", "write to a@b.lv soon",
    "call 29123456 at 9", "LV80BANK0000435195001",
)  # fmt: skip


def identifier(made: Made, rng: random.Random) -> set[Finding]:
    text = made.form[
        next(q.name for q in questions(made, ("text",)) if (made.frame[q.name] != "").sum() >= len(IDENTIFIERS))
    ]
    rows = np.flatnonzero(made.frame[text.name] != "")[: len(IDENTIFIERS)]
    made.frame.loc[rows, text.name] = IDENTIFIERS
    return {(who, text.name, "identifier") for who in made.frame["id"][rows]}


FAULTS: dict[str, Faulty] = {
    made.__name__: made
    for made in (
        unknown_code, unknown_code_of_a_set, wrong_type, out_of_range, answered_not_asked, asked_not_answered,
        exclusive, not_offered, calculation, other_without_text, text_without_other, id_duplicate, id_missing,
        duplicate_interview, near_duplicate, outside_fieldwork, end_before_start, too_short, straight_lining,
        age_impossible, age_disagrees, no_answer_question, interviewer_effect, weight, weight_extreme, design,
        identifier,
    )
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
@given(seed=st.sampled_from([2, 3]))
@once
def test_a_fault_of_each_kind_is_found_and_what_follows_from_it(fault: str, seed: int) -> None:
    clean = made_once(seed)
    bad = clean.copy()
    put = FAULTS[fault](bad, random.Random(f"{fault} {seed}"))
    assert put
    found = findings(bad.survey().check())
    assert set(found) == put | expected(bad)
    assert len(found) == len(set(found)) + found.count(("R004", "id", "id_duplicate")) // 2


# -------------------------------------------------------------------------------------------- what fuzzing found, small


def small(*questions: Question, repeats: tuple[Repeat, ...] = (), **columns: list[str]) -> list[Finding]:
    """The findings of a form of a few questions; the columns of the repeat ``hh`` are named ``hh:column``."""
    about = {"title": "t", "synthetic": True, "respondent_id": "id", "fieldwork": {"start": "?", "end": "?"}}
    own = {name.replace("__", "/"): values for name, values in columns.items() if not name.startswith("hh_")}
    frame = pd.DataFrame({"id": [f"R{i + 1}" for i in range(len(next(iter(own.values()))))], **own}, dtype=object)
    theirs = {name.removeprefix("hh_"): values for name, values in columns.items() if name.startswith("hh_")}
    members = {"hh": pd.DataFrame(theirs, dtype=object)} if repeats else {}
    return findings(Made(Questionnaire(questions, repeats=repeats), about, frame, members).survey().check())


A, B = Question("a", "integer"), Question("b", "integer")
SET = Question("m", "select_multiple", choices=(
    Choice("x"), Choice("y"), Choice("ref", missing="refused"), Choice("-8", missing="dont_know"),
))  # fmt: skip


def test_a_calculation_that_gives_no_number_is_as_a_device_writes_it() -> None:
    more = Question("c", "calculate", extra={"calculation": "${a} + 1"})
    ratio = Question("d", "calculate", extra={"calculation": "${a} div 0"})
    assert small(A, more, ratio, a=["", "1", "-1"], c=["NaN", "2", "0"], d=["NaN", "Infinity", "-Infinity"]) == []


def test_one_bad_cell_changes_nothing_for_the_others() -> None:
    bare = small(A, replace(B, relevant="${a}"), a=["0", "1", "abc"], b=["", "2", "3"])
    assert [finding for finding in bare if finding[0] != "R3"] == []
    equal = replace(B, name="c", relevant="${a} = ${b}")
    found = small(replace(A, type="decimal"), B, equal, a=["2.0", "1", "abc"], b=["2", "1", "4"], c=["1", "1", ""])
    assert found == [("R3", "a", "wrong_type")]


def test_the_column_of_a_missing_reason_holds_0_or_1() -> None:
    found = small(SET, m__x=["1", "0"], m__y=["0", "0"], m__ref=["7", "1"])
    assert found == [("R1", "m/ref", "unknown_code")]


def test_a_missing_code_beside_an_answer_is_no_answer() -> None:
    assert ("R1", "m", "exclusive") in small(SET, m__x=["1", "-8"], m__y=["-8", "-8"])


def test_members_of_whom_nobody_was_asked_are_found() -> None:
    inner = Questionnaire((Question("m1", "integer"),))
    household = Repeat("hh", inner, relevant="${a} = 1")
    found = small(
        A, repeats=(household,), a=["0", "1"], hh_hh_id=["R1/1", "R2/1"], hh_id=["R1", "R2"], hh_m1=["3", "4"]
    )
    assert [(who, rule) for who, _, rule in found] == [("R1/1", "answered_not_asked")]


# ------------------------------------------------------------------------------------------------------------ structure


@given(seed=st.sampled_from([2, 3]), place=st.integers(0, 10_000))
@settings(few, max_examples=6)
def test_a_column_that_is_absent_is_one_finding(seed: int, place: int) -> None:
    made = made_once(seed).copy()
    columns = [column for q in made.form for column in q.columns] + ["w", "h"]
    gone = columns[place % len(columns)]
    made.frame = made.frame.drop(columns=gone).assign(zzz="bread")
    found = findings(made.survey().check())
    assert found == sorted([("", gone, "column_missing"), ("", "zzz", "column_unknown")])


def test_a_member_without_a_respondent_is_an_orphan() -> None:
    made = made_once(2).copy()
    me = made.members["hh"]["hh_id"][5]
    made.members["hh"].loc[5, "id"] = "R999"
    found = findings(made.survey().check())
    assert (me, "hh/id", "orphan") in found
    assert found == sorted(expected(made))


# --------------------------------------------------------------------------------------------- as a folder, as a schema


@given(seed=seeds, cells=st.sampled_from([0, 6]))
@settings(few, max_examples=4)
def test_a_folder_is_checked_as_what_was_written_to_it(
    seed: int, cells: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = typed_over(fuzz.make(seed, repeats=seed % 2 == 0), random.Random(seed), cells)
    folder = tmp_path_factory.mktemp("fuzz")
    made.write(folder)
    opened, here = ml.open_survey(folder, "ru").check(), made.survey("ru").check()
    pd.testing.assert_frame_equal(
        opened.findings,
        here.findings.set_axis(np.where(here.findings.index == 0, 0, here.findings.index + 1)).rename_axis("row"),
    )
    assert opened.left_out == here.left_out == ()


def broken_checks(survey: ml.Survey) -> set[str]:
    """The names of the checks of the schema that fail."""
    try:
        survey.schema().validate(survey.responses, lazy=True)
    except pa.errors.SchemaErrors as error:
        return set(error.failure_cases["check"].astype(str))
    return set()


@given(seed=seeds, cells=st.sampled_from([0, 2, 8]))
@settings(few, max_examples=5)
def test_the_schema_fails_where_the_check_finds_something(seed: int, cells: int) -> None:
    survey = typed_over(fuzz.make(seed, repeats=False), random.Random(seed), cells).survey()
    found = survey.check().findings
    reported = set((found["rule"] + ":" + found["variable"]).tolist())
    broken = broken_checks(survey)
    assert reported <= broken
    for check in broken - reported:  # what another rule says better
        rule, _, variable = check.partition(":")
        assert any(f"{better}:{variable}" in broken for better in SAID_BY.get(rule, ()))


# ------------------------------------------------------------------------------------------------------------- anything


def anything(rng: random.Random, n: int) -> pd.Series:
    """A column that holds what no survey should."""
    objects: list[list[Any]] = [
        [None], [10**30, -(10**400), 2**63, 5], [b"ab", b"\xff", "x", None, 3],
        [pd.Timestamp("2021-01-01"), pd.NaT, "soon", 1], [[1, 2], {"a": 1}, (1,), {1}], [np.array([1, 2])],
        [1 + 2j, 3], [dt.date(2021, 1, 1)], [dt.datetime(9999, 1, 1, tzinfo=dt.UTC), dt.date(1, 1, 1)],
        [pd.NA, None, pd.NaT, float("nan")], [object()], [True, False, None, 1, "1"],
        ["", " ", "\x00", "é\u202e", "1e999", "-9", "NaN", "Infinity", "9" * 400, "\uffff", "${age}", "=1+1"],
        [Path("x"), pd.Interval(0, 1), pd.Period("2021-01")],
    ]  # fmt: skip
    typed_columns: list[Callable[[], pd.Series]] = [
        lambda: pd.Series([np.nan] * n),
        lambda: pd.Series([2**63 - 1 - rng.randint(0, 3) for _ in range(n)], dtype="int64"),
        lambda: pd.Series([2**64 - 1] * n, dtype="uint64"),
        lambda: pd.Series([rng.choice([np.inf, -np.inf, np.nan, 1e308, -0.0]) for _ in range(n)], dtype=float),
        lambda: pd.Series(pd.to_datetime(["2021-10-05T10:00:00+03:00"] * n)),
        lambda: pd.Series(pd.to_datetime(["2021-10-05"] * n)),
        lambda: pd.Series(pd.to_timedelta([3] * n, unit="D")),
        lambda: pd.Series(pd.period_range("2021-01", periods=n, freq="M")),
        lambda: pd.Series([rng.choice(["c1", "zz", "1"]) for _ in range(n)], dtype="category"),
        lambda: pd.Series([rng.choice([1.5, 2.0]) for _ in range(n)], dtype="category"),
        lambda: pd.Series([rng.choice([True, None]) for _ in range(n)], dtype="boolean"),
        lambda: pd.Series([rng.choice([1.5, None]) for _ in range(n)], dtype="Float64"),
        lambda: pd.Series([rng.choice(["a", None, "1"]) for _ in range(n)], dtype="string[pyarrow]"),
        lambda: pd.Series([rng.choice([1, None]) for _ in range(n)], dtype="int64[pyarrow]"),
        lambda: pd.Series([rng.choice([0, 0, 5]) for _ in range(n)], dtype=int).astype(pd.SparseDtype(int)),
        lambda: pd.Series([1 + 2j] * n, dtype=complex),
    ]  # fmt: skip
    if rng.random() < 0.5:
        return rng.choice(typed_columns)()
    some = rng.choice(objects)
    return pd.Series([rng.choice(some) for _ in range(n)], dtype=object)


@given(
    seed=seeds, rows=st.sampled_from([0, 1, 2, 30]), share=st.sampled_from([0.05, 0.3, 1.0]), typed_first=st.booleans(),
    gone=st.sampled_from([0, 0, 5, 30]),
)  # fmt: skip
@settings(few, max_examples=25)
def test_a_frame_of_anything_is_checked_or_refused(
    seed: int, rows: int, share: float, typed_first: bool, gone: int
) -> None:
    rng = random.Random(seed)
    made = made_once(2)
    about, survey = About.model_validate(made.about), made.survey()

    def spoilt(frame: pd.DataFrame) -> pd.DataFrame:
        kept = [c for c in frame if c not in rng.sample(list(frame), min(gone, len(frame.columns) - 1))]
        given = {c: frame[c].iloc[:rows].reset_index(drop=True) for c in kept}
        return pd.DataFrame(
            {c: anything(rng, rows) if rng.random() < share else given[c] for c in kept}, index=range(rows)
        )

    began = time.process_time()
    try:
        frame, members = spoilt(survey.responses), {name: spoilt(table) for name, table in survey.repeats.items()}
        frame = typed(frame, made.form, about) if typed_first else frame
        report = ml.Survey(frame, made.form, about, rng.choice(LANGUAGES), repeats=members).check()
        repr(report)
    except ValueError:  # said what is wrong
        pass
    assert time.process_time() - began < 5
