"""Takeaways of gains, of the reliability of scales and of attrition; every number has passed the gate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from .attrition import LOW_FOLLOW_UP, OUT_OF_BALANCE, Attrition
from .gains import Gains
from .gated_attrition import gated_attrition, gated_reliability, gated_result
from .gated_gains import gated_gains, measure_label, outcome_label
from .language import number, percent, say
from .measured import SHIFT
from .scales import Reliability
from .sentences import Words, by_label, level_label, p_text, quoted
from .tables_attrition import (
    ENOUGH,
    bracketed,
    caveat,
    change_cell,
    change_of,
    label_of,
    plus,
    reliability_missing,
    unweighed,
)
from .tables_gains import change_interval, change_text, gated_versus, row_label
from .takeaways import takeaway
from .thresholds import PROFILES

# ------------------------------------------------------------------------------------------------------------ gains


@takeaway.register(Gains)
def _gains(result: Gains) -> Words:
    """What changed most, each outcome, the response shift, where groups differ, and what it does not show."""
    language, frame = result.language, gated_gains(result)
    total = frame[(frame["by"] == "") & (frame["reason"] == "") & frame["estimate"].notna()]
    rows = total[total["change"] != SHIFT]
    if rows.empty:
        return Words(paragraphs=(say("takeaway_none", language),))
    found = rows[[_significant(result, row) for _, row in rows.iterrows()]]
    leading = rows.loc[_size(rows).idxmax()] if found.empty else found.loc[_size(found).idxmax()]
    said = []
    if found.empty:
        said.append(say("takeaway_gain_nothing", language))
    elif len(rows) > 1 and not leading["binary"]:
        said.append(say(
            "takeaway_gain_most", language, outcome=_name(result, leading), change=_change(leading, language),
            scale=_scale(leading, language), d=plus(leading["d_av"], language), n=int(leading["n_paired"]),
        ))  # fmt: skip
    bullets = [_sentence(result, row) for _, row in rows.iterrows()]
    bullets += [_shift(result, row, total) for _, row in total[total["change"] == SHIFT].iterrows()]
    bullets += _groups(result, frame, leading)
    bullets += _versus(result)
    said.append(say("takeaway_gain_versus_assumes" if len(result.versus) else "note_no_comparison", language))
    return Words(paragraphs=(" ".join(said),), bullets=tuple(bullets))


def _size(rows: pd.DataFrame) -> pd.Series:
    """By what outcomes of different scales are put in order; 0/1 outcomes come after the others."""
    return rows["d_av"].abs().fillna(0.0) + rows["estimate"].abs().where(rows["binary"].astype(bool), 0.0) * 1e-9


def _significant(result: Gains, row: Any) -> bool:
    p = row["p_adjusted"] if np.isfinite(row["p_adjusted"]) else row["p"]
    return bool(p < 1 - result.confidence) or (np.isnan(p) and row["se"] == 0 and row["estimate"] != 0)


def _name(result: Gains, row: Any) -> str:
    return quoted(row_label(result, row["outcome"], row["change"]), result.language)


def _change(row: Any, language: str) -> str:
    """A change with its interval."""
    within = change_interval(row, language)
    return bracketed(row, change_text(row, language)) + (f" [{within}]" if within else "")


def _scale(row: Any, language: str) -> str:
    """On which scale, with a space before; empty where it has no ends."""
    if row["binary"] or not (np.isfinite(row["lowest"]) and np.isfinite(row["highest"])):
        return ""
    low, high = (number(row[end], language, 0 if row[end] % 1 == 0 else 1) for end in ("lowest", "highest"))
    return " " + say("takeaway_gain_scale", language, low=low, high=high)


def _p(result: Gains, row: Any) -> str:
    """The p value, and the correction it has gone through."""
    adjusted = np.isfinite(row["p_adjusted"]) and result.correction != "none"
    text = p_text(row["p_adjusted"] if adjusted else row["p"], result.language)
    text = f"p {text}" if text.startswith("<") else f"p = {text}"
    return f"{text}, {say(f'correction_{result.correction}', result.language)}" if adjusted else text


def _sentence(result: Gains, row: Any) -> str:
    language = result.language
    outcome, change, n = _name(result, row), _change(row, language), int(row["n_paired"])
    if row["k_improved"] + row["k_worse"] == 0 and row["estimate"] == 0:
        return say("takeaway_gain_still", language, outcome=outcome, n=n)
    if not _significant(result, row):
        return say("takeaway_gain_none", language, outcome=outcome, change=change, p=_p(result, row), n=n)
    improved, worse = (bracketed(row, percent(row[c], language)) for c in ("improved", "worse"))
    if row["binary"]:
        before, after = (bracketed(row, percent(row[c], language)) for c in ("mean_pre", "mean_post"))
        return say("takeaway_gain_share", language, outcome=outcome, before=before, after=after, change=change,
                   improved=improved, worse=worse, n=n)  # fmt: skip
    return say("takeaway_gain_change", language, outcome=outcome, change=change, scale=_scale(row, language),
               improved=improved, worse=worse, n=n)  # fmt: skip


def _shift(result: Gains, row: Any, total: pd.DataFrame) -> str:
    """How the time before is rated later, against then, and what that does to the change."""
    language = result.language
    outcome = quoted(outcome_label(result, row["outcome"]), language)
    if not row["p"] < 1 - result.confidence:
        return say("takeaway_gain_no_shift", language, outcome=outcome, change=_change(row, language))
    of = total[total["outcome"] == row["outcome"]].set_index("change")
    key = "takeaway_gain_shift_lower" if row["estimate"] < 0 else "takeaway_gain_shift_higher"
    size = change_text({**row, "estimate": abs(row["estimate"])}, language).removeprefix("+")
    back, then = (change_text(of.loc[change], language) for change in ("post - then", "post - pre"))
    return say(key, language, outcome=outcome, size=bracketed(row, size), back=back, then=then)


def _groups(result: Gains, frame: pd.DataFrame, leading: Any) -> Iterator[str]:
    """Where the groups of each breakdown changed most and least, in the leading outcome."""
    words: Any = result
    language = result.language
    same = (frame["outcome"] == leading["outcome"]) & (frame["change"] == leading["change"])
    rows = frame[same & (frame["by"] != "") & (frame["reason"] == "") & frame["estimate"].notna()]
    for by, part in rows.groupby("by", sort=False):
        high, low = part.loc[part["estimate"].idxmax()], part.loc[part["estimate"].idxmin()]
        if change_text(high, language) == change_text(low, language):
            continue
        apart = high["ci_low"] > low["ci_high"]
        yield say(
            "takeaway_gain_group", language, outcome=_name(result, leading), by=quoted(by_label(words, by), language),
            high=quoted(level_label(words, by, high["level"]), language),
            high_change=bracketed(high, change_text(high, language)),
            low=quoted(level_label(words, by, low["level"]), language),
            low_change=bracketed(low, change_text(low, language)),
            overlap=say("overlap_no" if apart else "overlap_yes", language),
        )  # fmt: skip


def _versus(result: Gains) -> Iterator[str]:
    """How much more participants changed than the comparison group."""
    if result.versus.empty:
        return
    language, frame = result.language, gated_versus(result)
    known = result.frame.set_index(["outcome", "change", "by", "level"])
    for _, row in frame[(frame["by"] == "") & (frame["reason"] == "") & frame["difference"].notna()].iterrows():
        one = known.loc[tuple(row[key] for key in ("outcome", "change", "by", "level"))]
        of = {**one[["binary", "lowest", "highest", "mean_pre", "mean_post"]], **row, "estimate": row["difference"]}
        text = p_text(row["p"], language)
        key = "takeaway_gain_versus" if row["p"] < 1 - result.confidence else "takeaway_gain_versus_none"
        yield say(key, language, outcome=_name(result, row), change=_change(of, language),
                  p=f"p {text}" if text.startswith("<") else f"p = {text}")  # fmt: skip


# ------------------------------------------------------------------------------------------------------ reliability


@takeaway.register(Reliability)
def _reliability(result: Reliability) -> Words:
    """Whether the scale is good enough, by convention, and for what."""
    words: Any = result
    language, frame = result.language, gated_reliability(result)
    if result.n < PROFILES[result.about.gate].suppress_below:
        return Words(paragraphs=(say("takeaway_none", language),))
    missing = tuple(reliability_missing(result))
    if not np.isfinite(result.alpha):
        return Words(paragraphs=(" ".join(missing) or say("takeaway_none", language),))
    groups, people = ENOUGH
    kind = "people" if result.alpha >= people else "groups" if result.alpha >= groups else "low"
    within = [number(end, language, 2) for end in (result.alpha_low, result.alpha_high)]
    scale = quoted(measure_label(words, result.scale), language)
    ends = {"groups": number(groups, language, 1), "people": number(people, language, 1)}
    alpha = bracketed(frame.iloc[0], number(result.alpha, language, 2))
    said = [say(f"takeaway_reliable_{kind}", language, scale=scale, alpha=f"{alpha} [{within[0]}; {within[1]}]",
                n=result.n, **ends)]  # fmt: skip
    threshold = {"people": people, "groups": groups}.get(kind)
    if threshold and result.alpha_low < threshold:
        said.append(say("takeaway_reliable_unsure", language, threshold=number(threshold, language, 1)))
    if np.isfinite(result.omega):
        said.append(say("takeaway_reliable_omega", language, omega=number(result.omega, language, 2)))
    better = frame[frame["alpha_if_dropped"] > result.alpha + 0.005]
    bullets = [
        say("takeaway_reliable_dropped", language, alpha=number(row["alpha_if_dropped"], language, 2),
            item=quoted(result.questionnaire[row["item"]].label(language), language))
        for _, row in better.iterrows()
    ]  # fmt: skip
    return Words(paragraphs=(" ".join([*said, *missing]),), bullets=tuple(bullets))


# -------------------------------------------------------------------------------------------------------- attrition


@takeaway.register(Attrition)
def _attrition(result: Attrition) -> Words:
    """How many are left, who was lost, and whether the result holds."""
    language = result.language
    said = [say("takeaway_attrition", language, outcome=quoted(label_of(result), language), n=result.n_base,
                share=percent(result.follow_up, language), lost=result.n_lost)]  # fmt: skip
    if result.low:
        said.append(say("takeaway_attrition_low", language, share=percent(LOW_FOLLOW_UP, language)))
    bullets = list(_lost(result)) if result.n_lost else []
    bullets += _holds(result)
    return Words(paragraphs=(" ".join(said), caveat(result)), bullets=tuple(bullets))


def _lost(result: Attrition) -> Iterator[str]:
    """On what those lost differ most; of a question its level that does."""
    words: Any = result
    language, frame = result.language, gated_attrition(result)
    shown = frame[(frame["reason"] == "") & frame["difference"].notna()]
    if shown.empty:
        return
    flagged = shown[shown["difference"].abs() > OUT_OF_BALANCE]
    limit = number(OUT_OF_BALANCE, language, 2)
    key = "takeaway_attrition_flagged" if len(flagged) else "takeaway_attrition_alike"
    said = []
    order = shown["difference"].abs().sort_values(ascending=False, kind="stable").index
    for _, row in shown.loc[order].drop_duplicates("variable").head(3).iterrows():
        label = measure_label(words, row["variable"])
        of_number = not (row["level"] or row["missing"])
        if not of_number:
            level = say("attrition_no_answer", language)
            label += ": " + (level if row["missing"] else level_label(words, row["variable"], row["level"]))
        places = 1 if abs(row["base"]) >= 10 else 2
        sides = [number(row[c], language, places) if of_number else percent(row[c], language) for c in ("kept", "lost")]
        kept, lost = (bracketed(row, side) for side in sides)
        one = "takeaway_attrition_mean" if of_number else "takeaway_attrition_level"
        d = plus(row["difference"], language) if np.isfinite(row["difference"]) else "∞"
        said.append(say(one, language, what=quoted(label, language), kept=kept, lost=lost, d=d))
    yield say(key, language, limit=limit, differences="; ".join(said))


def _holds(result: Attrition) -> Iterator[str]:
    """Whether the change is the same with weights, and where it must lie."""
    language, found = result.language, gated_result(result)
    of = found[found["change"] == found["change"].iloc[0]].set_index("way")
    complete, weighted = of.loc["complete"], of.loc["weighted"]
    if not np.isfinite(complete["estimate"]):
        yield say("takeaway_none", language)
        return
    if result.unweighed:
        yield unweighed(result, result.unweighed)
    elif np.isfinite(weighted["estimate"]):
        inside = complete["ci_low"] <= weighted["estimate"] <= complete["ci_high"]
        alike = _direction(complete) == _direction(weighted)
        key = "takeaway_attrition_holds" if inside and alike else "takeaway_attrition_moves"
        yield say(key, language, before=change_cell(result, complete), after=change_cell(result, weighted))
    worst, best = of.loc["worst"], of.loc["best"]
    if not (np.isfinite(worst["estimate"]) and np.isfinite(best["estimate"])) or not result.n_lost:
        return
    low, high = sorted((worst["estimate"], best["estimate"]))
    key = "takeaway_attrition_bounds_open" if low < 0 < high else "takeaway_attrition_bounds"
    yield say(key, language, low=change_of(result, low), high=change_of(result, high))


def _direction(row: Any) -> int:
    """1 for a rise that is established, -1 for a fall, else 0."""
    return int(row["ci_low"] > 0) - int(row["ci_high"] < 0)
