"""The register of a programme: who entered, left, completed and was reached again, and with which outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .answers import answers
from .codes import as_texts
from .domains import comparison_group
from .expressions import Mask
from .programme import Definition, Programme
from .questionnaire import did_you_mean
from .rules import MOMENTS, Dates, Rule, days, duplicated, programme_rules
from .survey import Survey

_NO_PROGRAMME = (
    "survey.yml declares no programme. Write `programme:` into it with `entry` and `exit` (date questions), `outcome` "
    "(a select_multiple question), `complete` (true or false) and `definitions` (a name, and its `choices`)."
)


@dataclass(frozen=True, eq=False)
class Participants:
    """What the register of a programme says of everybody in it.

    Attributes
    ----------
    programme : Programme
        What ``survey.yml`` declares.
    dates : mapping of str to ndarray of datetime64[D], shape (rows,)
        By moment, ``entry``, ``start``, ``completion``, ``exit``, ``follow_up``, as far as declared; NaT where blank
        or a missing reason.
    outcome_dates : mapping of str to ndarray of datetime64[D], shape (rows,)
        By choice of the outcome question that has a date.
    enrolled : ndarray of bool, shape (rows,)
        Everybody but the comparison group.
    exited, completed, followed : ndarray of bool, shape (rows,)
        Enrolled, and the date of exit, completion or follow-up is there. Whoever completed has exited.
    dropped : ndarray of bool, shape (rows,)
        Exited without completing; where no completion is declared, with a reason for dropping out.
    known : ndarray of bool, shape (rows,)
        Enrolled, exited, and the outcome question is answered, if only by "none".
    choices : tuple of str
        Those of the outcome question that are answers.
    chosen, valid : ndarray of bool, shape (rows, choices)
        Chosen; whether this choice was answered at all. Both only where ``known``.
    """

    programme: Programme
    dates: Mapping[str, Dates]
    outcome_dates: Mapping[str, Dates]
    enrolled: Mask
    exited: Mask
    completed: Mask
    followed: Mask
    dropped: Mask
    known: Mask
    choices: tuple[str, ...]
    chosen: Mask
    valid: Mask

    def definition(self, name: str) -> Definition:
        """A way to count success, by its name.

        Raises
        ------
        ValueError
            If there is none of that name, or it counts what is no choice of the outcome question.
        """
        known = self.programme.definitions
        if name not in known:
            near = did_you_mean(str(name), known)
            raise ValueError(
                f"there is no definition {name!r}{near} Known: {', '.join(known) or 'none'}. Name one of them, or add "
                "it to `programme.definitions` in survey.yml."
            )
        for choice in known[name].choices:
            if choice not in self.choices:
                raise ValueError(
                    f"programme.definitions.{name}: {self.programme.outcome!r} has no choice {choice!r}"
                    f"{did_you_mean(choice, self.choices)} Known: {', '.join(self.choices)}."
                )
        return known[name]

    def success(self, name: str) -> tuple[Mask, Mask]:
        """Who succeeded by a definition, and of whom it is known whether they did.

        Of somebody who has not left, or whose outcome is a missing reason, it is not known.

        Returns
        -------
        ndarray of bool, shape (rows,)
        ndarray of bool, shape (rows,)
        """
        at = [self.choices.index(choice) for choice in self.definition(name).choices]
        some = np.asarray(self.chosen[:, at].any(axis=1))
        return some, some | np.asarray(self.valid[:, at].all(axis=1))


def participants(survey: Survey) -> Participants:
    """Read the register of a programme, as ``survey.yml`` declares it.

    Raises
    ------
    ValueError
        If no programme is declared, a question it names is absent or of another type, a sampling design is declared,
        a date cannot be read, or the register contradicts itself: dates out of order, a completion or an outcome
        without an exit, an outcome before entry or a date of one that is not chosen, somebody in two rows. The message
        names row, values and remedy; :meth:`Survey.check` finds all such rows at once.

    Examples
    --------
    >>> import pandas as pd
    >>> from dataclasses import replace
    >>> df = pd.DataFrame({"entered": pd.to_datetime(["2021-01-04", "2021-01-11"]),
    ...                    "left": pd.to_datetime(["2021-03-01", None]),
    ...                    "result/job": [1, None], "result/none": [0, None]})
    >>> survey = Survey.from_frame(df)
    >>> declared = Programme(entry="entered", exit="left", outcome="result", complete=True,
    ...                      definitions={"work": {"choices": ("job",)}})
    >>> register = participants(replace(survey, about=survey.about.model_copy(update={"programme": declared})))
    >>> register.exited.tolist(), register.success("work")[0].tolist(), register.success("work")[1].tolist()
    ([True, False], [True, False], [True, False])
    """
    programme = survey.about.programme
    if programme is None:
        raise ValueError(_NO_PROGRAMME)
    for role, column in survey.design.columns.items():
        raise ValueError(
            f"the design declares {role}={column!r}: this is a sample, and a register counts its participants, each "
            "one. Remove the design if the file is a register; shares of a sample are prevalence()'s."
        )
    _require_types(survey, programme)
    dates = {moment: _dates(survey, programme.dates[moment]) for moment in MOMENTS if moment in programme.dates}
    outcome_dates = {choice: _dates(survey, name) for choice, name in programme.outcome_dates.items()}
    given = answers(survey, programme.outcome)
    names = tuple(choice.name for choice in given.choices)
    for choice in outcome_dates:
        if choice not in names:
            raise ValueError(
                f"programme.outcome_dates: {programme.outcome!r} has no choice {choice!r}{did_you_mean(choice, names)} "
                f"Known: {', '.join(names)}."
            )
    _require_consistency(survey, programme)
    enrolled = np.ones(len(survey.responses), dtype=bool)
    if programme.comparison:
        enrolled &= ~comparison_group(survey)
    there = {moment: enrolled & ~np.isnat(date) for moment, date in dates.items()}
    nobody = np.zeros_like(enrolled)
    exited, completed = there["exit"], there.get("completion", nobody)
    dropped = exited & ~completed
    if not programme.completion:
        dropped = exited & (answers(survey, programme.drop_out).state == 1) if programme.drop_out else nobody
    known = exited & (given.state == 1)
    valid = np.broadcast_to(given.valid, given.chosen.shape)
    return Participants(
        programme, dates, outcome_dates, enrolled, exited, completed, there.get("follow_up", nobody), dropped, known,
        names, given.chosen & known[:, None], valid & known[:, None],
    )  # fmt: skip


def _require_types(survey: Survey, programme: Programme) -> None:
    """``read_about`` has refused such a file already; a programme may also be declared in code."""
    wanted = [(f"programme.{moment}", name, "date") for moment, name in programme.dates.items()]
    wanted += [(f"programme.outcome_dates.{c}", name, "date") for c, name in programme.outcome_dates.items()]
    wanted += [("programme.outcome", programme.outcome, "select_multiple")]
    if programme.drop_out:
        wanted += [("programme.drop_out", programme.drop_out, "select_one")]
    if programme.person:
        wanted += [("programme.person", programme.person, "")]
    for place, name, kind in wanted:
        try:
            question = survey.question(name)
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from None
        if kind and question.type != kind:
            raise ValueError(f"{place}: {name!r} is a {question.type} question; name one of type {kind}.")
        if question.type != "select_multiple" and name not in survey.responses:
            raise ValueError(
                f"{survey.responses_file}: the column {name!r}, which is {place}, is missing. Add it to the responses."
            )


def _dates(survey: Survey, name: str) -> Dates:
    column, missing = survey.responses[name], tuple(survey.question(name).missing_codes)
    found = days(column, missing)
    odd = np.flatnonzero(np.isnat(found) & column.notna().to_numpy())
    for position in odd:
        value = as_texts(column.iloc[[position]])[0]
        if value not in ("", *missing):
            raise ValueError(
                f"{survey.row(int(position))}: {name} is {value!r}, which is no date. Write it as 2021-03-31."
            )
    return found


def _require_consistency(survey: Survey, programme: Programme) -> None:
    frame, identity = survey.responses, survey.about.respondent_id
    for rule in (
        Rule("id_duplicate", identity, (identity,), lambda frame: duplicated(frame[identity])),
        *programme_rules(survey.questionnaire, programme),
    ):
        hit = np.flatnonzero(rule.mask(frame))
        if len(hit):
            raise ValueError(_contradiction(survey, rule, hit))


def _contradiction(survey: Survey, rule: Rule, hit: np.ndarray) -> str:
    """What is wrong in the first row that breaks a rule: both values, and the remedy."""
    first = int(hit[0])
    value = {name: str(as_texts(survey.responses[name].iloc[[first]])[0]) for name in rule.needs}
    row, name = survey.row(first), rule.variable
    if rule.id in ("id_duplicate", "person_duplicate"):
        same = as_texts(survey.responses[name].iloc[hit]) == value[name]
        again = survey.row(int(hit[same][1]))
        remedy = "Keep one row for each participant, with the first entry and the last exit."
        return f"{row}, and {again}: {name} is {value[name]!r} in both. {remedy}"
    if rule.id == "date_order":
        missing = {other: tuple(survey.question(other).missing_codes) for other in rule.needs}
        day = {other: days(survey.responses[other].iloc[[first]], missing[other])[0] for other in rule.needs}
        before = max((other for other in rule.needs[1:] if day[other] > day[name]), key=lambda other: day[other])
        return f"{row}: {name} is {value[name]}, before {before}, which is {value[before]}. Correct one of the dates."
    if rule.id == "outcome_before_entry":
        entry = rule.needs[1]
        return (
            f"{row}: {name} is {value[name]}, before {entry}, which is {value[entry]}. What was there before entry is "
            "no outcome: correct one of the dates, or remove the outcome."
        )
    if rule.id == "outcome_not_chosen":
        others = ", ".join(f"{other} is {value[other] or 'blank'}" for other in rule.needs[1:])
        return f"{row}: {name} is {value[name]}, but {others}. Enter the outcome, or remove its date."
    *results, left = rule.needs
    said = f"{name} is {value[name]}" if name in value else f"{', '.join(r for r in results if value[r] == '1')} is 1"
    return f"{row}: {said}, but the exit date {left} is blank. Enter it, or remove what came with leaving."
