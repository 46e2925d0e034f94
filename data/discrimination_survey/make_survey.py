"""Make the synthetic survey of labour-market discrimination that ships with motivlab.

Nobody was interviewed. The answers are drawn at random and calibrated, so that the weighted shares of a few
key answers equal the figures published from the October 2021 population survey (see README.md).

    python data/discrimination_survey/make_survey.py            # writes beside this script
    python data/discrimination_survey/make_survey.py --to DIR   # writes elsewhere, for comparison

Four files are written: `responses.csv`; `responses_with_errors.csv`, the same with data errors planted in it;
`cleaning_log.csv`, the sheet of those errors as a fieldwork company would send it back; and `margins.csv`, the assumed
margins of the population that the weights are raked to. The same bytes come out of each run: the seed is fixed,
random numbers are only ever taken as uniforms (the most stable part of numpy's generators), and every tie is settled
by the order of the rows.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
SEED = 20211006
FIRST_DAY, LAST_DAY = date(2021, 10, 4), date(2021, 10, 29)

# --- Targets: published figures (data/published/discrimination_prevalence.csv, DP05 to DP09) ---
ENCOUNTERED_TARGET = 0.28  # of the valid answers of everybody
# Of the valid answers of those asked:
GROUND_TARGETS = {"age": 0.45, "language": 0.32, "ethnicity": 0.24, "gender": 0.24}
# Of the valid answers of everybody. Not published: assumed, near the Eurobarometer of 2015, not equal to it.
PERCEIVED_TARGETS = {"age": 0.47, "disability": 0.41, "language": 0.33, "ethnicity": 0.30, "gender": 0.21}
TOLERANCE = 0.003

# --- ASSUMPTIONS: the population ---
# Per cent of adults aged 18 to 75, rounded to what a population like Latvia's may look like. They serve to
# weight a made-up sample; they are not official statistics and must not be quoted.
REGION_MARGIN = {
    "riga": 32.0,
    "pieriga": 20.0,
    "vidzeme": 10.0,
    "kurzeme": 12.5,
    "zemgale": 12.0,
    "latgale": 13.5,
}
GENDER_AGE_MARGIN = {
    ("woman", "18_24"): 4.5, ("woman", "25_34"): 8.0, ("woman", "35_44"): 9.5,
    ("woman", "45_54"): 9.5, ("woman", "55_64"): 11.0, ("woman", "65_75"): 10.0,
    ("man", "18_24"): 4.5, ("man", "25_34"): 8.5, ("man", "35_44"): 9.5,
    ("man", "45_54"): 9.0, ("man", "55_64"): 9.5, ("man", "65_75"): 6.5,
}  # fmt: skip
LANGUAGE_MARGIN = {"latvian": 61.0, "russian": 36.0, "other": 3.0}

# --- ASSUMPTIONS: the sample ---
# Vidzeme and Latgale get more interviews than their size, as is done to compare regions.
SAMPLE = {"riga": 272, "pieriga": 180, "vidzeme": 142, "kurzeme": 126, "zemgale": 120, "latgale": 164}
WILLINGNESS = {  # who is easier to reach and to persuade
    ("woman", "18_24"): 0.8, ("woman", "25_34"): 1.0, ("woman", "35_44"): 1.1,
    ("woman", "45_54"): 1.2, ("woman", "55_64"): 1.3, ("woman", "65_75"): 1.2,
    ("man", "18_24"): 0.7, ("man", "25_34"): 0.7, ("man", "35_44"): 0.8,
    ("man", "45_54"): 0.9, ("man", "55_64"): 1.0, ("man", "65_75"): 1.0,
}  # fmt: skip
WEEKDAY_PACE = (1.0, 1.2, 1.2, 1.2, 0.9, 0.8, 0.3)  # interviews from Monday to Sunday
WEIGHT_BOUNDS = (0.42, 2.40)  # trimming, for weights with mean 1: at most 5.8 to 1
ROMA = 5  # respondents: rare enough that their answers must never be shown as a group

# --- ASSUMPTIONS: who lives where and does what (probabilities in proportion) ---
LANGUAGE_BY_REGION = {
    "riga": {"latvian": 46, "russian": 50, "other": 4},
    "pieriga": {"latvian": 72, "russian": 25, "other": 3},
    "vidzeme": {"latvian": 89, "russian": 9, "other": 2},
    "kurzeme": {"latvian": 77, "russian": 20, "other": 3},
    "zemgale": {"latvian": 72, "russian": 24, "other": 4},
    "latgale": {"latvian": 46, "russian": 51, "other": 3},
}
ETHNICITY_BY_LANGUAGE = {
    "latvian": {"latvian": 95, "russian": 2, "other": 3},
    "russian": {"latvian": 6, "russian": 68, "other": 26},
    "other": {"latvian": 5, "russian": 5, "other": 90},
}
DISABILITY_BY_AGE = {"18_24": 3, "25_34": 4, "35_44": 7, "45_54": 10, "55_64": 16, "65_75": 18}  # per cent
EDUCATION_BY_AGE = {
    "18_24": {"basic": 25, "vocational": 20, "secondary": 42, "higher": 13},
    "25_34": {"basic": 9, "vocational": 27, "secondary": 22, "higher": 42},
    "35_44": {"basic": 9, "vocational": 29, "secondary": 22, "higher": 40},
    "45_54": {"basic": 8, "vocational": 36, "secondary": 23, "higher": 33},
    "55_64": {"basic": 8, "vocational": 41, "secondary": 23, "higher": 28},
    "65_75": {"basic": 14, "vocational": 39, "secondary": 22, "higher": 25},
}
LABOUR_STATUS_BY_AGE = {
    "18_24": {"employed": 41, "self_employed": 3, "unemployed": 8, "student": 45, "at_home": 3},
    "25_34": {"employed": 73, "self_employed": 9, "unemployed": 7, "student": 3, "at_home": 8},
    "35_44": {"employed": 75, "self_employed": 12, "unemployed": 7, "at_home": 6},
    "45_54": {"employed": 77, "self_employed": 11, "unemployed": 8, "at_home": 4},
    "55_64": {"employed": 66, "self_employed": 9, "unemployed": 9, "retired": 12, "at_home": 4},
    "65_75": {"employed": 20, "self_employed": 4, "unemployed": 1, "retired": 74, "at_home": 1},
}
UNABLE_IF_DISABLED = 0.30  # below pension age
OLDEST_STUDENT, YOUNGEST_GRADUATE, YOUNGEST_PENSIONER = 34, 22, 62

# --- ASSUMPTIONS: who does not answer ---
NONRESPONSE = {
    "native_language": {"refused": 0.008},
    "ethnicity": {"refused": 0.020},
    "disability": {"refused": 0.015},
    "encountered": {"dont_know": 0.026, "refused": 0.014},
    "grounds": {"dont_know": 0.020, "refused": 0.012},
    "situations": {"dont_know": 0.015, "refused": 0.010},
    "actions": {"dont_know": 0.010, "refused": 0.012},
    "perceived": {"dont_know": 0.060, "refused": 0.010},
}

# --- ASSUMPTIONS: who says what ---
# Effects of traits on the log-odds: trait -> code -> effect. They come from no study.
Effects = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Item:
    """A choice of a multiple-response question: its weighted share of the valid answers, and who names it."""

    share: float
    effects: Effects


ENCOUNTERED_EFFECTS: Effects = {
    "gender": {"woman": 0.2},
    "age_group": {"18_24": -0.2, "25_34": 0.1, "45_54": 0.2, "55_64": 0.5, "65_75": 0.05},
    "native_language": {"russian": 0.5, "other": 0.5},
    "ethnicity": {"roma": 1.6},
    "disability": {"yes": 0.8},
    "labour_status": {
        "unemployed": 0.9,
        "at_home": 0.3,
        "unable": 0.4,
        "student": -0.4,
        "self_employed": -0.2,
    },
}
# The published grounds come last: the bonus for respondents who have named nothing yet then fills most gaps.
GROUNDS = {
    "disability": Item(0.10, {"disability": {"yes": 4.5}, "labour_status": {"unable": 1.0}}),
    "family": Item(
        0.12,
        {
            "gender": {"woman": 1.6},
            "age_group": {"25_34": 1.4, "35_44": 1.3, "55_64": -0.8, "65_75": -1.5},
            "labour_status": {"at_home": 1.0},
        },
    ),
    "appearance": Item(
        0.08,
        {
            "gender": {"woman": 0.4},
            "age_group": {"18_24": 0.8, "25_34": 0.4},
            "ethnicity": {"roma": 1.5},
        },
    ),
    "religion": Item(0.02, {"native_language": {"other": 1.0}}),
    "orientation": Item(0.025, {"age_group": {"18_24": 1.2, "25_34": 0.8, "55_64": -1.0, "65_75": -1.5}}),
    "other": Item(0.04, {"age_group": {"35_44": 0.3, "45_54": 0.3}}),
    "ethnicity": Item(
        GROUND_TARGETS["ethnicity"],
        {
            "ethnicity": {"russian": 1.9, "roma": 5.0, "other": 1.6},
            "native_language": {"russian": 0.5, "other": 0.8},
        },
    ),
    "language": Item(
        GROUND_TARGETS["language"],
        {
            "native_language": {"russian": 2.6, "other": 2.4},
            "age_group": {"18_24": -0.4, "55_64": 0.2},
            "education": {"basic": 0.4, "higher": -0.3},
        },
    ),
    "age": Item(
        GROUND_TARGETS["age"],
        {
            "age_group": {"18_24": 0.9, "25_34": -0.6, "45_54": 0.9, "55_64": 2.2, "65_75": 2.0},
            "labour_status": {"unemployed": 0.3},
        },
    ),
    "gender": Item(
        GROUND_TARGETS["gender"],
        {"gender": {"woman": 2.0}, "age_group": {"25_34": 0.6, "35_44": 0.4, "65_75": -0.6}},
    ),
}
SITUATIONS = {
    "care_leave": Item(
        0.05,
        {
            "gender": {"woman": 3.0},
            "age_group": {"18_24": -0.5, "25_34": 1.4, "35_44": 1.2, "55_64": -2.0, "65_75": -4.0},
        },
    ),
    "dismissal": Item(0.12, {"age_group": {"55_64": 0.7, "65_75": 0.9}, "labour_status": {"unemployed": 0.7}}),
    "promotion": Item(0.12, {"gender": {"woman": 0.4}, "education": {"higher": 0.6}}),
    "conditions": Item(0.16, {"disability": {"yes": 0.5}, "education": {"basic": 0.4, "vocational": 0.3}}),
    "job_ad": Item(0.14, {"age_group": {"45_54": 0.4, "55_64": 0.8}, "labour_status": {"unemployed": 0.9}}),
    "pay": Item(0.24, {"gender": {"woman": 0.7}, "labour_status": {"employed": 0.4}}),
    "hiring": Item(
        0.36,
        {
            "labour_status": {"unemployed": 1.0},
            "disability": {"yes": 0.5},
            "age_group": {"55_64": 0.5},
        },
    ),
    "attitude": Item(0.38, {"native_language": {"russian": 0.4, "other": 0.4}, "ethnicity": {"roma": 0.8}}),
    "other": Item(0.03, {}),
}
ACTIONS = {
    "employer": Item(0.17, {"education": {"higher": 0.5}, "labour_status": {"employed": 0.4}}),
    "union": Item(0.03, {"labour_status": {"employed": 0.8}, "age_group": {"45_54": 0.4, "55_64": 0.5}}),
    "inspectorate": Item(0.05, {"education": {"higher": 0.6}, "labour_status": {"unemployed": 0.5}}),
    "ombudsman": Item(0.02, {"education": {"higher": 0.8}, "disability": {"yes": 0.6}}),
    "court": Item(0.015, {"education": {"higher": 0.8}}),
    "family": Item(0.26, {"gender": {"woman": 0.7}, "age_group": {"18_24": 0.6, "25_34": 0.4}}),
    "left": Item(
        0.14,
        {
            "age_group": {"18_24": 0.7, "25_34": 0.5},
            "labour_status": {"unemployed": 0.8, "self_employed": 0.4},
        },
    ),
}
WHY_NOTHING = {
    "useless": 39,
    "unknown_where": 19,
    "fear": 17,
    "not_serious": 15,
    "other": 5,
    "dont_know": 3,
    "refused": 2,
}
PERCEIVED = {
    "age": Item(
        PERCEIVED_TARGETS["age"],
        {
            "age_group": {"18_24": -0.6, "25_34": -0.4, "45_54": 0.4, "55_64": 0.8, "65_75": 0.6},
            "encountered": {"yes": 0.6},
        },
    ),
    "disability": Item(
        PERCEIVED_TARGETS["disability"],
        {
            "disability": {"yes": 1.0},
            "age_group": {"18_24": 0.2, "65_75": 0.2},
            "encountered": {"yes": 0.3},
        },
    ),
    "language": Item(
        PERCEIVED_TARGETS["language"],
        {"native_language": {"russian": 1.2, "other": 0.9}, "encountered": {"yes": 0.5}},
    ),
    "ethnicity": Item(
        PERCEIVED_TARGETS["ethnicity"],
        {
            "native_language": {"russian": 0.8, "other": 0.7},
            "ethnicity": {"roma": 2.0},
            "encountered": {"yes": 0.5},
        },
    ),
    "gender": Item(
        PERCEIVED_TARGETS["gender"],
        {
            "gender": {"woman": 0.7},
            "age_group": {"18_24": 0.5, "25_34": 0.4, "65_75": -0.4},
            "encountered": {"yes": 0.4},
        },
    ),
    "religion": Item(0.11, {"native_language": {"other": 0.5}}),
    "orientation": Item(
        0.27,
        {
            "age_group": {"18_24": 1.1, "25_34": 0.7, "55_64": -0.4, "65_75": -0.8},
            "native_language": {"russian": -0.3},
        },
    ),
}
OTHER_GROUNDS = {  # open answers come in the respondent's language
    "latvian": ("vakcinācijas statuss", "dzīvesvieta ārpus Rīgas", "politiskie uzskati",
                "ilgs pārtraukums darbā", "veselības stāvoklis", "sodāmība pagātnē", "nav pazīšanās, sakaru"),
    "russian": ("статус вакцинации", "состояние здоровья", "политические взгляды", "нет гражданства",
                "долгий перерыв в работе", "нет знакомств, связей"),
}  # fmt: skip


# --- The questionnaire ---
def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file, in their order."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_choices(folder: Path) -> dict[str, list[str]]:
    """Return the choices' names of each list of the questionnaire, in the order of the form."""
    choices: dict[str, list[str]] = {}
    for row in read_rows(folder / "choices.csv"):
        choices.setdefault(row["list_name"], []).append(row["name"])
    return choices


def answer_columns(folder: Path) -> list[str]:
    """Return the answers' columns in the order of the form: `q`, or `q/choice` for a multiple response."""
    choices = read_choices(folder)
    columns: list[str] = []
    for row in read_rows(folder / "survey.csv"):
        kind, _, list_name = row["type"].partition(" ")
        if kind == "select_multiple":
            columns += [f"{row['name']}/{choice}" for choice in choices[list_name]]
        elif kind not in ("note", "begin_group", "end_group"):
            columns.append(row["name"])
    return columns


# --- Random draws ---
def logistic_noise(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return draws of the standard logistic distribution: added to a logit score, they make ranks random."""
    u = rng.random(n)
    return np.log(u / (1 - u))


def draw_codes(rng: np.random.Generator, n: int, weights: Mapping[str, float]) -> np.ndarray:
    """Draw `n` codes with probabilities in proportion to `weights`, by inverting their cumulative sum."""
    steps = np.cumsum(list(weights.values()))
    at = np.searchsorted(steps / steps[-1], rng.random(n), side="right")
    return np.array(list(weights), dtype=object)[at]


def draw_by(rng: np.random.Generator, by: pd.Series, tables: Mapping[str, Mapping[str, float]]) -> np.ndarray:
    """Draw a code for each row from the table that belongs to the row's value of `by`."""
    drawn = np.empty(len(by), dtype=object)
    for value, weights in tables.items():
        rows = (by == value).to_numpy()
        drawn[rows] = draw_codes(rng, int(rows.sum()), weights)
    return drawn


def draw_missing(rng: np.random.Generator, n: int, question: str) -> np.ndarray:
    """Draw who does not answer a question: the missing code, or an empty text for an answer."""
    rates = NONRESPONSE[question]
    return draw_codes(rng, n, {**rates, "": 1 - sum(rates.values())})


def logit_score(people: pd.DataFrame, effects: Effects) -> np.ndarray:
    """Return the sum of the effects of each person's traits; a trait that is not listed has no effect."""
    total = np.zeros(len(people))
    for trait, by_code in effects.items():
        total += people[trait].map(lambda code, table=by_code: table.get(code, 0.0)).to_numpy(dtype=float)
    return total


def calibrated_draw(score: np.ndarray, weight: np.ndarray, share: float) -> np.ndarray:
    """Take people from the highest score down until those taken hold `share` of the weight.

    The share is reached, and exceeded by the smallest weight at most: who would exceed it by more is passed
    over for the next person. A cut at a single rank could miss the target by a whole large weight, which is
    a lot in a small base; and a published "at least 28 %" should not come out as 27.9 %.
    """
    taken = np.zeros(len(score), dtype=bool)
    room, slack = share * weight.sum(), weight.min()
    for row in np.argsort(-score, kind="stable"):
        if room > 0 and weight[row] <= room + slack:
            taken[row] = True
            room -= weight[row]
    return taken


def draw_multiple(
    rng: np.random.Generator,
    people: pd.DataFrame,
    items: Mapping[str, Item],
    *,
    talkative: float = 0.0,
    first_choice: float = 0.0,
) -> pd.DataFrame:
    """Draw the choices of a multiple-response question, each to its weighted share, in the order of `items`.

    `people` are those who give a valid answer, with their traits and `weight`. `talkative` is how much they
    differ in the number of choices that they name: the scale of a noise shared by all choices. `first_choice`
    is added to the score of those who have named nothing yet, so that few are left without an answer.
    """
    weight = people["weight"].to_numpy()
    habit = talkative * logistic_noise(rng, len(people))
    chosen = pd.DataFrame(index=people.index)
    named = np.zeros(len(people), dtype=bool)
    for choice, item in items.items():
        score = logit_score(people, item.effects) + habit + first_choice * ~named
        chosen[choice] = calibrated_draw(score + logistic_noise(rng, len(people)), weight, item.share)
        named |= chosen[choice].to_numpy()
    return chosen


# --- The people ---
def draw_people(rng: np.random.Generator) -> pd.DataFrame:
    """Draw the sample with everybody's true traits, one row per respondent, sorted by day of interview."""
    people = pd.DataFrame({"region": np.repeat(list(SAMPLE), list(SAMPLE.values())).astype(object)})
    n = len(people)
    cells = {f"{gender} {age}": share * WILLINGNESS[gender, age] for (gender, age), share in GENDER_AGE_MARGIN.items()}
    cell = pd.Series(draw_codes(rng, n, cells)).str.split(" ", expand=True)
    people["gender"], people["age_group"] = cell[0].astype(object), cell[1].astype(object)
    youngest, oldest = (people["age_group"].str.split("_").str[i].astype(int).to_numpy() for i in (0, 1))
    people["age"] = youngest + np.floor(rng.random(n) * (oldest - youngest + 1)).astype(int)
    people["native_language"] = draw_by(rng, people["region"], LANGUAGE_BY_REGION)
    people["ethnicity"] = draw_by(rng, people["native_language"], ETHNICITY_BY_LANGUAGE)
    people.loc[pick_roma(rng, people), "ethnicity"] = "roma"
    rate = people["age_group"].map(DISABILITY_BY_AGE).to_numpy() / 100
    people["disability"] = np.where(rng.random(n) < rate, "yes", "no").astype(object)
    people["education"] = draw_education(rng, people)
    people["labour_status"] = draw_labour_status(rng, people)
    people["interview_date"] = draw_dates(rng, n)
    people["order"] = rng.random(n)
    return people.sort_values(["interview_date", "order"], kind="stable", ignore_index=True).drop(columns="order")


def pick_roma(rng: np.random.Generator, people: pd.DataFrame) -> pd.Index:
    """Pick the Roma respondents, mostly among those whose native language is neither Latvian nor Russian."""
    score = logit_score(people, {"native_language": {"other": 4.0}}) + logistic_noise(rng, len(people))
    return people.index[np.argsort(-score, kind="stable")[:ROMA]]


def draw_education(rng: np.random.Generator, people: pd.DataFrame) -> np.ndarray:
    """Draw education by age group; nobody has a degree before the age of graduation."""
    education = draw_by(rng, people["age_group"], EDUCATION_BY_AGE)
    too_early = (people["age"] < YOUNGEST_GRADUATE).to_numpy() & (education == "higher")
    return np.where(too_early, "secondary", education)


def draw_labour_status(rng: np.random.Generator, people: pd.DataFrame) -> np.ndarray:
    """Draw labour status by age group, within the limits of age, gender and health."""
    status = draw_by(rng, people["age_group"], LABOUR_STATUS_BY_AGE)
    age = people["age"].to_numpy()
    impossible = ((status == "retired") & (age < YOUNGEST_PENSIONER)) | ((status == "student") & (age > OLDEST_STUDENT))
    status = np.where(impossible, "employed", status)
    # Most who stay at home are women: three men of four who were drawn so go to work instead.
    works = (status == "at_home") & (people["gender"] == "man").to_numpy() & (rng.random(len(age)) < 0.75)
    status = np.where(works, "employed", status)
    unable = (people["disability"] == "yes").to_numpy() & (status != "retired") & (age < 65)
    return np.where(unable & (rng.random(len(age)) < UNABLE_IF_DISABLED), "unable", status)


def draw_dates(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw the days of the interviews (ISO) in the fieldwork period; Sundays are slow."""
    days = [FIRST_DAY + timedelta(days=i) for i in range((LAST_DAY - FIRST_DAY).days + 1)]
    return draw_codes(rng, n, {day.isoformat(): WEEKDAY_PACE[day.weekday()] for day in days})


def hide_refusals(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Return the demographic answers as given: true traits, some of them refused."""
    answers = people.copy()
    for question in ("native_language", "ethnicity", "disability"):
        missing = draw_missing(rng, len(people), question)
        # The few Roma respondents keep their answer, or there might be none left to test disclosure with.
        hide = (missing != "") & (people["ethnicity"] != "roma").to_numpy()
        answers.loc[hide, question] = missing[hide]
    return answers


# --- Weights ---
def rake(weight: np.ndarray, margins: Sequence[tuple[np.ndarray, Mapping[str, float]]]) -> np.ndarray:
    """Scale weights to each margin in turn, until the last round no longer changes them.

    A row whose code is not in the margin (a refusal) keeps its weight; the margin holds among the others.
    """
    for _ in range(200):
        before = weight.copy()
        for codes, margin in margins:
            known = np.isin(codes, list(margin))
            total, whole = weight[known].sum(), sum(margin.values())
            for code, share in margin.items():
                rows = codes == code
                weight = np.where(rows, weight * (share / whole * total) / weight[rows].sum(), weight)
        if np.abs(weight - before).max() < 1e-10:
            break
    return weight


def survey_weights(answers: pd.DataFrame) -> np.ndarray:
    """Return design weights raked to the population margins, trimmed, with mean 1 and 4 decimals."""
    design = {region: REGION_MARGIN[region] / SAMPLE[region] for region in SAMPLE}
    weight = answers["region"].map(design).to_numpy(dtype=float)
    gender_age = (answers["gender"] + " " + answers["age_group"]).to_numpy(dtype=object)
    margins = [
        (answers["region"].to_numpy(dtype=object), REGION_MARGIN),
        (gender_age, {" ".join(cell): share for cell, share in GENDER_AGE_MARGIN.items()}),
        (answers["native_language"].to_numpy(dtype=object), LANGUAGE_MARGIN),
    ]
    # Trimming disturbs the margins and raking disturbs the bounds: a few rounds settle both, bounds last.
    for _ in range(20):
        weight = rake(weight, margins)
        weight = np.clip(weight / weight.mean(), *WEIGHT_BOUNDS)
    rounded: np.ndarray = np.round(weight / weight.mean(), 4)
    return rounded


def margins_table() -> pd.DataFrame:
    """Return the margins as shares: `variable`, `level`, `share`; crossed ones are joined by " × "."""
    crossed = {" × ".join(cell): share for cell, share in GENDER_AGE_MARGIN.items()}
    margins = {"region": REGION_MARGIN, "gender × age_group": crossed, "native_language": LANGUAGE_MARGIN}
    rows = [(variable, level, f"{share / 100:.3f}") for variable, of in margins.items() for level, share in of.items()]
    return pd.DataFrame(rows, columns=["variable", "level", "share"])


# --- The answers ---
def one_hot(question: str, rows: pd.Index, missing: np.ndarray, chosen: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return the 0/1 columns `question/choice` of those asked; a missing answer is chosen alone."""
    table = pd.DataFrame("0", index=rows, columns=names, dtype=object)
    for name in chosen:
        table.loc[chosen.index[chosen[name]], name] = "1"
    for row, code in zip(rows, missing, strict=True):
        if code:
            table.loc[row, code] = "1"
    return table.add_prefix(f"{question}/")


def draw_encountered(rng: np.random.Generator, people: pd.DataFrame) -> np.ndarray:
    """Draw who has encountered discrimination: calibrated among the valid answers."""
    answer = draw_missing(rng, len(people), "encountered")
    valid = answer == ""
    score = logit_score(people, ENCOUNTERED_EFFECTS) + logistic_noise(rng, len(people))
    yes = calibrated_draw(score[valid], people["weight"].to_numpy()[valid], ENCOUNTERED_TARGET)
    answer[valid] = np.where(yes, "yes", "no")
    return answer


def draw_grounds(rng: np.random.Generator, valid: pd.DataFrame) -> pd.DataFrame:
    """Draw the grounds; who is left without any says `other`, since a valid answer names at least one."""
    chosen = draw_multiple(rng, valid, GROUNDS, first_choice=1.6)
    chosen["other"] |= ~chosen.any(axis=1)
    return chosen


def draw_situations(rng: np.random.Generator, valid: pd.DataFrame) -> pd.DataFrame:
    """Draw the situations; who is left without any says `attitude`, the most common one."""
    chosen = draw_multiple(rng, valid, SITUATIONS, first_choice=1.5)
    chosen["attitude"] |= ~chosen.any(axis=1)
    return chosen


def draw_actions(rng: np.random.Generator, valid: pd.DataFrame) -> pd.DataFrame:
    """Draw what people did; who is left without any did nothing."""
    chosen = draw_multiple(rng, valid, ACTIONS, talkative=0.5)
    return chosen.assign(nothing=~chosen.any(axis=1))


def draw_perceived(rng: np.random.Generator, valid: pd.DataFrame) -> pd.DataFrame:
    """Draw the grounds seen as widespread; who is left without any says `none`."""
    chosen = draw_multiple(rng, valid, PERCEIVED, talkative=0.4)
    return chosen.assign(none=~chosen.any(axis=1))


def draw_other_texts(rng: np.random.Generator, language: pd.Series) -> list[str]:
    """Draw the open answers for `other` grounds: in Russian from its native speakers, else in Latvian."""
    texts = []
    for code, u in zip(language, rng.random(len(language)), strict=True):
        pool = OTHER_GROUNDS["russian" if code == "russian" else "latvian"]
        texts.append(pool[int(u * len(pool))])
    return texts


def draw_responses(questionnaire: Path) -> pd.DataFrame:
    """Draw the whole survey as texts, in the columns of `responses.csv`."""
    rng = np.random.default_rng(SEED)
    choices = read_choices(questionnaire)
    people = draw_people(rng)
    answers = hide_refusals(rng, people)
    answers["respondent"] = [f"R{number:04d}" for number in range(1, len(answers) + 1)]
    answers["stratum"] = answers["region"]
    # Non-response is hidden from the weighting as in life; what people say follows from what they are.
    people["weight"] = survey_weights(answers)
    people["encountered"] = answers["encountered"] = draw_encountered(rng, people)

    def ask(question: str, asked: pd.DataFrame, draw: Callable[..., pd.DataFrame]) -> pd.DataFrame:
        missing = draw_missing(rng, len(asked), question)
        chosen = draw(rng, asked[missing == ""])
        return one_hot(question, asked.index, missing, chosen, choices[question])

    asked = people[people["encountered"] == "yes"]
    grounds = ask("grounds", asked, draw_grounds)
    situations = ask("situations", asked, draw_situations)
    actions = ask("actions", asked, draw_actions)
    perceived = ask("perceived", people, draw_perceived)
    answers = pd.concat([answers, grounds, situations, actions, perceived], axis=1)

    other = answers["grounds/other"] == "1"
    answers.loc[other, "grounds_other"] = draw_other_texts(rng, people.loc[other, "native_language"])
    nothing = answers["actions/nothing"] == "1"
    answers.loc[nothing, "why_nothing"] = draw_codes(rng, int(nothing.sum()), WHY_NOTHING)
    answers["weight"] = [f"{weight:.4f}" for weight in people["weight"]]
    columns = ["respondent", "stratum", "weight", *answer_columns(questionnaire)]
    return answers[columns].astype(object).where(answers[columns].notna(), "").astype(str)


# --- The planted errors ---
@dataclass(frozen=True)
class Fault:
    """A data error: what is wrong, what is typed into which columns, and what sort of row it happens to."""

    what: str
    typed: Mapping[str, str]
    happens_to: Mapping[str, str]


def planned_faults(columns: Sequence[str]) -> list[Fault]:
    """Return the errors to plant, in the order in which they stand in the file."""
    grounds = [column for column in columns if column.startswith("grounds/")]
    anybody: dict[str, str] = {}
    return [
        Fault("code that is not in the choices", {"education": "doctoral"}, {"education": "higher"}),
        Fault("code with a capital letter", {"gender": "Woman"}, {"gender": "woman"}),
        Fault("text in a number", {"age": "forty"}, {"age": "40"}),
        Fault("age below the limit", {"age": "17"}, {"age": "18"}),
        Fault("age above the limit: a slip of the finger", {"age": "180"}, {"age": "18"}),
        Fault("decimal in a whole number", {"age": "34.5"}, {"age": "34"}),
        Fault(
            "grounds answered, but no discrimination encountered",
            {column: "1" if column == "grounds/age" else "0" for column in grounds},
            {"encountered": "no"},
        ),
        Fault(
            "discrimination encountered, but grounds blank",
            dict.fromkeys(grounds, ""),
            {"encountered": "yes", "grounds/other": "0"},
        ),
        Fault(
            "`nothing` together with another action",
            {"actions/inspectorate": "1"},
            {"actions/nothing": "1"},
        ),
        Fault("2 in a column of 0 and 1", {"perceived/age": "2"}, {"perceived/age": "1"}),
        Fault("respondent of the row above once more", {"respondent": "^"}, anybody),
        Fault("respondent missing", {"respondent": ""}, anybody),
        Fault("weight missing", {"weight": ""}, anybody),
        Fault("weight of zero", {"weight": "0"}, anybody),
        Fault("negative weight", {"weight": "-0.8500"}, anybody),
        Fault("impossible date", {"interview_date": "2021-13-45"}, anybody),
    ]


def find_row(responses: pd.DataFrame, happens_to: Mapping[str, str], start: int, used: set[int]) -> int:
    """Return the first row from `start` on, around the end if need be, that fits and has no error yet."""
    rows: list[int] = [*range(start, len(responses)), *range(start)]
    for row in rows:
        if row not in used and all(responses.at[row, column] == value for column, value in happens_to.items()):
            return row
    raise LookupError(f"responses: no row has {dict(happens_to)}; change the fault or the seed")


def plant_faults(responses: pd.DataFrame) -> tuple[pd.DataFrame, list[tuple[int, Fault]]]:
    """Return a copy with every planned error in a row of its own, spread over the file, and their list."""
    faulty = responses.copy()
    faults = planned_faults(list(responses))
    planted: list[tuple[int, Fault]] = []
    used: set[int] = set()
    for number, fault in enumerate(faults):
        start = 25 + number * (len(responses) - 50) // len(faults)
        row = find_row(responses, fault.happens_to, start, used)
        used.add(row)
        for column, value in fault.typed.items():
            faulty.at[row, column] = responses.at[row - 1, column] if value == "^" else value
        planted.append((row, fault))
    return faulty, planted


# --- The errors as they were answered ---
LOG_COLUMNS = (
    "row", "respondent", "variable", "wording", "value", "rule", "message", "answer", "action", "reason", "by", "date",
)  # fmt: skip
# Variable and what was typed: the rule that finds it, the action, the answer, the reason. `=` is the true value.
ANSWERED = {
    ("education", "doctoral"): ("unknown_code", "change", "=", "A doctoral degree is coded as higher education."),
    ("gender", "Woman"): ("unknown_code", "change", "=", "Typed with a capital letter."),
    ("age", "forty"): ("wrong_type", "change", "=", "Typed in words; the recording says 40."),
    ("age", "34.5"): ("wrong_type", "change", "=", "Full years were asked for."),
    ("age", "17"): ("out_of_range", "change", "=", "Called back: 18 on the day of the interview."),
    ("age", "180"): ("out_of_range", "change", "=", "A slip of the finger."),
    ("grounds", "age"): ("answered_not_asked", "missing", "not_asked", "Ticked by mistake, the question was not put."),
    ("grounds", ""): ("asked_not_answered", "change", "=", "Skipped in data entry; from the recording."),
    ("actions", "nothing"): ("exclusive", "change", "=", "Did nothing; the other was ticked by mistake."),
    ("perceived/age", "2"): ("unknown_code", "change", "=", "Ticked twice."),
    ("respondent", "^"): ("id_duplicate", "change", "=", "The number of the interview before was typed."),
    ("respondent", ""): ("id_missing", "change", "=", "Found by the time of the call."),
    ("weight", ""): ("weight", "change", "=", "Taken from the file of weights."),
    ("weight", "0"): ("weight", "change", "=", "Taken from the file of weights."),
    ("weight", "-0.8500"): ("weight", "drop", "", "The address was not in the sample; the interview must not be used."),
    ("interview_date", "2021-13-45"): ("wrong_type", "change", "=", "Taken from the list of calls."),
}
RIGHT_ID = ("id_duplicate", "keep", "", "This number is right; the interview after it was given it by mistake.")


def chosen(row: pd.Series, question: str) -> str:
    """Return the names of the chosen of a multiple-response question."""
    return " ".join(c.partition("/")[2] for c in row.index if c.startswith(f"{question}/") and row[c] == "1")


def answered_log(
    responses: pd.DataFrame, faulty: pd.DataFrame, planted: Sequence[tuple[int, Fault]], wordings: Mapping[str, str]
) -> pd.DataFrame:
    """Return the sheet of the planted errors, answered by the field supervisor on the last day of the fieldwork."""
    multiple = {column.partition("/")[0] for column in responses if "/" in column}
    rows = []

    def answer(row: int, variable: str, told: tuple[str, str, str, str]) -> None:
        rule, action, new, reason = told
        was, true = faulty.iloc[row], responses.iloc[row]
        value, right = (chosen(was, variable), chosen(true, variable)) if variable in multiple else (
            was[variable], true[variable])  # fmt: skip
        wording = wordings.get(variable.partition("/")[0], "")
        rows.append((row + 2, was["respondent"], variable, wording, value, rule, "", right if new == "=" else new,
                     action, reason, "field supervisor", str(LAST_DAY)))  # fmt: skip

    for row, fault in planted:
        column, typed = next(iter(fault.typed.items()))
        question = column.partition("/")[0]
        if column.startswith(("grounds/", "actions/")):
            told = ANSWERED[question, chosen(faulty.iloc[row], question) if question == "grounds" else "nothing"]
            answer(row, question, told)
            continue
        if typed == "^":
            answer(row - 1, column, RIGHT_ID)
        answer(row, column, ANSWERED[column, typed])
    return pd.DataFrame(sorted(rows), columns=list(LOG_COLUMNS))


# --- Writing and checking ---
def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write UTF-8 with LF on every system."""
    frame.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


def weighted_share(frame: pd.DataFrame, chosen: pd.Series, base: pd.Series) -> float:
    """Return the weighted share of `chosen` among `base`, with the weights as written."""
    weight = frame["weight"].astype(float)
    return float(weight[chosen & base].sum() / weight[base].sum())


def valid_answers(frame: pd.DataFrame, question: str) -> pd.Series:
    """Return who was asked a multiple-response question and gave a valid answer."""
    said = frame.filter(regex=f"^{question}/(dont_know|refused)$")
    return (said == "0").all(axis=1)


def check_targets(path: Path) -> bool:
    """Print the weighted shares of a written file beside their targets; return whether all are met."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    valid = frame["encountered"].isin(["yes", "no"])
    rows = [("encountered = yes", ENCOUNTERED_TARGET, weighted_share(frame, frame["encountered"] == "yes", valid))]
    for question, targets in (("grounds", GROUND_TARGETS), ("perceived", PERCEIVED_TARGETS)):
        base = valid_answers(frame, question)
        for choice, target in targets.items():
            column = f"{question}/{choice}"
            rows.append((column, target, weighted_share(frame, frame[column] == "1", base)))
    for name, target, share in rows:
        print(f"{name:24} target {target:6.1%}   written {share:7.2%}")
    print(f"{len(frame)} respondents, {int((frame['encountered'] == 'yes').sum())} asked for grounds")
    return all(abs(share - target) <= TOLERANCE for _, target, share in rows)


def print_faults(responses: pd.DataFrame, planted: Sequence[tuple[int, Fault]]) -> None:
    """Print the planted errors as the table of README.md; the line counts the header as line 1."""
    print("\n| respondent | line | column | typed | what is wrong |\n|---|---|---|---|---|")
    for row, fault in planted:
        column, value = next(iter(fault.typed.items()))
        if len(fault.typed) > 1:
            column, value = "grounds/*", "all blank" if value == "" else "age 1, the others 0"
        value = responses.at[row - 1, column] if value == "^" else value or "(blank)"
        print(f"| {responses.at[row, 'respondent']} | {row + 2} | `{column}` | {value} | {fault.what} |")


def main() -> None:
    """Write the files and print the check of the targets and the planted errors."""
    parser = argparse.ArgumentParser(description="Make the synthetic discrimination survey.")
    parser.add_argument("--to", type=Path, default=HERE, metavar="DIR", help="folder to write to")
    folder: Path = parser.parse_args().to
    folder.mkdir(parents=True, exist_ok=True)
    responses = draw_responses(HERE / "questionnaire")
    faulty, planted = plant_faults(responses)
    write_csv(responses, folder / "responses.csv")
    write_csv(faulty, folder / "responses_with_errors.csv")
    write_csv(margins_table(), folder / "margins.csv")
    wordings = {row["name"]: row["label::English (en)"] for row in read_rows(HERE / "questionnaire" / "survey.csv")}
    write_csv(answered_log(responses, faulty, planted, wordings), folder / "cleaning_log.csv")
    met = check_targets(folder / "responses.csv")
    print_faults(responses, planted)
    if not met:
        raise SystemExit(f"responses.csv: a weighted share is more than {TOLERANCE:.1%} from its target")


if __name__ == "__main__":
    main()
