"""A rule on the responses, how rules read them, and the rules that the register of a programme puts on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from .about import About
from .codes import as_days, as_numbers, as_texts
from .expressions import Mask
from .kinds import Paradata
from .programme import Programme
from .questionnaire import Question, Questionnaire

Dates = npt.NDArray[np.datetime64]
Positions = npt.NDArray[np.intp]
Detail = str | Callable[[str], str]  # a text, or of a language the text in it
T = TypeVar("T")

# What rules have read of the frames that are being checked, so that each column is read once: frame and what it holds.
_memory: ContextVar[dict[int, tuple[pd.DataFrame, dict[Any, Any]]] | None] = ContextVar("_memory", default=None)

# The order in which the moments of a programme follow each other; whoever completed has left, then or later.
MOMENTS = ("entry", "start", "completion", "exit", "follow_up")


@dataclass(frozen=True)
class Rule:
    """One rule for one question or column.

    Attributes
    ----------
    id : str
        The kind of rule; its name and message stand under ``rule_`` and ``message_`` in ``words*.yml``.
    variable : str
        The question or column that it is about.
    needs : tuple of str
        The columns of the responses that the rule reads.
    broken : callable
        Frame of responses to a mask, True where the rule is broken.
    detail : str
        What is allowed, for the message.
    severity : {"error", "warning", "note"}, optional
        Where it differs from that of the kind, :data:`motivlab.kinds.KINDS`.
    told : callable, optional
        Frame and the positions where the rule is broken to what the message says of each in place of ``detail``.
    secret : bool
        The value identifies a person: a finding shows it masked.
    method : str
        The name under which the check is registered with Pandera, for a rule that the questionnaire gives.
    statistics : mapping, optional
        What that check is told, in plain values, so that a schema can be written to a file.
    """

    id: str
    variable: str
    needs: tuple[str, ...]
    broken: Callable[[pd.DataFrame], Mask]
    detail: Detail = ""
    severity: str = ""
    told: Callable[[pd.DataFrame, Positions], Sequence[Detail]] | None = None
    secret: bool = False
    method: str = ""
    statistics: Mapping[str, Any] | None = None

    @property
    def key(self) -> str:
        """The name of the check in the Pandera schema."""
        return f"{self.id}:{self.variable}"

    def mask(self, frame: pd.DataFrame) -> Mask:
        """Where the rule is broken; nowhere, if a column it needs is absent, which is a finding of its own."""
        there = all(name in frame for name in self.needs)
        return self.broken(frame) if there else np.zeros(len(frame), dtype=bool)


@dataclass(frozen=True)
class Found:
    """What a rule about the whole file found: no one respondent, but a question, an interviewer, a weight."""

    variable: str
    value: str = ""
    detail: Detail = ""


@dataclass(frozen=True)
class Overall:
    """One rule about the whole file.

    Attributes
    ----------
    id, variable, needs, severity
        As of a :class:`Rule`.
    search : callable
        Frame of responses to what is found.
    """

    id: str
    variable: str
    needs: tuple[str, ...]
    search: Callable[[pd.DataFrame], Iterable[Found]]
    severity: str = ""

    @property
    def key(self) -> str:
        """The name of the check in the Pandera schema."""
        return f"{self.id}:{self.variable}"

    def found(self, frame: pd.DataFrame) -> tuple[Found, ...]:
        """All that is found; nothing, if a column it needs is absent, which is a finding of its own."""
        return tuple(self.search(frame)) if all(name in frame for name in self.needs) else ()


@contextmanager
def remembering(*frames: pd.DataFrame) -> Iterator[None]:
    """Keep what rules read of these frames as long as this lasts; the frames may not change meanwhile."""
    token = _memory.set({id(frame): (frame, {}) for frame in frames})
    try:
        yield
    finally:
        _memory.reset(token)


def remember(frame: pd.DataFrame, key: Any, make: Callable[[], T]) -> T:
    """What was made of a frame under this key before, or made now.

    Examples
    --------
    >>> frame, calls = pd.DataFrame({"age": [30]}), []
    >>> with remembering(frame):
    ...     for _ in range(2):
    ...         _ = remember(frame, "once", lambda: calls.append(1))
    >>> len(calls)
    1
    """
    held = (_memory.get() or {}).get(id(frame))
    if held is None or held[0] is not frame:
        return make()
    if key not in held[1]:
        held[1][key] = make()
    made: T = held[1][key]
    return made


@dataclass(frozen=True, eq=False)
class Coded:
    """A column as places in the list of its values.

    Attributes
    ----------
    values : array or Index, shape (values,)
        Every value once, as the column holds it. Some may be used by nobody.
    places : ndarray of int, shape (rows,)
        Of each row the place in ``values``, -1 where blank.
    """

    values: Any
    places: npt.NDArray[np.integer[Any]]

    @cached_property
    def levels(self) -> npt.NDArray[np.object_]:
        """The values as text, and last ``""``, for blank; shape (values + 1,)."""
        texts = isinstance(getattr(self.values, "dtype", None), pd.StringDtype)
        return np.append(np.asarray(self.values, dtype=object) if texts else as_texts(self.values), "")

    def among(self, codes: Iterable[str]) -> Mask:
        """Which of the levels are one of these codes; ``""`` is blank. Shape of ``levels``."""
        wanted = set(codes)
        if getattr(self.values, "dtype", np.dtype(object)).kind == "f":  # each as a text would be many texts
            exact = [code for code in as_numbers(list(wanted)) if as_texts([code])[0] in wanted - {""}]
            return np.append(np.isin(self.values, exact), "" in wanted)
        return np.array([level in wanted for level in self.levels], dtype=bool)

    def isin(self, codes: Iterable[str]) -> Mask:
        """Where the value is one of these codes; ``""`` is blank."""
        hit = self.among(codes)
        some = np.flatnonzero(hit)
        if len(some) > 1:
            return np.asarray(hit[self.places])
        if not len(some):
            return np.zeros(len(self.places), dtype=bool)
        return np.asarray(self.places == (some[0] if some[0] < len(self.values) else -1))  # faster than a look-up

    def texts(self) -> npt.NDArray[np.object_]:
        """The values as text, as :func:`motivlab.codes.as_texts`."""
        return np.asarray(self.levels[self.places])

    def numbers(self) -> npt.NDArray[np.float64]:
        """The values as numbers, as :func:`motivlab.codes.as_numbers`, for a column of few values or of texts."""
        return np.asarray(as_numbers(self.levels)[self.places])

    def counts(self) -> npt.NDArray[np.intp]:
        """How many rows hold each level; shape of ``levels``."""
        size = len(self.values) + 1
        found = np.bincount(self.places.astype(np.intp) % size, minlength=size)
        return np.asarray(found, dtype=np.intp)


SPAN = 1024  # so many whole numbers in a row are a list of levels as they are


def coded(frame: pd.DataFrame, name: str) -> Coded:
    """A column of a frame by places in the list of its values; during a check it is made once.

    Examples
    --------
    >>> found = coded(pd.DataFrame({"sex": ["f", None, "m", "f"]}), "sex")
    >>> found.isin(["f"]).tolist(), found.isin([""]).tolist(), found.texts().tolist()
    ([True, False, False, True], [False, True, False, False], ['f', '', 'm', 'f'])
    """
    return remember(frame, ("coded", name), lambda: _coded(frame[name]))


def _coded(column: pd.Series) -> Coded:
    if isinstance(column.dtype, pd.SparseDtype):
        column = column.sparse.to_dense()
    if isinstance(column.dtype, pd.CategoricalDtype):
        return Coded(column.cat.categories, column.cat.codes.to_numpy())
    if column.dtype.kind in "iub":
        blank = column.isna().to_numpy() if column.hasnans else None
        kind = np.int16 if column.dtype.itemsize == 1 else np.int64
        values = column.to_numpy(dtype=kind, na_value=0) if blank is not None else column.to_numpy(dtype=kind)
        low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
        if high - low < SPAN:
            places = (values - low).astype(np.int16)
            if blank is not None:
                places[blank] = -1
            return Coded(pd.Index([str(value) for value in range(low, high + 1)], dtype="str"), places)
    if column.dtype == object:  # of mixed kinds, 1 and True would be one value
        column = pd.Series(as_texts(column), dtype="str")
    places, values = pd.factorize(column)
    return Coded(values, places.astype(np.int32) if len(places) < 2**31 else places)


def numbers(frame: pd.DataFrame, name: str) -> npt.NDArray[np.float64]:
    """A column as numbers, NaN where blank or no number; during a check it is made once.

    Examples
    --------
    >>> numbers(pd.DataFrame({"age": ["30", "old", None]}), "age").tolist()
    [30.0, nan, nan]
    """

    def make() -> npt.NDArray[np.float64]:
        return as_numbers(frame[name]) if frame[name].dtype.kind in "iufbM" else coded(frame, name).numbers()

    return remember(frame, ("numbers", name), make)


def chosen(frame: pd.DataFrame, name: str) -> Mask:
    """Where a 0/1 column of a multiple response question is 1; during a check it is made once."""

    def make() -> Mask:
        values = coded(frame, name)
        return np.asarray((as_numbers(values.levels) == 1)[values.places])

    return remember(frame, ("chosen", name), make)


def is_in(frame: pd.DataFrame, name: str, values: Iterable[str]) -> Mask:
    """Where a column holds one of these codes; ``""`` is blank.

    Examples
    --------
    >>> is_in(pd.DataFrame({"pay": [1.5, -9.0, None]}), "pay", ["", "-9"]).tolist()
    [False, True, True]
    """
    column, wanted = frame[name], list(values)
    if column.dtype.kind == "f" and wanted == [""]:
        return np.isnan(numbers(frame, name))
    if isinstance(column.dtype, pd.StringDtype):
        hit = np.asarray(column.isin(wanted), dtype=bool)
        return hit | column.isna().to_numpy(dtype=bool) if "" in wanted else hit
    return coded(frame, name).isin(wanted)


def answered(frame: pd.DataFrame, question: Question) -> Mask:
    """Where a question has an answer: not blank, and no missing reason."""
    return remember(frame, ("answered", question.name), lambda: ~_holds_only(frame, question, question.missing_codes))


def empty(frame: pd.DataFrame, question: Question) -> Mask:
    """Where nothing is entered, or only that the question was not asked."""
    nothing = [code for code, reason in question.missing_codes.items() if reason == "not_asked"]
    return remember(frame, ("empty", question.name), lambda: _holds_only(frame, question, nothing, True))


def _holds_only(frame: pd.DataFrame, question: Question, codes: Iterable[str], optional: bool = False) -> Mask:
    out = np.ones(len(frame), dtype=bool)
    for column in (*question.columns, *(question.optional_columns if optional else ())):
        if column in frame:
            out &= is_in(frame, column, ["", *codes])
    return out


def paradata(form: Questionnaire, about: About, columns: Iterable[str]) -> Paradata:
    """The columns that tell of the interview itself: those that survey.yml declares, else by their type.

    A question of type ``start``, ``end``, ``today`` or ``username`` says when the interview began, ended, its day and
    who asked; without a day, the day is that of the start. What is not among the columns is left out.

    Parameters
    ----------
    form : Questionnaire
    about : About
    columns : iterable of str
        Those of the responses.

    Returns
    -------
    Paradata
        With ``""`` where there is none.
    """
    there = set(columns)
    by_type = {question.type: question.name for question in reversed(form.questions) if question.name in there}
    by_type = {role: by_type.get(kind, "") for role, kind in _TYPE_OF.items()}
    given = {role: name for role, name in about.paradata.model_dump().items() if name in there}
    found = {**by_type, **given}
    found["day"] = found["day"] or found["start"]
    return Paradata(**found)


_TYPE_OF = {"start": "start", "end": "end", "day": "today", "interviewer": "username"}


def days(column: pd.Series, missing: tuple[str, ...] = ()) -> Dates:
    """The values as days; NaT where blank, a missing code or no date.

    Examples
    --------
    >>> days(pd.Series(["2021-03-01", None, "-9", "soon"]), missing=("-9",)).astype(str).tolist()
    ['2021-03-01', 'NaT', 'NaT', 'NaT']
    """
    if missing and column.dtype.kind != "M":
        texts = pd.Series(as_texts(column))
        column = texts.mask(texts.isin(missing))
    return as_days(column)


def programme_rules(form: Questionnaire, programme: Programme) -> Iterator[Rule]:
    """What has to hold in the register of a programme.

    ``date_order``: no moment before an earlier one. ``not_exited``: nobody has completed, or an outcome, who has not
    left. ``outcome_before_entry`` and ``outcome_not_chosen``: an outcome is dated after entry, and only where it is
    chosen. ``person_duplicate``: nobody stands in two rows.

    Parameters
    ----------
    form : Questionnaire
    programme : Programme

    Yields
    ------
    Rule
        Those that read several columns are each one dataframe-level check of the schema.
    """
    named = [(moment, programme.dates[moment]) for moment in MOMENTS if moment in programme.dates]
    for i, (_, later) in enumerate(named):
        before = tuple(dict.fromkeys(name for _, name in named[:i] if name != later))
        if before:
            yield Rule("date_order", later, (later, *before), _before(form, later, before), ", ".join(before))
    entry, left, outcome = programme.entry, programme.exit, form[programme.outcome]
    if programme.completion and programme.completion != left:
        yield Rule(
            "not_exited", programme.completion, (programme.completion, left),
            lambda frame: ~_blank(frame, form[programme.completion]) & _blank(frame, form[left]), left,
        )  # fmt: skip
    # "none" may stand there from the start
    results = tuple(outcome.column(choice) for choice in outcome.answers if not choice.exclusive)
    yield Rule(
        "not_exited", outcome.name, (*results, left),
        lambda frame: _any(frame, results) & _blank(frame, form[left]), left,
    )  # fmt: skip
    for dated in dict.fromkeys(programme.outcome_dates.values()):
        yield Rule("outcome_before_entry", dated, (dated, entry), _before(form, dated, (entry,)), entry)
        # one date may be that of several outcomes
        of = tuple(f"{outcome.name}/{choice}" for choice, name in programme.outcome_dates.items() if name == dated)
        yield Rule(
            "outcome_not_chosen", dated, (dated, *of),
            lambda frame, d=dated, o=of: ~_blank(frame, form[d]) & ~_any(frame, o),  # type: ignore[misc]
            ", ".join(of),
        )  # fmt: skip
    if programme.person:
        person = form[programme.person]
        yield Rule(
            "person_duplicate", person.name, (person.name,),
            lambda frame: duplicated(frame[person.name], tuple(person.missing_codes)),
        )  # fmt: skip


def duplicated(column: pd.Series, missing: tuple[str, ...] = ()) -> Mask:
    """Every row whose value stands in another row as well; a blank or a missing code is no value."""
    twice = np.asarray(column.duplicated(keep=False) & column.notna(), dtype=bool)
    return twice & ~np.isin(as_texts(column), missing) if missing else twice


def _days(frame: pd.DataFrame, question: Question) -> Dates:
    return days(frame[question.name], tuple(question.missing_codes))


def _blank(frame: pd.DataFrame, question: Question) -> Mask:
    return np.isnat(_days(frame, question))


def _any(frame: pd.DataFrame, columns: tuple[str, ...]) -> Mask:
    return np.logical_or.reduce([as_numbers(frame[column]) == 1 for column in columns])


def _before(form: Questionnaire, later: str, before: tuple[str, ...]) -> Callable[[pd.DataFrame], Mask]:
    """Where a date is before one of others; a blank is before nothing."""

    def broken(frame: pd.DataFrame) -> Mask:
        date = _days(frame, form[later])
        return np.logical_or.reduce([date < _days(frame, form[name]) for name in before])

    return broken
