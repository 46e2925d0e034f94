"""Rules on weights and on the sample: extreme weights, what they cost, their sum, the sample against its margins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from .about import About
from .expressions import Mask
from .language import number, percent, say
from .margins_file import CROSS, level_codes, margin_shares
from .questionnaire import Questionnaire
from .rules import Detail, Found, Overall, Rule, numbers

Floats = npt.NDArray[np.float64]

LEVEL = 0.001  # of the test that a difference from a margin is more than chance: every interviewed sample has some
MEAN_ONE = 1e-9


def rules(
    form: Questionnaire, about: About, columns: Iterable[str], margins: pd.DataFrame | None = None
) -> Iterator[Rule | Overall]:
    """The rules on the weight and the sample.

    ``weight_extreme``: a weight so many times the mean. ``weight_effect``:
    Kish's design effect. ``weight_sum``: the sum of the weights is not the total of the margins, where these are
    totals; weights with a mean of 1 are not of the population, and are left alone. ``off_margins``: a share of the
    sample, weighted if there is a weight, is so far from its margin, and that is more than chance; of a crossed margin
    the shares of each of its questions as well.

    Parameters
    ----------
    form : Questionnaire
    about : About
    columns : iterable of str
        Those of the responses.
    margins : DataFrame, optional
        As :func:`motivlab.margins_file.read_margins` gives them.

    Yields
    ------
    Rule or Overall
    """
    checks, weight = about.checks, about.design.weight or ""
    if weight and checks.on("weight_extreme"):
        times = checks.threshold("weight_extreme")
        yield Rule(
            "weight_extreme", weight, (weight,), partial(_extreme, weight=weight, times=times),
            told=partial(_ratios, weight=weight),
        )  # fmt: skip
    if weight and checks.on("weight_effect"):
        most = checks.threshold("weight_effect")
        yield Overall("weight_effect", weight, (weight,), partial(_effect, weight=weight, most=most))
    if margins is None:
        return
    shares = margin_shares(margins)
    if weight and checks.on("weight_sum") and "total" in margins and shares:
        levels = margins["level"] != ""
        total = float(margins[levels].groupby("variable", sort=False)["total"].sum().iloc[0])
        least = checks.threshold("weight_sum")
        yield Overall("weight_sum", weight, (weight,), partial(_sum, weight=weight, total=total, least=least))
    if checks.on("off_margins"):
        there = set(columns)
        for variable, margin in _with_parts(shares).items():
            parts = variable.split(CROSS)
            if all(part in form and form[part].type == "select_one" and part in there for part in parts):
                yield Overall(
                    "off_margins", variable, (*parts, *filter(None, [weight])),
                    partial(
                        _off, form=form, variable=variable, margin=margin, weight=weight,
                        least=checks.threshold("off_margins"),
                    ),
                )  # fmt: skip


def _with_parts(shares: Mapping[str, pd.Series]) -> dict[str, pd.Series]:
    """The margins and, of crossed ones, those of each question: small cells may each be a little off, one way."""
    out = dict(shares)
    for variable, margin in shares.items():
        for i, part in enumerate(variable.split(CROSS)):
            if part not in out:
                out[part] = margin.groupby([str(level).split(CROSS)[i] for level in margin.index], sort=False).sum()
    return out


def valid_weights(frame: pd.DataFrame, weight: str) -> Floats:
    """The weights as numbers; 0 for what is none, which the rule ``weight`` finds."""
    values = numbers(frame, weight)
    with np.errstate(invalid="ignore"):
        return np.where((values > 0) & np.isfinite(values), values, 0.0)


def _mean(weights: Floats) -> float:
    held = weights[weights > 0]
    return float(held.mean()) if len(held) else np.nan


def _extreme(frame: pd.DataFrame, weight: str, times: float) -> Mask:
    values = valid_weights(frame, weight)
    mean = _mean(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(values > times * mean)


def _ratios(frame: pd.DataFrame, positions: Sequence[int], weight: str) -> list[Detail]:
    values = valid_weights(frame, weight)
    mean = _mean(values)
    return [partial(_ratio, value / mean) for value in values[np.asarray(positions, dtype=np.intp)]]


def _ratio(ratio: float, language: str) -> str:
    return number(ratio, language, 2 if ratio >= 0.1 else 4)


def _effect(frame: pd.DataFrame, weight: str, most: float) -> Iterator[Found]:
    values = valid_weights(frame, weight)
    effect = _kish(values)
    if effect > most:
        n = int((values > 0).sum() / effect)
        yield Found(
            weight, f"{effect:.2f}",
            lambda language: say("weight_effect_detail", language, most=number(most, language, 1), n=n),
        )  # fmt: skip


def _kish(weights: Floats) -> float:
    """Kish's design effect of those that are positive; 1 where there are none."""
    squares = float(np.square(weights).sum())
    return float((weights > 0).sum() * squares / weights.sum() ** 2) if squares else 1.0


def _sum(frame: pd.DataFrame, weight: str, total: float, least: float) -> Iterator[Found]:
    values = valid_weights(frame, weight)
    held, found = int((values > 0).sum()), float(values.sum())
    scaled = abs(found - held) <= max(least, MEAN_ONE) * held  # with a mean of 1
    if held and not scaled and abs(found - total) > least * total:
        yield Found(weight, f"{found:.10g}", lambda language: number(total, language))


def _off(
    frame: pd.DataFrame, form: Questionnaire, variable: str, margin: pd.Series, weight: str, least: float
) -> Iterator[Found]:
    levels, target = [str(level) for level in margin.index], margin.to_numpy(dtype=float)
    codes = level_codes(frame, variable, levels)
    weights = np.where(codes >= 0, valid_weights(frame, weight) if weight else 1.0, 0.0)
    if not weights.any():
        return
    share = np.bincount(codes[codes >= 0], weights[codes >= 0], len(levels)) / weights.sum()
    apart = share - target
    worst = int(np.argmax(np.round(np.abs(apart), 12)))  # of two that are equal the first
    n = (weights > 0).sum() / _kish(weights)
    if abs(apart[worst]) > least and _p(n * float((apart**2 / target).sum()), len(levels) - 1) < LEVEL:
        shown, wanted = float(share[worst]), float(target[worst])

        def told(language: str) -> str:
            names = [
                next((c.label(language) for c in form[part].choices if c.name == level), level)
                for part, level in zip(variable.split(CROSS), levels[worst].split(CROSS), strict=False)
            ]
            return say(
                "off_margins_detail", language, level=CROSS.join(names), share=percent(shown, language, 1),
                target=percent(wanted, language, 1),
            )  # fmt: skip

        yield Found(variable, f"{shown:.3f}", told)


def _p(statistic: float, df: int) -> float:
    from scipy.special import chdtrc

    return float(chdtrc(df, statistic)) if df > 0 else 1.0
