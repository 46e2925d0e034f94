"""Planning a sample: the margin of error, the number of interviews, the difference that can be detected."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from .language import LANGUAGES, number, percent, say
from .questionnaire import did_you_mean
from .shown import Shown

Goal = Literal["margin", "size", "difference"]
Numbers = float | Mapping[str, float]
OptionalNumbers = float | Mapping[str, float | None] | None


@dataclass(frozen=True, repr=False)
class Plan(Shown):
    """What a sample can tell, or how large it has to be. In a notebook it shows as its table.

    Attributes
    ----------
    numbers : DataFrame
        One row per group, unrounded. ``group`` is empty where no groups were named. The other columns are those that
        the function describes which made it.
    goal : {"margin", "size", "difference"}
    confidence : float
    power : float
        NaN where it plays no part.
    language : str
    """

    numbers: pd.DataFrame
    goal: Goal
    confidence: float
    power: float = math.nan
    language: str = "en"

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The numbers, and to the right, in words, why one of them is missing (``reason``)."""
        if self.goal == "margin":
            return self.numbers
        why = _why_not_invited if self.goal == "size" else _why_not_detected
        return self.numbers.assign(reason=[why(row, self.language) for _, row in self.numbers.iterrows()])

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to be said with the numbers: what they assume, the sum, why one is missing."""
        return tuple(self._notes())

    def _notes(self) -> Iterator[str]:
        language, frame = self.language, self.frame
        level = percent(self.confidence, language, 0 if round(self.confidence * 100, 9) % 1 == 0 else 1)
        if self.goal == "difference":
            yield say("note_plan_difference", language, level=level, power=percent(self.power, language))
        else:
            yield say("note_plan_margin", language, level=level)
            if frame["population"].notna().any():
                yield say("note_plan_population", language)
        if self.goal == "size" and len(frame) > 1:
            yield say("note_plan_total", language, n=number(frame["n"].sum(), language))
            if frame["invited"].notna().all():
                yield say("note_plan_invited", language, n=number(frame["invited"].sum(), language))
        yield say("note_plan_deff", language)
        yield say("note_plan_probability", language)
        for group, reason in zip(frame["group"], frame.get("reason", ()), strict=False):
            if reason:
                yield f"{group}: {reason}" if group else reason

    def to(self, language: str) -> Plan:
        """The same, shown in another language (lv, en or ru)."""
        return replace(self, language=_language(language))


def margin_of_error(
    n: Numbers,
    p: Numbers = 0.5,
    deff: Numbers = 1.0,
    confidence: float = 0.95,
    population: OptionalNumbers = None,
    language: str = "en",
) -> Plan:
    r"""The margin of error of a share: half the width of its confidence interval.

    .. math:: z \sqrt{ \mathit{deff} \, \frac{p(1-p)}{n} \, \frac{N-n}{N-1} }

    The last factor, the finite population correction, is left out without a population. The margin is the sampling
    error of a probability sample under the normal approximation. For reporting, near 0 or 1 and with few respondents,
    use the intervals of :func:`motivlab.prevalence`.

    Parameters
    ----------
    n : float or mapping of group to float
        Interviews. Here and below: one number for all groups, or one per group.
    p : float or mapping
        The share expected; 0.5 gives the largest margin.
    deff : float or mapping
        The design effect of weighting and clustering: the effective sample size is n / deff.
    confidence : float
    population : float or mapping, optional
        The size N of the population.
    language : {"lv", "en", "ru"}

    Returns
    -------
    Plan
        Columns of its frame: ``group, n, p, deff, population, n_eff, margin``; the margin is a share, 0.03 for three
        percentage points.

    Raises
    ------
    ValueError
        If a value is out of its range or groups do not match; it names argument, group, value and remedy.

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, 3rd edition, sections 3.2 and 4.4. Wiley.

    Kish, L. (1965). Survey Sampling, section 8.2 (design effect). Wiley.

    Examples
    --------
    >>> margin_of_error(1000).frame["margin"].round(3).tolist()
    [0.031]
    >>> plan = margin_of_error({"women": 600, "men": 400}, deff=1.5)
    >>> plan.frame[["group", "n_eff", "margin"]].round(3).values.tolist()
    [['women', 400.0, 0.049], ['men', 266.667, 0.06]]
    """
    _language(language)
    z = _z(confidence)
    rows = []
    for group, given in _groups(n=n, p=p, deff=deff, population=population):
        row = _common(group, given)
        row["n"] = _whole("n", given["n"], group)
        if row["n"] > row["population"]:
            raise ValueError(
                f"{_named('n', group)} is {row['n']}, more than the population of {row['population']:.0f}. Correct one "
                "of them."
            )
        row["n_eff"] = row["n"] / row["deff"]
        row["margin"] = _margin(row["n"], row["p"], row["deff"], row["population"], z)
        rows.append(row)
    columns = ["group", "n", "p", "deff", "population", "n_eff", "margin"]
    return Plan(_frame(rows, columns), "margin", confidence, language=language)


def sample_size(
    margin: Numbers,
    p: Numbers = 0.5,
    deff: Numbers = 1.0,
    confidence: float = 0.95,
    population: OptionalNumbers = None,
    response_rate: OptionalNumbers = None,
    language: str = "en",
) -> Plan:
    r"""The interviews needed for a margin of error: the smallest whole number whose margin is no more than that.

    .. math:: n_0 = \frac{z^2 p(1-p) \, \mathit{deff}}{m^2}, \qquad n = \frac{n_0}{1 + (n_0 - 1) / N}

    rounded up. Tables that round to the nearest number have one interview less in places: 1,067 for three points,
    whose margin is 3.0001.

    Parameters
    ----------
    margin : float or mapping of group to float
        The margin m wanted, as a share: 0.03 is three percentage points. Here and below: one number for all groups,
        or one per group.
    p, deff, confidence, population, language
        As in :func:`margin_of_error`.
    response_rate : float or mapping, optional
        The share of those invited who will give an interview, above 0 and up to 1.

    Returns
    -------
    Plan
        Columns of its frame: ``group, wanted, n, p, deff, population, n_eff, margin, response_rate, invited, reason``;
        ``wanted`` is the margin asked for, ``margin`` that of ``n``, ``invited = n / response_rate`` rounded up. Where
        more would have to be invited than there are, ``invited`` is NaN and ``reason`` says what is possible.

    Raises
    ------
    ValueError
        As :func:`margin_of_error`.

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, 3rd edition, section 4.4. Wiley.

    Examples
    --------
    >>> sample_size(0.03).frame["n"].tolist()
    [1068]
    >>> plan = sample_size(0.05, deff=1.3, population={"Riga": 480_000, "Roma": 1_000}, response_rate=0.5)
    >>> plan.frame[["group", "n", "invited"]].values.tolist()
    [['Riga', 499, 998.0], ['Roma', 334, 668.0]]
    """
    _language(language)
    z = _z(confidence)
    rows = []
    for group, given in _groups(margin=margin, p=p, deff=deff, population=population, response_rate=response_rate):
        row = _common(group, given)
        wanted = row["wanted"] = _share("margin", given["margin"], group, " Three percentage points are 0.03.")
        n = _smallest(wanted, row["p"], row["deff"], row["population"], z)
        row["n"], row["n_eff"] = n, n / row["deff"]
        row["margin"] = _margin(n, row["p"], row["deff"], row["population"], z)
        rate = given["response_rate"]
        row["response_rate"] = math.nan if _absent(rate) else _share("response_rate", rate, group, upto=True)
        row["invited"] = _invited(n, row["response_rate"], row["population"])
        rows.append(row)
    columns = ["group", "wanted", "n", "p", "deff", "population", "n_eff", "margin"]
    return Plan(_frame(rows, [*columns, "response_rate", "invited"]), "size", confidence, language=language)


def detectable_difference(
    n_a: Numbers,
    n_b: Numbers,
    p: Numbers = 0.5,
    deff: Numbers = 1.0,
    power: float = 0.8,
    confidence: float = 0.95,
    language: str = "en",
) -> Plan:
    r"""The smallest difference between the shares of two groups that a sample will detect.

    The difference d for which a two-sided test at 1 - confidence has the power wanted:

    .. math:: d = (z_{1-\alpha/2} + z_{power}) \sqrt{ \mathit{deff} \left( \frac{p(1-p)}{n_a} +
              \frac{(p \pm d)(1 - p \mp d)}{n_b} \right) }

    which is a quadratic equation in d. The groups are independent, and no finite population correction is made: a
    comparison is about what makes the groups differ, not about the people who happen to be in them.

    Parameters
    ----------
    n_a, n_b : float or mapping of comparison to float
        Interviews in each group. Here and below: one number for all comparisons, or one per comparison.
    p : float or mapping
        The share expected in group a.
    deff : float or mapping
        The design effect in both groups.
    power : float
        The probability of finding a difference that is there.
    confidence : float
        1 - the level of the test.
    language : {"lv", "en", "ru"}

    Returns
    -------
    Plan
        Columns of its frame: ``group, n_a, n_b, p, deff, above, below, reason``. The share in group b must be higher
        by ``above`` or lower by ``below`` to be told from p; NaN, with the reason, where no share between 0 and 1 is
        that far from p.

    Raises
    ------
    ValueError
        As :func:`margin_of_error`.

    References
    ----------
    Chow, S.-C., Shao, J. and Wang, H. (2008). Sample Size Calculations in Clinical Research, 2nd edition, section 4.2.
    Chapman & Hall.

    Examples
    --------
    70 in each group tell 65 % from 85 % (Chow, Shao and Wang, p. 89):

    >>> detectable_difference(70, 70, p=0.65).frame[["above", "below"]].round(3).values.tolist()
    [[0.2, 0.23]]
    """
    _language(language)
    reach = (_z(confidence) + float(stats.norm.ppf(_share("power", power)))) ** 2
    if power <= 0.5:
        raise ValueError(
            f"power is {power!r}. A plan with less than an even chance is none: give more than 0.5, as 0.8."
        )
    rows = []
    for group, given in _groups(n_a=n_a, n_b=n_b, p=p, deff=deff):
        row = _common(group, given)
        row["n_a"], row["n_b"] = (_whole(name, given[name], group) for name in ("n_a", "n_b"))
        row["above"] = _difference(row["p"], row["n_a"], row["n_b"], reach * row["deff"])
        row["below"] = _difference(1 - row["p"], row["n_a"], row["n_b"], reach * row["deff"])
        rows.append(row)
    columns = ["group", "n_a", "n_b", "p", "deff", "above", "below"]
    return Plan(_frame(rows, columns), "difference", confidence, power, language)


# ------------------------------------------------------------------------------------------------------ formulas


def _margin(n: int, p: float, deff: float, population: float, z: float) -> float:
    correction = 1.0 if math.isinf(population) else (population - n) / (population - 1)
    return z * math.sqrt(deff * p * (1 - p) / n * correction)


def _smallest(margin: float, p: float, deff: float, population: float, z: float) -> int:
    start = z**2 * p * (1 - p) * deff / margin**2
    if not math.isinf(population):
        start = start / (1 + (start - 1) / population)
    n = max(1, math.ceil(start))
    # the last digit of the quotient may be wrong; what counts is the margin itself
    while _margin(n, p, deff, population, z) > margin:
        n += 1
    while n > 1 and _margin(n - 1, p, deff, population, z) <= margin:
        n -= 1
    return n


def _invited(n: int, rate: float, population: float) -> float:
    """The invitations for n interviews; NaN without a response rate, or if there are not so many people."""
    if math.isnan(rate):
        return math.nan
    invited = math.ceil(round(n / rate, 9))  # 3 / 0.3 is ten, not eleven
    return float(invited) if invited <= population else math.nan


def _why_not_invited(row: Any, language: str) -> str:
    if math.isnan(row["response_rate"]) or not math.isnan(row["invited"]):
        return ""
    possible = math.floor(round(row["population"] * row["response_rate"], 9))
    invited = int(_invited(row["n"], row["response_rate"], math.inf))
    return say("plan_too_few_people", language, invited=invited, population=int(row["population"]), possible=possible)


def _why_not_detected(row: Any, language: str) -> str:
    keys = {"above": "plan_not_above", "below": "plan_not_below"}
    return " ".join(say(key, language) for side, key in keys.items() if math.isnan(row[side]))


def _difference(p: float, n_a: int, n_b: int, reach: float) -> float:
    """The positive root of d² = reach (p(1-p)/n_a + (p+d)(1-p-d)/n_b); NaN if p + d is above 1."""
    a = 1 + reach / n_b
    b = reach * (1 - 2 * p) / n_b
    c = reach * p * (1 - p) * (1 / n_a + 1 / n_b)
    d = (b + math.sqrt(b**2 + 4 * a * c)) / (2 * a)
    return d if p + d <= 1 else math.nan


# -------------------------------------------------------------------------------------------------------- checks


def _language(language: str) -> str:
    if language not in LANGUAGES:
        raise ValueError(f"language is {language!r}. Use {', '.join(LANGUAGES)}.")
    return language


def _groups(**arguments: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each group with its arguments; one group without a name where all arguments are single numbers."""
    maps = {name: value for name, value in arguments.items() if isinstance(value, Mapping)}
    if not maps:
        yield "", arguments
        return
    first, groups = next((name, list(value)) for name, value in maps.items())
    if not groups:
        raise ValueError(f"{first} names no group. Give it a value for each group, or one number.")
    for name, value in maps.items():
        for group in value:
            if group not in groups:
                near = did_you_mean(str(group), map(str, groups))
                raise ValueError(
                    f"{name} has the group {group!r}, which {first} has not{near} Give both the same groups."
                )
        for group in groups:
            if group not in value:
                raise ValueError(
                    f"{name} has no value for the group {group!r}, which {first} has. Add it, or give one number for "
                    "all groups."
                )
    for group in groups:
        yield str(group), {name: value[group] if name in maps else value for name, value in arguments.items()}


def _common(group: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What every plan has: group, p, deff, and a population that is infinite where none is given."""
    remedy = " At 0 and 1 there is no margin: give the share expected, or 0.5."
    row: dict[str, Any] = {"group": group, "p": _share("p", given["p"], group, remedy)}
    row["deff"] = _number("deff", given["deff"], group)
    if not 0 < row["deff"] < math.inf:
        raise ValueError(
            f"{_named('deff', group)} is {given['deff']!r}. It must be above 0: 1 for a simple random sample."
        )
    population = given.get("population")
    row["population"] = math.inf if _absent(population) else float(_whole("population", population, group, 2))
    return row


def _frame(rows: list[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows)[columns]
    return frame.assign(population=frame["population"].replace(math.inf, math.nan)) if "population" in frame else frame


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _named(name: str, group: str) -> str:
    return f"{name} of {group!r}" if group else name


def _number(name: str, value: Any, group: str) -> float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise ValueError(f"{_named(name, group)} is {value!r}. Give a number.")
    return float(value)


def _share(name: str, value: Any, group: str = "", remedy: str = "", upto: bool = False) -> float:
    share = _number(name, value, group)
    if not (0 < share < 1 or (upto and share == 1)):
        limits = "above 0 and up to 1" if upto else "between 0 and 1"
        raise ValueError(f"{_named(name, group)} is {value!r}. It is a share {limits}.{remedy}")
    return share


def _whole(name: str, value: Any, group: str, least: int = 1) -> int:
    count = _number(name, value, group)
    if not (math.isfinite(count) and count >= least and count % 1 == 0):
        raise ValueError(f"{_named(name, group)} is {value!r}. Give a whole number, {least} or more.")
    return int(count)


def _z(confidence: float) -> float:
    return float(stats.norm.ppf((1 + _share("confidence", confidence)) / 2))
