"""Takeaways of a programme's register: outcomes, participant flow, indicators, times to an outcome."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

import numpy as np
import pandas as pd

from .durations import HORIZONS, Durations
from .flow import Flow
from .gate_outcomes import (
    gated_durations,
    gated_flow,
    gated_indicators,
    gated_log_rank,
    gated_outcomes,
    gated_tests,
)
from .indicators import Indicators
from .language import number, percent, say
from .outcomes import Outcomes
from .sentences import Words, bracketed, quoted
from .sentences_outcomes import between, by_of, definition_label, digits, group_label, heterogeneity_words, p_of
from .tables import points
from .tables_outcomes import low_follow_up, plan_number, plan_share, step_label
from .takeaways import takeaway


@takeaway.register(Outcomes)
def _outcomes(result: Outcomes) -> Words:
    """A paragraph per definition: the headline with bounds and interval, the other rates; then where groups differ."""
    frame, tests = gated_outcomes(result), gated_tests(result)
    said = [" ".join(_headline(result, frame[frame["definition"] == name])) for name in result.definitions]
    if not any(said):
        return Words(paragraphs=(say("takeaway_outcomes_none", result.language),))
    bullets = [
        _by_group(result, frame[(frame["definition"] == test.definition) & (frame["by"] == test.by)], test)
        for test in tests[tests["rate"] == "enrolled"].itertuples()
    ]
    return Words(paragraphs=tuple(filter(None, said)), bullets=tuple(filter(None, bullets)))


def _headline(result: Outcomes, rows: pd.DataFrame) -> Iterator[str]:
    language = result.language
    of = rows[(rows["by"] == "") & (rows["reason"] == "")].set_index("rate")
    if "enrolled" not in of.index:
        return
    row = of.loc["enrolled"]
    label = quoted(definition_label(result, row["definition"]), language)
    yield say(
        "takeaway_outcomes", language, definition=label, k=int(row["k"]), n=int(row["n"]), share=_share(row, language),
        level=percent(result.confidence, language), ci=between(row["ci_low"], row["ci_high"], language),
    )  # fmt: skip
    if row["unknown"] > 0:
        high = percent(row["high_bound"], language)
        yield say("takeaway_unknown", language, unknown=int(row["unknown"]), high=high)
    if "exited" in of.index:
        yield say("takeaway_rate_exited", language, share=_share(of.loc["exited"], language))
    if "completed" in of.index:
        yield say("takeaway_rate_completed", language, share=_share(of.loc["completed"], language))


def _by_group(result: Outcomes, rows: pd.DataFrame, test: Any) -> str:
    """Whether groups differ and where most; of groups that overlap, which differs most from everybody else."""
    language, by = result.language, by_of(result, test.by, test.definition)
    shown = rows[(rows["rate"] == "enrolled") & (rows["reason"] == "")]
    alpha = 1 - result.confidence
    if test.reason == "overlapping":
        apart = shown[shown["p_adjusted"] < alpha]
        if apart.empty:
            compared = shown["p_adjusted"].notna().any()
            return say("takeaway_outcomes_level", language, by=by) if compared else ""
        most = apart.loc[apart["difference"].abs().idxmax()]
        return say(
            "takeaway_outcomes_apart", language, by=by, level=_quoted(result, most), share=_share(most, language),
            points=points(most["difference"], language), p=p_of(most["p_adjusted"], language),
        )  # fmt: skip
    if not test.test:
        return say("takeaway_untested", language, by=by)
    if not test.p < alpha:
        return say("takeaway_alike", language, by=by, p=p_of(test.p, language))
    high, low = shown.loc[shown["estimate"].idxmax()], shown.loc[shown["estimate"].idxmin()]
    return say(
        "takeaway_outcomes_differ", language, by=by, high=_quoted(result, high), low=_quoted(result, low),
        high_share=_share(high, language), low_share=_share(low, language),
        test=heterogeneity_words(test, language), p=p_of(test.p, language),
    )  # fmt: skip


def _share(row: Any, language: str) -> str:
    return bracketed(row, percent(row["estimate"], language))


def _quoted(result: Any, row: Any) -> str:
    return quoted(group_label(result, row["by"], row["level"]), result.language)


@takeaway.register(Flow)
def _flow(result: Flow) -> Words:
    """Of the enrolled, how many completed and dropped out, and why; who was followed up, with a caution."""
    language, frame = result.language, gated_flow(result)
    total = frame[(frame["by"] == "") & (frame["reason"] == "")].set_index("step")
    if "enrolled" not in total.index:
        return Words(paragraphs=(say("takeaway_outcomes_none", language),))
    n = int(total.at["enrolled", "n"])
    keys = {
        "left": "takeaway_flow_left", "completed": "takeaway_flow_completed",
        "dropped_out": "takeaway_flow_dropped_out",
    }  # fmt: skip
    steps = ("completed", "dropped_out") if "completed" in total.index else ("left", "dropped_out")
    parts = [
        say(keys[step], language, n=int(total.at[step, "n"]),
            share=percent(total.at[step, "share_of_enrolled"], language))
        for step in steps if step in total.index
    ]  # fmt: skip
    said = [say("takeaway_flow", language, n=n, parts=", ".join(parts))]
    reasons = total[total.index.str.startswith("reason/") & (total["n"] > 0)]
    if len(reasons):
        said.append(_most(result, total, reasons))
    if "followed_up" in total.index:
        of, reached = total.loc["follow_up_due"], total.loc["followed_up"]
        said.append(say("takeaway_flow_followed", language, n=int(reached["n"]), of=int(of["n"]),
                        share=bracketed(reached, percent(reached["share_of_parent"], language))))  # fmt: skip
    return Words(paragraphs=(" ".join(said),), bullets=tuple(low_follow_up(result, frame)))


def _most(result: Flow, total: pd.DataFrame, reasons: pd.DataFrame) -> str:
    """The reason that most dropped out for. What is hidden is not more frequent: the smallest are hidden first."""
    row, language = reasons.loc[reasons["n"].idxmax()], result.language
    return say(
        "takeaway_flow_reason", language, reason=quoted(step_label(result, str(row.name)), language), n=int(row["n"]),
        of=int(total.at["dropped_out", "n"]),
        share=bracketed(row, percent(row["share_of_parent"], language)),
    )  # fmt: skip


@takeaway.register(Indicators)
def _indicators(result: Indicators) -> Words:
    """Which plans were reached and which were not, and whether the data break rules."""
    language, frame = result.language, gated_indicators(result)
    told = frame[frame["share"].notna()]
    errors = int((result.broken["severity"] == "error").sum())
    bullets = [say("takeaway_plans_broken", language, n=errors)] if errors else []
    if told.empty:
        return Words(paragraphs=(say("takeaway_plans_none", language),), bullets=tuple(bullets))
    reached = told["share"] >= 1
    said = [say("takeaway_plans", language, reached=int(reached.sum()), n=len(told))]
    if reached.any():
        said.append(say("takeaway_plan_reached", language, indicators=_plans(result, told[reached])))
    if not reached.all():
        said.append(say("takeaway_plan_missed", language, indicators=_plans(result, told[~reached])))
    return Words(paragraphs=(said[0],), bullets=(*said[1:], *bullets))


def _plans(result: Indicators, rows: pd.DataFrame) -> str:
    language = result.language
    return "; ".join(
        say("takeaway_plan_one", language, indicator=row.indicator, name=quoted(result.label(row.indicator), language),
            achieved=number(row.achieved, language), planned=plan_number(row.planned, language),
            share=plan_share(row.share, language))
        for row in rows.itertuples()
    )  # fmt: skip


@takeaway.register(Durations)
def _durations(result: Durations) -> Words:
    """By when half had an outcome, how many by the first and the last day of the summary; whether groups differ."""
    language, frame = result.language, gated_durations(result)
    row = frame[frame["by"] == ""].iloc[0]
    if row["reason"]:
        return Words(paragraphs=(say("takeaway_outcomes_none", language),))
    label, n = quoted(definition_label(result, result.definition), language), int(row["n"])
    if np.isnan(row["median"]):
        said = [say("takeaway_half_never", language, definition=label, n=n)]
    else:
        low, high = (_day(row[name], language) for name in ("median_low", "median_high"))
        within = f"{low}–{high}" if low and high else say("durations_open", language, low=low) if low else ""
        level = say("confidence", language, level=percent(result.confidence, language))
        ci = f" ({level} {within})" if within else ""
        said = [say("takeaway_half", language, definition=label, day=_day(row["median"], language), ci=ci, n=n)]
    shares = {days: row[f"share_{days}"] for days in HORIZONS if np.isfinite(row[f"share_{days}"])}
    said += [
        say("takeaway_by_day", language, days=days, share=percent(v, language, digits(v, 0.5)))  # beside the median
        for days, v in shares.items()
    ]
    bullets = [_curves(result, frame, test) for test in gated_log_rank(result).itertuples()]
    return Words(paragraphs=(" ".join(said),), bullets=tuple(bullets))


def _curves(result: Durations, frame: pd.DataFrame, test: Any) -> str:
    language, by = result.language, by_of(result, test.by)
    if np.isnan(test.p):
        return say("takeaway_untested", language, by=by)
    if not test.p < 1 - result.confidence:
        return say("takeaway_alike", language, by=by, p=p_of(test.p, language))
    shown = frame[(frame["by"] == test.by) & (frame["reason"] == "")].sort_values("median", kind="stable")
    levels = [
        say("takeaway_half_group_never", language, level=_quoted(result, row)) if np.isnan(row["median"])
        else say("takeaway_half_group", language, level=_quoted(result, row), day=_day(row["median"], language))
        for _, row in shown.iterrows()
    ]  # fmt: skip
    return say("takeaway_half_differ", language, by=by, p=p_of(test.p, language), levels=", ".join(levels))


def _day(day: float, language: str) -> str:
    """A whole day by which it was so; empty where there is none."""
    return "" if np.isnan(day) else number(ceil(day), language)
