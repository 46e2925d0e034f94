"""Adjusted comparison: who is affected, net of other characteristics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from .about import About, Base
from .answers import numbers
from .domains import breakdown, where_mask
from .estimate import Estimates, adjust, require_confidence
from .intervals import Floats
from .prevalence import Items, items_of, prevalence
from .questionnaire import NUMBER_TYPES, Questionnaire, did_you_mean
from .regression import DIFFERENCE, ODDS, SHARE, Model, Unfitted, Variable, fit_models
from .shown import Shown
from .survey import Survey


@dataclass(frozen=True, repr=False)
class Adjusted(Shown):
    """Shares and differences between the levels of a question, unadjusted and adjusted for others.

    Attributes
    ----------
    frame : DataFrame
        One row per item and level of ``on``, the reference first. Columns: ``question``, ``item``, ``by`` (the
        question ``on``), ``level``, ``base``; ``n`` and ``k``, unweighted respondents in the model and among them
        those who chose the item; ``net``; ``reference``; ``asked``, respondents of the level whom the question was
        put to, ``missing``, those of them who are not in the model for want of a valid answer, ``missing_share``.
        Then, for ``unadjusted`` and for ``adjusted``: the share, ``_se``, ``_low``, ``_high``; ``_difference`` from
        the reference, with ``_se``, ``_low``, ``_high`` and ``_p``, adjusted also ``_p_holm``, within all items and
        levels; ``_df``. Then ``odds_ratio`` against the
        reference, adjusted, with ``_low``, ``_high`` and ``_p``; and ``reason``, of :class:`Unfitted`, empty where
        the item has a model. The reference has no difference and no odds ratio.
    everybody : Estimates
        The shares by ``on`` of the whole base, in the model or not: what is shown beside the adjusted ones, since two
        shares that differ by a few respondents would tell what these answered.
    coefficients : DataFrame
        One row per item and coefficient of the adjusted model: ``item``, ``variable``, ``level`` (both empty for the
        intercept, ``level`` for a number), ``n`` (respondents of the model in the level), ``estimate`` (log odds),
        ``se``, ``df``, ``p``, ``odds_ratio``, ``odds_ratio_low``, ``odds_ratio_high``.
    question, on, reference, base, where : str
        What was asked for.
    given : tuple of str
        The covariates.
    confidence : float
        Of the intervals.
    questionnaire, about, language
        For the labels, the title and the gate, as in :class:`motivlab.estimate.Estimates`.
    in_base, in_model : int
        Respondents of the base, and those of them who are in a model.
    left_out : dict of str to int
        Question to the number of respondents who gave no valid answer to it: to the question itself, of those whom it
        was put to; to the others, of the base. Whoever lacks several counts in each.
    unfitted : tuple of Unfitted
        The cells for which items have no model.
    """

    frame: pd.DataFrame
    everybody: Estimates
    coefficients: pd.DataFrame
    question: str
    on: str
    given: tuple[str, ...]
    reference: str
    base: str
    confidence: float
    questionnaire: Questionnaire
    about: About
    language: str = "en"
    where: str = ""
    in_base: int = 0
    in_model: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    unfitted: tuple[Unfitted, ...] = ()

    def to(self, language: str) -> Adjusted:
        """The same, shown in another language (lv, en or ru)."""
        return replace(self, language=language, everybody=self.everybody.to(language))


def _with_holm(frame: pd.DataFrame) -> pd.DataFrame:
    """With the p values of all adjusted differences corrected for their number; nets are made of the choices."""
    place = frame.columns.get_loc("adjusted_difference_p") + 1
    holm = adjust(frame["adjusted_difference_p"].where(~frame["net"].astype(bool)), "holm")
    frame.insert(place, "adjusted_difference_p_holm", holm)
    return frame


def adjusted(
    survey: Survey,
    question: str,
    on: str,
    given: str | Sequence[str],
    item: str | Sequence[str] | None = None,
    reference: str | None = None,
    where: str = "",
    base: Base | None = None,
    confidence: float = 0.95,
) -> Adjusted:
    r"""Compare the levels of a question in their answers to another, net of other characteristics.

    Each item (a choice) has a survey-weighted logistic regression on ``on`` and the covariates ``given``. The adjusted
    share of a level is what the model predicts if all respondents were of that level and stayed as they are in all
    else: a predictive margin. The difference of two of them is the average marginal effect.

    Parameters
    ----------
    survey : Survey
    question : str
        A ``select_one`` or ``select_multiple`` question.
    on : str
        The ``select_one`` question whose levels are compared.
    given : str or sequence of str
        What is held equal: ``select_one`` questions as categories, number questions as linear terms.
    item : str or sequence of str, optional
        The choices to model; of a multiple response question ``any`` and ``two_or_more``, too. By default every
        choice that is not exclusive and, of a multiple response question, ``any`` (at least one of them); of a
        question with two choices ``yes``, or ``1``, or the first.
    reference : str, optional
        The level of ``on`` that the others are compared with; by default its first.
    where : str
        A subpopulation, as in :func:`motivlab.prevalence`: a domain of the full design.
    base : {"all", "asked", "any"}, optional
        As in :func:`motivlab.prevalence`, and by default what ``survey.yml`` says.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    Adjusted
        Whoever gave no valid answer to one of the questions is in no model, but stays in the design; ``left_out``
        counts them. An item that cannot be modelled has NaN in its adjusted numbers, and ``unfitted`` says why. A
        level with nobody in it is a row with n = 0 and NaN.

    Raises
    ------
    ValueError
        For an unknown question, item, level or base, a question of the wrong type, ``on`` among ``given``, fewer than
        two levels to compare, a covariate with a single level or one that says what others say, a design that cannot
        be used or has too few clusters; the message names the value and the remedy.

    Notes
    -----
    With the weights :math:`w_i`, the predicted share :math:`\mu` and its slope :math:`\mu' = \mu (1 - \mu)`:

    .. math:: \hat p_l = \frac{\sum w_i \mu(x_i, l)}{\sum w_i}, \quad
        g_l = \frac{\sum w_i \mu'(x_i, l) x_{i,l}}{\sum w_i}, \quad
        v(\hat p_l) = g_l' V g_l, \quad v(\hat p_l - \hat p_1) = (g_l - g_1)' V (g_l - g_1)

    over the respondents of the model, where V is the Taylor-linearised covariance of the coefficients. The covariates
    are taken as they are in the sample, without a sampling error of their own (Stata's ``margins`` without
    ``vce(unconditional)``). R's ``svypredmeans`` has the same shares and adds the variance of the mean prediction to
    theirs. With both, and their covariance, standard errors of R's example data change by about 1 % for differences,
    and for shares by up to 16 %, either way, with as few as 15 clusters. R:
    ``svyglm(y ~ on + given, subset(design, domain), family = quasibinomial)``.

    The unadjusted shares come from a model with ``on`` alone, over the same respondents. They and their standard
    errors are those of :func:`motivlab.prevalence`. That model is linear, so that it also stands where nobody of a
    level chose the item; it has the same numbers as a logistic one where both exist.

    Intervals of shares are on the logit scale, those of differences symmetric, those of odds ratios on the log scale,
    all with the t distribution. Its degrees of freedom are the clusters less the strata that hold anybody of the
    model, less the coefficients beside the intercept, as in R's ``svyglm``: a few less than those of a prevalence. A
    share of 0 or 1 has no interval here.

    References
    ----------
    Graubard, B. I. and Korn, E. L. (1999). Predictive margins with survey data. Biometrics 55, 652-659.

    Examples
    --------
    More of the young are jobless. Of those equal in that, the difference of 44 points is one of 27:

    >>> cells = {("young", "no", 1): 12, ("young", "no", 0): 8, ("young", "yes", 1): 27, ("young", "yes", 0): 3,
    ...          ("old", "no", 1): 9, ("old", "no", 0): 31, ("old", "yes", 1): 8, ("old", "yes", 0): 2}
    >>> rows = [cell for cell, n in cells.items() for _ in range(n)]
    >>> survey = Survey.from_frame(pd.DataFrame(rows, columns=["age", "jobless", "met"]))
    >>> result = adjusted(survey, "met", on="age", given="jobless", item="1")
    >>> result.frame[["level", "n", "unadjusted", "adjusted", "adjusted_difference"]].round(3).values.tolist()
    [['old', 50, 0.34, 0.439, nan], ['young', 50, 0.78, 0.71, 0.27]]
    """
    require_confidence(confidence)
    items = items_of(survey, question, base)
    names = (given,) if isinstance(given, str) else tuple(given)
    _require_roles(question, on, names)
    compared, *covariates = [_variable(survey, role, name) for role, name in _roles(on, names)]
    if reference is not None and reference not in compared.levels:
        raise ValueError(
            f"reference={reference!r}: it is no level of {on!r}{did_you_mean(reference, compared.levels)} "
            f"Use one of {', '.join(compared.levels)}."
        )
    first = compared.levels.index(reference) if reference is not None else 0
    within = where_mask(survey, where)
    known = np.logical_and.reduce([v.known for v in (compared, *covariates)])
    positions = _positions(question, items, item)
    of, valid = (np.broadcast_to(mask, items.chosen.shape)[:, positions] for mask in (items.of, items.valid))
    models = [
        Model(items.names[j], bool(items.is_net[j]), items.chosen[:, j], of[:, i] & within & known)
        for i, j in enumerate(positions)
    ]
    for model in models:
        _require_levels(model, compared, covariates, first)
    fits, coefficients, unfitted = fit_models(survey, models, compared, covariates, first, confidence)
    asked = within & items.answers.asked
    parts = []
    for i, (model, numbers_of) in enumerate(zip(models, fits, strict=True)):
        lacking = asked & ~(valid[:, i] & known)
        counts = {"asked": compared.counts(asked), "missing": compared.counts(lacking)}
        parts.append(_rows(question, items.base, model, compared, first, counts, numbers_of))
    in_base = within & of.any(axis=1)
    left_out = {} if items.base == "all" else {question: asked & ~valid.any(axis=1)}
    left_out |= {v.name: in_base & ~v.known for v in (compared, *covariates)}
    return Adjusted(
        frame=_with_holm(pd.concat(parts, ignore_index=True)),
        everybody=prevalence(survey, question, by=[on], base=items.base, where=where, confidence=confidence),
        coefficients=coefficients,
        question=question,
        on=on,
        given=names,
        reference=compared.levels[first],
        base=items.base,
        confidence=confidence,
        questionnaire=survey.questionnaire,
        about=survey.about,
        language=survey.language,
        where=where,
        in_base=int(in_base.sum()),
        in_model=int(np.logical_or.reduce([model.within for model in models]).sum()),
        left_out={name: int(mask.sum()) for name, mask in left_out.items() if mask.any()},
        unfitted=unfitted,
    )


# ------------------------------------------------------------------------------------------------- what goes in


def _roles(on: str, given: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield "on", on
    yield from (("given", name) for name in given)


def _require_roles(question: str, on: str, given: tuple[str, ...]) -> None:
    if not given:
        raise ValueError(
            "given is empty: name the questions to adjust for. Without any, use prevalence(survey, question, by=on)."
        )
    for name in given:
        if name == on:
            raise ValueError(f"given: {name!r} is what is compared. Take it out of `given`, or compare by another.")
        if given.count(name) > 1:
            raise ValueError(f"given: {name!r} is there twice. Name each question once.")
    if question in (on, *given):
        raise ValueError(f"{question!r} is the question that is explained. Take it out of `on` and `given`.")


def _variable(survey: Survey, role: str, name: str) -> Variable:
    kind = survey.question(name).type
    if kind == "select_one":
        domains = breakdown(survey, name, np.ones(len(survey.responses), dtype=bool))
        return Variable(name, domains.levels, np.where(domains.codes >= 0, domains.codes, np.nan))
    if role == "on":
        remedy = "group the values first, or put it into `given`" if kind in NUMBER_TYPES else "choose another"
        raise ValueError(
            f"on={name!r}: it is a {kind} question. Compare the levels of a select_one question; {remedy}."
        )
    if kind not in NUMBER_TYPES:
        raise ValueError(f"given={name!r}: it is a {kind} question. Adjust for select_one questions and for numbers.")
    return Variable(name, (), numbers(survey, name).values)


def _positions(question: str, items: Items, item: str | Sequence[str] | None) -> list[int]:
    """Where the items to model are among the choices and nets."""
    names = items.names
    if item is None:
        if len(names) == 2 and not items.is_net.any():
            return [next((names.index(name) for name in ("yes", "1") if name in names), 0)]
        # everybody of the base `any` is in the net of that name
        by_default = ~items.exclusive & ~items.is_net | (np.array(names) == "any") & (items.base != "any")
        return np.flatnonzero(by_default).tolist()
    wanted = [item] if isinstance(item, str) else list(item)
    if not wanted:
        raise ValueError(f"item is empty: name choices of {question!r}, {', '.join(names)}; or leave `item` out.")
    for name in wanted:
        if name not in names:
            raise ValueError(
                f"item={name!r}: it is no choice of {question!r} in the base {items.base!r}{did_you_mean(name, names)} "
                f"Use one of {', '.join(names)}."
            )
    return [names.index(name) for name in dict.fromkeys(wanted)]


def _require_levels(model: Model, compared: Variable, covariates: Sequence[Variable], first: int) -> None:
    """Refuse a model in which nothing is compared, or a covariate does not vary."""
    n = compared.counts(model.within)
    there = [level for level, count in zip(compared.levels, n, strict=True) if count]
    said = f"item {model.item!r}: "
    if not there:
        raise ValueError(
            f"{said}no respondent of the base has a valid answer to {compared.name!r} and to all of `given`. "
            "Look at `where` and `base`, or leave a covariate out."
        )
    if not n[first]:
        raise ValueError(
            f"{said}the reference {compared.levels[first]!r} of {compared.name!r} has no respondents in the model. "
            f"Set `reference` to one that has: {', '.join(there)}."
        )
    if len(there) < 2:
        raise ValueError(
            f"{said}all respondents of the model have {compared.name} = {there[0]!r}, so there is nothing to compare. "
            "Look at `where`, or compare by another question."
        )
    for variable in covariates:
        values = np.unique(variable.values[model.within])
        if len(values) < 2:
            value = f"{values[0]:g}" if variable.number else repr(variable.levels[int(values[0])])
            raise ValueError(
                f"given: in the model of item {model.item!r} all respondents have {variable.name} = {value}. "
                f"Take {variable.name!r} out of `given`."
            )


# ----------------------------------------------------------------------------------------------- what comes out


def _rows(
    question: str,
    base: str,
    model: Model,
    compared: Variable,
    first: int,
    counts: dict[str, npt.NDArray[np.int64]],
    numbers_of: dict[str, Floats],
) -> pd.DataFrame:
    """The rows of one item, the reference first."""
    levels = len(compared.levels)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(counts["asked"] > 0, counts["missing"] / counts["asked"], np.nan)
    nothing = np.full(levels, np.nan)
    kinds = ("unadjusted", "adjusted")
    estimates = {k + end: numbers_of.get(k + end, nothing) for k in kinds for end in (*SHARE, *DIFFERENCE, "_df")}
    frame = pd.DataFrame(
        {
            "question": question,
            "item": model.item,
            "by": compared.name,
            "level": list(compared.levels),
            "base": base,
            "n": compared.counts(model.within),
            "k": compared.counts(model.within & model.chosen),
            "net": model.net,
            "reference": np.arange(levels) == first,
            **counts,
            "missing_share": share,
            **estimates,
            **{name: numbers_of.get(name, nothing) for name in ODDS},
            "reason": numbers_of["reason"],
        }
    )
    order = [first, *(i for i in range(levels) if i != first)]
    return frame.iloc[order].astype({"unadjusted_df": int, "adjusted_df": int})
