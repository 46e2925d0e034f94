"""The codebook in words: as a table of its sections, and as a page of HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.resources import files
from pathlib import Path

from .codebook import Codebook, Entry, Section, named, plain
from .codebook_counts import Cell, conditions, together
from .language import LANGUAGES, number, say
from .questionnaire import META_TYPES, PLACE_TYPES, TYPES
from .sentences import describe
from .tables import SUPPRESSED, Block, Table, table

STATED = ("relevant", "constraint", "choice_filter", "calculation", "parameters")  # as the form has them: code


@dataclass(frozen=True)
class Wording:
    """A text in one language; ``code`` is the tag of the language, empty where it is none."""

    code: str
    name: str
    text: str


@dataclass(frozen=True)
class Fact:
    """Something that is said of a question: its name, the text, whether it is an expression of the form."""

    name: str
    text: str
    expression: bool = False


@dataclass(frozen=True)
class Row:
    """One row of the codes of a question."""

    code: str
    labels: tuple[Wording, ...]
    mark: str
    n: str


@table.register(Codebook)
def _sections(made: Codebook) -> Table:
    """A row per section: its questions and the n."""
    language = made.language
    rows = tuple(
        (title_of(made, section), number(len(section.entries), language), shown(section.n, language))
        for section in made.sections
    )
    head = (say("codebook_section", language), say("codebook_questions", language), "n")
    title = f"{say('codebook_title', language)}: {made.survey.about.text('title', language)}"
    return Table(title, (Block("", head, rows),), (summary(made), *reading(made)), made.frame, language)


def summary(made: Codebook) -> str:
    """How many questions, sections and languages, in a sentence."""
    language = made.language
    known = [made.survey.questionnaire.languages.get(code, code) or code for code in made.languages]
    return say(
        "codebook_summary", language, questions=say("codebook_question_count", language, n=len(made.entries)),
        sections=say("codebook_section_count", language, n=len(made.sections)),
        languages=", ".join(filter(None, known)) or say("not_stated", language),
    )  # fmt: skip


def reading(made: Codebook) -> list[str]:
    """How the codebook is to be read."""
    language = made.language
    out = [say("codebook_note_counts", language)]
    if made.least > 1:
        out.append(say("codebook_note_hidden", language, n=made.least))
    else:
        out.append(say("note_gate_open", language))
    return [*out, say("codebook_note_percentiles", language), say("codebook_note_conditions", language)]


def about(made: Codebook) -> list[str]:
    """How the survey was made, a line each; what is still to be filled in is not said here."""
    count = 8
    return list(describe(made.survey).bullets[:count])


def title_of(made: Codebook, section: Section) -> str:
    """The heading of a section."""
    title = plain(section.title(made.language))
    return title or say("codebook_questions" if len(made.sections) == 1 else "codebook_ungrouped", made.language)


def shown(n: int | None, language: str) -> str:
    """A count, or a dash where it is hidden."""
    return SUPPRESSED if n is None else number(n, language)


def wordings(made: Codebook, labels: object) -> list[Wording]:
    """A label in every language that has it, the survey's own language first."""
    texts = dict(labels) if labels else {}  # type: ignore[call-overload]
    names = made.survey.questionnaire.languages
    out = [Wording(tag(code), names.get(code, code), plain(texts[code])) for code in made.languages if texts.get(code)]
    if not out and any(texts.values()):  # labels in a language that the sheet does not declare
        out = [Wording("", "", plain(next(filter(None, texts.values()))))]
    return out


def tag(code: str) -> str:
    """A language tag as XML and HTML have it; empty where the sheet names the language otherwise."""
    return code if re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", code) else ""


def facts(made: Codebook, section: Section, entry: Entry) -> list[Fact]:
    """What is said of a question above its codes: type, base, conditions, limits."""
    language, question = made.language, entry.question
    kind = question.type
    if kind in PLACE_TYPES:
        kind = "place"
    elif kind in META_TYPES:
        kind = "calculate" if kind == "calculate" else "device"
    elif kind not in ("select_one", "select_multiple", "integer", "decimal", "range", "date", "note"):
        kind = "text"
    name = say(f"codebook_type_{kind}", language)
    exact = "" if kind == question.type or question.type not in TYPES else f" ({question.type})"
    out = [Fact(say("codebook_type", language), name + exact)]
    if entry.cells:
        out.append(Fact(say("codebook_base", language), _base(made, section, entry)))
    written = {**question.extra, "relevant": together(conditions(question)), "constraint": question.constraint}
    out += [Fact(say(f"codebook_{key}", language), plain(written[key]), True) for key in STATED if written.get(key)]
    hints = {key: text for key, text in question.extra.items() if key.startswith("hint") and text}
    own = next((key for key in hints if key == "hint" or key.endswith((f"({language})", f"::{language}"))), "")
    hint = hints.get(own) or next(iter(hints.values()), "")
    if hint:
        out.append(Fact(say("codebook_hint", language), plain(hint)))
    if entry.percentiles:
        points = ", ".join(map(str, entry.percentiles))
        values = (v if "-" in v[1:] or language == "en" else v.replace(".", ",") for v in entry.percentiles.values())
        out.append(Fact(say("codebook_percentiles", language, p=points), "; ".join(values)))
    return out


def _base(made: Codebook, section: Section, entry: Entry) -> str:
    language = made.language
    if section.n is None:
        return say("codebook_base_few", language, n=made.least)
    if entry.asked == section.n:
        return say("codebook_base_everyone", language, n=section.n)
    if entry.asked is not None:
        return say("codebook_base_some", language, asked=entry.asked, n=section.n)
    return say("codebook_base_hidden" if entry.known else "codebook_base_unknown", language)


def remark(made: Codebook, entry: Entry) -> str:
    """Why a question has no counts; empty where it has some or needs none."""
    if entry.cells or entry.question.type == "note":
        return ""
    return say("codebook_silent" if entry.silent else "codebook_absent", made.language)


def rows(made: Codebook, entry: Entry) -> list[Row]:
    """The codes with their labels and counts; of a question without counts, the codes alone."""
    choices = {choice.name: choice for choice in entry.question.choices}
    cells = entry.cells or tuple(Cell(choice.name, choice.missing or "answer", None) for choice in choices.values())  # type: ignore[arg-type]
    out = []
    for cell in cells:
        choice = choices.get(cell.code)
        mark = ""
        if cell.kind in ("answered", "unknown", "blank", "passed"):
            labels = [Wording(made.language, "", say(f"codebook_kind_{cell.kind}", made.language))]
        else:
            labels = wordings(made, choice.labels if choice else {})
        if cell.code and cell.kind in ("refused", "dont_know", "not_asked", "invalid"):
            mark = say(f"codebook_missing_{cell.kind}", made.language)
        elif choice and choice.exclusive:
            mark = say("codebook_exclusive", made.language)
        n = shown(cell.n, made.language) if entry.cells else ""
        out.append(Row(cell.code, tuple(labels), mark, n))
    return out


def across(made: Codebook) -> Sequence[str]:
    """The languages that have a column of their own in the table of codes; none if there are too many for a page."""
    return made.languages if len(made.languages) <= 3 else ()


def column_rows(made: Codebook) -> list[tuple[str, str]]:
    """The columns that are no questions, with their roles in words."""
    return [(column, say(f"codebook_role_{role}", made.language)) for column, role in made.columns]


def write_html(made: Codebook, file: Path) -> None:
    """Write a codebook as one page of HTML that needs nothing else."""
    from jinja2 import Environment, StrictUndefined

    template = files("motivlab").joinpath("codebook.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    language, survey = made.language, made.survey
    names = [f"{section.repeat}.{entry.question.name}" for section in made.sections for entry in section.entries]
    ids = iter(named(names).values())
    sections = [
        {
            "title": title_of(made, section),
            "note": members(made, section),
            "entries": [
                {"id": next(ids), "name": entry.question.name, "wordings": wordings(made, entry.question.labels),
                 "facts": facts(made, section, entry), "rows": rows(made, entry), "remark": remark(made, entry)}
                for entry in section.entries
            ],
        }
        for section in made.sections
    ]  # fmt: skip
    keys = ("title", "contents", "about", "reading", "columns", "columns_note", "column", "role", "code", "label", "n")
    page = environment.from_string(template).render(
        language=language if language in LANGUAGES else "en", title=survey.about.text("title", language),
        synthetic=say("synthetic", language) if survey.about.synthetic else "", about=about(made),
        reading=reading(made), summary=summary(made), sections=sections, columns=column_rows(made),
        across=[(tag(code), survey.questionnaire.languages.get(code, code)) for code in across(made)],
        say={key: say(f"codebook_{key}", language) for key in keys}, version=metadata.version("motivlab"),
    )  # fmt: skip
    file.write_text(page + "\n", encoding="utf-8")


def members(made: Codebook, section: Section) -> str:
    """What n counts in a section of a repeat; empty elsewhere."""
    if not section.repeat:
        return ""
    said = say("codebook_members", made.language, name=section.repeat, n=shown(section.n, made.language))
    if section.relevant:
        said += f" {say('codebook_relevant', made.language)}: {together(section.relevant)}"
    return said
