"""The questionnaire: questions, choices, labels, routing and limits; the single source of all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .expressions import Expression, ExpressionError, Mask, parse_expression

if TYPE_CHECKING:
    import pandas as pd

CHOICE_TYPES = ("select_one", "select_multiple")
NUMBER_TYPES = ("integer", "decimal", "range")
# What a device or the form itself fills in, and what is no answer in words: an export may leave their columns out.
META_TYPES = (
    "start", "end", "today", "deviceid", "username", "phonenumber", "email", "subscriberid", "simserial", "audit",
    "background-audio", "start-geopoint", "calculate", "hidden", "acknowledge", "image", "audio", "video", "file",
)  # fmt: skip
PLACE_TYPES = ("geopoint", "geotrace", "geoshape")
TEXT_TYPES = ("text", "barcode", "rank", "select_one_from_file", "select_multiple_from_file", "time", "dateTime")
TYPES = (*CHOICE_TYPES, *NUMBER_TYPES, *TEXT_TYPES, "date", "note", *PLACE_TYPES, *META_TYPES)
MISSING_REASONS = ("refused", "dont_know", "not_asked", "invalid")


class QuestionnaireError(ValueError):
    """A questionnaire that cannot be read; the message names file, row, value and remedy."""


@dataclass(frozen=True)
class Choice:
    """One choice of a question.

    Attributes
    ----------
    name : str
        The code in the data.
    labels : mapping of str to str
        Language code to wording.
    missing : str
        ``refused``, ``dont_know``, ``not_asked`` or ``invalid`` if the choice is no answer, else empty.
    exclusive : bool
        True for "none of these": it may not be chosen together with others.
    neutral : bool
        True for the middle of a scale, "neither agree nor disagree".
    extra : mapping of str to str
        The other columns of the sheet, such as those that a ``choice_filter`` reads, kept as they are.
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    missing: str = ""
    exclusive: bool = False
    neutral: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)

    def label(self, language: str) -> str:
        """The wording in a language, or in the questionnaire's own, or the name."""
        return _wording(self.labels, language, self.name)


@dataclass(frozen=True)
class Group:
    """A group of questions: its routing holds for all in it."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    relevant: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes
    ----------
    name : str
        The column of the responses; a ``select_multiple`` has the columns ``name/choice``.
    type : str
        One of ``TYPES``.
    labels : mapping of str to str
        Language code to wording.
    choices : tuple of Choice
        Empty unless the type is ``select_one`` or ``select_multiple``.
    list_name : str
        The name of the list of choices.
    relevant, constraint : str
        Expressions of the form, or empty.
    groups : tuple of Group
        The groups the question stands in, outermost first.
    missing : mapping of str to str
        For a question without choices: code in the data to missing reason.
    extra : mapping of str to str
        The other columns of the sheet (hint, required, parameters, ...), kept as they are.
    """

    name: str
    type: str
    labels: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    list_name: str = ""
    relevant: str = ""
    constraint: str = ""
    groups: tuple[Group, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)

    def label(self, language: str) -> str:
        """The wording in a language, or in the questionnaire's own, or the name."""
        return _wording(self.labels, language, self.name)

    @cached_property
    def routing(self) -> tuple[Expression, ...]:
        """All conditions under which the question is asked: those of its groups, then its own."""
        texts = (*(group.relevant for group in self.groups), self.relevant)
        return tuple(parse_expression(text) for text in texts if text)

    def routed(self, frame: pd.DataFrame) -> Mask:
        """Where routing puts the question to a respondent; shape (len(frame),)."""
        out = np.ones(len(frame), dtype=bool)
        for expression in self.routing:
            out &= expression.mask(frame, self.name)
        return out

    @property
    def answers(self) -> tuple[Choice, ...]:
        """The choices that are an answer, without the missing reasons."""
        return tuple(choice for choice in self.choices if not choice.missing)

    @property
    def missing_codes(self) -> dict[str, str]:
        """Code to missing reason, from the choices or, for a question without choices, from ``missing``."""
        return {choice.name: choice.missing for choice in self.choices if choice.missing} | dict(self.missing)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the responses must have for it; a note has none, and what a device fills in may be absent."""
        if self.type == "note" or self.type in META_TYPES:
            return ()
        if self.type == "select_multiple":
            return tuple(self.column(choice) for choice in self.answers)
        return (self.name,)

    @property
    def optional_columns(self) -> tuple[str, ...]:
        """Columns the responses may have: a missing reason of a multiple response question, what a device fills in."""
        if self.type in META_TYPES:
            return (self.name,)
        if self.type != "select_multiple":
            return ()
        return tuple(self.column(choice) for choice in self.choices if choice.missing)

    def column(self, choice: Choice) -> str:
        """The 0/1 column of one choice of a ``select_multiple``."""
        return f"{self.name}/{choice.name}"

    @property
    def limits(self) -> tuple[float | None, float | None]:
        """The lowest and highest value that a ``range`` allows (``start`` and ``end`` of its parameters)."""
        found = dict(re.findall(r"(\w+)\s*=\s*(-?[\d.]+)", self.extra.get("parameters", "")))
        low, high = found.get("start"), found.get("end")
        return (float(low) if low else None, float(high) if high else None)


@dataclass(frozen=True)
class Repeat:
    """A repeated group: its questions are asked once for each member, say of the household.

    Attributes
    ----------
    name : str
        Its members are a table of their own, see :class:`motivlab.Survey`.
    labels : mapping of str to str
        Language code to wording.
    form : Questionnaire
        The questions asked of each member; a repeat in it is one of the members' own.
    relevant : str
        An expression of the form, or empty.
    groups : tuple of Group
        The groups the repeat stands in, outermost first.
    extra : mapping of str to str
        The other columns of the sheet (``repeat_count``, ...), kept as they are.
    after : str
        The name of the question of the outer form that it follows; empty if it comes first.
    """

    name: str
    form: Questionnaire
    labels: Mapping[str, str] = field(default_factory=dict)
    relevant: str = ""
    groups: tuple[Group, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)
    after: str = ""

    @property
    def identity(self) -> str:
        """The column of the members' ids in their table: ``R1/2`` is the second member of ``R1``."""
        return f"{self.name}_id"


@dataclass(frozen=True)
class Questionnaire:
    """The questions of a survey, in order.

    Attributes
    ----------
    questions : tuple of Question
    languages : mapping of str to str
        Language code to the name in the sheets' headings: ``{"lv": "Latviešu (lv)"}``. A sheet with a plain
        ``label`` column has the one code ``""``.
    settings : mapping of str to str
        The settings sheet.
    repeats : tuple of Repeat
        The repeated groups, each with the questions asked once per member; they are not among ``questions``.

    Examples
    --------
    >>> yes_no = (Choice("yes", {"en": "Yes"}), Choice("no", {"en": "No"}))
    >>> form = Questionnaire((Question("worked", "select_one", {"en": "Do you work?"}, yes_no, "yes_no"),))
    >>> form["worked"].label("en")
    'Do you work?'
    """

    questions: tuple[Question, ...]
    languages: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    repeats: tuple[Repeat, ...] = ()

    def __iter__(self) -> Iterator[Question]:
        return iter(self.questions)

    def __len__(self) -> int:
        return len(self.questions)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Question:
        try:
            return self._by_name[name]
        except KeyError:
            raise KeyError(f"there is no question {name!r}{did_you_mean(name, self._by_name)}") from None

    @cached_property
    def _by_name(self) -> dict[str, Question]:
        return {question.name: question for question in self.questions}

    @classmethod
    def read(cls, path: str | Path) -> Questionnaire:
        """Read XLSForm sheets.

        Parameters
        ----------
        path : path
            A folder with survey.csv, choices.csv and perhaps settings.csv, or an .xlsx workbook.

        Raises
        ------
        FileNotFoundError
            If there is no questionnaire at the path.
        QuestionnaireError
            If a sheet cannot be read; the message names the file, the row, the value and the remedy.
        """
        from .xlsform import read_sheets

        return read_sheets(Path(path))

    def write(self, folder: str | Path) -> None:
        """Write survey.csv, choices.csv and settings.csv into a folder, which is made if it is missing."""
        from .xlsform import write_sheets

        write_sheets(self, Path(folder))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'age'?"`` if something like it is known, else a full stop."""
    import difflib

    plain: dict[str, str] = {}  # upper case aside, of two the first
    for other in known:
        plain.setdefault(other.casefold(), other)
    near = difflib.get_close_matches(name.casefold(), plain, n=1)
    return f"; did you mean {plain[near[0]]!r}?" if near else "."


def _wording(labels: Mapping[str, str], language: str, name: str) -> str:
    return labels.get(language) or next((text for text in labels.values() if text), name)


def check_references(expression: Expression, known: Mapping[str, Question], this: Question | None = None) -> None:
    """Refuse an expression that refers to a question, or to a choice of one, that does not exist.

    Raises
    ------
    ExpressionError
        Naming the expression, the question and the remedy.
    """
    for name in expression.names:
        if name not in known:
            raise ExpressionError(
                f"{expression.text!r} refers to {name!r}, which is no question{did_you_mean(name, known)} "
                "Correct the name."
            )
    for name, choice in expression.choices:
        question = known[name] if name else this
        names = [one.name for one in question.choices] if question else []
        if names and choice not in names:
            raise ExpressionError(
                f"{expression.text!r}: {choice!r} is no choice of {name or 'the question'!r}"
                f"{did_you_mean(choice, names)} Known: {', '.join(names)}."
            )
