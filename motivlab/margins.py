"""The sample against known margins of the population: shares, differences, tests of goodness of fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from .about import About
from .design import DesignArrays, design_arrays
from .files import ReadError
from .intervals import Floats
from .margins_file import CROSS, level_codes, margin_shares, read_margins
from .questionnaire import Questionnaire, did_you_mean
from .reduction import Domains, reduce_survey, share_ratios
from .shown import Shown
from .survey import Survey
from .variance import covariance

COLUMNS = (
    "variable", "level", "n", "sample", "weighted", "target", "difference", "weighted_difference", "contribution",
)  # fmt: skip
TESTS = ("variable", "test", "n", "outside", "statistic", "df", "p", "reason")
NOTHING = 1e-14  # a variance that is this small a part of the squared total is what rounding leaves of none


@dataclass(frozen=True, repr=False, eq=False)
class Margins(Shown):
    """How a sample differs from known margins of its population. In a notebook it shows as its table.

    Attributes
    ----------
    frame : DataFrame
        One row per level of each margin, see :func:`against_margins`.
    tests : DataFrame
        One row per margin and test.
    questionnaire, about, language
        For labels, title and the gate.
    """

    frame: pd.DataFrame
    tests: pd.DataFrame
    questionnaire: Questionnaire
    about: About
    language: str

    @property
    def variables(self) -> tuple[str, ...]:
        """The margins, in their order."""
        return tuple(dict.fromkeys(self.frame["variable"]))

    def to(self, language: str) -> Margins:
        """The same, shown in another language (lv, en or ru)."""
        return replace(self, language=language)


def against_margins(survey: Survey, margins: pd.DataFrame | str | Path | None = None) -> Margins:
    r"""Compare the sample, unweighted and weighted, with known margins of the population.

    Parameters
    ----------
    survey : Survey
    margins : DataFrame or path, optional
        As for :func:`motivlab.rake`: ``variable`` (a ``select_one`` question, or several crossed, ``"a × b"``),
        ``level``, and ``total`` or ``share``. By default the file that ``margins`` in ``survey.yml`` names. Totals of
        numbers are left out.

    Returns
    -------
    Margins
        ``frame``: ``variable``; ``level``; ``n``, respondents in it; ``sample``, their unweighted share of those in a
        level of the margin; ``weighted``, the weighted share, NaN without a weight; ``target``, the margin's share;
        ``difference``, sample less target; ``weighted_difference``; ``contribution``, Pearson's residual of the
        unweighted count.

        ``tests``: ``variable``; ``test``, ``unweighted`` or ``weighted``; ``n``, respondents in a level; ``outside``,
        those in none (no answer, or an answer that the margin does not have); ``statistic``; ``df``; ``p``;
        ``reason`` where there is no test: ``one_level``, or ``no_variance`` as of weights that are calibrated to it.

    Raises
    ------
    ValueError
        If the margins cannot be read, name no question or choice of the survey, nobody is in any of their levels, or
        the design cannot be used.
    FileNotFoundError
        If there is no such file.

    Notes
    -----
    Unweighted: :math:`X^2 = \sum_j (n_j - n \pi_j)^2 / (n \pi_j)`; R: ``chisq.test(table(x), p = p)``. Weighted, of
    estimated totals :math:`\hat N_j` with their design-based covariance: with :math:`\lambda` the eigenvalues of the
    covariance of :math:`(\hat N_j - \hat N \pi_j) / \sqrt{\hat N \pi_j}`, the statistic is
    :math:`X^2 / (\bar\lambda a)` on :math:`J / a` degrees of freedom,
    :math:`a = \overline{\lambda^2} / \bar\lambda^2`; R: ``svygofchisq(~x, p, design)``.

    References
    ----------
    Rao, J. N. K. and Scott, A. J. (1981). The analysis of categorical data from complex sample surveys: chi-squared
    tests for goodness of fit and independence in two-way tables. Journal of the American Statistical Association 76,
    221-230.

    Examples
    --------
    >>> people = pd.DataFrame({"sex": ["f"] * 60 + ["m"] * 40})
    >>> margins = pd.DataFrame({"variable": ["sex"] * 2, "level": ["f", "m"], "share": [0.5, 0.5]})
    >>> found = against_margins(Survey.from_frame(people), margins)
    >>> found.frame["contribution"].round(3).tolist(), found.tests["p"].round(4).tolist()
    ([1.414, -1.414], [0.0455])
    """
    if margins is None:
        if not survey.about.margins:
            raise ValueError(
                "there are no margins: survey.yml names none. Add `margins: margins.csv`, or give a frame or a path."
            )
        margins = (survey.folder or Path()) / survey.about.margins
    where = str(margins) if isinstance(margins, (str, Path)) else "margins"
    shares = margin_shares(read_margins(margins, "linear"))
    design = design_arrays(survey)
    rows, tests = [], []
    for variable, margin in shares.items():
        levels = [str(level) for level in margin.index]
        _require_levels(survey, variable, levels, where)
        codes = level_codes(survey.responses, variable, levels)
        target = margin.to_numpy(dtype=float)
        inside = codes >= 0
        if not inside.any():
            raise ReadError(f"{where}: nobody is in any level of {variable}. Correct the levels, or leave it out.")
        n = np.bincount(codes[inside], minlength=len(levels))
        weighted = np.full(len(levels), np.nan)
        said = {"variable": variable, "n": int(n.sum()), "outside": int((~inside).sum())}
        tests.append({**said, "test": "unweighted", **_chisq(n.astype(float), target)})
        if survey.design.weight:
            weighted = np.bincount(codes[inside], design.weight[inside], len(levels))
            weighted = weighted / weighted.sum()
            tests.append({**said, "test": "weighted", **_svygofchisq(design, codes, levels, target)})
        sample = n / n.sum()
        rows.append(
            pd.DataFrame({
                "variable": variable, "level": levels, "n": n, "sample": sample, "weighted": weighted,
                "target": target, "difference": sample - target, "weighted_difference": weighted - target,
                "contribution": (sample - target) * np.sqrt(n.sum() / target),
            })
        )  # fmt: skip
    return Margins(
        pd.concat(rows, ignore_index=True)[list(COLUMNS)], pd.DataFrame(tests)[list(TESTS)], survey.questionnaire,
        survey.about, survey.language,
    )  # fmt: skip


def _require_levels(survey: Survey, variable: str, levels: Sequence[str], where: str) -> None:
    """A margin is of questions of one choice whose columns are there, and its levels are their choices."""
    parts = variable.split(CROSS)
    for part in parts:
        if (question := survey.question(part)).type != "select_one":
            raise ReadError(f"{where}: {part!r} is a {question.type} question. Margins are of select_one questions.")
        if part not in survey.responses:
            raise ReadError(
                f"{survey.responses_file}: the column {part!r} of a margin is missing. Add it, or leave the margin out."
            )
    for level in levels:
        names = level.split(CROSS) if len(parts) > 1 else [level]
        if len(names) != len(parts):
            raise ReadError(f"{where}: {variable} = {level!r} has not one choice for each of {' and '.join(parts)}.")
        for part, name in zip(parts, names, strict=True):
            known = [choice.name for choice in survey.question(part).answers]
            if name not in known:
                raise ReadError(
                    f"{where}: {part!r} has no answer {name!r}{did_you_mean(name, known)} Correct the level."
                )


def _chisq(n: Floats, target: Floats) -> dict[str, object]:
    """Pearson's test of unweighted counts."""
    if len(n) < 2:
        return {"statistic": np.nan, "df": np.nan, "p": np.nan, "reason": "one_level"}
    expected = n.sum() * target
    statistic = float(((n - expected) ** 2 / expected).sum())
    df = float(len(n) - 1)
    return {"statistic": statistic, "df": df, "p": float(stats.chi2.sf(statistic, df)), "reason": ""}


def _svygofchisq(
    design: DesignArrays, codes: npt.NDArray[np.intp], levels: Sequence[str], target: Floats
) -> dict[str, object]:
    """Rao and Scott's test of estimated totals, as R's ``svygofchisq``."""
    none = {"statistic": np.nan, "df": np.nan, "p": np.nan}
    if len(levels) < 2:
        return {**none, "reason": "one_level"}
    chosen, base = codes[:, None] == np.arange(len(levels)), (codes >= 0)[:, None]
    ratios = replace(share_ratios(chosen, base, products=not design.clustered and design.replicates is None), den=None)
    whole = Domains("", ("",), np.where(codes >= 0, 0, -1).astype(np.int8))
    sums = reduce_survey(design, [whole], ratios)
    every = np.arange(len(levels))
    cov = covariance(sums, ratios, design, np.zeros_like(every), every)
    total = np.bincount(codes[codes >= 0], design.weight[codes >= 0], len(levels))
    expected = total.sum() * target
    # the derivative of (N_j - N pi_j) / sqrt(N pi_j) by each total
    own = np.diag(1 / np.sqrt(expected))
    by_sum = -target * (1 / np.sqrt(expected) + (total - expected) / (2 * expected**1.5))
    jacobian = own + by_sum[:, None]
    eigenvalues = np.linalg.eigvalsh(jacobian @ cov @ jacobian.T)
    mean = float(eigenvalues.mean())
    if not mean > NOTHING * total.sum():
        return {**none, "reason": "no_variance"}
    a = float(np.square(eigenvalues).mean()) / mean**2
    statistic = float(((total - expected) ** 2 / expected).sum()) / (mean * a)
    df = len(levels) / a
    return {"statistic": statistic, "df": df, "p": float(stats.chi2.sf(statistic, df)), "reason": ""}
