"""Numbers, dates and times as an expression of a form reads and writes them, one value at a time."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?",
    re.ASCII,
)
_TIME = re.compile(r"(\d{2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?(?:Z|[+-]\d{2}(?::?\d{2})?)?", re.ASCII)


def number_of(text: str) -> float:
    """A text as a number: a date or a time of a day is its days since 1970-01-01 UTC; NaN where it is neither.

    Examples
    --------
    >>> number_of("-2.5"), number_of("1970-01-02"), number_of("1970-01-01T18:00:00+06:00"), number_of("x")
    (-2.5, 1.0, 0.5, nan)
    """
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return float(text)
    if text[4:5] != "-":
        return float("nan")
    found = moment(text)
    return float("nan") if found is None else (found - EPOCH) / timedelta(days=1)


def text_of(value: object) -> str:
    """A value as text: a number without an exponent, and without a point if it is whole.

    Examples
    --------
    >>> text_of(3.0), text_of(0.1), text_of(1e21), text_of(float("nan")), text_of(True)
    ('3', '0.1', '1000000000000000000000', 'NaN', 'true')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, float):
        return str(value)
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value.is_integer():
        return str(int(value))
    shown = repr(value)
    return format(Decimal(shown), "f") if "e" in shown else shown


def moment(text: str) -> datetime | None:
    """A date, a date with a time, or a number of days since 1970-01-01, in the time zone it is written in.

    Without a time zone it is read as UTC; None where it is none of these, such as 30 February.
    """
    text = text.strip()
    if _NUMBER.fullmatch(text):
        try:
            return EPOCH + timedelta(milliseconds=round(float(text) * 86_400_000))
        except (OverflowError, ValueError):
            return None
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        at = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC)
        if fraction:
            at += timedelta(microseconds=int(fraction.ljust(6, "0")[:6]))
        if zone and zone != "Z":
            minutes = int(zone[1:3]) * 60 + int(zone[-2:] if len(zone) > 3 else 0)
            at = at.replace(tzinfo=timezone(timedelta(minutes=-minutes if zone[0] == "-" else minutes)))
    except (OverflowError, ValueError):
        return None
    return at


def day_text(text: str) -> str:
    """The day of a moment, ``2021-10-31``; empty if it is none."""
    at = moment(text)
    return at.date().isoformat() if at else ""


def time_text(text: str) -> str:
    """A moment with its time, as XForms writes it; empty if it is none."""
    at = moment(text)
    return at.isoformat(timespec="milliseconds") if at else ""


def part_of_day(text: str) -> float:
    """A time of the day as a share of it, 0.5 at noon, where the clock stood that was read."""
    found = _TIME.fullmatch(text.strip())
    if found:
        return (int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3] or 0)) / 86_400
    at = moment(text)
    if at is None:
        return float("nan")
    return (at - at.replace(hour=0, minute=0, second=0, microsecond=0)) / timedelta(days=1)


def formatted(text: str, pattern: str) -> str:
    """A moment in the format of ``format-date()``; months and days of the week by their English names.

    Examples
    --------
    >>> formatted("2021-03-07", "%e %b %Y"), formatted("2021-03-07T08:05:00", "%H:%M"), formatted("", "%Y")
    ('7 Mar 2021', '08:05', '')
    """
    at = moment(text)
    if at is None:
        return ""
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    parts = {
        "Y": f"{at.year:04}", "y": f"{at.year % 100:02}", "m": f"{at.month:02}", "n": str(at.month),
        "b": months[at.month - 1], "d": f"{at.day:02}", "e": str(at.day), "a": days[at.weekday()],
        "H": f"{at.hour:02}", "h": str(at.hour), "M": f"{at.minute:02}", "S": f"{at.second:02}",
        "3": f"{at.microsecond // 1000:03}", "%": "%", "W": str(date.isocalendar(at.date()).week),
    }  # fmt: skip
    return re.sub(r"%(.)", lambda match: parts.get(match[1], match[0]), pattern)
