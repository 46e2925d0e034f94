"""Real programme gains, the Carpentries' survey of 2017: imported, counted, and held against its own report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from carpentries import import_carpentries
from surveys import REAL

import motivlab as ml

PUBLISHED = Path(__file__).parent / "reference" / "carpentries_published.csv"


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> ml.Survey:
    file = REAL / "carpentries2017" / "responses.csv"
    if not file.exists():
        pytest.skip("the real data, ../shared/real/carpentries2017, is not here")
    return import_carpentries(file, tmp_path_factory.mktemp("real") / "carpentries")


def test_it_comes_in_whole_and_clean(survey: ml.Survey) -> None:
    assert len(survey.responses) == 476
    # no fault of a respondent; but half and two thirds of them ticked nothing in two select-all questions
    found = survey.check().findings
    asked = found[found["severity"] != "note"]
    assert list(asked["rule"] + " " + asked["variable"]) == [
        "no_answer_question activities", "no_answer_question involvement",
    ]  # fmt: skip
    raw = pd.read_csv(REAL / "carpentries2017" / "responses.csv")
    ticked = survey.responses[[c for c in survey.responses if c.startswith("content/")]].sum()
    # every choice has as many ticks as its column has cells, and its wording is theirs
    assert ticked.tolist() == raw.loc[:, "Content":"Column23"].notna().sum().tolist()  # type: ignore[misc]
    assert survey.questionnaire["content"].answers[1].label("en") == "Git"
    assert [c.name for c in survey.questionnaire["skills_advance_career"].choices if c.neutral] == ["3"]


def test_the_published_counts_come_out(survey: ml.Survey) -> None:
    taught = ml.prevalence(survey, "content").frame.set_index("item")["k"]
    assert taught[["git", "python", "unix_shell"]].tolist() == [362, 289, 274]
    use = {when: ml.prevalence(survey, f"programming_usage_{when}_workshop").frame.set_index("item")["k"]
           for when in ("before", "since")}  # fmt: skip
    assert (use["before"]["1"], use["since"]["1"]) == (75, 22)
    assert (use["before"]["6"], use["since"]["6"]) == (119, 188)


def test_the_gains_are_what_the_instruments_say(survey: ml.Survey) -> None:
    usage = ml.gains(survey, "usage").frame.iloc[0]
    raw = survey.responses
    pre, post = (raw[f"programming_usage_{when}_workshop"].astype("Float64") for when in ("before", "since"))
    both = (post - pre).dropna()
    assert usage["change"] == "post - then"
    assert usage["n_paired"] == len(both) == 433
    assert usage["estimate"] == pytest.approx(both.mean())
    assert (usage["k_improved"], usage["k_same"], usage["k_worse"]) == (
        (both > 0).sum(), (both == 0).sum(), (both < 0).sum(),
    )  # fmt: skip
    rated = ml.gains(survey, "confidence").frame.query("net").set_index("item")["estimate"]
    assert rated.round(2).to_dict() == {"improved": 0.77, "same": 0.22, "worse": 0.01}
    with pytest.raises(ValueError, match="never pooled"):
        ml.gains(survey, ["usage", "confidence"])


def test_the_figures_that_the_file_contradicts_are_found_by_comparing(survey: ml.Survey) -> None:
    published = ml.read_published(PUBLISHED)
    found = []
    for question in published["question"].unique():
        nets = {"agree": ["4", "5"]} if "agree" in set(published.loc[published["question"] == question, "item"]) else {}
        frame = ml.against_published(ml.prevalence(survey, question, nets=nets), published).frame
        beside = frame[frame["published"].notna()]
        # exact figures are whole percentages of this very file, of two choices the sum of two; "more than" is a bound
        slack = 0.01 if nets else 0.005
        apart = np.where(
            beside["qualifier"] == "exact", beside["difference"].abs() > slack, beside["estimate"] < beside["published"]
        )
        found += [(question, row.item, round(row.estimate, 3)) for row in beside[apart].itertuples()]
        assert len(beside) == (published["question"] == question).sum()
    assert found == [
        ("received_professional_recognition", "agree", 0.246),  # the report: forty percent
        ("behaviours", "using_version_control_to_manage_code", 0.472),  # the report: more than half
    ]
