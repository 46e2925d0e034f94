"""Scores over several items by their declared rule, and how reliable they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, special, stats

from .about import About
from .answers import NON_RESPONSE, Numbers, answers, numbers
from .codes import as_numbers
from .expressions import Mask
from .programme import Scale
from .questionnaire import Question, Questionnaire, did_you_mean
from .shown import Shown
from .survey import Survey

Floats = npt.NDArray[np.float64]
Missing = Literal["", "two_items", "few", "constant", "same_sum", "improper"]

YES = frozenset({"yes", "jā", "ja", "да", "true"})
NO = frozenset({"no", "nē", "ne", "нет", "false"})


def score(survey: Survey, name: str) -> Numbers:
    """The score of each respondent on a scale of ``survey.yml``, or the answers to one question as numbers.

    Parameters
    ----------
    survey : Survey
    name : str
        A scale; or a question that asks for a number or whose codes are numbers; or a question with two choices of
        which one says yes, which counts 1, the other 0.

    Returns
    -------
    Numbers
        ``values`` are NaN for who answered fewer items than the scale's ``at_least``. Where fewer items are missing,
        the mean of the answered ones stands in for them.

    Raises
    ------
    ValueError
        If there is no such scale or question, an item's value is outside of the scale's range (file, row, respondent,
        item, value, range), or it is not clear which of two choices says yes.

    Examples
    --------
    >>> df = pd.DataFrame({"calm": [1, 5, 3, None], "tense": [5, 1, None, None]})
    >>> survey = Survey.from_frame(df)
    >>> scale = Scale(items=("calm", "tense"), reverse=("tense",), range=(1, 5), score="percent", at_least=1)
    >>> survey = replace(survey, about=survey.about.model_copy(update={"scales": {"ease": scale}}))
    >>> score(survey, "ease").values.tolist()
    [0.0, 100.0, 50.0, nan]
    """
    scale = survey.about.scales.get(name)
    if scale is None:
        if name not in survey.questionnaire:
            known = [*survey.about.scales, *(question.name for question in survey.questionnaire)]
            raise ValueError(f"there is no scale and no question {name!r}{did_you_mean(name, known)} Correct the name.")
        return _two_choices(survey, survey.question(name)) or numbers(survey, name)
    items, state = _items(survey, name, scale)
    answered = (~np.isnan(items)).sum(axis=1)
    with np.errstate(invalid="ignore"):
        mean = np.nansum(items, axis=1) / answered
    values = np.where(answered >= scale.least, _rescaled(mean, scale), np.nan)
    reasons = np.where(state > 1, state, 2 + len(NON_RESPONSE)).min(axis=1)
    why = np.where(reasons < 2 + len(NON_RESPONSE), reasons, 2 + NON_RESPONSE.index("no_answer"))
    why = np.where((state > 0).any(axis=1), why, 0)
    return Numbers(values, np.where(np.isnan(values), why, 1).astype(np.int8))


def _rescaled(mean: Floats, scale: Scale) -> Floats:
    low, high = scale.range
    if scale.score == "percent":
        return (mean - low) / (high - low) * 100
    return mean * len(scale.items) if scale.score == "sum" else mean


def _items(survey: Survey, name: str, scale: Scale) -> tuple[Floats, npt.NDArray[np.int8]]:
    """The items as they count in the score, reversed ones turned, and their states; shape (respondents, items)."""
    low, high = scale.range
    given = [numbers(survey, item) for item in scale.items]
    for item, answer in zip(scale.items, given, strict=True):
        outside = np.flatnonzero((answer.values < low) | (answer.values > high))
        if len(outside):
            raise ValueError(
                f"{survey.row(int(outside[0]))}: {item} is {answer.values[outside[0]]:g}, outside of the range "
                f"{low:g} to {high:g} of the scale {name!r}. Correct the value, or `scales.{name}.range` in survey.yml."
            )
    turned = [
        low + high - answer.values if item in scale.reverse else answer.values
        for item, answer in zip(scale.items, given, strict=True)
    ]
    return np.stack(turned, axis=1), np.stack([answer.state for answer in given], axis=1)


def scale_items(survey: Survey, name: str) -> pd.DataFrame:
    """The items of a scale as they count in its score, one column each: reversed ones turned, NaN where missing.

    Examples
    --------
    >>> survey = Survey.from_frame(pd.DataFrame({"a": [1, 2, 3], "b": [3, 2, 2]}))
    >>> scales = {"s": Scale(items=("a", "b"), reverse=("b",), range=(1, 3))}
    >>> survey = replace(survey, about=survey.about.model_copy(update={"scales": scales}))
    >>> scale_items(survey, "s")["b"].tolist()
    [1.0, 2.0, 2.0]
    """
    scale = _scale(survey, name)
    return pd.DataFrame(_items(survey, name, scale)[0], columns=list(scale.items))


def is_binary(survey: Survey, *names: str) -> bool:
    """Whether questions have two answers that count 1 and 0; a scale is none."""
    return all(name not in survey.about.scales and _coded(survey.question(name)) is not None for name in names)


def value_range(survey: Survey, *names: str) -> tuple[float, float]:
    """The lowest and the highest value that questions, or scales, can have; NaN where a number has no limits."""
    if is_binary(survey, *names):
        return 0.0, 1.0
    ends = []
    for name in names:
        if name in survey.about.scales:
            ends.append(survey.about.scales[name].bounds)
            continue
        question = survey.question(name)
        codes = as_numbers([choice.name for choice in question.answers])
        low, high = (codes.min(), codes.max()) if len(codes) else question.limits
        ends.append((np.nan if low is None else float(low), np.nan if high is None else float(high)))
    lowest, highest = np.array(ends).T
    return float(lowest.min()), float(highest.max())


def _coded(question: Question) -> Mask | None:
    """Which answers of a question with two choices count 1; None of any other question.

    A single choice counts as one of two: of a frame only those that occur are known.
    """
    if question.type != "select_one" or not 1 <= len(question.answers) <= 2:
        return None
    codes = [choice.name for choice in question.answers]
    if set(codes) <= {"0", "1"}:
        return np.array([code == "1" for code in codes], dtype=bool)
    words = [{c.name.casefold(), *(text.casefold() for text in c.labels.values())} for c in question.answers]
    yes = np.array([bool(said & YES) for said in words], dtype=bool)
    if yes.sum() == 1 or (len(codes) == 1 and words[0] & NO):
        return yes
    return None


def _two_choices(survey: Survey, question: Question) -> Numbers | None:
    """The answers to a question with two choices as 1 for yes and 0 for no; None of any other question."""
    yes = _coded(question)
    if yes is None:
        codes = [choice.name for choice in question.answers]
        # the codes 1 and 2 may say yes and no, or no and yes, or be two of five
        if (
            question.type == "select_one"
            and len(codes) == 2
            and (set(codes) == {"1", "2"} or np.isnan(as_numbers(codes)).any())
        ):
            raise ValueError(
                f"question {question.name!r}: which of its two choices {codes[0]!r} and {codes[1]!r} counts as 1 is "
                "not clear. Code them 1 and 0, or yes and no."
            )
        return None
    given = answers(survey, question.name)
    values = (given.chosen & yes).any(axis=1).astype(float)
    return Numbers(np.where(given.state == 1, values, np.nan), given.state)


def _scale(survey: Survey, name: str) -> Scale:
    if name not in survey.about.scales:
        near = did_you_mean(name, survey.about.scales)
        raise ValueError(
            f"survey.yml declares no scale {name!r}{near} Write it under `scales`: {name}: {{items: [...], "
            "range: [lowest, highest], score: mean, sum or percent}."
        )
    return survey.about.scales[name]


# --------------------------------------------------------------------------------------------------- reliability


@dataclass(frozen=True, repr=False, eq=False)
class Reliability(Shown):
    """How well the items of a scale go together. Not weighted. In a notebook it shows as its table.

    Attributes
    ----------
    frame : DataFrame
        One row per item: ``item``; ``reversed``; ``n``, valid answers; ``mean`` and ``sd`` of these, of a reversed
        item as it counts in the score; over complete cases ``item_rest``, the correlation with the sum of the other
        items, and ``alpha_if_dropped``. Both are NaN of a constant item, the latter also where only two items vary.
    scale : str
    n : int
        Complete cases.
    alpha, alpha_low, alpha_high : float
        Cronbach's alpha with Feldt's interval.
    omega, omega_low, omega_high : float
        McDonald's omega total of a one-factor model, with the interval by the delta method on the logit scale.
    spearman_brown : float
        Of two items: 2r / (1 + r).
    alpha_missing, omega_missing : str
        Why there is none: ``few`` complete cases, ``constant`` items leave fewer than two, or the items have the
        ``same_sum`` for everybody; of omega also ``two_items`` (three are needed) and ``improper`` (an item has no
        variance of its own in the model).
    constant : tuple of str
        Items with the same value for everybody; they take no part.
    confidence : float
    questionnaire, about, language
        For labels.
    """

    frame: pd.DataFrame
    scale: str
    n: int
    alpha: float
    alpha_low: float
    alpha_high: float
    omega: float
    omega_low: float
    omega_high: float
    spearman_brown: float
    alpha_missing: Missing
    omega_missing: Missing
    constant: tuple[str, ...]
    confidence: float
    questionnaire: Questionnaire
    about: About
    language: str

    def to(self, language: str) -> Reliability:
        """The same, shown in another language (lv, en or ru)."""
        return replace(self, language=language)


def reliability(survey: Survey, scale: str, confidence: float = 0.95) -> Reliability:
    r"""How well the items of a scale go together: alpha, omega, item-rest correlations, alpha if dropped.

    Parameters
    ----------
    survey : Survey
    scale : str
        A scale of ``survey.yml``.
    confidence : float

    Returns
    -------
    Reliability

    Raises
    ------
    ValueError
        If there is no such scale, or an item has a value outside of its range.

    Notes
    -----
    Alpha is ``pingouin.cronbach_alpha`` of the complete cases; its interval
    :math:`1 - (1 - \alpha) F_{q}(n - 1, (n - 1)(k - 1))` is Feldt's. Omega is that of a one-factor model by maximum
    likelihood, R's ``factanal(items, 1)``, with loadings and uniquenesses in the units of the items,
    :math:`\omega = (\sum \lambda)^2 / ((\sum \lambda)^2 + \sum \psi)`; its standard error comes from the model's
    information matrix for normal answers, so that with skewed answers it is a rough one.

    References
    ----------
    Feldt, L. S., Woodruff, D. J. and Salih, F. A. (1987). Statistical inference for coefficient alpha. Applied
    Psychological Measurement 11, 93-103. McDonald, R. P. (1999). Test Theory. Erlbaum. Kelley, K. and
    Pornprasertmanit, S. (2016). Confidence intervals for population reliability coefficients. Psychological Methods
    21, 69-92. Eisinga, R., te Grotenhuis, M. and Pelzer, B. (2013). The reliability of a two-item scale. International
    Journal of Public Health 58, 637-642.

    Examples
    --------
    >>> df = pd.DataFrame({"a": [1, 2, 3, 4, 5, 4], "b": [1, 3, 3, 5, 4, 4], "c": [2, 2, 3, 4, 4, 5]})
    >>> scales = {"s": Scale(items=("a", "b", "c"), range=(1, 5))}
    >>> survey = Survey.from_frame(df)
    >>> found = reliability(replace(survey, about=survey.about.model_copy(update={"scales": scales})), "s")
    >>> round(found.alpha, 3), round(found.omega, 3), found.frame["item_rest"].round(3).tolist()
    (0.934, 0.942, [0.916, 0.848, 0.844])
    """
    if not isinstance(confidence, (int, float)) or not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence!r}. Use a number between 0 and 1, for instance 0.95.")
    declared, frame = _scale(survey, scale), scale_items(survey, scale)
    complete = frame.dropna()
    n, varies = len(complete), complete.max() > complete.min()
    vary = [str(item) for item in frame if varies[item]]
    used = complete[vary]
    alpha_missing: Missing = "few" if n < 3 else "constant" if len(vary) < 2 else ""
    if not alpha_missing and _same_sum(used):
        alpha_missing = "same_sum"
    alpha = alpha_low = alpha_high = omega = omega_low = omega_high = brown = np.nan
    omega_missing: Missing = alpha_missing or ("two_items" if len(vary) == 2 else "")
    if not alpha_missing:
        alpha = _alpha(used)
        alpha_low, alpha_high = feldt(alpha, n, len(vary), confidence)
        if len(vary) == 2:
            r = float(used.corr().iloc[0, 1])
            brown = 2 * r / (1 + r) if r > -1 else np.nan
    if not omega_missing:
        found = one_factor(used.to_numpy())
        omega_missing = "" if found else "improper"
        if found:
            omega, omega_low, omega_high = omega_total(*found, n, confidence)
    rows = []
    for item in frame:
        others = [other for other in vary if other != item]
        inside = item in vary and alpha_missing in ("", "same_sum")
        rest = used[others].sum(axis=1).to_numpy()
        rows.append({
            "item": item, "reversed": item in declared.reverse, "n": int(frame[item].notna().sum()),
            "mean": frame[item].mean(), "sd": frame[item].std(),
            "item_rest": np.corrcoef(used[item], rest)[0, 1] if inside and np.ptp(rest) > 0 else np.nan,
            "alpha_if_dropped": _alpha(used[others]) if inside and len(others) > 1 else np.nan,
        })  # fmt: skip
    constant = tuple(str(item) for item in frame if item not in vary) if n else ()
    return Reliability(
        pd.DataFrame(rows), scale, n, alpha, alpha_low, alpha_high, omega, omega_low, omega_high, brown, alpha_missing,
        omega_missing, constant, confidence, survey.questionnaire, survey.about, survey.language,
    )  # fmt: skip


def _same_sum(items: pd.DataFrame) -> bool:
    """Whether the sum of the items is the same for everybody, but for rounding."""
    return bool(np.ptp(items.sum(axis=1)) <= 1e-12 * items.abs().to_numpy().sum(axis=1).max())


def _alpha(items: pd.DataFrame) -> float:
    """Cronbach's alpha; NaN where the sum of the items is the same for everybody."""
    import pingouin

    return np.nan if _same_sum(items) else float(pingouin.cronbach_alpha(data=items)[0])


def feldt(alpha: float, n: int, items: int, confidence: float = 0.95) -> tuple[float, float]:
    """Feldt's interval of Cronbach's alpha; pingouin's is the same, rounded.

    With gaps in the data pingouin counts incomplete cases in n, even where it leaves them out of alpha.

    Examples
    --------
    >>> [round(bound, 3) for bound in feldt(0.5917188485995826, 15, 10)]
    [0.195, 0.84]
    """
    tail, df = (1 - confidence) / 2, n - 1
    quantiles = stats.f.ppf([1 - tail, tail], df, df * (items - 1))
    low, high = 1 - (1 - alpha) * quantiles
    return float(low), float(high)


def one_factor(items: Floats) -> tuple[Floats, Floats] | None:
    """Loadings and uniquenesses of a one-factor model, in the units of the items, by maximum likelihood.

    ``statsmodels.Factor(method="ml")`` maximises the same likelihood, but stops early and goes on where an item has
    no variance of its own, an improper solution: here it is None, where R's ``factanal`` sets a uniqueness to 0.005.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> common = rng.normal(size=(4000, 1))
    >>> loadings, uniqueness = one_factor(common * [1.0, 2.0, 3.0] + rng.normal(size=(4000, 3)))
    >>> loadings.round(1).tolist(), uniqueness.round(1).tolist()
    ([1.0, 2.0, 3.0], [1.0, 1.0, 0.9])
    """
    sd, correlation = items.std(axis=0, ddof=1), np.corrcoef(items.T)
    k, lowest = len(sd), 0.005

    def minus_likelihood(psi: Floats) -> tuple[float, Floats]:
        """The likelihood at its best loadings, and its slope; as in R's ``factanal``."""
        root = np.sqrt(psi)
        values, vectors = np.linalg.eigh(correlation / np.outer(root, root))
        rest = np.maximum(values[:-1], 1e-12)
        load = vectors[:, -1] * np.sqrt(max(values[-1] - 1, 0.0)) * root
        slope = np.diag(np.outer(load, load) + np.diag(psi) - correlation) / psi**2
        return float(-np.sum(np.log(rest) - rest) - (k - 1)), slope

    try:
        start = (1 - 0.5 / k) / np.diag(np.linalg.inv(correlation))
    except np.linalg.LinAlgError:
        return None
    options = {"ftol": 1e-15, "gtol": 1e-9, "maxiter": 2000}
    found = optimize.minimize(
        minus_likelihood, np.clip(start, lowest, 1), jac=True, method="L-BFGS-B", bounds=[(lowest, 1)] * k,
        options=options,
    )  # fmt: skip
    psi = found.x
    if (psi <= lowest * (1 + 1e-6)).any():
        return None
    root = np.sqrt(psi)
    values, vectors = np.linalg.eigh(correlation / np.outer(root, root))
    load = vectors[:, -1] * np.sqrt(max(values[-1] - 1, 0.0)) * root
    return load * np.sign(load.sum() or 1.0) * sd, psi * sd**2


def omega_total(loadings: Floats, uniqueness: Floats, n: int, confidence: float = 0.95) -> tuple[float, float, float]:
    r"""McDonald's omega total and its interval.

    The standard error is that of the delta method, with the expected information of normal answers,
    :math:`I_{ab} = \frac{n-1}{2} tr(\Sigma^{-1} \Sigma_a \Sigma^{-1} \Sigma_b)`, and the interval that of logit omega,
    taken back (Kelley and Pornprasertmanit's "mll").

    Examples
    --------
    >>> [round(value, 3) for value in omega_total(np.array([1.0, 2.0, 3.0]), np.ones(3), 400)]
    [0.923, 0.907, 0.937]
    """
    k, total, own = len(loadings), float(loadings.sum()), float(uniqueness.sum())
    omega = total**2 / (total**2 + own)
    inverse = np.linalg.inv(np.outer(loadings, loadings) + np.diag(uniqueness))
    unit = np.eye(k)
    slopes = [np.outer(unit[i], loadings) + np.outer(loadings, unit[i]) for i in range(k)]
    slopes += [np.outer(unit[i], unit[i]) for i in range(k)]
    turned = [inverse @ slope for slope in slopes]
    information = np.array([[np.sum(a * b.T) for b in turned] for a in turned]) * (n - 1) / 2
    gradient = np.repeat([2 * total * own, -(total**2)], k) / (total**2 + own) ** 2
    try:
        variance = float(gradient @ np.linalg.solve(information, gradient))
    except np.linalg.LinAlgError:
        variance = np.nan
    if not (0 < omega < 1 and variance > 0):
        return omega, np.nan, np.nan
    half = float(special.ndtri((1 + confidence) / 2)) * np.sqrt(variance) / (omega * (1 - omega))
    low, high = special.expit(special.logit(omega) + np.array([-half, half]))
    return omega, float(low), float(high)
