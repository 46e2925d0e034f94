"""What a reader sees of a programme's register: nothing hidden comes out, three languages, sentences with numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from surveys import ROOT

import motivlab as ml
from motivlab.durations import time_to_outcome
from motivlab.flow import flow
from motivlab.gate_outcomes import (
    HIDING,
    gated_durations,
    gated_flow,
    gated_indicators,
    gated_log_rank,
    gated_outcomes,
    gated_pooling,
    gated_tests,
)
from motivlab.indicators import indicators
from motivlab.language import LANGUAGES, number, percent, say
from motivlab.outcomes import outcomes
from motivlab.programme import Programme
from motivlab.sentences_outcomes import between

SHIPPED = ROOT / "data" / "programme_participants"
NB = "\N{NO-BREAK SPACE}"
ENTERED, LEFT = pd.Timestamp("2021-01-04"), pd.Timestamp("2021-06-30")


@lru_cache
def shipped(language: str = "en") -> ml.Survey:
    return ml.open_survey(SHIPPED, language)


def register(rows: list[dict[str, Any]], gate: str = "standard", **more: Any) -> ml.Survey:
    """A register; a row has ``group`` (None: not known), and may have ``sex``, ``job``, ``left``, ``done``, ``why``,
    ``reached``, ``day`` (of the outcome after leaving) and ``kind``, of which ``tags`` are a select_multiple."""
    frame = pd.DataFrame(
        [{"group": "a", "sex": "w", "job": 1, "left": True, "done": True, "why": None, "reached": False, "day": 10}
         | row for row in rows]
    )  # fmt: skip
    left, job = frame["left"].astype(bool), frame["job"].where(frame["left"].astype(bool))
    job = pd.to_numeric(job)
    after = pd.to_timedelta(frame["day"].where(job == 1), "D")
    dated = {
        "entered": pd.Series(ENTERED, frame.index), "left": pd.Series(LEFT, frame.index).where(left),
        "done": pd.Series(LEFT, frame.index).where(left & frame["done"].astype(bool)),
        "reached": pd.Series(LEFT + pd.Timedelta(days=190), frame.index).where(left & frame["reached"].astype(bool)),
        "began": LEFT + after,
    }  # fmt: skip
    chosen = {
        "result/job": job.astype("Int8"), "result/none": (1 - job).astype("Int8"),
        **{c: frame[c] for c in frame if c.startswith("tags/")},
    }  # fmt: skip
    kept = {name: pd.Categorical(frame[name], sorted(set(frame[name].dropna()))) for name in ("group", "sex")}
    why = pd.Categorical(frame["why"], sorted({*frame["why"].dropna(), "health", "moved", "work"}))
    survey = ml.Survey.from_frame(pd.DataFrame({**kept, "why": why, **dated, **chosen}))
    programme = Programme(
        **{"entry": "entered", "exit": "left", "completion": "done", "follow_up": "reached", "drop_out": "why",
           "outcome": "result", "outcome_dates": {"job": "began"}, "complete": True,
           "definitions": {"work": {"choices": ("job",)}}} | more
    )  # fmt: skip
    return replace(survey, about=survey.about.model_copy(update={"programme": programme, "gate": gate}))


def people(n: int, k: int, **row: Any) -> list[dict[str, Any]]:
    return [{"job": int(i < k)} | row for i in range(n)]


def written(thing: Any, folder: Path) -> str:
    """All that is shown or written of a result."""
    folder.mkdir(exist_ok=True)
    files = [folder / f"t.{ending}" for ending in ("xlsx", "html", "csv")]
    ml.export(thing, *files)
    sheets = pd.read_excel(files[0], sheet_name=None, header=None)
    parts = [repr(thing), thing._repr_html_(), repr(ml.takeaway(thing)), files[1].read_text(encoding="utf-8")]
    parts += [files[2].read_text(encoding="utf-8"), *(sheet.to_csv() for sheet in sheets.values())]
    return "\n".join(parts)


# ---------------------------------------------------------------------------------- nothing hidden: not told apart

GROUPS = {"a": (60, 31), "b": (90, 40), "c": (25, 9), "d": (8, 5), "e": (120, 80)}


def groups(**change: tuple[int, int]) -> list[dict[str, Any]]:
    """Of the hidden ones, d is few and c has to be hidden with it; those of the others drop out in some number."""
    rows = []
    for name, (n, k) in (GROUPS | change).items():
        rows += people(n, k, group=name)
    out = {"b": 25, "e": 30}
    for name, many in out.items():
        for row in [row for row in rows if row["group"] == name][:many]:
            row |= {"done": False, "why": "health"}
    return rows


MADE: dict[str, Callable[[ml.Survey], Any]] = {
    "outcomes": lambda survey: outcomes(survey, "work", by="group"),
    "reference": lambda survey: outcomes(survey, "work", by="group", reference="a"),
    "flow": lambda survey: flow(survey, by="group"),
    "durations": lambda survey: time_to_outcome(survey, "work", by="group"),
}


@pytest.mark.parametrize("name", MADE)
def test_what_is_hidden_changes_nothing_that_is_shown(name: str, tmp_path: Path) -> None:
    """People and successes move between two hidden groups: text, HTML, sentences and files stay as they are."""
    one = written(MADE[name](register(groups())), tmp_path / "one")
    other = written(MADE[name](register(groups(c=(23, 13), d=(10, 1)))), tmp_path / "other")
    assert one == other


def test_the_same_holds_of_who_is_in_no_group(tmp_path: Path) -> None:
    """Who has no group counts as one: c is hidden with them, and what they have done is no difference of others."""
    base = {"a": (60, 31), "b": (90, 40), "c": (25, 9)}
    made = []
    for k_c, k_none in ((9, 5), (13, 1)):
        rows = [row for name, (n, k) in (base | {"c": (25, k_c)}).items() for row in people(n, k, group=name)]
        survey = register([*rows, *people(8, k_none, group=None)])
        made.append([written(MADE[name](survey), tmp_path / f"{k_c}{name}") for name in MADE])
        found = gated_outcomes(outcomes(survey, "work", by="group"))
        rows_of = found[found["by"] == "group"]
        assert rows_of["reason"].tolist() == ["", "", "protect"] * 3
        assert rows_of[["difference", "p", "p_adjusted"]].isna().all(axis=None)
        assert rows_of.loc[rows_of["reason"] == "", "pooled"].notna().all()
        assert "8" not in [
            cell for block in ml.table(flow(survey, by="group")).blocks for r in block.rows for cell in r
        ]
    assert made[0] == made[1]


def test_who_dropped_out_is_not_the_difference_of_two_rates(tmp_path: Path) -> None:
    """Five of sixty dropped out: with both rates their outcomes would be known."""
    made = []
    for k in (0, 4):
        rows = people(55, 31 - k) + people(5, k, done=False)
        survey = register(rows)
        frame = gated_outcomes(outcomes(survey, "work"))
        assert frame["reason"].tolist() == ["", "", "protect"]
        made.append(written(outcomes(survey, "work"), tmp_path / str(k)))
    assert made[0] == made[1]
    assert say("outcomes_protect", "en", mark="–", n=20) in made[0]
    whole = register(people(55, 31) + people(25, 4, done=False))
    assert gated_outcomes(outcomes(whole, "work"))["reason"].tolist() == ["", "", ""]


def test_of_a_few_known_outcomes_nothing_is_told() -> None:
    rows = people(12, 5) + people(50, 0, left=False)
    frame = gated_outcomes(outcomes(register(rows), "work"))
    assert frame["reason"].tolist() == ["protect", "few", "few"]
    assert frame.select_dtypes("number").isna().all(axis=None)
    assert repr(ml.takeaway(outcomes(register(rows), "work"))) == say("takeaway_outcomes_none", "en")


def closed(counts: np.ndarray, hidden: np.ndarray) -> bool:
    """Whether what is left of a total says nothing of fewer than 20, nor of one group alone."""
    told = counts[hidden & (counts > 0)]
    return len(told) == 0 or (len(told) > 1 and told.sum() >= 20)


@given(st.data())
@settings(max_examples=15, deadline=None)
def test_no_sum_tells_of_few(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30), st.integers(0, 25)), min_size=2,
                               max_size=6))  # fmt: skip
    assume(sum(done + out for done, out, _ in sizes) > 0)
    rows = []
    for i, (done, out, still) in enumerate(sizes):
        rows += people(done, done // 2, group=f"g{i}") + people(out, out // 3, group=f"g{i}", done=False, why="health")
        rows += people(still, 0, group=f"g{i}", left=False)
    result = outcomes(register(rows), "work", by="group")
    frame, raw = gated_outcomes(result), result.frame
    total = raw[raw["by"] == ""].set_index("rate")
    enough = total.at["enrolled", "n"] >= 20
    gone = {}
    for rate in ("enrolled", "exited", "completed"):
        own, was = (f[(f["rate"] == rate) & (f["by"] != "")] for f in (frame, raw))
        gone[rate] = hidden = own["reason"].isin(HIDING).to_numpy()
        shown = own[~hidden]
        assert not shown["n"].between(1, 19).any()
        assert own[hidden].select_dtypes("number").isna().all(axis=None)
        if enough and total.at[rate, "n"] - total.at[rate, "unknown"] >= 20:
            known = (was["n"] - was["unknown"]).to_numpy()
            for counts in (was["n"].to_numpy(), known):
                assert closed(counts, hidden) or hidden[counts > 0].all()
    exited, completed = (
        raw[(raw["rate"] == rate) & (raw["by"] != "")]["n"].to_numpy() for rate in ("exited", "completed")
    )
    out = exited - completed
    assert not ((out > 0) & (out < 20) & ~gone["completed"]).any()
    assert (gone["enrolled"] <= gone["exited"]).all()
    assert (gone["exited"] <= gone["completed"]).all()


def test_crossed_groups_do_not_come_out_of_their_margins() -> None:
    cells = {("x", "w"): 60, ("x", "m"): 6, ("y", "w"): 70, ("y", "m"): 50, ("z", "w"): 80, ("z", "m"): 55}
    rows = [row for (g, s), n in cells.items() for row in people(n, n // 2, group=g, sex=s)]
    frame = gated_outcomes(outcomes(register(rows), "work", by=[("group", "sex")]))
    own = frame[(frame["by"] != "") & (frame["rate"] == "enrolled")]
    hidden = set(own.loc[own["reason"].isin(HIDING), "level"])
    # beside x × m, another one of x, another one of the men, and one that closes the square
    assert hidden == {"x × m", "x × w", "y × m", "y × w"}


def test_groups_that_overlap() -> None:
    rows = [{"tags/p": 1, "tags/q": int(i < 40)} | row for i, row in enumerate(people(100, 50))]
    rows += [{"tags/p": 0, "tags/q": 1} | row for row in people(7, 3)]
    rows += [{"tags/p": 0, "tags/q": 0} | row for row in people(0, 0)]
    result = outcomes(register(rows), "work", by="tags")
    frame = gated_outcomes(result)
    own = frame[(frame["by"] == "tags") & (frame["rate"] == "enrolled")].set_index("level")
    assert own["reason"].to_dict() == {"p": "protect", "q": ""}  # but seven, everybody is in p
    assert gated_tests(result)["n"].isna().all()
    durations = gated_durations(time_to_outcome(register(rows), "work", by="tags"))
    assert durations.loc[durations["by"] != "", "reason"].tolist() == ["protect", ""]
    assert say("note_overlapping", "en", by="“tags”") in ml.table(result).notes


def test_what_is_shown_beside_hidden_groups_is_computed_without_them() -> None:
    from motivlab.estimate import adjust
    from motivlab.pooled import heterogeneity, partial_pooling

    result = outcomes(register(groups()), "work", by="group")
    frame = gated_outcomes(result)
    own = frame[(frame["by"] == "group") & (frame["rate"] == "enrolled")].set_index("level")
    assert own["reason"].to_dict() == {"a": "", "b": "", "c": "protect", "d": "few", "e": ""}
    k, n = [31, 40, 80], [60, 90, 120]
    np.testing.assert_allclose(own["pooled"].dropna(), partial_pooling(k, n).mean)
    np.testing.assert_allclose(own["p_adjusted"].dropna(), adjust(own["p"].dropna(), "holm"))
    test = gated_tests(result).iloc[0]
    assert (test["p"], test["n"]) == (heterogeneity(k, n).p, 270)
    assert gated_pooling(result).iloc[0]["alpha"] == partial_pooling(k, n).alpha
    assert gated_log_rank(time_to_outcome(register(groups()), "work", by="group")).at[0, "n"] == 270
    # with nothing hidden, all of it is what the analysis says
    whole = outcomes(shipped(), "wide", by="region")
    rate = whole.frame["rate"] != "completed"
    pd.testing.assert_frame_equal(
        gated_outcomes(whole).loc[rate, list(whole.frame)], whole.frame[rate], check_dtype=False
    )
    pd.testing.assert_frame_equal(gated_tests(whole), whole.tests, check_dtype=False)
    pd.testing.assert_frame_equal(gated_pooling(whole), whole.pooling)


def test_the_log_rank_test_of_the_shown_groups_is_that_of_their_people() -> None:
    rows = [row | {"day": 5 + 7 * i % 90} for i, row in enumerate(groups())]
    fewer = [row for row in rows if row["group"] not in ("c", "d")]
    test = gated_log_rank(time_to_outcome(register(rows), "work", by="group")).iloc[0]
    alone = time_to_outcome(register(fewer), "work", by="group").tests.iloc[0]
    assert test["statistic"] == pytest.approx(alone["statistic"])
    assert (test["df"], test["n"], test["levels"]) == (alone["df"], alone["n"], alone["levels"])


def test_the_open_profile_shows_all_and_says_so() -> None:
    survey = register(groups(), gate="open")
    for made in MADE.values():
        table = ml.table(made(survey))
        assert not table.numbers["reason"].isin(HIDING).any()
        assert say("note_gate_open", "en") in table.notes
    frame = gated_outcomes(outcomes(survey, "work", by="group"))
    assert frame["status"].unique().tolist() == ["shown"]


# ------------------------------------------------------------------------------------------------- flow, in detail


def dropped(**reasons: int) -> list[dict[str, Any]]:
    return [{"done": False, "why": why, "job": 0} for why, n in reasons.items() for _ in range(n)]


def n_of(result: Any, level: str = "") -> dict[str, float]:
    frame = gated_flow(result)
    rows = frame[frame["level"] == level]
    return {step.removeprefix("reason/"): n for step, n in zip(rows["step"], rows["n"], strict=True)}


def test_a_rare_reason_does_not_come_out_by_subtraction(tmp_path: Path) -> None:
    made = []
    for health, moved in ((6, 22), (8, 20)):
        result = flow(register([*people(100, 50), *dropped(health=health, moved=moved, work=40)]))
        counts = n_of(result)
        assert np.isnan([counts["health"], counts["moved"]]).all()  # the rare one, and the next smallest with it
        assert (counts["work"], counts["reason_unknown"], counts["dropped_out"]) == (40, 0, 68)
        text = written(result, tmp_path / str(health))
        assert f"<{NB}20" in text
        made.append(text)
    assert made[0] == made[1]


def test_of_few_who_dropped_out_no_reason_is_told() -> None:
    counts = n_of(flow(register([*people(100, 50), *dropped(health=12)])))
    assert counts["dropped_out"] == 12
    assert np.isnan([counts[key] for key in ("health", "moved", "work", "reason_unknown")]).all()


def test_a_reason_does_not_come_out_of_the_groups(tmp_path: Path) -> None:
    """The total and the other groups would tell of the rare one; so would the other reasons of its group."""
    made = []
    for few in (4, 9):
        rows = [row | {"group": g} for g in "ab" for row in people(100, 50)]
        rows += [row | {"group": "a"} for row in dropped(health=few, moved=30 - few, work=60)]
        rows += [row | {"group": "b"} for row in dropped(health=50 - few, moved=20 + few, work=60)]
        result = flow(register(rows), by="group")
        a, b = n_of(result, "a"), n_of(result, "b")
        assert np.isnan([a["health"], a["moved"], b["health"], b["moved"]]).all()
        assert (a["work"], b["work"], n_of(result)["health"], n_of(result)["moved"]) == (60, 60, 50, 50)
        made.append(written(result, tmp_path / str(few)))
    assert made[0] == made[1]


def test_the_rows_of_a_flow_are_steps_below_their_steps() -> None:
    table = ml.table(flow(register([*people(60, 30, reached=True), *people(30, 0), *dropped(health=30)])))
    rows = {row[0]: row[1:] for row in table.blocks[0].rows}
    assert list(rows)[:5] == ["Enrolled", "· Left", "· · Completed", "· · Dropped out", "· · · health"]
    assert list(rows)[-1] == "· Still taking part"
    assert rows["· · · health"] == ("30", "25%", "(100%)")  # of thirty who dropped out
    assert rows["· · · Followed up at six months"][2] == "50%"
    assert "· · · health" in table.text()
    assert table.notes[0] == say("flow_low", "en", share="50%", least="70%")
    levels = ml.table(flow(shipped(), by="region")).blocks[1]
    assert levels.head == ("", "Riga", "Pierīga", "Vidzeme", "Kurzeme", "Zemgale", "Latgale")
    assert levels.rows[1][0] == "· Started"
    assert levels.rows[1][1] == "886\n98%"


# ----------------------------------------------------------------------------------------------------- indicators


def counting(cells: dict[tuple[str, str], int], gate: str = "standard") -> ml.Survey:
    wanted = {
        "CO01": {"where": "${group} = 'a'", "planned": 40.0}, "CO03": {"where": "${group} = 'b'", "planned": 40.0},
        "CO05": {"where": "${group} = 'c'"}, "CR04": {"where": "selected(${result}, 'job')", "planned": 300.0},
    }  # fmt: skip
    rows = [row for (group, sex), n in cells.items() for row in people(n, n // 2, group=group, sex=sex)]
    return register(rows, gate, indicators=wanted)


CELLS = {("a", "woman"): 60, ("a", "man"): 30, ("b", "woman"): 25, ("b", "man"): 50, ("c", "woman"): 9, ("c", "man"): 5}


def test_indicators_of_few_do_not_come_out(tmp_path: Path) -> None:
    result = indicators(counting(CELLS))
    frame = gated_indicators(result).set_index("indicator")
    # the three make up everybody
    assert frame["reason"].to_dict() == {"CO01": "", "CO03": "protect", "CO05": "few", "CR04": ""}
    assert frame.loc[["CO03", "CO05"], ["achieved", "share", "women", "men", "questioned"]].isna().all(axis=None)
    assert frame["planned"].notna().sum() == 3
    moved = CELLS | {("b", "woman"): 27, ("b", "man"): 48, ("c", "woman"): 7, ("c", "man"): 7}
    one, other = (written(indicators(counting(cells)), tmp_path / n) for n, cells in (("1", CELLS), ("2", moved)))
    assert one == other
    (reached,) = [b for b in ml.takeaway(result).bullets if b.startswith("Reached")]
    assert "CO01 “Unemployed, including long-term unemployed”: 90 of 40 (225%)" in reached
    assert "CO03" not in repr(ml.takeaway(result))
    assert [row[3] for row in ml.table(result).blocks[0].rows] == ["90", "–", f"<{NB}20", "88"]


def test_women_and_men_of_an_indicator() -> None:
    cells = CELLS | {("a", "man"): 6, ("c", "woman"): 40, ("c", "man"): 40}
    frame = gated_indicators(indicators(counting(cells))).set_index("indicator")
    assert frame.loc["CO01", ["women", "men"]].isna().all()  # few men, and so the women
    assert frame.at["CO01", "achieved"] == 66
    # these would come out of all women and all men, and others of theirs
    assert frame.loc[["CO03", "CO05"], ["women", "men"]].isna().all(axis=None)
    assert gated_indicators(indicators(counting(cells, "open")))["women"].notna().all()


def test_a_broken_rule_is_counted_and_nobody_is_named() -> None:
    rows = [row | {"left": i > 2, "job": None} if i < 30 else row for i, row in enumerate(people(90, 90, sex="woman"))]
    wanted = {"CO01": {"where": ""}, "CO02": {"where": "${group} = 'a'"}, "CR04": {"where": "${sex} = 'woman'"}}
    survey = register(rows, indicators=wanted)
    frame = survey.responses.assign(respondent=[f"SECRET{i}" for i in range(len(rows))])
    about = survey.about.model_copy(update={"respondent_id": "respondent"})
    survey = replace(survey, responses=frame, about=about)
    result = indicators(survey)
    assert len(result.findings) == 3
    table = ml.table(result)
    assert table.blocks[1].rows == (("result without an exit", "error", "3"),)
    assert say("indicators_broken", "en") in table.notes
    assert "SECRET" not in table.text() + table.html() + table.numbers.to_csv()
    assert "Breaches of consistency rules: 3." in repr(ml.takeaway(result))


def test_a_plan_that_was_missed_by_one_is_not_a_hundred_percent() -> None:
    cells = {("a", "woman"): 999, ("b", "woman"): 1000, ("c", "woman"): 50}
    survey = counting(cells)
    programme = survey.about.programme
    assert programme is not None
    wanted = {name: one.model_copy(update={"planned": 1000.0}) for name, one in programme.indicators.items()}
    about = survey.about.model_copy(update={"programme": programme.model_copy(update={"indicators": wanted})})
    rows = ml.table(indicators(replace(survey, about=about))).blocks[0].rows
    assert [row[4] for row in rows[:2]] == ["99.9%", "100%"]


# ------------------------------------------------------------------------------------------------ three languages

SHOWN: dict[str, Callable[[ml.Survey], Any]] = {
    "outcomes": lambda survey: outcomes(
        survey, ["employment_or_education", "wide"], by=["provider", "target_groups", ("region", "gender")]
    ),
    "reference": lambda survey: outcomes(survey, "wide", by="region", reference="riga", where="${age} > 24"),
    "flow": lambda survey: flow(survey, by="region"),
    "indicators": indicators,
    "durations": lambda survey: time_to_outcome(survey, "wide", by=["provider", "target_groups", "gender"]),
}


@lru_cache
def made(name: str) -> Any:
    return SHOWN[name](shipped())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SHOWN)
def test_tables_and_sentences_in_three_languages(name: str, language: str) -> None:
    result = made(name).to(language)
    table = ml.table(result)
    for block in table.blocks:
        assert {len(row) for row in block.rows} == {len(block.head)}
    everything = "\n".join([table.text(), table.html(), repr(ml.takeaway(result))])
    assert "nan" not in everything.replace("finans", "").lower()
    assert not re.search(r"(?<!\$)\{", everything)
    assert say("note_synthetic", language) in table.notes
    assert table.notes[-1].startswith(say("note_source", language, source=""))
    assert {"status", "reason"} <= set(table.numbers)
    assert (made(name).to("lv").language, made(name).language) == ("lv", "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_headline_in_words(language: str) -> None:
    result = made("outcomes").to(language)
    row = result.frame[result.frame["definition"] == "wide"].iloc[0]
    (_, said) = ml.takeaway(result).paragraphs
    assert (row["k"], row["n"], row["unknown"]) == (1795, 3239, 230)
    for value in (number(1795, language), number(3239, language), percent(row["estimate"], language), "230",
                  between(row["ci_low"], row["ci_high"], language), percent(row["high_bound"], language)):  # fmt: skip
        assert value in said
    cells = ml.table(result).blocks[4].rows[0]
    assert cells == (
        say("outcomes_enrolled", language), percent(row["estimate"], language),
        between(row["ci_low"], row["ci_high"], language), say("outcomes_of", language, k=1795, n=3239), "230",
        between(row["low_bound"], row["high_bound"], language),
    )  # fmt: skip


def test_where_groups_differ() -> None:
    bullets = ml.takeaway(made("outcomes")).bullets
    assert bullets[0].startswith("By “Provider of the service” (employment or education): highest among “Provider 6”")
    assert f"p{NB}<{NB}0.001" in bullets[0]
    assert (
        "furthest from everybody else is “Persons returning from child-care leave”, 63%, a difference of +23"
        in bullets[1]
    )
    alike = outcomes(register(people(60, 30, group="a") + people(60, 31, group="b")), "work", by="group")
    assert ml.takeaway(alike).bullets[0].startswith("No difference between groups by “group” is established")
    assert "the pooled rate of all is the same" in ml.table(alike).text()
    few = outcomes(register(people(60, 30, group="a") + people(6, 3, group="b")), "work", by="group")
    assert ml.takeaway(few).bullets == ("Groups by “group” could not be tested.",)


def test_unknown_outcomes_are_said_only_where_there_are_some() -> None:
    known = outcomes(register(people(60, 30)), "work")
    assert "Not known" not in repr(ml.takeaway(known))
    unknown = outcomes(register(people(60, 30) + people(10, 0, job=None)), "work")
    assert "Not known: 10; if all of these had it, the rate would be 57%." in repr(ml.takeaway(unknown))
    assert "superpopulation" in repr(known)
    sample = register(people(60, 30), complete=False)
    assert "superpopulation" not in repr(outcomes(sample, "work"))


def test_the_takeaway_of_a_flow_warns_of_a_low_follow_up() -> None:
    words = ml.takeaway(made("flow"))
    assert "Of 3,239 enrolled 2,709 completed (84%), 492 dropped out (15%)." in words.paragraphs[0]
    assert "“Health”, 112 of 492 (23%)" in words.paragraphs[0]
    assert "2,017 of 3,201 who were due were followed up (63%)" in words.paragraphs[0]
    assert words.bullets[0].startswith("Caution: 63% were followed up at six months, fewer than 70%")
    fine = flow(register(people(60, 30, reached=True) + people(20, 10)))
    assert ml.takeaway(fine).bullets == ()


def test_the_takeaway_of_durations() -> None:
    words = ml.takeaway(made("durations"))
    assert "half had this outcome by day 119 after leaving (95% CI 105–130)" in words.paragraphs[0]
    assert "By day 28: 29%." in words.paragraphs[0]
    assert any("“Woman” by day 108" in bullet for bullet in words.bullets)
    never = time_to_outcome(register(people(60, 10, reached=True)), "work")
    assert "fewer than half had this outcome" in repr(ml.takeaway(never))
    table = ml.table(never)
    assert table.blocks[0].rows[0][5] == "not reached"
    assert table.blocks[0].rows[0][4] == "not observed"  # nobody was followed for a year
    assert repr(ml.takeaway(time_to_outcome(register(people(15, 10)), "work"))) == say("takeaway_outcomes_none", "en")


@pytest.mark.parametrize("name", ["outcomes", "flow", "indicators", "durations"])
def test_the_same_input_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    files = [tmp_path / f"{i}.xlsx" for i in "ab"]
    for file in files:
        ml.export(made(name).to("ru"), file)
    assert files[0].read_bytes() == files[1].read_bytes()
