"""Comparisons, adjusted comparisons and weights as tables; all of them pass the gate first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from .adjusted import Adjusted
from .compare import JOINT, Comparison, twofold
from .estimate import Estimates
from .gate import Gated, gate
from .language import NO_BREAK, number, percent, say
from .regression import Unfitted
from .sentences import (
    asserted,
    bracketed,
    by_label,
    decimals,
    item_label,
    level_label,
    notes,
    p_text,
    quoted,
    shown,
    source_line,
    span,
)
from .tables import SUPPRESSED, Block, Table, n_of, points, table
from .thresholds import PROFILES, Profile
from .weights import WeightSummary

# --------------------------------------------------------------------------------------------------- comparison


def gated_differences(comparison: Comparison) -> pd.DataFrame:
    """The differences whose two groups have both passed the gate; the others are left out."""
    frame = gate(comparison.estimates).frame
    passed = set(frame.loc[frame["reason"] == "", ["item", "level"]].itertuples(index=False, name=None))
    found = comparison.differences
    keep = [
        (item, level) in passed and (item, reference) in passed
        for item, level, reference in found[["item", "level", "reference"]].itertuples(index=False, name=None)
    ]
    return found[keep].reset_index(drop=True)


def gated_tests(comparison: Comparison) -> pd.DataFrame:
    """The tests, without those of which fewer than two groups have passed the gate: they would tell of the other."""
    frame, tests = gate(comparison.estimates).frame, comparison.tests.copy()
    compared = frame["level"].isin(comparison.letters["level"]) & (frame["by"] == comparison.between)
    passed = frame[compared & (frame["reason"] == "")].groupby("item")["level"].nunique()
    groups = tests["item"].map(passed).fillna(0).where(tests["item"] != JOINT, passed.max() if len(passed) else 0)
    tests.loc[groups < 2, ["statistic", "df1", "df2", "p", "p_adjusted"]] = np.nan
    tests.loc[groups < 2, "reason"] = "suppressed"
    return tests


@table.register(Comparison)
def _comparison(comparison: Comparison) -> Table:
    """Shares by group with letters, the tests, and the differences that are significant."""
    gated = gate(comparison.estimates)
    e, language = gated.estimates, comparison.language
    differences = gated_differences(comparison)
    alpha = 1 - e.confidence
    found = differences[differences["p_adjusted"] < alpha]
    if twofold(e):  # the other answer says the same
        found = found[found["item"] == asserted(e)]
    blocks = [_lettered(gated, comparison), _tests(e, comparison)]
    if len(found):
        blocks.append(_significant(e, comparison.between, found))
    said = [
        say(f"compare_{'means' if e.statistic == 'mean' else 'tests'}", language),
        say("compare_differences", language, n=int(differences["p"].notna().sum()) // (2 if twofold(e) else 1),
            correction=say(f"correction_{comparison.correction}", language),
            family=say(f"family_{comparison.family}", language), alpha=percent(alpha, language)),
    ]  # fmt: skip
    if comparison.left_out:
        names = ", ".join(level_label(e, comparison.between, level) for level in comparison.left_out)
        said.append(say("compare_left_out", language, levels=names))
    if found.empty:
        said.insert(0, say("compare_none", language))
    title = f"{e.questionnaire[e.question].label(language)} – {by_label(e, comparison.between)}"
    said.append(say("compare_intervals", language, level=percent(e.confidence, language)))
    return Table(title, tuple(blocks), (*said, *notes(gated, interval=False)), differences, language)


def _lettered(gated: Gated, comparison: Comparison) -> Block:
    """The shares, with the letters of the groups that are significantly lower."""
    e, frame = gated.estimates, gated.frame
    rows = frame[frame["by"] == comparison.between]
    own = comparison.letters.drop_duplicates("level").set_index("level")["letter"]
    above = comparison.letters.set_index(["item", "level"])["above"]
    status = rows.set_index(["item", "level"])["status"]
    levels = [level for level in dict.fromkeys(rows["level"]) if level in own.index]
    head = [""]
    for level in levels:
        n = n_of(gated, rows[rows["level"] == level])
        head.append(f"{level_label(e, comparison.between, level)} ({own[level]})\n{n}")
    out = []
    for (item, net), part in rows.groupby(["item", "net"], sort=False):
        cells = []
        for level in levels:
            row = part[part["level"] == level].iloc[0]
            if row["status"] == "suppressed":
                cells.append(SUPPRESSED)
                continue
            letters = [
                one for one in above[item, level].split() if status[item, own[own == one].index[0]] != "suppressed"
            ]
            cells.append(" ".join([bracketed(row, shown(row["estimate"], e)), *letters]))
        out.append((item_label(e, str(item), bool(net)), *cells))
    return Block("", tuple(head), tuple(out))


def _tests(e: Estimates, comparison: Comparison) -> Block:
    language = comparison.language
    nets = dict(e.frame[["item", "net"]].itertuples(index=False, name=None))
    rows = []
    for row in gated_tests(comparison).itertuples():
        name = say("compare_all", language) if row.item == JOINT else item_label(e, row.item, bool(nets[row.item]))
        if row.reason == "one_row":  # nobody or everybody chose it
            continue
        if row.reason:
            rows.append((name, SUPPRESSED, "", "", ""))
            continue
        df = f"{number(row.df1, language, 1)}; {number(row.df2, language, decimals(row.df2))}"
        adjusted = "" if row.item == JOINT else p_text(row.p_adjusted, language)
        rows.append((name, number(row.statistic, language, 2), df, p_text(row.p, language), adjusted))
    head = ("", "F", say("compare_df", language), "p", say("compare_p_adjusted", language))
    keep = 5 if any(row[-1] for row in rows) else 4
    return Block(say("compare_independence", language), head[:keep], tuple(row[:keep] for row in rows))


def _significant(e: Estimates, between: str, found: pd.DataFrame) -> Block:
    language = e.language
    nets = dict(e.frame[["item", "net"]].itertuples(index=False, name=None))
    rows = []
    for _, row in found.iterrows():
        pair = f"{level_label(e, between, row['level'])} – {level_label(e, between, row['reference'])}"
        ratio = f"{number(row['ratio'], language, 2)} [{_between(row['ratio_low'], row['ratio_high'], language, 2)}]"
        rows.append((
            item_label(e, str(row["item"]), bool(nets[row["item"]])), pair,
            f"{difference(row['difference'], e)} [{_points(row['ci_low'], row['ci_high'], e)}]",
            ratio if np.isfinite(row["ratio_low"]) else "", p_text(row["p_adjusted"], language),
        ))  # fmt: skip
    unit = say("compare_points", language) if e.statistic == "share" else say("compare_difference", language)
    head = (
        "",
        say("compare_pair", language),
        unit,
        say("compare_ratio", language),
        say("compare_p_adjusted", language),
    )
    return Block(say("compare_significant", language), head, tuple(rows))


def difference(value: float, e: Estimates) -> str:
    """A difference with its sign: in percentage points, or in the unit of the question."""
    if e.statistic == "share" or not np.isfinite(value):
        return points(value, e.language)
    return ("+" if value >= 0 else "−") + number(abs(value), e.language, decimals(value))


def _points(low: float, high: float, e: Estimates) -> str:
    return f"{difference(low, e)}; {difference(high, e)}" if np.isfinite(low) and np.isfinite(high) else ""


def _between(low: float, high: float, language: str, digits: int) -> str:
    return f"{number(low, language, digits)}–{number(high, language, digits)}" if np.isfinite(low) else ""


# ----------------------------------------------------------------------------------------------------- adjusted


def gated_adjusted(result: Adjusted) -> pd.DataFrame:
    """The rows of an adjusted comparison with ``status``, ``reason`` and ``flagged``; NaN for what is suppressed.

    Unadjusted are the shares of the whole base, as every other table has them, and ``n`` is theirs: shares of those
    in the model alone would, beside these, tell what the few left out answered. Where the reference is suppressed, so
    are the differences from it. The column ``reason`` of the result is ``unfitted`` here.
    """
    every = gate(result.everybody).frame
    every = every[every["by"] == result.on].set_index(["item", "level"])
    frame = result.frame.rename(columns={"reason": "unfitted"})
    every = every.reindex(pd.MultiIndex.from_frame(frame[["item", "level"]])).reset_index()
    least = PROFILES[result.about.gate].suppress_below
    few_in_model = frame["n"] < least
    known = {"unadjusted": "estimate", "unadjusted_low": "ci_low", "unadjusted_high": "ci_high", "n": "n"}
    frame = frame.assign(**{ours: every[theirs] for ours, theirs in known.items()})
    frame = frame.assign(status=every["status"], reason=every["reason"], flagged=every["flagged"])
    frame = frame.drop(columns=[c for c in frame if c in _TOLD_OF_THE_MODEL])
    gone = frame["reason"] != ""
    of_model = [c for c in frame if c.startswith(("adjusted", "odds_ratio", "unadjusted_difference"))]
    frame[of_model] = frame[of_model].astype(float)
    frame.loc[gone | few_in_model, of_model] = np.nan
    reference = frame[frame["reference"]].set_index("item")
    frame["unadjusted_difference"] = frame["unadjusted"] - frame["item"].map(reference["unadjusted"])
    from_it = frame["item"].isin(frame.loc[(gone | few_in_model) & frame["reference"], "item"])
    frame.loc[from_it, [c for c in of_model if "_difference" in c or c.startswith("odds_ratio")]] = np.nan
    # as the questionnaire has the levels, wherever the reference stands among them
    place = {level: i for i, level in enumerate(dict.fromkeys(result.everybody.frame["level"]))}
    order = frame["item"].map({item: i for i, item in enumerate(frame["item"].unique())}) * len(place)
    return frame.loc[(order + frame["level"].map(place)).sort_values().index].reset_index(drop=True)


# what only the model's respondents answered
_TOLD_OF_THE_MODEL = (
    "k", "asked", "missing", "missing_share", "unadjusted_se", "unadjusted_difference_se", "unadjusted_difference_low",
    "unadjusted_difference_high", "unadjusted_df",
)  # fmt: skip


@table.register(Adjusted)
def _adjusted(result: Adjusted) -> Table:
    """A block per item: a row per group, unadjusted beside adjusted, the difference from the reference."""
    e, language, profile = words_of(result), result.language, PROFILES[result.about.gate]
    frame = gated_adjusted(result)
    level = say("confidence", language, level=percent(result.confidence, language))
    head = (
        "", "n", f"{say('unadjusted', language)} [{level}]", f"{say('adjusted', language)} [{level}]",
        f"{say('adjusted_difference', language)} [{level}]", say("compare_p_adjusted", language),
    )  # fmt: skip
    blocks = []
    for (item, net), rows in frame.groupby(["item", "net"], sort=False):
        out = [_adjusted_row(e, result, row, profile) for _, row in rows.iterrows()]
        blocks.append(Block(item_label(e, str(item), bool(net)), head, tuple(out)))
    title = f"{e.questionnaire[result.question].label(language)} – " + say(
        "adjusted_heading", language, on=by_label(e, result.on)
    )
    return Table(title, tuple(blocks), tuple(adjusted_notes(result)), frame, language)


def words_of(result: Adjusted) -> Estimates:
    """An ``Estimates`` without rows, for the labels of an adjusted comparison."""
    return Estimates(
        pd.DataFrame(), result.question, result.base, "logit", result.confidence, result.questionnaire, result.about,
        result.language, result.where,
    )  # fmt: skip


def _adjusted_row(e: Estimates, result: Adjusted, row: Any, profile: Profile) -> tuple[str, ...]:
    language = result.language
    name = level_label(e, result.on, row["level"])
    if row["reference"]:
        name += " (" + say("adjusted_reference", language) + ")"
    if row["status"] == "suppressed":
        few = f"< {number(profile.suppress_below, language)}"
        return (name, few if row["reason"] == "few" else number(row["n"], language), *[SUPPRESSED] * 3, "")
    cells = []
    for kind in ("unadjusted", "adjusted"):
        value = row[kind]
        if not np.isfinite(value):
            cells.append(SUPPRESSED)
            continue
        low, high = row[f"{kind}_low"], row[f"{kind}_high"]
        within = f" [{span(low, high, e)}]" if np.isfinite(low) else ""
        cells.append(bracketed(row, percent(value, language)) + within)
    apart = difference(row["adjusted_difference"], e)
    within = _points(row["adjusted_difference_low"], row["adjusted_difference_high"], e)
    none = "" if row["reference"] else SUPPRESSED
    return (name, number(row["n"], language), *cells, f"{apart} [{within}]" if apart else none,
            p_text(row["adjusted_difference_p" if row["net"] else "adjusted_difference_p_holm"], language))  # fmt: skip


def adjusted_notes(result: Adjusted, mark: str = SUPPRESSED, item: str | None = None) -> Iterator[str]:
    """What has to stand under an adjusted comparison; ``mark`` stands for what is not shown.

    A figure is of one ``item``, and has no p values.
    """
    e, language, profile = words_of(result), result.language, PROFILES[result.about.gate]
    frame = gated_adjusted(result)
    labels = [quoted(e.questionnaire[name].label(language), language) for name in result.given]
    yield say("adjusted_given", language, given="; ".join(labels))
    yield say("adjusted_explained", language)
    yield say("adjusted_fixed", language)
    if item is None:
        yield say("adjusted_many", language)
    if result.in_base - result.in_model >= profile.suppress_below:
        yield say("adjusted_in_model", language, n=result.in_model, of=result.in_base)
    for name, n in result.left_out.items():
        if n >= profile.suppress_below and name != result.question:
            yield say(
                "adjusted_left_out", language, question=quoted(e.questionnaire[name].label(language), language), n=n
            )
    hidden = set(frame.loc[frame["reason"] != "", ["item", "level"]].itertuples(index=False, name=None))
    for one in result.unfitted:
        if item not in (None, one.item):
            continue
        suppressed = one.variable == result.on and (one.item, one.level) in hidden
        yield _unfitted(e, one, suppressed or one.n < profile.suppress_below)
    # measure, base, weight, thresholds, source; a figure leaves out a group with nobody in it
    every = gate(result.everybody)
    shown_rows = every.frame[(every.frame["by"] == result.on) & every.frame["item"].isin(frame["item"])]
    if mark != SUPPRESSED:
        shown_rows = shown_rows[shown_rows["reason"] != "empty"]
    yield from notes(replace(every, estimates=replace(every.estimates, frame=shown_rows)), marks=mark == SUPPRESSED)


def _unfitted(e: Estimates, one: Unfitted, suppressed: bool) -> str:
    """Why an item has no model; a cell that may not be shown is not named."""
    language = e.language
    item = quoted(item_label(e, one.item, one.item in ("any", "two_or_more")), language)
    if one.reason == "diverged":
        return say("unfitted_diverged", language, item=item)
    if suppressed:
        return say("unfitted_few", language, item=item)
    if one.reason == "separated" and not one.level:
        names = " × ".join(e.questionnaire[name].label(language) for name in one.variable.split(" × "))
        return say("unfitted_separated_together", language, item=item, variable=names)
    who = "everyone" if one.everyone else "nobody"
    if one.reason == "constant":
        return say(f"unfitted_constant_{who}", language, item=item)
    return say(
        f"unfitted_separated_{who}", language, item=item, variable=e.questionnaire[one.variable].label(language),
        level=level_label(e, one.variable, one.level),
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------ weights

_MEASURES = {"sum": 0, "mean": 3, "smallest": 2, "greatest": 2, "ratio": 1, "cv": 2, "deff": 2, "n_eff": 0}


@table.register(WeightSummary)
def _weights(summary: WeightSummary) -> Table:
    """What the weights are like and, if they are calibrated, the margins they were calibrated to."""
    language, frame = summary.language, summary.frame
    head = ["", *(say(f"weights_{stage}", language) for stage in frame["stage"])]
    rows = [(say("weights_n", language), *(number(n, language) for n in frame["n"]))]
    for measure, digits in _MEASURES.items():
        rows.append((say(f"weights_{measure}", language), *(number(v, language, digits) for v in frame[measure])))
    rows.append((say("weights_top_share", language), *(percent(v, language, 1) for v in frame["top_share"])))
    blocks = [Block("", tuple(head), tuple(rows))]
    said = [say("weights_note", language)]
    if summary.calibration:
        c = summary.calibration
        blocks.append(_margins(summary))
        said.append(
            say("weights_calibrated", language, method=say(f"method_{c.method}", language),
                low=number(c.ratio[0], language, 2), high=number(c.ratio[1], language, 2),
                miss=_miss(c.report["miss"].max(), language))
        )  # fmt: skip
        if c.trimmed:
            said.append(say("weights_trimmed", language, n=c.trimmed))
    if summary.about.synthetic:
        said.append(say("note_synthetic", language))
    said.append(source_line(summary.about, language))
    return Table(say("weights_title", language), tuple(blocks), tuple(said), frame, language)


def _miss(miss: float, language: str) -> str:
    least = 0.0001
    return percent(miss, language, 2) if miss >= least else f"<{NO_BREAK}{percent(least, language, 2)}"


def _margins(summary: WeightSummary) -> Block:
    """Each margin level: respondents, share before, target, share after; of a level of few only what the target is."""
    calibration, language = summary.calibration, summary.language
    least = PROFILES[summary.about.gate].suppress_below
    if calibration is None:
        raise TypeError("not calibrated")
    rows = []
    for variable, part in calibration.report.groupby("variable", sort=False):
        categories = (part["level"] != "").all()
        for row in part.itertuples():
            name = label_of(summary, str(variable), row.level)
            values = (
                row.before / part["before"].sum(),
                row.target / part["target"].sum(),
                row.after / part["after"].sum(),
            )
            cells = [percent(v, language, 1) for v in values] if categories else [
                number(v, language) for v in (row.before, row.target, row.after)]  # fmt: skip
            if row.n < least:
                cells[0] = cells[2] = SUPPRESSED
            rows.append((name, f"< {number(least, language)}" if row.n < least else number(row.n, language), *cells))
    head = ("", "n", *(say(f"weights_{key}", language) for key in ("before", "target", "after")))
    return Block(say("weights_margins", language), head, tuple(rows))


def label_of(summary: WeightSummary, variable: str, level: str) -> str:
    """The wording of a margin level with its variable."""
    form, language = summary.questionnaire, summary.language
    e = Estimates(pd.DataFrame(), variable.split(" × ")[0], "asked", "wald", 0.95, form, summary.about, language)
    name = by_label(e, variable)
    return f"{name}: {level_label(e, variable, level)}" if level else name
