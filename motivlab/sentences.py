"""Sentences about estimates and surveys; every number in them is computed, and has passed the gate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from .about import Fieldwork, in_language
from .answers import NON_RESPONSE, answers
from .estimate import Estimates
from .gate import PROFILES, Gated, gate
from .language import dates, known, number, percent, say
from .prevalence import NETS
from .published import has_published
from .survey import Survey


@dataclass(frozen=True, repr=False)
class Words:
    """Text for a notebook and a report: a heading, paragraphs, a list.

    Attributes
    ----------
    heading : str
    paragraphs : tuple of str
    bullets : tuple of str
    """

    heading: str = ""
    paragraphs: tuple[str, ...] = ()
    bullets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        heading = [self.heading, ""] if self.heading and (self.paragraphs or self.bullets) else [self.heading]
        return "\n".join([*(heading if self.heading else []), *self.paragraphs, *(f"- {b}" for b in self.bullets)])

    def _repr_html_(self) -> str:
        parts = [f"<h3>{escape(self.heading)}</h3>"] if self.heading else []
        parts += [f"<p>{escape(p)}</p>" for p in self.paragraphs]
        if self.bullets:
            parts.append("<ul>" + "".join(f"<li>{escape(b)}</li>" for b in self.bullets) + "</ul>")
        return "".join(parts)


def item_label(estimates: Estimates, item: str, net: bool = False) -> str:
    """The wording of a choice or of a net, in the estimates' language."""
    if net:
        return say(f"net_{item}", estimates.language) if known(f"net_{item}") else item
    question = estimates.questionnaire[estimates.question]
    return next((c.label(estimates.language) for c in question.choices if c.name == item), item)


def level_label(estimates: Estimates, by: str, level: str) -> str:
    """The wording of a group, of crossed groups joined by ``×``; of the total row, "Total"."""
    if not by:
        return say("total", estimates.language)
    labels = []
    single = by in estimates.questionnaire
    for name, one in [(by, level)] if single else zip(by.split(" × "), level.split(" × "), strict=True):
        choices = estimates.questionnaire[name].choices
        labels.append(next((c.label(estimates.language) for c in choices if c.name == one), one))
    return " × ".join(labels)


def by_label(estimates: Estimates, by: str) -> str:
    """The wording of a breakdown."""
    names = [by] if by in estimates.questionnaire else by.split(" × ")
    return " × ".join(estimates.questionnaire[name].label(estimates.language) for name in names)


def fieldwork_dates(fieldwork: Fieldwork, language: str) -> str:
    """When the interviews were made; empty where it is still to be filled in."""
    if isinstance(fieldwork.start, str) or isinstance(fieldwork.end, str):
        return ""
    return dates(fieldwork.start, fieldwork.end, language)


def source_line(estimates: Estimates) -> str:
    """Survey and fieldwork, for the note under a figure or table."""
    about, language = estimates.about, estimates.language
    when = fieldwork_dates(about.fieldwork, language)
    fieldwork = say("note_fieldwork", language, dates=when) if when else say("note_fieldwork_unknown", language)
    return say("note_source", language, source=f"{about.text('title', language)}, {fieldwork.rstrip('.')}.")


def notes(estimates: Gated, marks: bool = True) -> list[str]:
    """What has to stand under gated numbers: measure, base, weight, interval, non-response, gate, source.

    Parameters
    ----------
    estimates : Gated
    marks : bool
        Whether suppressed cells are marked by dashes (a table) or left out (a figure).
    """
    e, language, profile = estimates.estimates, estimates.estimates.language, estimates.profile
    about, frame = e.about, estimates.frame
    analysis = about.analysis.get(e.question)
    out = [say("note_measure", language, measure=say(f"measure_{analysis.measure}", language))] if analysis else []
    period = in_language(analysis.period, language) if analysis else ""
    if period:
        out.append(say("note_period", language, period=period.rstrip(".")))
    out.append(say(f"note_base_{e.base}", language))
    if e.where:
        out.append(say("note_where", language, where=e.where))
    weight = about.design.weight
    out.append(say("note_weighted", language, weight=weight) if weight else say("note_unweighted", language))
    level = percent(e.confidence, language)
    out.append(say("note_interval", language, level=level, name=say(f"interval_{e.interval}", language)))
    out += _non_response(estimates)
    out += [
        say("note_left_out", language, by=_quoted(by_label(e, by), language), n=n)
        for by, n in e.left_out.items()
        if n >= profile.suppress_below or estimates.name == "open"
    ]
    out += _gate_notes(estimates, marks)
    if has_published(e):
        rows = frame[frame["published"].notna()]
        out += [say("note_published", language, source=source) for source in dict.fromkeys(rows["published_source"])]
        if (rows["published_base"] == "not_stated").any():
            out.append(say("note_published_base", language))
    if about.synthetic:
        out.append(say("note_synthetic", language))
    out.append(source_line(e))
    return out


def _non_response(estimates: Gated) -> Iterator[str]:
    """Item non-response of the whole question, from its total row."""
    language, frame = estimates.estimates.language, estimates.frame
    total = frame[(frame["by"] == "") & frame["asked"].notna()]
    if total.empty:
        return
    row = total.loc[total["missing"].idxmax()]
    asked, missing = int(row["asked"]), int(row["missing"])
    if missing == 0:
        yield say("note_complete", language, asked=asked)
        return
    reasons = [say(f"reason_{r}", language, n=int(row[r])) for r in NON_RESPONSE if row[r] > 0]
    share = percent(row["missing_share"], language)
    yield say("note_missing", language, missing=missing, asked=asked, share=share, reasons=", ".join(reasons))


def _gate_notes(estimates: Gated, marks: bool) -> Iterator[str]:
    e, language, profile, frame = estimates.estimates, estimates.estimates.language, estimates.profile, estimates.frame
    mark = "–" if marks else "×"
    if estimates.name == "open":
        yield say("note_gate_open", language)
    if (frame["status"] == "bracketed").any():
        key = "note_bracketed" if marks else "note_bracketed_figure"
        yield say(key, language, low=profile.suppress_below, high=profile.bracket_below - 1)
    if (frame["reason"] == "few").any():
        yield say("note_few", language, mark=mark, n=profile.suppress_below)
    if (frame["reason"] == "nonresponse").any():
        yield say("note_nonresponse", language, mark=mark, share=percent(profile.suppress_missing, language))
    empty = frame[frame["reason"] == "empty"]
    if len(empty):
        levels = dict.fromkeys(level_label(e, by, level) for by, level in zip(empty["by"], empty["level"], strict=True))
        yield say("note_empty", language, mark=mark, levels=", ".join(levels))
    if frame["flagged"].any():
        yield say("note_flagged", language, share=percent(profile.flag_missing, language))
    if estimates.name != "open" and (frame["reason"] == "").all():
        yield say(
            "note_gate_standard", language, suppress=profile.suppress_below,
            missing=percent(profile.suppress_missing, language),
        )  # fmt: skip


# ------------------------------------------------------------------------------------------------- takeaways

_TOP = {
    "perceived_widespread": "takeaway_top_opinion",
    **dict.fromkeys(
        ("experienced_12_months", "experienced_5_years", "experienced", "encountered"), "takeaway_top_experience"
    ),
}


_YES = {"yes", "jā", "да", "true"}


def takeaway(estimates: Estimates | Gated) -> Words:
    """What a reader should take away: the leading answer, the next ones, and where groups differ most.

    Parameters
    ----------
    estimates : Estimates or Gated
        Its breakdowns, if any, give a sentence each, about the leading answer.

    Returns
    -------
    Words
        Every number is computed from the gated estimates. Experience is worded as reported, opinion as opinion. That
        two intervals overlap is no test of the difference.

    Examples
    --------
    >>> from motivlab.prevalence import prevalence
    >>> survey = Survey.from_frame(pd.DataFrame({"worked": ["yes", "no", "no"] * 30}))
    >>> takeaway(prevalence(survey, "worked"))
    Answered “yes” 33%; 95% confidence interval 24–44% (n = 90).
    """
    gated = gate(estimates)
    e, language = gated.estimates, gated.estimates.language
    frame = gated.frame
    shown = frame[(frame["by"] == "") & (frame["reason"] == "")]
    ranked = shown[~shown["net"]].sort_values("estimate", ascending=False, kind="stable")
    if ranked.empty:
        return Words(paragraphs=(say("takeaway_none", language),))
    measure = e.about.analysis[e.question].measure if e.question in e.about.analysis else "not_stated"
    key = _TOP.get(measure, "takeaway_top")
    question = e.questionnaire[e.question]
    if question.type == "select_one" and len(question.answers) == 2:  # of yes and no, the share that said yes
        yes = [c.name for c in question.answers if {c.name.lower(), *(t.lower() for t in c.labels.values())} & _YES]
        chosen = ranked[ranked["item"] == (yes or [question.answers[0].name])[0]]
        ranked, key = (ranked[:1] if chosen.empty else chosen), "takeaway_share"
    top = ranked.iloc[0]
    level = percent(e.confidence, language)
    sentences = [
        say(
            key,
            language,
            top=_with_share(e, top),
            level=level,
            ci=interval(top, language),
            n=int(top["n"]),
        )
    ]
    others = [_with_share(e, row) for _, row in ranked.iloc[1:4].iterrows()]
    if others:
        sentences.append(say("takeaway_next", language, others=", ".join(others)))
    two = shown[shown["net"] & (shown["item"] == NETS[1])]
    if len(two) and e.base != "all":
        sentences.append(say("takeaway_two", language, share=percent(two.iloc[0]["estimate"], language)))
    bullets = [_group_sentence(e, part) for _, part in _groups(frame, top["item"])]
    return Words(paragraphs=(" ".join(sentences),), bullets=tuple(bullets))


def _groups(frame: pd.DataFrame, item: str) -> Iterator[tuple[Any, pd.DataFrame]]:
    rows = frame[(frame["by"] != "") & (frame["item"] == item) & ~frame["net"] & (frame["reason"] == "")]
    for by, part in rows.groupby("by", sort=False):
        if percent(part["estimate"].min(), "en") != percent(part["estimate"].max(), "en"):  # else nothing to tell apart
            yield by, part


def _group_sentence(e: Estimates, rows: pd.DataFrame) -> str:
    high, low = rows.loc[rows["estimate"].idxmax()], rows.loc[rows["estimate"].idxmin()]
    apart = high["ci_low"] > low["ci_high"]
    return say(
        "takeaway_group", e.language, by=_quoted(by_label(e, high["by"]), e.language),
        item=_quoted(item_label(e, high["item"]), e.language),
        high=_quoted(level_label(e, high["by"], high["level"]), e.language),
        high_share=bracketed(high, percent(high["estimate"], e.language)),
        low=_quoted(level_label(e, low["by"], low["level"]), e.language),
        low_share=bracketed(low, percent(low["estimate"], e.language)),
        overlap=say("overlap_no" if apart else "overlap_yes", e.language),
    )  # fmt: skip


def _with_share(e: Estimates, row: pd.Series) -> str:
    shown = bracketed(row, percent(row["estimate"], e.language))
    return f"{_quoted(item_label(e, row['item'], row['net']), e.language)} {shown}"


def _quoted(text: str, language: str) -> str:
    return say("quoted", language, text=text)


def bracketed(row: Any, text: str) -> str:
    """The text in brackets if the row's status says so, starred if it is flagged for non-response."""
    text = f"({text})" if row["status"] == "bracketed" else text
    return f"{text}*" if row["flagged"] else text


def interval(row: Any, language: str) -> str:
    """The bounds of a row's interval, ``38–52%``; empty where it does not exist."""
    low, high = row["ci_low"], row["ci_high"]
    if not (np.isfinite(low) and np.isfinite(high)):
        return ""
    first = percent(low, language).rstrip("% \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}")
    return f"{first}–{percent(high, language)}"


# ------------------------------------------------------------------------------------- the survey and its questions


def describe(survey: Survey, question: str | None = None) -> Words:
    """How the survey was made or, with a question, its wording, who was asked, and what it measures.

    Returns
    -------
    Words
        In the survey's language; "not stated" for what ``survey.yml`` leaves open.

    Examples
    --------
    >>> survey = Survey.from_frame(pd.DataFrame({"worked": ["yes", "no", "no"] * 30}))
    >>> describe(survey, "worked")
    worked
    <BLANKLINE>
    Asked of everyone. Single response. Measure: not stated.
    """
    language, about = survey.language, survey.about
    if question is None:
        stated = {
            key: about.text(key, language) for key in ("population", "mode", "sponsor", "sample", "weighting", "source")
        }
        stated["fieldwork"] = fieldwork_dates(about.fieldwork, language)
        unknown = say("not_stated", language)
        order = ("population", "fieldwork", "mode", "sponsor", "sample", "weighting", "source")
        bullets = [f"{say(f'about_{key}', language)}: {stated[key] or unknown}" for key in order]
        bullets.insert(2, f"{say('about_respondents', language)}: {number(len(survey.responses), language)}")
        if about.to_fill:
            bullets.append(say("to_fill", language, keys=", ".join(about.to_fill)))
        return Words(about.text("title", language), bullets=tuple(bullets))
    asked = survey.question(question)
    analysis = survey.analysis(question)
    condition = ", ".join(in_words(expression.text, survey) for expression in asked.routing)
    put_to, everybody = int(answers(survey, question).asked.sum()), len(survey.responses)
    least = PROFILES[survey.about.gate].suppress_below
    told = f"< {least}" if 0 < put_to < least else number(put_to, language)
    sentences = [say("asked_if", language, condition=condition)] if condition else []
    sentences += [
        say("asked_everyone", language) if put_to == everybody else say("asked_of", language, asked=told, n=everybody),
        say("multiple_response" if asked.type == "select_multiple" else "single_response", language),
        say("note_measure", language, measure=say(f"measure_{analysis.measure}", language)),
    ]
    period = in_language(analysis.period, language)
    if period:
        sentences.append(say("note_period", language, period=period.rstrip(".")))
    return Words(asked.label(language), (" ".join(sentences),))


def in_words(expression: str, survey: Survey) -> str:
    """A routing expression with the wording of questions and choices in place of their names."""

    def pair(match: re.Match[str]) -> str:
        question = survey.questionnaire[match[1]]
        choice = next((c.label(survey.language) for c in question.choices if c.name == match[2]), match[2])
        return f"{_quoted(question.label(survey.language), survey.language)} – {_quoted(choice, survey.language)}"

    return re.sub(r"(?:selected\(\s*)?\$\{([^}]+)\}\s*[=,]\s*'([^']*)'(?:\s*\))?", pair, expression)


def limits(survey: Survey) -> Words:
    """What ``survey.yml`` says the survey cannot tell, and what its data cannot.

    Examples
    --------
    >>> limits(Survey.from_frame(pd.DataFrame({"worked": ["yes", "no"]})))
    Limits
    <BLANKLINE>
    - survey.yml states no limitations.
    """
    language = survey.language
    stated = [in_language(text, language) for text in survey.about.limitations]
    if survey.about.synthetic:
        stated.insert(0, say("note_synthetic", language))
    return Words(say("limits", language), bullets=tuple(stated) or (say("limits_none", language),))
