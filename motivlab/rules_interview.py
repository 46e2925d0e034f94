"""Rules on one interview: its day and its length, the ages and dates told in it, the same answer to a whole grid."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from .about import About
from .codes import as_days, as_texts
from .expressions import Mask
from .kinds import Paradata
from .language import dates, number, percent, say
from .questionnaire import META_TYPES, Question, Questionnaire
from .rules import Dates, Detail, Overall, Positions, Rule, coded, days, is_in, numbers, paradata, remember

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]

ENOUGH = 20  # interviews of which the length is known, for a median to be held against
BY_CHANCE = 0.01  # so many respondents of the file with such a row of same answers are none
DAY = 24 * 60 * 60.0


def rules(form: Questionnaire, about: About, columns: Iterable[str]) -> Iterator[Rule | Overall]:
    """What has to hold of each interview.

    ``outside_fieldwork``: its day is one of the fieldwork. ``end_before_start``, ``too_short``: when it began and
    ended. ``after_interview``: no date told in it is later than its day. ``age_impossible``, ``age_disagrees``: the
    age, also against the year or date of birth. ``straight_lining``: not the same answer to a whole grid.

    Parameters
    ----------
    form : Questionnaire
    about : About
    columns : iterable of str
        Those of the responses.

    Yields
    ------
    Rule
        Those that ``survey.yml`` does not switch off and whose columns are known.
    """
    columns = list(columns)
    data, checks = paradata(form, about, columns), about.checks
    if checks.on("outside_fieldwork"):
        yield from _fieldwork_rules(about, data)
    if data.start and data.end and checks.on("end_before_start"):
        yield _end_rule(data)
    if data.start and data.end and checks.on("too_short"):
        yield _length_rule(data, checks.threshold("too_short"))
    if checks.on("after_interview"):
        yield from _date_rules(form, about, data)
    yield from _age_rules(form, about, data)
    if checks.on("straight_lining"):
        least = max(int(checks.threshold("straight_lining")), 2)
        for grid in grids(form, about, least):
            yield _grid_rule(grid, least)


# ------------------------------------------------------------------------------------------------------ day, length


@dataclass(frozen=True, eq=False)
class Moments:
    """A column of times: the day as it was written, and seconds since 1970, NaN where there is no time of the day.

    Where a time has its zone (``zoned``), the seconds are those of UTC; two times are only subtracted if both have
    one, or neither.
    """

    days: Dates
    seconds: Floats
    zoned: Mask


def moments(frame: pd.DataFrame, name: str) -> Moments:
    """A column of dates, of times, or of both.

    Examples
    --------
    >>> texts = ["2021-07-05T23:30:00+03:00", "2021-07-05 10:00", "2021-07-05", "soon", None]
    >>> found = moments(pd.DataFrame({"start": texts}), "start")
    >>> found.days.astype(str).tolist(), (found.seconds % (24 * 3600) / 3600).tolist()
    (['2021-07-05', '2021-07-05', '2021-07-05', 'NaT', 'NaT'], [20.5, 10.0, nan, nan, nan])
    """
    return remember(frame, ("moments", name), lambda: _moments(frame, name))


def _moments(frame: pd.DataFrame, name: str) -> Moments:
    column = frame[name]
    if column.dtype.kind == "M":
        zoned = column.dt.tz is not None
        local = (column.dt.tz_localize(None) if zoned else column).to_numpy()
        whole = local.astype("datetime64[D]")
        seconds = _seconds(column.dt.tz_convert(None).to_numpy() if zoned else local)
        if (np.isnat(local) | (local == whole)).all():  # dates, and no times
            seconds = np.full(len(column), np.nan)
        return Moments(whole, seconds, np.full(len(column), zoned))
    if column.dtype.kind in "iufb":
        nothing = np.full(len(column), "NaT", dtype="datetime64[D]")
        return Moments(nothing, np.full(len(column), np.nan), np.zeros(len(column), dtype=bool))
    if isinstance(column.dtype, pd.CategoricalDtype):
        texts, places = pd.Series(coded(frame, name).levels, dtype="str"), coded(frame, name).places
    else:  # nearly every time is another one, a list of them saves nothing
        texts, places = (
            column.astype("str") if column.dtype != object else pd.Series(as_texts(column), dtype="str"),
            None,
        )
    timed = texts.str.fullmatch(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*").fillna(False).to_numpy(dtype=bool)
    seconds = _seconds(pd.to_datetime(texts.where(timed), format="ISO8601", utc=True, errors="coerce"))
    zones = texts.str.contains(r"(?:Z|[+-]\d\d(?::?\d\d)?)$").fillna(False).to_numpy(dtype=bool)
    known = timed & ~np.isnan(seconds)
    held, written = pd.factorize(texts.str.slice(0, 10).where(known, texts))
    day = np.append(as_days(written), np.datetime64("NaT", "D"))[held]
    return Moments(day, seconds, zones) if places is None else Moments(day[places], seconds[places], zones[places])


def _seconds(times: pd.Series | npt.NDArray[np.datetime64]) -> Floats:
    values = np.asarray(times.to_numpy(dtype="datetime64[us]") if isinstance(times, pd.Series) else times)
    return np.asarray((values - np.datetime64(0, "s")) / np.timedelta64(1, "s"), dtype=float)


def lengths(frame: pd.DataFrame, data: Paradata) -> Floats:
    """How long each interview took, in seconds; NaN where it is not known.

    Examples
    --------
    >>> times = {"start": ["2021-03-28T02:50:00+02:00", "soon"], "end": ["2021-03-28T04:10:00+03:00"] * 2}
    >>> lengths(pd.DataFrame(times), Paradata(start="start", end="end")).tolist()
    [1200.0, nan]
    """
    start, end = moments(frame, data.start), moments(frame, data.end)
    return np.asarray(np.where(start.zoned == end.zoned, end.seconds - start.seconds, np.nan))


def interview_day(frame: pd.DataFrame, data: Paradata) -> Dates:
    """The day of each interview: the one recorded, else that of its start or end; NaT where none is known."""
    out = np.full(len(frame), "NaT", dtype="datetime64[D]")
    for name in dict.fromkeys((data.day, data.start, data.end)):
        if name in frame:
            out = np.where(np.isnat(out), moments(frame, name).days, out)
    return out


def _fieldwork_rules(about: About, data: Paradata) -> Iterator[Rule]:
    first, last = about.fieldwork.start, about.fieldwork.end
    name = data.day or data.end
    if not (name and isinstance(first, dt.date) and isinstance(last, dt.date)):
        return
    from_, to = np.datetime64(first, "D"), np.datetime64(last, "D")

    def broken(frame: pd.DataFrame) -> Mask:
        day = moments(frame, name).days
        return (day < from_) | (day > to)

    yield Rule("outside_fieldwork", name, (name,), broken, lambda language: dates(first, last, language))


def _end_rule(data: Paradata) -> Rule:
    def broken(frame: pd.DataFrame) -> Mask:
        start, end, length = moments(frame, data.start), moments(frame, data.end), lengths(frame, data)
        return np.where(np.isnan(length), end.days < start.days, length < 0)

    def told(frame: pd.DataFrame, positions: Positions) -> Sequence[Detail]:
        return [str(text) for text in coded(frame, data.start).texts()[positions]]

    return Rule("end_before_start", data.end, (data.start, data.end), broken, data.start, told=told)


def _length_rule(data: Paradata, least: float) -> Rule:
    def median(length: Floats) -> float:
        likely = length[(length > 0) & (length < DAY)]
        return float(np.median(likely)) if len(likely) >= ENOUGH else np.nan

    def broken(frame: pd.DataFrame) -> Mask:
        length = lengths(frame, data)
        return (length >= 0) & (length < least * median(length))

    def told(frame: pd.DataFrame, positions: Positions) -> Sequence[Detail]:
        length = lengths(frame, data)
        usual = median(length)
        return [_short(seconds, usual) for seconds in length[positions].tolist()]

    return Rule("too_short", data.end, (data.start, data.end), broken, told=told)


def _short(seconds: float, usual: float) -> Detail:
    return lambda language: say(
        "detail_too_short", language, minutes=number(seconds / 60, language, 1),
        share=percent(seconds / usual, language), median=number(usual / 60, language, 1),
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------------- dates and ages


def _date_rules(form: Questionnaire, about: About, data: Paradata) -> Iterator[Rule]:
    """No date later than the interview, but in a register, and where the form has its own limit by the day."""
    known = tuple(name for name in dict.fromkeys((data.day, data.start, data.end)) if name)
    programme = about.programme
    register = {*programme.dates.values(), *programme.outcome_dates.values()} if programme else set()
    for question in form:
        own = "today(" in question.constraint or "now(" in question.constraint
        if not known or question.type != "date" or question.name in {*known, *register} or own:
            continue

        def broken(frame: pd.DataFrame, question: Question = question) -> Mask:
            return days(frame[question.name], tuple(question.missing_codes)) > interview_day(frame, data)

        def told(frame: pd.DataFrame, positions: Positions) -> Sequence[Detail]:
            return [str(day) for day in interview_day(frame, data)[positions]]

        yield Rule("after_interview", question.name, (question.name, *known), broken, told=told)


def _age_rules(form: Questionnaire, about: About, data: Paradata) -> Iterator[Rule]:
    checks = about.checks
    age, born = data.age, data.born
    day = tuple(name for name in dict.fromkeys((data.day, data.start, data.end)) if name)
    most = checks.threshold("age_impossible")
    limits = f"0-{most:g}"
    if age and checks.on("age_impossible"):

        def impossible(frame: pd.DataFrame) -> Mask:
            years = _answer(frame, form, age)
            return (years < 0) | (years > most)

        yield Rule("age_impossible", age, (age,), impossible, limits)
    if born and not age and checks.on("age_impossible"):

        def unborn(frame: pd.DataFrame) -> Mask:
            low, high = _ages(frame, form, about, data)
            return (high < 0) | (low > most)

        yield Rule("age_impossible", born, (born, *day), unborn, limits)
    if age and born and checks.on("age_disagrees"):
        apart = checks.threshold("age_disagrees")

        def disagrees(frame: pd.DataFrame) -> Mask:
            low, high = _ages(frame, form, about, data)
            years = _answer(frame, form, age)
            return (years < low - apart) | (years > high + apart)

        def told(frame: pd.DataFrame, positions: Positions) -> Sequence[Detail]:
            return [f"{born}: {text}" for text in coded(frame, born).texts()[positions]]

        yield Rule("age_disagrees", age, (age, born, *day), disagrees, born, told=told)


def _answer(frame: pd.DataFrame, form: Questionnaire, name: str) -> Floats:
    """The numbers of a column, NaN where a missing code stands."""
    if frame[name].dtype.kind == "M":  # a date is no number of years
        return np.full(len(frame), np.nan)
    missing = form[name].missing_codes if name in form else ()
    values = numbers(frame, name)
    return np.where(is_in(frame, name, missing), np.nan, values) if missing else values


def _ages(frame: pd.DataFrame, form: Questionnaire, about: About, data: Paradata) -> tuple[Floats, Floats]:
    """The least and the greatest age that somebody born then can have on the day of the interview.

    Where the day is not known, it is some day of the fieldwork; where the fieldwork is not known either, both are NaN.
    """
    day = interview_day(frame, data)
    first, last = day, day
    if isinstance(about.fieldwork.start, dt.date) and isinstance(about.fieldwork.end, dt.date):
        first = np.where(np.isnat(day), np.datetime64(about.fieldwork.start, "D"), day)
        last = np.where(np.isnat(day), np.datetime64(about.fieldwork.end, "D"), day)
    birth = moments(frame, data.born).days
    dated = ~np.isnat(birth)
    low, high = _completed(birth, first), _completed(birth, last)
    year = _answer(frame, form, data.born)
    low = np.where(dated, low, _year(first) - year - 1)
    high = np.where(dated, high, _year(last) - year)
    return low, high


def _year(day: Dates) -> Floats:
    return np.where(np.isnat(day), np.nan, day.astype("datetime64[Y]").astype(float) + 1970)


def _completed(birth: Dates, day: Dates) -> Floats:
    """Whole years from one day to another."""

    def in_year(moment: Dates) -> npt.NDArray[np.int64]:
        month = moment.astype("datetime64[M]")
        return np.asarray(month.astype(np.int64) % 12 * 32 + (moment - month).astype(np.int64))

    return np.asarray(_year(day) - _year(birth) - (in_year(day) < in_year(birth)))


# -------------------------------------------------------------------------------------------------- straight-lining


def grids(form: Questionnaire, about: About, least: int) -> list[tuple[Question, ...]]:
    """The questions that are answered on one list of choices, one below the other.

    Runs of ``select_one`` questions of the same groups with the same list of at least three answers, whatever notes
    stand between; of a group that is shown as a table (appearance ``table-list``) all with the same list; the items
    of each scale. One that is part of another is left out.
    """
    found: list[list[Question]] = []
    tables: dict[object, list[Question]] = {}
    before: object = None
    for question in form:
        if question.type == "note" or question.type in META_TYPES:
            continue
        groups = tuple(group.name for group in question.groups)
        key = (groups, question.list_name, tuple(choice.name for choice in question.choices))
        if question.type != "select_one" or len(question.answers) < 3:
            before = None
        elif any("table-list" in group.extra.get("appearance", "") for group in question.groups):
            tables.setdefault(key, []).append(question)
        elif key == before:
            found[-1].append(question)
        else:
            found.append([question])
            before = key
    scales = [[form[item] for item in scale.items if item in form] for scale in about.scales.values()]
    every = [tuple(grid) for grid in (*found, *tables.values(), *scales) if len(grid) >= least]
    names = [{question.name for question in grid} for grid in every]
    return [
        grid
        for i, grid in enumerate(every)
        if not any(names[i] < other or (names[i] == other and j < i) for j, other in enumerate(names))
    ]


def _grid_rule(grid: tuple[Question, ...], least: int) -> Rule:
    names = tuple(question.name for question in grid)

    def broken(frame: pd.DataFrame) -> Mask:
        return straight_lines(frame, grid, least)

    def told(frame: pd.DataFrame, positions: Positions) -> Sequence[Detail]:
        part = frame.iloc[positions]
        count = np.sum([_item_codes(part, question, {}) >= 0 for question in grid], axis=0)
        return [_line(n, names[0], names[-1]) for n in count.tolist()]

    return Rule("straight_lining", names[0], names, broken, told=told)


def _line(n: int, first: str, last: str) -> Detail:
    return lambda language: say("detail_straight_lining", language, n=n, first=first, last=last)


def straight_lines(frame: pd.DataFrame, grid: Sequence[Question], least: int) -> Mask:
    r"""Who gave the same answer to all items of a grid that they answered, at least ``least``, beyond chance.

    Notes
    -----
    Where most agree with everything, or items go together, the same answer to all is natural, and nobody can tell who
    did not listen. So one is named only if the others' answers let expect fewer than 0.01 such respondents in the
    file: :math:`n\,P(x_1 = c) \prod_j P(x_j = c \mid x_{j-1} = c)`, the shares being those of the other respondents;
    the items as a chain, so that what goes together is not taken for a wonder. On items that point the other way the
    same answer is rare, and tells the more.

    References
    ----------
    Kim, Y., Dykema, J., Stevenson, J., Black, P. and Moberg, D. P. (2019). Straightlining: overview of measurement,
    comparison of indicators, and effects in mail-web mixed-mode surveys. Social Science Computer Review 37(2), 214-233.
    """
    places: dict[str, int] = {}
    codes = [_item_codes(frame, question, places) for question in grid]
    low = np.minimum.reduce([column.view(np.uint32) for column in codes])  # a blank, -1, is the greatest there
    high = np.maximum.reduce(codes)
    rows = np.flatnonzero((high >= 0) & (low == high.view(np.uint32)))
    count = np.sum([column[rows] >= 0 for column in codes], axis=0)
    rows = rows[count >= least]
    answer, out = high[rows], np.zeros(len(frame), dtype=bool)
    expected = np.full(len(rows), float(len(frame)))
    levels = len(places)
    for column, before in zip(codes, [None, *codes[:-1]], strict=True):
        given = column >= 0
        held = np.bincount(column[given], minlength=levels)
        # the respondent's own answer taken away, and half an answer to each level, so that no share is 0
        share = (held[answer] - 0.5) / (max(given.sum() - 1, 0) + levels / 2)
        if before is not None:
            pairs = np.bincount(before[given & (before >= 0)], minlength=levels)[answer]
            both = np.bincount(column[given & (before == column)], minlength=levels)[answer]
            share = np.where(before[rows] >= 0, (both - 1 + 2 * share) / (pairs - 1 + 2), share)
        expected *= np.where(column[rows] >= 0, share, 1)
    out[rows[expected < BY_CHANCE]] = True
    return out


def _item_codes(frame: pd.DataFrame, question: Question, places: dict[str, int]) -> Codes:
    """The answers to an item as places among those of the whole grid; -1 where there is none."""
    found = coded(frame, question.name)
    missing = {"", *question.missing_codes}
    known = [-1 if level in missing else places.setdefault(level, len(places)) for level in found.levels]
    return np.array(known, dtype=np.int32)[found.places]
