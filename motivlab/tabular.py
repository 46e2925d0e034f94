"""From a plain table of labels, as online survey tools export it, to the draft of a survey folder."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .codes import as_days, as_numbers, as_texts
from .delimited import plain_dates, plain_numbers, some
from .drafts import RESPONDENT_ID, Draft
from .files import ReadError
from .questionnaire import Choice, Question, Questionnaire, did_you_mean
from .readers import read_any

Orders = Sequence[Sequence[str | tuple[str, ...]]]
MOST_CHOICES = 20
LONGEST_NAME = 40


def read_table(
    file: str | Path,
    sets: Mapping[str, tuple[str, str]] | None = None,
    orders: Orders = (),
    neutral: Iterable[str] = (),
) -> Draft:
    """Read a .csv, .tsv, .txt, .xlsx or .parquet whose cells hold the wording of the answers, or their codes.

    Parameters
    ----------
    file : path
        The first row names the columns. Delimiter, encoding, decimal comma and the order of day and month are found
        out, and said in the notes.
    sets : mapping of str to (str, str)
        Multiple response questions that are spread over columns: name to first and last column. Each column stands
        for one choice and holds its wording, or nothing. Whoever ticked none of a set has not answered it.
    orders : sequence of sequence of str
        Answer scales, from the lowest answer up. A column all of whose answers are on one of them is coded 1, 2, ...
        by it. A tuple holds wordings that mean the same, "I had not ..." before and "I have not ..." since.
    neutral : iterable of str
        The middle of scales, "Neutral".

    Returns
    -------
    Draft
        Columns ``q/a``, ``q/b`` of 0 and 1 are the multiple response question ``q``. Of other columns: numbers stay
        numbers, days days; at most 20 texts that repeat are the choices of a ``select_one`` question; the rest is free
        text. Names are made of the columns' names, which stay as wording.

    Raises
    ------
    FileNotFoundError, ReadError
        If there is no such file, a set names no column of it, or a column of a set holds several texts.
    """
    file = Path(file)
    tables, notes = read_any(file)
    frame, of_numbers = plain_numbers(next(iter(tables.values())))
    frame, of_dates = plain_dates(frame)
    if len(tables) > 1 and (left := list(tables)[1:]):
        notes.append(f"not read: the sheets {some(left)}. Save the one that is meant as a file of its own.")
    return _Table(file, frame, orders, frozenset(neutral), [*notes, *of_numbers, *of_dates]).draft(sets or {})


class _Table:
    """One table on its way to a draft; the notes gather as it goes."""

    def __init__(
        self,
        file: Path,
        frame: pd.DataFrame,
        orders: Sequence[Sequence[str | tuple[str, ...]]],
        neutral: frozenset[str],
        notes: list[str],
    ) -> None:
        self.file, self.frame, self.neutral = file, frame, neutral
        self.orders = [[(one,) if isinstance(one, str) else one for one in order] for order in orders]
        self.texts = {column: as_texts(frame[column].str.strip()) for column in frame}
        self.notes = notes

    def draft(self, sets: Mapping[str, tuple[str, str]]) -> Draft:
        set_of: dict[str, str] = {}
        for name, ends in sets.items():
            for column in self.between(name, *ends):
                if column in set_of:
                    raise ReadError(
                        f"{self.file}: the column {column!r} is in the sets {set_of[column]!r} and {name!r}. "
                        "Correct where one of them begins or ends."
                    )
                set_of[column] = name
        identity = next((c for c in self.texts if re.fullmatch(RESPONDENT_ID, c.lower()) and self.unique(c)), "")
        names = self.names()
        number = identity or next(n for n in ("respondent", "respondent_number") if n not in names.values())
        columns: dict[str, Any] = {number: np.arange(1, len(self.frame) + 1).astype(str)}
        if identity:
            columns[identity] = self.texts[identity]
        else:
            self.notes.append(f"{number}: numbered from 1, since no column looks like an id.")
        questions: list[Question] = []
        dummies = self.dummies(identity, set_of)
        taken: set[str] = set()
        for column in self.texts:
            if column in columns:
                continue
            if column == identity or (column in set_of and set_of[column] in columns):
                continue
            if column in dummies:
                questions.append(dummies[column])
                taken.add(dummies[column].name)
                columns |= {c: self.texts[c] for c in dummies[column].columns}
                continue
            if column in set_of:
                members = [c for c in self.texts if set_of.get(c) == set_of[column]]
                question, cells = self.multiple(set_of[column], members)
                columns[question.name] = None  # its columns follow; none of its own
            else:
                question, cells = self.single(column, names[column])
            if question.name in taken:
                raise ReadError(f"{self.file}: two columns are named {question.name!r} ({column!r}). Rename one.")
            questions.append(question)
            taken.add(question.name)
            columns |= cells
        for name in sets:
            del columns[name]
        texts = [question.name for question in questions if question.type == "text"]
        if texts:
            self.notes.append(f"free text, to be read for names before it is passed on: {', '.join(texts)}.")
        self.notes.append("routing: a table does not hold it. Fill in `relevant` in questionnaire/survey.csv.")
        responses = pd.DataFrame(columns, dtype="str").replace("", pd.NA)
        form = Questionnaire(tuple(questions), {"": ""})
        found = tuple(question.name for question in dummies.values())
        return Draft(responses, form, number, "", (*sets, *found), tuple(self.notes))

    def dummies(self, identity: str, taken: Mapping[str, str]) -> dict[str, Question]:
        """The questions whose choices stand in columns of 0 and 1, by the first of them."""
        members: dict[str, list[str]] = {}
        for column, texts in self.texts.items():
            name, slash, choice = column.partition("/")
            plain = slash and re.fullmatch(r"[A-Za-z_][\w.-]*", name) and re.fullmatch(r"[\w.-]+", choice)
            if plain and column not in taken and column != identity and set(texts) <= {"0", "1", ""}:
                members.setdefault(name, []).append(column)
        found = {}
        for name, columns in members.items():
            if len(columns) > 1 and name not in self.texts:
                choices = tuple(Choice(c, {"": c}) for c in (column.partition("/")[2] for column in columns))
                found[columns[0]] = Question(name, "select_multiple", {"": name}, choices, name)
        return found

    def names(self) -> dict[str, str]:
        """Column to name; one that has no Latin letters or digits is named by its place."""
        return {column: _name(column) or f"column_{i}" for i, column in enumerate(self.texts, start=1)}

    def unique(self, column: str) -> bool:
        texts = self.texts[column]
        return len(set(texts)) == len(texts) and "" not in texts

    def between(self, name: str, first: str, last: str) -> list[str]:
        """The columns of a set."""
        known = list(self.texts)
        for column in (first, last):
            if column not in known:
                raise ReadError(
                    f"{self.file}: the set {name!r} names the column {column!r}, which is not there"
                    f"{did_you_mean(column, known)} Correct the name."
                )
        if known.index(first) > known.index(last):
            raise ReadError(f"{self.file}: the set {name!r}: {last!r} stands before {first!r}. Turn them round.")
        return known[known.index(first) : known.index(last) + 1]

    def multiple(self, name: str, members: Sequence[str]) -> tuple[Question, dict[str, Any]]:
        choices: list[Choice] = []
        cells: dict[str, Any] = {}
        ticked = {column: self.texts[column] != "" for column in members}
        someone = np.any(list(ticked.values()), axis=0)
        for column in members:
            texts = sorted(set(self.texts[column]) - {""})
            if len(texts) != 1:
                found = f"{len(texts)} different texts ({', '.join(texts[:2])}, ...)" if texts else "nothing"
                raise ReadError(
                    f"{self.file}: the column {column!r} of the set {name!r} holds {found}; the column of a choice "
                    "holds its wording and nothing else. Leave it out of the set."
                )
            code = _code(texts[0], [choice.name for choice in choices])
            choices.append(Choice(code, {"": texts[0]}))
            cells[f"{name}/{code}"] = np.where(someone, ticked[column].astype(int).astype(str), "")
        self.notes.append(
            f"{name}: {len(choices)} choices from the columns {members[0]} to {members[-1]}; the "
            f"{int((~someone).sum())} respondents who ticked none of them count as not having answered."
        )
        return Question(name, "select_multiple", {"": name}, tuple(choices), name), cells

    def single(self, column: str, name: str) -> tuple[Question, dict[str, Any]]:
        label, texts = {"": column}, self.texts[column]
        given = dict.fromkeys(sorted(set(texts) - {""}))
        for order in self.orders:
            code_of = {wording: str(i) for i, same in enumerate(order, start=1) for wording in same}
            if given and given.keys() <= code_of.keys():
                choices = tuple(
                    Choice(str(i), {"": next((w for w in same if w in given), same[0])},
                           neutral=bool(self.neutral & set(same)))
                    for i, same in enumerate(order, start=1)
                )  # fmt: skip
                codes = np.array([code_of.get(text, "") for text in texts], dtype=object)
                return Question(name, "select_one", label, choices, name), {name: codes}
        numbers = as_numbers(list(given))
        if given and not np.isnan(numbers).any():
            whole = bool((np.floor(numbers) == numbers).all())
            return Question(name, "integer" if whole else "decimal", label), {name: texts}
        if given and not np.isnat(as_days(list(given))).any() and all(len(text) == 10 for text in given):
            return Question(name, "date", label), {name: texts}
        if not given or len(given) > MOST_CHOICES or len(given) > (texts != "").sum() / 2:
            return Question(name, "text", label), {name: texts}
        coded: dict[str, str] = {}
        for text in given:
            coded[text] = _code(text, list(coded.values()))
        choices = tuple(Choice(code, {"": text}) for text, code in coded.items())
        return Question(name, "select_one", label, choices, name), {name: [coded.get(text, "") for text in texts]}


def _name(text: str) -> str:
    """A name of small Latin letters, digits and underscores, made of a wording.

    Examples
    --------
    >>> _name("Kā Jūs vērtējat?")
    'ka_jus_vertejat'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain.replace("'", "")).strip("_")


def _code(text: str, taken: Sequence[str]) -> str:
    """A code made of a wording, another than those taken."""
    code = _name(text) or "answer"
    if len(code) > LONGEST_NAME:
        code = code[: LONGEST_NAME + 1].rpartition("_")[0] or code[:LONGEST_NAME]
    return next(name for name in (code, *(f"{code}_{i}" for i in range(2, len(taken) + 3))) if name not in taken)
