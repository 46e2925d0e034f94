"""The rules of a field manager: day and length of interviews, ages, grids, no answers, interviewers."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f, f_oneway, mannwhitneyu
from statsmodels.stats.multitest import multipletests

import motivlab as ml
from motivlab import rules_duplicates, rules_interview, rules_interviewers
from motivlab.about import About, Fieldwork
from motivlab.kinds import KINDS, Checks, Paradata
from motivlab.language import LANGUAGES, known
from motivlab.programme import Scale
from motivlab.questionnaire import Choice, Group, Question, Questionnaire
from motivlab.rules import Detail, Found, Rule, remembering

MODULES = (rules_interview, rules_duplicates, rules_interviewers)
FIELDWORK = Fieldwork(start=dt.date(2021, 7, 1), end=dt.date(2021, 7, 31))
DONT_KNOW = Choice("dk", missing="dont_know")


def about(fieldwork: Fieldwork = FIELDWORK, **values: Any) -> About:
    return About(title="t", synthetic=True, respondent_id="id", fieldwork=fieldwork, **values)


def broken(form: Questionnaire, about: About, frame: pd.DataFrame) -> dict[str, list[int]]:
    """Rule and variable to the rows where it is broken, where it is."""
    frame = frame if "id" in frame else frame.assign(id=range(len(frame)))
    out = {}
    with remembering(frame):
        for module in MODULES:
            for rule in module.rules(form, about, list(frame)):
                if isinstance(rule, Rule):
                    positions = np.flatnonzero(rule.mask(frame))
                    if len(positions):
                        told = rule.told(frame, positions) if rule.told else [rule.detail] * len(positions)
                        assert len(told) == len(positions)
                        assert all(said(detail, language) for detail in told for language in LANGUAGES)
                        out[rule.key] = positions.tolist()
    return out


def overall(form: Questionnaire, about: About, frame: pd.DataFrame) -> list[tuple[str, Found]]:
    rules = rules_interviewers.rules(form, about, list(frame))
    return [(rule.id, found) for rule in rules if not isinstance(rule, Rule) for found in rule.found(frame)]


def said(detail: Detail, language: str) -> str:
    return detail if isinstance(detail, str) else detail(language)


# ------------------------------------------------------------------------------------------------------ day, length

TIMES = about(paradata=Paradata(start="start", end="end"))
NOTHING = Questionnaire((Question("text", "text"),))


def test_the_day_of_the_interview_is_the_one_that_was_written() -> None:
    # half past midnight in Riga is still the day before in UTC
    frame = pd.DataFrame({
        "start": ["2021-07-01T00:30:00+03:00", "2021-06-30T23:59:00+03:00", "2021-07-31 23:00", "2021-08-01", None],
        "end": ["2021-07-01T01:30:00+03:00", "2021-07-01T00:30:00+03:00", "2021-07-31 23:59", "2021-08-01", "soon"],
    })  # fmt: skip
    assert broken(NOTHING, TIMES, frame) == {"outside_fieldwork:start": [1, 3]}
    unknown = TIMES.model_copy(update={"fieldwork": Fieldwork(start="?", end="?")})
    assert broken(NOTHING, unknown, frame) == {}


@pytest.mark.parametrize("kind", ["text", "category", "zoned", "naive"])
def test_times_are_read_from_every_kind_of_column(kind: str) -> None:
    texts = {"start": ["2021-07-05T10:58:34.147+03:00", "2021-07-05T09:00:00.000+03:00"],
             "end": ["2021-07-05T11:36:41.138+03:00", "2021-07-05T08:59:59.000+03:00"]}  # fmt: skip
    frame = pd.DataFrame(texts)
    if kind == "category":
        frame = frame.astype("category")
    elif kind != "text":
        frame = frame.apply(pd.to_datetime)
        frame = frame if kind == "zoned" else frame.apply(lambda column: column.dt.tz_localize(None))
    assert rules_interview.lengths(frame, TIMES.paradata).tolist() == pytest.approx([2286.991, -1])
    assert broken(NOTHING, TIMES, frame) == {"end_before_start:end": [1]}


def test_a_change_of_the_clock_and_a_missing_zone() -> None:
    frame = pd.DataFrame({
        "start": ["2021-10-31T03:50:00+03:00", "2021-10-31T03:50:00+03:00", "2021-07-05", "2021-07-06"],
        "end": ["2021-10-31T03:10:00+02:00", "2021-10-31T03:10:00", "2021-07-05", "2021-07-05"],
    })  # fmt: skip
    np.testing.assert_array_equal(rules_interview.lengths(frame, TIMES.paradata), [1200, np.nan, np.nan, np.nan])
    wide = about(Fieldwork(start="?", end="?"), paradata=TIMES.paradata)
    assert broken(NOTHING, wide, frame) == {"end_before_start:end": [3]}


def test_speeders_are_held_against_the_median_of_likely_lengths() -> None:
    start = pd.Timestamp("2021-07-05 10:00")
    minutes = [40.0] * 20 + [15.9, 16.1, 0.0, -5.0, 3 * 24 * 60.0]
    frame = pd.DataFrame({"start": start, "end": [start + pd.Timedelta(minutes=m) for m in minutes]})
    assert broken(NOTHING, TIMES, frame) == {"end_before_start:end": [23], "too_short:end": [20, 22]}
    (rule,) = (r for r in rules_interview.rules(NOTHING, TIMES, list(frame)) if r.id == "too_short")
    assert isinstance(rule, Rule)
    assert rule.told is not None
    (told,) = rule.told(frame, np.array([20]))
    assert said(told, "en") == "15.9 min, 40% of the median (40.0 min)"
    assert said(told, "lv") == "15,9 min, tas ir 40% no mediānas (40,0 min)"
    assert "too_short:end" not in broken(NOTHING, TIMES, frame.iloc[3:])  # 19 likely lengths are too few
    quick = TIMES.model_copy(update={"checks": Checks(rules={"too_short": 0.41})})
    assert broken(NOTHING, quick, frame)["too_short:end"] == [20, 21, 22]


# ---------------------------------------------------------------------------------------------------- dates and ages


def test_no_date_is_later_than_the_interview_it_was_told_in() -> None:
    form = Questionnaire((
        Question("moved", "date", missing={"-9": "refused"}), Question("day", "date"),
        Question("planned", "date", constraint=". >= today()"),
    ))  # fmt: skip
    frame = pd.DataFrame({
        "day": ["2021-07-05", "2021-07-05", None, "2021-07-05"],
        "moved": ["2021-07-05", "2021-07-06", "2021-07-06", "-9"],
        "planned": "2022-01-01",
    })  # fmt: skip
    assert broken(form, about(paradata=Paradata(day="day")), frame) == {"after_interview:moved": [1]}
    assert broken(form, about(), frame) == {}


def test_ages() -> None:
    form = Questionnaire((
        Question("age", "integer", missing={"999": "refused"}), Question("born", "date"), Question("year", "integer"),
    ))  # fmt: skip
    frame = pd.DataFrame({
        "day": "2021-07-05",
        "age": [41, 41, 40, 39, 43, 42, -1, 111, 999],
        "born": ["1980-07-05", *["1980-07-06"] * 3, *["1980-07-05"] * 2, None, None, "1980-07-05"],
        "year": [1980, 1980, 1980, 1980, 1980, 1978, 2030, 1900, 1980],
    })  # fmt: skip
    dated = about(paradata=Paradata(day="day", age="age", born="born"))
    impossible = {"age_impossible:age": [6, 7]}
    assert broken(form, dated, frame) == {**impossible, "age_disagrees:age": [4]}
    exact = dated.model_copy(update={"checks": Checks(rules={"age_disagrees": 0.5})})
    assert broken(form, exact, frame)["age_disagrees:age"] == [1, 3, 4, 5]
    yearly = about(paradata=Paradata(day="day", age="age", born="year"))
    # born in 1980, in July 2021 40 or 41
    assert broken(form, yearly, frame) == {**impossible, "age_disagrees:age": [4, 6, 7]} | {
        "age_disagrees:age": [i for i, (a, y) in enumerate(zip(frame["age"], frame["year"], strict=True))
                              if a != 999 and not 2021 - y - 2 <= a <= 2021 - y + 1]
    }  # fmt: skip
    # the day not known: some day of the fieldwork; no age asked: the year alone
    assert broken(form, about(paradata=Paradata(age="age", born="born")), frame)["age_disagrees:age"] == [4]
    assert broken(form, about(paradata=Paradata(born="year")), frame) == {"age_impossible:year": [6, 7]}


# -------------------------------------------------------------------------------------------------- straight-lining

FIVE = (*(Choice(str(code)) for code in range(1, 6)), DONT_KNOW)
BATTERY = (Group("battery"),)


def grid(count: int = 8, **values: Any) -> Questionnaire:
    parts = {"choices": FIVE, "list_name": "agree", "groups": BATTERY, **values}
    return Questionnaire(tuple(Question(f"g{i}", "select_one", **parts) for i in range(count)))


def answers(n: int, count: int = 8, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame({f"g{i}": random.choice(list("12345"), n) for i in range(count)})


def test_the_same_answer_to_all_items() -> None:
    frame = answers(300)
    assert broken(grid(), about(), frame) == {}
    frame.iloc[5] = "4"
    frame.iloc[6, :7] = "2"  # the last is another
    frame.loc[6, "g7"] = "3"
    frame.iloc[7] = ["dk", None, "5", "5", "5", "5", "5", "5"]
    frame.iloc[8] = ["dk", None, None, None, "1", "1", "1", "1"]  # four answers
    found = broken(grid(), about(), frame)
    assert list(found) == ["straight_lining:g0"]
    assert set(found["straight_lining:g0"]) - {7} == {5}
    assert broken(grid(), about(checks=Checks(rules={"straight_lining": "off"})), frame) == {}
    (rule,) = rules_interview.rules(grid(), about(), list(frame))
    assert isinstance(rule, Rule)
    assert rule.told is not None
    assert said(rule.told(frame, np.array([5]))[0], "en") == "8 items from g0 to g7"


def test_where_all_agree_with_everything_nobody_is_blamed() -> None:
    random = np.random.default_rng(0)
    leaning = np.clip(random.normal(4, 0.6, (500, 1)) + random.normal(0, 0.5, (500, 8)), 1, 5).round().astype(int)
    frame = pd.DataFrame(leaning.astype(str), columns=[f"g{i}" for i in range(8)])
    assert frame.eq(frame["g0"], axis=0).all(axis=1).sum() > 20
    assert broken(grid(), about(), frame) == {}


def test_on_items_that_point_the_other_way_the_same_answer_tells_more() -> None:
    random = np.random.default_rng(3)
    level = random.integers(1, 6, (400, 1))
    noise = random.integers(-1, 2, (400, 6))
    frame = pd.DataFrame(np.clip(level + noise, 1, 5), columns=[f"s{i}" for i in range(6)])
    frame.iloc[0] = 5
    form = Questionnaire(tuple(Question(f"s{i}", "integer") for i in range(6)))
    items = tuple(f"s{i}" for i in range(6))
    one_way = about(scales={"s": Scale(items=items, range=(1, 5))})
    assert broken(form, one_way, frame) == {}
    reverse = ("s1", "s3", "s5")
    for name in reverse:
        frame[name] = 6 - frame[name]
    frame.iloc[0] = 5
    both_ways = about(scales={"s": Scale(items=items, range=(1, 5), reverse=reverse)})
    assert broken(form, both_ways, frame) == {"straight_lining:s0": [0]}


def test_what_is_a_grid() -> None:
    def names(form: Questionnaire, **values: Any) -> list[str]:
        return [f"{found[0].name}-{found[-1].name}" for found in rules_interview.grids(form, about(**values), 5)]

    questions = list(grid(12))
    assert names(Questionnaire(tuple(questions))) == ["g0-g11"]
    note, other = Question("n", "note", groups=BATTERY), Question("o", "text", groups=BATTERY)
    assert names(Questionnaire((*questions[:3], note, *questions[3:]))) == ["g0-g11"]
    assert names(Questionnaire((*questions[:5], other, *questions[5:9]))) == ["g0-g4"]
    assert names(grid(12, choices=FIVE[:2])) == []  # yes and no
    assert names(grid(4)) == []
    table = (Group("battery", extra={"appearance": "w4 table-list"}),)
    shown = list(grid(6, groups=table))
    assert names(Questionnaire((*shown[:3], other, *shown[3:]))) == ["g0-g5"]
    part = {"s": Scale(items=tuple(f"g{i}" for i in range(6)), range=(1, 5))}
    assert names(Questionnaire(tuple(questions)), scales=part) == ["g0-g11"]


# -------------------------------------------------------------------------------------------------------- no answers


def asked(n: int, count: int = 12, seed: int = 0, none: float = 0.02) -> tuple[Questionnaire, pd.DataFrame]:
    random = np.random.default_rng(seed)
    choices = (Choice("a"), Choice("b"), Choice("c"), DONT_KNOW, Choice("no", missing="refused"))
    share = [0.4, 0.3, 0.3 - none, none / 2, none / 2]
    form = Questionnaire(
        tuple(Question(f"q{i}", "select_one", choices=choices, list_name=f"l{i}") for i in range(count))
    )
    frame = pd.DataFrame({f"q{i}": random.choice([c.name for c in choices], n, p=share) for i in range(count)})
    return form, frame.assign(id=range(n), who=[f"i{x}" for x in np.arange(n) % 10])


def test_a_respondent_who_does_not_know() -> None:
    form, frame = asked(50, 20)
    frame.loc[3, [f"q{i}" for i in range(10)]] = "dk"
    frame.loc[4, [f"q{i}" for i in range(9)]] = "no"  # 9 of 20, less than half
    frame.loc[4, [f"q{i}" for i in range(9, 20)]] = "a"
    frame.loc[5, [f"q{i}" for i in range(9)]] = "no"  # 9 of 9: too few were asked
    frame.loc[5, [f"q{i}" for i in range(9, 20)]] = None
    assert broken(form, about(), frame) == {"no_answer_respondent:id": [3]}


def test_a_question_that_many_do_not_answer() -> None:
    form, frame = asked(60)
    frame.loc[:17, "q3"] = "dk"
    routed = Question("q12", "select_one", choices=(Choice("a"), DONT_KNOW), relevant="${q0} = 'a'")
    comment = Question("q13", "text")
    form = Questionnaire((*form, routed, comment))
    frame["q12"] = np.where(frame["q0"] == "a", "a", None)
    frame["q13"] = None
    ((rule, found),) = overall(form, about(), frame)
    assert (rule, found.variable) == ("no_answer_question", "q3")
    frame.loc[frame["q0"] == "a", "q12"] = [*["a"] * 10, *[None] * ((frame["q0"] == "a").sum() - 10)]
    assert [found.variable for _, found in overall(form, about(), frame)] == ["q3", "q12"]
    count = int((frame["q0"] == "a").sum())
    assert said(overall(form, about(), frame)[1][1].detail, "en").startswith(f"{count - 10} of {count} (")
    assert overall(form, about(), frame.iloc[:19]) == []


def test_a_reason_of_a_set_stands_in_its_own_column_or_in_all() -> None:
    choices = (Choice("a"), Choice("b"), DONT_KNOW, Choice("-9", missing="not_asked"))
    question = Question("m", "select_multiple", choices=choices)
    frame = pd.DataFrame(
        {"m/a": ["0", "1", "dk", "-9", None], "m/b": ["0", "0", "dk", "-9", None], "m/dk": [1, 0, 0, 0, None]}
    )
    assert rules_interviewers.no_answer(frame, question).tolist() == [True, False, True, False, False]
    assert rules_interviewers.has_answer(frame, question).tolist() == [False, True, False, False, False]


# ------------------------------------------------------------------------------------------------------ interviewers

WHO = about(paradata=Paradata(interviewer="who"))


def test_an_interviewer_with_many_refusals() -> None:
    form, frame = asked(400, 20)
    assert overall(form, WHO, frame) == []
    mine = np.flatnonzero(frame["who"] == "i7")
    for i, row in enumerate(mine):
        frame.loc[row, [f"q{(i + j) % 20}" for j in range(3)]] = "no"
    ((rule, found),) = overall(form, WHO, frame)
    assert (rule, found.variable, found.value) == ("no_answer_interviewer", "who", "i7")
    assert said(found.detail, "en").startswith("in 40 interviews “do not know” and refusals are 1")
    table = rules_interviewers.without_answers(frame, list(form), "who")
    codes = frame[[q.name for q in form]].isin(["dk", "no"])
    share = codes.mean(axis=1)
    for row in table.itertuples():
        own = frame["who"] == row.interviewer
        p = mannwhitneyu(share[own], share[~own], alternative="greater", method="asymptotic").pvalue
        assert row.p == pytest.approx(min(1, 10 * p), rel=1e-9)
        assert row.share == pytest.approx(codes[own].to_numpy().mean())
        assert row.others == pytest.approx(codes[~own].to_numpy().mean())


def test_one_respondent_who_refuses_all_is_not_the_interviewers_fault() -> None:
    form, frame = asked(400, 20)
    rows = np.flatnonzero(frame["who"] == "i7")[:3]
    frame.loc[rows, [q.name for q in form]] = "no"
    assert overall(form, WHO, frame) == []
    assert broken(form, WHO, frame) == {"no_answer_respondent:id": rows.tolist()}


def test_the_intraclass_correlation_is_the_textbooks(monkeypatch: pytest.MonkeyPatch) -> None:
    # Shrout and Fleiss (1979), table 2; psych::ICC(sf): ICC1 0.17, F 1.79, df 5 and 18, p 0.16
    monkeypatch.setattr(rules_interviewers, "ASKED", 5)
    values = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
    frame = pd.DataFrame({"q": values.ravel(), "who": np.repeat(list("abcdef"), 4)})
    (row,) = rules_interviewers.effects(frame, [Question("q", "integer")], "who").to_dict("records")
    assert row["rho"] == pytest.approx(0.1657, abs=5e-5)
    assert (row["f"], row["p"]) == pytest.approx((1.79, 0.165), abs=5e-3)
    assert (row["departs"], row["choice"]) == ("b", "")
    assert (row["mean"], row["others"]) == pytest.approx((3, np.delete(values, 1, axis=0).mean()))


def test_effects_of_every_kind_of_question_by_the_definition() -> None:
    random = np.random.default_rng(2)
    n = 500
    who = random.choice(list("abcdefgh"), n, p=[0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05])
    shift = np.array([ord(x) - 97 for x in who])
    frame = pd.DataFrame({
        "who": who,
        "number": 1e6 + 100 * (random.normal(0, 1, n) + shift / 5),
        "binary": np.where(random.random(n) < 0.2 + shift / 20, "yes", "no"),
        "three": np.where(random.random(n) < 0.1 + shift / 15, "x", random.choice(["y", "z"], n)),
        "set/a": (random.random(n) < 0.5).astype(int), "set/b": (random.random(n) < 0.1 + shift / 12).astype(int),
    })  # fmt: skip
    frame.loc[:9, "binary"] = "dk"
    form = [
        Question("number", "decimal"),
        Question("binary", "select_one", choices=(Choice("yes"), Choice("no"), DONT_KNOW)),
        Question("three", "select_one", choices=tuple(map(Choice, "xyz"))),
        Question("set", "select_multiple", choices=tuple(map(Choice, "ab"))),
    ]  # fmt: skip
    found = rules_interviewers.effects(frame, form, "who").set_index("question")
    answered = frame[frame["binary"] != "dk"]
    variables = {
        "number": frame[["number"]], "binary": (answered[["binary"]] == "yes").astype(float),
        "three": pd.DataFrame({c: frame["three"] == c for c in "xyz"}).astype(float), "set": frame[["set/a", "set/b"]],
    }  # fmt: skip
    for name, x in variables.items():
        groups = [part.to_numpy(dtype=float) for _, part in x.groupby(who[x.index])]
        size = np.array([len(part) for part in groups])
        within = sum(((part - part.mean(axis=0)) ** 2).sum() for part in groups) / (size.sum() - 8)
        total = x.to_numpy(dtype=float).mean(axis=0)
        between = sum(len(part) * ((part.mean(axis=0) - total) ** 2).sum() for part in groups) / 7
        typical = (size.sum() - (size**2).sum() / size.sum()) / 7
        assert found["rho"][name] == pytest.approx((between - within) / (between + (typical - 1) * within), rel=1e-6)
        assert found["f"][name] == pytest.approx(between / within, rel=1e-6)
        if len(x.columns) == 1:
            assert found["p"][name] == pytest.approx(f_oneway(*[part[:, 0] for part in groups]).pvalue, rel=1e-5)
        else:  # Box: by the eigenvalues of the covariance
            roots = np.linalg.eigvalsh(np.cov(x.to_numpy(dtype=float).T))
            share = roots.sum() ** 2 / (roots**2).sum()
            assert found["p"][name] == pytest.approx(f.sf(between / within, 7 * share, (len(x) - 8) * share), rel=1e-4)
    np.testing.assert_allclose(found["p_holm"], multipletests(found["p"], method="holm")[1])


def test_an_interviewer_effect_is_one_finding_of_the_question() -> None:
    form, frame = asked(400, 12)
    mine = frame["who"].isin(["i3", "i4"])
    frame.loc[mine, "q5"] = "c"
    ((rule, found),) = overall(form, WHO, frame)
    assert (rule, found.variable) == ("interviewer_effect", "q5")
    text = said(found.detail, "en")
    assert text.startswith("intraclass correlation 0.")
    assert "(10 interviewers); i" in text
    assert "“c” 100%, the others 3" in text
    assert all(said(found.detail, language) for language in LANGUAGES)


@pytest.mark.parametrize("seed", range(12))
def test_no_false_alarm_on_clean_answers(seed: int) -> None:
    random = np.random.default_rng(seed)
    n = int(random.choice([30, 200, 1_500]))
    form, frame = asked(n, 40, seed, none=float(random.choice([0.01, 0.1])))
    frame["who"] = random.integers(0, int(random.integers(2, 40)), n).astype(str)
    start = pd.Timestamp("2021-07-05 10:00") + pd.to_timedelta(random.integers(0, 14 * 24 * 60, n), unit="min")
    frame["start"], frame["end"] = start, start + pd.to_timedelta(random.uniform(30, 60, n), unit="min")
    data = about(paradata=Paradata(interviewer="who", start="start", end="end"))
    form = Questionnaire((*form, *grid(10)))
    frame = pd.concat([frame, answers(n, 10, seed)], axis=1)
    assert overall(form, data, frame) == []
    assert broken(form, data, frame) == {}


# ---------------------------------------------------------------------------------------------- whatever is in a frame


def strange(n: int) -> Iterator[pd.Series]:
    yield pd.Series([None] * n, dtype=object)
    yield pd.Series((["a", "2021-07-05T10:00:00Z", "-9", "=1+1", "\x00", ""] * n)[:n], dtype="str")
    yield pd.Series(([1e300, -1e300, np.inf, -np.inf, np.nan] * n)[:n])
    yield pd.Series(pd.date_range("1700-01-01", periods=n, tz="Europe/Riga"))
    yield pd.Series(([[1], {2: 3}, 1, "1", None, 2.5, dt.datetime(2020, 1, 1)] * n)[:n], dtype=object)  # noqa: DTZ001
    yield pd.Series(([True, None] * n)[:n], dtype="boolean")
    yield pd.Series(pd.Categorical(([1, 2.5, None] * n)[:n]))
    yield pd.Series(pd.array([None] * n, dtype="Int64"))
    yield pd.Series((["9999-12-31T23:59", "0001-01-01T00:00+14:00", "2021-13-45T99:99"] * n)[:n])
    yield pd.Series([10**30] * n, dtype=object)


@pytest.mark.parametrize("name", ["id", "start", "day", "who", "age", "born", "moved", "q0", "g0", "m/a"])
def test_no_column_breaks_a_rule(name: str) -> None:
    form, frame = asked(40)
    more = (Question("age", "integer"), Question("born", "date"), Question("moved", "date"))
    sets = Question("m", "select_multiple", choices=(Choice("a"), Choice("b")))
    form = Questionnaire((*form, *grid(), *more, sets))
    frame = pd.concat([frame, answers(40)], axis=1).assign(
        start="2021-07-05T10:00:00+03:00", end="2021-07-05T11:00:00+03:00", day="2021-07-05", age=40,
        born="1980-01-01", moved="2001-01-01",
    ).assign(**{"m/a": 1, "m/b": 0})  # fmt: skip
    data = about(paradata=Paradata(interviewer="who", start="start", end="end", day="day", age="age", born="born"))
    for column in strange(40):
        part = frame.assign(**{name: column.to_numpy() if column.dtype == object else column})
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            broken(form, data, part)
            overall(form, data, part)
    for part in (frame.iloc[:0], frame.iloc[:1]):
        assert broken(form, data, part) == {}
        assert overall(form, data, part) == []
    # a column that the questionnaire declares may be absent
    for module in MODULES:
        for rule in module.rules(form, data, list(frame)):
            lacking = frame.drop(columns=name)
            assert rule.mask(lacking).shape == (40,) if isinstance(rule, Rule) else rule.found(lacking) is not None


def test_nothing_known_of_the_interview_nothing_found() -> None:
    form, frame = asked(100)
    ids = {rule.id for module in MODULES for rule in module.rules(form, about(), list(frame))}
    assert ids == {"duplicate_interview", "near_duplicate", "no_answer_respondent", "no_answer_question"}
    assert overall(form, about(), frame.iloc[:0]) == []
    assert broken(form, about(), frame.iloc[:1]) == {}


def test_every_rule_has_its_words_and_its_switch() -> None:
    form, frame = asked(40)
    form = Questionnaire((*form, *grid(), Question("age", "integer"), Question("born", "date")))
    frame = pd.concat([frame, answers(40)], axis=1).assign(start="", end="", age=40, born="1980-01-01")
    data = Paradata(interviewer="who", start="start", end="end", age="age", born="born")
    every = {rule.id for module in MODULES for rule in module.rules(form, about(paradata=data), list(frame))}
    assert every == {
        "outside_fieldwork", "end_before_start", "after_interview", "age_impossible", "age_disagrees", "too_short",
        "straight_lining", "no_answer_respondent", "no_answer_question", "no_answer_interviewer", "interviewer_effect",
        "duplicate_interview", "near_duplicate",
    }  # fmt: skip
    assert every <= set(KINDS)
    for rule in every:
        assert known(f"rule_{rule}")
        assert known(f"message_{rule}")
        off = about(paradata=data, checks=Checks(rules={rule: "off"}))
        assert rule not in {found.id for module in MODULES for found in module.rules(form, off, list(frame))}


@pytest.mark.parametrize("name", ["discrimination_survey", "programme_participants"])
def test_the_shipped_surveys_are_clean(name: str) -> None:
    survey = ml.open_survey(f"data/{name}")
    day = {"day": "interview_date"} if name == "discrimination_survey" else {}
    said_of = survey.about.model_copy(update={"paradata": Paradata(age="age", **day)})
    assert broken(survey.questionnaire, said_of, survey.responses) == {}
    assert overall(survey.questionnaire, said_of, survey.responses) == []
