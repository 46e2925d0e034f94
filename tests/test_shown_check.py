"""The map of findings: what it counts, what it leaves out and says so, three languages, text on the page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from pages import outside, overlapping, words_on
from surveys import SHIPPED

import motivlab as ml
from motivlab.kinds import Paradata
from motivlab.language import LANGUAGES
from motivlab.page import figure_of


@pytest.fixture(autouse=True)
def _closed() -> Any:
    yield
    plt.close("all")


def many(interviewers: int, days: int, language: str = "en") -> ml.Survey:
    """Wrong codes in several questions, more of them with a later interviewer."""
    n = 1200
    rng = np.random.default_rng(5)
    who = rng.integers(0, interviewers, n)
    frame = pd.DataFrame({"who": [f"{i + 1}" for i in who], "day": pd.Timestamp("2021-03-01")})
    frame["day"] += pd.to_timedelta(rng.integers(0, days, n), unit="D")
    for i in range(30):
        frame[f"a_question_with_a_long_name_{i:02d}"] = rng.choice(["yes", "no"], n)
    survey = ml.Survey.from_frame(frame)
    broken = survey.responses.copy()
    for i in range(30):
        name = f"a_question_with_a_long_name_{i:02d}"
        wrong = rng.random(n) < 0.002 * (i + 1) * (1 + who / interviewers)
        broken[name] = broken[name].astype(object).mask(wrong, "maybe")
    about = survey.about.model_copy(update={"paradata": Paradata(interviewer="who", day="day"), "synthetic": True})
    return replace(survey, responses=broken, about=about, language=language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("by", "interviewers", "days"), [
    ("interviewer", 3, 5), ("interviewer", 40, 5), ("day", 3, 5), ("day", 3, 24), ("day", 3, 90),
])  # fmt: skip
def test_all_words_are_on_the_page_and_apart(language: str, by: str, interviewers: int, days: int) -> None:
    report = many(interviewers, days, language).check()
    figure = figure_of(ml.plot_findings(report, by))
    assert outside(figure) == []
    assert overlapping(figure) == []


def test_the_cells_are_the_findings() -> None:
    report = many(6, 4).check()
    ax = ml.plot_findings(report)
    found = report.findings[report.findings["rule"] == "unknown_code"]
    top = found["variable"].value_counts()
    names = [label.get_text().replace("\n", "") for label in ax.get_yticklabels()]
    assert len(names) == 24
    assert names[0] == top.index[0]
    heads = [label.get_text() for label in ax.get_xticklabels()]
    shown = found[found["variable"].isin(names)]
    assert heads == [f"{who}  ({n})" for who, n in shown["interviewer"].value_counts().sort_index().items()]
    words = words_on(figure_of(ax)).replace("\n", " ")
    left = len(report.findings[report.findings["severity"] != "note"]) - len(shown)
    assert f"{left} findings are not in the figure" in words


def test_many_days_are_weeks_named_by_their_monday() -> None:
    ax = ml.plot_findings(many(3, 90).check(), "day")
    days = pd.to_datetime([label.get_text().split()[0] for label in ax.get_xticklabels()])
    assert (days.day_of_week == 0).all()
    assert days.is_monotonic_increasing


def test_without_interviewer_or_day_there_is_no_map() -> None:
    survey = ml.open_survey(SHIPPED, responses="responses_with_errors.csv")
    with pytest.raises(ValueError, match=r"no finding has an interviewer.*paradata.interviewer"):
        ml.plot_findings(survey.check())
    with pytest.raises(ValueError, match="by is 'weekday'"):
        ml.plot_findings(survey.check(), "weekday")
    assert ml.plot_findings(survey.check(), "day").get_yticklabels()[0].get_text() == "age"
