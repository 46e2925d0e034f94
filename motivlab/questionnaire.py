"""The questionnaire: questions, choices, labels, routing and limits; the single source of all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .expressions import Context, Expression, ExpressionError, Mask, parse_expression, shown

if TYPE_CHECKING:
    import pandas as pd

CHOICE_TYPES = ("select_one", "select_multiple")
NUMBER_TYPES = ("integer", "decimal", "range")
# What a device or the form itself fills in, and what is no answer in words: an export may leave their columns out.
META_TYPES = (
    "start", "end", "today", "deviceid", "username", "phonenumber", "email", "subscriberid", "simserial", "audit",
    "background-audio", "start-geopoint", "calculate", "hidden", "acknowledge", "image", "audio", "video", "file",
    "background-geopoint", "csv-external", "xml-external",
)  # fmt: skip
PLACE_TYPES = ("geopoint", "geotrace", "geoshape")
TEXT_TYPES = ("text", "barcode", "rank", "select_one_from_file", "select_multiple_from_file", "time", "dateTime")
TYPES = (*CHOICE_TYPES, *NUMBER_TYPES, *TEXT_TYPES, "date", "note", *PLACE_TYPES, *META_TYPES)
LISTED_TYPES = (*CHOICE_TYPES, "rank")  # their choices stand in a list of the choices sheet
YES, NO = ("yes", "true", "true()"), ("", "no", "false", "false()")
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
        Empty unless the type is ``select_one``, ``select_multiple`` or ``rank``.
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

    def routed(self, frame: pd.DataFrame, context: Context | None = None) -> Mask:
        """Where routing puts the question to a respondent; shape (len(frame),)."""
        out = np.ones(len(frame), dtype=bool)
        for expression in self.routing:
            out &= expression.mask(frame, self.name, context)
        return out

    @property
    def calculation(self) -> str:
        """The expression that gives its value, or empty."""
        return self.extra.get("calculation", "")

    @property
    def choice_filter(self) -> str:
        """The expression that says which choices are offered, or empty."""
        return self.extra.get("choice_filter", "")

    @property
    def trigger(self) -> str:
        """The question whose change sets off the calculation, ``${name}``, or empty."""
        return self.extra.get("trigger", "")

    @property
    def required(self) -> bool | str:
        """Whether it must be answered, or the expression that says for whom."""
        text = self.extra.get("required", "")
        return text.lower() in YES if text.lower() in (*YES, *NO) else text

    def offered(self, frame: pd.DataFrame, context: Context | None = None) -> dict[str, Mask]:
        """Where ``choice_filter`` offered each choice.

        Parameters
        ----------
        frame : DataFrame
            Codes, one row per respondent.
        context : Context, optional
            See :attr:`motivlab.Survey.context`.

        Returns
        -------
        dict of str to ndarray of bool, shape (len(frame),)
            Name of the choice to where it was offered: everywhere, if there is no filter.

        Raises
        ------
        ExpressionError
            If the filter cannot be evaluated over the frame.
        """
        if not self.choice_filter:
            return {choice.name: np.ones(len(frame), dtype=bool) for choice in self.choices}
        expression = parse_expression(self.choice_filter, choice_filter=True)
        masks: dict[tuple[str, ...], Mask] = {}
        out = {}
        for choice in self.choices:
            cells = {**choice.extra, "name": choice.name}
            key = tuple(cells.get(column, "") for column in expression.columns)
            if key not in masks:
                masks[key] = expression.mask(frame, self.name, context, cells)
            out[choice.name] = masks[key]
        return out

    def calculated(self, frame: pd.DataFrame, context: Context | None = None) -> Any:
        """What its ``calculation`` gives in each row; see :meth:`motivlab.expressions.Expression.values`.

        Raises
        ------
        ExpressionError
            If it has no calculation, or one that cannot be evaluated over the frame.
        """
        if not self.calculation:
            raise ExpressionError(f"the question {self.name!r} has no calculation.")
        return parse_expression(self.calculation).values(frame, self.name, context)

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

    @cached_property
    def routing(self) -> tuple[Expression, ...]:
        """The conditions under which it is asked at all, of those its members belong to."""
        texts = (*(group.relevant for group in self.groups), self.relevant)
        return tuple(parse_expression(text) for text in texts if text)


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

    @cached_property
    def known(self) -> dict[str, Question | Repeat | Group]:
        """Everything that an expression may name: questions, groups and repeats, and what is in the repeats."""
        out: dict[str, Question | Repeat | Group] = {}
        parts: tuple[Question | Repeat, ...] = (*self.questions, *self.repeats)
        for part in parts:
            out |= {group.name: group for group in part.groups if group.name}
        for repeat in self.repeats:
            out |= {repeat.name: repeat, **repeat.form.known}
        return out | self._by_name

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

    def write(self, path: str | Path) -> list[str]:
        """Write the sheets: into a folder, which is made if it is missing, or into one .xlsx workbook.

        Parameters
        ----------
        path : path
            A folder for survey.csv, choices.csv and settings.csv, or a file that ends in ``.xlsx``.

        Returns
        -------
        list of str
            What a workbook for KoboToolbox or ODK had to say in another way; of a folder nothing.
        """
        if str(path).lower().endswith(".xlsx"):
            from .xlsform_out import write_form

            return write_form(self, Path(path))
        from .xlsform_out import write_sheets

        write_sheets(self, Path(path))
        return []


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


def check_references(
    expression: Expression,
    known: Mapping[str, Question | Repeat | Group],
    this: Question | None = None,
    fielded: bool = False,
) -> None:
    """Refuse an expression that refers to a question, or to a choice of one, that does not exist.

    Parameters
    ----------
    expression : Expression
    known : mapping of str to Question, Repeat or Group
        What may be named, such as :attr:`Questionnaire.known`.
    this : Question, optional
        The question that ``.`` stands for.
    fielded : bool
        Whether it is part of a form, where a condition that was copied to a question without that choice is just
        never true; a choice that is nearly one of the question's is an error there too.

    Raises
    ------
    ExpressionError
        Naming the expression, the question and the remedy.
    """
    for name in expression.names:
        if name not in known:
            raise ExpressionError(
                f"{shown(expression.text)} refers to {name!r}, which is no question{did_you_mean(name, known)} "
                "Correct the name."
            )
    for name, choice in expression.choices:
        question = known[name] if name else this
        names = [one.name for one in question.choices] if isinstance(question, Question) else []
        several = isinstance(question, Question) and question.type != "select_one"
        for part in choice.split() if several else [choice]:
            near = did_you_mean(part, names)
            if names and part not in names and not (fielded and near == "."):
                raise ExpressionError(
                    f"{shown(expression.text)}: {part!r} is no choice of {name or 'the question'!r}"
                    f"{near} Known: {', '.join(names)}."
                )
