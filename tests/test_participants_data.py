"""The shipped survey of programme participants: made again, the published counts, its structure, its planted errors."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from surveys import ROOT

import motivlab as ml

FOLDER = ROOT / "data" / "programme_participants"
WORK = ["employment", "self_employment", "education"]
WIDE = [*WORK, "job_search", "qualification"]
ITEMS = [f"wb{i}" for i in range(1, 6)]

# As the README lists them: row of the file, variable and rule of each finding.
PLANTED = {
    (67, "education", "unknown_code"), (169, "gender", "unknown_code"), (321, "age", "wrong_type"),
    (406, "age", "out_of_range"), (539, "age", "out_of_range"), (636, "age", "wrong_type"),
    (706, "participant", "id_duplicate"), (707, "participant", "id_duplicate"), (814, "participant", "id_missing"),
    (921, "person", "person_duplicate"), (922, "person", "person_duplicate"), (1094, "exit_date", "date_order"),
    (1157, "exit_date", "date_order"), (1245, "follow_up_date", "date_order"), (1352, "exit_date", "date_order"),
    (3203, "completion_date", "not_exited"), (1572, "employment_date", "outcome_before_entry"),
    (3205, "entry_date", "out_of_range"), (3205, "start_date", "date_order"), (990, "follow_up_date", "wrong_type"),
    (3207, "outcome", "answered_not_asked"), (2000, "outcome", "asked_not_answered"), (2107, "outcome", "exclusive"),
    (2213, "employment_date", "answered_not_asked"), (2213, "employment_date", "outcome_not_chosen"),
    (2323, "employment_date", "asked_not_answered"), (2428, "drop_out", "answered_not_asked"),
    (2535, "gains/skills", "unknown_code"), (2653, "wb3_exit", "unknown_code"),
    (2750, "confidence_entry", "unknown_code"), (2859, "recommend", "out_of_range"),
    (2966, "confidence_then", "answered_not_asked"), (3074, "wb2_later", "answered_not_asked"),
}  # fmt: skip


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    """The file as text, with a few numbers computed from it."""
    frame = pd.read_csv(FOLDER / "responses.csv", dtype=str, keep_default_na=False)
    for name, choices in (("work", WORK), ("wide", WIDE)):
        frame[name] = (frame[[f"outcome/{choice}" for choice in choices]] == "1").any(axis=1)
    frame["left"] = frame["exit_date"] != ""
    frame["dropped"] = frame["left"] & (frame["completion_date"] == "")
    frame["reached"] = frame["follow_up_date"] != ""
    for when in ("entry", "exit", "later"):
        frame[f"wellbeing_{when}"] = numbers(frame, [f"{item}_{when}" for item in ITEMS]).mean(axis=1, skipna=False)
    return frame


def numbers(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    return frame[columns].apply(pd.to_numeric, errors="coerce")


def alpha(items: npt.NDArray[np.float64]) -> float:
    """Cronbach's alpha: k/(k-1) (1 - sum of item variances / variance of the sum)."""
    k = items.shape[1]
    return float(k / (k - 1) * (1 - items.var(axis=0, ddof=1).sum() / items.sum(axis=1).var(ddof=1)))


def test_it_is_made_again_byte_for_byte(tmp_path: Path) -> None:
    command = [sys.executable, FOLDER / "make_survey.py", "--to", tmp_path]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    for name in ("responses.csv", "responses_with_errors.csv"):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name
    table = done.stdout[done.stdout.index("| participant") :].strip()
    assert table in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_published_counts_come_out(people: pd.DataFrame) -> None:
    assert len(people) == 3239
    assert people["gender"].value_counts().to_dict() == {"woman": 2265, "man": 974}
    assert people["wide"].sum() == 1795
    pieriga = people[people["region"] == "pieriga"].groupby("stage")["work"].agg(["size", "sum"])
    assert pieriga.drop("earlier").to_numpy().tolist() == [[59, 27], [60, 33], [57, 34]]
    vidzeme = people[(people["region"] == "vidzeme") & (people["entry_year"] == "2021")]
    assert (len(vidzeme), vidzeme["work"].sum()) == (119, 73)
    # the stages of Pierīga have their published periods
    periods = {"stage_1": ("2020-11-13", "2021-05-30"), "stage_2": ("2021-08-01", "2022-02-28"),
               "stage_3": ("2022-03-01", "2022-08-31")}  # fmt: skip
    for stage, (first, last) in periods.items():
        rows = people[(people["region"] == "pieriga") & (people["stage"] == stage)]
        assert rows["entry_date"].min() >= first
        assert rows["exit_date"].max() <= last
        assert rows["left"].all()
    # "more than 2000" by 15.07.2021, "more than 2400" by 11.02.2022
    assert (people["entry_date"] <= "2021-07-15").sum() > 2000
    assert (people["entry_date"] <= "2022-02-11").sum() > 2400


def test_it_opens_and_checks_clean() -> None:
    survey = ml.open_survey(FOLDER)
    report = survey.check()
    assert report.ok, report.findings
    programme = survey.about.programme
    assert programme is not None
    assert list(programme.dates) == ["entry", "start", "completion", "exit", "follow_up"]
    assert set(survey.about.scales) == {"wellbeing_entry", "wellbeing_exit", "wellbeing_later"}
    for question in survey.questionnaire:
        assert set(question.labels) == {"lv", "en", "ru"}, question.name
        assert all(set(choice.labels) == {"lv", "en", "ru"} for choice in question.choices), question.name
    assert {name for name in survey.responses if survey.responses[name].isna().all()} == set()


@pytest.mark.parametrize("language", ["lv", "en", "ru"])
def test_every_planted_error_is_found_and_nothing_else(language: str) -> None:
    report = ml.open_survey(FOLDER, language, "responses_with_errors.csv").check()
    found = report.findings.reset_index()[["row", "variable", "rule"]]
    assert set(found.itertuples(index=False, name=None)) == PLANTED
    listed = re.findall(r"^\| P\d{4} \| (\d+) \|", (FOLDER / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    beside = {706, 921}  # the rows whose participant and person were typed once more
    assert {int(row) for row in listed} == {row for row, _, _ in PLANTED} - beside


def test_the_register_agrees_with_itself(people: pd.DataFrame) -> None:
    assert people["participant"].is_unique
    assert people["person"].is_unique
    age = people["age"].astype(int)
    low, high = (
        people["age_group"].str.extract(r"(\d+)_(\d+|plus)")[i].replace("plus", "99").astype(int) for i in (0, 1)
    )
    assert age.between(low, high).all()
    assert (people["entry_year"] == people["entry_date"].str[:4]).all()
    member = people.filter(like="target_groups/").rename(columns=lambda name: name.partition("/")[2]) == "1"
    assert member.any(axis=1).all()
    disabled = people["disability"] == "yes"
    jobless = people["labour_entry"].isin(["unemployed", "long_term_unemployed"])
    assert (member["age_50plus"] == (age >= 50)).all()
    assert (member["disability_unemployed"] == (disabled & jobless)).all()
    assert (member["disability_low_education"] == (disabled & (people["education"] == "isced_0_2"))).all()
    assert (member["roma"] == (people["ethnicity"] == "roma")).all()
    assert (people["provider"] == "p01")[(people["region"] == "pieriga") & (people["stage"] != "earlier")].all()
    left_for_work = people[people["drop_out"] == "work"]
    assert (left_for_work[["outcome/employment", "outcome/self_employment"]] == "1").any(axis=1).all()


def test_outcomes_begin_between_leaving_and_two_hundred_days(people: pd.DataFrame) -> None:
    left = pd.to_datetime(people["exit_date"])
    within = []
    for choice in WIDE:
        began = pd.to_datetime(people[f"{choice}_date"])
        assert (began.notna() == (people[f"outcome/{choice}"] == "1")).all()
        days = (began - left).dt.days.dropna()
        assert days.between(0, 200).all()
        within.append((days <= 28).mean())
    assert 0.2 < min(within) < max(within) < 0.7  # so many are immediate results


def test_shares_are_plausible(people: pd.DataFrame) -> None:
    left = people[people["left"]]
    assert 0.12 < people["dropped"].mean() < 0.18
    assert 0.05 < (left["outcome/unknown"] == "1").mean() < 0.07
    assert 0.60 < left["reached"].mean() < 0.66  # under 70 %: the report warns
    sizes = people["provider"].value_counts()
    assert sizes[sizes < 31].between(15, 30).sum() == 2
    assert sizes[sizes > 30].between(40, 600).all()
    assert len(sizes) == 14
    # a small group is in it, which no table may show
    roma = people[(people["ethnicity"] == "roma") & (people["region"] == "vidzeme")]
    assert 0 < (roma["gender"] == "woman").sum() < len(roma) < 20


def lower(people: pd.DataFrame, column: str, traits: dict[str, tuple[str, str]]) -> Iterator[str]:
    """The traits whose first code does not have the lower share."""
    for trait, (less, more) in traits.items():
        share = people.groupby(trait)[column].mean()
        if not share[less] < share[more]:
            yield trait


def test_who_drops_out_and_who_is_reached_depends_on_the_person(people: pd.DataFrame) -> None:
    more = {"gender": ("woman", "man"), "education": ("isced_5_8", "isced_0_2"), "ethnicity": ("latvian", "roma")}
    assert list(lower(people, "dropped", more)) == []
    less = {"gender": ("man", "woman"), "age_group": ("15_24", "55_64"), "ethnicity": ("roma", "latvian")}
    assert list(lower(people[people["left"]], "reached", less)) == []
    entry = people[people["left"]].groupby("dropped")["wellbeing_entry"].mean()
    assert entry[True] < entry[False] - 0.1
    entry = people[people["left"]].groupby("reached")["wellbeing_entry"].mean()
    assert entry[False] < entry[True] - 0.1
    form = people[people["left"]].groupby("dropped")["exit_form"].apply(lambda said: (said == "yes").mean())
    assert form[True] < 0.4 < 0.8 < form[False]


def test_who_does_not_answer_depends_on_the_person(people: pd.DataFrame) -> None:
    columns = [f"{item}_entry" for item in ITEMS] + [f"{item}_exit" for item in ITEMS]
    silent = people[columns].isin(["dont_know", "refused"]).any(axis=1)
    assert list(lower(people.assign(silent=silent), "silent", {"education": ("isced_5_8", "isced_0_2")})) == []
    assert 0.005 < people[columns].isin(["dont_know", "refused"]).to_numpy().mean() < 0.05
    assert (people["wb1_entry"] == "").sum() > 100  # a post without a pre
    assert ((people["wb1_entry"] == "") & (people["wb1_exit"] != "")).any()


def test_outcomes_depend_on_the_person_and_the_provider(people: pd.DataFrame) -> None:
    more = {"education": ("isced_0_2", "isced_5_8"), "age_group": ("55_64", "25_34"), "disability": ("yes", "no"),
            "labour_entry": ("long_term_unemployed", "unemployed"), "services/training": ("0", "1")}  # fmt: skip
    assert list(lower(people, "work", more)) == []
    by = people.groupby("provider")["work"].agg(["mean", "size"])
    overall = people["work"].mean()
    z = (by["mean"] - overall) / np.sqrt(overall * (1 - overall) / by["size"])
    assert (z.abs() > 3).sum() >= 2  # outside a funnel of 99.8 %
    assert (z.abs() < 2).sum() >= 6  # and most of them inside


def test_the_scales_behave_as_scales_do(people: pd.DataFrame) -> None:
    for when in ("entry", "exit", "later"):
        items = numbers(people, [f"{item}_{when}" for item in ITEMS]).dropna().to_numpy()
        assert 0.80 < alpha(items) < 0.88
    pre, post = people["wellbeing_entry"], people["wellbeing_exit"]
    gain = (post - pre).dropna()
    assert 0.3 < gain.mean() / ((pre.std() + post.std()) / 2) < 0.5
    assert people["wellbeing_later"].mean() < post.mean()
    for item in ("confidence", "job_clarity"):
        entry, then, leave = (
            numbers(people, [f"{item}_{when}" for when in ("entry", "then", "exit")]).dropna().T.to_numpy()
        )
        assert then.mean() < entry.mean() - 0.1 < leave.mean()
    ceiling = {item: (people[f"{item}_exit"] == "5").sum() / (people["exit_form"] == "yes").sum() for item in
               ("confidence", "job_clarity", "know_rights", "belong")}  # fmt: skip
    assert sum(share > 0.15 for share in ceiling.values()) >= 2
    by_change = gain.groupby(people["global_change"]).mean()
    assert by_change["worse"] < by_change["same"] < by_change["better"] < by_change["much_better"]


def test_the_check_list_follows_services_and_target_groups(people: pd.DataFrame) -> None:
    asked = people[people["exit_form"] == "yes"]
    for service, gain in (("training", "skills"), ("lawyer", "problems_solved"), ("self_help", "contacts")):
        share = (asked[f"gains/{gain}"] == "1").groupby(asked[f"services/{service}"]).mean()
        assert share["1"] > share["0"] + 0.1
    share = (asked["gains/support"] == "1").groupby(asked["target_groups/violence"]).mean()
    assert share["1"] > share["0"]
    assert (asked["gains/none"] == "1").mean() > 0.02


def test_its_categories_are_those_of_the_facts() -> None:
    facts = ROOT.parent / "shared" / "facts" / "target_groups.csv"
    if not facts.exists():
        pytest.skip("the facts, ../shared/facts, are not here")
    said = set(pd.read_csv(facts)["label_lv"].str.casefold())
    question = ml.open_survey(FOLDER).question("target_groups")
    assert {choice.label("lv").casefold() for choice in question.answers} <= said
