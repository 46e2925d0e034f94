"""Domains: who a condition keeps, and which level of a breakdown each respondent is in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .answers import answers, code_positions
from .codes import as_numbers, as_texts
from .design import Ints
from .expressions import Mask, parse_expression
from .questionnaire import NUMBER_TYPES, Question, check_references
from .reduction import Domains
from .survey import Survey


def breakdowns(
    survey: Survey, by: str | Sequence[str | tuple[str, ...]] | None, where: str = ""
) -> tuple[Mask, list[Domains]]:
    """Who ``where`` keeps, and the total followed by each breakdown.

    Raises
    ------
    ValueError
        If a breakdown is named twice, is no question with choices, crosses two ``select_multiple`` questions, or
        ``where`` keeps nobody.

    Notes
    -----
    The groups of a ``select_multiple`` question overlap: each is a breakdown of its own, all under its name.
    """
    within = where_mask(survey, where)
    parts = (by,) if isinstance(by, str) else tuple(by or ())
    for part in parts:
        if parts.count(part) > 1 or (not isinstance(part, str) and len(set(part)) < len(part)):
            raise ValueError(f"by={by!r}: {part!r} is there twice. Name each breakdown once.")
    found = [breakdown(survey, (), within)]
    for part in parts:
        found += _overlapping(survey, part, within) or [breakdown(survey, part, within)]
    return within, found


def _overlapping(survey: Survey, by: str | tuple[str, ...], within: Mask) -> list[Domains]:
    """A breakdown per choice of the ``select_multiple`` question among those named; none if there is none."""
    names = (by,) if isinstance(by, str) else by
    multiple = [name for name in names if survey.question(name).type == "select_multiple"]
    if not multiple:
        return []
    if len(multiple) > 1:
        raise ValueError(f"by={by!r}: {' and '.join(multiple)} both have overlapping groups. Cross with one of them.")
    at = names.index(multiple[0])
    _require_distinct(survey, by)
    given, found = answers(survey, multiple[0]), []
    for choice, chosen in zip(given.choices, given.chosen.T, strict=True):
        parts, codes = _crossed(survey, names[:at] + names[at + 1 :], within & chosen)
        levels = (" × ".join((*part[:at], choice.name, *part[at:])) for part in parts)
        found.append(Domains(" × ".join(names), tuple(levels), codes))
    return found


def _require_distinct(survey: Survey, by: str | tuple[str, ...]) -> None:
    """Crossed levels are joined by ``×``: a name that holds it could be read in two ways."""
    for name in () if isinstance(by, str) or len(by) < 2 else by:
        if any(" × " in choice.name for choice in survey.question(name).choices):
            raise ValueError(
                f"by={by!r}: a choice of {name!r} holds ' × ' in its name, which joins crossed levels. Rename it."
            )


def where_mask(survey: Survey, where: str, key: str = "where") -> Mask:
    """Who an expression keeps; shape (respondents,). A missing reason of a number counts as blank in it.

    Parameters
    ----------
    survey : Survey
    where : str
    key : str
        The argument, or the key of ``survey.yml``, that holds it; for the message.

    Raises
    ------
    ValueError
        If it refers to what does not exist, or keeps nobody.
    """
    kept = holds(survey, where)
    if not kept.any():
        raise ValueError(
            f"{key}={where!r} keeps none of the {len(kept)} respondents. Compare its values with the codes of "
            f"{', '.join(parse_expression(where).names) or 'the questionnaire'}, and correct it."
        )
    return kept


def holds(survey: Survey, where: str) -> Mask:
    """For whom an expression is true, if only for nobody; a missing reason of a number counts as blank in it."""
    frame = survey.responses
    if not where:
        return np.ones(len(frame), dtype=bool)
    expression = parse_expression(where)
    check_references(expression, survey.questionnaire.known)
    blanked = {}
    for name in expression.names:
        question = survey.questionnaire.known[name]
        if isinstance(question, Question) and question.missing and question.type in NUMBER_TYPES and name in frame:
            codes = as_numbers(list(question.missing))  # NaN where the code is a word
            hit = np.isin(as_numbers(frame[name]), codes[~np.isnan(codes)])
            blanked[name] = frame[name].mask(hit | np.isin(as_texts(frame[name]), list(question.missing)))
    return expression.mask(frame.assign(**blanked), context=survey.context)


def comparison_group(survey: Survey) -> Mask:
    """Who is in the comparison group of the programme; nobody where none is declared.

    Raises
    ------
    ValueError
        If it is declared, and nobody is in it, or everybody.
    """
    programme = survey.about.programme
    if programme is None or not programme.comparison:
        return np.zeros(len(survey.responses), dtype=bool)
    compared = where_mask(survey, programme.comparison, "programme.comparison")
    if compared.all():
        raise ValueError(
            f"programme.comparison={programme.comparison!r} holds for all {len(compared)} respondents, so that nobody "
            "took part in the programme. Correct it in survey.yml, or add the participants to the responses."
        )
    return compared


def breakdown(survey: Survey, by: str | tuple[str, ...], within: Mask) -> Domains:
    """The levels of one breakdown by ``select_one`` questions; of several crossed ones, every combination."""
    names = (by,) if isinstance(by, str) else tuple(by)
    parts, codes = _crossed(survey, names, within)
    _require_distinct(survey, by)
    return Domains(" × ".join(names), tuple(" × ".join(part) for part in parts), codes)


def _crossed(survey: Survey, names: tuple[str, ...], within: Mask) -> tuple[list[tuple[str, ...]], Ints]:
    """Every combination of the choices of some questions, and the position of each respondent's; -1 for nobody's."""
    levels: list[tuple[str, ...]] = [()]
    codes: Ints = np.where(within, np.int8(0), np.int8(-1))
    for name in names:
        question = survey.question(name)
        if question.type != "select_one":
            raise ValueError(
                f"by={name!r}: it is a {question.type} question. "
                + ("Its groups overlap, so they cannot be told apart here; " if question.choices else "")
                + "use a select_one question; group the values first."
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
            own[~question.routed(survey.responses, survey.context)] = -1
        both = (codes >= 0) & (own >= 0)
        codes = np.where(both, codes.astype(kind) * kind(len(question.answers)) + own, kind(-1))
        levels = [(*level, choice.name) for level in levels for choice in question.answers]
    return levels, codes
