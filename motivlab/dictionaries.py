"""Data dictionaries for machines: a Frictionless Data Package with Table Schemas, and DDI-Codebook 2.5."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from .codebook import Codebook, Column, Entry, codebook, named, plain, tables_of
from .codebook_counts import Cell, conditions, together
from .files import new_file
from .language import say
from .parts import in_language
from .questionnaire import NUMBER_TYPES, Choice, Question
from .survey import Survey
from .tables_codebook import summary, tag, title_of, wordings

DDI = "ddi:codebook:2_5"
XML = "{http://www.w3.org/XML/1998/namespace}"
_NUMBER = r"-?\d+(?:\.\d+)?"
_DAY = r"'\d{4}-\d{2}-\d{2}'"
_LIMIT = re.compile(rf"\.\s*(>=|<=)\s*({_NUMBER}|{_DAY})")


def limits(question: Question) -> tuple[str, str] | None:
    """The least and the greatest value that a question allows, where that is all its constraint says; else None.

    Examples
    --------
    >>> limits(Question("age", "integer", constraint=". >= 18 and . <= 75"))
    ('18', '75')
    >>> limits(Question("age", "integer", constraint=". < ${limit}")) is None
    True
    """
    low, high = (f"{value:g}" if value is not None else "" for value in question.limits)
    if question.type != "range":
        low = high = ""
    for part in re.split(r"\s+and\s+", question.constraint.strip()) if question.constraint else ():
        found = _LIMIT.fullmatch(part.strip().strip("()").strip())
        if not found or (found[2].startswith("'") != (question.type == "date")):
            return None
        value = found[2].strip("'")
        if found[1] == ">=":
            low = max(low, value) if question.type == "date" else _extreme(max, low, value)
        else:
            high = (min(high, value) if high else value) if question.type == "date" else _extreme(min, high, value)
    return low, high


def _extreme(which: Any, known: str, value: str) -> str:
    return str(which(known, value, key=float)) if known else value


# ---------------------------------------------------------------------------------------------------- Table Schema


def write_table_schema(survey: Survey, file: str | Path) -> list[str]:
    """Describe the responses as a Frictionless Data Package (.json), each table with its Table Schema.

    A field has ``name``, ``title`` (the wording in the language of the survey), ``type``, ``constraints`` (``enum``,
    ``minimum``, ``maximum``, ``required``, ``unique``), and as version 2 has them ``categories`` and its own
    ``missingValues``: the codes of the missing reasons. Beyond the standard stand ``labels`` (the wording per
    language), ``categoryLabels`` (the choices' wording per language), ``missingReasons`` (code to reason) and, as
    the form has them, ``relevant``, ``constraint``, ``choiceFilter`` and ``calculation``; ``multipleResponse`` names
    the question that a column is one choice of.

    Returns
    -------
    list of str
        What the format cannot hold.

    Raises
    ------
    ValueError
        If the file does not end in .json.
    """
    file = _named_so(file, ".json")
    title = survey.about.text("title", survey.language)
    source = survey.files[-1].name if survey.files else "responses.csv"
    resources = []
    kept: dict[str, set[str]] = {}
    identities: dict[str, str] = {}  # of the tables so far: column to table
    for name, _, columns in tables_of(survey):
        identity = survey.about.respondent_id if name == "responses" else f"{name}_id"
        schema: dict[str, Any] = {
            "fields": [_field(survey, column, column.name == identity, kept) for column in columns],
            "missingValues": [""],
            "primaryKey": [column.name for column in columns if column.name == identity],
            "foreignKeys": [
                {"fields": [column.name], "reference": {"resource": identities[column.name], "fields": [column.name]}}
                for column in columns if column.name in identities
            ],
        }  # fmt: skip
        schema = {key: value for key, value in schema.items() if value}
        identities[identity] = _slug(name)
        path = source if name == "responses" and source.endswith(".csv") else f"{name}.csv"
        resources.append({
            "name": _slug(name), "path": path, "type": "table", "scheme": "file",
            "format": "csv", "mediatype": "text/csv", "encoding": "utf-8", "schema": schema,
        })  # fmt: skip
    package = {
        "name": _slug(survey.folder.name if survey.folder else "survey"),
        "title": title,
        "description": survey.about.text("population", survey.language),
        "resources": resources,
    }
    package = {key: value for key, value in package.items() if value}
    with new_file(file) as work:
        work.write_text(json.dumps(package, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    notes = []
    if kept:
        notes.append(
            "Table Schema has no rules across columns and no conditions: "
            f"{sum(map(len, kept.values()))} expressions are kept as they are, in properties of our own "
            f"({', '.join(kept)})."
        )
    if len(survey.questionnaire.languages) > 1:
        notes.append("Table Schema has one language: the others stand in `labels` and `categoryLabels`.")
    if not source.endswith(".csv"):
        notes.append(f"the package describes responses.csv; the responses were read from {source}.")
    return notes


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-") or "table"


def _field(survey: Survey, column: Column, identity: bool, kept: dict[str, set[str]]) -> dict[str, Any]:
    field: dict[str, Any] = {"name": column.name}
    question, choice = column.question, column.choice
    constraints: dict[str, Any] = {}
    if question is None:
        numeric = column.role in ("weight", "fpc", "replicates")
        field["type"] = "number" if numeric else "string"
        field["description"] = say(f"codebook_role_{column.role}", survey.language)
    else:
        labels = choice.labels if choice else question.labels
        field["title"] = plain((choice or question).label(survey.language))
        if choice:
            field["description"] = plain(question.label(survey.language))
            field["multipleResponse"] = question.name
        field["labels"] = {code or "und": plain(text) for code, text in labels.items() if text}
        field["type"] = _type(question)
        _values(survey, question, field, constraints, kept)
    if identity:
        constraints |= {"required": True, "unique": True}
    if constraints:
        field["constraints"] = constraints
    return field


def _type(question: Question) -> str:
    if question.type in ("integer", "select_multiple"):
        return "integer"
    if question.type in NUMBER_TYPES:
        return "number"
    return "date" if question.type == "date" else "string"


def _values(
    survey: Survey, question: Question, field: dict[str, Any], constraints: dict[str, Any], kept: dict[str, set[str]]
) -> None:
    if question.type == "select_one":
        constraints["enum"] = [choice.name for choice in question.answers]
        field["categories"] = [{"value": c.name, "label": plain(c.label(survey.language))} for c in question.answers]
        field["categoryLabels"] = {
            choice.name: {code or "und": plain(text) for code, text in choice.labels.items() if text}
            for choice in question.choices
        }
    elif question.type == "select_multiple":
        constraints["enum"] = [0, 1]
    missing = question.missing_codes
    if missing:
        field["missingValues"], field["missingReasons"] = ["", *missing], dict(missing)
    allowed = limits(question)
    if allowed is None:
        kept.setdefault("constraint", set()).add(question.name)
        field["constraint"] = question.constraint
    elif question.type in (*NUMBER_TYPES, "date"):
        for key, value in zip(("minimum", "maximum"), allowed, strict=True):
            if value:
                constraints[key] = value if question.type == "date" else _plain_number(value)
    if conditions(question):
        kept.setdefault("relevant", set()).add(question.name)
        field["relevant"] = together(conditions(question))
    for key, name in (("choice_filter", "choiceFilter"), ("calculation", "calculation")):
        if question.extra.get(key):
            kept.setdefault(name, set()).add(question.name)
            field[name] = question.extra[key]
    required = question.extra.get("required", "").lower() in ("yes", "true", "true()")
    if required and not conditions(question) and not missing and question.columns:
        constraints["required"] = True


def _plain_number(value: str) -> float | int:
    return int(value) if re.fullmatch(r"-?\d+", value) else float(value)


# ------------------------------------------------------------------------------------------------------------- DDI


def write_ddi(survey: Survey, file: str | Path) -> list[str]:
    """Describe a survey as DDI-Codebook 2.5 (.xml), with the counts that a codebook may show.

    ``stdyDscr`` says how the survey was made, ``fileDscr`` the tables, ``dataDscr`` the variables: groups and multiple
    response questions as ``varGrp``, the wording per language, the condition as ``universe``, codes as ``catgry``
    with unweighted frequencies, percentiles as ``sumStat``. Counts and percentiles are those of
    :func:`motivlab.codebook`: what is hidden there is absent here.

    Returns
    -------
    list of str
        What the format cannot hold.

    Raises
    ------
    ValueError
        If the file does not end in .xml.

    References
    ----------
    DDI Alliance (2012). DDI-Codebook 2.5.
    """
    file = _named_so(file, ".xml")
    writer = _Ddi(codebook(survey))
    root = writer.root()
    ET.register_namespace("", DDI)
    ET.indent(root)
    with new_file(file) as work:
        ET.ElementTree(root).write(work, encoding="utf-8", xml_declaration=True)
        with work.open("ab") as stream:
            stream.write(b"\n")
    return writer.notes()


def _named_so(file: str | Path, ending: str) -> Path:
    file = Path(file)
    if file.suffix.lower() != ending:
        raise ValueError(f"{file}: this dictionary is written as {ending}. Name the file so.")
    return file


def _add(above: ET.Element, kind: str, text: str = "", language: str = "", /, **attributes: str) -> ET.Element:
    element = ET.SubElement(above, f"{{{DDI}}}{kind}", {key.replace("_", "-"): v for key, v in attributes.items()})
    if language:
        element.set(f"{XML}lang", language)
    if text:
        element.text = plain(text)
    return element


class _Ddi:
    """A codebook on its way to DDI."""

    def __init__(self, made: Codebook) -> None:
        self.made, self.survey, self.language = made, made.survey, made.language
        self.entries = {(s.repeat, e.question.name): e for s in made.sections for e in s.entries}
        self.tables = list(tables_of(made.survey))
        every = [f"{table}.{column.name}" for table, _, columns in self.tables for column in columns]
        self.ids = named(every)
        self.kept: dict[str, set[str]] = {}

    def texts(self, text: Any) -> list[tuple[str, str]]:
        """A text of survey.yml, language by language, the survey's own first."""
        if isinstance(text, dict):
            found = sorted(text.items(), key=lambda pair: pair[0] != self.language)
            return [(code, words) for code, words in found if in_language(words, code)]
        return [("", text)] if in_language(text, "") else []

    def root(self) -> ET.Element:
        root = ET.Element(f"{{{DDI}}}codeBook", {"version": "2.5", f"{XML}lang": tag(self.language) or "en"})
        self.study(_add(root, "stdyDscr"))
        for i, (name, frame, columns) in enumerate(self.tables, start=1):
            text = _add(_add(root, "fileDscr", ID=f"F{i}"), "fileTxt")
            _add(text, "fileName", f"{name}.csv")
            _add(text, "fileStrc", type="rectangular" if len(self.tables) == 1 else "relational")
            size = _add(text, "dimensns")
            if len(frame) >= self.made.least:
                _add(size, "caseQnty", str(len(frame)))
            _add(size, "varQnty", str(len(columns)))
            _add(text, "fileType", "text/csv; charset=UTF-8")
        data = _add(root, "dataDscr")
        self.groups(data)
        for i, (name, _, columns) in enumerate(self.tables, start=1):
            for column in columns:
                self.variable(data, "" if name == "responses" else name, column, f"F{i}")
        return root

    def study(self, study: ET.Element) -> None:
        about = self.survey.about
        citation = _add(study, "citation")
        titles = _add(citation, "titlStmt")
        known = self.texts(about.title) or [("", "?")]
        for i, (code, text) in enumerate(known):
            _add(titles, "parTitl" if i else "titl", text, code)
        production = _add(citation, "prodStmt")
        _add(production, "software", "motivlab")
        for code, text in self.texts(about.sponsor):
            _add(production, "fundAg", text, code)
        info = _add(study, "stdyInfo")
        _add(info, "abstract", f"{about.text('title', self.language)}. {summary(self.made)}", tag(self.language))
        scope = _add(info, "sumDscr")
        for event in ("start", "end"):
            day = getattr(about.fieldwork, event)
            if isinstance(day, dt.date):
                _add(scope, "collDate", day.isoformat(), event=event, date=day.isoformat())
        for code, text in self.texts(about.population):
            _add(scope, "universe", text, code)
        _add(scope, "dataKind", say("synthetic", self.language) if about.synthetic else "survey data")
        method = _add(study, "method")
        collection = _add(method, "dataColl")
        for key, name in (("sample", "sampProc"), ("mode", "collMode")):
            for code, text in self.texts(getattr(about, key)):
                _add(collection, name, text, code)
        if sources := self.texts(about.source):
            above = _add(collection, "sources")
            for code, text in sources:
                _add(above, "dataSrc", text, code)
        for code, text in self.texts(about.weighting):
            _add(collection, "weight", text, code)
        use = _add(_add(study, "dataAccs"), "useStmt")
        gate = say("codebook_note_hidden", self.language, n=self.made.least) if self.made.least > 1 else say(
            "note_gate_open", self.language
        )  # fmt: skip
        _add(use, "conditions", gate, tag(self.language))
        for limitation in about.limitations:
            for code, words in self.texts(limitation):
                _add(study, "notes", words, code, type="limitation")

    def groups(self, data: ET.Element) -> None:
        """The sections of the questionnaire, then the multiple response questions."""
        for i, section in enumerate(self.made.sections, start=1):
            table = section.repeat or "responses"
            asked = {entry.question.name for entry in section.entries}
            members = self.members(table, asked)
            if members and section.path:
                group = _add(data, "varGrp", ID=f"G{i}", type="section", var=" ".join(members))
                for one in wordings(self.made, section.path[-1]):
                    _add(group, "labl", one.text, one.code)
                group.set("name", title_of(self.made, section))
        count = 0
        for section in self.made.sections:
            for entry in section.entries:
                members = self.members(section.repeat or "responses", {entry.question.name})
                if entry.question.type == "select_multiple" and members:
                    count += 1
                    group = _add(data, "varGrp", ID=f"M{count}", type="multipleResp", var=" ".join(members))
                    group.set("name", entry.question.name)
                    for one in wordings(self.made, entry.question.labels):
                        _add(group, "labl", one.text, one.code)
                    self.universe(group, entry.question)

    def members(self, table: str, asked: set[str]) -> list[str]:
        columns = next((columns for name, _, columns in self.tables if name == table), [])
        return [self.ids[f"{table}.{c.name}"] for c in columns if c.question and c.question.name in asked]

    def universe(self, above: ET.Element, question: Question) -> None:
        if conditions(question):
            _add(above, "universe", together(conditions(question)))

    def variable(self, data: ET.Element, repeat: str, column: Column, file: str) -> None:
        question = column.question
        numeric = question is not None and (question.type in NUMBER_TYPES or question.type == "select_multiple")
        numeric |= column.role in ("weight", "fpc", "replicates")
        look = {"ID": self.ids[f"{repeat or 'responses'}.{column.name}"], "name": column.name, "files": file}
        if column.role in ("weight", "replicates"):
            look["wgt"] = "wgt"
        if numeric and not (question and question.type == "select_multiple"):
            look["intrvl"] = "contin"
        variable = _add(data, "var", **look)
        if question is None:
            _add(variable, "labl", say(f"codebook_role_{column.role}", self.language), tag(self.language))
        else:
            self.asked(variable, question, column.choice, self.entries[repeat, question.name])
        category = "date" if question and question.type == "date" else "other"
        _add(variable, "varFormat", type="numeric" if numeric else "character", category=category)
        if question is not None:
            written = {"constraint": question.constraint if limits(question) is None else "", **question.extra}
            for key in ("constraint", "choice_filter", "calculation"):
                if written.get(key):
                    self.kept.setdefault(key, set()).add(question.name)
                    _add(variable, "notes", written[key], type=key)

    def asked(self, variable: ET.Element, question: Question, choice: Choice | None, entry: Entry) -> None:
        for one in wordings(self.made, (choice or question).labels):
            _add(variable, "labl", one.text, one.code)
        for one in wordings(self.made, question.labels):
            _add(_add(variable, "qstn"), "qstnLit", one.text, one.code)
        low, high = limits(question) or ("", "")
        if (low or high) and question.type != "select_multiple":
            span = {"min": low, "max": high}
            _add(_add(variable, "valrng"), "range", **{key: value for key, value in span.items() if value})
        self.universe(variable, question)
        for p, value in entry.percentiles.items():
            if p == 50:
                _add(variable, "sumStat", value, wgtd="not-wgtd", type="medn")
            else:
                _add(variable, "sumStat", value, wgtd="not-wgtd", type="other", otherType=f"percentile{p}")
        if choice:
            self.ticks(variable, choice, entry)
            return
        for cell in entry.cells or tuple(Cell(c.name, "answer", None) for c in question.choices):
            if cell.code:
                labels = next((c.labels for c in question.choices if c.name == cell.code), {})
                reason = question.missing_codes.get(cell.code, "")
                category = _add(variable, "catgry", **({"missing": "Y", "missType": reason} if reason else {}))
                _add(category, "catValu", cell.code)
                for one in wordings(self.made, labels):
                    _add(category, "labl", one.text, one.code)
                if cell.n is not None:
                    _add(category, "catStat", str(cell.n), type="freq")

    def ticks(self, variable: ET.Element, choice: Choice, entry: Entry) -> None:
        """The codes 1 and 0 of one choice of a multiple response question, and its missing reasons."""
        n = next((cell.n for cell in entry.cells if cell.kind == "answer" and cell.code == choice.name), None)
        answered = next((cell.n for cell in entry.cells if cell.kind == "answered"), None)
        rest = answered - n if n is not None and answered is not None else None
        for code, key, count in (("1", "codebook_chosen", n), ("0", "codebook_not_chosen", rest)):
            category = _add(variable, "catgry")
            _add(category, "catValu", code)
            _add(category, "labl", say(key, self.language), tag(self.language))
            if count is not None:
                _add(category, "catStat", str(count), type="freq")
        if not choice.missing:
            for reason in entry.question.choices:
                if reason.missing:
                    category = _add(variable, "catgry", missing="Y", missType=reason.missing)
                    _add(category, "catValu", reason.name)
                    for one in wordings(self.made, reason.labels):
                        _add(category, "labl", one.text, one.code)

    def notes(self) -> list[str]:
        out = ["DDI-Codebook has no language for conditions: they stand as text in `universe`, as the form has them."]
        if self.kept:
            count = sum(map(len, self.kept.values()))
            out.append(
                f"{count} expressions ({', '.join(self.kept)}) have no element of their own and stand in `notes`."
            )
        if self.made.least > 1:
            out.append(f"frequencies below {self.made.least} are absent, and others that would give them away.")
        return out
