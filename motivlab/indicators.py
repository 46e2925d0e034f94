"""Planned and achieved indicators of a programme, with the consistency rules of the European Social Fund's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .about import About
from .answers import answers
from .codes import as_texts
from .domains import holds
from .expressions import Mask, parse_expression
from .language import known, say
from .participants import participants
from .parts import in_language
from .programme import Programme
from .questionnaire import Questionnaire
from .rules import days, duplicated
from .shown import Shown
from .survey import Survey

if TYPE_CHECKING:
    import pandera.pandas as pa

FINDING_COLUMNS = ("respondent", "indicators", "value", "rule", "severity", "message")
SIX_MONTHS = 182

# Regulation (EU) No 1304/2013, Annex I: at entry, on leaving, six months after.
STATUS = ("CO01", "CO03", "CO05")
EDUCATION = ("CO09", "CO10", "CO11")
DISADVANTAGED = ("CO15", "CO16", "CO17")
ON_LEAVING = ("CR01", "CR02", "CR03", "CR04", "CR05")
LATER = ("CR06", "CR07", "CR08", "CR09")
# An indicator, and those of which at least one counts whoever it counts.
SUBSETS = (
    ("CO02", ("CO01",)), ("CO04", ("CO03",)), ("CO08", ("CO07",)), ("CO08", ("CO01", "CO04")),
    ("CR01", ("CO03",)), ("CR04", ("CO01", "CO03")), ("CR05", DISADVANTAGED), ("CR06", ("CO01", "CO03")),
    ("CR07", ("CO05",)), ("CR08", ("CR06",)), ("CR08", ("CO07",)), ("CR09", ("CR06",)), ("CR09", DISADVANTAGED),
)  # fmt: skip
# These do not make a count wrong: what is outside its time is not counted, and a level below ISCED 1 is none of three.
_WARNINGS = ("indicator_window", "indicator_none")
# Columns of the facts that the rules read beside the indicators; a space keeps them apart from those.
_LEFT, _ENTRY, _WHO, _ID, _PERSON, _KNOWN = (
    "has left", "entry date", "counts as", "respondent id", "person code", "education known",
)  # fmt: skip
_WOMEN = ("woman", "women", "female", "f", "w")
_MEN = ("man", "men", "male", "m")


@dataclass(frozen=True, repr=False)
class Indicators(Shown):
    """Planned and achieved, indicator by indicator. In a notebook it shows as its table.

    Attributes
    ----------
    frame : DataFrame
        One row per indicator: ``indicator``; ``planned``, NaN where nothing is; ``achieved``, how many participants may
        be counted; ``share``, achieved / planned, NaN where nothing or 0 is planned; ``women`` and ``men``, of those
        achieved, where the gender is known; ``outside``, for whom it is true, but from a date at which it does not
        count any more; ``undated``, who is counted without a date; ``questioned``, who is counted and in whom another
        rule is broken that is about this indicator.
    broken : DataFrame
        What is wrong, without words: ``findings`` without ``message``, and ``detail``.
    checks : tuple of str
        The rules that were checked, ``indicator_subset:CO02``; the others need indicators that are not declared.
    window : int
        Days after leaving within which an immediate result counts.
    questionnaire : Questionnaire
    about : About
    language : str
    """

    frame: pd.DataFrame
    broken: pd.DataFrame
    checks: tuple[str, ...]
    window: int
    questionnaire: Questionnaire
    about: About
    language: str = "en"

    @cached_property
    def findings(self) -> pd.DataFrame:
        """What is wrong: one row per participant and rule broken.

        Columns: ``respondent``, the id; ``indicators``, those that the rule is about; ``value``, those of them that
        count the participant, or the days after leaving, or who is there twice; ``rule``; ``severity``, ``error`` or
        ``warning``; ``message``, in the language of the result. The index, ``row``, is the row of the file, whose head
        is row 1, or without a file of the frame, from 1.
        """
        said = [
            say(f"message_{row.rule}", self.language, indicators=row.indicators, value=row.value or
                say("blank", self.language), detail=row.detail)
            for row in self.broken.itertuples()
        ]  # fmt: skip
        return self.broken.assign(message=said)[list(FINDING_COLUMNS)]

    def label(self, indicator: str) -> str:
        """What an indicator counts: as ``survey.yml`` says it, else by the regulation, else its name."""
        programme = self.about.programme
        own = programme.indicators[indicator].label if programme and indicator in programme.indicators else ""
        official = say(f"indicator_{indicator}", self.language) if known(f"indicator_{indicator}") else indicator
        return in_language(own, self.language) or official

    def to(self, language: str) -> Indicators:
        """The same, shown in another language (lv, en or ru)."""
        return replace(self, language=language)


def indicators(survey: Survey, gender: str = "") -> Indicators:
    """What a programme planned and what it achieved, indicator by indicator.

    Parameters
    ----------
    survey : Survey
        With a ``programme`` and its ``indicators``: each an expression of the questionnaire's language that is true for
        those it counts. The comparison group is not counted.
    gender : str, optional
        The ``select_one`` question that tells women (woman, female, f) from men (man, male, m). By default ``gender``
        or ``sex``, if there is such a question.

    Returns
    -------
    Indicators
        Its ``findings`` say where the rules of the common indicators are broken.

    Raises
    ------
    ValueError
        If there is no programme, it has no indicators, an expression cannot be read, the register contradicts itself,
        or ``gender`` tells no women from men. That somebody entered twice is a finding here.

    Notes
    -----
    The common indicators CO01 to CO19 and CR01 to CR09 keep to rules, each wherever all it needs are declared. Parts
    lie within their wholes (long-term unemployed within unemployed). Everybody is one of unemployed, inactive and
    employed, and at most one of three levels of education. Results need an exit. An immediate result counts if its date
    is no later than ``programme.window`` days, 28, after leaving; CR06 to CR09 if theirs, the follow-up's or the
    outcome's, is no later than six months and as many days. The date is the earliest of the outcomes that the
    expression names. Who entered again counts once: at entry as the first time, at exit as the last.

    References
    ----------
    Regulation (EU) No 1304/2013 on the European Social Fund, Annex I, as amended by (EU, Euratom) 2018/1046.

    European Commission (2016). Monitoring and Evaluation of European Cohesion Policy. European Social Fund. Guidance
    document, Annex D: Practical guidance on data collection and validation.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from motivlab.programme import Programme
    >>> day = pd.Timestamp("2021-03-01")
    >>> df = pd.DataFrame({"entered": [day] * 3, "left": [day] * 3, "result/job": [1, 0, 0],
    ...                    "status": ["unemployed", "unemployed", "inactive"], "sex": ["f", "m", "f"]})
    >>> survey = Survey.from_frame(df.astype({"status": "category", "sex": "category"}))
    >>> counted = {"CO01": {"where": "${status} = 'unemployed'", "planned": 4.0},
    ...            "CO03": {"where": "${status} = 'inactive'"}, "CR04": {"where": "selected(${result}, 'job')"}}
    >>> declared = Programme(entry="entered", exit="left", outcome="result", complete=True, indicators=counted,
    ...                      definitions={"work": {"choices": ("job",)}})
    >>> survey = replace(survey, about=survey.about.model_copy(update={"programme": declared}))
    >>> indicators(survey).frame[["indicator", "achieved", "share", "women"]].to_dict("split")["data"]
    [['CO01', 2, 0.5, 1], ['CO03', 1, nan, 1], ['CR04', 1, nan, 1]]
    """
    programme = _programme(survey)
    genders = _genders(survey, gender)
    facts = _facts(survey, programme)
    schema = indicator_schema(facts, programme.window)
    broken = _broken(survey, schema, facts)
    in_order = facts.sort_values(_ENTRY, kind="stable")[_WHO]
    first, last = (~in_order.duplicated(keep=keep).sort_index() for keep in ("first", "last"))
    rows = []
    for name, indicator in programme.indicators.items():
        after = facts.get(_after(name))
        late = facts[name] & (False if after is None else after > _latest(name, programme.window))
        counted = facts[name] & ~late
        if re.fullmatch(r"CO\d\d", name):
            counted &= first
        elif name in (*ON_LEAVING, *LATER):
            counted &= last
        else:  # what a programme counts of its own may be either
            counted &= ~facts[_WHO].where(counted).duplicated()
        about_it = broken["indicators"].str.split(", ").map(lambda named, n=name: n in named).astype(bool)
        odd = facts.index.isin(broken.loc[about_it & (broken["rule"] != "indicator_window"), "position"])
        planned = np.nan if indicator.planned is None else indicator.planned
        n = int(counted.sum())
        counts = {"indicator": name, "planned": planned, "achieved": n, "share": n / planned if planned else np.nan}
        counts |= {key: int((counted & mask[facts.index]).sum()) for key, mask in genders.items()}
        undated = 0 if after is None else int((counted & after.isna()).sum())
        rows.append(counts | {"outside": int(late.sum()), "undated": undated, "questioned": int((counted & odd).sum())})
    return Indicators(
        pd.DataFrame(rows), broken.drop(columns="position"), tuple(str(check.error) for check in schema.checks),
        programme.window, survey.questionnaire, survey.about, survey.language,
    )  # fmt: skip


def _programme(survey: Survey) -> Programme:
    """The programme, after its register was read; that somebody is in two rows is left to the rules here."""
    frame, declared = survey.responses, survey.about.programme
    names = (survey.about.respondent_id, *((declared.person,) if declared and declared.person else ()))
    again = np.zeros(len(frame), dtype=bool)
    for name in names:
        if name in frame:
            again |= np.asarray(frame[name].duplicated() & duplicated(frame[name], _missing(survey, name)), dtype=bool)
    programme = participants(replace(survey, responses=frame[~again])).programme
    if not programme.indicators:
        raise ValueError(
            "survey.yml declares no indicators. Write `indicators:` under `programme:`, each a name with `where`, an "
            "expression that is true for those it counts, and `planned`, if something is."
        )
    return programme


def _missing(survey: Survey, name: str) -> tuple[str, ...]:
    return tuple(survey.question(name).missing_codes) if name in survey.questionnaire else ()


def _genders(survey: Survey, gender: str) -> dict[str, Mask]:
    """Who is a woman and who a man; nothing where no question tells."""
    for name in (gender,) if gender else ("gender", "sex"):
        if not gender and name not in survey.questionnaire:
            continue
        question = survey.question(name)
        position = {choice.name.casefold(): i for i, choice in enumerate(question.answers)}
        women, men = (next((position[n] for n in names if n in position), None) for names in (_WOMEN, _MEN))
        if question.type == "select_one" and women is not None and men is not None and name in survey.responses:
            chosen = answers(survey, name).chosen
            return {"women": chosen[:, women], "men": chosen[:, men]}
        if gender:
            raise ValueError(
                f"gender={gender!r} tells no women from men: it is a {question.type} question with the choices "
                f"{', '.join(position) or 'none'}. Name a select_one question with the choices woman and man, or "
                "female and male."
            )
    return {}


def _true(survey: Survey, where: str, place: str) -> Mask:
    """For whom an expression of ``survey.yml`` is true, if only for nobody."""
    try:
        return holds(survey, where)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _after(name: str) -> str:
    return f"days after leaving: {name}"


def _latest(name: str, window: int) -> int:
    """The last day after leaving on which a result counts."""
    return window if name in ON_LEAVING else SIX_MONTHS + window


def _facts(survey: Survey, programme: Programme) -> pd.DataFrame:
    """What the rules read of each participant: a column per indicator, True where it counts them, and the dates.

    The index is the position in the responses; the comparison group is left out.
    """
    frame, about = survey.responses, survey.about
    date = {name: days(frame[name], _missing(survey, name)) for name in
            {*programme.dates.values(), *programme.outcome_dates.values()}}  # fmt: skip
    left = date[programme.exit]
    facts: dict[str, Any] = {}
    for name, indicator in programme.indicators.items():
        facts[name] = _true(survey, indicator.where, f"programme.indicators.{name}")
        dated = [date[question] for question in _dated_by(name, programme)]
        if dated:
            after = np.fmin.reduce(dated) - left
            facts[_after(name)] = np.where(np.isnat(after), np.nan, after.astype(float))
    person = as_texts(frame[programme.person]) if programme.person else np.full(len(frame), "", dtype=object)
    if programme.person:
        person = np.where(np.isin(person, _missing(survey, programme.person)), "", person)
    identity = as_texts(frame[about.respondent_id]) if about.respondent_id in frame else np.full(len(frame), "")
    facts |= {
        _LEFT: ~np.isnat(left), _ENTRY: date[programme.entry], _ID: identity, _PERSON: person,
        _WHO: [f"person {p}" if p else f"id {i}" if i else f"row {row}"
               for row, (p, i) in enumerate(zip(person, identity, strict=True))],
        _KNOWN: _answered(survey, programme),
    }  # fmt: skip
    enrolled = ~_true(survey, programme.comparison, "programme.comparison") if programme.comparison else slice(None)
    return pd.DataFrame(facts, index=np.arange(len(frame)))[enrolled]


def _dated_by(name: str, programme: Programme) -> list[str]:
    """The date questions of a result: those of the outcomes that it names, else of a later one the follow-up's."""
    if name not in (*ON_LEAVING, *LATER):
        return []
    choices = parse_expression(programme.indicators[name].where).choices if programme.indicators[name].where else ()
    named = [programme.outcome_dates[choice] for question, choice in choices
             if question == programme.outcome and choice in programme.outcome_dates]  # fmt: skip
    later = [programme.follow_up] if name in LATER and programme.follow_up else []
    return list(dict.fromkeys(named)) or later


def _answered(survey: Survey, programme: Programme) -> Mask:
    """Who answered all questions from which the level of education is read."""
    wheres = [programme.indicators[name].where for name in EDUCATION if name in programme.indicators]
    names = {name for where in wheres if where for name in parse_expression(where).names}
    given = np.ones(len(survey.responses), dtype=bool)
    for name in names:
        if survey.question(name).choices:
            given &= answers(survey, name).state == 1
        else:
            given &= ~np.isin(as_texts(survey.responses[name]), ["", *_missing(survey, name)])
    return given


# ------------------------------------------------------------------------------------------------------ rules


@lru_cache(maxsize=1)
def _registered() -> type[pa.Check]:
    """Pandera's checks, with those of the indicators registered among them; each says row by row if it holds."""
    import pandera.pandas as pa
    from pandera.extensions import register_check_method  # type: ignore[attr-defined]

    def indicator_subset(facts: pd.DataFrame, *, indicator: str, of: tuple[str, ...]) -> pd.Series:
        return ~facts[indicator] | facts[list(of)].any(axis=1)

    def indicator_one(facts: pd.DataFrame, *, of: tuple[str, ...]) -> pd.Series:
        return facts[list(of)].sum(axis=1) == 1

    def indicator_at_most_one(facts: pd.DataFrame, *, of: tuple[str, ...]) -> pd.Series:
        return facts[list(of)].sum(axis=1) <= 1

    def indicator_none(facts: pd.DataFrame, *, of: tuple[str, ...]) -> pd.Series:
        return facts[list(of)].any(axis=1) | ~facts[_KNOWN]

    def indicator_not_left(facts: pd.DataFrame, *, indicator: str) -> pd.Series:
        return ~facts[indicator] | facts[_LEFT]

    def indicator_window(facts: pd.DataFrame, *, indicator: str, latest: int) -> pd.Series:
        return ~facts[indicator] | ~(facts[_after(indicator)] > latest)

    def indicator_twice(facts: pd.DataFrame, *, column: str) -> pd.Series:
        return ~facts[column].duplicated(keep=False) | (facts[column] == "")

    for check, statistics in (
        (indicator_subset, ["indicator", "of"]), (indicator_one, ["of"]), (indicator_at_most_one, ["of"]),
        (indicator_none, ["of"]), (indicator_not_left, ["indicator"]), (indicator_window, ["indicator", "latest"]),
        (indicator_twice, ["column"]),
    ):  # fmt: skip
        register_check_method(check, statistics=statistics, supported_types=pd.DataFrame)
    return pa.Check


def indicator_schema(columns: Iterable[str], window: int = 28) -> pa.DataFrameSchema:
    """The rules of the common indicators as a Pandera schema over who counts where.

    Parameters
    ----------
    columns : iterable of str
        Those of the frame: the indicators that are declared. A rule that needs others is left out.
    window : int
        Days after leaving within which an immediate result counts.

    Returns
    -------
    pandera.pandas.DataFrameSchema
        Each rule is one dataframe-level check, registered with Pandera, and named in its ``error``.

    Examples
    --------
    >>> [check.error for check in indicator_schema(["CO01", "CO02", "CO06", "CO07"]).checks]
    ['indicator_subset: CO02, CO01', 'indicator_at_most_one: CO06, CO07']
    """
    import pandera.pandas as pa

    there = list(columns)
    check = _registered()
    rules: list[pa.Check] = []

    def add(rule: str, about: tuple[str, ...], *needs: str, **statistics: Any) -> None:
        if {*about, *needs} <= set(there):
            error = f"{rule}: {', '.join(about or needs)}"
            rules.append(getattr(check, rule)(**statistics, error=error, ignore_na=False))

    for part, whole in SUBSETS:
        add("indicator_subset", (part, *whole), indicator=part, of=whole)
    add("indicator_one", STATUS, of=STATUS)
    for group in (EDUCATION, ("CO06", "CO07")):
        add("indicator_at_most_one", group, of=group)
    add("indicator_none", EDUCATION, _KNOWN, of=EDUCATION)
    for name in (*ON_LEAVING, *LATER):
        add("indicator_not_left", (name,), _LEFT, indicator=name)
        add("indicator_window", (name,), _after(name), indicator=name, latest=_latest(name, window))
    for column in (_ID, _PERSON):
        add("indicator_twice", (), column, column=column)
    common = (*STATUS, *EDUCATION, *DISADVANTAGED, *ON_LEAVING, *LATER, "CO02", "CO04", "CO06", "CO07", "CO08")
    return pa.DataFrameSchema({name: pa.Column(bool) for name in there if name in common}, checks=rules)


def _broken(survey: Survey, schema: pa.DataFrameSchema, facts: pd.DataFrame) -> pd.DataFrame:
    """One row per participant and rule broken; ``position`` is the row of the responses from 0."""
    import pandera.pandas as pa

    try:
        schema.validate(facts, lazy=True)
        cases = pd.DataFrame({"check": [], "index": []})
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases[["check", "index"]].drop_duplicates()
    of = {str(check.error): check for check in schema.checks}
    people = facts.loc[cases["index"].unique()].to_dict("index")
    rows = []
    for key, position in cases.itertuples(index=False):
        rule, _, named = key.partition(": ")
        statistics = of[key].statistics
        person = people[position]
        involved = named.split(", ") if rule != "indicator_twice" else []
        value = ", ".join(name for name in involved if person[name])
        detail = ", ".join(statistics.get("of", ()))
        if rule == "indicator_window":
            value, detail = str(int(person[_after(involved[0])])), str(statistics["latest"])
        elif rule == "indicator_twice":
            value, detail = person[statistics["column"]], ""
        rows.append({
            "row": survey.row_number(int(position)), "respondent": person[_ID], "indicators": ", ".join(involved),
            "value": value, "rule": rule, "severity": "warning" if rule in _WARNINGS else "error", "detail": detail,
            "position": int(position),
        })  # fmt: skip
    names = ["row", "respondent", "indicators", "value", "rule", "severity", "detail", "position"]
    broken = pd.DataFrame(rows, columns=names).astype({"row": "int64", "position": "int64"})
    return broken.sort_values(["row", "rule", "indicators"], kind="stable").set_index("row")
