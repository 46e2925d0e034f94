"""Non-response at a follow-up: who could have had one, who has, and weights with which these stand for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from .about import About
from .answers import answers
from .balance import Characteristic, Unweighed, inverse_weights, response_classes, response_model
from .codes import as_numbers, choose
from .design import design_arrays
from .domains import where_mask
from .expressions import Mask
from .intervals import Floats
from .programme import Instrument
from .questionnaire import CHOICE_TYPES, NUMBER_TYPES, Questionnaire, did_you_mean
from .scales import score
from .shown import Shown
from .survey import Survey
from .weights import kish

Method = Literal["propensity", "classes"]


@dataclass(frozen=True, repr=False, eq=False)
class ResponseWeights(Shown):
    """Weights with which those who have a follow-up stand for all who could have had one.

    Attributes
    ----------
    frame : DataFrame
        One row per term of the model, or per cell. Columns: ``variable``; ``level``, empty of a number; ``missing``,
        True of those without a valid answer; ``n`` and ``kept``, people and those of them with a follow-up, unweighted;
        ``share``, the one over the other; ``odds_ratio`` of having one, against the level with 1, per unit of a
        number, of those who lack the number against its mean, with ``odds_ratio_low``, ``odds_ratio_high`` and ``p``
        (Wald, 95 %); infinite of a level of which everybody has one, NaN of a term that says what those before it say
        already, and with ``classes``.
    weights : ndarray of float, shape (respondents,)
        0 of those without a follow-up and of those outside the base. They add up to the base weights of the base.
    propensity : ndarray of float, shape (respondents,)
        NaN outside the base.
    outcome, at, method, where : str
        What was asked for.
    known : tuple of str
        The variables of the model.
    trim : float, optional
    trimmed : int
        People whose weight was cut.
    n_base, n_kept : int
        People in the base, and those of them with a follow-up.
    source : Survey
        Where they start from.
    name : str
        The column of the weight in :attr:`survey`.
    """

    frame: pd.DataFrame
    weights: Floats
    propensity: Floats
    outcome: str
    at: str
    method: Method
    known: tuple[str, ...]
    trim: float | None
    trimmed: int
    n_base: int
    n_kept: int
    where: str
    source: Survey
    name: str = "weight_response"
    language: str = "en"

    @property
    def questionnaire(self) -> Questionnaire:
        """For labels."""
        return self.source.questionnaire

    @property
    def about(self) -> About:
        """For the title."""
        return self.source.about

    @cached_property
    def survey(self) -> Survey:
        """Those with a follow-up alone, with these weights in their design, for any other analysis of the follow-up.

        It is filtered data, since of the lost there is nothing to analyse; its weights no longer count as calibrated.
        """
        return _respondents(self.source, self.weights, self.name)

    @property
    def deff(self) -> float:
        """Kish's design effect of the weights of those with a follow-up."""
        return kish(self.weights[self.weights > 0])

    @property
    def n_eff(self) -> float:
        """Their effective size, n / deff."""
        return self.n_kept / self.deff

    @property
    def greatest(self) -> float:
        """The greatest of their weights over the mean of them."""
        return float(self.weights.max() * self.n_kept / self.weights.sum())

    def to(self, language: str) -> ResponseWeights:
        """The same, shown in another language (lv, en or ru)."""
        return replace(self, language=language)


def response_weights(
    survey: Survey,
    outcome: str,
    known: str | Sequence[str] | None = None,
    at: str = "post",
    where: str = "",
    *,
    method: Method = "propensity",
    trim: float | None = None,
    name: str = "weight_response",
) -> ResponseWeights:
    """Non-response weights: those with a follow-up weighted up to all who could have had one.

    Parameters
    ----------
    survey : Survey
        Its weight is where they start from.
    outcome : str
        One of the ``gains`` of ``survey.yml``, or a question: its valid answer is the follow-up. The base is those
        with the pre of the gain, or all.
    known, at, where
        As for :func:`motivlab.attrition`.
    method : {"propensity", "classes"}
        ``propensity``: base weight over the propensity of a logistic regression on ``known``, without interactions and
        without weights; a missing answer is a level of its own. ``classes``: over the weighted share with a follow-up
        in each cell of the crossed ``known``, ``select_one`` questions.
    trim : float, optional
        A quantile, 0.99: greater weights are cut to it, and all then brought to the same sum.
    name : str
        The column of the weight in the survey of those with a follow-up. Replicate weights are multiplied alike, as
        ``name_1``, ``name_2``, ...

    Returns
    -------
    ResponseWeights

    Raises
    ------
    ValueError
        As :func:`motivlab.attrition`, and if there are no weights: of a level or class nobody has a follow-up, or a
        combination of variables tells exactly who has.

    Notes
    -----
    R: ``weights / fitted(glm(kept ~ known, family = binomial))``, scaled to ``sum(weights)``. Of a level of which
    everybody has a follow-up the propensity is 1, the limit of the likelihood. Where nobody is lost, the weights are
    the base weights.

    References
    ----------
    Little, R. J. A. and Vartivarian, S. (2003). On weighting the rates in non-response weights. Statistics in Medicine
    22, 1589-1599.

    Examples
    --------
    >>> df = pd.DataFrame({"sex": list("wwwwmmmm"), "after": [2, 3, 3, 4, 3, 3, None, None]})
    >>> found = response_weights(Survey.from_frame(df), "after", known="sex")
    >>> found.weights.round(2).tolist()
    [1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 0.0, 0.0]
    >>> found.frame[["level", "n", "kept", "odds_ratio"]].values.tolist()
    [['m', 4, 2, 1.0], ['w', 4, 4, inf]]
    >>> round(found.n_eff, 2)
    5.33
    """
    follow = follow_up(survey, outcome, at, where)
    names = known_at_entry(survey, known, outcome)
    characteristics = [characteristic(survey, one).of(follow.base) for one in names]
    found = weighed(survey, follow, characteristics, method, trim, where, name)
    if isinstance(found, Unweighed):
        raise ValueError(f"{outcome}: {found}")
    return found


# --------------------------------------------------------------------------------------------- who could, and who has


@dataclass(frozen=True)
class FollowUp:
    """Who is in the base, who of them has the follow-up, and how many have it outside."""

    outcome: str
    at: str
    base: Mask
    kept: Mask
    without_pre: int


def follow_up(survey: Survey, outcome: str, at: str, where: str) -> FollowUp:
    """Who could have a follow-up, and who has one; see :func:`response_weights`."""
    within = where_mask(survey, where)
    instrument = survey.about.gains.get(outcome)
    question = instrument.question if instrument else outcome
    if instrument is None or question:
        if not instrument and outcome not in survey.questionnaire and outcome not in survey.about.scales:
            every = [*survey.about.gains, *survey.about.scales, *(q.name for q in survey.questionnaire)]
            raise ValueError(
                f"there is no gain, scale or question {outcome!r}{did_you_mean(outcome, every)} Correct the name."
            )
        if at != "post":
            raise ValueError(f"at={at!r}: {outcome!r} is asked once. Leave `at` out.")
        base, has = within, _answered(survey, question)
    else:
        at, name = occasion_at(outcome, instrument, at)
        base = within & _answered(survey, instrument.pre) if instrument.pre else within
        has = _answered(survey, name)
        if not instrument.pre:  # a change needs both of its ratings
            has &= _answered(survey, instrument.then)
    kept = base & has
    if not base.any():
        raise ValueError(
            f"{outcome!r}: nobody has the pre{' within where=' + repr(where) if where else ''}, so that nobody can be "
            "lost. Name another outcome, or another subpopulation."
        )
    if not kept.any():
        raise ValueError(
            f"{outcome!r}: all {int(base.sum())} people are lost, none has the follow-up {at!r}. Look whether its "
            "column is filled in, or name another occasion in `at`."
        )
    return FollowUp(outcome, at, base, kept, int((within & has & ~base).sum()))


def occasion_at(outcome: str, instrument: Instrument, at: str) -> tuple[str, str]:
    """The name of an occasion, and its question or scale."""
    after = {"post": instrument.post} | {f"later_{i}": name for i, name in enumerate(instrument.later, start=1)}
    for key, name in after.items():
        if at in (key, name):
            return key, name
    raise ValueError(f"at={at!r}: {outcome!r} has no such occasion after entry. Use one of {', '.join(after)}.")


def _answered(survey: Survey, name: str) -> Mask:
    if name not in survey.about.scales and survey.question(name).type in CHOICE_TYPES:
        return np.asarray(answers(survey, name).state == 1)
    return ~np.isnan(score(survey, name).values)


# ------------------------------------------------------------------------------------------------ known at entry


def _items(about: About, name: str) -> tuple[str, ...]:
    """A question, or a scale and its items."""
    return (name, *about.scales[name].items) if name in about.scales else (name,)


def _asked_later(about: About) -> set[str]:
    """Every question and scale that only those with a follow-up, or who have left, can have answered."""
    names = []
    for one in about.gains.values():
        names += [name for name in (one.then, one.post, *one.later, one.question) if name]
    if about.programme:
        names += [about.programme.outcome, about.programme.drop_out]
    return {item for name in names for item in _items(about, name)}


def known_at_entry(survey: Survey, known: str | Sequence[str] | None, outcome: str) -> tuple[str, ...]:
    """The names of what is known at entry, by default that of :func:`motivlab.attrition`, checked."""
    about = survey.about
    later = _asked_later(about) | (set() if outcome in about.gains else set(_items(about, outcome)))
    if known is None:
        parts = [part for analysis in about.analysis.values() for part in analysis.by]
        names = [name for part in parts for name in ((part,) if isinstance(part, str) else part)]
        names += [one.pre for one in about.gains.values() if one.pre]
        found = tuple(name for name in dict.fromkeys(names) if name not in later)
    else:
        found = (known,) if isinstance(known, str) else tuple(known)
    if not found:
        raise ValueError("known: nothing is named. Name questions that are known at entry, known=['age', 'gender'].")
    for name in found:
        if found.count(name) > 1:
            raise ValueError(f"known={list(found)}: {name!r} is there twice. Name each variable once.")
        if name not in survey.questionnaire and name not in about.scales:
            every = [*about.scales, *(question.name for question in survey.questionnaire)]
            raise ValueError(f"known: there is no question or scale {name!r}{did_you_mean(name, every)} "
                             "Correct the name.")  # fmt: skip
        if name in later:
            raise ValueError(
                f"known: {name!r} is asked only later, so that those lost cannot have answered it. Name what is known "
                "at entry."
            )
    return found


def characteristic(survey: Survey, name: str) -> Characteristic:
    """A question or scale as what is known of everybody."""
    if name in survey.about.scales or _asks_for_a_number(survey, name):
        values = score(survey, name).values
        return Characteristic(name, (), values[:, None], np.isnan(values))
    question = survey.question(name)
    if question.type not in CHOICE_TYPES:
        raise ValueError(
            f"known: {name!r} is a {question.type} question. Name questions with choices, numbers and scales."
        )
    given = answers(survey, name)
    levels = tuple(choice.name for choice in given.choices)
    chosen, missing = given.chosen.astype(float), given.state != 1
    return Characteristic(name, levels, chosen, missing, question.type == "select_multiple")


def _asks_for_a_number(survey: Survey, name: str) -> bool:
    """Whether it is a number, or the pre of a gain with more than two codes that are numbers."""
    question = survey.question(name)
    codes = as_numbers([choice.name for choice in question.answers])
    rating = question.type == "select_one" and len(codes) > 2 and not np.isnan(codes).any()
    return question.type in NUMBER_TYPES or (rating and any(name == one.pre for one in survey.about.gains.values()))


# ------------------------------------------------------------------------------------------------------- the weights


def weighed(
    survey: Survey, follow: FollowUp, characteristics: Sequence[Characteristic], method: Method, trim: float | None,
    where: str, name: str = "weight_response",
) -> ResponseWeights | Unweighed:  # fmt: skip
    """Weights from what is known of the base, or why there are none."""
    choose(method=(method, get_args(Method)))
    if trim is not None and not 0 < trim < 1:
        raise ValueError(f"trim is {trim!r}. Use a quantile between 0 and 1, for instance 0.99, or None.")
    base, kept = follow.base, follow.kept[follow.base]
    weight = design_arrays(survey).weight
    if method == "classes":
        for c in characteristics:
            if not c.levels or c.overlapping:
                what = "has overlapping levels" if c.overlapping else "is a number"
                raise ValueError(
                    f"known: {c.name!r} {what}, which makes no classes. "
                    f"{'Leave it out' if c.overlapping else 'Group its values'}, or use method='propensity'."
                )
            if len(characteristics) > 1 and any(" × " in level for level in c.levels):
                raise ValueError(
                    f"known: a choice of {c.name!r} holds ' × ' in its name, which joins crossed levels. Rename it."
                )
        found = response_classes(characteristics, kept, weight[base])
    else:
        found = response_model(characteristics, kept)
    if isinstance(found, Unweighed):
        return found
    propensity, weights = np.full(len(weight), np.nan), np.zeros(len(weight))
    propensity[base] = found[0]
    total = float(weight[base].sum())
    weights[base] = inverse_weights(weight[base], found[0], kept, total, trim)
    cut = 0
    if trim is not None:
        plain = weight[follow.kept] / propensity[follow.kept]
        cut = int((plain > np.quantile(plain, trim)).sum())
    return ResponseWeights(
        found[1], weights, propensity, follow.outcome, follow.at, method, tuple(c.name for c in characteristics), trim,
        cut, int(base.sum()), int(kept.sum()), where, survey, name, survey.language,
    )  # fmt: skip


def _respondents(survey: Survey, weights: Floats, name: str) -> Survey:
    design, arrays, kept = survey.design, design_arrays(survey), weights > 0
    columns: dict[str, Any] = {name: weights[kept]}
    said: dict[str, Any] = {"weight": name}
    old = [design.weight] if design.weight else []
    if design.replicates and arrays.replicates is not None:
        old += design.replicate_columns(survey.responses.columns)
        made = arrays.replicates.weights[kept] * (weights / arrays.weight)[kept, None]
        names = tuple(f"{name}_{i}" for i in range(1, made.shape[1] + 1))
        columns |= dict(zip(names, made.T, strict=True))
        said["replicates"] = design.replicates.model_copy(update={"columns": names, "combined": True})
    if taken := sorted(set(columns) & set(survey.responses)):
        raise ValueError(f"the responses have a column {taken[0]!r}. Choose another `name` for the weight.")
    left = survey.responses[kept]
    others = list(dict.fromkeys([*survey.about.other_columns, *old]))
    about = survey.about.model_copy(update={"design": design.model_copy(update=said), "other_columns": others})
    responses = pd.concat([left, pd.DataFrame(columns, index=left.index)], axis=1)
    return replace(survey, responses=responses, about=about, calibration=None)
