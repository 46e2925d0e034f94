"""Outcomes of a programme: how many of those who entered, left and completed succeeded, by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, product
from typing import Any, get_args

import numpy as np
import pandas as pd

from .about import About
from .answers import answers
from .codes import choose
from .domains import breakdowns
from .estimate import Correction, adjust, require_confidence
from .expressions import Mask
from .participants import Participants, participants
from .pooled import FUNNEL, funnel_limits, funnel_p, heterogeneity, newcombe, partial_pooling, wilson
from .questionnaire import Questionnaire, did_you_mean
from .shown import Shown
from .survey import Survey

RATES = ("enrolled", "exited", "completed")

_COUNTS = ("n", "k", "unknown", "estimate", "ci_low", "ci_high", "low_bound", "high_bound")
_POOLED = ("pooled", "pooled_low", "pooled_high")
_DIFFERENCE = ("difference", "difference_low", "difference_high", "p", "p_adjusted", "test")
COLUMNS = ("definition", "rate", "by", "level", *_COUNTS, *_POOLED, *_DIFFERENCE)
TESTS = ("definition", "rate", "by", "test", "statistic", "df", "p", "n", "left_out", "reason")
POOLING = ("definition", "rate", "by", "pooling", "centre", "alpha", "beta")
_LIMITS = ("low_95", "high_95", "low_998", "high_998")
FUNNEL_COLUMNS = (
    "definition", "by", "level", "n", "k", "estimate", "centre", *_LIMITS, "p", "p_adjusted", "flag",
)  # fmt: skip


@dataclass(frozen=True, repr=False, eq=False)
class Outcomes(Shown):
    """Outcome rates of a programme. In a notebook it shows as their table.

    Attributes
    ----------
    frame : DataFrame
        One row per definition, rate and group, unrounded. Columns: ``definition``; ``rate``, of whom: ``enrolled`` (the
        headline), ``exited`` or ``completed``; ``by`` and ``level``, both empty in a total row; ``n``, participants;
        ``k``, those of them known to have succeeded; ``unknown``, those of whom it is not known; ``estimate``, k / n,
        and its Wilson interval ``ci_low``, ``ci_high``; ``low_bound`` and ``high_bound``, if none and if all of the
        unknown succeeded; ``pooled``, ``pooled_low``, ``pooled_high``, the rate drawn to the mean of its breakdown, see
        :func:`motivlab.pooled.partial_pooling`; ``difference``, ``difference_low``, ``difference_high``, the rate less
        that of everybody else in the breakdown, or of the reference, with Newcombe's interval; ``p`` of a test of it;
        ``p_adjusted`` inside the breakdown, definition and rate; ``test``, ``chi2`` or ``exact``. NaN, or an empty
        test, is what a group lacks: overlapping groups a pooled rate, the reference and a single group a difference,
        an empty group everything.
    tests : DataFrame
        Whether the groups of a breakdown differ at all: ``definition``, ``rate``, ``by``, ``test`` (``chi2``,
        ``exact``, ``simulated`` or empty), ``statistic``, ``df``, ``p``, ``n``, ``left_out``, the levels with nobody
        in them, and ``reason`` where there is no test: ``one_group`` or ``overlapping``.
    pooling : DataFrame
        What the pooled rates rest on: ``definition``, ``rate``, ``by``, ``pooling`` (``partial`` or ``complete``),
        ``centre``, ``alpha``, ``beta``. Without overlapping groups.
    funnel : DataFrame
        The rates of the enrolled against the overall rate of their breakdown: ``definition``, ``by``, ``level``, ``n``,
        ``k``, ``estimate``, ``centre``, ``low_95``, ``high_95``, ``low_998``, ``high_998`` (control limits), ``p``
        (exact, against the centre), ``p_adjusted`` inside the breakdown, ``flag``: ``low`` or ``high`` outside the
        95 % limits, ``very_low`` or ``very_high`` outside the 99.8 % limits. Of m groups that do not differ up to
        m / 20 are outside the 95 % limits by chance; ``p_adjusted`` allows for that. Without overlapping groups.
    definitions : tuple of str
        Names of ``programme.definitions``; rates of different ones are not compared.
    rates : tuple of str
        Those that the register tells: without a completion date there is none of completed.
    complete : bool
        Whether the file holds every participant, so that an interval is a statement about a superpopulation.
    confidence : float
    correction : {"holm", "bh", "none"}
    reference : dict of str to str
        Breakdown to the level that differences are taken from; without one, everybody else.
    questionnaire : Questionnaire
    about : About
    language, where : str
    left_out : dict of str to int
        Breakdown to the number of enrolled who gave no valid answer to it, and so are in no level.
    overlapping : tuple of str
        Breakdowns by a ``select_multiple`` question, whose groups overlap.
    """

    frame: pd.DataFrame
    tests: pd.DataFrame
    pooling: pd.DataFrame
    funnel: pd.DataFrame
    definitions: tuple[str, ...]
    rates: tuple[str, ...]
    complete: bool
    confidence: float
    correction: Correction
    reference: dict[str, str]
    questionnaire: Questionnaire
    about: About
    language: str = "en"
    where: str = ""
    left_out: dict[str, int] = field(default_factory=dict)
    overlapping: tuple[str, ...] = ()

    @property
    def breakdowns(self) -> tuple[str, ...]:
        """The names in the column ``by``, without the total's."""
        return tuple(name for name in dict.fromkeys(self.frame["by"]) if name)

    def to(self, language: str) -> Outcomes:
        """The same, shown in another language (lv, en or ru)."""
        return replace(self, language=language)


@dataclass(frozen=True)
class _Groups:
    """The groups of one breakdown: who is in each, and who gave a valid answer to it; shape (rows, levels), (rows,)."""

    by: str
    levels: tuple[str, ...]
    member: Mask
    answered: Mask
    overlapping: bool


def outcomes(
    survey: Survey,
    definition: str | Sequence[str],
    by: str | Sequence[str | tuple[str, ...]] | None = (),
    where: str = "",
    confidence: float = 0.95,
    reference: str | Mapping[str, str] | None = None,
    correction: Correction = "holm",
) -> Outcomes:
    """The rates of success of a programme: of those enrolled, of those who left, and of those who completed.

    An unknown outcome (a missing reason, or somebody who has not left) counts as none; the bounds say what the rate
    would be if all the unknown had succeeded. The comparison group, where one is declared, is in no rate.

    Parameters
    ----------
    survey : Survey
        With a ``programme`` in its ``survey.yml``.
    definition : str or sequence of str
        What counts as success: names of ``programme.definitions``. There is no default.
    by : str or sequence of str or tuple of str
        Questions to break down by, as for :func:`motivlab.prevalence`. The groups of a ``select_multiple`` question
        overlap: each is compared with everybody not in it, and they are not tested as a whole or pooled.
    where : str
        An expression that keeps some participants.
    confidence : float
    reference : str or mapping of str to str, optional
        The level that differences are taken from; with several breakdowns, by breakdown. Else each group is compared
        with all others of its breakdown together.
    correction : {"holm", "bh", "none"}
        Of the p values of one breakdown, definition and rate.

    Returns
    -------
    Outcomes

    Raises
    ------
    ValueError
        As :func:`motivlab.participants.participants` does; for an unknown definition, breakdown or reference; or if
        nobody enrolled is kept.

    Notes
    -----
    Intervals: Wilson; differences: Newcombe's method 10 (R: ``prop.test(correct = FALSE)``); tests: Pearson's
    chi-square without continuity correction, exact where an expected count is below 5 (R: ``chisq.test``,
    ``fisher.test``); pooled rates: beta-binomial empirical Bayes; funnel: exact binomial limits. See
    :mod:`motivlab.pooled` for formulas and sources.

    Examples
    --------
    >>> from motivlab.programme import Programme
    >>> stages = ["one"] * 59 + ["two"] * 60 + ["three"] * 57
    >>> jobs = [1] * 27 + [0] * 32 + [1] * 33 + [0] * 27 + [1] * 34 + [0] * 23
    >>> df = pd.DataFrame({"stage": stages, "result/job": jobs, "result/none": [1 - job for job in jobs]})
    >>> df = df.assign(entered=pd.Timestamp("2021-01-04"), left=pd.Timestamp("2021-06-30"))
    >>> survey = Survey.from_frame(df)
    >>> declared = Programme(entry="entered", exit="left", outcome="result", complete=True,
    ...                      definitions={"work": {"choices": ("job",)}})
    >>> survey = replace(survey, about=survey.about.model_copy(update={"programme": declared}))
    >>> found = outcomes(survey, "work", by="stage")
    >>> rows = found.frame[found.frame["rate"] == "enrolled"]
    >>> rows[["level", "k", "n", "estimate", "ci_low", "ci_high"]].round(3).values.tolist()
    [['', 94, 176, 0.534, 0.46, 0.606], ['one', 27, 59, 0.458, 0.337, 0.583],
     ['three', 34, 57, 0.596, 0.467, 0.714], ['two', 33, 60, 0.55, 0.425, 0.669]]
    >>> found.tests[["rate", "test", "statistic", "p"]].round(3).values.tolist()[0]
    ['enrolled', 'chi2', 2.339, 0.31]
    """
    choose(correction=(correction, get_args(Correction)))
    require_confidence(confidence)
    register = participants(survey)
    names = tuple(name for name in ([definition] if isinstance(definition, str) else definition or ()) if name)
    if not names or len(set(names)) < len(names):
        raise ValueError(
            f"definition={definition!r}: name each way to count success once, of "
            f"{', '.join(register.programme.definitions) or 'those in `programme.definitions` of survey.yml'}."
        )
    for name in names:
        register.definition(name)
    within, groups = _groups(survey, by, where)
    enrolled = within & register.enrolled
    if not enrolled.any():
        raise ValueError(
            f"where={where!r}: nobody who enrolled is left, only the comparison group. Correct it, or "
            f"`programme.comparison` ({register.programme.comparison})."
        )
    against = _references(reference, groups)
    of = {"enrolled": enrolled, "exited": within & register.exited}
    if register.programme.completion:
        of["completed"] = within & register.completed
    frames: list[pd.DataFrame] = []
    tests: list[dict[str, Any]] = []
    pooling: list[dict[str, Any]] = []
    funnel: list[pd.DataFrame] = []
    for name, (rate, people) in product(names, of.items()):
        for part in groups:
            about = {"definition": name, "rate": rate, "by": part.by}
            rows = _rates(part, register, name, people, confidence).assign(**about)
            if part.by:
                rows = rows.assign(**_differences(rows, part, against.get(part.by, ""), confidence, correction))
                tests.append(about | _test(rows, part))
            if part.by and not part.overlapping:  # overlapping groups are no sample of groups
                pooled = partial_pooling(rows["k"], rows["n"], confidence)
                rows = rows.assign(pooled=pooled.mean, pooled_low=pooled.low, pooled_high=pooled.high)
                pooling.append(about | {key: getattr(pooled, key) for key in POOLING[3:]})
                funnel += [_funnel(rows, correction)] if rate == "enrolled" else []
            frames.append(rows)
    left_out = {part.by: int((enrolled & ~part.answered).sum()) for part in groups if part.by}
    return Outcomes(
        pd.concat(frames, ignore_index=True)[list(COLUMNS)], pd.DataFrame(tests, columns=list(TESTS)),
        pd.DataFrame(pooling, columns=list(POOLING)), _stacked(funnel), names, tuple(of),
        register.programme.complete, confidence, correction, against, survey.questionnaire, survey.about,
        survey.language, where, {name: count for name, count in left_out.items() if count},
        tuple(part.by for part in groups if part.overlapping),
    )  # fmt: skip


def _groups(survey: Survey, by: str | Sequence[str | tuple[str, ...]] | None, where: str) -> tuple[Mask, list[_Groups]]:
    """Who ``where`` keeps, and the groups of the total and of each breakdown."""
    parts = [part for part in ((by,) if isinstance(by, str) else tuple(by or ())) if part]
    parts = [part[0] if len(part) == 1 and not isinstance(part, str) else part for part in parts]
    within, domains = breakdowns(survey, parts, where)
    asked = [(), *((part,) if isinstance(part, str) else tuple(part) for part in parts)]
    found = []
    for names, (together, same) in zip(asked, groupby(domains, key=lambda domain: domain.by), strict=True):
        own = list(same)
        member = np.concatenate([d.codes[:, None] == np.arange(len(d.levels)) for d in own], axis=1)
        levels = tuple(level for d in own for level in d.levels)
        overlapping = any(survey.question(name).type == "select_multiple" for name in names)
        # in none of the groups of a select_multiple is also who named nothing; who is left out did not answer
        answered = np.asarray(member.any(axis=1))
        if overlapping:
            answered = np.logical_and.reduce([within, *(answers(survey, name).state == 1 for name in names)])
        found.append(_Groups(together, levels, member, answered, overlapping))
    return within, found


def _references(reference: str | Mapping[str, str] | None, groups: Sequence[_Groups]) -> dict[str, str]:
    """The reference level of each breakdown that has one."""
    known = {part.by: part for part in groups if part.by}
    if not reference:
        return {}
    if isinstance(reference, str):
        if len(known) != 1:
            raise ValueError(
                f"reference={reference!r} with {len(known)} breakdowns. Name one in by=, or give a mapping of "
                "breakdown to level."
            )
        reference = {next(iter(known)): reference}
    for by, level in reference.items():
        if by not in known:
            raise ValueError(f"reference: no breakdown {by!r}{did_you_mean(by, known)} Known: {', '.join(known)}.")
        if level not in known[by].levels:
            near = did_you_mean(level, known[by].levels)
            raise ValueError(
                f"reference={level!r}: no such group in {by!r}{near} Known: {', '.join(known[by].levels)}."
            )
        if known[by].overlapping:
            raise ValueError(
                f"reference={level!r}: the groups of {by!r} overlap, so that no two of them can be compared. Leave it "
                "out: each is compared with everybody not in it."
            )
    return dict(reference)


def _rates(part: _Groups, register: Participants, definition: str, of: Mask, confidence: float) -> pd.DataFrame:
    """Counts, rates and bounds of the groups of one breakdown, and the counts of everybody else in it."""
    some, known = register.success(definition)

    def among(people: Mask) -> Any:
        return (part.member & people[:, None]).sum(axis=0)

    n, k, unknown = among(of), among(of & some), among(of & ~known)
    everybody = of & part.answered
    low, high = wilson(k, n, confidence)
    with np.errstate(invalid="ignore", divide="ignore"):
        return pd.DataFrame({
            "level": np.array(part.levels, dtype=object), "n": n, "k": k, "unknown": unknown, "estimate": k / n,
            "ci_low": low, "ci_high": high, "low_bound": k / n, "high_bound": (k + unknown) / n,
            **dict.fromkeys([*_POOLED, *_DIFFERENCE[:-1]], np.nan), "test": "",
            "rest_n": everybody.sum() - n, "rest_k": (everybody & some).sum() - k,
        })  # fmt: skip


def _differences(
    rows: pd.DataFrame, part: _Groups, reference: str, confidence: float, correction: Correction
) -> dict[str, Any]:
    """How far each group of a breakdown is from the reference, or from everybody else."""
    other_k, other_n = rows["rest_k"], rows["rest_n"]
    if reference:
        at = part.levels.index(reference)
        other_k, other_n = (rows[column].iloc[at] * (rows["level"] != reference) for column in ("k", "n"))
    found = newcombe(rows["k"], rows["n"], other_k, other_n, confidence)
    p = pd.Series(found.p)
    # of two groups the second says the same again: it is one test, and nothing to adjust
    twofold = not reference and not part.overlapping and (rows["n"] > 0).sum() == 2
    adjusted = p if twofold else adjust(p, correction)
    return dict(zip(_DIFFERENCE, (*found[:3], p, adjusted, found.test), strict=True))


def _test(rows: pd.DataFrame, part: _Groups) -> dict[str, Any]:
    """Whether the groups of a breakdown differ."""
    left_out = tuple(rows.loc[rows["n"] == 0, "level"])
    if part.overlapping:
        nothing = {"test": "", **dict.fromkeys(("statistic", "df", "p"), np.nan)}
        people = int((rows["n"] + rows["rest_n"]).max()) if len(rows) else 0
        return nothing | {"n": people, "left_out": left_out, "reason": "overlapping"}
    found = heterogeneity(rows["k"], rows["n"])
    return {
        "test": found.test, "statistic": found.statistic, "df": found.df, "p": found.p, "n": found.n,
        "left_out": left_out, "reason": "" if found.test else "one_group",
    }  # fmt: skip


def _funnel(rows: pd.DataFrame, correction: Correction) -> pd.DataFrame:
    """The groups of a breakdown against control limits around their overall rate."""
    named = ["definition", "by", "level", "n", "k", "estimate"]
    kept = rows.loc[rows["n"] > 0, named].reset_index(drop=True)
    if kept.empty:
        return kept
    centre = kept["k"].sum() / kept["n"].sum()
    limits = funnel_limits(kept["n"], centre, FUNNEL).reshape(len(_LIMITS), -1)
    p = pd.Series(funnel_p(kept["k"], kept["n"], centre))
    rate, (low, high, very_low, very_high) = kept["estimate"].to_numpy(), limits
    flag = np.select(
        [rate < very_low, rate > very_high, rate < low, rate > high], ["very_low", "very_high", "low", "high"], ""
    )
    drawn = dict(zip(_LIMITS, limits, strict=True))
    return kept.assign(centre=centre, **drawn, p=p, p_adjusted=adjust(p, correction), flag=flag)


def _stacked(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    held = [part for part in parts if len(part)]
    if not held:
        return pd.DataFrame(columns=list(FUNNEL_COLUMNS))
    return pd.concat(held, ignore_index=True)[list(FUNNEL_COLUMNS)]
