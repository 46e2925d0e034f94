"""The audit of published figures: whether they add up, agree with each other, and say what they must."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from . import audit_dates, audit_rules, audit_texts
from .audit_read import Figures, read_figures
from .audit_rules import Check, Rule
from .codes import choose
from .language import LANGUAGES
from .shown import Shown

RULES: tuple[Rule, ...] = (
    audit_rules.ranges, audit_rules.shares, audit_rules.parts, audit_rules.shares_of_parts, audit_rules.budgets,
    audit_rules.sets, audit_texts.alike, audit_dates.series, audit_dates.periods, audit_dates.dated,
    audit_dates.lengths, audit_texts.places, audit_texts.identifiers, audit_texts.definitions, audit_dates.plans,
    audit_rules.beside, audit_rules.within, audit_rules.ratios, audit_texts.ages, audit_texts.currencies,
    audit_texts.formats, audit_texts.repeated, audit_texts.methods, audit_texts.notes,
)  # fmt: skip
SEVERITIES = ("contradiction", "note", "read")
COLUMNS = ("rule", "rows", "expected", "observed", "difference", "unit")
FINDING_COLUMNS = ("rule", "severity", "rows", "table", *COLUMNS[2:], "key", "values", "why", "sources")
CHECK_COLUMNS = (*COLUMNS, "ok")


@dataclass(frozen=True, repr=False)
class Audit(Shown):
    """The findings of an audit, and every check that was made. In a notebook it shows as their table.

    Attributes
    ----------
    figures : Figures
        The tables as they were read, and all their rows.
    made : tuple of Check
        Every check, in the order of the rules.
    language : str
    """

    figures: Figures
    made: tuple[Check, ...]
    language: str = "en"

    @cached_property
    def findings(self) -> pd.DataFrame:
        """What does not add up or agree, and what can only be read; contradictions first.

        Columns: ``rule``; ``severity`` (contradiction: it cannot be right as it stands; note: to be known before it is
        used; read: only people can judge it); ``rows``, the ids, joined by spaces, the row that is judged first;
        ``table`` of that row; ``expected`` and ``observed``, a number, unrounded, or a text; ``difference``, observed -
        expected; ``unit`` of the three (count, share, amount, months, age, ratio, date, text); ``key`` of the sentence
        and its ``values``; ``why``, a tuple of (key, values): what would explain it; ``sources``, file:line of each.
        """
        rows = [self._finding(check) for severity in SEVERITIES for check in self.made if check.severity == severity]
        return pd.DataFrame(rows, columns=list(FINDING_COLUMNS))

    def _finding(self, check: Check) -> tuple[object, ...]:
        rows = [self.figures.rows[id_] for id_ in check.rows]
        sources = [
            f"{row.text('source_file') or row.table}:{row.text('source_line') or row.line}" for row in rows
        ]  # a user's table is its own source
        return (
            check.rule, check.severity, " ".join(check.rows), rows[0].table, check.expected, check.observed,
            check.difference, check.unit, check.key or check.rule, dict(check.values), check.why,
            " ".join(dict.fromkeys(sources)),
        )  # fmt: skip

    @cached_property
    def checks(self) -> pd.DataFrame:
        """Every check, those that hold included.

        Columns: ``rule``, ``rows``, ``expected`` (empty where nothing is stated and the number was only computed),
        ``observed``, ``difference``, ``unit``, ``ok``.
        """
        rows = [
            (check.rule, " ".join(check.rows), check.expected, check.observed, check.difference, check.unit,
             not check.severity)
            for check in self.made if check.severity != "read"
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(CHECK_COLUMNS))

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by their name, typed: numbers as floats, a share between 0 and 1, all other columns as text."""
        return self.figures.tables

    @property
    def ok(self) -> bool:
        """Whether there is no contradiction."""
        return not any(check.severity == "contradiction" for check in self.made)

    def to(self, language: str) -> Audit:
        """The same, shown in another language (lv, en or ru)."""
        choose(language=(language, LANGUAGES))
        return replace(self, language=language)


def audit_published(path: str | Path = "data/published", language: str = "en") -> Audit:
    r"""Audit published figures: recompute shares, add up parts, compare what is said of one thing in several places.

    Parameters
    ----------
    path : path
        A folder with a ``datapackage.json`` (a Frictionless Data Package: the resources it names are read), a folder
        of .csv files, or one .csv (UTF-8, commas) with the columns ``id`` and ``n``, ``k``, ``share`` or ``value``.
        Numbers may have a decimal comma and spaces, also no-break ones, between thousands; a share is written 0.46 or
        46%.
        The columns that rules read are listed in ``data/published/README.md``: ``part_of``, ``subject``,
        ``period_start`` and so on say what a row means. Any other column is kept and not read.
    language : {"lv", "en", "ru"}

    Returns
    -------
    Audit

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder, or a table that the ``datapackage.json`` names is absent.
    ReadError
        If a file cannot be read, an id is there twice, or a value is not allowed: file, row, column, value, remedy.

    Notes
    -----
    A share :math:`p` that is reported to :math:`d` decimals of a percentage agrees with :math:`k/n` if
    :math:`|k/n - p| \le 0.005 \cdot 10^{-d}`; without :math:`k`, if some whole number of :math:`n` does (the GRIM
    test of Brown and Heathers 2017, for shares; left out for surveys, whose shares are weighted). Parts of a total must
    sum to it exactly, amounts to the cent.
    Where they do not, what would mend it is looked for: a total in place of its parts, one part with another number
    that mends several totals at once, a part left out or counted twice, digits that changed places. These are
    arithmetic, not proofs.

    References
    ----------
    Brown, N. J. L., Heathers, J. A. J. (2017). The GRIM Test. Social Psychological and Personality Science, 8(4).

    Examples
    --------
    >>> audit = audit_published("data/published")
    >>> audit.ok
    False
    >>> stages = audit.findings.query("rule == 'parts' and severity == 'contradiction'")
    >>> stages[["rows", "expected", "observed"]].values.tolist()
    [['PO05 PO02 PO03 PO04', 91.0, 94.0], ['PO06 PO02 PO03', 57.0, 60.0]]
    """
    choose(language=(language, LANGUAGES))
    figures = read_figures(path)
    return Audit(figures, tuple(_made(figures)), language)


def _made(figures: Figures) -> Iterator[Check]:
    for rule in RULES:
        yield from rule(figures)
