"""What each respondent answered to one question: asked or not, valid or why not, and what was chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .codes import as_numbers, as_texts
from .expressions import Mask
from .questionnaire import CHOICE_TYPES, NUMBER_TYPES, Choice, Question
from .survey import Survey, crossed

NON_RESPONSE = ("refused", "dont_know", "invalid", "no_answer")
# the states of a respondent; "not asked" comes before every reason while both may be said
_STATES = {"not_asked": -1, "answered": 1} | {reason: i for i, reason in enumerate(NON_RESPONSE, start=2)}


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
    state : ndarray of int8, shape (respondents,)
        0 where routing passes by or the data say "not asked"; 1 answered, at least in part; 2 and more why not: the
        reasons of ``NON_RESPONSE`` in their order.
    room : ndarray of bool, shape (respondents, J + spare)
        ``chosen`` and to the right the spare columns that were asked for, of which nothing is said: for nets.
    """

    choices: tuple[Choice, ...]
    chosen: Mask
    valid: Mask
    state: npt.NDArray[np.int8]
    room: Mask

    @property
    def asked(self) -> Mask:
        """Whom the question was put to; shape (respondents,)."""
        return np.asarray(self.state > 0)


@dataclass(frozen=True)
class Numbers:
    """The answers of all respondents to one question that asks for a number.

    Attributes
    ----------
    values : ndarray of float, shape (respondents,)
        NaN where there is no valid answer.
    state : ndarray of int8, shape (respondents,)
        As for :class:`Answers`.
    """

    values: npt.NDArray[np.float64]
    state: npt.NDArray[np.int8]


def numbers(survey: Survey, name: str) -> Numbers:
    """Read the answers to a question that asks for a number.

    A ``select_one`` whose codes are all numbers is read as those numbers.

    Raises
    ------
    ValueError
        If there is no such question, it asks for no number, or a cell holds none.
    """
    question = survey.question(name)
    codes = as_numbers([choice.name for choice in question.answers])
    coded = question.type == "select_one" and len(codes) > 0 and not np.isnan(codes).any()
    if question.type not in NUMBER_TYPES and not coded:
        raise ValueError(f"question {name!r} is of type {question.type}: name a question that asks for a number.")
    _require(survey, question)
    column = survey.responses[name]
    if coded:
        code_positions(survey, question)  # refuses what is none of the codes
    values, missing = as_numbers(column), question.missing_codes
    state = np.where(np.isnan(values), 0, 1).astype(np.int8)
    for code, reason in missing.items():
        hit = values == float(code) if not np.isnan(as_numbers([code])[0]) else as_texts(column) == code
        state[hit], values = _STATES[reason], np.where(hit, np.nan, values)
    odd = np.flatnonzero(((state == 0) & column.notna().to_numpy()) | np.isinf(values))
    if len(odd):
        value = as_texts(column.iloc[odd[:1]])[0]
        raise ValueError(f"{survey.row(int(odd[0]))}: {name} is {value!r}, which is no number. Correct the value.")
    state[state == 0] = _STATES["no_answer"]
    state[~question.routed(survey.responses, survey.context) | (state < 0)] = 0
    return Numbers(np.where(state > 0, values, np.nan), state)


def margin_variables(
    survey: Survey, margins: pd.DataFrame
) -> tuple[npt.NDArray[np.float64], tuple[npt.NDArray[np.intp], ...]]:
    """The calibration variables of each respondent, and the level in each margin that has levels.

    Parameters
    ----------
    margins : DataFrame
        ``variable`` and ``level``, which is empty for the total of a number; the rows of a variable stand together.

    Returns
    -------
    ndarray of float, shape (respondents, rows)
        By row of ``margins`` an indicator of the level, or the number itself: NaN where there is none.
    tuple of ndarray of int, shape (respondents,)
        The position of the level in its margin; -1 where it is in none.
    """
    columns, codes = [], []
    for variable, rows in margins.groupby("variable", sort=False):
        if (rows["level"] == "").all():
            columns.append(numbers(survey, str(variable)).values[:, None])
            continue
        texts = crossed(survey.responses, str(variable))
        codes.append(pd.Index(rows["level"]).get_indexer(pd.Index(texts)))
        columns.append((codes[-1][:, None] == np.arange(len(rows))).astype(float))
    return np.concatenate(columns, axis=1), tuple(codes)


def answers(survey: Survey, name: str, spare: int = 0) -> Answers:
    """Read the answers to a ``select_one`` or ``select_multiple`` question.

    A blank is "not asked" where routing passes the respondent by, and in a multiple response question without
    routing; elsewhere it is "no answer". An answer of somebody whom routing passes by does not count as one.

    Raises
    ------
    ValueError
        If there is no such question, it has no choices, a column is missing, or a cell holds an unknown code.
    """
    question = survey.question(name)
    if question.type in CHOICE_TYPES and not question.answers:
        raise ValueError(f"question {name!r} has no choices that are answers. Add them to the questionnaire.")
    if question.type == "select_one":
        return _single(survey, question, spare)
    if question.type == "select_multiple":
        return _multiple(survey, question, spare)
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


def _single(survey: Survey, question: Question, spare: int) -> Answers:
    _require(survey, question)
    codes = code_positions(survey, question)
    missing = question.missing_codes
    state_of = [_STATES[missing.get(c.name, "answered")] for c in question.choices]
    state = np.maximum(np.array([*state_of, _STATES["no_answer"]], dtype=np.int8), 0)[codes]
    state[~question.routed(survey.responses, survey.context)] = 0
    # choice by choice, each in one stretch of memory: what reads a choice reads nothing else
    room = np.empty((len(codes), len(question.answers) + spare), dtype=bool, order="F")
    for j, i in enumerate(i for i, c in enumerate(question.choices) if not c.missing):
        room[:, j] = (codes == i) & (state == 1)
    return Answers(question.answers, room[:, : len(question.answers)], (state == 1)[:, None], state, room)


def code_positions(survey: Survey, question: Question) -> npt.NDArray[np.integer[Any]]:
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
        codes = column.cat.codes.to_numpy()
    else:
        texts = as_texts(column)
        codes = pd.Index([*names, *sorted(set(texts) - set(names) - {""}), ""]).get_indexer(texts)
        codes[texts == ""] = -1
    unknown = np.flatnonzero(codes >= len(names))
    if len(unknown):
        raise _unknown(survey, question, question.name, int(unknown[0]))
    return codes


def _multiple(survey: Survey, question: Question, spare: int) -> Answers:
    _require(survey, question)
    frame, columns = survey.responses, question.columns
    room = np.empty((len(frame), len(columns) + spare), dtype=bool, order="F")
    chosen = room[:, : len(columns)]
    known: list[Mask] = []  # one mask for all choices as long as they are the same
    for j, column in enumerate(columns):
        cells = _cells(frame[column])
        chosen[:, j] = cells == 1
        answered = chosen[:, j] | (cells == 0)
        if j == 0 or len(known) > 1:
            known.append(answered)
        elif not np.array_equal(answered, known[0]):
            known = [known[0]] * j + [answered]
    why = np.zeros(len(frame), dtype=np.int8)  # the state of who did not answer; of several the first in order

    def note(hit: Mask, reason: str) -> None:
        why[hit & ((why == 0) | (why > _STATES[reason]))] = _STATES[reason]

    for j, column in enumerate(columns):
        answered = known[j] if len(known) > 1 else known[0]
        if answered.all():
            continue
        left = ~answered & frame[column].notna().to_numpy()
        if left.any():  # a missing reason may stand in the cells as its code
            texts = as_texts(frame[column])
            for code, reason in question.missing_codes.items():
                hit = left & (texts == code)
                note(hit, reason)
                left &= ~hit
        if left.any():
            raise _unknown(survey, question, column, int(np.flatnonzero(left)[0]))
    own = [c for c in question.choices if c.missing and question.column(c) in frame]
    some = np.logical_or.reduce(chosen, axis=1) if own else np.zeros(0, dtype=bool)
    for choice in own:  # ... or in a column of its own
        hit = (_cells(frame[question.column(choice)]) == 1) & ~some
        note(hit, choice.missing)
        known = [mask & ~hit for mask in known]
    given = known[0] if len(known) == 1 else np.logical_or.reduce(known)
    blank = ~given & (why == 0)
    asked = question.routed(survey.responses, survey.context) & (given | (why != _STATES["not_asked"]))
    if not question.routing:
        asked &= ~blank
    why[blank] = _STATES["no_answer"]
    why[given] = 1
    why[~asked] = 0
    if not asked.all():
        known = [mask & asked for mask in known]
        for j in range(len(columns)):
            chosen[:, j] &= asked
    if len(known) > 1 and all(np.array_equal(mask, known[0]) for mask in known):
        known = known[:1]
    return Answers(question.answers, chosen, np.stack(known, axis=1), why, room)


def _cells(column: pd.Series) -> npt.NDArray[Any]:
    """A 0/1 column as numbers; small ones stay small, a blank is then -128."""
    return column.to_numpy(dtype=np.int8, na_value=-128) if column.dtype == pd.Int8Dtype() else as_numbers(column)
