"""A rule on the responses, and the rules that the register of a programme puts on its dates, people and outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from .codes import as_days, as_numbers, as_texts
from .expressions import Mask
from .programme import Programme
from .questionnaire import Question, Questionnaire

Dates = npt.NDArray[np.datetime64]
Positions = npt.NDArray[np.intp]
Detail = str | Callable[[str], str]  # a text, or of a language the text in it

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
    """

    id: str
    variable: str
    needs: tuple[str, ...]
    broken: Callable[[pd.DataFrame], Mask]
    detail: Detail = ""
    severity: str = ""
    told: Callable[[pd.DataFrame, Positions], Sequence[Detail]] | None = None

    @property
    def key(self) -> str:
        """The name of the check in the Pandera schema."""
        return f"{self.id}:{self.variable}"

    def mask(self, frame: pd.DataFrame) -> Mask:
        """Where the rule is broken; nowhere, if a column it needs is absent, which is a finding of its own."""
        if not set(self.needs) <= set(frame):
            return np.zeros(len(frame), dtype=bool)
        return self.broken(frame)


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
        return tuple(self.search(frame)) if set(self.needs) <= set(frame) else ()


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
