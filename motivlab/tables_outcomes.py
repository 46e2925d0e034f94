"""Outcomes, participant flow, indicators and times to an outcome as tables; all of them pass the gate first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .durations import HORIZONS, Durations
from .flow import LOW_FOLLOW_UP, Flow
from .gate_outcomes import (
    gated_durations,
    gated_flow,
    gated_indicators,
    gated_log_rank,
    gated_outcomes,
    gated_pooling,
    gated_tests,
)
from .indicators import SIX_MONTHS, Indicators
from .language import dates, number, percent, say
from .outcomes import Outcomes
from .sentences import bracketed, p_text, quoted
from .sentences_outcomes import (
    between,
    breakdown_label,
    by_of,
    choices_of,
    definition_label,
    digits,
    gate_notes,
    group_label,
    heterogeneity_words,
    hidden_n,
    p_of,
    register_notes,
    source_notes,
    told,
)
from .tables import SUPPRESSED, Block, Table, points, table
from .thresholds import PROFILES

# ------------------------------------------------------------------------------------------------------- outcomes


@table.register(Outcomes)
def _outcomes(result: Outcomes) -> Table:
    """A block per definition with its rates; then a block per breakdown, a row per group."""
    language, frame = result.language, gated_outcomes(result)
    blocks = []
    for name in result.definitions:
        own = frame[frame["definition"] == name]
        title = definition_label(result, name) if len(result.definitions) > 1 else ""
        blocks.append(_rates(result, own[own["by"] == ""], title))
        for by in result.breakdowns:
            words = [breakdown_label(result, by), *([title] if title else [])]
            blocks.append(_groups(result, own[own["by"] == by], " – ".join(words)))
    title = say("outcomes_title", language, definition=definition_label(result, result.definitions[0]))
    title = say("figure_outcomes", language) if len(result.definitions) > 1 else title  # its blocks name them
    return Table(title, tuple(blocks), tuple(outcomes_notes(result, frame, tabled=True)), frame, language)


def _rates(result: Outcomes, rows: pd.DataFrame, title: str) -> Block:
    """A row per rate: share, interval, k of n, unknown, bounds."""
    language = result.language
    level = say("confidence", language, level=percent(result.confidence, language))
    head = (
        "", say("share", language), level, say("outcomes_k_of_n", language), say("outcomes_unknown", language),
        say("outcomes_bounds", language),
    )  # fmt: skip
    out = []
    for _, row in rows.iterrows():
        cells = [SUPPRESSED, SUPPRESSED, _k_of_n(row, result), SUPPRESSED, SUPPRESSED]
        if row["reason"] == "":
            cells = [
                bracketed(row, percent(row["estimate"], language)), between(row["ci_low"], row["ci_high"], language),
                _k_of_n(row, result), number(row["unknown"], language),
                between(row["low_bound"], row["high_bound"], language),
            ]  # fmt: skip
        out.append((_of(row["rate"], language), *cells))
    return Block(title, head, tuple(out))


def _groups(result: Outcomes, rows: pd.DataFrame, title: str) -> Block:
    """A row per group: k of n and the rates; of the enrolled the pooled rate and the difference."""
    language, by = result.language, rows["by"].iloc[0]
    of = {rate: part.set_index("level") for rate, part in rows.groupby("rate", sort=False)}
    enrolled = of["enrolled"]
    within = f" [{say('confidence', language, level=percent(result.confidence, language))}]"
    pooled = by not in result.overlapping
    head = ["", say("outcomes_k_of_n", language), *(_of(rate, language) + within for rate in result.rates)]
    head += [say("outcomes_pooled", language) + within] if pooled else []
    head += [say("outcomes_difference", language) + within, say("compare_p_adjusted", language)]
    out = []
    for level, row in enrolled.iterrows():
        name = group_label(result, by, str(level))
        if level == result.reference.get(by):
            name += f" ({say('adjusted_reference', language)})"
        cells = [_k_of_n(row, result)]
        cells += [_with_interval(of[rate].loc[level], "estimate", "ci", language) for rate in result.rates]
        cells += [_with_interval(row, "pooled", "pooled", language)] if pooled else []
        apart = [points(row[c], language) for c in ("difference", "difference_low", "difference_high")]
        none = "" if level == result.reference.get(by) else SUPPRESSED
        ends = f" [{apart[1]}; {apart[2]}]"
        cells += [bracketed(row, apart[0]) + ends if apart[0] else none, p_text(row["p_adjusted"], language)]
        out.append((name, *cells))
    return Block(title, tuple(head), tuple(out))


def _with_interval(row: Any, value: str, bounds: str, language: str, other: float = np.nan) -> str:
    """A share with its interval; with so many digits that it does not look like another share."""
    if np.isnan(row[value]):
        return SUPPRESSED
    low, high = row[f"{bounds}_low"], row[f"{bounds}_high"]
    within = f" [{between(low, high, language)}]" if np.isfinite(low) and np.isfinite(high) else ""
    return bracketed(row, percent(row[value], language, digits(row[value], other))) + within


def _k_of_n(row: Any, result: Outcomes) -> str:
    """How many of how many; of a group of few only that it is."""
    if np.isfinite(row["k"]):
        return say("outcomes_of", result.language, k=int(row["k"]), n=int(row["n"]))
    return hidden_n(row, result)


def _of(rate: str, language: str) -> str:
    return say(f"outcomes_{rate}", language)


def outcomes_notes(
    result: Outcomes, rows: pd.DataFrame, mark: str = SUPPRESSED, interval: bool = True, tabled: bool = False
) -> list[str]:
    """What has to stand under outcome rates.

    Parameters
    ----------
    result : Outcomes
    rows : DataFrame
        The gated rows that are shown.
    mark : str
        What stands for a rate that is not shown.
    interval : bool
        Whether intervals of the rates are shown.
    tabled : bool
        Whether bounds, differences and tests are shown.
    """
    language, names = result.language, [name for name in result.definitions if (rows["definition"] == name).any()]
    breakdowns = [by for by in result.breakdowns if (rows["by"] == by).any()]
    out = [
        say("outcomes_definition", language, definition=quoted(definition_label(result, name), language),
            choices=choices_of(result, name))
        for name in names if definition_label(result, name) != choices_of(result, name)
    ]  # fmt: skip
    if tabled:
        out += _compared(result, names, breakdowns)
    out.append(say("outcomes_headline", language))
    out += [say("outcomes_bounds_are", language)] if tabled else []
    if interval:
        name, level = say("interval_wilson", language), percent(result.confidence, language)
        out.append(say("note_interval", language, level=level, name=name))
        out += [say("outcomes_complete", language)] if result.complete else []
    out += register_notes(result, rows)
    out += gate_notes(result, rows, mark)
    return [*out, say("outcomes_not_caused", language), *source_notes(result)]


def _compared(result: Outcomes, names: Sequence[str], breakdowns: Sequence[str]) -> Iterator[str]:
    """Tests, differences and pooled rates, as far as there are breakdowns."""
    language = result.language
    if not breakdowns:
        return
    for row in gated_tests(result).itertuples():
        if row.rate == "enrolled" and row.test and row.definition in names and row.by in breakdowns:
            by = by_of(result, row.by, row.definition)
            yield say(
                "outcomes_test", language, by=by, test=heterogeneity_words(row, language), p=p_of(row.p, language)
            )
    for by, level in result.reference.items():
        named = quoted(group_label(result, by, level), language)
        yield say("outcomes_reference", language, by=by_of(result, by), level=named)
    if set(breakdowns) - set(result.reference):
        yield say("outcomes_rest", language)
    yield say("outcomes_difference_test", language, correction=say(f"correction_{result.correction}", language))
    pooling = gated_pooling(result)
    pooling = pooling[(pooling["rate"] == "enrolled") & pooling["by"].isin(breakdowns)]
    if len(pooling):
        yield say("outcomes_pooling", language)
    for row in pooling[pooling["pooling"] == "complete"].itertuples():
        yield say("outcomes_pooling_complete", language, by=by_of(result, row.by, row.definition))


# ----------------------------------------------------------------------------------------------------------- flow


@table.register(Flow)
def _flow(result: Flow) -> Table:
    """A row per step, those that it consists of below it; then, by group, a column per group."""
    language, frame = result.language, gated_flow(result)
    total = frame[frame["by"] == ""].set_index("step")
    steps = list(_in_order(total["parent"], "", 0))
    head = ("", *(say(f"flow_{key}", language) for key in ("participants", "of_enrolled", "of_parent")))
    rows = [(_step(result, step, depth), *_step_cells(result, total, step)) for step, depth in steps]
    blocks = [Block("", head, tuple(rows))]
    for by in result.breakdowns:
        groups = {
            level: part.set_index("step") for level, part in frame[frame["by"] == by].groupby("level", sort=False)
        }
        out = []
        for step, depth in steps:
            cells = [_step_cells(result, part, step) for part in groups.values()]
            out.append((_step(result, step, depth), *("\n".join([n, share]).strip() for n, _, share in cells)))
        names = [group_label(result, by, str(level)) for level in groups]
        blocks.append(Block(breakdown_label(result, by), ("", *names), tuple(out)))
    return Table(say("flow_title", language), tuple(blocks), tuple(flow_notes(result, frame)), frame, language)


def _in_order(parents: pd.Series, of: str, depth: int) -> Iterator[tuple[str, int]]:
    """Steps and how deep they are, what a step consists of right below it."""
    for step in parents.index[parents == of]:
        yield str(step), depth
        yield from _in_order(parents, str(step), depth + 1)


def step_label(result: Flow, step: str) -> str:
    """The wording of a step of the flow; of a reason, that of the choice."""
    programme = result.about.programme
    if step.startswith("reason/") and programme:
        choices = {choice.name: choice for choice in result.questionnaire[programme.drop_out].choices}
        return choices[step.removeprefix("reason/")].label(result.language)
    return say(f"flow_{step}", result.language)


def _step(result: Flow, step: str, depth: int) -> str:
    # not spaces: they are stripped from plain text
    return "· " * depth + step_label(result, step)


def _step_cells(result: Flow, rows: pd.DataFrame, step: str) -> tuple[str, str, str]:
    """How many, their share of the enrolled and of the step above; a small base in brackets."""
    row, enrolled, language = rows.loc[step], rows.loc["enrolled"], result.language
    if np.isnan(row["n"]):
        return hidden_n(row, result), SUPPRESSED, ""
    if step == "enrolled":
        return number(row["n"], language), "", ""
    shares = [
        SUPPRESSED if np.isnan(row[name]) else bracketed(base, percent(row[name], language))
        for name, base in (("share_of_enrolled", enrolled), ("share_of_parent", row))
    ]
    return number(row["n"], language), shares[0], shares[1]


def flow_notes(result: Flow, rows: pd.DataFrame, mark: str = SUPPRESSED) -> list[str]:
    """What has to stand under the gated rows of a participant flow."""
    language, marks = result.language, mark == SUPPRESSED
    breakdowns = [by for by in result.breakdowns if (rows["by"] == by).any()]
    out = [*low_follow_up(result, rows), say("flow_shares", language)]
    out += [say("flow_nested", language)] if marks else []
    out += [say("flow_groups", language)] if marks and breakdowns else []
    out += [say("flow_of_all", language)] if (rows["step"] == "not_started").any() else []
    if (rows["step"] == "follow_up_due").any():
        out.append(say("flow_due", language, days=SIX_MONTHS))
    return [*out, *register_notes(result, rows), *gate_notes(result, rows, mark), *source_notes(result)]


def low_follow_up(result: Flow, rows: pd.DataFrame) -> Iterator[str]:
    """That fewer than 70 % were reached, of all and by group."""
    language, least = result.language, percent(LOW_FOLLOW_UP, result.language)
    low = rows[(rows["step"] == "followed_up") & (rows["share_of_parent"] < LOW_FOLLOW_UP)]
    for share in low.loc[low["by"] == "", "share_of_parent"]:
        yield say("flow_low", language, share=percent(share, language, digits(share, LOW_FOLLOW_UP)), least=least)
    names = [group_label(result, by, level) for by, level in zip(low["by"], low["level"], strict=True) if by]
    if names:
        yield say("flow_low_levels", language, least=least, levels=", ".join(names))


# ----------------------------------------------------------------------------------------------------- indicators


@table.register(Indicators)
def _indicators(result: Indicators) -> Table:
    """A row per indicator; then how often each rule of consistency is broken, without saying by whom."""
    language, frame = result.language, gated_indicators(result)
    genders = [name for name in ("women", "men") if name in frame]
    columns = ("name", "planned", "achieved", "share", *genders)
    head = ("", *(say(f"indicators_{column}", language) for column in columns))
    rows = []
    for _, row in frame.iterrows():
        planned = "" if np.isnan(row["planned"]) else plan_number(row["planned"], language)
        share = "" if np.isnan(row["planned"]) else SUPPRESSED
        if np.isfinite(row["share"]):
            share = plan_share(row["share"], language)
        counts = [number(row[name], language) if np.isfinite(row[name]) else SUPPRESSED for name in genders]
        rows.append((row["indicator"], result.label(row["indicator"]), planned,
                     _achieved(row, result), share, *counts))  # fmt: skip
    blocks = [Block("", head, tuple(rows), prose=(1,))]
    broken = result.broken.groupby(["rule", "severity"], sort=False).size()
    if len(broken):
        heads = ("", say("check_severity", language), say("check_count", language))
        found = [
            (say(f"rule_{rule}", language), say(f"severity_{severity}", language), number(n, language))
            for (rule, severity), n in broken.items()
        ]
        blocks.append(Block(say("indicators_findings", language), heads, tuple(found)))
    title = say("indicators_title", language)
    return Table(title, tuple(blocks), tuple(_indicator_notes(result, frame)), frame, language)


def _achieved(row: Any, result: Indicators) -> str:
    n = row["achieved"]
    return hidden_n({"n": n, "reason": row["reason"]}, result) if np.isnan(n) else number(n, result.language)


def plan_number(value: float, language: str) -> str:
    """A planned number: whole as a rule."""
    return number(value, language, 0 if value == round(value) else 1)


def plan_share(share: float, language: str) -> str:
    """The share of a plan; never 100 % where it is not."""
    return percent(share, language, digits(share, 1.0))


def _indicator_notes(result: Indicators, frame: pd.DataFrame) -> Iterator[str]:
    language, least = result.language, PROFILES[result.about.gate].suppress_below
    yield say("flow_shares", language)
    yield say("indicators_window", language, days=result.window, later=SIX_MONTHS + result.window)
    for column, key in (("outside", "indicators_outside"), ("undated", "indicators_undated")):
        some = frame[frame[column] >= least]
        if len(some):
            counts = [f"{row.indicator} {number(getattr(row, column), language)}" for row in some.itertuples()]
            yield say(key, language, counts=", ".join(counts))
    if len(result.broken):
        yield say("indicators_broken", language)
    else:
        yield say("indicators_checked", language, n=len(result.checks))
    genders = frame[[name for name in ("women", "men") if name in frame]].isna().any(axis=1)
    yield from gate_notes(
        result, frame.assign(reason=frame["reason"].mask(genders & (frame["reason"] == ""), "protect"))
    )
    yield say("outcomes_not_caused", language)
    yield from source_notes(result)


# ------------------------------------------------------------------------------------------------------ durations


@table.register(Durations)
def _durations(result: Durations) -> Table:
    """A row per group: who had an outcome by when, the median, n."""
    language, frame = result.language, gated_durations(result)
    within = f" [{say('confidence', language, level=percent(result.confidence, language))}]"
    head = (
        "", *(say("durations_by", language, days=days) + within for days in HORIZONS),
        say("durations_median", language) + within, "n", say("durations_events", language),
    )  # fmt: skip
    blocks = []
    for by, rows in frame.groupby("by", sort=False):
        out = tuple(_duration_cells(result, row) for _, row in rows.iterrows())
        blocks.append(Block(breakdown_label(result, str(by)) if by else "", head, out))
    title = say("durations_title", language, definition=definition_label(result, result.definition))
    return Table(title, tuple(blocks), tuple(durations_notes(result, frame)), frame, language)


def _duration_cells(result: Durations, row: Any) -> tuple[str, ...]:
    language, name = result.language, group_label(result, row["by"], row["level"])
    if row["reason"]:
        return name, *[SUPPRESSED] * (len(HORIZONS) + 1), hidden_n(row, result), SUPPRESSED
    shares = [
        say("durations_no_data", language) if np.isnan(row[f"share_{days}"])
        else _with_interval(row, f"share_{days}", f"share_{days}", language, 0.5)  # the median is told beside it
        for days in HORIZONS
    ]  # fmt: skip
    return name, *shares, median(row, language), number(row["n"], language), number(row["events"], language)


def median(row: Any, language: str) -> str:
    """The median with its interval, as far as it was reached."""
    if np.isnan(row["median"]):
        return say("durations_not_reached", language)
    day, low, high = (
        "" if np.isnan(row[name]) else number(row[name], language, 0 if row[name] % 1 == 0 else 1)
        for name in ("median", "median_low", "median_high")
    )
    within = f"{low}–{high}" if low and high else say("durations_open", language, low=low) if low else ""
    return bracketed(row, day) + (f" [{within}]" if within else "")


def durations_notes(result: Durations, rows: pd.DataFrame, mark: str = SUPPRESSED) -> list[str]:
    """What has to stand under the gated rows of times to an outcome."""
    language, gated = result.language, gated_durations(result)
    breakdowns = [by for by in result.breakdowns if (rows["by"] == by).any()]
    name, level = result.definition, percent(result.confidence, language)
    label, choices = definition_label(result, name), choices_of(result, name)
    named = say("outcomes_definition", language, definition=quoted(label, language), choices=choices)
    out = [named] if label != choices else []
    out += [
        say("durations_log_rank", language, by=by_of(result, row.by), statistic=number(row.statistic, language, 2),
            df=int(row.df), p=p_of(row.p, language))
        for row in gated_log_rank(result).itertuples() if row.by in breakdowns and np.isfinite(row.p)
    ]  # fmt: skip
    out.append(say("durations_explained", language))
    out += [say("durations_median_is", language)] if mark == SUPPRESSED else []
    if gated.loc[gated["by"] == "", "reason"].iloc[0] == "":
        counts = {key: told(getattr(result, key), result) for key in ("at_follow_up", "at_end", "undated", "unknown")}
        day = dates(result.censored_at, result.censored_at, language)
        out.append(say("durations_censored", language, date=day, **{k: counts[k] for k in ("at_follow_up", "at_end")}))
        out.append(say("durations_left_out", language, **{k: counts[k] for k in ("undated", "unknown")}))
    out += [say("durations_assumed", language), say("durations_interval", language, level=level)]
    out += [*register_notes(result, rows), *gate_notes(result, rows, mark)]
    return [*out, say("outcomes_not_caused", language), *source_notes(result)]
