"""A survey out, in the format that the ending of a file names."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pandas as pd

from .codes import as_texts
from .files import new_file
from .stat_out import left_out
from .survey import Survey

_ELSEWHERE = {  # ending to the module and the function that writes it
    ".sav": ("spss_out", "write_sav"),
    ".zsav": ("spss_out", "write_sav"),
    ".dta": ("stata_out", "write_dta"),
    ".docx": ("codebook", "write_codebook"),
    ".html": ("codebook", "write_codebook"),
    ".json": ("dictionaries", "write_table_schema"),
    ".xml": ("dictionaries", "write_ddi"),
}
ENDINGS = (*_ELSEWHERE, ".parquet", ".csv", ".xlsx")


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes
    ----------
    files : tuple of Path
        Every file, also those beside the ones that were named.
    notes : tuple of str
        What a format cannot hold, or what was changed; each begins with the name of the file.
    """

    files: tuple[Path, ...]
    notes: tuple[str, ...]


def write_survey(survey: Survey, *files: str | Path) -> Written:
    """Write a survey; the ending of each file says what.

    ``.sav``, ``.zsav`` (with a ``.sps`` beside it), ``.dta``, ``.parquet`` and ``.csv`` are the responses, ``.xlsx`` is
    the questionnaire as an XLSForm, ``.docx`` and ``.html`` a codebook for people, ``.json`` a data dictionary as
    Frictionless Table Schema, ``.xml`` one as DDI-Codebook. Each file is written whole or not at all.

    Parameters
    ----------
    survey : Survey
    *files : path
        A file that is there is replaced.

    Returns
    -------
    Written
        ``files``: all that were written; ``notes``: what a format cannot hold, each beginning with the file's name.

    Raises
    ------
    ValueError
        If no file is named, an ending is none of these, or a file would overwrite one that the survey was read from.

    Examples
    --------
    >>> import tempfile
    >>> survey = Survey.from_frame(pd.DataFrame({"worked": ["yes", "no", "no"]}), title="Pilot")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write_survey(survey, Path(folder) / "pilot.sav", Path(folder) / "pilot.csv")
    >>> [file.name for file in written.files]
    ['pilot.sav', 'pilot.sps', 'pilot.csv']
    """
    paths = [Path(file) for file in files]
    if not paths:
        raise ValueError(f"no file is named. Name one or more, ending in {', '.join(ENDINGS)}.")
    read = {file.resolve() for file in survey.files}
    for path in paths:
        if path.suffix.lower() not in ENDINGS:
            raise ValueError(f"{path}: a survey is written as {', '.join(ENDINGS)}. Choose one of these endings.")
        if path.resolve() in read:
            raise ValueError(f"{path}: the survey was read from it. Write to another file.")
        if path.is_dir():
            raise ValueError(f"{path}: it is a folder. Name a file in it.")
    written: list[Path] = []
    notes: list[str] = []
    for path in paths:
        written.append(path)
        if path.suffix.lower() in (".sav", ".zsav"):
            written.append(path.with_suffix(".sps"))
        notes += [f"{path.name}: {note}" for note in _write(survey, path)]
    return Written(tuple(dict.fromkeys(written)), tuple(notes))


def _write(survey: Survey, path: Path) -> list[str]:
    ending = path.suffix.lower()
    if ending == ".csv":
        return write_csv(survey, path)
    if ending == ".parquet":
        return write_parquet(survey, path)
    if ending == ".xlsx":
        from .xlsform_out import write_form

        return list(write_form(survey.questionnaire, path))
    module, name = _ELSEWHERE[ending]
    write: Callable[[Survey, Path], list[str]] = getattr(import_module(f".{module}", __package__), name)
    return list(write(survey, path))


def write_csv(survey: Survey, file: str | Path) -> list[str]:
    """Write the responses as codes: UTF-8, commas, the head in row 1; ``motivlab.open_survey`` reads them.

    Returns
    -------
    list of str
        What the format cannot hold.
    """
    frame = survey.responses
    texts = pd.DataFrame({column: as_texts(frame[column]) for column in frame})
    with new_file(Path(file)) as work:
        texts.to_csv(work, index=False, lineterminator="\n", encoding="utf-8")
    return ["labels and missing reasons: a .csv holds codes only. Write the .xlsx or a codebook beside it.",
            *_tables(survey)]  # fmt: skip


def write_parquet(survey: Survey, file: str | Path) -> list[str]:
    """Write the responses as Parquet: codes as dictionaries of texts, numbers and dates as such.

    The metadata of each column hold ``label`` (in the survey's language), ``value_labels`` and ``missing_codes``
    (JSON, code to label and code to reason).

    Returns
    -------
    list of str
        What the format cannot hold.
    """
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    table = pa.Table.from_pandas(survey.responses, preserve_index=False)
    known = {
        column: question
        for question in survey.questionnaire
        for column in (*question.columns, *question.optional_columns)
    }
    fields = []
    for field in table.schema:
        question = known.get(field.name)
        if question:
            said = {"label": question.label(survey.language)}
            if question.choices:
                labels = {choice.name: choice.label(survey.language) for choice in question.choices}
                said["value_labels"] = json.dumps(labels, ensure_ascii=False)
            if question.missing_codes:
                said["missing_codes"] = json.dumps(question.missing_codes, ensure_ascii=False)
            field = field.with_metadata(said)
        fields.append(field)
    with new_file(Path(file)) as work:
        pq.write_table(table.cast(pa.schema(fields, metadata=table.schema.metadata)), work)
    return [note for note in left_out(survey, "Parquet") if not note.startswith("missing reasons")]


def _tables(survey: Survey) -> list[str]:
    return [f"{name}: its {len(table):,} rows are not in the file." for name, table in survey.repeats.items()]
