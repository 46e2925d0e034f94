"""The answers of a log of corrections as codes of the questionnaire."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

import numpy as np

from .codes import as_days
from .language import LANGUAGES, say
from .questionnaire import MISSING_REASONS, NUMBER_TYPES, Choice, Question, did_you_mean


def cells_of(question: Question, variable: str, answer: str, columns: Collection[str]) -> dict[str, str]:
    """The cells that an answer makes.

    Parameters
    ----------
    question : Question
    variable : str
        The question, or one 0/1 column of it.
    answer : str
        A code, or the wording of a choice in any language; of a multiple response question several codes with spaces
        between them, or codes and wordings with semicolons.
    columns : collection of str
        Those of the responses.

    Returns
    -------
    dict of str to str
        Column to code.

    Raises
    ------
    ValueError
        If it is no answer to the question; the message says which there are.

    Examples
    --------
    >>> grounds = Question("g", "select_multiple", choices=(Choice("age", {"en": "Your age"}), Choice("sex")))
    >>> cells_of(grounds, "g", "Your age", ["g/age", "g/sex"])
    {'g/age': '1', 'g/sex': '0'}
    """
    text = answer.replace("\r\n", "\n").replace("\r", "\n").strip()
    missing = question.missing_codes
    if question.type == "select_multiple":
        if variable != question.name:
            if text not in ("0", "1", *missing):
                raise ValueError(f"a column of one choice holds {', '.join(('0', '1', *missing))}. Give one of them.")
            return {variable: text}
        chosen = _chosen(question, text)
        if len(chosen) == 1 and chosen[0] in missing:
            return missing_cells(question, chosen[0], columns)
        cells = {column: "0" for column in (*question.columns, *question.optional_columns) if column in columns}
        for name in chosen:
            if f"{question.name}/{name}" not in cells:
                raise ValueError(f"the responses have no column {question.name}/{name}. Give the other choices only.")
            cells[f"{question.name}/{name}"] = "1"
        return cells
    if question.type == "select_one":
        return {question.name: code_of(question.choices, text)}
    if text in missing:
        return {question.name: text}
    if question.type in NUMBER_TYPES:
        if not re.fullmatch(r"[+-]?\d+(\.\d+)?", text):
            raise ValueError("no number. Write digits, with a point before decimals.")
        if question.type == "integer" and not re.fullmatch(r"[+-]?\d+(\.0+)?", text):
            raise ValueError("no whole number. Write digits only.")
        return {question.name: _number(text)}
    if question.type == "date":
        text = re.sub(r"^(\d{1,2})\.(\d{1,2})\.(\d{4})\.?$", _iso, text)
        if np.isnat(as_days([text])[0]):
            raise ValueError("no day of the calendar. Write it as 2021-10-31 or 31.10.2021.")
        return {question.name: text}
    return {question.name: text}


def _iso(match: re.Match[str]) -> str:
    return f"{match[3]}-{int(match[2]):02d}-{int(match[1]):02d}"


def _number(text: str) -> str:
    """A number as :func:`motivlab.codes.as_texts` writes it, without a loss of digits."""
    sign, digits = ("-" if text.startswith("-") else ""), text.lstrip("+-")
    whole, _, decimals = digits.partition(".")
    decimals = decimals.rstrip("0")
    whole = whole.lstrip("0") or "0"
    return ("" if whole == "0" and not decimals else sign) + whole + (f".{decimals}" if decimals else "")


def code_of(choices: Iterable[Choice], text: str) -> str:
    """The code of a choice, given as its code or as its wording in any language.

    Raises
    ------
    ValueError
        If it is none of them, or the wording of several.
    """
    choices = tuple(choices)
    names = [choice.name for choice in choices]
    if text in names:
        return text
    if re.fullmatch(r"-?\d+\.0+", text) and _number(text) in names:  # 3.0, as some programs write a number
        return _number(text)
    worded = [choice.name for choice in choices if text in choice.labels.values()]
    if len(worded) > 1:
        raise ValueError(f"the wording of several choices. Give the code: {' or '.join(worded)}.")
    if not worded:
        known = [*names, *(label for choice in choices for label in choice.labels.values())]
        raise ValueError(f"no choice of the question{did_you_mean(text, known)} Choices: {', '.join(names)}.")
    return worded[0]


def _chosen(question: Question, text: str) -> list[str]:
    """The codes that an answer to a multiple response question names."""
    if ";" in text:
        parts = [part.strip() for part in text.split(";") if part.strip()]
    else:
        try:
            return [code_of(question.choices, text)]  # one wording of several words
        except ValueError:
            parts = text.split()
            if not {*parts} & {choice.name for choice in question.choices}:
                raise
    return list(dict.fromkeys(code_of(question.choices, part) for part in parts))


def reason_code(question: Question, answer: str) -> str:
    """The code of a question for the reason why there is no answer; empty for the blank of whoever was not asked.

    Parameters
    ----------
    question : Question
    answer : str
        A missing reason, its words in any language, or a code or wording of the question that stands for one.

    Raises
    ------
    ValueError
        If it is no reason, or the question has no code or several codes for it; the message says how to add one.

    Examples
    --------
    >>> reason_code(Question("age", "integer", missing={"-8": "refused"}), "refused")
    '-8'
    """
    codes = question.missing_codes
    if answer in codes:
        return answer
    worded = [c.name for c in question.choices if c.missing and answer in c.labels.values()]
    if len(worded) == 1:
        return worded[0]
    reason = _reasons().get(" ".join(answer.split()).casefold(), "")
    if not reason:
        raise ValueError(f"no missing reason. Use {', '.join(MISSING_REASONS)}, or a code: {', '.join(codes) or '-'}.")
    fitting = [code for code, why in codes.items() if why == reason]
    if len(fitting) > 1:
        raise ValueError(f"{question.name} has several codes for {reason}. Give one: {', '.join(fitting)}.")
    if fitting:
        return fitting[0]
    if reason == "not_asked":
        return ""
    where = (
        f"a choice with `missing` {reason} to the list {question.list_name or question.name} in the choices sheet"
        if question.choices else f"-9={reason} (or another code) to its `missing` in the survey sheet"
    )  # fmt: skip
    raise ValueError(f"{question.name} has no code for {reason}. Add {where}; or use another reason.")


def missing_cells(question: Question, code: str, columns: Collection[str]) -> dict[str, str]:
    """The cells of a question without an answer: its missing code alone, or blanks for an empty code."""
    if question.type != "select_multiple":
        return {question.name: code}
    there = [column for column in (*question.columns, *question.optional_columns) if column in columns]
    own = f"{question.name}/{code}"
    return {column: "1" if column == own else "0" if own in there else code for column in there}


@lru_cache(maxsize=1)
def _reasons() -> Mapping[str, str]:
    return {name: name for name in MISSING_REASONS} | {
        say(f"missing_{name}", language).casefold(): name for name in MISSING_REASONS for language in LANGUAGES
    }
