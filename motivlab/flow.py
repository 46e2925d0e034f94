"""Participant flow: who enrolled, started, left, completed or dropped out and why, and was reached again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from .about import About
from .answers import answers
from .domains import breakdown, where_mask
from .expressions import Mask
from .participants import Participants, participants
from .questionnaire import Questionnaire
from .shown import Shown
from .survey import Survey

COLUMNS = ("by", "level", "step", "parent", "n", "share_of_enrolled", "share_of_parent")
# Those who were reached may differ from those who were not, the more so the fewer they are.
LOW_FOLLOW_UP = 0.70
SIX_MONTHS = 182


@dataclass(frozen=True, repr=False)
class Flow(Shown):
    """How many participants reached each step. In a notebook it shows as its table.

    Attributes
    ----------
    frame : DataFrame
        One row per group and step, the total first: ``by`` and ``level``, both empty in the total; ``step``;
        ``parent``, the step that it is a part of; ``n``; ``share_of_enrolled`` and ``share_of_parent``, NaN of nobody.
        Steps in pairs make up their parent: ``enrolled`` is ``started`` and ``not_started``, and again ``left`` and
        ``still_in``. ``left`` is ``completed`` and ``dropped_out`` (where no completion is declared, ``dropped_out``
        with a reason and ``no_reason``), again ``outcome_known`` and ``outcome_unknown``, and again ``follow_up_due``
        and ``follow_up_not_due``. ``dropped_out`` is ``reason/work`` and so on, by choice of the question for
        the reason, and ``reason_unknown``. ``follow_up_due`` is ``followed_up`` and ``not_followed_up``. Steps whose
        date or question is not declared are not there.
    where : str
    left_out : int
        Enrolled who are in no group of the breakdown.
    questionnaire : Questionnaire
    about : About
    language : str
    """

    frame: pd.DataFrame
    questionnaire: Questionnaire
    about: About
    language: str = "en"
    where: str = ""
    left_out: int = 0

    @property
    def breakdowns(self) -> tuple[str, ...]:
        """The name in the column ``by``, without the total's."""
        return tuple(name for name in dict.fromkeys(self.frame["by"]) if name)

    @property
    def follow_up(self) -> float:
        """The share that was reached of those whose follow-up was due; NaN where there is none."""
        reached = self.frame.loc[(self.frame["step"] == "followed_up") & (self.frame["by"] == ""), "share_of_parent"]
        return float(reached.item()) if len(reached) else np.nan

    @property
    def low_follow_up(self) -> bool:
        """Whether fewer than 70 % of those whose follow-up was due were reached."""
        return self.follow_up < LOW_FOLLOW_UP

    @property
    def low_levels(self) -> tuple[str, ...]:
        """The groups in which fewer than 70 % of those whose follow-up was due were reached."""
        low = (self.frame["step"] == "followed_up") & (self.frame["share_of_parent"] < LOW_FOLLOW_UP)
        return tuple(self.frame.loc[low & (self.frame["by"] != ""), "level"])

    def to(self, language: str) -> Flow:
        """The same, shown in another language (lv, en or ru)."""
        return replace(self, language=language)


def flow(survey: Survey, by: str | Sequence[str] | None = None, where: str = "") -> Flow:
    """Participant flow from enrolled to followed up, as a CONSORT diagram counts it.

    Parameters
    ----------
    survey : Survey
        With a ``programme``.
    by : str, optional
        A ``select_one`` question to break down by; one alone, also in a list.
    where : str
        An expression in the questionnaire's language that keeps some of the participants.

    Returns
    -------
    Flow

    Raises
    ------
    ValueError
        If there is no programme, its register contradicts itself, ``by`` is not one ``select_one`` question, or
        ``where`` keeps none of the participants.

    Notes
    -----
    As in CONSORT, who did not start stays in: to leave, complete or be reached is counted of all who enrolled. A
    follow-up is due to whoever left 182 days or more before the last date in the file, or was reached already.

    References
    ----------
    Schulz, K. F., Altman, D. G. and Moher, D. (2010). CONSORT 2010 statement: updated guidelines for reporting parallel
    group randomised trials. BMJ 340, c332.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from motivlab.programme import Programme
    >>> day = pd.Timestamp("2021-03-01")
    >>> df = pd.DataFrame({"entered": [day] * 4, "left": [day, day, day, None], "done": [day, day, None, None],
    ...                    "result/job": [1, 0, 0, None]})
    >>> survey = Survey.from_frame(df)
    >>> declared = Programme(entry="entered", exit="left", completion="done", outcome="result", complete=True,
    ...                      definitions={"work": {"choices": ("job",)}})
    >>> survey = replace(survey, about=survey.about.model_copy(update={"programme": declared}))
    >>> flow(survey).frame.set_index("step")["n"].to_dict()
    {'enrolled': 4, 'left': 3, 'still_in': 1, 'completed': 2, 'dropped_out': 1, 'outcome_known': 3,
     'outcome_unknown': 0}
    """
    register = participants(survey)
    within = where_mask(survey, where) & register.enrolled
    if not within.any():
        raise ValueError(
            f"where={where!r} keeps none of the {int(register.enrolled.sum())} participants, only the comparison group "
            f"({register.programme.comparison}). Correct it, or `programme.comparison` in survey.yml."
        )
    names = (by,) if isinstance(by, str) else tuple(by or ())
    if len(names) > 1 or not all(isinstance(name, str) for name in names):
        raise ValueError(f"by={by!r}: a flow is broken down by one question. Name one, and make a flow for each other.")
    domains = [breakdown(survey, (), within), *(breakdown(survey, name, within) for name in names)]
    rows = []
    for domain in domains:
        for code, level in enumerate(domain.levels):
            rows += [(domain.by, level, *row) for row in _counted(survey, register, domain.codes == code)]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    left_out = int((within & (domains[-1].codes < 0)).sum())
    return Flow(frame, survey.questionnaire, survey.about, survey.language, where, left_out)


def _counted(survey: Survey, register: Participants, member: Mask) -> Iterator[tuple[str, str, int, float, float]]:
    """Step, parent, how many, and their shares of the enrolled and of the parent."""
    counts = {"": int(member.sum())}
    for step, parent, mask in _steps(survey, register):
        counts[step] = n = int((mask & member).sum())
        of_all, of_parent = (n / size if size else np.nan for size in (counts[""], counts[parent]))
        yield step, parent, n, of_all, of_parent


def _steps(survey: Survey, register: Participants) -> Iterator[tuple[str, str, Mask]]:
    """Step, parent, who reached it; a parent comes before its parts."""
    programme, left = register.programme, register.exited
    yield "enrolled", "", register.enrolled
    if programme.start:
        started = register.enrolled & ~np.isnat(register.dates["start"])
        yield "started", "enrolled", started
        yield "not_started", "enrolled", register.enrolled & ~started
    yield "left", "enrolled", left
    yield "still_in", "enrolled", register.enrolled & ~left
    if programme.completion:
        yield "completed", "left", register.completed
    if programme.completion or programme.drop_out:
        yield "dropped_out", "left", register.dropped
    if programme.drop_out:
        if not programme.completion:
            yield "no_reason", "left", left & ~register.dropped
        reasons = answers(survey, programme.drop_out)
        for choice, chosen in zip(reasons.choices, reasons.chosen.T, strict=True):
            yield f"reason/{choice.name}", "dropped_out", register.dropped & chosen
        if programme.completion:
            yield "reason_unknown", "dropped_out", register.dropped & (reasons.state != 1)
    yield "outcome_known", "left", register.known
    yield "outcome_unknown", "left", left & ~register.known
    if programme.follow_up:
        due = left & ((_last(register) - register.dates["exit"]).astype(int) >= SIX_MONTHS) | register.followed
        yield "follow_up_due", "left", due
        yield "follow_up_not_due", "left", left & ~due
        yield "followed_up", "follow_up_due", register.followed
        yield "not_followed_up", "follow_up_due", due & ~register.followed


def _last(register: Participants) -> np.datetime64:
    """The last date in the file."""
    every = np.concatenate([*register.dates.values(), *register.outcome_dates.values()])
    last: np.datetime64 = np.nanmax(every)
    return last
