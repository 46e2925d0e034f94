"""Domains: who a condition keeps, and which level of a breakdown each respondent is in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .answers import code_positions
from .codes import as_numbers, as_texts
from .expressions import Mask, parse_expression
from .questionnaire import NUMBER_TYPES, check_references
from .reduction import Domains
from .survey import Survey


def breakdowns(
    survey: Survey, by: str | Sequence[str | tuple[str, ...]] | None, where: str = ""
) -> tuple[Mask, list[Domains]]:
    """Who ``where`` keeps, and the total followed by each breakdown.

    Raises
    ------
    ValueError
        If a breakdown is named twice, is no ``select_one`` question, or ``where`` keeps nobody.
    """
    within = where_mask(survey, where)
    parts = (by,) if isinstance(by, str) else tuple(by or ())
    for part in parts:
        if parts.count(part) > 1 or (not isinstance(part, str) and len(set(part)) < len(part)):
            raise ValueError(f"by={by!r}: {part!r} is there twice. Name each breakdown once.")
    return within, [breakdown(survey, part, within) for part in ((), *parts)]


def where_mask(survey: Survey, where: str) -> Mask:
    """Who an expression keeps; shape (respondents,). A missing reason of a number counts as blank in it.

    Raises
    ------
    ValueError
        If it refers to what does not exist, or keeps nobody.
    """
    frame = survey.responses
    if not where:
        return np.ones(len(frame), dtype=bool)
    expression = parse_expression(where)
    check_references(expression, {question.name: question for question in survey.questionnaire})
    blanked = {}
    for name in expression.names:
        question = survey.question(name)
        if question.type in NUMBER_TYPES and question.missing and name in frame:
            codes = as_numbers(list(question.missing))  # NaN where the code is a word
            hit = np.isin(as_numbers(frame[name]), codes[~np.isnan(codes)])
            blanked[name] = frame[name].mask(hit | np.isin(as_texts(frame[name]), list(question.missing)))
    kept = expression.mask(frame.assign(**blanked))
    if not kept.any():
        raise ValueError(
            f"where={where!r} keeps none of the {len(frame)} respondents. Compare its values with the codes of "
            f"{', '.join(expression.names) or 'the questionnaire'}, and correct it."
        )
    return kept


def breakdown(survey: Survey, by: str | tuple[str, ...], within: Mask) -> Domains:
    """The levels of one breakdown; of several crossed questions, every combination."""
    levels: list[str] = [""]
    codes = np.where(within, np.int8(0), np.int8(-1))
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
        kind: Any = next(
            k for k in (np.int8, np.int16, np.int32) if len(levels) * len(question.choices) < np.iinfo(k).max
        )
        position_of = np.full(len(question.choices) + 1, -1, dtype=kind)
        position_of[[i for i, c in enumerate(question.choices) if not c.missing]] = np.arange(len(question.answers))
        own = position_of[code_positions(survey, question)]
        if question.routing:
            own[~question.routed(survey.responses)] = -1
        if len(names) > 1 and any(" × " in choice.name for choice in question.choices):
            raise ValueError(
                f"by={by!r}: a choice of {name!r} holds ' × ' in its name, which joins crossed levels. Rename it."
            )
        both = (codes >= 0) & (own >= 0)
        codes = np.where(both, codes.astype(kind) * kind(len(question.answers)) + own, kind(-1))
        levels = [f"{level} × {c.name}" if level else c.name for level in levels for c in question.answers]
    return Domains(" × ".join(names), tuple(levels), codes)
