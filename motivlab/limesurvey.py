"""From an export of LimeSurvey, in answer codes, with its .lss where there is one, to the draft of a survey folder."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from .codes import as_texts
from .delimited import decode, some
from .drafts import Draft
from .files import ReadError, reason, require_file
from .questionnaire import Choice, Group, Question, Questionnaire
from .readers import TEXT_ENDINGS, read_any
from .typed import infer_questionnaire

_SYSTEM: Final = (
    "id", "submitdate", "lastpage", "startlanguage", "seed", "startdate", "datestamp", "ipaddr", "refurl", "token",
    "interviewtime",
)  # fmt: skip
_IDENTIFYING = {"ipaddr": "the IP address", "token": "the participant's token", "refurl": "the page they came from"}
_HEAD = re.compile(r"([A-Za-z]\w*)\[([^\]]+)\](?:\[(\d)\])?")
_MOST = 100 << 20
_LANGUAGES = {"lv": "Latviešu (lv)", "en": "English (en)", "ru": "Русский (ru)"}
_WORDS: Final[dict[str, dict[str, str]]] = {  # LimeSurvey's own words for its fixed answers
    "Y": {"en": "Yes", "lv": "Jā", "ru": "Да"}, "N": {"en": "No", "lv": "Nē", "ru": "Нет"},
    "F": {"en": "Female", "lv": "Sieviete", "ru": "Женский"}, "M": {"en": "Male", "lv": "Vīrietis", "ru": "Мужской"},
    "U": {"en": "Uncertain", "lv": "Nav pārliecības", "ru": "Не уверен(а)"},
    "I": {"en": "Increase", "lv": "Pieaug", "ru": "Увеличится"},
    "S": {"en": "Same", "lv": "Nemainās", "ru": "Без изменений"},
    "D": {"en": "Decrease", "lv": "Samazinās", "ru": "Уменьшится"},
    "other": {"en": "Other", "lv": "Cits", "ru": "Другое"},
    "comment": {"en": "comment", "lv": "komentārs", "ru": "комментарий"},
    "rank": {"en": "rank", "lv": "vieta", "ru": "место"},
}  # fmt: skip
_FIXED = {"Y": "YN", "G": "FM", "C": "YUN", "E": "ISD", "5": "12345", "A": "12345", "B": "12345678910"}


def is_limesurvey(file: Path) -> bool:
    """Whether the head of a delimited file is that of a LimeSurvey export in question codes."""
    if file.suffix.lower() not in TEXT_ENDINGS:
        return False
    with file.open("rb") as stream:
        head = stream.read(1 << 20).partition(b"\n")[0].decode("utf-8-sig", errors="replace")
    names = {name.strip().strip('"') for name in re.split(r"[,;\t]", head)}
    own = names & {"submitdate", "lastpage", "startlanguage", "seed", "datestamp"}
    return len(own) > 1 or (bool(own) and any(_HEAD.fullmatch(name) for name in names))


def read_limesurvey(file: str | Path, form: str | Path | None = None) -> Draft:
    """Read a LimeSurvey export as a questionnaire and responses.

    Parameters
    ----------
    file : path
        A .csv or .xlsx with question codes as heads (``Q1``, ``Q1[SQ001]``, ``Q1[other]``) and answer codes as cells.
    form : path, optional
        The structure of the survey, .lss. Without it questions and choices are called by their codes.

    Returns
    -------
    Draft
        ``Q1[SQ001]`` of an array is the question ``Q1_SQ001``, that of a multiple choice the column ``Q1/SQ001``;
        ``Q1[other]`` and ``Q1[comment]`` are the texts ``Q1_other`` and ``Q1_comment``. Relevance equations are kept
        as they are, in the column ``limesurvey_relevance`` of the survey sheet: they are not those of XLSForm.

    Raises
    ------
    FileNotFoundError, ReadError
        If a file cannot be read, or the form is of another survey.
    """
    file = Path(file)
    tables, found_out = read_any(file)
    frame = next(iter(tables.values())).reset_index(drop=True)
    notes = [*found_out]
    cells = {str(column): _trimmed(frame[column]) for column in frame}
    structure = _Structure.read(Path(form)) if form is not None else None
    parts = list(structure.questions()) if structure else list(_inferred(frame, cells))
    names = [part.question.name for part in parts]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ReadError(f"{form or file}: two questions are named {min(twice)!r}. Rename one of them.")
    if structure is None:
        notes.append("labels: none, as no .lss was given. Give it as the form to have wordings, lists and languages.")
    heads = {_plain(head): head for head in reversed(list(cells))}
    columns: dict[str, Any] = {}
    questions: list[Question] = []
    used: set[str] = set()
    lacking: list[str] = []
    submitted = cells.get("submitdate", np.full(len(frame), "")) != ""
    for part in parts:
        found = {target: heads.get(_plain(source), "") for target, source in part.sources.items()}
        used |= set(found.values())
        present = {target: cells[head] for target, head in found.items() if head}
        questions.append(part.question)
        if part.sources and not present:
            lacking.append(part.question.name)
        elif part.question.type == "select_multiple":
            columns |= _ticks(part, present, submitted, notes)
        else:
            columns |= present
    if structure and len(lacking) == len([part for part in parts if part.sources]):
        raise ReadError(
            f"{file}, row 1: no column is a question of {form}. Export again with headings as question codes and "
            "answers as codes, or give the form it was collected with."
        )
    if lacking:
        notes.append(f"the export has no column for {len(lacking)} questions of the form: {some(lacking)}.")
    identity = "id" if "id" in cells else "respondent"
    if identity not in cells:
        notes.append("respondent: numbered from 1, since the export has no column id.")
    ids = {identity: cells.get(identity, np.arange(1, len(frame) + 1).astype(str))}
    others = {head: texts for head, texts in cells.items() if head not in used and head != identity}
    _say_system(others, submitted, notes)
    kept = [extra for q in questions for extra in (q.extra, *(group.extra for group in q.groups))]
    if any("limesurvey_relevance" in extra for extra in kept):
        notes.append(
            "routing: LimeSurvey's relevance equations are kept in the column limesurvey_relevance, not evaluated. "
            "Fill in `relevant` in questionnaire/survey.csv to have routing checked."
        )
    texts = [q.name for q in questions if q.type == "text" and q.name in columns]
    if texts:
        notes.append(f"free text, to be read for names before it is passed on: {some(texts)}.")
    languages = structure.languages if structure else {"": ""}
    paradata = _paradata(others, notes)
    return Draft(
        pd.DataFrame(ids | columns | others, dtype="str").replace("", pd.NA),
        Questionnaire(tuple(questions), languages),
        identity,
        "",
        tuple(q.name for q in questions if q.type == "select_multiple" and q.name not in lacking),
        tuple(notes),
        tuple(others),
        paradata,
        title=structure.title if structure else "",
    )


@dataclass(frozen=True)
class _Part:
    """A question, and the head of the export that each of its columns comes from."""

    question: Question
    sources: Mapping[str, str]
    always: bool = False  # asked of everybody who sent the questionnaire in


def _ticks(part: _Part, present: Mapping[str, Any], submitted: Any, notes: list[str]) -> dict[str, Any]:
    """The 0/1 columns of a multiple choice: Y is chosen, N is not, of "other" any text is."""
    name = part.question.name
    rows = len(submitted)
    table = {target: texts.astype(str) for target, texts in present.items()}
    ticked = {t: (v != "") if t == f"{name}/other" else np.isin(v, ("Y", "1", "Yes")) for t, v in table.items()}
    denied = {t: np.isin(v, ("N", "0", "No")) & (t != f"{name}/other") for t, v in table.items()}
    odd = {t for t, v in table.items() if t != f"{name}/other" and (~ticked[t] & ~denied[t] & (v != "")).any()}
    someone = np.any(list(ticked.values()), axis=0)
    asked = someone | np.any(list(denied.values()), axis=0)
    if not np.any(list(denied.values())):
        asked = someone | submitted if part.always else someone
        said = (
            "; everybody was asked, and whoever sent it in has chosen none"
            if part.always
            else (", cannot be told from those who were not asked, and count as not asked")
        )
        if silent := int((~someone).sum()):
            notes.append(f"{name}: {silent:,} respondents ticked nothing{said}.")
    if odd:
        notes.append(f"{name}: cells that are neither ticked nor not are kept, and checking names them ({min(odd)}).")
    return {
        t: np.where(ticked[t], "1", np.where(asked & ((table[t] == "") | denied[t] | (t == f"{name}/other")), "0",
                                             table[t] if t in odd else np.full(rows, "")))
        for t in table
    }  # fmt: skip


def _say_system(others: Mapping[str, Any], submitted: Any, notes: list[str]) -> None:
    if "submitdate" in others and (open_ := int((~submitted).sum())):
        notes.append(f"submitdate: {open_:,} questionnaires were not sent in; they are kept, with what they hold.")
    if identifying := [f"{head} ({_IDENTIFYING[head]})" for head in others if head in _IDENTIFYING]:
        notes.append(f"identifying, to be left out before the file is passed on: {', '.join(identifying)}.")
    strangers = [head for head in others if head not in _SYSTEM and not re.search(r"[tT]ime\d*$", head)]
    if strangers:
        notes.append(f"columns that are no questions are kept as `other_columns`: {some(strangers)}.")


def _paradata(others: Mapping[str, Any], notes: list[str]) -> dict[str, str]:
    found = {}
    for key, heads in (("start", ("startdate",)), ("end", ("submitdate", "datestamp"))):
        for head in heads:
            given = {str(text)[:10] for text in others.get(head, ()) if text}
            if given == {"1980-01-01"}:
                notes.append(f"{head}: 1980-01-01 throughout, as anonymised surveys have it; it is no date.")
            elif given and key not in found:
                found[key] = head
    return found


# ------------------------------------------------------------------------------------------------ without a form


def _inferred(frame: pd.DataFrame, cells: Mapping[str, Any]) -> Iterator[_Part]:
    """The questions that heads and cells suggest."""
    groups: dict[str, list[str]] = {}
    for head in cells:
        if match := _HEAD.fullmatch(head):
            groups.setdefault(match[1], []).append(head)
    for head in cells:
        match = _HEAD.fullmatch(head)
        if head in _SYSTEM or (match and groups[match[1]][0] != head) or re.search(r"Time\d*$", head):
            continue
        members = groups[match[1]] if match else [head]
        code = match[1] if match else head
        ends = {member: str(_HEAD.fullmatch(member)[2]) if match else "" for member in members}  # type: ignore[index]
        plain = [m for m in members if not ends[m].endswith(("comment", "other"))]
        values = set().union(*(cells[m].tolist() for m in plain)) - {""} if match else set()
        if match and plain and values and values <= {"Y", "N", "1", "0"} and "Y" in values:
            choices = {ends[m]: m for m in members if not ends[m].endswith("comment")}
            question = Question(code, "select_multiple", {"": code}, tuple(Choice(c, {"": c}) for c in choices), code)
            yield _Part(question, {f"{code}/{c}": m for c, m in choices.items()})
            members = [m for m in members if ends[m].endswith(("other", "comment"))]
        for member in members:
            parts = [part for part in _HEAD.fullmatch(member).groups() if part] if match else [member]  # type: ignore[union-attr]
            name = "_".join(parts)
            (question,) = infer_questionnaire(pd.DataFrame({name: frame[member]}))
            numbers = pd.to_numeric(frame[member], errors="coerce")
            if ends[member].endswith(("other", "comment")):
                question = Question(name, "text", {"": name})
            elif question.type == "text" and numbers.notna().any() and (numbers.isna() == frame[member].isna()).all():
                question = Question(name, "decimal", {"": name})
            yield _Part(question, {name: member})


# --------------------------------------------------------------------------------------------------- with its .lss


@dataclass
class _Structure:
    """What an .lss says: its sections, each a list of rows."""

    sections: Mapping[str, list[dict[str, str]]]
    languages: dict[str, str]
    title: str
    attributes: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> _Structure:
        """Read an .lss; DTDs and entities are refused."""
        from defusedxml import DefusedXmlException
        from defusedxml.ElementTree import ParseError, fromstring

        require_file(file)
        if file.stat().st_size > _MOST:
            raise ReadError(f"{file}: larger than {_MOST >> 20} MiB; no structure of a survey is. Export it again.")
        try:
            root = fromstring(decode(file)[0].encode(), forbid_dtd=True)
        except DefusedXmlException as error:
            raise ReadError(f"{file}: it declares XML entities or a DTD, which no .lss does. Not read.") from error
        except (ParseError, ValueError, RecursionError) as error:
            raise ReadError(f"{file}: it is no XML ({reason(error)}). Export the survey as .lss again.") from error
        if root.findtext("LimeSurveyDocType") != "Survey":
            raise ReadError(f"{file}: it is not the structure of a LimeSurvey survey. Export it as .lss.")
        sections = {
            section.tag: [{cell.tag: cell.text or "" for cell in row} for row in section.iterfind("rows/row")]
            for section in root
        }
        if not sections.get("questions"):
            raise ReadError(f"{file}: it holds no question. Export the whole survey as .lss.")
        for section, needed in (
            ("questions", "qid type title"),
            ("subquestions", "qid title"),
            ("answers", "qid code"),
        ):
            for number, row in enumerate(sections.get(section, []), start=1):
                for key in needed.split():
                    if not re.fullmatch(r"\S+" if key != "title" else r"\w+", row.get(key, "")):
                        raise ReadError(
                            f"{file}: {section}, row {number}: {key} is {row.get(key, '')!r}. Export it again."
                        )
        known = [language.text or "" for language in root.iterfind("languages/language")]
        main = next((row["language"] for row in sections.get("surveys", []) if row.get("language") in known), "")
        order = [code for code in (main, *(code for code in known if code != main)) if code] or ["en"]
        titles = {row.get("surveyls_language"): row for row in sections.get("surveys_languagesettings", [])}
        title = _text(titles.get(order[0], {}).get("surveyls_title", ""))
        attributes: dict[str, dict[str, str]] = {}
        for row in sections.get("question_attributes", []):
            attributes.setdefault(row.get("qid", ""), {}).setdefault(row.get("attribute", ""), row.get("value", ""))
        return cls(sections, {code: _LANGUAGES.get(code, code) for code in order}, title, attributes)

    def worded(self, section: str, key: str, value: str, own: str, column: str) -> dict[str, str]:
        """Wordings by language: in a section of their own, or, before version 4, in each language's row."""
        found: dict[str, str] = {}
        for row in (*self.sections.get(f"{section}_l10ns", []), *self.sections.get(own, [])):
            if row.get(key) == value and row.get("language") in self.languages and row.get(column):
                found.setdefault(row["language"], _text(row[column]))
        return {code: found[code] for code in self.languages if code in found}

    def rows(self, section: str, **wanted: str) -> list[dict[str, str]]:
        """The rows of a section in their order, each once though there is one per language."""
        found: dict[tuple[str, ...], dict[str, str]] = {}
        for row in self.sections.get(section, []):
            if all(row.get(k, "0") == v for k, v in wanted.items()):
                identity = ("qid", "code", "scale_id") if section == "answers" else ("qid", "gid")
                found.setdefault(tuple(row.get(k, "") for k in identity), row)
        order = "sortorder" if section == "answers" else "group_order" if section == "groups" else "question_order"
        return sorted(found.values(), key=lambda row: int(re.sub(r"\D", "", row.get(order, "")) or 0))

    def questions(self) -> Iterator[_Part]:
        """The questions in the order of the questionnaire, several for one of LimeSurvey's with subquestions."""
        conditional = {row.get("qid") for row in self.sections.get("conditions", [])}
        for group_row in self.rows("groups"):
            gid = group_row.get("gid", "")
            relevance = _equation(group_row.get("grelevance", ""))
            group = Group(f"group_{gid}", self.worded("group", "gid", gid, "groups", "group_name"), "", relevance)
            for row in self.rows("questions", gid=gid, parent_qid="0"):
                qid = row["qid"]
                extra = _equation(row.get("relevance", "")) | (
                    {"required": "yes"} if row.get("mandatory") == "Y" else {}
                )
                help_ = self.worded("question", "qid", qid, "questions", "help")
                extra |= {f"hint::{self.languages[code]}": text for code, text in help_.items()}
                filtered = self.attributes.get(qid, {}).get("array_filter", "")
                always = not (extra.keys() | relevance.keys()) & {"limesurvey_relevance"} and not filtered
                yield from self.parts(row, (group,), extra, always and qid not in conditional)

    def parts(
        self, row: Mapping[str, str], groups: tuple[Group, ...], extra: dict[str, str], always: bool
    ) -> Iterator[_Part]:
        """One question of LimeSurvey as those of a questionnaire."""
        qid, code, kind = row["qid"], row["title"], row["type"]
        labels = self.worded("question", "qid", qid, "questions", "question") or dict.fromkeys(self.languages, code)
        below = {scale: self.below(qid, scale) for scale in ("0", "1")}
        more = self.attributes.get(qid, {})

        def ask(name: str, type_: str, source: str, texts: Iterable[Mapping[str, str] | str], choices: Any = (),
                list_name: str = "") -> _Part:  # fmt: skip
            label = self.joined(labels, *texts)
            names = (list_name or code) if choices else ""
            return _Part(
                Question(name, type_, label, tuple(choices), names, groups=groups, extra=extra), {name: source}
            )

        answers = self.answers(qid, "0")
        fixed = _FIXED.get(kind, "")
        if fixed:
            codes = [str(n) for n in range(1, 11)] if kind == "B" else list(fixed)
            answers = [Choice(c, self.words(c) if c in _WORDS else dict.fromkeys(self.languages, c)) for c in codes]
        if kind in ("L", "!", "O", "Y", "G", "5"):
            others = row.get("other") == "Y" and kind in ("L", "!")
            choice = [Choice("-oth-", self.other(qid))] if others else []
            yield ask(code, "select_one", code, (), [*answers, *choice])
            if others:
                yield ask(f"{code}_other", "text", f"{code}[other]", ["other"])
            if kind == "O":
                yield ask(f"{code}_comment", "text", f"{code}[comment]", ["comment"])
        elif kind in ("A", "B", "C", "E", "F", "H"):
            for sub, text in below["0"].items():
                yield ask(f"{code}_{sub}", "select_one", f"{code}[{sub}]", [text], answers)
        elif kind == "1":
            for sub, text in below["0"].items():
                for scale in ("0", "1"):
                    number = str(int(scale) + 1)
                    header = more.get(f"dualscale_header{'AB'[int(scale)]}") or number
                    choices = self.answers(qid, scale)
                    yield ask(f"{code}_{sub}_{number}", "select_one", f"{code}[{sub}][{number}]",
                              [text, dict.fromkeys(self.languages, header)], choices, f"{code}_{number}")  # fmt: skip
        elif kind in ("M", "P") or (kind == ":" and more.get("multiflexible_checkbox") == "1"):
            yield from self.multiple(row, labels, groups, extra, always, below)
        elif kind in (":", ";"):
            for sub, text in below["0"].items():
                for across, other_text in below["1"].items():
                    yield ask(f"{code}_{sub}_{across}", "text" if kind == ";" else "decimal",
                              f"{code}[{sub}_{across}]", [text, other_text])  # fmt: skip
        elif kind == "R":
            ranked = answers or [Choice(sub, text) for sub, text in below["0"].items()]
            most = int(more.get("max_answers") or 0) if str(more.get("max_answers", "")).isdigit() else 0
            for place in range(1, (most or len(ranked)) + 1):
                ranks = {lang: f"{word} {place}" for lang, word in self.words("rank").items()}
                yield ask(f"{code}_{place}", "select_one", f"{code}[{place}]", [ranks], ranked)
        elif kind in ("K", "Q"):
            for sub, text in below["0"].items():
                yield ask(f"{code}_{sub}", "decimal" if kind == "K" else "text", f"{code}[{sub}]", [text])
        elif kind == "X":
            yield _Part(Question(code, "note", labels, groups=groups, extra=extra), {})
        else:  # N, D, and texts: S T U, * an equation, I the language, | files
            number = "integer" if more.get("num_value_int_only") == "1" else "decimal"
            timed = re.search(r"[HM]{1,2}:", more.get("date_format", ""))
            yield ask(code, {"N": number, "D": "dateTime" if timed else "date"}.get(kind, "text"), code, ())

    def multiple(
        self, row: Mapping[str, str], labels: Mapping[str, str], groups: tuple[Group, ...], extra: dict[str, str],
        always: bool, below: Mapping[str, dict[str, dict[str, str]]],
    ) -> Iterator[_Part]:  # fmt: skip
        """Multiple choice, with its "other" and its comments; of an array of boxes one question per row."""
        qid, code = row["qid"], row["title"]
        if row["type"] == ":":
            for sub, text in below["0"].items():
                choices = tuple(Choice(c, t) for c, t in below["1"].items())
                name = f"{code}_{sub}"
                question = Question(
                    name, "select_multiple", self.joined(labels, text), choices, code, groups=groups, extra=extra
                )
                yield _Part(question, {f"{name}/{c.name}": f"{code}[{sub}_{c.name}]" for c in choices}, always)
            return
        alone = re.split(r"[;,\s]+", self.attributes.get(qid, {}).get("exclude_all_others", ""))
        choices = tuple(Choice(sub, text, exclusive=sub in alone) for sub, text in below["0"].items())
        if row.get("other") == "Y":
            choices = (*choices, Choice("other", self.other(qid)))
        question = Question(code, "select_multiple", labels, choices, code, groups=groups, extra=extra)
        yield _Part(question, {f"{code}/{c.name}": f"{code}[{c.name}]" for c in choices}, always)
        texts: list[tuple[str, str, list[Mapping[str, str] | str]]] = []
        if row.get("other") == "Y":
            texts.append(("other", "other", ["other"]))
        if row["type"] == "P":
            texts += [(f"{c.name}_comment", f"{c.name}comment", [c.labels, "comment"]) for c in choices]
        for end, source, words in texts:
            label = self.joined(labels, *words)
            yield _Part(Question(f"{code}_{end}", "text", label, groups=groups), {f"{code}_{end}": f"{code}[{source}]"})

    def below(self, qid: str, scale: str) -> dict[str, dict[str, str]]:
        """The subquestions of a question on a scale, code to wordings."""
        rows = [row for row in self.rows("subquestions", parent_qid=qid) if (row.get("scale_id") or "0") == scale]
        return {r["title"]: self.worded("question", "qid", r["qid"], "subquestions", "question") for r in rows}

    def answers(self, qid: str, scale: str) -> list[Choice]:
        """The answers of a question on a scale."""
        found = []
        for row in self.rows("answers", qid=qid, scale_id=scale):
            if "aid" in row:
                labels = self.worded("answer", "aid", row["aid"], "", "answer")
            else:
                same = [r for r in self.sections["answers"]
                        if (r["qid"], r["code"], r.get("scale_id", "0")) == (qid, row["code"], scale)]  # fmt: skip
                by_language = {r.get("language", ""): _text(r.get("answer", "")) for r in same}
                labels = {code: by_language[code] for code in self.languages if by_language.get(code)}
            found.append(Choice(row["code"], labels or dict.fromkeys(self.languages, row["code"])))
        return found

    def other(self, qid: str) -> dict[str, str]:
        """The wording of "other"."""
        own = self.attributes.get(qid, {}).get("other_replace_text", "")
        return dict.fromkeys(self.languages, _text(own)) if own else self.words("other")

    def words(self, key: str) -> dict[str, str]:
        """LimeSurvey's own words in the languages of the survey; English where they are not known."""
        return {code: _WORDS[key].get(code[:2], _WORDS[key]["en"]) for code in self.languages}

    def joined(self, labels: Mapping[str, str], *parts: Mapping[str, str] | str) -> dict[str, str]:
        """The wording of a question, and of what stands under it."""
        worded = [self.words(part) if isinstance(part, str) else part for part in parts]
        return {
            code: ": ".join(text for text in (label.rstrip(" :"), *(part.get(code, "") for part in worded)) if text)
            if worded else label
            for code, label in labels.items()
        }  # fmt: skip


def _equation(text: str) -> dict[str, str]:
    return {"limesurvey_relevance": text} if text.strip() not in ("", "1") else {}


def _text(markup: str) -> str:
    """The words of an HTML text."""
    plain = re.sub(r"<(script|style)\b.*?</\1\s*>", " ", markup, flags=re.DOTALL | re.IGNORECASE)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", plain))).strip()


def _plain(head: str) -> str:
    """A head however it is written: ``Q1[SQ001]``, ``Q1_SQ001``, and ``Q1.SQ001.`` as R has it."""
    return re.sub(r"[\[\]._]+", "_", head).strip("_")


def _trimmed(column: pd.Series) -> Any:
    return as_texts(column.str.strip())
