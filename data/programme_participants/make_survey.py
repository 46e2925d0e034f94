"""Make the synthetic register and questionnaires of programme participants that ship with motivlab.

Nobody took part. The participants are drawn at random and calibrated, so that the counts published of the Motivation
programme of 2018-2022 come out exactly (see README.md); all the rest is made up.

    python data/programme_participants/make_survey.py            # writes beside this script
    python data/programme_participants/make_survey.py --to DIR   # writes elsewhere, for comparison

Two files are written: `responses.csv`, and `responses_with_errors.csv`, the same with data errors planted in it. The
same bytes come out of each run: the seed is fixed, random numbers are only ever taken as uniforms (the most stable
part of numpy's generators), and every tie is settled by the order of the rows.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
SEED = 20180205
Effects = Mapping[str, Mapping[str, float]]  # trait -> code -> effect on a score

# --- Targets: published figures (data/published, PO02 to PO04, PO07, PO09 to PO12) ---
PARTICIPANTS, MEN, WIDE_TARGET = 3239, 974, 1795
# Region and stage, or region and year of entry: enrolled, and of them in employment or education.
CELLS = {
    ("pieriga", "stage_1"): (59, 27),
    ("pieriga", "stage_2"): (60, 33),
    ("pieriga", "stage_3"): (57, 34),
    ("vidzeme", "2021"): (119, 73),
}
WORK = ("employment", "self_employment", "education")  # "employment or education"
OUTCOMES = ("job_search", "education", "qualification", "employment", "self_employment")  # the wide definition

# --- ASSUMPTIONS: who entered where and when ---
FIRST_DAY, LAST_ENTRY, LAST_DAY = date(2018, 2, 5), date(2022, 10, 14), date(2022, 12, 30)
STAGES = {"stage_1": date(2020, 11, 13), "stage_2": date(2021, 7, 1), "stage_3": date(2022, 3, 1)}  # first days


@dataclass(frozen=True)
class Intake:
    """Participants whom a provider takes in, in a region, between two days; the last day by which they leave."""

    provider: str
    region: str
    size: int
    first: date
    last: date
    leave_by: date = LAST_DAY


# The published periods of Pierīga are those of its stages; the other intakes run on through the years.
BEFORE = STAGES["stage_1"] - timedelta(days=1)
INTAKES = (
    Intake("p01", "pieriga", 59, date(2020, 11, 13), date(2021, 2, 12), date(2021, 5, 28)),
    Intake("p01", "pieriga", 60, date(2021, 8, 2), date(2021, 10, 29), date(2022, 2, 25)),
    Intake("p01", "pieriga", 57, date(2022, 3, 1), date(2022, 5, 13), date(2022, 8, 31)),
    Intake("p03", "pieriga", 188, FIRST_DAY, BEFORE),
    Intake("p13", "pieriga", 26, date(2018, 9, 3), date(2019, 6, 28)),
    Intake("p02", "vidzeme", 119, date(2021, 1, 4), date(2021, 12, 17)),
    Intake("p02", "vidzeme", 60, date(2022, 1, 10), date(2022, 9, 30)),
    Intake("p02", "vidzeme", 136, date(2019, 3, 4), BEFORE),
    Intake("p04", "vidzeme", 44, FIRST_DAY, date(2019, 5, 31)),
    Intake("p05", "riga", 560, FIRST_DAY, LAST_ENTRY),
    Intake("p06", "riga", 250, date(2019, 1, 7), LAST_ENTRY),
    Intake("p07", "riga", 90, date(2020, 1, 6), date(2021, 12, 17)),
    Intake("p08", "kurzeme", 330, FIRST_DAY, LAST_ENTRY),
    Intake("p09", "kurzeme", 122, date(2019, 2, 4), LAST_ENTRY),
    Intake("p14", "kurzeme", 18, date(2021, 2, 1), date(2021, 11, 26)),
    Intake("p09", "zemgale", 85, date(2019, 2, 4), LAST_ENTRY),
    Intake("p10", "zemgale", 395, FIRST_DAY, LAST_ENTRY),
    Intake("p11", "latgale", 470, FIRST_DAY, LAST_ENTRY),
    Intake("p12", "latgale", 170, date(2018, 10, 1), LAST_ENTRY),
)
PACE = {2018: 0.7, 2019: 1.05, 2020: 1.1, 2021: 1.05, 2022: 1.75}  # entries per working day, in proportion
SLOW_MONTHS = {"2020-03": 0.5, "2020-04": 0.2, "2020-05": 0.5}  # the first weeks of the pandemic
STILL_THERE = 38  # participants without a date of leaving in the register: the last to enter
NEVER_STARTED = 46

# --- ASSUMPTIONS: who takes part (probabilities in proportion) ---
MEN_MORE_IN: Effects = {"region": {"vidzeme": 1.3, "latgale": 0.15, "riga": -0.1}}
AGE_BY_GENDER = {
    "woman": {"15_24": 5, "25_34": 19, "35_49": 33, "50_54": 13, "55_64": 25, "65_plus": 5},
    "man": {"15_24": 6, "25_34": 10, "35_49": 21, "50_54": 14, "55_64": 41, "65_plus": 8},
}
AGE_LIMITS = {
    "15_24": (17, 24), "25_34": (25, 34), "35_49": (35, 49), "50_54": (50, 54), "55_64": (55, 64), "65_plus": (65, 74),
}  # fmt: skip
ETHNICITY_BY_REGION = {
    "riga": {"latvian": 49, "russian": 38, "other": 13},
    "pieriga": {"latvian": 72, "russian": 20, "other": 8},
    "vidzeme": {"latvian": 88, "russian": 8, "other": 4},
    "kurzeme": {"latvian": 76, "russian": 16, "other": 8},
    "zemgale": {"latvian": 70, "russian": 19, "other": 11},
    "latgale": {"latvian": 48, "russian": 41, "other": 11},
}
ROMA = {"riga": 22, "pieriga": 5, "vidzeme": 9, "kurzeme": 18, "zemgale": 36, "latgale": 12}  # a few even in Vidzeme
DISABILITY_BY_AGE = {"15_24": 20, "25_34": 14, "35_49": 20, "50_54": 26, "55_64": 31, "65_plus": 26}  # per cent
EDUCATION_BY_AGE = {
    "15_24": {"isced_0_2": 46, "isced_3_4": 46, "isced_5_8": 8},
    "25_34": {"isced_0_2": 22, "isced_3_4": 51, "isced_5_8": 27},
    "35_49": {"isced_0_2": 17, "isced_3_4": 55, "isced_5_8": 28},
    "50_54": {"isced_0_2": 14, "isced_3_4": 65, "isced_5_8": 21},
    "55_64": {"isced_0_2": 14, "isced_3_4": 68, "isced_5_8": 18},
    "65_plus": {"isced_0_2": 21, "isced_3_4": 61, "isced_5_8": 18},
}
LABOUR_BY_AGE = {
    "15_24": {"unemployed": 35, "long_term_unemployed": 13, "inactive": 30, "inactive_in_education": 17, "employed": 5},
    "25_34": {"unemployed": 38, "long_term_unemployed": 18, "inactive": 32, "inactive_in_education": 2, "employed": 10},
    "35_49": {"unemployed": 39, "long_term_unemployed": 25, "inactive": 23, "inactive_in_education": 1, "employed": 12},
    "50_54": {"unemployed": 39, "long_term_unemployed": 32, "inactive": 19, "employed": 10},
    "55_64": {"unemployed": 34, "long_term_unemployed": 39, "inactive": 20, "employed": 7},
    "65_plus": {"unemployed": 8, "long_term_unemployed": 10, "inactive": 76, "employed": 6},
}
RURAL_BY_REGION = {"riga": 2, "pieriga": 47, "vidzeme": 58, "kurzeme": 41, "zemgale": 46, "latgale": 49}  # per cent
# Those target groups that do not follow from age, disability or ethnicity: log-odds.
TARGET_GROUPS: dict[str, tuple[float, Effects]] = {
    "childcare_leave": (
        -4.2,
        {"gender": {"woman": 2.2}, "age_group": {"25_34": 2.0, "35_49": 0.8, "50_54": -4, "55_64": -6, "65_plus": -6}},
    ),
    "violence": (-3.6, {"gender": {"woman": 1.6}, "age_group": {"55_64": -0.5, "65_plus": -1.0}}),
    "carer": (-3.2, {"gender": {"woman": 0.9}, "age_group": {"15_24": -1.5, "25_34": -0.5, "50_54": 0.4}}),
    "single_parent": (
        -3.4,
        {"gender": {"woman": 1.3}, "age_group": {"25_34": 0.8, "35_49": 1.0, "55_64": -2.0, "65_plus": -4.0}},
    ),
}

# --- ASSUMPTIONS: services (share of those who started, and who uses them: effects on the log-odds) ---
SERVICES: dict[str, tuple[float, Effects]] = {
    "psychologist": (0.58, {"tg_violence": {"yes": 1.2}, "gender": {"woman": 0.4}}),
    "lawyer": (0.34, {"tg_violence": {"yes": 1.0}, "tg_single_parent": {"yes": 0.5}, "ethnicity": {"roma": 0.4}}),
    "career": (0.57, {"labour_entry": {"unemployed": 0.5, "inactive": -0.5}, "education": {"isced_5_8": 0.3}}),
    "change_agent": (0.78, {"education": {"isced_0_2": 0.4}, "labour_entry": {"long_term_unemployed": 0.4}}),
    "support_group": (0.46, {"gender": {"woman": 0.7}, "tg_violence": {"yes": 0.6}, "tg_carer": {"yes": 0.4}}),
    "self_help": (0.21, {"gender": {"woman": 0.4}, "tg_carer": {"yes": 0.8}}),
    "education_events": (0.49, {"age_group": {"55_64": 0.3, "65_plus": 0.6}}),
    "training": (0.24, {"education": {"isced_0_2": -0.4, "isced_5_8": 0.3}, "provider": {"p09": 0.8, "p11": -0.7}}),
    "childminding": (0.10, {"tg_childcare_leave": {"yes": 4.0}, "tg_single_parent": {"yes": 2.5}}),
    "respite": (0.035, {"tg_carer": {"yes": 6.0}}),
}
LEFT_EARLY_MISSES = 0.45  # of the services that somebody would have had, who dropped out

# --- ASSUMPTIONS: well-being at entry, in standard deviations, and who leaves early ---
WELLBEING: Effects = {
    "tg_violence": {"yes": -0.6},
    "tg_carer": {"yes": -0.35},
    "tg_single_parent": {"yes": -0.15},
    "disability": {"yes": -0.3},
    "labour_entry": {"long_term_unemployed": -0.25, "employed": 0.25, "inactive_in_education": 0.2},
    "education": {"isced_0_2": -0.1, "isced_5_8": 0.15},
}
DROP_OUT_SHARE = 0.152
DROP_OUT: Effects = {
    "gender": {"man": 0.45},
    "education": {"isced_0_2": 0.55, "isced_5_8": -0.25},
    "ethnicity": {"roma": 1.0},
    "age_group": {"15_24": 0.5, "25_34": 0.2, "65_plus": -0.2},
    "provider": {"p11": 0.3, "p14": 0.5, "p06": -0.3, "p09": -0.4},
}
DROP_OUT_WELLBEING = -0.4
REASONS_BY_OUTCOME = {  # why somebody left early, by what became of them
    "work": {"work": 72, "family": 8, "moved": 8, "not_suitable": 5, "other": 7},
    "unknown": {"lost_contact": 68, "moved": 14, "family": 7, "health": 6, "other": 5},
    "else": {"health": 33, "family": 27, "moved": 11, "lost_contact": 12, "not_suitable": 13, "other": 4},
}

# --- ASSUMPTIONS: outcomes ---
UNKNOWN_SHARE = 0.060  # of those who left
UNKNOWN: Effects = {
    "dropped": {"yes": 1.7},
    "gender": {"man": 0.3},
    "ethnicity": {"roma": 0.6},
    "age_group": {"15_24": 0.4},
    "provider": {"p11": 0.5, "p05": 0.2},
}
WORK_SHARE = 0.432  # in employment or education, of those whom no published cell counts
WORK_EFFECTS: Effects = {
    "age_group": {"15_24": 0.3, "25_34": 0.4, "50_54": -0.1, "55_64": -0.55, "65_plus": -1.5},
    "education": {"isced_0_2": -0.5, "isced_5_8": 0.45},
    "labour_entry": {"long_term_unemployed": -0.6, "inactive": -0.5, "inactive_in_education": 0.5, "employed": 0.7},
    "disability": {"yes": -0.4},
    "ethnicity": {"roma": -0.5},
    "tg_childcare_leave": {"yes": 0.4},
    "tg_carer": {"yes": -0.4},
    "rural": {"yes": -0.2},
    "service_training": {"yes": 0.6},
    "service_career": {"yes": 0.3},
    "dropped": {"yes": -0.7},
    # What a provider adds: by this alone their rates differ beyond chance.
    "provider": {"p03": 0.2, "p04": -0.1, "p05": -0.3, "p06": 0.35, "p07": 0.1, "p08": -0.1, "p09": 0.6, "p10": 0.15,
                 "p11": -0.55, "p12": -0.1, "p13": 1.5, "p14": -1.1},
}  # fmt: skip
WORK_WELLBEING, WORK_GAIN = 0.25, 0.3
ELSE_EFFECTS: Effects = {  # who at least looks for work or gains a qualification
    "labour_entry": {"unemployed": 0.5, "inactive": -0.7, "employed": -0.5},
    "age_group": {"65_plus": -1.5},
    "service_career": {"yes": 0.5},
    "dropped": {"yes": -0.8},
}
WAYS = {  # what they took up first, by age
    "15_24": {"employment": 44, "self_employment": 2, "education": 54},
    "25_34": {"employment": 52, "self_employment": 7, "education": 41},
    "35_49": {"employment": 57, "self_employment": 8, "education": 35},
    "50_54": {"employment": 60, "self_employment": 6, "education": 34},
    "55_64": {"employment": 58, "self_employment": 5, "education": 37},
    "65_plus": {"employment": 40, "self_employment": 8, "education": 52},
}
# And the rest: the chance of each further outcome, by what came first.
ALSO = {
    "employment": {"education": 0.10, "qualification": 0.12, "job_search": 0.30},
    "self_employment": {"education": 0.12, "qualification": 0.15, "employment": 0.05},
    "education": {"qualification": 0.38, "employment": 0.12, "job_search": 0.20},
}
# Days from leaving to an outcome are 200 u^x, with u uniform: the larger x, the sooner.
SOON = {"job_search": 3.0, "education": 1.9, "qualification": 1.6, "employment": 1.6, "self_employment": 1.2}
LATEST_OUTCOME = 200

# --- ASSUMPTIONS: the questionnaires ---
ITEMS = {"wb1": (0.82, 0.25), "wb2": (0.80, 0.05), "wb3": (0.83, -0.25), "wb4": (0.76, 0.2), "wb5": (0.70, -0.05)}
OFTEN_CUTS = (-1.75, -0.85, -0.1, 0.65, 1.5)
AGREE_CUTS = {  # between the five answers; know_rights and belong get near the ceiling
    "confidence": (-1.5, -0.55, 0.25, 1.35),
    "job_clarity": (-1.35, -0.4, 0.3, 1.3),
    "know_rights": (-1.3, -0.5, 0.1, 1.15),
    "belong": (-2.0, -1.2, -0.45, 0.75),
}
AGREE_GAIN = {"confidence": 0.45, "job_clarity": 0.5, "know_rights": 0.45, "belong": 0.15}
RESPONSE_SHIFT = {"confidence": 0.4, "job_clarity": 0.3}  # looking back, people rate themselves lower than then
WELLBEING_GAIN, RELAPSE = 0.4, 0.15
GAIN_EFFECTS: Effects = {
    "service_psychologist": {"yes": 0.15},
    "service_support_group": {"yes": 0.12},
    "service_respite": {"yes": 0.2},
    "dropped": {"yes": -0.35},
    "provider": {"p06": 0.12, "p09": 0.15, "p11": -0.15},
}
NO_ENTRY_FORM = 0.045
EXIT_FORM = {"no": 0.91, "yes": 0.26}  # by whether somebody dropped out
GAINS: dict[str, tuple[float, Effects]] = {
    "support": (
        0.57,
        {"service_support_group": {"yes": 0.7}, "tg_violence": {"yes": 0.6}, "service_change_agent": {"yes": 0.5}},
    ),
    "problems_solved": (
        0.37,
        {"service_lawyer": {"yes": 1.3}, "service_change_agent": {"yes": 0.5}, "disability": {"yes": 0.3}},
    ),
    "self_confidence": (
        0.49,
        {"service_psychologist": {"yes": 0.8}, "tg_childcare_leave": {"yes": 0.4}, "gender": {"woman": 0.3}},
    ),
    "skills": (
        0.43,
        {"service_training": {"yes": 1.5}, "service_education_events": {"yes": 0.8}, "age_group": {"65_plus": -0.4}},
    ),
    "support_knowledge": (0.35, {"service_lawyer": {"yes": 0.5}, "tg_carer": {"yes": 0.8}, "disability": {"yes": 0.5}}),
    "belief_in_abilities": (0.31, {"service_psychologist": {"yes": 0.5}, "service_career": {"yes": 0.5}}),
    "motivation": (0.34, {"service_career": {"yes": 0.6}, "age_group": {"25_34": 0.3, "55_64": -0.3}}),
    "independence": (0.17, {"service_respite": {"yes": 1.2}, "disability": {"yes": 0.5}, "tg_violence": {"yes": 0.5}}),
    "contacts": (
        0.27,
        {"service_self_help": {"yes": 1.0}, "service_support_group": {"yes": 0.6}, "age_group": {"65_plus": 0.7}},
    ),
}
CHANGE_CUTS = {"much_worse": 0.012, "worse": 0.065, "same": 0.30, "better": 0.455, "much_better": 0.168}  # shares

# --- ASSUMPTIONS: the follow-up ---
FOLLOW_UP_SHARE = 0.63  # of those who left
FOLLOW_UP: Effects = {
    "gender": {"man": -0.4},
    "age_group": {"15_24": -0.8, "25_34": -0.4, "50_54": 0.2, "55_64": 0.3, "65_plus": 0.3},
    "ethnicity": {"roma": -0.6},
    "education": {"isced_0_2": -0.3, "isced_5_8": 0.25},
    "dropped": {"yes": -1.1},
    "unknown": {"yes": -2.5},
    "provider": {"p11": -0.4, "p06": 0.3},
}
FOLLOW_UP_WELLBEING = 0.35
LATER = {  # main activity six months on, by what came before
    "employment": {"employed": 76, "self_employed": 3, "unemployed": 12, "in_education": 3, "inactive": 6},
    "self_employment": {"employed": 9, "self_employed": 74, "unemployed": 8, "in_education": 3, "inactive": 6},
    "education": {"employed": 30, "self_employed": 3, "unemployed": 23, "in_education": 33, "inactive": 11},
    "job_search": {"employed": 24, "self_employed": 3, "unemployed": 55, "in_education": 5, "inactive": 13},
    "none": {"employed": 9, "self_employed": 2, "unemployed": 41, "in_education": 2, "inactive": 46},
}

# --- ASSUMPTIONS: who does not answer ---
SILENCE: Effects = {  # on the log-odds
    "education": {"isced_0_2": 0.6, "isced_5_8": -0.3},
    "ethnicity": {"roma": 0.7, "russian": 0.2},
    "age_group": {"65_plus": 0.4},
}
SILENCE_WELLBEING, SILENCE_HABIT = -0.3, 0.45
NOT_ANSWERED = {"item": -4.4, "then": -3.9, "searching": -4.2, "gains": -3.7, "recommend": -4.0}  # log-odds
REFUSED = {"ethnicity": 0.014, "disability": 0.009}


# --- The questionnaire ---
def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file, in their order."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def answer_columns(folder: Path) -> list[str]:
    """Return the answers' columns in the order of the form: `q`, or `q/choice` for a multiple response."""
    choices: dict[str, list[str]] = {}
    for row in read_rows(folder / "choices.csv"):
        choices.setdefault(row["list_name"], []).append(row["name"])
    columns: list[str] = []
    for row in read_rows(folder / "survey.csv"):
        kind, _, list_name = row["type"].partition(" ")
        if kind == "select_multiple":
            columns += [f"{row['name']}/{choice}" for choice in choices[list_name]]
        elif kind not in ("note", "begin_group", "end_group"):
            columns.append(row["name"])
    return columns


# --- Random draws ---
def logistic(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return draws of the standard logistic distribution: added to a logit score, they make ranks random."""
    u = rng.random(n)
    return np.log(u / (1 - u))


def noise(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return draws with mean 0 and standard deviation 1, near enough to normal for a questionnaire."""
    return logistic(rng, n) * (np.sqrt(3) / np.pi)


def draw_codes(rng: np.random.Generator, n: int, weights: Mapping[str, float]) -> np.ndarray:
    """Draw `n` codes with probabilities in proportion to `weights`, by inverting their cumulative sum."""
    steps = np.cumsum(list(weights.values()))
    at = np.searchsorted(steps / steps[-1], rng.random(n), side="right")
    return np.array(list(weights), dtype=object)[at]


def draw_by(rng: np.random.Generator, by: pd.Series, tables: Mapping[str, Mapping[str, float]]) -> np.ndarray:
    """Draw a code for each row from the table that belongs to the row's value of `by`."""
    drawn = np.full(len(by), "", dtype=object)
    for value, weights in tables.items():
        rows = (by == value).to_numpy()
        drawn[rows] = draw_codes(rng, int(rows.sum()), weights)
    return drawn


def effects(people: pd.DataFrame, table: Effects) -> np.ndarray:
    """Return the sum of the effects of each person's traits; a trait that is not listed has no effect."""
    total = np.zeros(len(people))
    for trait, by_code in table.items():
        total += people[trait].map(lambda code, found=by_code: found.get(code, 0.0)).to_numpy(dtype=float)
    return total


def highest(score: np.ndarray, count: int, among: np.ndarray | None = None) -> np.ndarray:
    """Return a mask of the `count` highest scores, of those `among` whom to look."""
    rows = np.argsort(-score, kind="stable")
    if among is not None:
        rows = rows[among[rows]]
    if len(rows) < count:
        raise ValueError(f"{count} are wanted, {len(rows)} are there; change a share or a target")
    taken = np.zeros(len(score), dtype=bool)
    taken[rows[:count]] = True
    return taken


def yes_no(mask: np.ndarray) -> np.ndarray:
    """Return `yes` and `no` for True and False."""
    return np.where(mask, "yes", "no").astype(object)


def cut(values: np.ndarray, cuts: Sequence[float], first: int) -> np.ndarray:
    """Return the answer, from `first` up, that each value falls into."""
    return (np.searchsorted(np.array(cuts), values, side="right") + first).astype(str).astype(object)


# --- The people ---
def working_days(first: date, last: date) -> dict[str, float]:
    """Return the working days of a period (ISO) with the pace of entries on each."""
    days = (first + timedelta(days=i) for i in range((last - first).days + 1))
    return {
        day.isoformat(): PACE[day.year] * SLOW_MONTHS.get(day.isoformat()[:7], 1.0) for day in days if day.weekday() < 5
    }


def draw_intakes(rng: np.random.Generator) -> pd.DataFrame:
    """Draw the days of entry, one row per participant, in order of entry."""
    parts = []
    for intake in INTAKES:
        days = draw_codes(rng, intake.size, working_days(intake.first, intake.last))
        traits = {"provider": intake.provider, "region": intake.region, "leave_by": intake.leave_by.isoformat()}
        parts.append(pd.DataFrame({"entry_date": days, **traits}, dtype=object))
    people = pd.concat(parts, ignore_index=True)
    people["order"] = rng.random(len(people))
    people = people.sort_values(["entry_date", "order"], kind="stable", ignore_index=True).drop(columns="order")
    people["entry_year"] = people["entry_date"].str[:4]
    people["stage"] = "earlier"
    for stage, first in STAGES.items():
        people.loc[people["entry_date"] >= first.isoformat(), "stage"] = stage
    return people


def draw_people(rng: np.random.Generator) -> pd.DataFrame:
    """Draw the participants with everybody's true traits."""
    people = draw_intakes(rng)
    n = len(people)
    men = highest(effects(people, MEN_MORE_IN) + logistic(rng, n), MEN)
    people["gender"] = np.where(men, "man", "woman").astype(object)
    people["age_group"] = draw_by(rng, people["gender"], AGE_BY_GENDER)
    youngest, oldest = (people["age_group"].map(lambda group, i=i: AGE_LIMITS[group][i]).to_numpy() for i in (0, 1))
    people["age"] = youngest + np.floor(rng.random(n) * (oldest - youngest + 1)).astype(int)
    people["ethnicity"] = draw_by(rng, people["region"], ETHNICITY_BY_REGION)
    score = 0.6 * (people["gender"] == "woman").to_numpy() + logistic(rng, n)
    for region, count in ROMA.items():
        people.loc[highest(score, count, (people["region"] == region).to_numpy()), "ethnicity"] = "roma"
    people["education"] = draw_by(rng, people["age_group"], EDUCATION_BY_AGE)
    low = (people["ethnicity"] == "roma").to_numpy() & (rng.random(n) < 0.6)
    young = (people["age"] < 22).to_numpy() & (people["education"] == "isced_5_8").to_numpy()
    people["education"] = np.where(low, "isced_0_2", np.where(young, "isced_3_4", people["education"])).astype(object)
    people["disability"] = yes_no(100 * rng.random(n) < people["age_group"].map(DISABILITY_BY_AGE).to_numpy())
    people["labour_entry"] = draw_by(rng, people["age_group"], LABOUR_BY_AGE)
    people["rural"] = yes_no(100 * rng.random(n) < people["region"].map(RURAL_BY_REGION).to_numpy())
    draw_target_groups(rng, people)
    people["wellbeing"] = effects(people, WELLBEING) + 0.88 * noise(rng, n) + 0.12
    return people


def draw_target_groups(rng: np.random.Generator, people: pd.DataFrame) -> None:
    """Add the columns `tg_...`: everybody belongs to one target group at least."""
    n = len(people)
    disabled = (people["disability"] == "yes").to_numpy()
    out_of_work = people["labour_entry"].isin(["unemployed", "long_term_unemployed"]).to_numpy()
    follows = {
        "age_50plus": (people["age"] >= 50).to_numpy(),
        "disability_unemployed": disabled & out_of_work,
        "disability_low_education": disabled & (people["education"] == "isced_0_2").to_numpy(),
        "roma": (people["ethnicity"] == "roma").to_numpy(),
        "other_minority": people["ethnicity"].isin(["russian", "other"]).to_numpy(),
    }
    scores = {name: base + effects(people, table) + logistic(rng, n) for name, (base, table) in TARGET_GROUPS.items()}
    member = {name: score > 0 for name, score in scores.items()} | follows
    # Nobody was eligible for nothing: who would belong nowhere belongs where the score comes nearest to it.
    nowhere = ~np.stack(list(member.values())).any(axis=0)
    nearest = np.argmax(np.stack(list(scores.values())), axis=0)
    for i, name in enumerate(TARGET_GROUPS):
        member[name] |= nowhere & (nearest == i)
    for name, mask in member.items():
        people[f"tg_{name}"] = yes_no(mask)


# --- What happened to them ---
def draw_course(rng: np.random.Generator, people: pd.DataFrame) -> None:
    """Add who dropped out or never started, the services, and the dates from start to leaving."""
    n = len(people)
    score = effects(people, DROP_OUT) + DROP_OUT_WELLBEING * people["wellbeing"].to_numpy() + logistic(rng, n)
    staying = np.zeros(n, dtype=bool)
    staying[-STILL_THERE:] = True
    dropped = highest(score, round(DROP_OUT_SHARE * n), ~staying)
    people["dropped"] = yes_no(dropped)
    never = highest(rng.random(n), NEVER_STARTED, dropped & ~people["provider"].isin(["p01", "p02"]).to_numpy())
    habit = 0.5 * logistic(rng, n)
    u = rng.random(n)
    for name, (share, table) in SERVICES.items():
        used = highest(effects(people, table) + habit + logistic(rng, n), round(share * n))
        people[f"service_{name}"] = yes_no(used & ~never & ~(dropped & (rng.random(n) < LEFT_EARLY_MISSES)))
    services = [f"service_{name}" for name in SERVICES]
    nothing = ~never & (people[services] != "yes").all(axis=1).to_numpy()
    people.loc[nothing & (u < 0.5), "service_psychologist"] = "yes"
    people.loc[nothing & (u >= 0.5), "service_change_agent"] = "yes"

    entry, leave_by = (pd.to_datetime(people[c]).to_numpy().astype("datetime64[D]") for c in ("entry_date", "leave_by"))
    start = entry + np.floor(rng.random(n) ** 2 * 22).astype(int)
    length = np.where(dropped, 12 + 110 * rng.random(n) ** 1.3, 150 + 45 * rng.random(n)).astype(int)
    leave = on_working_day(np.where(never, entry + 14 + length // 3, start + length))
    # A stage, and the programme, ends on its day: who would stay longer leaves in the last weeks of it.
    late = on_working_day(leave_by - np.floor(21 * rng.random(n) ** 2).astype(int))
    leave = np.where(leave > leave_by, np.maximum(late, start + 10), leave)
    people["start_date"] = np.where(never, "", start.astype(str)).astype(object)
    people["exit_date"] = np.where(staying, "", leave.astype(str)).astype(object)
    people["completion_date"] = np.where(dropped, "", people["exit_date"]).astype(object)


def on_working_day(days: np.ndarray) -> np.ndarray:
    """Return the days, a Saturday or Sunday moved to the Friday before it."""
    return np.busday_offset(days.astype("datetime64[D]"), 0, roll="backward")


def draw_change(rng: np.random.Generator, people: pd.DataFrame) -> None:
    """Add well-being at exit and six months later, and the change, all in standard deviations of the entry."""
    n = len(people)
    entry = people["wellbeing"].to_numpy()
    people["wellbeing_exit"] = (
        0.74 * entry + WELLBEING_GAIN - 0.12 + effects(people, GAIN_EFFECTS) + 0.62 * noise(rng, n)
    )
    people["change"] = people["wellbeing_exit"] - entry
    people["wellbeing_later"] = 0.8 * people["wellbeing_exit"].to_numpy() - RELAPSE + 0.55 * noise(rng, n)


def draw_outcomes(rng: np.random.Generator, people: pd.DataFrame) -> None:
    """Add the outcomes `outcome_...` (True, False) and `unknown`, so that the published counts come out."""
    n = len(people)
    left = (people["exit_date"] != "").to_numpy()
    wellbeing, change = people["wellbeing"].to_numpy(), people["change"].to_numpy()
    score = effects(people, UNKNOWN) - 0.3 * wellbeing + logistic(rng, n)
    unknown = highest(score, round(UNKNOWN_SHARE * left.sum()), left)
    people["unknown"] = yes_no(unknown)
    known = left & ~unknown
    score = effects(people, WORK_EFFECTS) + WORK_WELLBEING * wellbeing + WORK_GAIN * change + logistic(rng, n)
    works, counted = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    for (region, part), (size, count) in CELLS.items():
        column = "stage" if part.startswith("stage") else "entry_year"
        cell = ((people["region"] == region) & (people[column] == part)).to_numpy()
        if cell.sum() != size:
            raise ValueError(f"{region} {part}: {cell.sum()} participants, {size} were published")
        works |= highest(score, count, cell & known)
        counted |= cell
    works |= highest(score, round(WORK_SHARE * (~counted).sum()), known & ~counted)
    score = effects(people, ELSE_EFFECTS) + 0.2 * wellbeing + logistic(rng, n)
    looks = highest(score, WIDE_TARGET - int(works.sum()), known & ~works)
    first = np.where(works, draw_by(rng, people["age_group"], WAYS), "")
    own = works & (people["labour_entry"] == "employed").to_numpy() & (rng.random(n) < 0.5)
    first[own] = "education"  # who has a job already is there for something else
    outcome = {name: first == name for name in OUTCOMES}
    for name in OUTCOMES:
        chance = pd.Series(first).map(lambda way, of=name: ALSO.get(way, {}).get(of, 0.0)).to_numpy(dtype=float)
        outcome[name] |= rng.random(n) < chance
    kind = rng.random(n)
    outcome["job_search"] |= looks & (kind < 0.78)
    outcome["qualification"] |= looks & (kind > 0.66)
    for name, mask in outcome.items():
        people[f"outcome_{name}"] = mask
    people["came_first"] = np.where(looks, "job_search", np.where(works, first, "none")).astype(object)


def draw_outcome_dates(rng: np.random.Generator, people: pd.DataFrame) -> None:
    """Add the dates of the outcomes, and why people left early."""
    n = len(people)
    dropped = (people["dropped"] == "yes").to_numpy()
    became = np.where(people["unknown"] == "yes", "unknown", "else").astype(object)
    became[(people["outcome_employment"] | people["outcome_self_employment"]).to_numpy()] = "work"
    people["drop_out"] = np.where(dropped, draw_by(rng, pd.Series(became), REASONS_BY_OUTCOME), "").astype(object)
    leave = pd.to_datetime(people["exit_date"].replace("", None)).to_numpy().astype("datetime64[D]")
    for name in OUTCOMES:
        days = np.floor((LATEST_OUTCOME + 1) * rng.random(n) ** SOON[name]).astype(int)
        if name in ("employment", "self_employment"):  # who left because of the work begins at once
            days = np.where(people["drop_out"] == "work", days % 15, days)
        dates = (leave + days).astype(str)
        people[f"{name}_date"] = np.where(people[f"outcome_{name}"], dates, "").astype(object)


def draw_follow_up(rng: np.random.Generator, people: pd.DataFrame) -> None:
    """Add who was reached six months after leaving, when, and what they do then."""
    n = len(people)
    left = (people["exit_date"] != "").to_numpy()
    score = effects(people, FOLLOW_UP) + FOLLOW_UP_WELLBEING * people["wellbeing"].to_numpy() + logistic(rng, n)
    reached = highest(score, round(FOLLOW_UP_SHARE * left.sum()), left)
    leave = pd.to_datetime(people["exit_date"].replace("", None)).to_numpy().astype("datetime64[D]")
    days = 176 + np.floor(22 * rng.random(n)).astype(int)
    people["follow_up_date"] = np.where(reached, (leave + days).astype(str), "").astype(object)
    doing = draw_by(rng, people["came_first"], LATER)
    people["labour_follow_up"] = np.where(reached, doing, np.where(left, "not_reached", "")).astype(object)
    busy = np.isin(doing, ["employed", "self_employed", "in_education"])
    better = 1.6 * busy - 0.9 + 0.8 * people["change"].to_numpy() + logistic(rng, n) > 0
    silent = draw_silence(rng, people, "item", ("dont_know", "refused"))
    answer = np.where(silent != "", silent, yes_no(better))
    people["improved_follow_up"] = np.where(reached, answer, "").astype(object)


# --- What they answered ---
def draw_silence(rng: np.random.Generator, people: pd.DataFrame, kind: str, reasons: Sequence[str]) -> np.ndarray:
    """Draw who does not answer: a missing code, `blank`, or an empty text for an answer."""
    score = NOT_ANSWERED[kind] + people["silence"].to_numpy() + logistic(rng, len(people))
    u = rng.random(len(people))
    at = np.searchsorted([0.55, 0.9][: len(reasons) - 1], u, side="right")
    return np.where(score > 0, np.array(reasons, dtype=object)[at], "").astype(object)


def draw_scales(rng: np.random.Generator, people: pd.DataFrame) -> None:
    """Add the well-being items and the agreement items at entry, at exit, then and later."""
    n = len(people)
    closed, back = ("dont_know", "refused"), ("dont_know", "refused", "blank")
    own = {item: noise(rng, n) for item in ITEMS}  # what an item has of its own, the same each time
    for when, latent in (("entry", "wellbeing"), ("exit", "wellbeing_exit"), ("later", "wellbeing_later")):
        for item, (loading, ease) in ITEMS.items():
            rest = np.sqrt(1 - loading**2)
            value = loading * people[latent].to_numpy() + rest * (0.5 * own[item] + 0.87 * noise(rng, n)) + ease
            silent = draw_silence(rng, people, "item", back if when == "entry" else closed)
            people[f"{item}_{when}"] = np.where(silent != "", silent, cut(value, OFTEN_CUTS, 0))
    lawyer = (people["service_lawyer"] == "yes").to_numpy()
    career = ((people["service_career"] == "yes") | (people["service_training"] == "yes")).to_numpy()
    more = {"know_rights": 0.6 * lawyer, "job_clarity": 0.4 * career}
    for item, cuts in AGREE_CUTS.items():
        entry = 0.55 * people["wellbeing"].to_numpy() + 0.83 * noise(rng, n)
        gain = AGREE_GAIN[item] + more.get(item, 0.0) + 0.5 * (people["change"].to_numpy() - WELLBEING_GAIN)
        leave = 0.75 * entry + 0.6 * noise(rng, n) + gain
        said = {"entry": entry + 0.3 * noise(rng, n), "exit": leave}
        if item in RESPONSE_SHIFT:
            said["then"] = 0.8 * entry + 0.15 * leave + 0.4 * noise(rng, n) - RESPONSE_SHIFT[item]
        for when, value in said.items():
            reasons = back if when == "entry" else closed
            silent = draw_silence(rng, people, "then" if when == "then" else "item", reasons)
            people[f"{item}_{when}"] = np.where(silent != "", silent, cut(value, cuts, 1))


def draw_exit_answers(rng: np.random.Generator, people: pd.DataFrame) -> None:
    """Add the search for work at entry and exit, the global rating, the check-list and the recommendation."""
    n = len(people)
    closed = ("dont_know", "refused")
    looking = effects(people, {"labour_entry": {"unemployed": 1.6, "long_term_unemployed": 0.4, "inactive": -1.8,
                                                "inactive_in_education": -1.5, "employed": -1.2}})  # fmt: skip
    habit = looking - 0.3 + 0.7 * noise(rng, n)
    change = people["change"].to_numpy()
    for when, more in (("entry", 0.0), ("exit", 0.7 + 0.3 * change)):
        silent = draw_silence(rng, people, "searching", (*closed, "blank") if when == "entry" else closed)
        people[f"searching_{when}"] = np.where(silent != "", silent, yes_no(habit + more + logistic(rng, n) > 0))
    works = people[[f"outcome_{name}" for name in WORK]].any(axis=1).to_numpy()
    feeling = 0.75 * (change - WELLBEING_GAIN) + 0.35 * works + 0.7 * noise(rng, n)
    order = np.argsort(np.argsort(feeling, kind="stable"), kind="stable") / n
    codes = np.array(list(CHANGE_CUTS), dtype=object)
    rating = codes[np.searchsorted(np.cumsum(list(CHANGE_CUTS.values()))[:-1], order, side="right")]
    silent = draw_silence(rng, people, "item", closed)
    people["global_change"] = np.where(silent != "", silent, rating)
    habit = 0.5 * logistic(rng, n)
    silent = draw_silence(rng, people, "gains", closed)
    named = np.zeros(n, dtype=bool)
    for name, (share, table) in GAINS.items():
        score = effects(people, table) + habit + 0.7 * feeling + 0.5 * ~named + logistic(rng, n)
        chosen = highest(score, round(share * n))
        people[f"gain_{name}"] = chosen & (silent == "")
        named |= chosen
    people["gain_none"] = ~named & (silent == "")
    for code in closed:
        people[f"gain_{code}"] = silent == code
    silent = draw_silence(rng, people, "recommend", closed)
    liking = np.clip(np.floor(8.3 + 1.3 * feeling + 1.5 * noise(rng, n)), 0, 10).astype(int).astype(str)
    answer = np.where(silent == "dont_know", "-9", np.where(silent == "refused", "-8", liking))
    people["recommend"] = answer.astype(object)


# --- The file ---
def draw_responses(questionnaire: Path) -> pd.DataFrame:
    """Draw the whole register and its questionnaires as texts, in the columns of `responses.csv`."""
    rng = np.random.default_rng(SEED)
    people = draw_people(rng)
    n = len(people)
    draw_course(rng, people)
    draw_change(rng, people)
    draw_outcomes(rng, people)
    draw_outcome_dates(rng, people)
    people["silence"] = (
        effects(people, SILENCE) + SILENCE_WELLBEING * people["wellbeing"].to_numpy() + SILENCE_HABIT * logistic(rng, n)
    )
    draw_follow_up(rng, people)
    draw_scales(rng, people)
    draw_exit_answers(rng, people)
    return as_answered(rng, people, answer_columns(questionnaire))


def as_answered(rng: np.random.Generator, people: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return what stands in the file: nothing for a question that was not put, 0 and 1 for multiple responses."""
    n = len(people)
    answers = people.copy()
    answers["participant"] = [f"P{number:04d}" for number in range(1, n + 1)]
    pseudonyms = np.argsort(rng.random(n), kind="stable") * 27 + 10007
    answers["person"] = [f"K{number}" for number in pseudonyms]
    for question, share in REFUSED.items():
        # Those whom a target group names keep their answer, or the register would contradict itself.
        free = answers["ethnicity"] == "latvian" if question == "ethnicity" else answers["disability"] == "no"
        answers.loc[(rng.random(n) < share) & free.to_numpy(), question] = "refused"
    started, left = (answers[column] != "" for column in ("start_date", "exit_date"))
    form = left & (rng.random(n) < answers["dropped"].map(EXIT_FORM).to_numpy())
    answers["exit_form"] = np.where(left, yes_no(form.to_numpy()), "").astype(object)
    no_entry = highest(answers["silence"].to_numpy() + logistic(rng, n), round(NO_ENTRY_FORM * n))
    everybody = pd.Series(data=True, index=answers.index)
    asked = {"target_groups": ("tg", everybody), "services": ("service", started), "gains": ("gain", form)}
    for question, (prefix, put) in asked.items():
        for column in (c for c in columns if c.startswith(f"{question}/")):
            drawn = answers[f"{prefix}_{column.partition('/')[2]}"]
            answers[column] = np.where(put, drawn.isin(["yes", True]).map({True: "1", False: "0"}), "")
    answers["outcome_unknown"] = answers["unknown"] == "yes"
    real = answers[[f"outcome_{name}" for name in OUTCOMES]].any(axis=1)
    answers["outcome_none"] = ~real & ~answers["outcome_unknown"]
    for column in (c for c in columns if c.startswith("outcome/")):
        drawn = answers[f"outcome_{column.partition('/')[2]}"]
        answers[column] = np.where(left, drawn.map({True: "1", False: "0"}), "")
    for column in columns:
        if column.endswith("_entry") and column != "labour_entry":
            answers.loc[no_entry, column] = ""
        elif column.endswith(("_exit", "_then")) or column in ("global_change", "recommend"):
            answers.loc[~form, column] = ""
        elif column.endswith("_later"):
            answers.loc[answers["follow_up_date"] == "", column] = ""
    return answers[["participant", *columns]].astype(str).replace("blank", "")


# --- The planted errors ---
@dataclass(frozen=True)
class Fault:
    """A data error: what is wrong, what is typed into which columns, and what sort of row it happens to.

    `^` is the value of the row above; `entry_date-30` a day so many days from another date of the row.
    """

    what: str
    typed: Mapping[str, str]
    happens_to: Mapping[str, str]


FILLED = "*"  # any value but a blank


def planned_faults() -> list[Fault]:
    """Return the errors to plant, in the order in which they stand in the file."""
    anybody: dict[str, str] = {}
    outcomes = dict.fromkeys([f"outcome/{name}" for name in (*OUTCOMES, "none", "unknown")], "")
    return [
        Fault("code that is not in the choices", {"education": "doctoral"}, {"education": "isced_5_8"}),
        Fault("code with a capital letter", {"gender": "Woman"}, {"gender": "woman"}),
        Fault("text in a number", {"age": "forty"}, {"age": "40"}),
        Fault("age below the limit", {"age": "7"}, {"age_group": "15_24"}),
        Fault("age above the limit: a slip of the finger", {"age": "590"}, {"age": "59"}),
        Fault("decimal in a whole number", {"age": "34.5"}, {"age": "34"}),
        Fault("participant of the row above once more", {"participant": "^"}, anybody),
        Fault("participant missing", {"participant": ""}, anybody),
        Fault("the person of the row above once more, under another number", {"person": "^"}, anybody),
        Fault("left before entering", {"exit_date": "entry_date-30", "completion_date": ""},
              {"drop_out": "health", "outcome/none": "1", "follow_up_date": ""}),
        Fault("first service after leaving", {"start_date": "exit_date+12"},
              {"completion_date": "", "start_date": FILLED, "drop_out": "family"}),
        Fault("follow-up before leaving", {"follow_up_date": "exit_date-45"}, {"follow_up_date": FILLED}),
        Fault("completed after leaving", {"completion_date": "exit_date+40"}, {"completion_date": FILLED}),
        Fault("completed, but no date of leaving", {"completion_date": "start_date+120"}, {"exit_date": ""}),
        Fault("employment before entry", {"employment_date": "entry_date-200"}, {"employment_date": FILLED}),
        Fault("entered after the programme had ended", {"entry_date": "2032-03-14"},
              {"exit_date": "", "stage": "stage_3"}),
        Fault("impossible date", {"follow_up_date": "2021-13-45"}, {"follow_up_date": FILLED, "entry_year": "2020"}),
        Fault("outcome of somebody who has not left", {"outcome/none": "1"}, {"exit_date": ""}),
        Fault("left, but outcome blank", outcomes, {"outcome/none": "1"}),
        Fault("`none` together with an outcome", {"outcome/none": "1"}, {"outcome/job_search": "1"}),
        Fault("employment date, but no employment", {"employment_date": "exit_date+20"},
              {"outcome/education": "1", "employment_date": ""}),
        Fault("employed, but no employment date", {"employment_date": ""}, {"outcome/employment": "1"}),
        Fault("drop-out reason of somebody who completed", {"drop_out": "moved"}, {"completion_date": FILLED}),
        Fault("2 in a column of 0 and 1", {"gains/skills": "2"}, {"gains/skills": "1"}),
        Fault("scale item above its range", {"wb3_exit": "7"}, {"wb3_exit": "4"}),
        Fault("scale item below its range", {"confidence_entry": "0"}, {"confidence_entry": "1"}),
        Fault("rating above its range", {"recommend": "11"}, {"recommend": "10"}),
        Fault("exit item, but no exit questionnaire", {"confidence_then": "3"}, {"exit_form": "no"}),
        Fault("follow-up item of somebody not reached", {"wb2_later": "4"}, {"labour_follow_up": "not_reached"}),
    ]  # fmt: skip


def fits(row: pd.Series, happens_to: Mapping[str, str]) -> bool:
    """Return whether a row is of the sort that a fault happens to."""
    return all(row[column] != "" if value == FILLED else row[column] == value for column, value in happens_to.items())


def find_row(responses: pd.DataFrame, happens_to: Mapping[str, str], start: int, used: set[int]) -> int:
    """Return the first row from `start` on, around the end if need be, that fits and has no error yet or beside it."""
    for row in (*range(start, len(responses)), *range(1, start)):
        if not {row - 1, row, row + 1} & used and fits(responses.iloc[row], happens_to):
            return row
    raise LookupError(f"responses: no row has {dict(happens_to)}; change the fault or the seed")


def typed_value(value: str, responses: pd.DataFrame, row: int, column: str) -> str:
    """Return what is typed into a cell: see `Fault`."""
    if value == "^":
        return str(responses.at[row - 1, column])
    for sign in ("-", "+"):
        base, _, days = value.partition(f"_date{sign}")
        if days:
            day = date.fromisoformat(responses.at[row, f"{base}_date"]) + timedelta(days=int(sign + days))
            return day.isoformat()
    return value


def plant_faults(responses: pd.DataFrame) -> tuple[pd.DataFrame, list[tuple[int, Fault]]]:
    """Return a copy with every planned error in a row of its own, spread over the file, and their list."""
    faulty = responses.copy()
    faults = planned_faults()
    planted: list[tuple[int, Fault]] = []
    used: set[int] = set()
    for number, fault in enumerate(faults):
        row = find_row(responses, fault.happens_to, 60 + number * (len(responses) - 120) // len(faults), used)
        used.add(row)
        for column, value in fault.typed.items():
            faulty.at[row, column] = typed_value(value, responses, row, column)
        planted.append((row, fault))
    return faulty, planted


# --- Writing and checking ---
def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write UTF-8 with LF on every system."""
    frame.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


def check_targets(path: Path) -> bool:
    """Print the counts of a written file beside those published; return whether all are equal."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    any_of = {names: (frame[[f"outcome/{name}" for name in names]] == "1").any(axis=1) for names in (WORK, OUTCOMES)}
    rows = [
        ("participants", PARTICIPANTS, len(frame)),
        ("men", MEN, int((frame["gender"] == "man").sum())),
        ("an outcome, wide definition", WIDE_TARGET, int(any_of[OUTCOMES].sum())),
    ]
    for (region, part), (size, count) in CELLS.items():
        column = "stage" if part.startswith("stage") else "entry_year"
        cell = (frame["region"] == region) & (frame[column] == part)
        rows.append((f"{region} {part}: participants", size, int(cell.sum())))
        rows.append((f"{region} {part}: employment or education", count, int((cell & any_of[WORK]).sum())))
    for name, target, written in rows:
        print(f"{name:48} published {target:5}   written {written:5}")
    return all(target == written for _, target, written in rows)


def print_faults(faulty: pd.DataFrame, responses: pd.DataFrame, planted: Sequence[tuple[int, Fault]]) -> None:
    """Print the planted errors as the table of README.md; the line counts the header as line 1."""
    print("\n| participant | line | column | typed | what is wrong |\n|---|---|---|---|---|")
    for row, fault in planted:
        column = next(iter(fault.typed))
        value = faulty.at[row, column] or "(blank)"
        if column.startswith("outcome/") and len(fault.typed) > 1:
            column, value = "outcome/*", "all blank"
        print(f"| {responses.at[row, 'participant']} | {row + 2} | `{column}` | {value} | {fault.what} |")


def main() -> None:
    """Write both files and print the check of the targets and the planted errors."""
    parser = argparse.ArgumentParser(description="Make the synthetic survey of programme participants.")
    parser.add_argument("--to", type=Path, default=HERE, metavar="DIR", help="folder to write to")
    folder: Path = parser.parse_args().to
    folder.mkdir(parents=True, exist_ok=True)
    responses = draw_responses(HERE / "questionnaire")
    faulty, planted = plant_faults(responses)
    write_csv(responses, folder / "responses.csv")
    write_csv(faulty, folder / "responses_with_errors.csv")
    met = check_targets(folder / "responses.csv")
    print_faults(faulty, responses, planted)
    if not met:
        raise SystemExit("responses.csv: a count differs from the published one")


if __name__ == "__main__":
    main()
