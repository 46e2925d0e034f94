"""Interviews that are the same, or almost: against brute force, planted copies, and clean surveys without alarm."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import motivlab as ml
from motivlab import rules_duplicates as duplicates
from motivlab.about import About, Fieldwork
from motivlab.language import LANGUAGES
from motivlab.questionnaire import Choice, Question, Questionnaire
from motivlab.rules import Rule

ABOUT = About(title="t", synthetic=True, respondent_id="id", fieldwork=Fieldwork(start="?", end="?"))


def survey(n: int, count: int, seed: int, levels: int = 5, missing: float = 0.02) -> tuple[Questionnaire, pd.DataFrame]:
    """Random answers, independent of each other: select_one, a set now and then, an age."""
    random = np.random.default_rng(seed)
    columns: dict[str, object] = {"id": [f"R{i}" for i in range(n)]}
    questions = []
    for i in range(count):
        name = f"q{i}"
        if i % 10 == 9:
            choices = tuple(Choice(code) for code in "abcd")
            questions.append(Question(name, "select_multiple", choices=choices))
            columns |= {f"{name}/{code}": pd.array(random.integers(0, 2, n), dtype="Int8") for code in "abcd"}
        elif i % 10 == 4:
            questions.append(Question(name, "integer"))
            columns[name] = pd.array(random.integers(18, 80, n), dtype="Int8")
        else:
            share = np.append(random.dirichlet(np.full(levels, 3.0)) * (1 - missing), missing)
            choices = (*(Choice(str(code)) for code in range(levels)), Choice("dk", missing="dont_know"))
            questions.append(Question(name, "select_one", choices=choices))
            columns[name] = pd.Categorical.from_codes(
                random.choice(levels + 1, n, p=share), [choice.name for choice in choices]
            )
    return Questionnaire(tuple(questions)), pd.DataFrame(columns)


def both(form: Questionnaire, frame: pd.DataFrame, about: About = ABOUT) -> dict[str, Rule]:
    return {rule.id: rule for rule in duplicates.rules(form, about, list(frame)) if isinstance(rule, Rule)}


def broken(form: Questionnaire, frame: pd.DataFrame) -> dict[str, list[int]]:
    return {key: np.flatnonzero(rule.mask(frame)).tolist() for key, rule in both(form, frame).items()}


def brute_force(found: duplicates.Answers, threshold: float) -> set[tuple[int, int]]:
    """The definition, pair by pair, and the same interviews by the first of them."""
    codes = [tuple(row) for row in np.stack([np.asarray(c, dtype=int) for c in found.codes], axis=1).tolist()]
    first = sorted({row: i for i, row in reversed(list(enumerate(codes)))}.values())
    out = set()
    n = len(codes)
    for i, j in combinations(first, 2):
        asked = [q for q in range(len(found.codes)) if codes[i][q] or codes[j][q]]
        equal = [q for q in asked if codes[i][q] == codes[j][q]]
        bits = sum(
            math.log2(sum(1 for row in codes if row[q]) / sum(1 for row in codes if row[q] == codes[i][q]))
            for q in equal
        )
        limit = math.log2(n * (n - 1) / 2) + math.log2(math.comb(len(asked), len(equal))) + 7
        if len(equal) < len(asked) and len(equal) >= threshold * len(asked) - 1e-9 and bits / found.inflation >= limit:
            out.add((i, j))
    return out


@given(
    seed=st.integers(0, 10_000), count=st.integers(10, 40), threshold=st.sampled_from([0.7, 0.8, 0.9, 0.95]),
    copies=st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39), st.integers(0, 4)), max_size=6),
    search=st.sampled_from([0, 2_000]),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_both_searches_find_what_brute_force_finds(
    seed: int, count: int, threshold: float, copies: list[tuple[int, int, int]], search: int
) -> None:
    form, frame = survey(40, count, seed)
    random = np.random.default_rng(seed)
    for one, other, changed in copies:
        frame.iloc[other, 1:] = frame.iloc[one, 1:]
        for name in random.choice([q.name for q in form if q.type == "select_one"], changed):
            frame.loc[other, name] = random.choice(list("01234"))
    found = duplicates.answers(frame, list(form))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "ALL_PAIRS", search)
        pairs = duplicates.almost(found, threshold)
    assert set(zip(pairs["left"], pairs["right"], strict=True)) == brute_force(found, threshold)


@given(
    n=st.sampled_from([30, 300, 3_000]), count=st.sampled_from([20, 40, 60]), seed=st.integers(0, 10_000),
    levels=st.integers(3, 7), share=st.floats(0, 0.04),
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_planted_copies_are_found_and_nothing_else(n: int, count: int, seed: int, levels: int, share: float) -> None:
    form, frame = survey(n, count, seed, levels, missing=share)
    assert broken(form, frame) == {"duplicate_interview": [], "near_duplicate": []}
    frame.iloc[n - 1, 1:] = frame.iloc[0, 1:]
    changed = count // 20  # 95 % stay equal
    frame.iloc[n - 2, 1:] = frame.iloc[1, 1:]
    for name in [question.name for question in form if question.type == "integer"][:changed]:
        frame.loc[n - 2, name] = 99
    found = broken(form, frame)
    # a copy with a "do not know" more or less has fewer answers to be equal in
    assert found["duplicate_interview"] == [0, n - 1]
    few = sum(q.type == "select_one" and frame.loc[1, q.name] == "dk" for q in form)
    assert found["near_duplicate"] == ([1, n - 2] if (count - few - changed) >= 0.95 * (count - few) else [])


def test_three_answers_changed_of_sixty_in_ten_thousand() -> None:
    form, frame = survey(10_000, 60, 3, missing=0)
    frame.iloc[9_000, 1:] = frame.iloc[17, 1:]
    for name in ("q4", "q14", "q24"):
        frame.loc[9_000, name] = 99
    rule = both(form, frame)["near_duplicate"]
    assert np.flatnonzero(rule.mask(frame)).tolist() == [17, 9_000]
    assert rule.told is not None
    one, other = rule.told(frame, np.array([17, 9_000]))
    assert not isinstance(one, str)
    assert not isinstance(other, str)
    assert [one(language) for language in LANGUAGES] == [
        "R9000 (95,0%: 57 no 60)", "R9000 (95.0%: 57 of 60)", "R9000 (95,0\N{NO-BREAK SPACE}%: 57 из 60)",
    ]  # fmt: skip
    assert other("en") == "R17 (95.0%: 57 of 60)"


def test_a_short_questionnaire_has_equal_interviews_by_chance() -> None:
    random = np.random.default_rng(0)
    yes_no = (Choice("yes"), Choice("no"))
    form = Questionnaire(tuple(Question(f"q{i}", "select_one", choices=yes_no) for i in range(15)))
    frame = pd.DataFrame({f"q{i}": random.choice(["yes", "no"], 1_000) for i in range(15)})
    frame.insert(0, "id", range(1_000))
    assert frame.duplicated(list(frame)[1:]).any()
    assert broken(form, frame) == {"duplicate_interview": [], "near_duplicate": []}


def test_questions_that_say_the_same_tell_no_more() -> None:
    random = np.random.default_rng(1)
    frame = pd.DataFrame({f"q{i}": random.integers(0, 4, 1_000) for i in range(8)})
    for i in range(8, 40):
        frame[f"q{i}"] = frame[f"q{i % 8}"]
    frame.insert(0, "id", range(1_000))
    form = Questionnaire(tuple(Question(f"q{i}", "integer") for i in range(40)))
    found = duplicates.answers(frame, list(form))
    assert found.inflation == pytest.approx(5, rel=0.05)
    # 80 bits on the face of it, 16 in truth: of half a million pairs seven or eight are equal
    assert frame.duplicated(list(frame)[1:]).any()
    assert broken(form, frame) == {"duplicate_interview": [], "near_duplicate": []}


@pytest.mark.parametrize("name", ["discrimination_survey", "programme_participants"])
def test_the_shipped_surveys_raise_no_alarm(name: str) -> None:
    opened = ml.open_survey(f"data/{name}")
    rules = both(opened.questionnaire, opened.responses, opened.about)
    assert [int(rule.mask(opened.responses).sum()) for rule in rules.values()] == [0, 0]


def test_where_too_many_share_a_part_only_neighbours_are_compared() -> None:
    # all say the same to 40 questions of 60, and 12 may differ: some 1,000 share each part of the questions
    form, frame = survey(20_000, 60, 5, missing=0)
    for question in list(form)[:40]:
        for column in question.columns:
            frame[column] = frame[column].iloc[0]
    for row, copy in ((7, 8), (11, 19_000)):
        frame.iloc[copy, 1:] = frame.iloc[row, 1:]
        frame.loc[copy, "q54"] = 99
    found = duplicates.answers(frame, list(form))
    for threshold, sure in ((0.95, {(7, 8), (11, 19_000)}), (0.8, {(7, 8)})):
        pairs = duplicates.almost(found, threshold)
        # of two that stand far from each other in the file it is not promised
        assert sure <= set(zip(pairs["left"], pairs["right"], strict=True)) <= {(7, 8), (11, 19_000)}


def test_a_group_of_the_same_is_named_briefly() -> None:
    form, frame = survey(50, 30, 2, missing=0)
    for row in range(1, 6):
        frame.iloc[row, 1:] = frame.iloc[0, 1:]
    rule = both(form, frame)["duplicate_interview"]
    assert np.flatnonzero(rule.mask(frame)).tolist() == [0, 1, 2, 3, 4, 5]
    assert rule.told is not None
    told = rule.told(frame, np.array([0, 5]))
    assert [text if isinstance(text, str) else text("en") for text in told] == [
        "R1, R2, R3 and 2 more", "R0, R1, R2 and 2 more",
    ]  # fmt: skip
    assert broken(form, frame)["near_duplicate"] == []


def test_refusals_and_blanks_are_no_equal_answers() -> None:
    form, frame = survey(200, 30, 4, missing=0)
    for question in form:
        if question.type == "select_one":
            frame.loc[[3, 9], question.name] = "dk"
        elif question.type == "integer":
            frame.loc[[3, 9], question.name] = pd.NA
        else:
            frame.loc[[3, 9], list(question.columns)] = pd.NA
    assert broken(form, frame) == {"duplicate_interview": [], "near_duplicate": []}


def test_nothing_is_found_where_there_is_nothing() -> None:
    form, frame = survey(5, 20, 0)
    for part in (frame.iloc[:0], frame.iloc[:1], frame[["id"]], frame.iloc[:, [0, 1]]):
        assert [int(rule.mask(part).sum()) for rule in both(form, frame).values()] == [0, 0]
    off = ABOUT.model_copy(update={"checks": type(ABOUT.checks)(rules={"near_duplicate": "off"})})
    assert list(both(form, frame, off)) == ["duplicate_interview"]
    assert both(form, frame.drop(columns="id")) == {}
