"""Prevalence: the share of respondents who chose each answer, overall and by group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

import numpy as np
import pandas as pd

from .about import Base
from .answers import NON_RESPONSE, Answers, answers, code_positions
from .estimate import Domains, Estimates, design_arrays, reduce_survey, shares, tidy
from .expressions import Mask, parse_expression
from .intervals import INTERVALS, Interval
from .questionnaire import NUMBER_TYPES, Question, check_references
from .survey import Survey

NETS = ("any", "two_or_more")


def prevalence(
    survey: Survey,
    question: str,
    by: str | Sequence[str | tuple[str, ...]] | None = (),
    base: Base | None = None,
    where: str = "",
    interval: Interval = "korn-graubard",
    confidence: float = 0.95,
    nets: Mapping[str, Sequence[str]] | None = None,
) -> Estimates:
    """Weighted shares of the answers to a question, with design-based uncertainty.

    Parameters
    ----------
    survey : Survey
    question : str
        A ``select_one`` or ``select_multiple`` question.
    by : str or sequence of str or tuple of str
        ``select_one`` questions to break down by. ``["a", "b"]`` gives each in turn, ``[("a", "b")]`` crosses them.
        The total always comes first.
    base : {"all", "asked", "any"}, optional
        ``all``: every respondent; whoever was not asked, or gave no valid answer, counts as not having chosen, so
        that with item non-response the share is a lower bound. ``asked``: those whom routing put the question to
        and who gave a valid answer. ``any``: those who named at least one choice that is not exclusive.
        By default what ``survey.yml`` says, else ``asked``.
    where : str
        An expression in the questionnaire's language, ``"${labour_status} = 'employed'"``; it keeps a
        subpopulation, as a domain of the full design. A missing reason of a number counts as blank in it.
    interval : {"korn-graubard", "wilson", "logit"}
    confidence : float
        Between 0 and 1.
    nets : mapping of str to sequence of str, optional
        Further rows: a name, and the choices of which at least one was chosen. ``{"okay": ["3", "4"]}``.

    Returns
    -------
    Estimates
        Its frame has the columns named there and, to the right: ``net``, True for the rows of ``nets`` and,
        in a multiple response question, ``any`` (at least one choice that is not exclusive) and ``two_or_more``;
        ``asked``, respondents of the domain whom the question was put to; ``missing``, those of them without a valid
        answer, and among these ``refused``, ``dont_know``, ``invalid`` and ``no_answer``; ``missing_share``, missing
        / asked; ``not_asked``.
        All are unweighted counts. A level with nobody in it is a row with n = 0 and NaN.

    Raises
    ------
    ValueError
        For an unknown question, base, interval or breakdown, a code that is not in the questionnaire, or a design
        that cannot be used; the message names the value and the remedy.

    Notes
    -----
    Variance is Taylor-linearised over strata and clusters, see :func:`motivlab.estimate.shares`. R:
    ``svymean(~y, subset(design, domain))`` and ``svyciprop(~y, subset(design, domain), method = "beta")``.

    Examples
    --------
    >>> df = pd.DataFrame({"q/a": [1, 0, 1, 1], "q/b": [0, 0, 1, 0], "w": [1.0, 2.0, 1.0, 2.0]})
    >>> shares = prevalence(Survey.from_frame(df, weight="w"), "q")
    >>> shares.frame[["item", "n", "k", "estimate"]].round(4).to_dict("list")["estimate"]
    [0.6667, 0.1667, 0.6667, 0.1667]
    """
    asked_for = survey.question(question)
    base = base or survey.analysis(question).base
    if base not in get_args(Base):
        raise ValueError(f"base is {base!r}. Use one of {', '.join(get_args(Base))}.")
    if interval not in INTERVALS:
        raise ValueError(f"interval is {interval!r}. Use one of {', '.join(INTERVALS)}.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence!r}. Use a number between 0 and 1, for instance 0.95.")
    given = answers(survey, question)
    design = design_arrays(survey)
    within = _where(survey, where)
    parts_of = (by,) if isinstance(by, str) else tuple(by or ())
    for part in parts_of:
        if parts_of.count(part) > 1 or (not isinstance(part, str) and len(set(part)) < len(part)):
            raise ValueError(f"by={by!r}: {part!r} is there twice. Name each breakdown once.")
    breakdowns = [_domains(survey, part, within) for part in ((), *parts_of)]
    open_choices = np.array([not choice.exclusive for choice in given.choices])
    chosen, valid, names = _with_nets(given, asked_for, open_choices, nets or {})
    is_net = np.array([i >= len(given.choices) for i in range(len(names))])
    if base == "all":
        of = np.ones((len(chosen), 1), dtype=bool)
    elif base == "any":
        keep = np.concatenate([open_choices, np.ones(is_net.sum(), dtype=bool)])
        chosen, names, is_net = chosen[:, keep], [n for n, kept in zip(names, keep, strict=True) if kept], is_net[keep]
        valid = valid[:, keep] if valid.shape[1] > 1 else valid
        of = valid & (given.chosen & open_choices).any(axis=1)[:, None]
    else:
        of = valid
    masks = [given.asked, ~given.asked, *(given.reason[reason] for reason in NON_RESPONSE), valid]
    totals, counts = reduce_survey(design, breakdowns, chosen, of, masks)
    parts = []
    for domains, total, count in zip(breakdowns, totals, counts, strict=True):
        columns = tidy(question, base, names, domains, shares(total, design), interval, confidence)
        columns["net"] = np.repeat(is_net, len(domains.levels))
        parts.append(pd.DataFrame(columns | _non_response(count, len(names))))
    left_out = {d.by: int((within & of.any(axis=1) & (d.codes < 0)).sum()) for d in breakdowns if d.by}
    return Estimates(
        frame=pd.concat(parts, ignore_index=True),
        question=question,
        base=base,
        interval=interval,
        confidence=confidence,
        questionnaire=survey.questionnaire,
        about=survey.about,
        language=survey.language,
        where=where,
        left_out={by: count for by, count in left_out.items() if count},
    )


def _with_nets(
    given: Answers, question: Question, open_choices: Mask, nets: Mapping[str, Sequence[str]]
) -> tuple[Mask, Mask, list[str]]:
    """Choices and then nets: whether chosen, whether known, and their names.

    A net is known where enough of its choices were chosen, or where every choice was answered.
    """
    names = [choice.name for choice in given.choices]
    chosen, valid = [given.chosen], [given.valid]
    complete: Mask = np.asarray(given.valid.all(axis=1))
    for name, members, least in _nets(question, list(names), open_choices, nets):
        hit = (given.chosen[:, members].sum(axis=1) >= least)[:, None]
        chosen.append(hit)
        valid.append(hit | complete[:, None])
        names.append(name)
    if given.valid.shape[1] == 1:
        return np.concatenate(chosen, axis=1), given.valid, names
    return np.concatenate(chosen, axis=1), np.concatenate(valid, axis=1), names


def _nets(
    question: Question, names: Sequence[str], open_choices: Mask, nets: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, np.ndarray, int]]:
    """Name, positions of the choices, and how many of them must be chosen."""
    if question.type == "select_multiple":
        yield from ((name, np.flatnonzero(open_choices), least) for least, name in enumerate(NETS, start=1))
    for name, members in nets.items():
        unknown = [member for member in members if member not in names]
        if unknown or name in names or name in NETS or not members:
            raise ValueError(
                f"nets: {name!r} of {list(members)}: a net has a name of its own and choices of {question.name!r}, "
                f"{', '.join(names)}."
            )
        yield name, np.array([names.index(member) for member in members]), 1


def _non_response(count: np.ndarray, items: int) -> dict[str, np.ndarray]:
    """The columns on who was asked and did not answer, in the order of :func:`motivlab.estimate.tidy`."""
    asked, not_asked, *reasons = count[:, : 2 + len(NON_RESPONSE)].T
    valid = count[:, 2 + len(NON_RESPONSE) :].T
    valid = np.broadcast_to(valid, (items, len(asked)))
    missing = asked - valid
    spread = {reason: np.broadcast_to(r, missing.shape) for reason, r in zip(NON_RESPONSE, reasons, strict=True)}
    # a choice left blank by somebody who answered others is in nobody's reason yet
    spread["no_answer"] = missing - sum(spread[reason] for reason in NON_RESPONSE if reason != "no_answer")
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(asked > 0, missing / asked, np.nan)
    columns = {"asked": np.broadcast_to(asked, missing.shape), "missing": missing} | spread
    whole = {name: values.ravel().astype(np.int64) for name, values in columns.items()}
    return whole | {
        "missing_share": share.ravel(),
        "not_asked": np.broadcast_to(not_asked, missing.shape).ravel().astype(np.int64),
    }


def _where(survey: Survey, where: str) -> Mask:
    frame = survey.responses
    if not where:
        return np.ones(len(frame), dtype=bool)
    expression = parse_expression(where)
    check_references(expression, {question.name: question for question in survey.questionnaire})
    blanked = {}
    for name in expression.names:
        question = survey.question(name)
        if question.type in NUMBER_TYPES and question.missing and name in frame:
            codes = [float(code) for code in question.missing]
            blanked[name] = frame[name].mask(frame[name].isin(codes))
    return expression.mask(frame.assign(**blanked))


def _domains(survey: Survey, by: str | tuple[str, ...], within: Mask) -> Domains:
    """The levels of one breakdown; of several crossed questions, every combination."""
    levels: list[str] = [""]
    codes = np.where(within, 0, -1)
    names = (by,) if isinstance(by, str) else tuple(by)
    for name in names:
        question = survey.question(name)
        if question.type != "select_one":
            raise ValueError(
                f"by={name!r}: it is a {question.type} question. Break down by a select_one question; "
                "group the values first."
            )
        if name not in survey.responses:
            raise ValueError(
                f"{survey.responses_file}: the column {name!r} is missing. Add it, or do not break down by it."
            )
        position_of = np.full(len(question.choices) + 1, -1)
        position_of[[i for i, c in enumerate(question.choices) if not c.missing]] = np.arange(len(question.answers))
        own = position_of[code_positions(survey, question)]
        own = np.where(question.routed(survey.responses), own, -1)
        if len(names) > 1 and any(" × " in choice.name for choice in question.choices):
            raise ValueError(
                f"by={by!r}: a choice of {name!r} holds ' × ' in its name, which joins crossed levels. Rename it."
            )
        codes = np.where((codes >= 0) & (own >= 0), codes * len(question.answers) + own, -1)
        levels = [f"{level} × {c.name}" if level else c.name for level in levels for c in question.answers]
    return Domains(" × ".join(names), tuple(levels), codes.astype(np.intp))
