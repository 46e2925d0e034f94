"""What a reader sees of gains, attrition and reliability: nothing hidden, three languages, plain words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from surveys import ROOT

import motivlab as ml
from motivlab.attrition import Attrition
from motivlab.gains import Gains
from motivlab.gated_attrition import gated_attrition, gated_reliability, gated_response, gated_result
from motivlab.gated_gains import gated_gains
from motivlab.language import LANGUAGES, number, percent, say
from motivlab.nonresponse import ResponseWeights
from motivlab.programme import Instrument, Programme, Scale
from motivlab.scales import Reliability
from motivlab.sentences import p_text, quoted
from motivlab.tables import points, table
from motivlab.tables_attrition import MARK, plus
from motivlab.tables_gains import AT_END, gated_versus
from motivlab.takeaways_gains import takeaway

PROGRAMME = ROOT / "data" / "programme_participants"
SPACE = "\N{NO-BREAK SPACE}"


def declared(frame: pd.DataFrame, gains: dict[str, Instrument], **more: Any) -> ml.Survey:
    """A survey of a frame with gains; scales, a programme and the gate are set as well."""
    about = {key: more.pop(key) for key in ("scales", "programme", "gate") if key in more}
    survey = ml.Survey.from_frame(frame, **more)
    return replace(survey, about=survey.about.model_copy(update={"gains": gains, **about}))


def cells(thing: Any) -> list[str]:
    return [cell for block in table(thing).blocks for row in block.rows for cell in row[1:]]


def written(thing: Any, folder: Path) -> tuple[str, np.ndarray]:
    """All texts that a thing shows or is written as, its takeaway, and all numbers of its files."""
    ml.export(thing, *(folder / f"t.{ending}" for ending in ("xlsx", "html", "csv")))
    sheets = pd.read_excel(folder / "t.xlsx", sheet_name=None, header=None)
    texts = [repr(thing), thing._repr_html_(), (folder / "t.html").read_text(encoding="utf-8")]
    texts += [frame.fillna("").astype(str).to_csv() for name, frame in sheets.items() if name != "Numbers"]
    if not isinstance(thing, ResponseWeights):
        texts.append(repr(takeaway.dispatch(type(thing))(thing)))
    found = [*sheets["Numbers"].to_numpy().ravel(), *pd.read_csv(folder / "t.csv", header=None).to_numpy().ravel()]
    return "\n".join(texts), pd.to_numeric(pd.Series(found), errors="coerce").dropna().to_numpy(dtype=float)


def require_none(hidden: Iterable[float], numbers: np.ndarray) -> None:
    values = np.array([v for v in hidden if np.isfinite(v) and v not in (0, 1)])
    assert len(values) > 5
    assert not np.isclose(numbers[:, None], values, rtol=1e-9, atol=0).any()


@lru_cache
def shipped() -> ml.Survey:
    return ml.open_survey(PROGRAMME, "en")


@lru_cache
def shipped_gains(*outcomes: str) -> Gains:
    found = ml.gains(shipped(), outcomes or None, by=["gender", "disability"])
    assert isinstance(found, Gains)
    return found


@lru_cache
def shipped_attrition(outcome: str = "wellbeing", at: str = "post") -> Attrition:
    return ml.attrition(shipped(), outcome, at=at)


# ------------------------------------------------------------------------------------------------ the shipped survey


@pytest.mark.parametrize("language", LANGUAGES)
def test_gains_before_and_after_in_words(language: str) -> None:
    result = shipped_gains().to(language)
    made, frame = table(result), result.frame[result.frame["by"] == ""]
    assert made.title == say("gains_title_pre_post", language)
    titles = [block.title for block in made.blocks]
    means, shares, size, ends, people, gender, disability, occasions = made.blocks
    assert titles[:2] == [say("gains_block_means", language), say("gains_block_shares", language)]
    assert gender.title == result.questionnaire["gender"].label(language)
    first = frame.iloc[0]
    assert first["outcome"] == "wellbeing"
    label = result.about.gains["wellbeing"].label[language]  # type: ignore[index]
    assert means.rows[0][0].startswith(f"{label}: ")
    assert means.rows[0][1:5] == tuple(
        number(first[c], language, 1) for c in ("mean_pre", "sd_pre", "mean_post", "sd_post")
    )
    ci = "; ".join(plus(first[c], language, 1) for c in ("ci_low", "ci_high"))
    assert means.rows[0][5:] == (
        f"{plus(first['estimate'], language, 1)} [{ci}]", number(int(first["n_paired"]), language),
        p_text(first["p"], language), p_text(first["p_adjusted"], language),
    )  # fmt: skip
    yes = frame[frame["binary"].astype(bool)].iloc[0]
    assert len(shares.rows) == 1
    assert shares.rows[0][1:3] == (percent(yes["mean_pre"], language), percent(yes["mean_post"], language))
    assert shares.rows[0][3].startswith(points(yes["estimate"], language) + " [")
    assert shares.rows[0][5] == p_text(yes["p_mcnemar"], language)
    assert size.rows[0][1].startswith(plus(first["d_z"], language))
    assert size.rows[0][2].startswith(plus(first["d_av"], language))
    assert size.rows[0][5:] == tuple(percent(first[c], language) for c in ("improved", "same", "worse"))
    assert size.rows[-1][1:5] == ("", "", "", "")  # of yes and no there is no d
    marked = {row[0]: [MARK in cell for cell in row[1:]] for row in ends.rows}
    belong = frame[frame["outcome"] == "belong"].iloc[0]
    name = result.about.gains["belong"].label[language]  # type: ignore[index]
    assert marked[name] == [belong[c] >= AT_END for c in ("floor_pre", "floor_post", "ceiling_pre", "ceiling_post")]
    assert marked[name] == [False, False, True, True]
    assert people.rows[0][1:] == tuple(number(int(first[c]), language) for c in ("n", "n_pre", "n_post", "n_paired"))
    assert len(disability.rows) == 5 * (1 + 2)
    assert say("gains_test_mixed", language) in occasions.rows[0]
    notes = " ".join(made.notes)
    for key in ("note_no_comparison", "note_synthetic", "gains_note_d", "gains_note_ranks", "note_unweighted"):
        assert say(key, language) in notes
    assert say("correction_holm", language) in notes
    assert all(quoted(row[0], language) in notes for row in (shares.rows[0], means.rows[-1]))  # the family by name
    assert "survey.yml" not in notes
    for block in made.blocks:
        assert {len(row) for row in block.rows} == {len(block.head)}
        assert len(block.head) <= 9  # as wide as a landscape page


@pytest.mark.parametrize("language", LANGUAGES)
def test_looking_back_all_three_changes_stand_side_by_side(language: str) -> None:
    result = shipped_gains("confidence", "job_clarity").to(language)
    made = table(result)
    assert made.title == say("gains_title_retro_pre", language)
    means, size = made.blocks[:2]
    assert [row[5].split(" ")[0] for row in means.rows[:3]] == [
        plus(v, language) for v in result.frame[result.frame["by"] == ""]["estimate"][:3]
    ]
    assert [bool(row[5]) for row in size.rows[:3]] == [True, True, False]  # nobody improves by rating differently
    assert means.rows[2][8] == ""  # the response shift is not in the family
    assert say("gains_note_shift", language) in made.notes
    said = takeaway.dispatch(Gains)(result)
    bullets = " ".join(said.bullets)
    shift = result.frame[(result.frame["change"] == "then - pre") & (result.frame["by"] == "")].iloc[0]
    assert number(abs(shift["estimate"]), language, 2) in bullets
    then_rated = say("takeaway_gain_shift_lower", language, outcome="", size="", back="", then="")
    assert then_rated.split(".")[0].strip(": ")[:25] in bullets


def test_a_single_outcome_names_itself_in_the_title() -> None:
    assert table(shipped_gains("belong")).title == (
        "Sense of belonging – Change reported by participants: asked at entry and at exit"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_takeaway_of_gains(language: str) -> None:
    result = shipped_gains().to(language)
    said = takeaway.dispatch(Gains)(result)
    assert say("note_no_comparison", language) in said.paragraphs[0]
    top = result.frame[(result.frame["by"] == "")].sort_values("d_av", ascending=False).iloc[0]
    label = result.about.gains[top["outcome"]].label[language]  # type: ignore[index]
    assert quoted(label, language) in said.paragraphs[0]
    assert plus(top["estimate"], language) in said.paragraphs[0]
    assert len(said.bullets) == 5 + 2
    for row, bullet in zip(result.frame[result.frame["by"] == ""].to_dict("records"), said.bullets, strict=False):
        assert percent(row["improved"], language) in bullet
        assert percent(row["worse"], language) in bullet
        assert number(int(row["n_paired"]), language) in bullet


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("at", ["post", "later_1"])
def test_attrition_in_words(at: str, language: str) -> None:
    result = shipped_attrition(at=at).to(language)
    made = table(result)
    follow_up, entry, found = made.blocks
    share = percent(result.follow_up, language)
    assert follow_up.rows[0][3] == (f"{share} !" if at == "later_1" else share)
    assert result.low == (at == "later_1")
    low = say("attrition_note_low", language, share=percent(0.7, language))
    assert (low in made.notes) == result.low
    marked = [row for row in entry.rows if MARK in row[3]]
    assert bool(marked) == bool(result.flagged) == (at == "later_1")
    assert len(found.rows) == 5
    complete, weighted = found.rows[:2]
    values = result.result["estimate"]
    assert [row[1].split(" ")[0] for row in (complete, weighted)] == [plus(v, language, 1) for v in values[:2]]
    said = takeaway.dispatch(Attrition)(result)
    text = repr(said)
    assert share in text
    assert plus(values.iloc[3], language, 1) in text
    assert plus(values.iloc[4], language, 1) in text
    key = "takeaway_attrition_moves" if at == "later_1" else "takeaway_attrition_holds"
    assert say(key, language, before="", after="").split(":")[0] in text
    assert say("note_no_comparison", language) in text
    assert say("note_no_comparison", language) in made.notes


def test_of_a_question_that_few_left_out_the_levels_are_shown_of_those_who_answered() -> None:
    result = shipped_attrition()
    raw, gated = result.frame, gated_attrition(result)
    theirs = raw[raw["variable"] == "ethnicity"]
    assert theirs.loc[theirs["missing"], "n_lost"].iloc[0] < 20
    rows = gated[gated["variable"] == "ethnicity"].set_index("level")
    assert not rows["missing"].any()
    assert rows[["kept", "lost", "base", "weighted"]].sum().tolist() == pytest.approx([1] * 4)
    assert rows[["n_kept", "n_lost"]].isna().all(axis=None)  # what is left of everybody would be the few
    roma = theirs.set_index("level").loc["roma"]
    assert rows.loc["roma", "kept"] == pytest.approx(roma["n_kept"] / (2477 - 21))
    assert rows.loc["roma", "status"] == "bracketed"
    assert rows.loc["roma", "difference"] == pytest.approx(roma["difference"], abs=0.01)
    assert "Roma" in repr(takeaway.dispatch(Attrition)(result))
    of_number = [part[part["variable"] == "confidence_entry"].iloc[0] for part in (raw, gated)]
    assert of_number[0]["kept"] == of_number[1]["kept"]  # a mean is always of those who answered
    assert np.isnan(of_number[1]["n_kept"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_weights_for_non_response_in_words(language: str) -> None:
    weights = shipped_attrition().weights
    assert weights is not None
    made = table(weights.to(language))
    summary = dict(made.blocks[0].rows)
    assert summary[say("response_weights_n_eff", language)] == number(weights.n_eff, language)
    assert summary[say("response_weights_deff", language)] == number(weights.deff, language, 2)
    assert say("response_weights_trimmed", language) not in summary
    rows = {row[0]: row for row in made.blocks[1].rows}
    man = weights.frame[weights.frame["level"] == "man"].iloc[0]
    label = weights.questionnaire["gender"].choices[1].label(language)
    assert rows[f"·{SPACE}{label}"][3].startswith(number(man["odds_ratio"], language, 2))
    assert say("adjusted_reference", language) in [row[3] for row in made.blocks[1].rows]
    assert say("response_weights_note_propensity", language) in made.notes


@pytest.mark.parametrize("language", LANGUAGES)
def test_reliability_in_words(language: str) -> None:
    result = ml.reliability(shipped(), "wellbeing_entry").to(language)
    made = table(result)
    alpha, omega = made.blocks[0].rows
    assert alpha[1] == number(result.alpha, language, 2)
    assert alpha[2] == f"[{number(result.alpha_low, language, 2)}; {number(result.alpha_high, language, 2)}]"
    assert alpha[3] == omega[3] == number(result.n, language)
    assert len(made.blocks[1].rows) == 5
    assert made.blocks[1].rows[0][5] == number(result.frame["alpha_if_dropped"][0], language, 2)
    said = repr(takeaway.dispatch(Reliability)(result))
    assert number(0.7, language, 1) in said
    assert number(0.9, language, 1) in said
    assert number(result.alpha, language, 2) in said


# ----------------------------------------------------------------------------------------------------- nothing hidden

TOWNS = {"small": 13, "next": 27, "two": 80, "one": 140}
HIDDEN = ("small", "next")


def towns(gate: str = "standard", **more: Any) -> ml.Survey:
    """A group of few, which comes out by subtraction unless another one is hidden; four occasions, a comparison."""
    rng = np.random.default_rng(8)
    town = np.repeat(list(TOWNS), list(TOWNS.values()))
    n = len(town)
    pre = rng.integers(1, 5, n)
    frame = pd.DataFrame({"town": pd.Categorical(town, list(TOWNS)), "pre": pre})
    frame["post"] = np.clip(pre + rng.integers(0, 2, n), 1, 5)
    frame["later"] = np.clip(pre + rng.integers(-1, 2, n), 1, 5)
    frame["yes_pre"], frame["yes_post"] = (np.where(rng.random(n) < share, "yes", "no") for share in (0.3, 0.6))
    frame["group"] = np.where(rng.random(n) < 0.4, "other", "ours") if more.pop("compared", False) else "ours"
    gains = {
        "trust": Instrument(design="pre_post", pre="pre", post="post", later=("later",)),
        "works": Instrument(design="pre_post", pre="yes_pre", post="yes_post"),
    }
    return declared(frame, gains, gate=gate, **more)


def programme_of(comparison: str) -> dict[str, Any]:
    return {
        "programme": Programme(
            entry="come", exit="gone", outcome="got", definitions={}, complete=True, comparison=comparison
        )
    }


def gains_of(survey: ml.Survey, **more: Any) -> Gains:
    found = ml.gains(survey, **more)
    assert isinstance(found, Gains)
    return found


NUMBERS = ["mean_pre", "sd_pre", "mean_post", "sd_post", "estimate", "se", "ci_low", "ci_high", "t", "d_z", "d_av",
           "rank_biserial", "improved", "worse", "floor_pre", "ceiling_post"]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_hidden_of_gains_is_written(language: str, tmp_path: Path) -> None:
    result = gains_of(towns(), by="town")
    frame = result.frame
    hidden = frame[frame["level"].isin(HIDDEN)]
    shown = frame.loc[~frame["level"].isin(HIDDEN), NUMBERS].to_numpy(dtype=float).ravel()
    values = [v for v in hidden[NUMBERS].to_numpy(dtype=float).ravel() if not np.isclose(v, shown).any()]
    if language == "en":
        text, numbers = written(result, tmp_path)
        require_none(values, numbers)
        assert not np.isin(numbers, [13, 27]).any()
        assert "< 20" in text
    result = result.to(language)
    for by in table(result).blocks:
        for row in by.rows:
            if any(name in row[0] for name in HIDDEN):
                assert set(row[1:]) <= {"–", "< 20", ""}
    notes = table(result).notes
    assert say("note_few", language, mark="–", n=20) in notes
    assert say("gains_note_protected", language, mark="–") in notes
    said = repr(takeaway.dispatch(Gains)(result))
    assert "small" not in said
    assert "next" not in said


def test_open_data_are_shown_and_said() -> None:
    result = gains_of(towns("open"), by="town")
    assert say("note_gate_open", "en") in table(result).notes
    assert "< 20" not in repr(result)
    assert np.isfinite(gated_gains(result)["n_paired"]).all()


def test_few_in_brackets() -> None:
    result = gains_of(towns(), by="town", where="${town} = 'next' or ${town} = 'two'", outcomes="trust")
    block = next(block for block in table(result).blocks if block.title == "town")
    row = next(row for row in block.rows if row[0].endswith("next"))
    assert row[1].startswith("(")
    assert row[3].startswith("(")
    assert say("note_bracketed", "en", low=20, high=49) in table(result).notes
    assert say("note_where", "en", where=result.where) in table(result).notes


def test_nobody_may_be_shown_at_all() -> None:
    result = gains_of(towns(), where="${town} = 'small'")
    assert set(cells(result)) <= {"–", "< 20"} | {c for c in cells(result) if not re.search(r"\d", c)}
    assert repr(takeaway.dispatch(Gains)(result)) == say("takeaway_none", "en")


def test_means_of_all_occasions_do_not_tell_of_the_few_without_the_last() -> None:
    frame = pd.DataFrame({"pre": [1, 2, 3, 4] * 15, "post": [2, 2, 4, 5] * 15, "later": [2, 3, 3, 5] * 15})
    frame["later"] = frame["later"].astype(float).mask(frame.index < 4)
    gains = {"t": Instrument(design="pre_post", pre="pre", post="post", later=("later",))}
    result = gains_of(declared(frame, gains))
    assert result.occasions["test"].tolist() == ["friedman"]
    block = table(result).blocks[-1]
    assert block.rows[0][1:4] == ("–", "–", "–")
    assert block.rows[0][7] != ""
    assert say("gains_note_protected", "en", mark="–") in table(result).notes
    frame["later"] = frame["later"].mask(frame.index < 24)
    block = table(gains_of(declared(frame, gains))).blocks[-1]
    assert "–" not in block.rows[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_participants_against_a_comparison_group(language: str, tmp_path: Path) -> None:
    survey = towns(compared=True, **programme_of("${group} = 'other'"))
    result = gains_of(survey, by="town")
    raw, gated = result.versus, gated_versus(result)
    assert gated.loc[gated["level"].isin(["small", "next"]), "reason"].ne("").all()
    assert gated.loc[gated["by"] == "", "reason"].eq("").all()
    hidden = gated["reason"] != ""
    assert gated.loc[hidden, ["difference", "n_comparison", "participants", "comparison", "p"]].isna().all(axis=None)
    if language == "en":
        _, numbers = written(result, tmp_path)
        require_none(raw.loc[hidden, ["se", "ci_low", "ci_high"]].to_numpy(dtype=float).ravel(), numbers)
    rows = table(result).blocks[-1].rows
    assert [set(row[1:]) == {"–"} for row in rows] == hidden.tolist()
    made = table(result.to(language))
    assert made.blocks[-1].title == say("gains_block_versus", language)
    assert say("gains_note_versus", language) in made.notes
    assert say("note_no_comparison", language) not in made.notes
    total = raw[raw["by"] == ""].iloc[0]
    assert made.blocks[-1].rows[0][3].startswith(plus(total["difference"], language))
    said = takeaway.dispatch(Gains)(result.to(language))
    assert say("takeaway_gain_versus_assumes", language) in said.paragraphs[0]
    assert any(plus(total["difference"], language) in bullet for bullet in said.bullets)
    caveat = say("attrition_note_comparison", language)
    found = ml.attrition(survey, "trust", known="town", at="later_1", limits=(1, 5))
    assert caveat in table(found.to(language)).notes


# -------------------------------------------------------------------------------------------------- stated results


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_nobody_changed_it_is_stated(language: str) -> None:
    frame = pd.DataFrame({"pre": [1, 2, 3, 4] * 15, "post": [1, 2, 3, 4] * 15, "a": [2, 3] * 30, "b": [3, 4] * 30})
    frame["y"], frame["z"] = ["yes", "no"] * 30, ["yes", "no"] * 30
    gains = {
        "still": Instrument(design="pre_post", pre="pre", post="post"),
        "alike": Instrument(design="pre_post", pre="a", post="b"),
        "same": Instrument(design="pre_post", pre="y", post="z"),
    }
    result = gains_of(declared(frame, gains)).to(language)
    notes = table(result).notes
    assert say("gains_note_nobody", language, rows="pre; y") in notes
    assert say("gains_note_alike", language, rows="a") in notes
    zero = number(0, language, 2)
    assert table(result).blocks[0].rows[0][5] == f"{zero} [{zero}; {zero}]"
    bullets = takeaway.dispatch(Gains)(result).bullets
    assert say("takeaway_gain_still", language, outcome=quoted("pre", language), n=60) in bullets


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_change_that_is_not_established_is_called_so(language: str) -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"pre": rng.integers(1, 8, 60), "post": rng.integers(1, 8, 60)})
    gains = {"noise": Instrument(design="pre_post", pre="pre", post="post", better="lower", smallest=2)}
    result = gains_of(declared(frame, gains)).to(language)
    row = result.frame.iloc[0]
    assert row["p"] > 0.05
    said = takeaway.dispatch(Gains)(result)
    assert said.paragraphs[0].startswith(say("takeaway_gain_nothing", language))
    assert f"p = {p_text(row['p_adjusted'], language)}" in said.bullets[0]
    assert say("correction_holm", language) in said.bullets[0]
    notes = " ".join(table(result).notes)
    assert say("gains_note_lower", language, outcomes=quoted("pre", language)) in notes
    assert say("gains_note_smallest", language, size="2", outcomes=quoted("pre", language)) in notes


def test_of_a_weighted_survey_the_tests_without_weights_are_named() -> None:
    frame = towns().responses.assign(w=np.linspace(0.5, 2, sum(TOWNS.values())))
    gains = {"trust": Instrument(design="pre_post", pre="pre", post="post")}
    result = gains_of(declared(frame, gains, weight="w"))
    notes = table(result).notes
    assert say("gains_note_design_interval", "en", level="95%") in notes
    assert say("note_weighted", "en", weight="w") in notes


# ------------------------------------------------------------------------------------------------- attrition, hidden


def lost(n_lost: int = 60, **more: Any) -> ml.Survey:
    """Of 300 people ``n_lost`` are lost, of the small town few."""
    rng = np.random.default_rng(3)
    n = 300
    town = np.array(["small"] * 30 + ["next"] * 50 + ["two"] * 100 + ["one"] * 120, dtype=object)
    gone = np.zeros(n, dtype=bool)
    order = [*range(9), *range(30, 60), *range(100, 150), *range(200, 300)] if n_lost > 20 else range(n_lost)
    gone[list(order)[:n_lost]] = True
    frame = pd.DataFrame({"town": town, "pre": rng.integers(1, 6, n), "sex": rng.choice(["f", "m"], n)})
    frame["post"] = np.where(gone, np.nan, np.clip(frame["pre"] + rng.integers(0, 2, n), 1, 5))
    return declared(frame, {"trust": Instrument(design="pre_post", pre="pre", post="post")}, **more)


def test_nothing_hidden_of_attrition_is_written(tmp_path: Path) -> None:
    result = ml.attrition(lost(160), "trust", known=["town", "sex"], limits=(1, 5))
    raw, gated = result.frame, gated_attrition(result)
    rows = gated[gated["variable"] == "town"].set_index("level")
    assert raw.set_index("level").loc["small", "n_lost"] == 9
    assert rows.loc["small", "reason"] == "few"
    assert (rows["reason"] == "protect").sum() == 1
    columns = ["n_kept", "n_lost", "base", "kept", "lost", "difference", "weighted"]
    hidden = raw.loc[raw["level"].isin(rows.index[rows["reason"] != ""]), columns].to_numpy(dtype=float).ravel()
    shown = raw.loc[~raw["level"].isin(rows.index[rows["reason"] != ""]), columns].to_numpy(dtype=float).ravel()
    _, numbers = written(result, tmp_path)
    require_none([v for v in hidden if not np.isclose(v, shown).any()], numbers)
    assert rows["overall"].isna().all()
    assert result.weights is not None
    told = gated_response(result.weights)
    _, numbers = written(result.weights, tmp_path)
    gone = result.weights.frame[result.weights.frame["level"].isin(rows.index[rows["reason"] != ""])]
    values = gone[["n", "kept", "odds_ratio", "odds_ratio_low", "p"]].to_numpy(dtype=float).ravel()
    require_none([v for v in values if not np.isin(v, told[["n", "kept"]])], numbers)
    notes = table(result).notes
    assert say("attrition_note_few", "en", mark="–", n=20) in notes
    assert say("gains_note_protected", "en", mark="–") in notes
    assert "small" not in repr(takeaway.dispatch(Attrition)(result))


def test_the_answers_of_few_lost_do_not_come_out_of_the_bounds(tmp_path: Path) -> None:
    result = ml.attrition(lost(12), "trust", known=["sex"], limits=(1, 5))
    assert result.n_lost == 12
    found = gated_result(result)
    assert found.loc[found["way"].isin(["worst", "best"]), ["estimate", "ci_low", "se"]].isna().all(axis=None)
    assert found.loc[found["way"] == "complete", "estimate"].notna().all()
    text, _ = written(result, tmp_path)
    assert say("attrition_note_few_lost", "en", mark="–", n=20) in text
    for way in ("worst", "best"):
        row = result.result[result.result["way"] == way].iloc[0]
        assert plus(row["estimate"], "en") not in text
    assert gated_attrition(result)["reason"].eq("few").all()
    assert say("takeaway_attrition_alike", "en", limit="0.25", differences="x")[:30] not in text
    opened = ml.attrition(lost(12, gate="open"), "trust", known=["sex"], limits=(1, 5))
    assert gated_result(opened)["estimate"].tolist() == opened.result["estimate"].tolist()
    assert plus(opened.result["estimate"].iloc[4], "en") in repr(opened)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("n", "named"), [(30, True), (9, False)])
def test_why_there_are_no_weights(n: int, named: bool, language: str) -> None:
    frame = pd.DataFrame({"town": ["rare"] * n + ["a", "b"] * 60, "pre": ([1, 2, 3, 4, 5] * 60)[: n + 120]})
    frame["post"] = frame["pre"].astype(float).mask((frame["town"] == "rare") | (frame.index % 4 == 0))
    survey = declared(frame, {"trust": Instrument(design="pre_post", pre="pre", post="post")})
    result = ml.attrition(survey, "trust", known="town").to(language)
    assert result.weights is None
    made = table(result)
    said = [note for note in made.notes if note in repr(takeaway.dispatch(Attrition)(result))]
    why = next(note for note in said if note != say("note_no_comparison", language))
    assert ("rare" in why) == named
    assert len(made.blocks[2].rows) == 4  # without the weighted one


def test_classes_and_trimming_in_words() -> None:
    found = ml.response_weights(lost(160), "trust", known=["town", "sex"], method="classes", trim=0.9)
    made = table(found)
    assert [len(block.head) for block in made.blocks] == [2, 3]
    assert ("Weights cut", str(found.trimmed)) in made.blocks[0].rows
    assert say("response_weights_note_classes", "en") in made.notes
    hidden = gated_response(found)["reason"] != ""
    assert hidden.any()
    assert gated_response(found).loc[hidden, ["n", "kept", "share"]].isna().all(axis=None)


def test_of_a_check_list_the_weights_name_the_question() -> None:
    weights = ml.response_weights(shipped(), "reported", known=["gender"])
    assert table(weights).title.endswith(shipped().questionnaire["gains"].label("en"))


# ------------------------------------------------------------------------------------------------------ reliability


def scaled(n: int, items: int = 3, noise: float = 1.0, gate: str = "standard", flat: int = 0) -> Reliability:
    rng = np.random.default_rng(5)
    common = rng.normal(size=n)
    values = {f"i{i}": np.clip(np.round(3 + common + noise * rng.normal(size=n)), 1, 5) for i in range(items)}
    frame = pd.DataFrame(values).astype(int)
    for i in range(flat):
        frame[f"i{i}"] = 3
    scales = {"s": Scale(items=tuple(values), range=(1, 5), reverse=("i1",) if noise > 5 else ())}
    return ml.reliability(declared(frame, {}, scales=scales, gate=gate), "s")


def test_the_reliability_of_few_is_hidden(tmp_path: Path) -> None:
    result = scaled(15)
    text, numbers = written(result, tmp_path)
    values = [result.alpha, result.omega, *result.frame[["mean", "sd", "item_rest"]].to_numpy().ravel(), 15]
    require_none(values, numbers)
    assert number(result.alpha, "en", 2) not in text
    assert repr(takeaway.dispatch(Reliability)(result)) == say("takeaway_none", "en")
    assert "< 20" in text
    assert np.isfinite(gated_reliability(scaled(15, gate="open"))["mean"]).all()


def test_the_reliability_of_some_is_in_brackets() -> None:
    assert table(scaled(30)).blocks[0].rows[0][1].startswith("(")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("noise", "kind"), [(0.25, "people"), (0.9, "groups"), (6.0, "low")], ids=["people", "groups", "low"]
)
def test_what_a_scale_is_good_for(noise: float, kind: str, language: str) -> None:
    result = scaled(300, noise=noise).to(language)
    said = takeaway.dispatch(Reliability)(result)
    start = say(f"takeaway_reliable_{kind}", language, scale=quoted("s", language), alpha="@", n=300, groups="",
                people="").split("@")[0]  # fmt: skip
    assert said.paragraphs[0].startswith(start)
    if kind == "low":
        assert say("reliability_note_reversed", language) in table(result).notes
        assert any("i1" in row[0] and row[0] != "i1" for row in table(result).blocks[1].rows)


@pytest.mark.parametrize("language", LANGUAGES)
def test_why_there_is_no_omega_or_alpha(language: str) -> None:
    two = scaled(100, items=2).to(language)
    assert two.omega_missing == "two_items"
    assert say("reliability_brown", language) in [row[0] for row in table(two).blocks[0].rows]
    why = say("reliability_missing_two_items", language, what=say("reliability_omega", language))
    assert why in table(two).notes
    assert why in takeaway.dispatch(Reliability)(two).paragraphs[0]
    flat = scaled(100, flat=2).to(language)
    assert flat.alpha_missing == "constant"
    why = say("reliability_missing_constant", language, what=say("reliability_alpha", language))
    assert why in table(flat).notes
    assert why in takeaway.dispatch(Reliability)(flat).paragraphs[0]
    assert len(table(flat).blocks) == 1
    named = quoted("i0", language) + ", " + quoted("i1", language)
    assert say("reliability_note_constant", language, items=named) in table(flat).notes
