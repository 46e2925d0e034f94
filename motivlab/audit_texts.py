"""What published statements must fulfil beyond their sums: said alike, defined alike, written alike, and complete."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from .audit_dates import agree, apart, ends, length, span
from .audit_read import Figures, Row
from .audit_rules import CENT, Check, names

RATES = {"LVL": 0.702804}  # one euro in a currency that the euro replaced at a fixed rate (Council Regulation 870/2013)
LONG = 35  # letters from which on two equal quotes are one text used twice
METHOD = ("n", "figure", "mode", "wording", "period")  # what a survey result is published with
NOT_STATED = ("", "not stated", "not_stated", "?")


def alike(figures: Figures) -> Iterator[Check]:
    """Statements of one subject say the same; of two versions of a plan, what was changed."""
    for rows in figures.by("subject").values():
        versions: dict[str, list[Row]] = {}
        for row in rows:
            versions.setdefault(row.text("version"), []).append(row)
        for attribute in _ATTRIBUTES:
            firsts = []
            for version in sorted(versions):
                stating = [row for row in versions[version] if _ATTRIBUTES[attribute](row) is not None]
                firsts += stating[:1]
                for row in stating[1:]:
                    yield from _compared(attribute, stating[0], row, "same")
            for before, after in pairwise(firsts):
                yield from _compared(attribute, before, after, "revised")


def _times(row: Row) -> float | None:
    n = row.number("n")
    return None if n is None else n * row.times


def _months(row: Row) -> float | None:
    """Stated where nothing else is, or from the dates."""
    start, end = row.text("period_start"), row.text("period_end")
    if start and end:
        return round(length(start, end), 1) if min(len(start), len(end)) >= 7 else None
    return row.number("months") if not start and not end and not row.text("after") else None


_ATTRIBUTES: dict[str, Callable[[Row], Any]] = {
    "n": _times,
    "k": lambda row: row.number("k"),
    "value": lambda row: row.number("value"),
    "share": lambda row: row.number("share"),
    "period_start": lambda row: row.text("period_start") or None,
    "period_end": lambda row: ends(row) or None,
    "months": _months,
    "population": lambda row: row.text("population") or None,
}
_UNITS = {"n": "count", "k": "count", "value": "amount", "share": "share", "months": "months", "population": "text"}


def _compared(attribute: str, first: Row, second: Row, rule: str) -> Iterator[Check]:
    if attribute == "months" and not (first.number("months") or second.number("months")):
        return  # that of two pairs of dates is said by the dates
    a, b = _ATTRIBUTES[attribute](first), _ATTRIBUTES[attribute](second)
    unit = _UNITS.get(attribute, "date")
    values: dict[str, Any] = {"attribute": attribute}
    if unit == "text":
        same, difference = _parts(a) == _parts(b), None
    elif unit == "date":
        same = agree(a, b)
        difference, values["step"] = apart(a, b)
    else:
        same, difference = _equal(attribute, first, second, a, b), b - a
    if same:
        yield Check(rule, (first.id, second.id), a, b, None if unit == "text" else 0.0, unit, values=values)
        return
    if unit == "amount" and first.text("currency"):
        values["currency"] = first.text("currency")
    bounds = unit not in ("date", "text") and not all(
        r.text("qualifier") in ("", "exact", "computed") for r in (first, second)
    )
    severity = "note" if rule == "revised" or bounds else "contradiction"
    why = tuple(_why(first, second)) if rule == "same" and unit == "count" else ()
    yield Check(rule, (first.id, second.id), a, b, difference, unit, severity, "", values, why)


def _equal(attribute: str, first: Row, second: Row, a: float, b: float) -> bool:
    if attribute == "share":
        return abs(a - b) <= first.half + second.half + 1e-9
    for low, high, row in ((a, b, first), (b, a, second)):
        bound = row.text("qualifier")
        if (bound in ("more_than", "at_least") and high >= low) or (bound == "maximum" and high <= low):
            return True
    return abs(a - b) < (CENT if attribute == "value" else 1e-9)


def _parts(text: str) -> set[str]:
    return {part.strip().casefold() for part in text.split(";")}


def _why(first: Row, second: Row) -> Iterator[tuple[str, dict[str, Any]]]:
    """One of the two was published before the period of the other was over."""
    for early, late in ((first, second), (second, first)):
        on, end = early.text("as_of") or early.text("published_on"), late.text("period_end")
        if on and end and span(on)[1] < span(end)[1]:
            yield "why_early", {"early": early.id, "on": on, "late": late.id, "end": end}
            return


# -------------------------------------------------------------------------------------------------- definitions


def definitions(figures: Figures) -> Iterator[Check]:
    """Within a programme success means one thing, and those it is a share of are named by one word."""
    for rule, column in (("definition", "definition"), ("denominator", "denominator")):
        groups: dict[tuple[str, str], list[Row]] = {}
        for row in figures.having(column):
            programme = row.text("project") or row.text("programme") or row.table
            # one word for the denominator is asked for only within one definition
            groups.setdefault((programme, row.text("definition") if rule == "denominator" else ""), []).append(row)
        for rows in groups.values():
            said = list(dict.fromkeys(row.text(column) for row in rows))
            if len(rows) > 1:
                many = len(said) > 1
                yield Check(
                    rule, names(rows), said[0], "; ".join(said[1:]) or said[0], float(len(said) - 1), "text",
                    "note" if many else "", values={"named": tuple(said)},
                )  # fmt: skip


def places(figures: Figures) -> Iterator[Check]:
    """A total names every place that its parts name, and no other."""
    for total in figures.having("places"):
        for group in figures.partitions(total.id).values():
            if not all(part.text("places") for part in group):
                continue
            mine = [place.strip() for place in total.text("places").split(";")]
            theirs = list(dict.fromkeys(place.strip() for part in group for place in part.text("places").split(";")))
            left_out = [place for place in theirs if place not in mine]
            added = [place for place in mine if place not in theirs]
            severity = "contradiction" if left_out or added else ""
            values = {"left_out": ", ".join(left_out), "added": ", ".join(added)}
            key = "places" if left_out else "places_added"
            yield Check(
                "places",
                names([total, *group]),
                ", ".join(theirs),
                ", ".join(mine),
                None,
                "text",
                severity,
                key,
                values,
            )


def ages(figures: Figures) -> Iterator[Check]:
    """One age bound where age is the ground."""
    rows = [row for row in figures.having("age_min") if "age" in (row.text("ground"), row.text("item"))]
    if len(rows) > 1:
        bounds = sorted(row.number("age_min") or 0.0 for row in rows)
        severity = "note" if len(set(bounds)) > 1 else ""
        observed = "; ".join(f"{bound:g}" for bound in bounds)
        yield Check("ages", names(rows), bounds[0], observed, bounds[-1] - bounds[0], "age", severity)


# ---------------------------------------------------------------------------------------------------- as written


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def identifiers(figures: Figures) -> Iterator[Check]:
    """A number is typed one way, is one number for one thing, and has one title."""
    rows = list(figures.having("number"))
    for column, rule, same in (("number", "identifier", _letters), ("subject", "identifier", str)):
        groups: dict[str, list[Row]] = {}
        for row in rows:
            if row.text(column) and (column == "number" or row.text("title") or row.table == "identifiers"):
                groups.setdefault(same(row.text(column)), []).append(row)
        for group in groups.values():
            yield from _forms(rule, group, "number", lambda text: re.sub(r"\s", "", text), f"identifier_{column}")
    titled: dict[str, list[Row]] = {}
    for row in rows:
        if row.text("title"):
            titled.setdefault(_letters(row.text("number")), []).append(row)
    for group in titled.values():
        yield from _forms("title", group, "title", _letters, "title_differs")


def _forms(rule: str, group: list[Row], column: str, same: Callable[[str], str], key: str) -> Iterator[Check]:
    if len(group) < 2:
        return
    forms: dict[str, str] = {}
    for row in group:
        forms.setdefault(same(row.text(column)), row.text(column))
    first, *others = forms.values()
    yield Check(
        rule, names(group), first, "; ".join(others) or first, float(len(forms) - 1), "text",
        "contradiction" if others else "", key,
    )  # fmt: skip


def formats(figures: Figures) -> Iterator[Check]:
    """Numbers are written in one way within a document."""
    for rows in _by_source(list(figures.having("as_written"))).values():
        kinds = list(dict.fromkeys(kind for row in rows for kind in _written(row.text("as_written"))))
        severity = "note" if len(kinds) > 1 else ""
        yield Check(
            "format", names(rows), 1.0, float(len(kinds)), len(kinds) - 1.0, "count", severity,
            values={"examples": " / ".join(_examples(rows))},
        )  # fmt: skip


def _by_source(rows: list[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.text("source_file") or row.table, []).append(row)
    return groups


def _written(text: str) -> list[str]:
    """The signs of a number as it is written: decimal comma, decimal point, comma for thousands."""
    found = []
    if re.search(r"\d,\d{3}(?!\d)", text):
        found.append("thousands comma")
    if re.search(r",\d{1,2}$", text):
        found.append("decimal comma")
    if re.search(r"\.\d{1,2}$", text):
        found.append("decimal point")
    return found


def _examples(rows: list[Row]) -> list[str]:
    """One number for each way of writing."""
    chosen: dict[str, str] = {}
    for row in rows:
        for kind in _written(row.text("as_written")):
            chosen.setdefault(kind, row.text("as_written"))
    return list(chosen.values())


def currencies(figures: Figures) -> Iterator[Check]:
    """Amounts are in one currency; where the rate is fixed, what it makes in euro."""
    rows = [row for row in figures.having("currency") if row.number("value") is not None]
    if len({row.text("currency") for row in rows}) < 2:
        return
    for row in rows:
        currency, value = row.text("currency"), row.number("value") or 0.0
        if currency in RATES:
            values = {"currency": "EUR", "from": currency, "amount": value, "rate": RATES[currency]}
            yield Check(
                "currency",
                (row.id,),
                None,
                value / RATES[currency],
                None,
                "amount",
                "note",
                "currency_converted",
                values,
            )
        elif currency != "EUR":
            yield Check(
                "currency", (row.id,), None, value, None, "amount", "note", "currency_other", {"currency": currency}
            )


def repeated(figures: Figures) -> Iterator[Check]:
    """A text that stands in two places is one statement, not two."""
    quotes: dict[str, list[Row]] = {}
    for row in figures.having("quote", "source_line"):
        # of a number that is typed again the quote is the same by its nature
        if len(letters := _letters(row.text("quote"))) >= LONG and not row.text("number"):
            quotes.setdefault(letters, []).append(row)
    for rows in quotes.values():
        found = len({(row.text("source_file"), row.text("source_line")) for row in rows})
        if found > 1:
            yield Check(
                "repeated", names(rows), 1.0, float(found), found - 1.0, "count", "note",
                values={"quote": rows[0].text("quote")},
            )  # fmt: skip


# ------------------------------------------------------------------------------------------------ what is missing


def methods(figures: Figures) -> Iterator[Check]:
    """A survey result comes with its n, its figure, the mode, the wording and the period asked about."""
    for survey, rows in figures.by("survey").items():
        missing = [item for item in METHOD if not any(_states(row, item) for row in rows)]
        yield Check(
            "method", names(rows), ", ".join(METHOD), ", ".join(item for item in METHOD if item not in missing), None,
            "text", "note" if missing else "", "method" if "n" in missing else "method_n_known",
            {"survey": survey, "missing": tuple(missing)},
        )  # fmt: skip


def _states(row: Row, item: str) -> bool:
    if item == "figure":
        return row.number("share") is not None or row.number("k") is not None
    return row.text(item).casefold() not in NOT_STATED


def notes(figures: Figures) -> Iterator[Check]:
    """What can only be read: it stands as a note on its row, and is reported, not computed."""
    for row in figures.having("note"):
        values = {language: row.text(f"note_{language}") or row.text("note") for language in ("lv", "ru")}
        yield Check("read", (row.id,), severity="read", key="noted", values={"en": row.text("note"), **values})
