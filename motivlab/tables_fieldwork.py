"""Response rates and sample plans as tables."""

from __future__ import annotations

import math
from typing import Any

from .fieldwork import DISPOSITIONS, ResponseRates
from .language import number, percent, say
from .planning import Plan
from .tables import SUPPRESSED, Block, Table, table


@table.register(ResponseRates)
def _rates(rates: ResponseRates) -> Table:
    """A row per rate and a column per group, the total first; then the cases they come from."""
    language, frame = rates.language, rates.frame
    groups = list(rates.counts.index)
    head = [
        f"{group or say('total', language)}\n{say('n_equals', language, n=int(n))}"
        for group, n in rates.counts.sum(axis=1).items()
    ]
    of = frame.set_index(["rate", "group"])
    rows = []
    for rate in rates.rates:
        cells = [_percent(of.at[(rate.code, group), "value"], language) for group in groups]
        rows.append((f"{rate.code}: {of.at[(rate.code, ''), 'name']}", *cells, rate.formula))
    codes = [code for code in DISPOSITIONS if code != "ND" or rates.sample == "nonprobability"]
    cases = [
        (f"{code}: {say(f'disposition_{code.lower()}', language)}",
         *(number(rates.counts.at[group, code], language) for group in groups))
        for code in codes
    ]  # fmt: skip
    probability = rates.sample == "probability"
    title = say("rates_title" if probability else "participation_title", language)
    blocks = (
        Block("", ("", *head, say("rates_formula", language)), tuple(rows)),
        Block(say("rates_cases", language), ("", *head), tuple(cases)),
    )
    return Table(title, blocks, rates.notes, frame, language)


def _percent(share: Any, language: str) -> str:
    return SUPPRESSED if math.isnan(share) else percent(share, language, 1)


# Column of a plan: how it is written. A wanted margin keeps its digits; a reached one is rounded as it is reported.
_SHOWN = {
    "margin": ("n", "p", "deff", "n_eff", "population", "margin"),
    "size": ("wanted", "n", "invited", "response_rate", "p", "deff", "n_eff", "population", "margin"),
    "difference": ("n_a", "n_b", "p", "deff", "above", "below"),
}
_DIGITS = {"deff": 2}
_POINTS = ("wanted", "margin", "above", "below")
_PERCENT = ("p", "response_rate")
_LEFT_OUT = ("population", "response_rate")


@table.register(Plan)
def _plan(plan: Plan) -> Table:
    """A row per group, or one row."""
    language, frame = plan.language, plan.frame
    # what was not given has no column; invitations go with the response rate
    absent = [column for column in _LEFT_OUT if column in frame and frame[column].isna().all()]
    absent += ["invited"] if "response_rate" in absent else []
    columns = [column for column in _SHOWN[plan.goal] if column not in absent]
    # of two groups the share expected is the first one's
    names = {"p": "p_a"} if plan.goal == "difference" else {}
    head = ("", *(say(f"plan_{names.get(column, column)}", language) for column in columns))
    rows = tuple(
        (row["group"] or say("total", language), *(_number(column, row[column], language) for column in columns))
        for _, row in frame.iterrows()
    )
    title = say(f"plan_title_{plan.goal}", language)
    return Table(title, (Block("", head, rows),), plan.notes, frame, language)


def _number(column: str, value: float, language: str) -> str:
    if math.isnan(value):
        return SUPPRESSED
    if column in _POINTS:
        return number(value * 100, language, 1)
    if column in _PERCENT:
        return percent(value, language, 0 if round(value * 100, 9) % 1 == 0 else 1)
    return number(value, language, _DIGITS.get(column, 0))
