"""What each respondent answered to one question: asked or not, valid or why not, and what was chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from .codes import as_numbers, as_texts
from .expressions import Mask
from .questionnaire import NUMBER_TYPES, Choice, Question
from .survey import Survey

NON_RESPONSE = ("refused", "dont_know", "invalid", "no_answer")


@dataclass(frozen=True)
class Answers:
    """The answers of all respondents to one question with choices.

    Attributes
    ----------
    choices : tuple of Choice
        The choices that are answers, without the missing reasons; J of them.
    chosen : ndarray of bool, shape (respondents, J)
        Chosen by somebody who was asked.
    valid : ndarray of bool, shape (respondents, J) or (respondents, 1)
        Answered; one column where it is the same for every choice.
    asked : ndarray of bool, shape (respondents,)
        Routing put the question to the respondent, and the data do not say "not asked".
    reason : dict of str to ndarray of bool, shape (respondents,)
        Why somebody who was asked gave no valid answer: one mask per reason of ``NON_RESPONSE``.
    """

    choices: tuple[Choice, ...]
    chosen: Mask
    valid: Mask
    asked: Mask
    reason: dict[str, Mask]


@dataclass(frozen=True)
class Numbers:
    """The answers of all respondents to one question that asks for a number.

    Attributes
    ----------
    values : ndarray of float, shape (respondents,)
        NaN where there is no valid answer.
    asked : ndarray of bool, shape (respondents,)
    reason : dict of str to ndarray of bool, shape (respondents,)
        As for :class:`Answers`.
    """

    values: npt.NDArray[np.float64]
    asked: Mask
    reason: dict[str, Mask]


def numbers(survey: Survey, name: str) -> Numbers:
    """Read the answers to a question that asks for a number.

    A ``select_one`` whose codes are all numbers is read as those numbers.

    Raises
    ------
    ValueError
        If there is no such question, it asks for no number, or a cell holds none.
    """
    question = survey.question(name)
    coded = question.type == "select_one" and not any(np.isnan(as_numbers([c.name for c in question.answers])))
    if question.type not in NUMBER_TYPES and not coded:
        raise ValueError(f"question {name!r} is of type {question.type}: name a question that asks for a number.")
    _require(survey, question)
    column = survey.responses[name]
    values, missing = as_numbers(column), question.missing_codes
    routed = question.routed(survey.responses)
    reasons = {reason: np.zeros(len(column), dtype=bool) for reason in (*NON_RESPONSE, "not_asked")}
    for code, reason in missing.items():
        hit = values == float(code) if not np.isnan(as_numbers([code])[0]) else as_texts(column) == code
        reasons[reason] |= hit
        values = np.where(hit, np.nan, values)
    known = np.logical_or.reduce(list(reasons.values()))
    odd = np.flatnonzero((np.isnan(values) & ~known & column.notna().to_numpy()) | np.isinf(values))
    if len(odd):
        value = as_texts(column.iloc[odd[:1]])[0]
        raise ValueError(f"{survey.row(int(odd[0]))}: {name} is {value!r}, which is no number. Correct the value.")
    asked = routed & ~reasons.pop("not_asked")
    reasons["no_answer"] |= np.isnan(values) & ~known
    return Numbers(np.where(asked, values, np.nan), asked, {name: asked & mask for name, mask in reasons.items()})


def answers(survey: Survey, name: str) -> Answers:
    """Read the answers to a ``select_one`` or ``select_multiple`` question.

    A blank is "not asked" where routing passes the respondent by, and in a multiple response question without
    routing; elsewhere it is "no answer". An answer of somebody whom routing passes by does not count as one.

    Raises
    ------
    ValueError
        If there is no such question, it has no choices, a column is missing, or a cell holds an unknown code.
    """
    question = survey.question(name)
    if question.type == "select_one":
        return _single(survey, question)
    if question.type == "select_multiple":
        return _multiple(survey, question)
    raise ValueError(
        f"question {name!r} is of type {question.type}, it has no choices. "
        "Name a select_one or select_multiple question."
    )


def _require(survey: Survey, question: Question) -> None:
    for column in question.columns:
        if column not in survey.responses:
            raise ValueError(
                f"{survey.responses_file}: the column {column!r} of question {question.name!r} is missing. "
                "Add it to the responses."
            )


def _unknown(survey: Survey, question: Question, column: str, position: int) -> ValueError:
    value = as_texts(survey.responses[column].iloc[[position]])[0]
    known = [c.name for c in question.choices] if column == question.name else ["0", "1", *question.missing_codes]
    return ValueError(
        f"{survey.row(position)}: {column} is {value!r}, which is none of {', '.join(known)}. "
        "Correct the value, or add the choice to the questionnaire."
    )


def _single(survey: Survey, question: Question) -> Answers:
    _require(survey, question)
    codes = code_positions(survey, question)
    missing = question.missing_codes
    routed = question.routed(survey.responses)
    reason_of = np.array([*(missing.get(c.name, "") for c in question.choices), "no_answer"], dtype=object)[codes]
    asked = routed & (reason_of != "not_asked")
    column_of = np.full(len(question.choices) + 1, -1)
    column_of[[i for i, c in enumerate(question.choices) if not c.missing]] = np.arange(len(question.answers))
    item = np.where(asked, column_of[codes], -1)
    chosen = item[:, None] == np.arange(len(question.answers))
    reasons = {reason: asked & (reason_of == reason) for reason in NON_RESPONSE}
    return Answers(question.answers, chosen, (item >= 0)[:, None], asked, reasons)


def code_positions(survey: Survey, question: Question) -> npt.NDArray[np.intp]:
    """The position of each respondent's code among the choices of a ``select_one``; -1 where blank.

    Raises
    ------
    ValueError
        If a code is not among the choices: row, variable, value, remedy.
    """
    names = [choice.name for choice in question.choices]
    column = survey.responses[question.name]
    categories = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else None
    if categories is not None and list(categories[: len(names)]) == names:
        codes = column.cat.codes.to_numpy().astype(np.intp)
    else:
        texts = as_texts(column)
        codes = pd.Index([*names, *sorted(set(texts) - set(names) - {""}), ""]).get_indexer(texts)
        codes[texts == ""] = -1
    unknown = np.flatnonzero(codes >= len(names))
    if len(unknown):
        raise _unknown(survey, question, question.name, int(unknown[0]))
    return codes


def _multiple(survey: Survey, question: Question) -> Answers:
    _require(survey, question)
    frame = survey.responses
    chosen = np.empty((len(frame), len(question.columns)), dtype=bool)
    valid = np.empty_like(chosen)
    for j, column in enumerate(question.columns):
        cells = as_numbers(frame[column])
        chosen[:, j] = cells == 1
        valid[:, j] = chosen[:, j] | (cells == 0)
    missing = question.missing_codes
    reasons = {reason: np.zeros(len(frame), dtype=bool) for reason in (*NON_RESPONSE, "not_asked")}
    for j, column in enumerate(question.columns):
        if valid[:, j].all():
            continue
        left = ~valid[:, j] & frame[column].notna().to_numpy()
        if left.any():  # a missing reason may stand in the cells as its code
            texts = as_texts(frame[column])
            for code, reason in missing.items():
                hit = left & (texts == code)
                reasons[reason] |= hit
                left &= ~hit
        if left.any():
            raise _unknown(survey, question, column, int(np.flatnonzero(left)[0]))
    some = chosen.any(axis=1)
    for choice in question.choices:  # ... or in a column of its own
        if choice.missing and question.column(choice) in frame:
            hit = (as_numbers(frame[question.column(choice)]) == 1) & ~some
            reasons[choice.missing] |= hit
            valid &= ~hit[:, None]
    routed = question.routed(survey.responses)
    given = valid.any(axis=1)
    blank = ~given & ~np.logical_or.reduce(list(reasons.values()))
    asked = routed & ~(reasons.pop("not_asked") & ~given)
    if not question.routing:
        asked &= ~blank
    reasons["no_answer"] |= blank
    valid &= asked[:, None]
    taken = given.copy()
    for reason in NON_RESPONSE:  # one reason per respondent, the first in order
        reasons[reason] = reasons[reason] & asked & ~taken
        taken |= reasons[reason]
    if (valid == valid[:, :1]).all():
        valid = valid[:, :1]
    return Answers(question.answers, chosen & asked[:, None], valid, asked, reasons)
