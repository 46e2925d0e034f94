"""The gate: thresholds at their edges, and that nothing suppressed gets past it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import motivlab as ml
from motivlab.gate import PROFILES, Gated, judged, protected

SECRET = ["k", "estimate", "se", "ci_low", "ci_high", "deff", "n_eff"]


def survey_of(n: int, missing: int = 0, gate: str = "standard") -> ml.Survey:
    """n valid answers, a third of them yes, and some who refused."""
    frame = pd.DataFrame({"y": (["yes", "no", "no"] * n)[:n] + [None] * missing})
    survey = ml.Survey.from_frame(frame)
    about = survey.about.model_copy(update={"gate": gate})
    return ml.Survey(survey.responses, survey.questionnaire, about)


@pytest.mark.parametrize(
    ("n", "missing", "status", "reason", "flagged"),
    [
        (19, 0, "suppressed", "few", False),
        (20, 0, "bracketed", "", False),
        (49, 0, "bracketed", "", False),
        (50, 0, "shown", "", False),
        (90, 10, "shown", "", False),  # 10 % exactly
        (89, 11, "shown", "", True),
        (70, 30, "shown", "", True),  # 30 % exactly
        (69, 31, "suppressed", "nonresponse", False),
        (15, 85, "suppressed", "few", False),
    ],
)
def test_thresholds_at_their_edges(n: int, missing: int, status: str, reason: str, flagged: bool) -> None:
    rows = ml.gate(ml.prevalence(survey_of(n, missing), "y")).frame
    assert rows["status"].unique().tolist() == [status]
    assert rows["reason"].unique().tolist() == [reason]
    assert rows["flagged"].unique().tolist() == [flagged]
    assert rows[SECRET].isna().all(axis=None) == (status == "suppressed")
    assert rows["n"].isna().all() == (reason == "few")


def test_the_number_of_a_small_group_is_not_told() -> None:
    gated = ml.gate(ml.prevalence(survey_of(19, 1), "y"))
    numbers = gated.frame.select_dtypes("number")
    assert numbers.isna().all(axis=None)


def test_an_empty_group_is_a_row_that_says_so() -> None:
    frame = pd.DataFrame({"y": ["a", "b"] * 40, "g": pd.Categorical(["u"] * 80, categories=["u", "v"])})
    estimates = ml.prevalence(ml.Survey.from_frame(frame), "y", by="g")
    rows = ml.gate(estimates).frame
    assert rows.loc[rows["level"] == "v", "reason"].unique().tolist() == ["empty"]
    assert "nobody in the group: v" in repr(estimates)


def test_open_data_are_shown_and_every_output_says_so(tmp_path: Path) -> None:
    estimates = ml.prevalence(survey_of(9, gate="open"), "y")
    assert ml.gate(estimates).frame["status"].unique().tolist() == ["shown"]
    said = "No reliability or disclosure threshold was applied"
    assert said in repr(estimates)
    ml.export(estimates, tmp_path / "t.xlsx")
    assert said in "".join(pd.read_excel(tmp_path / "t.xlsx", sheet_name="Notes", header=None)[0])


def test_what_has_passed_is_not_changed_again() -> None:
    gated = ml.gate(ml.prevalence(survey_of(60), "y"))
    assert isinstance(gated, Gated)
    assert ml.gate(gated) is gated
    assert set(PROFILES) == {"standard", "open"}


@pytest.fixture
def exposed() -> Any:
    """Estimates whose one small group holds numbers found nowhere else: 7 of 13, weight 41."""
    frame = pd.DataFrame({"y": ["yes"] * 7 + ["no"] * 6 + ["yes", "no"] * 60, "g": ["small"] * 13 + ["large"] * 120})
    frame["w"] = [41.0] * 13 + [1.0] * 120
    estimates = ml.prevalence(ml.Survey.from_frame(frame, weight="w"), "y", by="g")
    small = estimates.frame[estimates.frame["level"] == "small"]
    assert small["n"].tolist() == [13, 13]
    return estimates


def test_nothing_suppressed_reaches_a_table_or_a_file(exposed: Any, tmp_path: Path) -> None:
    ml.export(exposed, *(tmp_path / f"t.{ending}" for ending in ("xlsx", "html", "csv")))
    sheets = pd.read_excel(tmp_path / "t.xlsx", sheet_name=None, header=None)
    assert list(sheets) == ["Table", "Numbers", "Notes"]
    texts = [repr(exposed), exposed._repr_html_(), (tmp_path / "t.html").read_text(encoding="utf-8")]
    texts += [ml.table(exposed).text(), repr(ml.takeaway(exposed))]
    share = exposed.frame[exposed.frame["level"] == "small"]["estimate"]
    for text in texts:
        assert "54%" not in text
        assert "46%" not in text
        assert "13" not in text.replace("n = 133", "").replace("133", "")
    for frame in (sheets["Numbers"], pd.read_csv(tmp_path / "t.csv", header=None)):
        values = pd.to_numeric(pd.Series(frame.to_numpy().ravel()), errors="coerce")
        assert not np.isclose(values.dropna().to_numpy()[:, None], share.to_numpy()).any()
        assert not (values == 13).any()
    published = json.dumps([df.astype(str).to_numpy().tolist() for df in sheets.values()])
    assert "few" in published
    assert "n\N{NO-BREAK SPACE}<\N{NO-BREAK SPACE}20" in ml.table(exposed).text()


def test_nothing_suppressed_reaches_a_figure(exposed: Any) -> None:
    axes = ml.plot_prevalence(exposed, "g")
    share = exposed.frame[exposed.frame["level"] == "small"]["estimate"].to_numpy()
    drawn = [x for line in axes.get_lines() for x in np.asarray(line.get_xdata(), dtype=float)]  # type: ignore[union-attr]
    drawn += [x for c in axes.collections for path in c.get_paths() for x in path.vertices[:, 0]]  # type: ignore[union-attr]
    assert not np.isclose(np.array(drawn)[:, None], share).any()
    words = " ".join(t.get_text() for t in axes.figure.texts)  # type: ignore[union-attr]
    assert "not shown: fewer than 20 respondents" in words


def test_of_few_who_were_asked_nothing_is_told() -> None:
    """Three people asked, all of whom refused; and a base of everybody of whom six were asked."""
    frame = pd.DataFrame({"q": pd.Categorical(["x"] * 60 + [None] * 3), "g": ["a"] * 30 + ["b"] * 30 + ["c"] * 3})
    survey = ml.Survey.from_frame(frame)
    alone = ml.prevalence(survey, "q", where="${g} = 'c'")
    rows = ml.gate(ml.prevalence(survey, "q", by="g")).frame
    for shown in (ml.gate(alone).frame, rows[rows["level"] == "c"]):
        assert shown["reason"].tolist() == ["few"]
        assert shown.select_dtypes("number").isna().all(axis=None)
    assert "nobody" not in repr(alone)
    assert "3" not in repr(alone).replace("30%", "")

    asked = pd.DataFrame({"q/a": [1, 0, 1, 0, 1, 0] + [None] * 94})
    survey = ml.Survey.from_frame(asked)
    everybody = ml.prevalence(survey, "q", base="all")
    shown = ml.gate(everybody).frame
    assert shown["n"].tolist() == [100] * 3
    assert shown[["asked", "missing", "not_asked"]].isna().all(axis=None)
    assert "(6)" not in repr(everybody)
    assert "< 20 of 100" in repr(ml.describe(survey, "q"))


def test_who_did_not_answer_enough_is_no_empty_group() -> None:
    frame = pd.DataFrame({"q": pd.Categorical(["x"] * 60 + [None] * 40), "g": ["a"] * 60 + ["c"] * 40})
    rows = ml.gate(ml.prevalence(ml.Survey.from_frame(frame), "q", by="g")).frame
    assert rows.loc[rows["level"] == "c", "reason"].tolist() == ["nonresponse"]


def test_the_n_of_a_group_is_that_of_what_is_shown() -> None:
    frame = pd.DataFrame({"q/a": [1.0, 0.0] * 300, "q/b": [1.0] * 15 + [None] * 585})
    blocks = ml.table(ml.prevalence(ml.Survey.from_frame(frame.assign(g="u")), "q", by="g")).blocks
    assert blocks[1].head[1] == "u\nn\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}307–600"  # b is not shown


def counted(*n: int) -> pd.DataFrame:
    frame = pd.DataFrame({"by": "town", "level": [f"t{i}" for i in range(len(n))], "n": n})
    return judged(frame.assign(asked=frame["n"], missing_share=0.0), PROFILES["standard"])


@pytest.mark.parametrize(
    ("n", "reasons"),
    [
        ((5, 30, 60), ["few", "protect", ""]),  # one alone would come out of the total
        ((5, 4, 30, 60), ["few", "few", "protect", ""]),  # two, but together too few
        ((15, 12, 30, 60), ["few", "few", "", ""]),
        ((50, 30, 60), ["", "", ""]),
        ((5, 30), ["few", "protect"]),
        ((0, 30, 60), ["empty", "", ""]),  # nobody to protect
    ],
)
def test_a_hidden_group_of_a_complete_count_does_not_come_out_by_subtraction(
    n: tuple[int, ...], reasons: list[str]
) -> None:
    found = protected(counted(*n), PROFILES["standard"])
    assert found["reason"].tolist() == reasons
    assert ((found["status"] == "suppressed") == (found["reason"] != "")).all()
