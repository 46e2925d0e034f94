"""What published figures must fulfil, number against number: each rule a function over all rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .audit_read import Figures, Row, contribution

COUNTS = ("n", "k", "value")
CENT = 0.005  # half the last digit of an amount
FEW = 3  # an explanation that fits more parts than these tells none of them from the others
WHOLE_UNIT = 1.0  # an amount that a rounded percentage misses by no more than this is as good as it gets


@dataclass(frozen=True)
class Check:
    """One comparison of what is stated with what follows from other statements.

    Attributes
    ----------
    rule : str
    rows : tuple of str
        The ids of the rows compared; the one that is judged first.
    expected, observed : number or str, optional
        What one row states, and what another states or what follows from the others.
    difference : float, optional
        observed - expected, in ``unit``.
    unit : {"count", "share", "amount", "months", "days", "age", "ratio", "date", "text", ""}
        Of expected and observed; a difference of dates is in ``values["step"]``.
    severity : {"", "note", "contradiction", "read"}
        Empty: it agrees, or was computed where nothing is stated.
    key : str
        The sentence that says it; the rule's own if empty.
    values : mapping
        What else the sentence names.
    why : tuple of (key, values)
        What would explain it.
    """

    rule: str
    rows: tuple[str, ...]
    expected: Any = None
    observed: Any = None
    difference: float | None = None
    unit: str = ""
    severity: str = ""
    key: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    why: tuple[tuple[str, Mapping[str, Any]], ...] = ()


Rule = Callable[[Figures], Iterator[Check]]


def names(rows: Sequence[Row]) -> tuple[str, ...]:
    """The ids of some rows, each once."""
    return tuple(dict.fromkeys(row.id for row in rows))


def shares(figures: Figures) -> Iterator[Check]:
    """A share is k of n, rounded as it is reported; where only one of k and share is stated, the other is computed."""
    for row in figures.having("n"):
        n, k, share = row.number("n") or 0.0, row.number("k"), row.number("share")
        if row.text("part_as") == "share" or (k is None and share is None) or (k is not None and k > n):
            continue
        if n == 0:
            if share is not None:
                yield Check("share", (row.id,), None, share, None, "share", "contradiction", "share_of_none")
        elif k is None and share is not None:
            yield from _whole_number(row, n, share)
        elif k is not None and share is None:
            yield Check("share", (row.id,), None, k / n, None, "share", values={"k": int(k), "n": int(n)})
        elif k is not None and share is not None:
            yield _share(row, share, k, n, (row.id,))


def _share(
    row: Row, stated: float, k: float, n: float, ids: tuple[str, ...], key: str = "", rule: str = "share"
) -> Check:
    apart = k / n - stated
    lowest = row.text("qualifier") in ("at_least", "more_than")
    agrees = apart > -row.half if lowest else abs(apart) <= row.half + 1e-9
    severity = "" if agrees else "contradiction"
    return Check(rule, ids, stated, k / n, apart, "share", severity, key, {"k": int(k), "n": int(n)})


def _whole_number(row: Row, n: float, share: float) -> Iterator[Check]:
    """Whether a whole number of n gives the share: the GRIM test."""
    if not 0 <= share <= 1:
        return
    low, high = math.ceil((share - row.half) * n - 1e-9), math.floor((share + row.half) * n + 1e-9)
    values = {"n": int(n), "low": low, "high": high}
    if low <= high:
        yield Check(
            "implied", (row.id,), None, float(min(max(round(share * n), low), high)), None, "count", values=values
        )
    elif not row.text("survey"):  # shares of a survey are weighted
        yield Check("implied", (row.id,), None, share, None, "share", "contradiction", values=values)


def ranges(figures: Figures) -> Iterator[Check]:
    """Not more cases than the base has, and no share outside 0 to 1."""
    for row in figures.rows.values():
        n, k, share = row.number("n"), row.number("k"), row.number("share")
        if n is not None and k is not None:
            wrong = k > n
            yield Check("range", (row.id,), n, k, k - n, "count", "contradiction" if wrong else "", "k_above_n")
        if share is not None:
            wrong = not 0 <= share <= 1
            yield Check(
                "range", (row.id,), 1.0 if share > 0 else 0.0, share, None, "share", "contradiction" if wrong else "",
                "share_out_of_range",
            )  # fmt: skip


# ------------------------------------------------------------------------------------------------------- parts


def parts(figures: Figures) -> Iterator[Check]:
    """Parts add up to their total, in n, k and amounts; the sum is the total's where it states none."""
    for total in figures.rows.values():
        partitions = figures.partitions(total.id)
        for by, group in partitions.items():
            for count in COUNTS:
                yield from _parts_of(figures, total, by, group, count)
        for count in COUNTS if len(partitions) > 1 else ():
            yield from _partitions_of(figures, total, count)


def _parts_of(figures: Figures, total: Row, by: str, group: list[Row], count: str) -> Iterator[Check]:
    sizes = [contribution(part, count) for part in group]
    known = [size for size in sizes if size is not None]
    stated = total.number(count)
    if not known or (stated is None and len(known) < len(group)):
        return
    ids, unit = names([total, *group]), "amount" if count == "value" else "count"
    whole = math.fsum(known)
    values = {"count": count, "by": by, "parts": tuple(known), **_currency(total)}
    if stated is None:
        if not any(part.yes("partial") for part in group):
            yield Check("parts", ids, None, whole, None, unit, values=values)
        return
    if any(part.yes("partial") for part in group) or len(known) < len(group):
        yield _rest(total, group, known, stated, ids, unit, values)
        return
    apart = whole - stated
    if abs(apart) <= (CENT if count == "value" else 1e-9):
        yield Check("parts", ids, stated, whole, 0.0, unit, values=values)
    elif stated and any(part.text("response") == "multiple" for part in group):
        yield Check(
            "parts",
            ids,
            stated,
            whole,
            apart,
            unit,
            "note",
            "parts_multiple",
            {**values, "ratio_share": whole / stated},
        )
    elif not all(row.exact for row in (total, *group)):
        yield Check("parts", ids, stated, whole, apart, unit, "note", "parts_bounds", values)
    else:
        why = tuple(_why(figures, total, group, count, apart))
        yield Check("parts", ids, stated, whole, apart, unit, "contradiction", "parts", values, why)


def _partitions_of(figures: Figures, total: Row, count: str) -> Iterator[Check]:
    """The total is not stated, and is broken down in several ways: each gives the same sum."""
    if total.number(count) is not None:
        return
    sums = [(group, whole) for group, whole in figures.sums(total, count) if all(row.exact for row in group)]
    for group, whole in sums[1:]:
        first = sums[0][1]
        severity = "" if abs(whole - first) <= CENT else "contradiction"
        unit = "amount" if count == "value" else "count"
        ids = names([total, *sums[0][0], *group])
        yield Check(
            "parts",
            ids,
            first,
            whole,
            whole - first,
            unit,
            severity,
            "parts_disagree",
            {"count": count, **_currency(total)},
        )


def _rest(
    total: Row, group: list[Row], known: list[float], stated: float, ids: tuple[str, ...], unit: str,
    values: Mapping[str, Any],
) -> Check:  # fmt: skip
    """Some parts are not stated: what is left for them, which cannot be less than nothing."""
    rest = stated - math.fsum(known)
    if rest < 0 and not any(part.text("response") == "multiple" for part in group):
        severity = "contradiction" if all(row.exact for row in (total, *group)) else "note"
        return Check("parts", ids, stated, math.fsum(known), -rest, unit, severity, "parts_exceed", values)
    return Check("rest", ids, None, rest, None, unit, values=values)


def _currency(row: Row) -> dict[str, str]:
    return {"currency": row.text("currency")} if row.text("currency") else {}


def _why(
    figures: Figures, total: Row, group: list[Row], count: str, apart: float
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What would make the sum right: another total in place of its parts, one part another number, a part left out."""
    stated = total.number(count) or 0.0
    members = {part.id for part in group}
    sizes = {part.id: contribution(part, count) or 0.0 for part in group}
    for id_ in dict.fromkeys(id_ for part in group for id_ in part.ids("part_of")):
        other = figures.rows[id_]
        own = {part.id for parts in figures.partitions(id_).values() for part in parts}
        size = other.number(count)
        if size is None or not own < members:
            continue
        left = sorted(members - own)
        rest = math.fsum(sizes[part] for part in left)
        if abs(size + rest - stated) < CENT:
            yield "why_other_total", {
                "total": total.id, "other": other.id, "stated": stated, "size": size, "left": ", ".join(left),
                "left_sum": rest, "replaced": ", ".join(sorted(own)),
            }  # fmt: skip
    for part, others in _same_gap(figures, total, group, count, apart):
        yield "why_one_part", {
            "part": part.id, "stated": sizes[part.id] / part.times, "implied": (sizes[part.id] - apart) / part.times,
            "totals": ", ".join(names([total, *others])), "later": _later(part, [total, *others]),
        }  # fmt: skip
    for key, size in (("why_left_out", apart), ("why_counted_twice", -apart)):
        fitting = [part.id for part in group if abs(sizes[part.id] - size) < CENT]
        for id_ in fitting if len(fitting) <= FEW else ():
            yield key, {"part": id_, "size": sizes[id_]}
    if count != "value" and _swapped(stated, stated + apart):
        yield "why_digits", {"stated": stated, "size": stated + apart}


def _same_gap(figures: Figures, total: Row, group: list[Row], count: str, apart: float) -> list[tuple[Row, list[Row]]]:
    """Parts that, another number, would mend this total and others that are as much apart.

    Where some were published after one of the totals, only those: an earlier one was known to whoever added up.
    """
    alike: dict[str, set[str]] = {}  # by total: its parts, where it is as much apart
    for id_ in dict.fromkeys(id_ for part in group for id_ in part.ids("part_of") if id_ != total.id):
        stated = figures.rows[id_].number(count)
        if stated is not None:
            sums = figures.sums(figures.rows[id_], count)
            alike[id_] = {part.id for parts, whole in sums if abs(whole - stated - apart) < CENT for part in parts}
    found = []
    for part in group:
        others = [figures.rows[id_] for id_ in part.ids("part_of") if part.id in alike.get(id_, ())]
        if others and _another(part, count, apart):
            found.append((part, others))
    late = [(part, others) for part, others in found if _later(part, [total, *others])]
    return mending if len(mending := late or found) <= FEW else []


def _another(part: Row, count: str, apart: float) -> bool:
    """Whether a part could have another number that mends a gap: not below zero, and whole if it is a count."""
    if not part.times:
        return False
    implied = ((contribution(part, count) or 0.0) - apart) / part.times
    return implied >= 0 and (count == "value" or implied % 1 == 0)


def _later(part: Row, totals: Sequence[Row]) -> str:
    """The totals published before the part was."""
    on = part.text("published_on")
    return ", ".join(
        total.id for total in totals if on and total.text("published_on") and total.text("published_on") < on
    )


def _swapped(a: float, b: float) -> bool:
    """Whether two whole numbers differ by two neighbouring digits that changed places."""
    x, y = f"{a:.0f}", f"{b:.0f}"
    return x != y and any(x[:i] + x[i + 1] + x[i] + x[i + 2 :] == y for i in range(len(x) - 1))


def shares_of_parts(figures: Figures) -> Iterator[Check]:
    """A share whose count is not stated: the count of its parts, as they are stated and as their own parts have it."""
    for total in figures.having("n", "share"):
        if total.number("k") is not None:
            continue
        whole, group = figures.summed(total, "k")
        n, stated = total.number("n"), total.number("share")
        if whole is None or not n or stated is None:
            continue
        ids = names([total, *group])
        yield _share(total, stated, whole, n, ids, "share_of_parts", "share_of_parts")
        for part in group:
            size, own = part.number("k"), figures.summed(part, "k")
            if size is None or own[0] is None or own[0] == size:
                continue
            check = _share(
                total, stated, whole - size + own[0], n, names([total, *group, *own[1]]), rule="share_of_parts"
            )
            values = {**check.values, "part": part.id, "size": int(own[0])}
            yield Check(
                check.rule, check.rows, check.expected, check.observed, check.difference, "share",
                "note" if check.severity else "", "share_if", values,
            )  # fmt: skip


def budgets(figures: Figures) -> Iterator[Check]:
    """Percentages of a total add up to 100, and each amount is its percentage; without an amount it is computed."""
    for total in figures.rows.values():
        for group in figures.partitions(total.id).values():
            of_total = [part for part in group if part.text("part_as") == "share" and part.number("share") is not None]
            if not of_total:
                continue
            amount = figures.size(total, "value")
            if len(of_total) == len(group) and not any(part.yes("partial") for part in group):
                whole = math.fsum(part.number("share") or 0.0 for part in group)
                wrong = abs(whole - 1) > sum(part.half for part in group if len(group) > 1) + 1e-9
                yield Check(
                    "budget", names([total, *group]), 1.0, whole, whole - 1, "share", "contradiction" if wrong else "",
                    "budget_shares",
                )  # fmt: skip
            for part in of_total if amount else ():
                yield _budget(total, part, amount or 0.0)


def _budget(total: Row, part: Row, amount: float) -> Check:
    share, value = part.number("share") or 0.0, part.number("value")
    if value is None:
        return Check("budget", (part.id, total.id), None, share * amount, None, "amount", values=_currency(part))
    apart = value - share * amount
    severity = "" if abs(apart) < CENT else "note" if abs(apart) <= WHOLE_UNIT else "contradiction"
    key = "budget_rounded" if severity == "note" else "budget"
    values = {**_currency(part), "stated_share": share, "real_share": value / amount}
    return Check("budget", (part.id, total.id), share * amount, value, apart, "amount", severity, key, values)


# -------------------------------------------------------------------------------------------- sets, other rows


def sets(figures: Figures) -> Iterator[Check]:
    """Shares of the answers to one question: of one answer each they end at 100 %, of several they need not."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in figures.having("share"):
        own = row.text("set") or (row.text("question") and f"{row.text('survey')} {row.text('question')}")
        if own:
            groups.setdefault((row.table, own), []).append(row)
    for group in groups.values():
        if len(group) < 2:
            continue
        whole = math.fsum(row.number("share") or 0.0 for row in group)
        kinds = {row.text("response") for row in group}
        over = whole > 1 + sum(row.half for row in group) + 1e-9
        severity, key = "", "set"
        if over:
            multiple = kinds & {"multiple", "items"}
            severity = "note" if multiple else "contradiction"
            key = "set_items" if "items" in kinds else "set_multiple" if multiple else "set_single"
        yield Check("set", names(group), 1.0, whole, whole - 1, "share", severity, key)


def within(figures: Figures) -> Iterator[Check]:
    """A row that is presumably about some of another row's people: its share of them all, which is only derived."""
    for row in figures.having("within"):
        for other in (figures.rows[id_] for id_ in row.ids("within")):
            inner, outer = row.number("share"), other.number("share")
            part, whole = row.number("n"), figures.size(other, "n")
            if inner is not None and outer is not None:
                yield Check("within", (row.id, other.id), None, inner * outer, None, "share", "note", "within_share")
            elif part is not None and whole:
                if part > whole:
                    yield Check(
                        "within",
                        (row.id, other.id),
                        whole,
                        part,
                        part - whole,
                        "count",
                        "contradiction",
                        "within_exceeds",
                    )
                else:
                    yield Check("within", (row.id, other.id), None, part / whole, None, "share", "note", "within_count")


def ratios(figures: Figures) -> Iterator[Check]:
    """One number per another, computed."""
    for row in figures.having("per"):
        for other in (figures.rows[id_] for id_ in row.ids("per")):
            above = row.number("value") if row.number("value") is not None else figures.size(row, "n")
            below = figures.size(other, "n")
            if above is not None and below:
                yield Check("per", (row.id, other.id), None, above / below, None, "ratio", values=_currency(row))


def beside(figures: Figures) -> Iterator[Check]:
    """Rows to be read beside each other, and numbers that cannot well be smaller than others."""
    for row in figures.having("compared_with"):
        for other in (figures.rows[id_] for id_ in row.ids("compared_with")):
            mine, theirs = _share_of(row), _share_of(other)
            unit = "share" if mine is not None and theirs is not None else "count"
            if unit == "count":
                mine, theirs = row.number("n"), other.number("n")
            if mine is not None and theirs is not None:
                severity = "note" if abs(mine - theirs) > 1e-9 else ""
                yield Check("beside", (row.id, other.id), theirs, mine, mine - theirs, unit, severity)
    for row in figures.having("not_below", "n"):
        for other in (figures.rows[id_] for id_ in row.ids("not_below")):
            mine, theirs = row.number("n"), other.number("n")
            if mine is not None and theirs is not None:
                severity = "note" if mine < theirs else ""
                yield Check("beside", (row.id, other.id), theirs, mine, mine - theirs, "count", severity, "not_below")


def _share_of(row: Row) -> float | None:
    n, k = row.number("n"), row.number("k")
    return k / n if n and k is not None else row.number("share")
