"""From an export of KoboToolbox or ODK, with its XLSForm, to the draft of a survey folder."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .codes import as_texts
from .delimited import plain_dates, plain_numbers, some
from .drafts import Draft, find_paradata, survey_of, with_reasons
from .expressions import ExpressionError
from .files import ReadError
from .questionnaire import NUMBER_TYPES, Question, Questionnaire, Repeat
from .readers import TEXT_ENDINGS, read_any
from .survey import all_repeats

_ID = ("_id", "_uuid", "KEY", "meta/instanceID", "meta-instanceID", "instanceID")
_BLANKS = ("NA", "n/a", "N/A")  # as R and KoboToolbox write them
_BOM_BY_R = re.compile("^(\ufeff|X\\.U\\.FEFF\\.|ï\\.\\.)")
_TRUE, _FALSE = ("1", "TRUE", "True", "true", "1.0", "yes"), ("0", "FALSE", "False", "false", "0.0", "no")
_PLACES = ("Latitude", "Longitude", "Altitude", "Accuracy")
_LINKS = {"_parent_index": "_index", "PARENT_KEY": "KEY"}  # the column of a member, and that of its parent


def read_kobo(file: str | Path, form: str | Path) -> Draft:
    """Read an export of KoboToolbox or ODK as a questionnaire and responses.

    Parameters
    ----------
    file : path
        A .csv or .xlsx, exported with "XML values and headers". The members of repeated groups are the further sheets
        of the workbook, or the files ``<name>-<repeat>.csv`` beside the .csv.
    form : path
        The XLSForm: an .xlsx, or a folder with survey.csv and choices.csv.

    Returns
    -------
    Draft
        A question may stand as ``group/question``, ``group.question`` or ``question``, a choice as
        ``question/choice`` or ``question.choice``, also as R renames them. The column of a multiple response question
        and those of its choices are held against each other: where they disagree, those of the choices are kept, and
        the disagreement stands in ``tables["disagreements"]``: ``respondent``, ``question``, ``parent``, ``dummies``.

    Raises
    ------
    FileNotFoundError, ReadError, QuestionnaireError
        If a file cannot be read, the form is of another survey, or the export holds labels in place of names.
    """
    file = Path(file)
    sheets, found_out = read_any(file)
    notes = [*found_out]
    questionnaire = with_reasons(Questionnaire.read(form), notes)
    repeats = list(all_repeats(questionnaire))
    main = next((name for name in sheets if name not in {repeat.name[:31] for repeat in repeats}), next(iter(sheets)))
    table = _Table(file, sheets[main], questionnaire, notes)
    table.refuse_labels()
    identity = table.identity()
    columns, others, sets = table.columns(identity)
    frame = pd.DataFrame(columns)
    disagreements = table.disagreements(as_texts(frame[identity]))
    draft = Draft(
        frame, questionnaire, identity, "", sets, (), others,
        find_paradata(questionnaire, frame, notes), {}, questionnaire.settings.get("form_title", ""),
    )  # fmt: skip
    members: dict[str, pd.DataFrame] = {}
    tables = {"": (table, as_texts(frame[identity]))}
    outer = _outer(questionnaire)
    for repeat in repeats:
        above_name, path = outer[repeat.name]
        rows = _members(file, sheets, repeat, notes) if above_name in tables else None
        if rows is None:
            notes.append(f"repeat {repeat.name}: the export holds no table of it.")
            continue
        inner = _Table(file, rows, repeat.form, notes, path)
        parent_id = f"{above_name}_id" if above_name else identity
        own, members[repeat.name] = inner.members(repeat, parent_id, *tables[above_name])
        tables[repeat.name] = (inner, own)
        disagreements = pd.concat([disagreements, inner.disagreements(own)], ignore_index=True)
    draft = replace(draft, repeats=members, tables={"disagreements": disagreements} if len(disagreements) else {})
    draft = _blank_where_not_asked(draft, tables, file, notes)
    texts = [q.name for q in questionnaire if q.type == "text" and q.name in frame]
    if texts:
        notes.append(f"free text, to be read for names before it is passed on: {some(texts)}.")
    return replace(draft, notes=tuple(notes))


@dataclass
class _Table:
    """One table of the export, the respondents or the members of a repeat, on its way to codes."""

    file: Path
    raw: pd.DataFrame
    form: Questionnaire
    notes: list[str]
    path: tuple[str, ...] = ()
    differ: list[tuple[npt.NDArray[np.intp], str, npt.NDArray[np.object_], npt.NDArray[np.object_]]] = field(
        default_factory=list
    )
    unsure: dict[str, npt.NDArray[np.bool_]] = field(default_factory=dict)  # nothing chosen: asked, or not asked?

    def __post_init__(self) -> None:
        keys = _keys(self.form, self.path)
        renamed = {c: c if c in keys else _original(c) for c in self.raw.columns}
        twice = {new for new, times in Counter(renamed.values()).items() if times > 1}
        self.raw = self.raw.rename(columns={c: c if new in twice else new for c, new in renamed.items()})
        self.raw = self.raw.reset_index(drop=True)
        self.questions: dict[str, str] = {}  # question to column
        self.choices: dict[str, dict[str, str]] = {}  # question to choice to column
        self.other: list[str] = []
        for column in self.raw.columns:
            question, choice = keys.get(column) or keys.get(_plain(column)) or keys.get(_plain(column)[1:]) or ("", "")
            if not question:
                question, choice = self.unknown_choice(column)
            if question and choice and choice not in self.choices.get(question, {}):
                self.choices.setdefault(question, {})[choice] = column
            elif question and not choice and question not in self.questions:
                self.questions[question] = column
            else:
                self.other.append(column)
        self.texts = {c: as_texts(self.raw[c].str.strip()) for c in self.raw.columns}

    def unknown_choice(self, column: str) -> tuple[str, str]:
        """A column ``question/choice`` whose choice the form does not know."""
        for question in self.form:
            if question.type == "select_multiple":
                for key in _paths(question, self.path):
                    for head, mark in ((column, "/"), (_plain(column), ".")):
                        start = f"{key if mark == '/' else _plain(key)}{mark}"
                        if head.startswith(start) and len(head) > len(start):
                            return question.name, head[len(start) :]
        return "", ""

    def refuse_labels(self) -> None:
        """Refuse an export whose heads or answers are labels, and one of another form."""
        remedy = 'Export it again with "XML values and headers" (KoboToolbox), or without labels.'
        heads = set(self.raw.columns)
        wordings = {label for question in self.form for label in question.labels.values()}
        if not self.questions and not self.choices and not heads & wordings:
            raise ReadError(f"{self.file}: no column is a question of the form. Give the form it was collected with.")
        if len(heads & wordings) > len(self.questions):
            example = min(heads & wordings)
            raise ReadError(f"{self.file}, row 1: the heads are labels ({example!r}), not names. {remedy}")
        by_name = by_label = 0
        for name, column in self.questions.items():
            question = self.form[name]
            if question.type == "select_one":
                values = set(self.texts[column].tolist()) - {"", *_BLANKS}
                by_name += len(values & {choice.name for choice in question.choices})
                by_label += len(values & {text for choice in question.choices for text in choice.labels.values()})
        if by_label > by_name:
            raise ReadError(f"{self.file}: the answers are labels, not the names of choices. {remedy}")

    def identity(self) -> str:
        """The column of the respondents' ids; numbered from 1 if there is none."""
        known = [column for column in _ID if column in self.texts]
        filled = [column for column in known if "" not in self.texts[column]]
        unique = [column for column in filled if len(set(self.texts[column])) == len(self.raw)]
        if found := (unique or filled)[:1]:
            if not unique:
                self.notes.append(f"respondent id: {found[0]}, which is not unique; checking names the rows.")
            return found[0]
        name = "respondent" if "respondent" not in self.texts else "respondent_number"
        self.notes.append(f"{name}: numbered from 1, since the export has neither _id nor _uuid for all.")
        self.texts[name] = np.arange(1, len(self.raw) + 1).astype(str).astype(object)
        return name

    def columns(self, identity: str) -> tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]:
        """The columns of codes by name, those that are no questions, and the multiple response questions."""
        columns: dict[str, Any] = {identity: self.texts[identity]} if identity else {}
        if blanks := self.blank():
            self.notes.append(f"blanks: {blanks:,} cells that say NA or n/a are read as blank.")
        sets, lacking = [], []
        for question in self.form:
            if question.type == "select_multiple" and question.name in {*self.questions, *self.choices}:
                columns |= self.multiple(question)
                sets.append(question.name)
            elif question.name in self.questions:
                columns[question.name] = self.texts[self.questions[question.name]]
            elif question.type in ("geopoint", "start-geopoint") and (parts := self.place(question)) is not None:
                columns[question.name] = parts
            elif question.columns:
                lacking.append(question.name)
            if question.name in self.choices and question.type != "select_multiple":
                self.notes.append(f"{question.name}: columns of choices, but the form says {question.type}.")
        self.say_single()
        if lacking:
            self.notes.append(
                f"{self.where()}the export has no column for {len(lacking)} questions of the form: {some(lacking)}."
            )
        frame = pd.DataFrame({c: v for c, v in columns.items() if c != identity}).replace("", pd.NA)
        by_type = {q.name: q.type for q in self.form if q.name in columns}
        frame, said = plain_numbers(frame, [n for n, kind in by_type.items() if kind in NUMBER_TYPES])
        frame, more = plain_dates(frame, [n for n, kind in by_type.items() if kind in ("date", "today")])
        self.notes += [*said, *more]
        columns |= {str(column): frame[column] for column in frame}
        others = [c for c in self.other if c != identity]
        columns |= {c: self.texts[c] for c in others}
        strangers = [c for c in others if not c.startswith("_") and c not in _ID]
        if strangers and not self.path:
            self.notes.append(f"columns that the form does not have are kept as `other_columns`: {some(strangers)}.")
        for column, cells in columns.items():
            if not isinstance(cells, pd.Series):
                columns[column] = pd.Series(cells, dtype="str").replace("", pd.NA)
        return columns, tuple(others), tuple(sets)

    def where(self) -> str:
        return f"repeat {self.path[-1]}: " if self.path else ""

    def say_single(self) -> None:
        """Of a question with one answer in the form, columns of choices in the export."""
        for name in (question.name for question in self.form if question.type == "select_one"):
            dummies = [c for c in self.other if _plain(c).startswith(f"{_plain(self.questions.get(name, name))}.")]
            if dummies and name in self.questions:
                self.notes.append(
                    f"{name}: the form says select_one, but the export has {len(dummies)} columns as of a "
                    f"select_multiple ({dummies[0]}, ...). Correct the type in questionnaire/survey.csv."
                )

    def blank(self) -> int:
        """Blank what stands for a blank, but where it is the name of a choice."""
        column_of = {column: name for name, column in self.questions.items()}
        count = 0
        for column, texts in self.texts.items():
            name = column_of.get(column, "")
            kept = {choice.name for choice in self.form[name].choices} if name else set()
            hit = _among(texts, [text for text in _BLANKS if text not in kept])
            count += int(hit.sum())
            if hit.any():
                self.texts[column] = np.where(hit, "", texts)
        return count

    def place(self, question: Question) -> npt.NDArray[np.object_] | None:
        """The four columns of a place, as ODK Central has them, in one."""
        for key in _paths(question, self.path):
            parts = [f"{key.replace('/', '-')}-{part}" for part in _PLACES]
            if parts[0] in self.texts and parts[1] in self.texts:
                texts = [self.texts.get(part, np.full(len(self.raw), "")) for part in parts]
                self.other = [c for c in self.other if c not in parts]
                given = texts[0] != ""
                joined = [" ".join(x or "0" for x in four) for four in zip(*texts, strict=True)]
                return np.where(given, joined, "").astype(object)
        return None

    def multiple(self, question: Question) -> dict[str, Any]:
        """The 0/1 columns of a multiple response question, from its own column, those of its choices, or both."""
        rows = len(self.raw)
        names = [choice.name for choice in question.choices]
        columns = self.choices.get(question.name, {})
        if strange := [choice for choice in columns if choice not in names]:
            self.notes.append(f"{question.name}: the form has no choice {some(strange)}; kept, and checking names it.")
        parent = self.texts[self.questions[question.name]] if question.name in self.questions else np.full(rows, "")
        named, tokens = _tokens(parent.astype(object))
        if unknown := [token for token in tokens if token not in names and token not in columns]:
            self.notes.append(
                f"{question.name}: {some(unknown)} stands in its column and is no choice; kept as a column of its own, "
                "and checking names it."
            )
        order = list(dict.fromkeys([*names, *columns, *unknown]))
        # -1 blank, 0, 1; what is none of these keeps its text
        ticks = np.full((rows, len(order)), -1, dtype=np.int8)
        odd: dict[str, npt.NDArray[np.object_]] = {}
        for j, choice in enumerate(order):
            if choice in columns:
                texts = self.texts[columns[choice]]
                yes, no = _among(texts, _TRUE), _among(texts, _FALSE)
                ticks[:, j] = np.where(yes, 1, np.where(no, 0, -1))
                if (strange_cells := ~yes & ~no & (texts != "")).any():
                    odd[choice] = texts
                    self.notes.append(
                        f"{question.name}/{choice}: {int(strange_cells.sum()):,} cells are neither 0 nor 1 "
                        f"({texts[strange_cells][0]!r}); kept, and checking names them."
                    )
        said = np.zeros((rows, len(order)), dtype=bool)
        for j, choice in enumerate(order):
            if choice in tokens:
                said[:, j] = named[:, tokens.index(choice)]
        has_parent = parent != ""
        given = ticks >= 0
        for choice in odd:
            given[:, order.index(choice)] |= odd[choice] != ""
        compared = (ticks >= 0) & has_parent[:, None]
        wrong = (compared & ((ticks == 1) != said)).any(axis=1) | (~has_parent & (ticks == 1).any(axis=1))
        if question.name not in self.questions:
            wrong[:] = False
        if wrong.any():
            at = np.flatnonzero(wrong)
            chosen = [" ".join(order[j] for j in np.flatnonzero(row)) for row in (ticks[at] == 1)]
            self.differ.append((at, question.name, parent[at].astype(object), np.array(chosen, dtype=object)))
            self.notes.append(
                f"{question.name}: in {len(at):,} rows its column disagrees with those of its choices, which are kept. "
                "See disagreements.csv."
            )
        # a choice that is blank beside others that are filled was not on the form yet: only the column can say it
        own = np.array([choice in columns for choice in order])
        partly = np.any(given, axis=1, keepdims=True) & own & ~said
        made = has_parent[:, None] & ~given & ~partly
        ticks = np.where(made, said.astype(np.int8), ticks)
        if (filled := made[:, own].any(axis=1)).any():
            self.notes.append(f"{question.name}: in {int(filled.sum()):,} rows blank choices are filled by its column.")
        later = np.asarray(partly & ~given & has_parent[:, None])
        if later.any():
            names_later = some(order[j] for j in np.flatnonzero(later.any(axis=0)))
            self.notes.append(
                f"{question.name}: {names_later} is blank in {int(later.any(axis=1).sum()):,} rows whose other choices "
                "are filled, as of a choice that the form did not offer yet; left blank."
            )
        if not columns:
            self.notes.append(f"{question.name}: the columns of its choices are made from its own.")
        nothing = ~has_parent & (ticks == 0).any(axis=1) & ~(ticks == 1).any(axis=1)
        if nothing.any():
            self.unsure[question.name] = nothing
        out: dict[str, Any] = {}
        for j, choice in enumerate(order):
            numbers = pd.Series(ticks[:, j], dtype="Int8").mask(ticks[:, j] < 0)
            out[f"{question.name}/{choice}"] = odd.get(choice, numbers)
        return out

    def disagreements(self, ids: npt.NDArray[np.object_]) -> pd.DataFrame:
        """Where the two ways to store a multiple response question disagree."""
        parts = [
            pd.DataFrame({"respondent": ids[at], "question": name, "parent": parent, "dummies": dummies})
            for at, name, parent, dummies in self.differ
        ]
        head = ["respondent", "question", "parent", "dummies"]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=head, dtype="str")

    def members(
        self, repeat: Repeat, parent_id: str, above: _Table, ids: npt.NDArray[np.object_]
    ) -> tuple[npt.NDArray[np.object_], pd.DataFrame]:
        """The ids of the members of a repeat, and their table."""
        link = next((column for column in _LINKS if column in self.texts), "")
        if not link or _LINKS[link] not in above.texts:
            raise ReadError(
                f"{self.file}: the table of the repeat {repeat.name!r} has no column that leads to its respondents "
                f"({' or '.join(_LINKS)}). Export it again, with all of its columns."
            )
        parent_of = dict(zip(above.texts[_LINKS[link]], ids, strict=True))
        keys = self.texts[link]
        parents = np.array([parent_of.get(key, f"no parent {key}".strip()) for key in keys], dtype=object)
        if lost := sum(key not in parent_of for key in keys):
            self.notes.append(f"repeat {repeat.name}: {lost:,} members belong to nobody in the export.")
        number = pd.Series(parents).groupby(parents, sort=False).cumcount() + 1
        own = np.asarray(parents + "/" + as_texts(number), dtype=object)
        columns, others, _ = self.columns("")
        kept = {c: v for c, v in columns.items() if c not in others}
        left = [c for c in others if not c.startswith("_") and c not in ("KEY", "PARENT_KEY")]
        if left:
            self.notes.append(f"repeat {repeat.name}: the form has no such question, left out: {some(left)}.")
        return own, pd.DataFrame({repeat.identity: own, parent_id: parents} | kept)


# ------------------------------------------------------------------------------------------------------ the tables


def _outer(form: Questionnaire, name: str = "", path: tuple[str, ...] = ()) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Of each repeat the name of the repeat it stands in, if any, and the path of its questions."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for repeat in form.repeats:
        own = (*path, *(group.name for group in repeat.groups), repeat.name)
        found[repeat.name] = (name, own)
        found |= _outer(repeat.form, repeat.name, own)
    return found


def _members(file: Path, sheets: Mapping[str, pd.DataFrame], repeat: Repeat, notes: list[str]) -> pd.DataFrame | None:
    """The table of a repeat: a sheet of the workbook, or a file beside the main one."""
    if repeat.name[:31] in sheets:  # a sheet's name has no more letters
        return sheets[repeat.name[:31]]
    if file.suffix.lower() in TEXT_ENDINGS:
        pattern = re.compile(rf"{re.escape(file.stem)}[-._~](.*[-._~])?{re.escape(repeat.name)}")
        for beside in sorted(file.parent.iterdir()):
            if beside.suffix.lower() == file.suffix.lower() and pattern.fullmatch(beside.stem):
                tables, said = read_any(beside)
                notes += [f"{beside.name}: {note}" for note in said]
                return tables[""]
    return None


def _blank_where_not_asked(
    draft: Draft, tables: Mapping[str, tuple[_Table, Any]], file: Path, notes: list[str]
) -> Draft:
    """Blank "none chosen" where routing says that the question was not asked; old exports do not tell the two apart."""
    if not any(table.unsure for table, _ in tables.values()):
        return draft
    survey = survey_of(draft, file)
    members = {"": draft.responses, **draft.repeats}
    for name, (table, _) in tables.items():
        frame = survey.repeats[name] if name else survey.responses
        for question_name, nothing in table.unsure.items():
            question = table.form[question_name]
            try:
                context = survey.context.within(name) if name else survey.context
                silent = nothing & ~question.routed(frame, context)
            except ExpressionError as error:
                notes.append(
                    f"{question_name}: in {int(nothing.sum()):,} rows nothing is chosen; whether it was asked cannot "
                    f"be told ({error}). Kept as asked."
                )
                continue
            if not silent.any():
                continue
            target = members[name]
            cells = [c for c in target.columns if c.startswith(f"{question_name}/")]
            members[name] = target.assign(**{c: target[c].mask(silent) for c in cells})
            notes.append(
                f"{question_name}: in {int(silent.sum()):,} rows nothing is chosen and routing did not put the "
                "question: blank, not asked."
            )
    return replace(draft, responses=members.pop(""), repeats=members)


# ------------------------------------------------------------------------------------------------------- the heads


def _original(column: str) -> str:
    """The name of a column before R made it one of its own: ``X_uuid`` was ``_uuid``."""
    column = _BOM_BY_R.sub("", str(column))
    return column[1:] if re.match(r"X_\w", column) else column


def _plain(name: str) -> str:
    """A name as R writes it, all separators alike."""
    return re.sub(r"[^\w.]", ".", name)


def _paths(question: Question, path: Sequence[str]) -> Iterator[str]:
    """The ways to write a question, from its name to its whole path."""
    groups = [*path, *(group.name for group in question.groups if group.name)]
    for start in range(len(groups), -1, -1):
        yield "/".join((*groups[start:], question.name))


def _keys(form: Questionnaire, path: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Every way to write a column to its question and choice, the more exact way first."""
    names = [(key, (question.name, "")) for question in form for key in _paths(question, path)]
    choices = [
        (f"{key}/{choice.name}", (question.name, choice.name))
        for question in form if question.type == "select_multiple"
        for key in _paths(question, path) for choice in question.choices
    ]  # fmt: skip
    found: dict[str, tuple[str, str]] = {}
    for key, target in (*names, *choices, *((_plain(k), t) for k, t in names), *((_plain(k), t) for k, t in choices)):
        found.setdefault(key, target)
    return found


def _among(texts: npt.NDArray[np.object_], known: Sequence[str]) -> npt.NDArray[np.bool_]:
    return np.asarray(pd.Series(texts, dtype=object).isin(known))


def _tokens(parent: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.bool_], list[str]]:
    """The names in cells that hold several, and for each cell which of them it holds."""
    codes, cells = pd.factorize(parent)
    split = [str(cell).split() for cell in cells]
    names = list(dict.fromkeys(name for parts in split for name in parts))
    place = {name: j for j, name in enumerate(names)}
    held = np.zeros((len(split), len(names)), dtype=bool)
    for i, parts in enumerate(split):
        held[i, [place[name] for name in parts]] = True
    return held[codes], names
