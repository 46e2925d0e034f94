"""Dates as sources give them, a year, a month or a day; and what published periods must fulfil."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from .audit_read import Figures, Row
from .audit_rules import Check, names

DAYS_A_MONTH = 30.4375
NEAR = 28  # two days less apart than this are told in days


def span(text: str) -> tuple[dt.date, dt.date]:
    """The first and the last day that a date of any precision may mean.

    Examples
    --------
    >>> [day.isoformat() for day in span("2022-02")]
    ['2022-02-01', '2022-02-28']
    """
    parts = [int(part) for part in text.split("-")]
    year, month = parts[0], parts[1] if len(parts) > 1 else 0
    if len(parts) == 3:
        return dt.date(*parts), dt.date(*parts)
    first, last = (month, month) if month else (1, 12)
    return dt.date(year, first, 1), dt.date(year, last, calendar.monthrange(year, last)[1])


def agree(a: str, b: str) -> bool:
    """Whether two dates may be the same day."""
    (a_first, a_last), (b_first, b_last) = span(a), span(b)
    return a_first <= b_last and b_first <= a_last


def apart(a: str, b: str) -> tuple[float, str]:
    """How much later b is than a, in days if both are days and near, in months, or in years."""
    if len(a) == len(b) == 10 and abs((span(b)[0] - span(a)[0]).days) < NEAR:
        return float((span(b)[0] - span(a)[0]).days), "days"
    if min(len(a), len(b)) == 4:
        return float(int(b[:4]) - int(a[:4])), "years"
    return float((int(b[:4]) - int(a[:4])) * 12 + int(b[5:7]) - int(a[5:7])), "months"


def plus(text: str, months: int) -> str:
    """A date some months later, as precise as it was.

    Examples
    --------
    >>> plus("2020-11", 3), plus("2020-10-31", 4)
    ('2021-02', '2021-02-28')
    """
    year, month, *day = (int(part) for part in text.split("-"))
    at = year * 12 + month - 1 + months
    year, month = at // 12, at % 12 + 1
    if not day:
        return f"{year:04d}-{month:02d}"
    return dt.date(year, month, min(day[0], calendar.monthrange(year, month)[1])).isoformat()


def length(start: str, end: str) -> float:
    """From the first day of one date to the last of another, in months."""
    first, after = span(start)[0], span(end)[1] + dt.timedelta(days=1)
    return (after.year - first.year) * 12 + after.month - first.month + (after.day - first.day) / DAYS_A_MONTH


def ends(row: Row) -> str:
    """When a period ends: as stated, or start + months; empty if neither is known."""
    start, months = row.text("period_start"), row.number("months")
    if row.text("period_end") or not start or not months or months % 1 or len(start) < 7:
        return row.text("period_end")
    later = plus(start, int(months))
    if len(later) == 10:
        return (dt.date.fromisoformat(later) - dt.timedelta(days=1)).isoformat()
    return plus(later, -1)


# ------------------------------------------------------------------------------------------------------- rules


def lengths(figures: Figures) -> Iterator[Check]:
    """Start + months is the end; so is what a period was extended from + the months it was extended by."""
    for row in figures.having("months", "period_end"):
        months, end = row.number("months") or 0.0, row.text("period_end")
        if row.text("period_start"):
            lasts = length(row.text("period_start"), end)
            wrong = abs(lasts - months) >= 0.5
            severity = ("note" if row.text("qualifier") == "about" else "contradiction") if wrong else ""
            yield Check("length", (row.id,), months, lasts, lasts - months, "months", severity)
        for other in (figures.rows[id_] for id_ in row.ids("after")):
            if len(ends(other)) < 7:
                continue
            due = plus(ends(other), int(months))
            by, step = apart(due, end)
            wrong = not agree(due, end)
            values = {"step": step, "months": months, "end": ends(other)}
            severity = "contradiction" if wrong else ""
            yield Check(
                "length", (row.id, other.id), due, end, by if wrong else 0.0, "date", severity, "extended", values
            )


def periods(figures: Figures) -> Iterator[Check]:
    """A period does not end before it starts, and the periods of parts lie within that of their total."""
    for row in figures.having("period_start", "period_end"):
        if span(row.text("period_end"))[1] < span(row.text("period_start"))[0]:
            yield Check(
                "period",
                (row.id,),
                row.text("period_start"),
                row.text("period_end"),
                None,
                "date",
                "contradiction",
                "period_backwards",
            )
    for total in figures.having("period_start", "period_end"):
        first, last = span(total.text("period_start"))[0], span(total.text("period_end"))[1]
        for group in figures.partitions(total.id).values():
            dated = [part for part in group if part.text("period_start") and part.text("period_end")]
            if not dated:
                continue
            starts = min(dated, key=lambda part: span(part.text("period_start"))[0])
            stops = max(dated, key=lambda part: span(part.text("period_end"))[1])
            outside = span(starts.text("period_start"))[1] < first or span(stops.text("period_end"))[0] > last
            covered = f"{starts.text('period_start')}–{stops.text('period_end')}"
            severity = "contradiction" if outside else ""
            yield Check("period", names([total, *dated]), _said(total), covered, None, "text", severity)


def _said(row: Row) -> str:
    start, end = row.text("period_start"), row.text("period_end")
    return start if start == end else f"{start}–{end}"


def dated(figures: Figures) -> Iterator[Check]:
    """What was published before the period it speaks of, plans aside, has another date than its content."""
    pages: dict[tuple[str, str], list[Row]] = {}
    for row in figures.having("published_on", "period_end"):
        if not row.yes("planned"):
            pages.setdefault((row.text("source_file") or row.table, row.text("published_on")), []).append(row)
    for (_, on), rows in pages.items():
        early = [row for row in rows if span(row.text("period_end"))[0] > span(on)[1]]
        last = max((row.text("period_end") for row in early or rows), key=lambda end: span(end)[0])
        by, step = apart(last, on) if early else (0.0, "")
        yield Check(
            "dated", names(early or rows), last, on, by, "date", "contradiction" if early else "", values={"step": step}
        )


def series(figures: Figures) -> Iterator[Check]:
    """A number that is counted up does not fall; of two statements of one number only the earlier is in the series."""
    for rows in figures.by("series").values():
        known = [row for row in rows if row.number("n") is not None and _when(row)]
        known.sort(key=lambda row: span(_when(row))[1])
        seen: set[str] = set()
        steps = []
        for row in known:
            if not row.text("subject") or row.text("subject") not in seen:
                steps.append(row)
                seen.add(row.text("subject"))
        for before, after in pairwise(steps):
            a, b = before.number("n") or 0.0, after.number("n") or 0.0
            fallen = b < a and after.text("qualifier") not in ("more_than", "at_least")
            lower = b < a and not fallen
            severity = "contradiction" if fallen else "note" if lower else ""
            yield Check("series", (before.id, after.id), a, b, b - a, "count", severity)


def _when(row: Row) -> str:
    return row.text("as_of") or row.text("published_on") or row.text("period_end")


def plans(figures: Figures) -> Iterator[Check]:
    """What was planned, beside what was reached: n, k, months, or the end of a period and the gaps in it."""
    for plan in figures.having("planned_for"):
        reached = [figures.rows[id_] for id_ in plan.ids("planned_for")]
        for count in ("n", "k"):
            yield from _planned_count(plan, reached, count)
        if plan.number("n") is None and plan.number("k") is None:
            yield from _planned_months(plan, reached) if plan.number("months") else _planned_period(plan, reached)


def _planned_count(plan: Row, reached: list[Row], count: str) -> Iterator[Check]:
    stated = plan.number(count)
    if stated is None:
        return
    planned = stated * plan.times
    for row in reached:
        real = row.number(count)
        if real is not None:
            severity = "note" if real != planned else ""
            values: dict[str, Any] = {"reached_share": real / planned} if planned else {}
            yield Check("planned", (plan.id, row.id), planned, real, real - planned, "count", severity, values=values)


def _planned_months(plan: Row, reached: list[Row]) -> Iterator[Check]:
    months = plan.number("months") or 0.0
    for row in reached:
        if row.text("period_start") and row.text("period_end"):
            lasts = length(row.text("period_start"), row.text("period_end"))
            severity = "note" if abs(lasts - months) >= 0.05 else ""
            yield Check(
                "planned", (plan.id, row.id), months, lasts, lasts - months, "months", severity, "planned_months"
            )


def _planned_period(plan: Row, reached: list[Row]) -> Iterator[Check]:
    rows = sorted(
        (row for row in reached if row.text("period_start") and row.text("period_end")),
        key=lambda row: span(row.text("period_start"))[0],
    )
    if not rows or not plan.text("period_end"):
        return
    last = max(rows, key=lambda row: span(row.text("period_end"))[1])
    end, planned = last.text("period_end"), plan.text("period_end")
    by, step = apart(planned, end)
    severity = "" if agree(planned, end) else "note"
    yield Check(
        "planned",
        (plan.id, last.id),
        planned,
        end,
        by if severity else 0.0,
        "date",
        severity,
        "planned_end",
        {"step": step},
    )
    for before, after in pairwise(rows):
        stop, start = before.text("period_end"), after.text("period_start")
        if len(stop) < 7 or len(start) < 7:
            continue
        idle = apart(stop[:7], start[:7])[0] - 1
        severity = "note" if idle > 0 else ""
        yield Check(
            "planned",
            (plan.id, before.id, after.id),
            stop,
            start,
            max(idle, 0.0),
            "date",
            severity,
            "planned_gap",
            {"step": "months", "months": idle},
        )
