"""Random surveys that obey their forms, and what a check has to find in them, worked out slowly, row by row.

The form is made question by question, and each answer as the respondent gives it: routing, limits, filters and
calculations are those of ``reference_evaluator.py``, of which the package knows nothing. :func:`expected` is what the
form says of any answers: in what :func:`make` made it finds nothing.
"""

from __future__ import annotations

import datetime as dt
import math
import random
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
from reference_evaluator import Cell, Reference, Row, to_moment, to_number, to_text
from ruamel.yaml import YAML

import motivlab as ml
from motivlab.about import About
from motivlab.questionnaire import Choice, Group, Question, Questionnaire, Repeat
from motivlab.typed import typed

NUMBERS = ("integer", "decimal", "range")
META = ("start", "end", "today", "calculate")
LANGUAGES = {"lv": "Latviešu (lv)", "en": "English (en)", "ru": "Русский (ru)"}
FIRST, LAST = dt.date(2021, 10, 4), dt.date(2021, 10, 29)
WORDS = [
    "maize",
    "lietus",
    "jumts",
    "dārzs",
    "upe",
    "kalns",
    "logs",
    "galds",
    "zāle",
    "putns",
    "sniegs",
    "vējš",
    "zivs",
    "koks",
    "ceļš",
    "tilts",
    "saule",
    "mēness",
    "zeme",
    "ola",
    "bread",
    "rain",
    "roof",
    "garden",
    "river",
    "hill",
    "window",
    "table",
    "grass",
    "bird",
    "snow",
    "wind",
    "fish",
    "tree",
    "path",
    "bridge",
    "sun",
    "moon",
    "soil",
    "egg",
]
KINDS = (
    "one", "one", "one", "several", "several", "integer", "integer", "decimal", "range", "date", "text", "text",
    "time", "calculate", "calculate", "filter", "other", "note", "twin",
)  # fmt: skip
Finding = tuple[str, str, str]  # respondent, variable, rule
Tree = tuple[list[Row], dict[str, list[Row]]]


@dataclass
class Made:
    """A survey as text: the cells of the responses, and of the members of each repeat."""

    form: Questionnaire
    about: dict[str, Any]
    frame: pd.DataFrame
    members: dict[str, pd.DataFrame] = field(default_factory=dict)
    pairs: list[tuple[str, str, str]] = field(default_factory=list)  # text, question, the choice "other"
    plain: list[str] = field(default_factory=list)  # what no expression refers to

    def copy(self) -> Made:
        members = {name: frame.copy() for name, frame in self.members.items()}
        return replace(self, frame=self.frame.copy(), members=members)

    def survey(self, language: str = "en") -> ml.Survey:
        """The survey in memory."""
        about = About.model_validate(self.about)

        def read(frame: pd.DataFrame, form: Questionnaire) -> pd.DataFrame:
            return typed(frame.astype("str").replace("", pd.NA), form, about)

        inner = {repeat.name: repeat.form for repeat in self.form.repeats}
        members = {name: read(frame, inner[name]) for name, frame in self.members.items()}
        return ml.Survey(read(self.frame, self.form), self.form, about, language, repeats=members)

    def write(self, folder: Path) -> None:
        """The survey as a folder."""
        self.form.write(folder / "questionnaire")
        with (folder / "survey.yml").open("w", encoding="utf-8") as file:
            YAML(typ="safe", pure=True).dump(self.about, file)
        for name, frame in {"responses": self.frame, **self.members}.items():
            frame.to_csv(folder / f"{name}.csv", index=False)


# ----------------------------------------------------------------------------------------------------------- the form


@dataclass
class Maker:
    """A form and its answers in the making."""

    rng: random.Random
    size: int
    rows: list[Row] = field(default_factory=list)
    columns: dict[str, list[str]] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    pool: list[Question] = field(default_factory=list)  # those that expressions may refer to
    pairs: list[tuple[str, str, str]] = field(default_factory=list)
    groups: tuple[Group, ...] = ()
    inside: dict[str, set[str]] = field(default_factory=dict)
    prefix: str = "q"
    day: str = "today"
    required: bool = False
    strict: bool = False

    # ------------------------------------------------------------------------------------------------- expressions

    def condition(self, depth: int = 0) -> str:
        """A condition on questions asked before."""
        r = self.rng
        if depth < 2 and r.random() < 0.35:
            one, other = self.condition(depth + 1), self.condition(depth + 1)
            return r.choice(
                [f"({one}) or {other}", f"{one} and ({other})", f"not({one}) or {other}", f"({one} or {other})"]
            )
        question = r.choice(self.pool)
        name = f"${{{question.name}}}"
        if question.type == "select_one":
            code = r.choice([choice.name for choice in question.choices if choice.name != "other"])
            return r.choice(
                [f"{name} = '{code}'", f"{name} != '{code}'", f"selected({name}, '{code}')", f'not({name} = "{code}")']
            )
        if question.type == "select_multiple":
            code = r.choice([choice.name for choice in question.answers if choice.name != "other"])
            return r.choice([
                f"selected({name}, '{code}') or {name} = ''", f"not(selected({name}, '{code}'))",
                f"count-selected({name}) > 1",
                f"selected-at({name}, 0) = '{code}'", f"{name} != ''", f"count-selected({name}) mod 2 = 1",
            ])  # fmt: skip
        if question.type in NUMBERS:
            k = r.randint(0, 60)
            other = f"${{{r.choice([q for q in self.pool if q.type in NUMBERS]).name}}}"
            return r.choice([
                f"{name} > {k}", f"{name} <= {k}", f"{name} * 2 + 1 < {k}", f"{name} mod 2 = 0", f"{name} div 2 > {k}",
                f"if({name} > {k}, 1, 0) = 1", f"coalesce({name}, 0) < {k}", f"abs({name} - {k}) < 20",
                f"int({name} div 10) = 3", f"{name}", f"{name} + {other} > {k}", f"max({name}, {other}) >= {k}",
                f"round({name} div 3) != {k}", f"{name} = ''", f"{name} != {other}", f"-{name} < -{k}",
                f"number({name}) >= {k}",
            ])  # fmt: skip
        if question.type == "date":
            return r.choice([
                f"{name} >= '2021-05-01'", f"{name} < today()", f"format-date({name}, '%m') = '03'", f"{name} = ''",
                f"today() - {name} > 90",
            ])  # fmt: skip
        if question.type == "calculate":
            return r.choice([f"{name} > 20", f"{name} = ''", f"string-length({name}) > 2", f"number({name}) < 40"])
        return r.choice([
            f"string-length({name}) > 9", f"contains({name}, 'a')", f"{name} != ''", f"regex({name}, '[a-m].*')",
            f"starts-with({name}, 's')", f"substr({name}, 0, 1) = 'r'",
        ])  # fmt: skip

    def formula(self) -> str:
        """A calculation from questions asked before."""
        r = self.rng
        numeric = [f"${{{q.name}}}" for q in self.pool if q.type in NUMBERS]
        one, other = r.choice(numeric), r.choice(numeric)
        texts = [f"${{{q.name}}}" for q in self.pool if q.type in ("text", "select_one", "date")]
        some = [
            f"{one} + {other}", f"round({one} div 3, 1)", f"{one} * 1.5 - {other}", f"{one} div {other}",
            f"{one} mod 7",
            f"if({one} > 30, 'high', 'low')", f"coalesce({one}, {other})", f"if({one} > {other}, {one}, {other})",
            f"min({one}, {other}) + 1", f"{one} > {other}", f"int({one} div 10) * 10", f"pow({one}, 2)",
        ]  # fmt: skip
        if texts:
            some += [f"concat({r.choice(texts)}, '-', {one})", f"string-length({r.choice(texts)})", r.choice(texts)]
        several = [f"${{{q.name}}}" for q in self.pool if q.type == "select_multiple"]
        if several:
            some += [f"count-selected({r.choice(several)})", f"selected-at({r.choice(several)}, 1)", r.choice(several)]
        for repeat, names in self.inside.items():
            number = next(f"${{{name}}}" for name in sorted(names) if name.endswith("1"))
            some += [f"sum({number})", f"count(${{{repeat}}})", f"max({number})", f"count(${{{repeat}}}) * 2"]
        return r.choice(some)

    def holds(self, text: str, this: str = "", rows: list[Row] | None = None) -> list[bool]:
        return Reference(text, this, self.day, inside=self.inside).mask(self.rows if rows is None else rows)

    # -------------------------------------------------------------------------------------------------- one question

    def add(self, question: Question, refer: bool = True, relevant: str | None = None) -> None:
        """Ask a question of everybody whom routing puts it to."""
        r = self.rng
        if relevant is None:
            relevant = self.condition() if self.pool and r.random() < 0.4 else ""
        extra = dict(question.extra)
        if self.required and question.type not in META and r.random() < 0.7:
            extra["required"] = r.choice(["yes", "true()", "no"])
        question = replace(question, relevant=relevant, groups=self.groups, extra=extra)
        asked = [True] * self.size
        for text in conditions(question):
            asked = [a and b for a, b in zip(asked, self.holds(text), strict=True)]
        for attempt in (question, replace(question, constraint="")):
            cells = [self.answer(attempt, row) if there else None for row, there in zip(self.rows, asked, strict=True)]
            question = attempt
            if all(cell is not None for cell, there in zip(cells, asked, strict=True) if there):
                break
        self.store(question, cells)
        if refer:
            self.pool.append(question)

    def store(self, question: Question, cells: list[dict[str, str] | None]) -> None:
        nothing = blank(question, self.rng)
        columns = list(question.columns) or [question.name]
        if question.type == "select_multiple":
            columns += [column for column in question.optional_columns if "/-" not in column]
        for row, cell in zip(self.rows, cells, strict=True):
            filled = cell or dict.fromkeys(question.columns or columns, nothing)
            for column in columns:
                self.columns.setdefault(column, []).append(filled.get(column, ""))
            row.cells[question.name] = cell_of(question, filled)
        self.questions.append(question)

    def answer(self, question: Question, row: Row) -> dict[str, str] | None:
        """An answer that the form allows; None if none is found."""
        if question.type == "calculate":
            row.cells[question.name] = Cell("")
            told = Reference(question.calculation, "", self.day, inside=self.inside)
            return {question.name: to_text(told.value(told.tree, row))}  # NaN, Infinity: as a device writes them
        for _ in range(60):
            found = self.guess(question, row)
            row.cells[question.name] = cell_of(question, found)
            reason = is_missing(question, found)
            if reason or not question.constraint or self.holds(question.constraint, question.name, [row])[0]:
                return found
        return None

    def guess(self, question: Question, row: Row) -> dict[str, str]:
        r, name = self.rng, question.name
        reasons = [code for code, reason in question.missing_codes.items() if reason != "not_asked"]
        if question.type == "select_multiple":
            columns = [*question.columns, *(c for c in question.optional_columns if "/-" not in c)]
            if reasons and r.random() < 0.04:
                code = r.choice(reasons)
                if code.startswith("-"):
                    return dict.fromkeys(question.columns, code)
                return {column: str(int(column == f"{name}/{code}")) for column in columns}
            exclusive = [choice.name for choice in question.answers if choice.exclusive]
            free = [choice.name for choice in question.answers if not choice.exclusive]
            some = [code for code in free if r.random() < 0.4] or [r.choice(free)]
            if exclusive and r.random() < 0.1:
                some = [r.choice(exclusive)]
            return {column: str(int(column in {f"{name}/{code}" for code in some})) for column in columns}
        if question.type == "select_one":
            offered = [choice for choice in question.choices if self.offers(question, choice, row)]
            given = [choice.name for choice in offered if not choice.missing]
            reasons = [choice.name for choice in offered if choice.missing and choice.missing != "not_asked"]
            return {name: r.choice(reasons) if reasons and r.random() < 0.04 else r.choice(given)}
        if reasons and r.random() < 0.04:
            return {name: r.choice(reasons)}
        low, high = question.limits
        value: Any = " ".join(r.sample(WORDS, r.randint(1, 3)))
        if question.type == "integer":
            value = r.randint(0, 80)
        elif question.type == "range":
            value = r.randint(int(low or 0), int(high or 0))
        elif question.type == "decimal":
            value = to_text(round(r.uniform(0, 80), 2))
        elif question.type == "date":
            value = dt.date(2021, 1, 1) + dt.timedelta(days=r.randint(0, 270))
        elif question.type == "time":
            value = f"{r.randint(0, 23):02}:{r.randint(0, 59):02}"
        return {name: str(value)}

    def offers(self, question: Question, choice: Choice, row: Row) -> bool:
        cells = {**choice.extra, "name": choice.name}
        filtered = Reference(question.choice_filter or "true()", question.name, self.day)
        return filtered.mask([row], cells)[0]

    # ------------------------------------------------------------------------------------------------ random questions

    def name(self) -> str:
        return f"{self.prefix}{len(self.questions) + 1}"

    def labels(self, number: str) -> dict[str, str]:
        out = {"lv": f"Jautājums {number}", "en": f"Question {number}", "ru": f"Вопрос {number}"}
        return {code: text for code, text in out.items() if code == "lv" or self.rng.random() > 0.02}

    def choices(self, codes: list[str], **more: Any) -> tuple[Choice, ...]:
        return tuple(
            Choice(code, {"lv": f"Atbilde {code}", "en": f"Answer {code}", "ru": f"Ответ {code}"}, **more)
            for code in codes
        )

    def random_question(self, kind: str = "") -> None:
        """One question of a random kind; some kinds are several."""
        r, name = self.rng, self.name()
        labels = self.labels(name)
        kind = kind or r.choice(KINDS)
        missing = {"-8": "refused", "-9": "dont_know"} if r.random() < 0.5 else {}
        missing |= {"-7": "not_asked"} if r.random() < 0.3 else {}
        if kind in ("one", "filter", "twin"):
            codes = [f"c{i}" for i in range(r.randint(2, 7))]
            choices = self.choices(codes)
            if kind == "filter":
                self.filtered(name, labels)
                return
            choices += self.choices(["dk"], missing="dont_know") if r.random() < 0.4 else ()
            choices += self.choices(["-7"], missing="not_asked") if r.random() < 0.2 else ()
            twin = [q.name for q in self.pool if q.type == "select_one"]
            limit = f". != ${{{r.choice(twin)}}}" if kind == "twin" and twin else ""
            self.add(Question(name, "select_one", labels, choices, f"list_{name}", constraint=limit))
        elif kind == "several":
            choices = self.choices([f"c{i}" for i in range(r.randint(2, 6))])
            choices += self.choices(["none"], exclusive=True) if r.random() < 0.6 else ()
            choices += self.choices([r.choice(["ref", "-8"])], missing="refused") if r.random() < 0.6 else ()
            choices += self.choices(["-7"], missing="not_asked") if r.random() < 0.2 else ()
            limit = r.choice(["", "", "count-selected(.) <= 3", "not(selected(., 'c0') and selected(., 'c1'))"])
            self.add(Question(name, "select_multiple", labels, choices, f"list_{name}", constraint=limit))
        elif kind in NUMBERS:
            low, high = r.randint(0, 20), r.randint(40, 80)
            other = f"${{{r.choice([q for q in self.pool if q.type in NUMBERS]).name}}}"
            limit = r.choice([
                "", "", f". >= {low} and . <= {high}", f". > {low} or . < {high}", f". != {other}",
                f". + 100 > coalesce({other}, 0)",
                f"if({other} > 40, . > 5, . < 75)", f". >= {low} and not(. = {other})", f". * 2 >= {low}",
            ])  # fmt: skip
            extra = {"parameters": "start=0 end=10 step=1"} if kind == "range" else {}
            self.add(
                Question(name, kind, labels, constraint=limit if kind != "range" else "", missing=missing, extra=extra)
            )
        elif kind == "date":
            limit = r.choice(["", "", ". <= today()", ". >= '2021-01-01'", ". != '2021-05-01' and . < '2022-01-01'"])
            self.add(
                Question(name, kind, labels, constraint=limit, missing={"-7": "not_asked"} if r.random() < 0.2 else {})
            )
        elif kind == "text":
            limit = r.choice(["", "", "string-length(.) < 40", "regex(., '[^0-9]+')", "not(contains(., 'x'))"])
            self.add(Question(name, kind, labels, constraint=limit, missing=missing))
        elif kind == "time":
            self.add(Question(name, kind, labels), refer=False)
        elif kind == "calculate":
            relevant = None if r.random() < 0.3 else ""
            self.add(Question(name, kind, extra={"calculation": self.formula()}), relevant=relevant)
        elif kind == "note":
            self.questions.append(Question(name, "note", labels, relevant=self.condition(), groups=self.groups))
        else:
            self.other(name, labels)

    def filtered(self, name: str, labels: dict[str, str]) -> None:
        """A question of which an earlier one says what is offered."""
        r = self.rng
        zones = self.choices(["a", "b", "c"])
        self.add(Question(name, "select_one", labels, zones, f"list_{name}"), relevant="")
        shown = tuple(
            replace(choice, extra={"zone": r.choice("abc"), "size": str(i)})
            for i, choice in enumerate(self.choices([f"d{i}" for i in range(r.randint(4, 9))]))
        )
        shown += tuple(replace(choice, extra={"zone": "all", "size": "9"}) for choice in self.choices(["e1", "e2"]))
        by = r.choice([
            f"zone = ${{{name}}} or zone = 'all'", f"zone != ${{{name}}}", f"size > 3 or zone = ${{{name}}}",
            f"zone = if(${{{name}}} = 'a', 'all', ${{{name}}}) or name = 'e1'",
        ])  # fmt: skip
        kind = r.choice(["select_one", "select_multiple"])
        more = Question(f"{name}_of", kind, labels, shown, f"list_{name}_of", extra={"choice_filter": by})
        if kind == "select_one":
            self.add(more)
            return
        # of several the same: what is not offered is not chosen
        wrong = []
        for choice in shown:
            cells = {"zone": repr(choice.extra["zone"]), "size": choice.extra["size"], "name": repr(choice.name)}
            filled = re.sub(r"\b(zone|size|name)\b", lambda match, cells=cells: cells[match[1]], by)
            wrong.append(f"(selected(., '{choice.name}') and not({filled}))")
        self.add(replace(more, constraint=f"not({' or '.join(wrong)})"))
        if self.questions[-1].constraint:
            self.questions[-1] = self.pool[-1] = replace(self.questions[-1], constraint="")
        else:  # none was found
            self.questions[-1] = self.pool[-1] = replace(self.questions[-1], extra={})

    def other(self, name: str, labels: dict[str, str]) -> None:
        """A question with "other" and the text that goes with it."""
        r = self.rng
        codes = ["c0", "c1", "c2", "c3", "other"]
        kind = r.choice(["select_one", "select_multiple"])
        choices = self.choices(codes) + (self.choices(["none"], exclusive=True) if kind == "select_multiple" else ())
        self.add(Question(name, kind, labels, choices, f"list_{name}"))
        text, says = f"{name}_other", f"selected(${{{name}}}, 'other')"
        self.pairs.append((text, name, "other"))
        if r.random() < 0.5 or any(group.relevant for group in self.groups):
            says = r.choice([says, f"${{{name}}} = 'other'"]) if kind == "select_one" else says
            self.add(Question(text if r.random() < 0.5 else f"{name}_cita", "text", labels), relevant=says)
            self.pairs[-1] = (self.questions[-1].name, name, "other")
            return
        question = Question(text, "text", labels, groups=self.groups)  # without routing
        cells = [{text: r.choice(WORDS)} if yes else None for yes in self.holds(says)]
        self.store(question, cells)
        self.pool.append(question)

    def grid(self, items: int = 8) -> None:
        """The same answers to several questions, one below the other."""
        choices = self.choices(["s1", "s2", "s3", "s4", "s5"]) + self.choices(["dk"], missing="dont_know")
        name = self.name()
        for i in range(items):
            self.add(
                Question(f"{name}_{i}", "select_one", self.labels(f"{name} {i}"), choices, f"list_{name}"),
                refer=False,
                relevant="",
            )

    def repeat(self) -> tuple[Repeat, pd.DataFrame]:
        """Questions asked once for each member of the household."""
        r = self.rng
        inner = Maker(r, 0, prefix="m", pool=[q for q in self.pool if r.random() < 0.5], day=self.day)
        ids: list[tuple[str, str]] = []
        for row in self.rows:
            count = r.choice([0, 1, 1, 2, 2, 3, 4])
            row.members["hh"] = [Row({}, row, repeat="hh", position=i + 1) for i in range(count)]
            inner.rows += row.members["hh"]
            ids += [(f"{row.cells['id'].text}/{i + 1}", row.cells["id"].text) for i in range(count)]
        inner.size = len(inner.rows)
        names = [q.name for q in self.questions]
        inner.add(Question("m1", "integer", inner.labels("m1")), relevant="")
        while len(inner.questions) < 5:
            inner.random_question()
        self.inside = {"hh": {"hh", *(q.name for q in inner.questions)}}
        frame = pd.DataFrame({"hh_id": [a for a, _ in ids], "id": [b for _, b in ids], **inner.columns}, dtype=object)
        self.pairs += inner.pairs
        form = Questionnaire(tuple(inner.questions), LANGUAGES)
        return Repeat("hh", form, {"lv": "Ģimene", "en": "Household", "ru": "Семья"}, after=names[-1]), frame


def conditions(question: Question) -> list[str]:
    return [text for text in (*(group.relevant for group in question.groups), question.relevant) if text]


def blank(question: Question, rng: random.Random) -> str:
    """What stands where a question was not asked."""
    codes = [code for code, reason in question.missing_codes.items() if reason == "not_asked"]
    return rng.choice(["", *codes])


def is_missing(question: Question, cells: dict[str, str]) -> bool:
    codes = question.missing_codes
    named = {question.column(choice) for choice in question.choices if choice.missing}
    return any(value in codes for value in cells.values()) or any(cells.get(column) == "1" for column in named)


def cell_of(question: Question, cells: dict[str, str]) -> Cell:
    """An answer as an expression sees it."""
    if question.type == "select_multiple":
        known = [choice.name for choice in (*question.answers, *(c for c in question.choices if c.missing))]
        return Cell(" ".join(name for name in known if one(cells.get(f"{question.name}/{name}", ""))))
    text = cells.get(question.name, "")
    return Cell(text, question.type in NUMBERS and (text == "" or not math.isnan(to_number(text))))


def one(text: str) -> bool:
    return to_number(text) == 1


def make(seed: int, size: int = 48, count: int = 16, repeats: bool | None = None, full: bool = False) -> Made:
    """A random form with random answers that obey it; a full one has questions of all kinds, a repeat, a design."""
    r = random.Random(seed)
    maker = Maker(r, size, required=r.random() < 0.3)
    maker.rows = [Row({"id": Cell(f"R{i + 1:03}")}) for i in range(size)]
    maker.columns["id"] = [row.cells["id"].text for row in maker.rows]
    zone = r.choice(["+03:00", "Z", ""])
    began = [
        dt.datetime(2021, 10, 4 + r.randint(0, 24), r.randint(9, 18), r.randint(0, 59), tzinfo=dt.UTC)
        for _ in range(size)
    ]
    ended = [at + dt.timedelta(seconds=r.randint(900, 2000)) for at in began]
    stamp = "%Y-%m-%dT%H:%M:%S" + r.choice(["", ".000"])
    for name, texts in (
        ("start", [at.strftime(stamp) + zone for at in began]), ("end", [at.strftime(stamp) + zone for at in ended]),
        ("today", [str(at.date()) for at in began]),
    ):  # fmt: skip
        maker.store(Question(name, name), [{name: text} for text in texts])
    maker.columns["interviewer"] = [f"I{r.randint(1, 3)}" for _ in range(size)]
    about: dict[str, Any] = {
        "title": {"lv": "Nejauša aptauja", "en": "Random survey", "ru": "Случайный опрос"}, "synthetic": True,
        "respondent_id": "id", "fieldwork": {"start": FIRST, "end": LAST}, "other_columns": ["interviewer"],
        "paradata": {"interviewer": "interviewer", "age": "age", "born": "born"},
    }  # fmt: skip
    ages = [r.randint(18, 90) for _ in range(size)]
    for name, texts in (("age", ages), ("born", [2021 - age - r.randint(0, 1) for age in ages])):
        question = Question(name, "integer", maker.labels(name))
        maker.store(question, [{name: str(text)} for text in texts])
        maker.pool.append(question)
    maker.grid()
    members: dict[str, pd.DataFrame] = {}
    inner: tuple[Repeat, ...] = ()
    kinds = r.sample(KINDS, len(KINDS)) if full else [""] * 99
    while kinds and (full or len(maker.questions) < count + 13):
        if r.random() < 0.2:
            inside = f"g{len(maker.questions)}"
            more = Group(inside, {"lv": "Grupa", "en": "Group", "ru": "Группа"}, r.choice(["", maker.condition()]))
            maker.groups = (*maker.groups[:1], more) if r.random() < 0.6 else ()
        maker.random_question(kinds.pop())
        if not members and not maker.groups and (full if repeats is None else repeats):
            found, members["hh"] = maker.repeat()
            inner = (found,)
    if full or r.random() < 0.7:
        about["design"] = {"weight": "w", "strata": "h"}
        maker.columns["w"] = [to_text(round(r.uniform(0.5, 2), 3)) for _ in range(size)]
        maker.columns["h"] = [r.choice(["north", "south"]) for _ in range(size)]
    form = Questionnaire(tuple(maker.questions), LANGUAGES, {"form_title": "Random"}, inner)
    said = " ".join(
        " ".join([*conditions(q), q.constraint, q.calculation, q.choice_filter])
        for part in (form, *(repeat.form for repeat in inner)) for q in part
    )  # fmt: skip
    plain = [q.name for q in form if q.type not in (*META, "note") and f"${{{q.name}}}" not in said]
    return Made(form, about, pd.DataFrame(maker.columns, dtype=object), members, maker.pairs, plain)


# ------------------------------------------------------------------------------------------- what the form says of it


def tree(made: Made) -> Tree:
    """The respondents as the reference reads them, and the members of each repeat."""

    def rows(frame: pd.DataFrame, form: Questionnaire) -> list[Row]:
        out = []
        for values in frame.to_dict("records"):
            cells = {str(column): str(value) for column, value in values.items()}
            out.append(Row({q.name: cell_of(q, cells) for q in form if q.type != "note"}))
        return out

    top = rows(made.frame, made.form)
    known = dict(reversed(list(zip(made.frame["id"], top, strict=True))))
    nobody = Row({name: Cell("", cell.number) for name, cell in top[0].cells.items()}) if top else Row({})
    below: dict[str, list[Row]] = {}
    for row in (*top, nobody):
        row.members = {name: [] for name in made.members}
    for repeat in made.form.repeats:
        below[repeat.name] = rows(made.members[repeat.name], repeat.form)
        for member, owner in zip(below[repeat.name], made.members[repeat.name]["id"], strict=True):
            member.above, member.repeat = known.get(owner, nobody) if owner else nobody, repeat.name
            member.above.members[repeat.name].append(member)
            member.position = len(member.above.members[repeat.name])
    return top, below


def expected(made: Made) -> set[Finding]:
    """What is wrong by the form, by the days and the ages; not what needs all respondents at once."""
    top, below = tree(made)
    inside = {r.name: {r.name, *(q.name for q in r.form)} for r in made.form.repeats}
    out = of_table(made.frame, made.form, top, "id", "", made, inside) | of_interviews(made, top)
    for repeat in made.form.repeats:
        frame = made.members[repeat.name]
        out |= of_table(frame, repeat.form, below[repeat.name], "hh_id", f"{repeat.name}/", made, inside)
        ids = set(made.frame["id"]) - {""}
        out |= {
            (me, f"{repeat.name}/id", "orphan")
            for me, of in zip(frame["hh_id"], frame["id"], strict=True)
            if of not in ids
        }
    return out


def of_table(
    frame: pd.DataFrame, form: Questionnaire, rows: list[Row], identity: str, prefix: str, made: Made,
    inside: dict[str, set[str]],
) -> set[Finding]:  # fmt: skip
    out: set[Finding] = set()
    records = [{str(c): str(v) for c, v in record.items()} for record in frame.to_dict("records")]

    def mask(text: str, this: str, choice: dict[str, str] | None = None) -> list[bool]:
        return Reference(text, this, "today", inside=inside).mask(rows, choice)

    pairs = {text: (of, code) for text, of, code in made.pairs if text in form}
    for q in form:
        if q.type == "note":
            continue
        asked = [True] * len(rows)
        for text in conditions(q):
            asked = [a and b for a, b in zip(asked, mask(text, q.name), strict=True)]
        allowed = mask(q.constraint, q.name) if q.constraint else [True] * len(rows)
        when = q.extra.get("required", "") in ("yes", "true()")
        offered = {
            c.name: mask(q.choice_filter, q.name, {**c.extra, "name": c.name})
            if q.choice_filter
            else [True] * len(rows)
            for c in q.choices
        }
        other = mask(f"selected(${{{pairs[q.name][0]}}}, '{pairs[q.name][1]}')", q.name) if q.name in pairs else None
        made_of = Reference(q.calculation, q.name, "today", inside=inside).values(rows) if q.calculation else None
        codes = q.missing_codes
        unasked = {code for code, reason in codes.items() if reason == "not_asked"}
        for i, record in enumerate(records):
            who, found = record[identity], set()
            named = [*q.columns, *q.optional_columns] or [q.name]
            given = {column: record[column] for column in named if column in record}
            value = given.get(q.name, "")
            values = [given[column] for column in q.columns]
            answered = any(v not in ("", *codes) for v in values)
            empty = all(v in ("", *unasked) for v in given.values())
            if q.type == "select_multiple":
                for column, v in given.items():
                    if v not in ("", "0", "1", *codes):
                        out.add((who, prefix + column, "unknown_code"))
                hits = [c for c in q.choices if one(given.get(q.column(c), ""))]
                if len(hits) > 1 and any(c.exclusive or c.missing for c in hits):
                    found.add("exclusive")
                if any(not offered[c.name][i] for c in hits):
                    found.add("not_offered")
            elif q.type == "select_one":
                if value and value not in offered:
                    found.add("unknown_code")
                elif value and not offered[value][i]:
                    found.add("not_offered")
            elif value and value not in codes and not well_formed(q.type, value):
                found.add("wrong_type")
            low, high = q.limits if q.type == "range" else (None, None)
            if value not in codes and (
                (low is not None and to_number(value) < low) or (high is not None and to_number(value) > high)
            ):
                found.add("out_of_range")
            if answered and not allowed[i]:
                found.add("out_of_range")
            if q.columns and conditions(q) and not asked[i] and not empty:
                found.add("answered_not_asked")
            if q.columns and (conditions(q) or when) and asked[i] and empty:
                found.add("asked_not_answered")
            if other is not None and other[i] and empty and asked[i]:
                found.add("other_without_text")
            if other is not None and not other[i] and answered:
                found.add("text_without_other")
            if made_of is not None and value and asked[i] and not same(value, made_of[i]):
                found.add("calculation")
            for rule, better in SAID_BY.items():
                if rule in found and found & better:
                    found.discard(rule)
            out |= {(who, prefix + q.name, rule) for rule in found}
    return out


SAID_BY = {  # in the order in which they are taken away
    "calculation": {"wrong_type"},
    "not_offered": {"unknown_code", "answered_not_asked"},
    "asked_not_answered": {"other_without_text"},
    "answered_not_asked": {"text_without_other"},
    "out_of_range": {"wrong_type", "unknown_code"},
}


def same(text: str, value: Any) -> bool:
    if text == to_text(value):
        return True
    a, b = to_number(text), to_number(value) if not isinstance(value, bool) else math.nan
    return not math.isnan(a) and math.isclose(a, b, rel_tol=1e-9)


def well_formed(kind: str, text: str) -> bool:
    if kind in NUMBERS:
        value = to_number(text) if not re.match(r"\d{4}-", text) else math.nan
        return not math.isnan(value) and (kind != "integer" or value == int(value))
    if kind in ("date", "today"):
        return bool(re.match(r"\d{4}-\d\d-\d\d($|[T ])", text)) and to_moment(text) is not None
    if kind in ("start", "end"):
        return to_moment(text) is not None and len(text) >= 10 and "-" in text
    return kind != "time" or bool(re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", text))


def of_interviews(made: Made, rows: list[Row]) -> set[Finding]:
    """Days, lengths, ages, and how many questions have no answer."""
    out: set[Finding] = set()
    put = [q for q in made.form if q.type not in (*META, "note")]
    for i, record in enumerate(made.frame.to_dict("records")):
        who, cells = str(record["id"]), rows[i].cells
        moments = {name: to_moment(cells[name].text) for name in ("today", "start", "end")}
        written = {name: cells[name].text[:10] for name, at in moments.items() if at}
        today = written.get("today")
        if today and not str(FIRST) <= today <= str(LAST):
            out.add((who, "today", "outside_fieldwork"))
        start, end = moments["start"], moments["end"]
        if start and end and end < start:
            out.add((who, "end", "end_before_start"))
        day = today or written.get("start") or written.get("end")
        for q in made.form:
            text = cells[q.name].text if q.name in cells else ""
            if (
                q.type == "date"
                and "today(" not in q.constraint
                and well_formed("date", text)
                and day
                and text[:10] > day
            ):
                out.add((who, q.name, "after_interview"))
        age, born = to_number(cells["age"]), to_number(cells["born"])
        if well_formed("integer", cells["age"].text) or not math.isnan(age):
            whole = well_formed("integer", cells["age"].text)
            if whole and not 0 <= age <= 110:
                out.add((who, "age", "age_impossible"))
            elif (
                whole
                and day
                and not math.isnan(born)
                and not (int(day[:4]) - born - 2 <= age <= int(day[:4]) - born + 1)
            ):
                out.add((who, "age", "age_disagrees"))
        without = every = 0
        for q in put:
            reasons = {code for code, reason in q.missing_codes.items() if reason in ("refused", "dont_know")}
            values = [str(record[column]) for column in q.columns]
            chosen = [one(str(record[c])) for c in q.optional_columns if c in record]
            none = values[0] in reasons or any(chosen)
            every += none or any(value not in ("", *q.missing_codes) for value in values)
            without += none
        if every >= 10 and without >= 0.5 * every:
            out.add((who, "id", "no_answer_respondent"))
    return out
