"""Sentences about estimates and surveys; every number in them is computed, and has passed the gate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from .about import About, Fieldwork
from .answers import NON_RESPONSE, answers
from .codes import choose
from .estimate import Estimates
from .gate import Gated
from .language import NO_BREAK, dates, known, number, percent, say, words
from .parts import in_language
from .published import has_published
from .survey import Survey
from .thresholds import PROFILES


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
    """The wording of a choice, of a net or of a statistic, in the estimates' language."""
    language, question = estimates.language, estimates.questionnaire[estimates.question]
    if net:
        return say(f"net_{item}", language) if known(f"net_{item}") else item
    if estimates.statistic == "ratio":
        return say("statistic_ratio", language, label=estimates.questionnaire[item].label(language))
    if estimates.statistic == "quantile":
        median = say("statistic_median", language)
        return median if item == "p50" else say("statistic_quantile", language, p=item.removeprefix("p"))
    if estimates.statistic in ("mean", "total") and not question.choices:
        return say(f"statistic_{estimates.statistic}", language)
    return next((c.label(language) for c in question.choices if c.name == item), item)


def shown(value: float, estimates: Estimates) -> str:
    """An estimate as a reader sees it: a share in whole percent, anything else in its own unit."""
    if estimates.statistic == "share":
        return percent(value, estimates.language)
    return number(value, estimates.language, decimals(value))


def decimals(value: float) -> int:
    """How many decimals leave three digits of a number."""
    return 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2


def p_text(p: float, language: str) -> str:
    """A p value, ``< 0.001`` where it is smaller, empty where there is none."""
    if not np.isfinite(p):
        return ""
    return f"<{NO_BREAK}{number(0.001, language, 3)}" if p < 0.001 else number(p, language, 3)


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
    return " × ".join(estimates.questionnaire[name].label(estimates.language) for name in names_of(estimates, by))


def names_of(estimates: Estimates, by: str) -> list[str]:
    """The questions that a breakdown crosses; of a single one, it."""
    return [by] if by in estimates.questionnaire else by.split(" × ")


def overlapping(estimates: Estimates, by: str) -> bool:
    """Whether one person may be in several groups of a breakdown."""
    return any(estimates.questionnaire[name].type == "select_multiple" for name in names_of(estimates, by))


def fieldwork_dates(fieldwork: Fieldwork, language: str) -> str:
    """When the interviews were made; empty where it is still to be filled in."""
    if isinstance(fieldwork.start, str) or isinstance(fieldwork.end, str):
        return ""
    return dates(fieldwork.start, fieldwork.end, language)


def source_line(about: About, language: str) -> str:
    """Survey and fieldwork, for the note under a figure or table."""
    when = fieldwork_dates(about.fieldwork, language)
    fieldwork = say("note_fieldwork", language, dates=when) if when else say("note_fieldwork_unknown", language)
    return say("note_source", language, source=f"{about.text('title', language)}, {fieldwork.rstrip('.')}.")


def notes(estimates: Gated, marks: bool = True, interval: bool = True) -> list[str]:
    """What has to stand under gated numbers: measure, base, weight, interval, non-response, gate, source.

    Parameters
    ----------
    estimates : Gated
    marks : bool
        Whether suppressed cells are marked by dashes (a table) or left out (a figure).
    interval : bool
        Whether intervals of the estimates are shown.
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
    out += [
        say("note_overlapping", language, by=quoted(by_label(e, by), language))
        for by in e.breakdowns
        if overlapping(e, by)
    ]
    weight = about.design.weight
    out.append(say("note_weighted", language, weight=weight) if weight else say("note_unweighted", language))
    if interval:
        level = percent(e.confidence, language)
        out.append(say("note_interval", language, level=level, name=say(f"interval_{e.interval}", language)))
    out += _non_response(estimates)
    out += [
        say(
            "note_in_no_group" if overlapping(e, by) else "note_left_out",
            language,
            by=quoted(by_label(e, by), language),
            n=n,
        )
        for by, n in e.left_out.items()
        if n >= profile.suppress_below or estimates.name == "open"
    ]
    out += _gate_notes(estimates, marks)
    if has_published(e):
        rows = frame[frame["published"].notna()]
        out += [say("note_published", language, source=source) for source in dict.fromkeys(rows["published_source"])]
        if marks and rows["published_n"].isna().any():
            out.append(say("note_published_exact", language))
        if (rows["published_base"] == "not_stated").any():
            out.append(say("note_published_base", language))
    if analysis and analysis.measure == "reported_gain":
        out.append(say("note_no_comparison", language))
    if about.synthetic:
        out.append(say("note_synthetic", language))
    out.append(source_line(about, language))
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


# -------------------------------------------------------------------------------------------------- small texts


YES = {"yes", "jā", "да", "true"}


def asserted(e: Estimates) -> str:
    """Of a question with two answers, the one that says yes; else the first."""
    answers = e.questionnaire[e.question].answers
    yes = [c.name for c in answers if {c.name.lower(), *(t.lower() for t in c.labels.values())} & YES]
    return (yes or [answers[0].name])[0]


def heading(survey: Survey, name: str) -> Words:
    """The heading of a section of a report, in the survey's language.

    Parameters
    ----------
    name : str
        ``differ``, ``published``, ``flow`` ...: what stands under ``heading_`` in ``words.yml``.

    Examples
    --------
    >>> import pandas as pd
    >>> heading(Survey.from_frame(pd.DataFrame({"worked": ["yes", "no"]})), "differ")
    Do the groups differ?
    """
    choose(name=(name, tuple(key.removeprefix("heading_") for key in words() if key.startswith("heading_"))))
    return Words(say(f"heading_{name}", survey.language))


def quoted(text: str, language: str) -> str:
    """A text in the quotation marks of the language."""
    return say("quoted", language, text=text)


def bracketed(row: Any, text: str) -> str:
    """The text in brackets if the row's status says so, starred if it is flagged for non-response."""
    text = f"({text})" if row["status"] == "bracketed" else text
    return f"{text}*" if row["flagged"] else text


def interval(row: Any, estimates: Estimates) -> str:
    """The bounds of a row's interval, ``38–52%``; empty where it does not exist."""
    return span(row["ci_low"], row["ci_high"], estimates)


def span(low: float, high: float, estimates: Estimates) -> str:
    """From one value to another, as :func:`shown` has them; empty where one does not exist."""
    if not (np.isfinite(low) and np.isfinite(high)):
        return ""
    if estimates.statistic != "share":
        digits = decimals(max(abs(low), abs(high)))
        ends = [number(bound, estimates.language, digits) for bound in (low, high)]
        return ("–" if low >= 0 else " … ").join(ends)
    first = shown(low, estimates).rstrip("% \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}")
    return f"{first}–{shown(high, estimates)}"


# ------------------------------------------------------------------------------------- the survey and its questions


def describe(survey: Survey, question: str | None = None) -> Words:
    """How the survey was made or, with a question, its wording, who was asked, and what it measures.

    Returns
    -------
    Words
        In the survey's language; "not stated" for what ``survey.yml`` leaves open.

    Examples
    --------
    >>> import pandas as pd
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
        if cleaned := cleaned_line(survey):
            bullets.append(cleaned)
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


def cleaned_line(survey: Survey) -> str:
    """How many values were corrected, interviews left out and findings kept; empty where nothing was cleaned."""
    if survey.cleaning is None or survey.cleaning.empty:
        return ""
    language, actions = survey.language, list(survey.cleaning["action"])
    counts = {
        "corrected": actions.count("change") + actions.count("missing"),
        "dropped": actions.count("drop"),
        "kept": actions.count("keep"),
    }
    parts = [say(f"cleaned_{what}", language, n=n) for what, n in counts.items() if n]
    return say("cleaned", language, parts=", ".join(parts), file=survey.about.cleaning or "cleaning_record.csv")


def in_words(expression: str, survey: Survey) -> str:
    """A routing expression with the wording of questions and choices in place of their names."""

    def pair(match: re.Match[str]) -> str:
        question = survey.questionnaire[match[1]]
        wording = quoted(question.label(survey.language), survey.language)
        if not match[3]:  # compared with nothing
            key = "condition_answered" if match[2] == "!=" else "condition_blank"
            return say(key, survey.language, question=wording)
        choice = next((c.label(survey.language) for c in question.choices if c.name == match[3]), match[3])
        return f"{wording} {'≠' if match[2] == '!=' else '–'} {quoted(choice, survey.language)}"

    joined = re.sub(r" (and|or) ", lambda match: f" {say(f'condition_{match[1]}', survey.language)} ", expression)
    return re.sub(r"(?:selected\(\s*)?\$\{([^}]+)\}\s*(!?=|,)\s*'([^']*)'(?:\s*\))?", pair, joined)


def limits(survey: Survey) -> Words:
    """What ``survey.yml`` says the survey cannot tell, and what its data cannot.

    Examples
    --------
    >>> import pandas as pd
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
