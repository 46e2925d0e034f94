"""Takeaways: sentences about a result; every number in them is computed, and has passed the gate."""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from .adjusted import Adjusted
from .compare import JOINT, Comparison
from .estimate import Estimates
from .gate import Gated, gate
from .language import number, percent, say
from .prevalence import NETS
from .sentences import Words, asserted, bracketed, by_label, interval, item_label, level_label, p_text, quoted, shown
from .tables import points
from .tables_compare import difference, gated_adjusted, gated_differences, gated_tests, words_of

REGISTERED = ("takeaways_gains", "takeaways_outcomes", "takeaways_audit")  # the takeaways of other results
_TOP = {
    "perceived_widespread": "takeaway_top_opinion",
    **dict.fromkeys(
        ("experienced_12_months", "experienced_5_years", "experienced", "encountered"), "takeaway_top_experience"
    ),
}


@singledispatch
def takeaway(thing: Any) -> Words:
    """What a reader should take away of a result, in sentences whose numbers are computed from it.

    Of estimates: the leading answer, the next ones, and where groups differ most. Of a comparison: whether the groups
    differ, and where most. Of an adjusted comparison: what is left of the differences net of the other
    characteristics.

    Parameters
    ----------
    thing : Estimates, Gated, Comparison or Adjusted
        The breakdowns of estimates, if any, give a sentence each, about the leading answer.

    Returns
    -------
    Words
        Every number has passed the gate. Experience is worded as reported, opinion as opinion. That two intervals
        overlap is no test of the difference.

    Raises
    ------
    TypeError
        If there is nothing to say of such a thing.

    Examples
    --------
    >>> from motivlab.prevalence import prevalence
    >>> from motivlab.survey import Survey
    >>> survey = Survey.from_frame(pd.DataFrame({"worked": ["yes", "no", "no"] * 30}))
    >>> takeaway(prevalence(survey, "worked"))
    Answered “yes” 33%; 95% confidence interval 24–44% (n = 90).
    """
    for module in REGISTERED:  # imported with the first result of theirs
        import_module(f"motivlab.{module}")
    made = takeaway.dispatch(type(thing))
    if made is takeaway.dispatch(object):
        raise TypeError(f"there is no takeaway of a {type(thing).__name__}.")
    return made(thing)


@takeaway.register(Estimates)
@takeaway.register(Gated)
def _estimates(estimates: Estimates | Gated) -> Words:
    gated = gate(estimates)
    e, language = gated.estimates, gated.estimates.language
    frame = gated.frame
    told = frame[(frame["by"] == "") & (frame["reason"] == "")]
    ranked = told[~told["net"]].sort_values("estimate", ascending=False, kind="stable")
    if ranked.empty:
        return Words(paragraphs=(say("takeaway_none", language),))
    if e.statistic != "share":
        values = [f"{_with_share(e, row)} ({interval(row, e)})" for _, row in told.iterrows()]
        said = say("takeaway_values", language, values=", ".join(values), level=percent(e.confidence, language),
                   n=int(told.iloc[0]["n"]))  # fmt: skip
        leading = "p50" if "p50" in set(told["item"]) else told.iloc[0]["item"]
        bullets = [_group_sentence(e, part) for _, part in _groups(frame, leading)]
        return Words(paragraphs=(said,), bullets=tuple(bullets))
    measure = e.about.analysis[e.question].measure if e.question in e.about.analysis else "not_stated"
    key = _TOP.get(measure, "takeaway_top")
    question = e.questionnaire[e.question]
    if question.type == "select_one" and len(question.answers) == 2:  # of yes and no, the share that said yes
        chosen = ranked[ranked["item"] == asserted(e)]
        ranked, key = (ranked[:1] if chosen.empty else chosen), "takeaway_share"
    top = ranked.iloc[0]
    level = percent(e.confidence, language)
    sentences = [
        say(
            key,
            language,
            top=_with_share(e, top),
            level=level,
            ci=interval(top, e),
            n=int(top["n"]),
        )
    ]
    others = [_with_share(e, row) for _, row in ranked.iloc[1:4].iterrows()]
    if others:
        sentences.append(say("takeaway_next", language, others=", ".join(others)))
    two = told[told["net"] & (told["item"] == NETS[1])]
    if len(two) and e.base != "all":
        sentences.append(say("takeaway_two", language, share=percent(two.iloc[0]["estimate"], language)))
    bullets = [_group_sentence(e, part) for _, part in _groups(frame, top["item"])]
    return Words(paragraphs=(" ".join(sentences),), bullets=tuple(bullets))


def _groups(frame: pd.DataFrame, item: str) -> Iterator[tuple[Any, pd.DataFrame]]:
    rows = frame[(frame["by"] != "") & (frame["item"] == item) & ~frame["net"] & (frame["reason"] == "")]
    for by, part in rows.groupby("by", sort=False):
        if round(part["estimate"].min(), 2) != round(part["estimate"].max(), 2):  # else nothing to tell apart
            yield by, part


def _group_sentence(e: Estimates, rows: pd.DataFrame) -> str:
    high, low = rows.loc[rows["estimate"].idxmax()], rows.loc[rows["estimate"].idxmin()]
    apart = high["ci_low"] > low["ci_high"]
    answered = e.statistic in ("share", "total") and e.questionnaire[e.question].choices
    of = {"item": quoted(item_label(e, high["item"]), e.language)} if answered else {}
    return say(
        "takeaway_group" if of else "takeaway_group_value", e.language, **of,
        by=quoted(by_label(e, high["by"]), e.language),
        high=quoted(level_label(e, high["by"], high["level"]), e.language),
        high_share=bracketed(high, shown(high["estimate"], e)),
        low=quoted(level_label(e, low["by"], low["level"]), e.language),
        low_share=bracketed(low, shown(low["estimate"], e)),
        overlap=say("overlap_no" if apart else "overlap_yes", e.language),
    )  # fmt: skip


def _with_share(e: Estimates, row: pd.Series) -> str:
    value = bracketed(row, shown(row["estimate"], e))
    return f"{quoted(item_label(e, row['item'], row['net']), e.language)} {value}"


@takeaway.register(Comparison)
def _comparison(comparison: Comparison) -> Words:
    e, language = comparison.estimates, comparison.language
    tests = gated_tests(comparison)
    whole = tests[tests["item"] == JOINT].iloc[0]
    by = quoted(by_label(e, comparison.between), language)
    if not np.isfinite(whole["p"]):
        return Words(paragraphs=(say("takeaway_untested", language, by=by),))
    alpha = 1 - e.confidence
    key = "takeaway_differ" if whole["p"] < alpha else "takeaway_alike"
    first = say(key, language, by=by, p=_p(whole["p"], language))
    nets = dict(e.frame[["item", "net"]].itertuples(index=False, name=None))
    found = gated_differences(comparison)
    found = found[(found["p_adjusted"] < alpha) & ~found["item"].map(nets).astype(bool)]
    if e.questionnaire[e.question].type == "select_one" and len(e.questionnaire[e.question].answers) == 2:
        found = found[found["item"] == asserted(e)]
    found = found.reindex(found["difference"].abs().sort_values(ascending=False, kind="stable").index)
    bullets = []
    for _, row in found.groupby("item", sort=False).head(1).head(5).iterrows():
        turned = row["difference"] < 0
        high, low = (row["reference"], row["level"]) if turned else (row["level"], row["reference"])
        bullets.append(say(
            "takeaway_pair", language, item=quoted(item_label(e, row["item"]), language),
            high=quoted(level_label(e, comparison.between, high), language),
            low=quoted(level_label(e, comparison.between, low), language),
            apart=_size(abs(row["difference"]), e), p=_p(row["p_adjusted"], language),
        ))  # fmt: skip
    return Words(paragraphs=(first,), bullets=tuple(bullets))


@takeaway.register(Adjusted)
def _adjusted(result: Adjusted) -> Words:
    e, language, frame = words_of(result), result.language, gated_adjusted(result)
    fitted = frame[np.isfinite(frame["adjusted_difference"])]
    given = ", ".join(quoted(e.questionnaire[name].label(language), language) for name in result.given)
    if fitted.empty:
        return Words(paragraphs=(say("takeaway_none", language),))
    by = quoted(by_label(e, result.on), language)
    bullets = []
    for _, row in fitted.iterrows():
        if row["net"]:
            continue
        net = row["adjusted_difference_p_holm"] < 1 - result.confidence
        if not net and not row["unadjusted_difference_p"] < 1 - result.confidence:
            continue
        bullets.append(say(
            "takeaway_net" if net else "takeaway_not_net", language,
            item=quoted(item_label(e, row["item"], bool(row["net"])), language),
            level=quoted(level_label(e, result.on, row["level"]), language),
            reference=quoted(level_label(e, result.on, result.reference), language),
            before=points(row["unadjusted_difference"], language), after=points(row["adjusted_difference"], language),
            p=_p(row["adjusted_difference_p_holm"], language),
        ))  # fmt: skip
    key = "takeaway_adjusted" if bullets else "takeaway_adjusted_none"
    return Words(paragraphs=(say(key, language, by=by, given=given),), bullets=tuple(bullets))


def _size(value: float, e: Estimates) -> str:
    if e.statistic == "share":
        size = round(100 * value, 0 if value >= 0.0095 else 1)
        return say("points", e.language, n=size, size=number(size, e.language, 0 if size >= 1 else 1))
    return difference(value, e).lstrip("+")


def _p(p: float, language: str) -> str:
    """``p = 0.012`` or ``p < 0.001``."""
    text = p_text(p, language)
    return f"p {text}" if text.startswith("<") else f"p = {text}"
