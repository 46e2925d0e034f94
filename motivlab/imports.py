"""Any file of responses to a survey folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from .drafts import Draft, write_draft
from .files import ReadError
from .spss import read_spss
from .tabular import Orders, read_table


def import_survey(
    file: str | Path,
    folder: str | Path,
    sets: Mapping[str, tuple[str, str]] | None = None,
    orders: Orders = (),
    neutral: Iterable[str] = (),
) -> tuple[Draft, list[str]]:
    r"""Draft a survey folder from an SPSS file, or from a table of answers.

    Parameters
    ----------
    file : path
        A .sav or .zsav file, or a .csv or .xlsx with the wording of the answers. It is only read.
    folder : path
        The folder to make; it must not exist yet.
    sets : mapping of str to (str, str), optional
        Of a table: multiple response questions spread over columns, name to first and last column.
    orders : sequence of sequence of str, optional
        Of a table: answer scales, from the lowest answer up.
    neutral : iterable of str, optional
        Of a table: the wording of the middle of scales. See :func:`motivlab.tabular.read_table` for all three.

    Returns
    -------
    Draft, list of str
        What was read, and the keys of ``survey.yml`` that are left to be filled in.

    Raises
    ------
    FileExistsError
        If the folder is there already: nothing is overwritten.
    ReadError
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
    kind = file.suffix.lower()
    if kind not in (".sav", ".zsav", ".csv", ".xlsx"):
        raise ReadError(f"{file}: a survey is imported from .sav, .zsav, .csv or .xlsx. Save the data as one of them.")
    if kind in (".csv", ".xlsx"):
        draft = read_table(file, sets, orders, neutral)
    elif sets or orders or tuple(neutral):
        raise ValueError(f"{file}: sets, orders and neutral describe a .csv or .xlsx; an SPSS file says them itself.")
    else:
        draft = read_spss(file)
    return draft, write_draft(draft, file, folder)
