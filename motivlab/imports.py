"""Any file of responses to a survey, in memory or as a folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from .drafts import Draft, survey_of, write_draft
from .files import ReadError
from .kobo import read_kobo
from .limesurvey import is_limesurvey, read_limesurvey
from .readers import READ_ENDINGS, refuse_disguise
from .spss import read_spss
from .survey import Survey
from .tabular import Orders, read_table


def read_draft(
    file: str | Path,
    form: str | Path | None = None,
    *,
    sets: Mapping[str, tuple[str, str]] | None = None,
    orders: Orders = (),
    neutral: Iterable[str] = (),
    progress: bool = False,
) -> Draft:
    """Read a file of responses, and say what was found out of it; parameters as of :func:`read_survey`.

    Returns
    -------
    Draft
        Its ``notes`` say what was inferred, and what could not be.

    Raises
    ------
    FileNotFoundError, ReadError
        If the file is not there, not what its ending says, or cannot be read.
    ValueError
        If an argument is given that a file of this kind has no use for.
    """
    file = Path(file)
    kind = file.suffix.lower()
    if kind not in READ_ENDINGS:
        raise ReadError(
            f"{file}: a survey is imported from .sav, .zsav, .csv or .xlsx, and from .dta, .tsv, .txt or .parquet. "
            "Save the data as one of them."
        )
    described = bool(sets or orders or tuple(neutral))
    if kind in (".sav", ".zsav", ".dta"):
        name = "a Stata" if kind == ".dta" else "an SPSS"
        if described:
            raise ValueError(
                f"{file}: sets, orders and neutral describe a .csv or .xlsx; {name} file says them itself."
            )
        if form is not None:
            raise ValueError(f"{file}: {name} file holds its own questions; leave out the form {form}.")
        refuse_disguise(file)
        if kind == ".dta":
            from .stata import read_stata

            return read_stata(file, progress=progress)
        return read_spss(file, progress=progress)
    refuse_disguise(file)
    lime = is_limesurvey(file)
    if described and (form is not None or lime):
        raise ValueError(f"{file}: sets, orders and neutral describe a table without a form; leave them out.")
    if lime or (form is not None and Path(form).suffix.lower() == ".lss"):
        return read_limesurvey(file, form)
    if form is not None:
        return read_kobo(file, form)
    return read_table(file, sets, orders, neutral)


def read_survey(
    file: str | Path,
    form: str | Path | None = None,
    *,
    sets: Mapping[str, tuple[str, str]] | None = None,
    orders: Orders = (),
    neutral: Iterable[str] = (),
    progress: bool = False,
    language: str = "en",
) -> Survey:
    r"""Read any file of responses as a survey in memory.

    Parameters
    ----------
    file : path
        A .sav, .zsav or .dta file, an export of KoboToolbox or ODK with its form, one of LimeSurvey in answer codes,
        or a plain .csv, .tsv, .txt, .xlsx or .parquet. It is only read.
    form : path, optional
        The XLSForm (an .xlsx, or a folder with survey.csv and choices.csv), or LimeSurvey's .lss.
    sets : mapping of str to (str, str), optional
        Of a plain table: multiple response questions spread over columns, name to first and last column.
    orders : sequence of sequence of str, optional
        Of a plain table: answer scales, from the lowest answer up.
    neutral : iterable of str, optional
        Of a plain table: the wording of the middle of scales. See :func:`motivlab.tabular.read_table` for all three.
    progress : bool
        Show a bar while a large file is read.
    language : {"lv", "en", "ru"}
        What is made from the survey is shown in this language.

    Returns
    -------
    Survey
        What ``survey.yml`` would have to say stands there as ``?``. :func:`import_survey` makes a folder of it, where
        it can be filled in and where the README says how the file was read.

    Raises
    ------
    FileNotFoundError, ReadError
        If the file is not there, not what its ending says, or cannot be read: file, row, column and remedy.
    ValueError
        If an argument is given that a file of this kind has no use for.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as at:
    ...     file = Path(at) / "export.csv"
    ...     _ = file.write_text("id;Pay;Sex\n7;1 234,5;f\n8;980;m\n9;870;f\n4;910;m\n", encoding="utf-8")
    ...     survey = read_survey(file)
    >>> survey.responses["pay"].tolist()
    [1234.5, 980.0, 870.0, 910.0]
    """
    file = Path(file)
    draft = read_draft(file, form, sets=sets, orders=orders, neutral=neutral, progress=progress)
    return survey_of(draft, file, language)


def import_survey(
    file: str | Path,
    folder: str | Path,
    sets: Mapping[str, tuple[str, str]] | None = None,
    orders: Orders = (),
    neutral: Iterable[str] = (),
    form: str | Path | None = None,
) -> tuple[Draft, list[str]]:
    r"""Draft a survey folder from any file of responses.

    Parameters
    ----------
    file : path
        As for :func:`read_survey`.
    folder : path
        The folder to make; it must not exist yet.
    sets, orders, neutral, form : optional
        As for :func:`read_survey`.

    Returns
    -------
    Draft, list of str
        What was read, and the keys of ``survey.yml`` that are left to be filled in.

    Raises
    ------
    FileExistsError
        If the folder is there already: nothing is overwritten.
    FileNotFoundError, ReadError, ValueError
        If the file cannot be read. No folder is left behind then.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as at:
    ...     file = Path(at) / "export.csv"
    ...     _ = file.write_text("Tools,Column2,Useful\nGit,,Agree\nGit,R,Neutral\n,,Agree\n", encoding="utf-8")
    ...     scale = ["Disagree", "Neutral", "Agree"]
    ...     draft, _ = import_survey(file, Path(at) / "s", {"tools": ("Tools", "Column2")}, [scale], ["Neutral"])
    >>> draft.responses.fillna("").values.tolist()
    [['1', '1', '0', '3'], ['2', '1', '1', '2'], ['3', '', '', '3']]
    """
    file, folder = Path(file), Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder}: it exists already. Name a new folder, or remove this one first.")
    draft = read_draft(file, form, sets=sets, orders=orders, neutral=neutral)
    return draft, write_draft(draft, file, folder)
