"""The codebook as a Word document: on A4, with a table of contents, in the fonts and languages of its texts."""

from __future__ import annotations

import datetime as dt
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .codebook import Codebook, Entry, Section, plain
from .language import say
from .tables_codebook import (
    Fact,
    Row,
    Wording,
    about,
    across,
    column_rows,
    facts,
    members,
    reading,
    remark,
    rows,
    summary,
    tag,
    title_of,
    wordings,
)  # fmt: skip

if TYPE_CHECKING:
    from docx.document import Document

FONT, CODE = "Arial", "Courier New"  # both have Latvian and Cyrillic, and are had or replaced alike everywhere
TAGS = {"lv": "lv-LV", "en": "en-GB", "ru": "ru-RU"}
CREATED = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)  # a fixed date: the same survey gives the same bytes
TEXT_WIDTH = 9638  # of A4 between margins of 2 cm, in twentieths of a point
CODE_WIDTH, N_WIDTH = 1900, 1200
GREY, RULE = "595959", "BFBFBF"


def write_word(made: Codebook, file: Path) -> None:
    """Write a codebook as a .docx file."""
    import docx

    document = docx.Document()
    _frame(document, made)
    write = _Writer(document, made)
    write.front()
    for i, section in enumerate(made.sections):
        write.heading(title_of(made, section), 1, f"s_{i}")
        if note := members(made, section):
            write.paragraph([Wording("", "", note)])
        for entry in section.entries:
            write.entry(section, entry)
    write.columns()
    document.save(str(file))
    _same_dates(file)


def _same_dates(file: Path) -> None:
    """Pack the document anew: the time in a zip file would differ from run to run."""
    with zipfile.ZipFile(file) as old:
        parts = [(name, old.read(name)) for name in old.namelist()]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in parts:
            new.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)


def _frame(document: Document, made: Codebook) -> None:
    """Page, styles, header, footer and properties."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml.ns import qn
    from docx.shared import Mm, Pt, RGBColor

    language, title = made.language, made.survey.about.text("title", made.language)
    page = document.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = Mm(20)
    for name, size in (("Normal", 9.5), ("Title", 20), ("Heading 1", 15), ("Heading 2", 11)):
        style = document.styles[name]
        style.font.name, style.font.size = FONT, Pt(size)
        style.font.color.rgb = RGBColor(0x1A, 0x1A, 0x1A)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for key in list(fonts.attrib):  # the fonts of a theme would win
            del fonts.attrib[key]
        for key in ("ascii", "hAnsi", "cs", "eastAsia"):
            fonts.set(qn(f"w:{key}"), FONT)
        space = style.paragraph_format
        space.space_before, space.space_after = Pt({"Heading 1": 18, "Heading 2": 12}.get(name, 0)), Pt(3)
    properties = document.core_properties
    properties.title = f"{say('codebook_title', language)}: {title}"
    properties.author = properties.last_modified_by = made.survey.about.text("sponsor", language) or "motivlab"
    properties.subject, properties.comments, properties.keywords = title, "", ""
    properties.language = TAGS.get(language, language)
    properties.created = properties.modified = CREATED
    head = page.header.paragraphs[0]
    head.text = f"{say('codebook_title', language)}: {title}"
    foot = page.footer.paragraphs[0]
    foot.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for kind in ("PAGE", "NUMPAGES"):
        foot._p.append(_run(" / " if kind == "NUMPAGES" else f"{say('codebook_page', language)} "))
        foot._p.extend(_field(kind, [_run("1")]))
    for paragraph in (head, foot):
        for run in paragraph.runs:
            run.font.size = Pt(8)
            run.font.color.rgb = RGBColor(0x59, 0x59, 0x59)


class _Writer:
    """Puts paragraphs and tables at the end of a document, as XML: python-docx is slow with long tables."""

    def __init__(self, document: Document, made: Codebook) -> None:
        self.document, self.made, self.language = document, made, made.language
        self.body = document.element.body
        self.bookmarks = 0

    def add(self, element: Any) -> None:
        self.body.insert(len(self.body) - 1, element)  # the last one holds the page's size

    def front(self) -> None:
        made, language = self.made, self.language
        self.paragraph([Wording("", "", made.survey.about.text("title", language))], style="Title")
        if made.survey.about.synthetic:
            self.paragraph([Wording("", "", say("synthetic", language))], bold=True, color="A40000")
        self.paragraph([Wording("", "", f"{say('codebook_title', language)}. {summary(made)}")])
        for key, lines in (("codebook_about", about(made)), ("codebook_reading", reading(made))):
            self.heading(say(key, language), 1)
            for line in lines:
                self.paragraph([Wording("", "", line)])
        self.heading(say("codebook_contents", language), 1)
        titles = [(title_of(made, section), f"s_{i}") for i, section in enumerate(made.sections)]
        titles += [(say("codebook_columns", language), "s_columns")] if made.columns else []
        links = [_link(plain(title), anchor) for title, anchor in titles]
        field = _field('TOC \\o "1-1" \\h \\z \\u', [])
        for i, link in enumerate(links):
            self.add(_p([*(field[:3] if i == 0 else []), link, *(field[3:] if i == len(links) - 1 else [])]))

    def heading(self, text: str, level: int, bookmark: str = "") -> None:
        runs = [_run(part, rtl=_rtl(part)) for part in [plain(text)]]
        if bookmark:
            self.bookmarks += 1
            start = _element("bookmarkStart", id=str(self.bookmarks), name=bookmark)
            runs = [start, *runs, _element("bookmarkEnd", id=str(self.bookmarks))]
        self.add(_p(runs, style=f"Heading{level}", rtl=_rtl(text)))

    def paragraph(self, texts: Sequence[Wording], style: str = "", **look: Any) -> None:
        for one in texts:
            run = _run(one.text, tag=one.code or self.language, rtl=_rtl(one.text), **look)
            self.add(_p([run], style=style, rtl=_rtl(one.text), keep=bool(look.get("keep"))))

    def entry(self, section: Section, entry: Entry) -> None:
        made, told = self.made, rows(self.made, entry)
        self.heading(entry.question.name, 2)
        for i, one in enumerate(wordings(made, entry.question.labels)):
            look = {"bold": True} if i == 0 else {"color": GREY, "size": 9}
            run = _run(one.text, tag=one.code or self.language, rtl=_rtl(one.text), **look)
            self.add(_p([run], rtl=_rtl(one.text), keep=True))
        said = facts(made, section, entry)
        for i, fact in enumerate(said):
            self.add(self._fact(fact, keep=bool(told) or i < len(said) - 1))
        if note := remark(made, entry):
            self.add(_p([_run(note, color=GREY, size=8.5, tag=self.language)], keep=bool(told)))
        if told:
            self._codes(told)
            self.add(_p([], size=4))

    def _fact(self, fact: Fact, keep: bool) -> Any:
        font = CODE if fact.expression else ""
        name = _run(f"{fact.name}: ", color=GREY, size=8.5, tag=self.language)
        return _p([name, _run(fact.text, size=8.5, font=font, tag="" if fact.expression else self.language)], keep=keep)

    def _codes(self, told: Sequence[Row]) -> None:
        made, language = self.made, self.language
        columns = across(made)
        names = [made.survey.questionnaire.languages.get(c, c) or say("codebook_label", language) for c in columns]
        names = names or [say("codebook_label", language)]
        room = TEXT_WIDTH - CODE_WIDTH - N_WIDTH
        widths = [CODE_WIDTH, *[room // len(names)] * len(names), N_WIDTH]
        table = _table(widths)
        head = [say("codebook_code", language), *names, say("codebook_n", language)]
        texts = [_p([_run(t, bold=True, size=8.5, tag=language)], right=t == head[-1], keep=True) for t in head]
        table.append(_tr([_tc([text], width) for text, width in zip(texts, widths, strict=True)], head=True))
        for i, row in enumerate(told):
            keep = i < 2 or i == len(told) - 2  # the head is not left alone, nor the last row
            first = [_p([_run(row.code, font=CODE, size=8.5)], keep=keep)]
            if row.mark:
                first.append(_p([_run(row.mark, color=GREY, size=7.5, tag=language)], keep=keep))
            cells = [_tc(first, widths[0])]
            if not row.code or not columns:
                cells.append(_tc([self._label(one, keep) for one in row.labels] or [_p([])], room, span=len(names)))
            else:
                for j, code in enumerate(columns):
                    own = [one for one in row.labels if (one.code, one.name) == self._column(code)]
                    cells.append(_tc([self._label(one, keep) for one in own] or [_p([], keep=keep)], widths[j + 1]))
            cells.append(_tc([_p([_run(row.n, size=8.5)], right=True, keep=keep)], N_WIDTH))
            table.append(_tr(cells))
        self.add(table)

    def _column(self, code: str) -> tuple[str, str]:
        return tag(code), self.made.survey.questionnaire.languages.get(code, code)

    def _label(self, one: Wording, keep: bool) -> Any:
        return _p([_run(one.text, size=8.5, tag=one.code, rtl=_rtl(one.text))], rtl=_rtl(one.text), keep=keep)

    def columns(self) -> None:
        made, language = self.made, self.language
        if not made.columns:
            return
        self.heading(say("codebook_columns", language), 1, "s_columns")
        self.paragraph([Wording("", "", say("codebook_columns_note", language))], keep=True)
        widths = [TEXT_WIDTH // 2] * 2
        table = _table(widths)
        head = (say("codebook_column", language), say("codebook_role", language))
        table.append(_tr([_tc([_p([_run(t, bold=True, size=8.5, tag=language)], keep=True)], widths[0]) for t in head],
                         head=True))  # fmt: skip
        for column, role in column_rows(made):
            cells = [_p([_run(column, font=CODE, size=8.5)]), _p([_run(role, size=8.5, tag=language)])]
            table.append(_tr([_tc([cell], widths[0]) for cell in cells]))
        self.add(table)


# ------------------------------------------------------------------------------------------------ WordprocessingML


def _element(kind: str, /, **attributes: str) -> Any:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    element = OxmlElement(f"w:{kind}")
    for key, value in attributes.items():
        element.set(qn(f"w:{key}"), value)
    return element


def _rtl(text: str) -> bool:
    """Whether a text is written from right to left, by its first letter."""
    return next((unicodedata.bidirectional(c) in ("R", "AL") for c in text if c.isalpha()), False)


def _run(
    text: str, bold: bool = False, size: float = 0, color: str = "", font: str = "", tag: str = "", rtl: bool = False,
    keep: bool = False,
) -> Any:  # fmt: skip
    """A run; ``keep`` is the paragraph's, and of no use here. A line break in the text is one in the document."""
    from docx.oxml.ns import qn

    run, look = _element("r"), _element("rPr")
    if font:
        look.append(_element("rFonts", ascii=font, hAnsi=font, cs=font))
    for name in ("b", "bCs") if bold else ():
        look.append(_element(name))
    if color:
        look.append(_element("color", val=color))
    for name in ("sz", "szCs") if size else ():
        look.append(_element(name, val=str(round(size * 2))))
    if rtl:
        look.append(_element("rtl"))
    if tag:
        full = TAGS.get(tag, tag)
        look.append(_element("lang", bidi=full) if rtl else _element("lang", val=full))
    elif font:
        look.append(_element("noProof"))
    run.append(_in_order(look))
    for i, piece in enumerate(text.split("\n")):
        if i:
            run.append(_element("br"))
        part = _element("t")
        part.text = piece
        part.set(qn("xml:space"), "preserve")
        run.append(part)
    return run


_ORDER = ("rFonts", "b", "bCs", "noProof", "color", "sz", "szCs", "rtl", "lang")  # as the schema has them


def _in_order(look: Any) -> Any:
    look[:] = sorted(look, key=lambda one: _ORDER.index(one.tag.rpartition("}")[2]))
    return look


def _p(
    runs: Sequence[Any], style: str = "", rtl: bool = False, keep: bool = False, right: bool = False, size: float = 0
) -> Any:
    paragraph, look = _element("p"), _element("pPr")
    if style:
        look.append(_element("pStyle", val=style))
    if keep:
        look.append(_element("keepNext"))
    if rtl:
        look.append(_element("bidi"))
    if size:
        look.append(_element("spacing", before="0", after="0", line=str(round(size * 20)), lineRule="exact"))
    if right:
        look.append(_element("jc", val="right"))
    paragraph.append(look)
    paragraph.extend(runs)
    return paragraph


def _field(code: str, result: Sequence[Any]) -> list[Any]:
    """The five parts of a field: begin, code, separator, what it shows until it is brought up to date, end."""
    from docx.oxml.ns import qn

    def part(kind: str) -> Any:
        run = _element("r")
        # a contents list has no page numbers yet: Word brings it up to date when the file is opened
        dirty = {"dirty": "true"} if kind == "begin" and code.startswith("TOC") else {}
        run.append(_element("fldChar", fldCharType=kind, **dirty))
        return run

    instruction = _element("r")
    text = _element("instrText")
    text.text = f" {code} "
    text.set(qn("xml:space"), "preserve")
    instruction.append(text)
    return [part("begin"), instruction, part("separate"), *result, part("end")]


def _link(text: str, anchor: str) -> Any:
    link = _element("hyperlink", anchor=anchor, history="1")
    link.append(_run(text, rtl=_rtl(text)))
    return link


def _table(widths: Sequence[int]) -> Any:
    table, look, grid = _element("tbl"), _element("tblPr"), _element("tblGrid")
    look.append(_element("tblW", w=str(sum(widths)), type="dxa"))
    borders = _element("tblBorders")
    for side in ("top", "bottom", "insideH"):
        borders.append(_element(side, val="single", sz="4", space="0", color=RULE))
    look.append(borders)
    look.append(_element("tblLayout", type="fixed"))
    margins = _element("tblCellMar")
    for side in ("left", "right"):
        margins.append(_element(side, w="60", type="dxa"))
    look.append(margins)
    for width in widths:
        grid.append(_element("gridCol", w=str(width)))
    table.extend([look, grid])
    return table


def _tr(cells: Sequence[Any], head: bool = False) -> Any:
    row, look = _element("tr"), _element("trPr")
    look.append(_element("cantSplit"))
    if head:
        look.append(_element("tblHeader"))
    row.append(look)
    row.extend(cells)
    return row


def _tc(paragraphs: Sequence[Any], width: int, span: int = 1) -> Any:
    cell, look = _element("tc"), _element("tcPr")
    look.append(_element("tcW", w=str(width), type="dxa"))
    if span > 1:
        look.append(_element("gridSpan", val=str(span)))
    cell.append(look)
    cell.extend(paragraphs)
    return cell
