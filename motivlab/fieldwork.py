"""Response, cooperation, refusal and contact rates, as the AAPOR defines them, from the final dispositions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from .codes import as_numbers, as_texts
from .language import LANGUAGES, number, say
from .questionnaire import did_you_mean
from .shown import Shown

Sample = Literal["probability", "nonprobability"]

COLUMNS = ("group", "rate", "name", "value", "numerator", "denominator", "e", "formula", "reason")

# The AAPOR's codes and the names that fieldwork reports give them; several names of one code are added up.
DISPOSITIONS = {
    "I": ("complete interview", "complete", "completed", "completed interview", "interview"),
    "P": ("partial interview", "partial", "partially completed", "sufficient partial"),
    "R": ("refusal and break-off", "refusal", "refused", "break-off", "breakoff"),
    "NC": ("non-contact", "noncontact", "not contacted"),
    "O": ("other", "other non-interview", "other eligible non-interview"),
    "UH": ("unknown if household/occupied", "unknown if household", "unknown household", "unknown if occupied"),
    "UO": ("unknown other", "unknown eligibility", "unknown if eligible"),
    "NE": ("not eligible", "ineligible", "known ineligible"),
    "ND": ("not delivered", "undelivered", "invitation not delivered"),
}
UNKNOWN = ("UH", "UO")
ELIGIBLE = ("I", "P", "R", "NC", "O")


@dataclass(frozen=True)
class Rate:
    """One rate: what is counted above and below the line, and how cases of unknown eligibility count below it.

    Attributes
    ----------
    code : str
        ``RR1``.
    numerator, denominator : tuple of str
        Codes of dispositions.
    unknown : {"", "all", "e"}
        None of UH and UO stand in the denominator, all of them, or the share e.
    """

    code: str
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    unknown: Literal["", "all", "e"] = ""

    @property
    def formula(self) -> str:
        """As text: ``I / (I + P + R + NC + O + e(UH + UO))``."""
        above, unknown = " + ".join(self.numerator), " + ".join(UNKNOWN)
        below = [*self.denominator, *{"": [], "all": [unknown], "e": [f"e({unknown})"]}[self.unknown]]
        return f"{f'({above})' if len(self.numerator) > 1 else above} / ({' + '.join(below)})"


_CONTACTED = ("I", "P", "R", "O")
RATES = (
    Rate("RR1", ("I",), ELIGIBLE, "all"),
    Rate("RR2", ("I", "P"), ELIGIBLE, "all"),
    Rate("RR3", ("I",), ELIGIBLE, "e"),
    Rate("RR4", ("I", "P"), ELIGIBLE, "e"),
    Rate("RR5", ("I",), ELIGIBLE),
    Rate("RR6", ("I", "P"), ELIGIBLE),
    Rate("COOP1", ("I",), _CONTACTED),
    Rate("COOP2", ("I", "P"), _CONTACTED),
    Rate("COOP3", ("I",), ("I", "P", "R")),
    Rate("COOP4", ("I", "P"), ("I", "P", "R")),
    Rate("REF1", ("R",), ELIGIBLE, "all"),
    Rate("REF2", ("R",), ELIGIBLE, "e"),
    Rate("REF3", ("R",), ELIGIBLE),
    Rate("CON1", _CONTACTED, ELIGIBLE, "all"),
    Rate("CON2", _CONTACTED, ELIGIBLE, "e"),
    Rate("CON3", _CONTACTED, ELIGIBLE),
)
# Whoever was screened out had got the invitation; what was not delivered (ND) had not.
PARTICIPATION = Rate("PR", ("I", "P"), (*ELIGIBLE, "UH", "UO", "NE"))


@dataclass(frozen=True, repr=False)
class ResponseRates(Shown):
    """The rates of a fieldwork, and the counts they come from. In a notebook it shows as their table.

    Attributes
    ----------
    counts : DataFrame
        Cases: one row per group, the total (an empty name) first, and one column per disposition code.
    sample : {"probability", "nonprobability"}
    e : dict of str to float
        By group: the share of eligible cases among those of unknown eligibility; NaN where it is not known.
    e_basis : str
        Where e comes from; ``proportional`` if it is computed, empty if there is none.
    invitations : bool
        Whether anything but interviews was recorded, so that it is known who was invited.
    language : str
    """

    counts: pd.DataFrame
    sample: Sample
    e: dict[str, float]
    e_basis: str = ""
    invitations: bool = True
    language: str = "en"

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups, without the total."""
        return tuple(self.counts.index[1:])

    @property
    def rates(self) -> tuple[Rate, ...]:
        """The rates that the sample has: of a non-probability sample only the participation rate."""
        return RATES if self.sample == "probability" else (PARTICIPATION,)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The rates, unrounded: one row per group and rate, the total first.

        Columns: ``group``, empty in the total; ``rate``, ``RR1``; ``name``, in the language of the result; ``value``,
        between 0 and 1; ``numerator`` and ``denominator``; ``e``, where the rate uses it; ``formula``; ``reason``, in
        words, where the value is NaN.
        """
        cases = self.counts.to_dict("index")
        rows = [self._row(str(group), of_group, rate) for group, of_group in cases.items() for rate in self.rates]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def _row(self, group: str, cases: Mapping[Any, int], rate: Rate) -> tuple[Any, ...]:
        unknown = sum(cases[code] for code in UNKNOWN)
        # nobody's eligibility is unknown: then e plays no part, and need not be known
        share = {"": 0.0, "all": 1.0, "e": self.e[group] if unknown else 0.0}[rate.unknown]
        above = float(sum(cases[code] for code in rate.numerator))
        below = float(sum(cases[code] for code in rate.denominator)) + share * unknown
        reason = ""
        if np.isnan(below):
            reason = say("rate_e_unknown" if self.e_basis == "proportional" else "rate_no_e", self.language)
        elif below == 0:
            reason = say("rate_no_cases", self.language)
        elif rate is PARTICIPATION and not self.invitations:
            reason, below = say("rate_no_invitations", self.language), np.nan
        e = self.e[group] if rate.unknown == "e" else np.nan
        value = np.nan if reason else above / below
        name = say(f"rate_{rate.code.lower()}", self.language)
        return group, rate.code, name, value, above, below, e, rate.formula, reason

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to be said with the rates: the standard, e and its basis, why a rate is missing."""
        return tuple(self._notes())

    def _notes(self) -> Iterator[str]:
        language = self.language
        yield say("note_rates_source", language)
        if self.sample == "nonprobability":
            yield say("note_participation", language)
        else:
            yield say("note_rates_unknown", language)
            if not self.counts.loc["", list(UNKNOWN)].any():
                yield say("note_rates_none_unknown", language)
            elif self.e_basis:
                yield self._note_e()
        for reason, rows in self.frame[self.frame["reason"] != ""].groupby("reason", sort=False):
            named = [group for group in dict.fromkeys(rows["group"]) if group]
            where = "" if (rows["group"] == "").any() else f" ({', '.join(named)})"
            yield say(
                "note_rate_missing", language, rates=", ".join(dict.fromkeys(rows["rate"])) + where, reason=reason
            )

    def _note_e(self) -> str:
        known = {group: number(e, self.language, 3) for group, e in self.e.items() if not np.isnan(e)}
        text = known.get("", say("blank", self.language))
        if len(set(known.values())) > 1:
            parts = [f"{group}: {e}" for group, e in known.items() if group]
            text = f"{text} ({'; '.join(parts)})"
        if self.e_basis == "proportional":
            return say("note_e_proportional", self.language, e=text)
        return say("note_e_given", self.language, e=text, basis=self.e_basis.rstrip("."))

    def to(self, language: str) -> ResponseRates:
        """The same, shown in another language (lv, en or ru)."""
        return replace(self, language=_language(language))


def response_rates(
    dispositions: Mapping[str, int] | pd.Series | pd.DataFrame,
    e: float | Mapping[str, float] | Literal["proportional"] | None = None,
    e_basis: str = "",
    sample: Sample = "probability",
    language: str = "en",
) -> ResponseRates:
    r"""Outcome rates of a fieldwork: RR1-RR6, COOP1-COOP4, REF1-REF3 and CON1-CON3.

    .. math:: RR3 = \frac{I}{(I + P) + (R + NC + O) + e(UH + UO)}

    RR1 counts all cases of unknown eligibility (UH, UO) as eligible, RR3 the share e of them, RR5 none; RR2, RR4 and
    RR6 add the partial interviews to the complete ones. The formula of every rate stands beside it in the result.

    Of a non-probability sample there is only the participation rate, usable responses over the invitations that were
    delivered. It has no response rate and, as here nowhere, no margin of error.

    Parameters
    ----------
    dispositions : mapping, Series or DataFrame
        Cases by final disposition: ``I`` complete interview, ``P`` partial interview, ``R`` refusal and break-off,
        ``NC`` non-contact, ``O`` other, ``UH`` unknown if household/occupied, ``UO`` unknown other, ``NE`` not
        eligible; of a non-probability sample also ``ND``, invitation not delivered. Those long names do as well.
        A DataFrame has the columns ``disposition`` and ``count``, and ``group`` for rates per region, mode and so on.
        Rows of the same group and disposition are added up.
    e : float, mapping of group to float, or "proportional", optional
        The share of eligible cases among those of unknown eligibility. ``proportional`` computes it in every row as
        known eligible / all of known eligibility (the CASRO method), for which NE must be counted. With a mapping the
        total has the average, weighted by the cases of unknown eligibility. Without it RR3, RR4, REF2 and CON2 are NaN
        and say why, unless there is no case of unknown eligibility.
    e_basis : str
        Where a given e comes from. Required with it: the standard wants it stated.
    sample : {"probability", "nonprobability"}
    language : {"lv", "en", "ru"}

    Returns
    -------
    ResponseRates

    Raises
    ------
    ValueError
        If a disposition is unknown, a count is no whole number from 0 on, a column is missing, there are no cases, or e
        is outside 0 to 1 or without a basis.

    References
    ----------
    AAPOR (2023). Standard Definitions: Final Dispositions of Case Codes and Outcome Rates for Surveys. 10th edition.

    ISO 26362:2009. Access panels in market, opinion and social research (participation rate).

    Examples
    --------
    >>> cases = {"I": 760, "P": 339, "R": 59, "NC": 288, "O": 1, "UO": 173, "NE": 71}
    >>> rates = response_rates(cases, e="proportional")
    >>> rates.frame.set_index("rate")["value"].round(3)[["RR1", "RR3", "RR5"]].to_dict()
    {'RR1': 0.469, 'RR3': 0.471, 'RR5': 0.525}
    >>> rates.frame.loc[2, "formula"]
    'I / (I + P + R + NC + O + e(UH + UO))'
    """
    _language(language)
    if sample not in get_args(Sample):
        raise ValueError(f"sample is {sample!r}{did_you_mean(str(sample), get_args(Sample))} Use probability or "
                         "nonprobability.")  # fmt: skip
    cases = _cases(dispositions)
    named = set(cases["code"])
    if sample == "probability" and "ND" in named:
        raise ValueError(
            "dispositions: ND (invitation not delivered) belongs to a non-probability sample. In a probability sample "
            "such a case is of unknown eligibility: count it as UO."
        )
    if sample == "nonprobability" and (e is not None or e_basis):
        raise ValueError("e is of no use for a non-probability sample, which has no response rate. Leave it out.")
    counts = _counted(cases)
    shares = _shares(e, e_basis, cases, counts)
    basis = "proportional" if isinstance(e, str) else e_basis.strip()
    invitations = bool(named & {"R", "NC", "O", "UH", "UO"})
    return ResponseRates(counts, sample, shares, basis, invitations, language)


def _language(language: str) -> str:
    if language not in LANGUAGES:
        raise ValueError(f"language is {language!r}. Use {', '.join(LANGUAGES)}.")
    return language


def _cases(dispositions: Mapping[str, int] | pd.Series | pd.DataFrame) -> pd.DataFrame:
    """The rows as they came, read and checked: columns ``group``, ``code``, ``count``."""
    if isinstance(dispositions, pd.DataFrame):
        frame = dispositions
        for column in ("disposition", "count"):
            if column not in frame:
                near = did_you_mean(column, map(str, frame.columns))
                raise ValueError(f"dispositions: the column {column!r} is missing{near} Add it, or rename one.")
    elif isinstance(dispositions, (Mapping, pd.Series)):
        items = list(dispositions.items())
        frame = pd.DataFrame({"disposition": [name for name, _ in items], "count": [count for _, count in items]})
    else:
        raise ValueError(
            f"dispositions is a {type(dispositions).__name__}. Give a mapping of disposition to count, or a DataFrame "
            "with the columns disposition and count."
        )
    names, counts, raw = as_texts(frame["disposition"]), as_numbers(frame["count"]), frame["count"].tolist()
    groups = as_texts(frame["group"]) if "group" in frame else np.full(len(frame), "", dtype=object)
    codes = []
    for i, (name, count) in enumerate(zip(names, counts, strict=True)):
        where = f"dispositions, row {i + 1}"
        codes.append(_code(str(name), where))
        if not (np.isfinite(count) and count >= 0 and count % 1 == 0):
            raise ValueError(
                f"{where}: the count of {name} is {raw[i]!r}. It must be a whole number of cases, 0 or more."
            )
        if "group" in frame and groups[i] == "":
            raise ValueError(f"{where}: the group of {name} is blank. Name it, or leave the column out.")
    return pd.DataFrame({"group": groups.astype(str), "code": codes, "count": counts.astype(int)})


def _plain(name: str) -> str:
    """A name without what writers differ in: case, hyphens, slashes, underscores."""
    return " ".join(re.split(r"[\W_]+", name.casefold())).strip()


_CODES = {_plain(name): code for code, names in DISPOSITIONS.items() for name in (code, *names)}


def _code(name: str, where: str) -> str:
    if _plain(name) not in _CODES:
        near = did_you_mean(_plain(name), _CODES)
        known = ", ".join(f"{code} ({names[0]})" for code, names in DISPOSITIONS.items())
        raise ValueError(f"{where}: unknown disposition {name!r}{near} Known: {known}.")
    return _CODES[_plain(name)]


def _counted(cases: pd.DataFrame) -> pd.DataFrame:
    """Cases per group and code; the total, with an empty name, first."""
    groups = [group for group in dict.fromkeys(cases["group"]) if group]
    table = cases.pivot_table(index="group", columns="code", values="count", aggfunc="sum", fill_value=0)
    table = table.reindex(index=groups, columns=list(DISPOSITIONS), fill_value=0)
    total = cases.groupby("code")["count"].sum().reindex(list(DISPOSITIONS), fill_value=0)
    for group, n in [("", total.sum()), *table.sum(axis=1).items()]:
        if n == 0:
            of_group = f" in the group {group!r}" if group else ""
            raise ValueError(f"dispositions: there are no cases{of_group}. Give at least one count above 0.")
    return pd.concat([total.to_frame("").T, table]).astype(int).rename_axis(index="group", columns=None)


def _shares(e: Any, basis: str, cases: pd.DataFrame, counts: pd.DataFrame) -> dict[str, float]:
    """The share e of the total and of each group; NaN where there is none."""
    if e is None:
        if basis:
            raise ValueError(f"e_basis is {basis!r}, but there is no e. Give e, or leave e_basis out.")
        return dict.fromkeys(counts.index, np.nan)
    if isinstance(e, str):
        if e != "proportional":
            near = did_you_mean(e, ["proportional"])
            raise ValueError(f"e is {e!r}{near} Give a share from 0 to 1, or e='proportional'.")
        if basis:
            raise ValueError("e='proportional' is its own basis. Leave e_basis out.")
        return _proportional(cases, counts)
    if not basis.strip():
        raise ValueError(
            f"e is {e!r} without its basis. Say in e_basis= where it comes from, e_basis='screener of the 2021 wave'."
        )
    if not isinstance(e, Mapping):
        return dict.fromkeys(counts.index, _share(e, "e"))
    groups = list(counts.index[1:])
    for group in e:
        if group not in groups:
            raise ValueError(f"e: no group {group!r} in dispositions{did_you_mean(str(group), groups)} Correct it.")
    for group in groups:
        if group not in e:
            raise ValueError(f"e has no value for the group {group!r}. Add it.")
    shares = {group: _share(e[group], f"e of {group!r}") for group in groups}
    unknown = counts[list(UNKNOWN)].sum(axis=1)
    total = sum(share * unknown[group] for group, share in shares.items()) / unknown[""] if unknown[""] else np.nan
    return {"": float(total), **shares}


def _share(value: Any, name: str) -> float:
    if not isinstance(value, (int, float, np.integer, np.floating)) or not 0 <= value <= 1:
        raise ValueError(f"{name} is {value!r}. It is a share: give a number from 0 to 1, or e='proportional'.")
    return float(value)


def _proportional(cases: pd.DataFrame, counts: pd.DataFrame) -> dict[str, float]:
    counted = set(cases.loc[cases["code"] == "NE", "group"])
    for group in counts.index[1:] if len(counts) > 1 else counts.index:
        if group not in counted:
            of_group = f" of the group {group!r}" if group else ""
            raise ValueError(
                f"e='proportional' needs the cases{of_group} that are not eligible, or e would be 1. Add a count for "
                "NE, 0 if there were none."
            )
    eligible = counts[list(ELIGIBLE)].sum(axis=1)
    known = eligible + counts["NE"]
    return {str(group): eligible[group] / known[group] if known[group] else np.nan for group in counts.index}
