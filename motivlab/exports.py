"""``export``: estimates, figures and checks to files, written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .checking import CheckReport
from .files import new_file
from .gate import Gated
from .shown import Shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TABLE_FORMATS = (".xlsx", ".html", ".csv")
FINDING_FORMATS = (".xlsx", ".csv", ".html")
FIGURE_FORMATS = (".svg", ".png", ".pdf")
MIME = "application/vnd.motivlab.export+json"


@dataclass(frozen=True)
class Exported:
    """What was written: names of the files, and the title of what is in them."""

    kind: str
    title: str
    files: tuple[str, ...]

    def __repr__(self) -> str:
        return f"{self.kind}: {', '.join(self.files)}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Plain text for the reader, and for the report what to gather."""
        return {"text/plain": repr(self), MIME: [{"title": self.title, "files": list(self.files)}]}


@dataclass(frozen=True, repr=False)
class Together:
    """Several things shown as one output: words, estimates, checks, exports."""

    parts: tuple[Any, ...]

    def __repr__(self) -> str:
        return "\n\n".join(map(repr, self.parts))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """All parts one after the other; for the report also each by itself."""
        gathered: list[dict[str, Any]] = []
        shown: list[str] = []
        for part in self.parts:
            if isinstance(part, Exported):
                gathered += part._repr_mimebundle_()[MIME]
                shown.append(f"<p>{escape(repr(part))}</p>")
            else:
                html = part._repr_html_() if hasattr(part, "_repr_html_") else f"<pre>{escape(repr(part))}</pre>"
                gathered.append({"html": html})
                shown.append(html)
        return {"text/plain": repr(self), "text/html": "\n".join(shown), MIME: gathered}


def together(*parts: Any) -> Together:
    """Show several things as the one output of a cell, where a notebook test compares them and the report finds them.

    Examples
    --------
    >>> from motivlab.sentences import Words
    >>> together(Words("Age"), Words("Gender"))
    Age
    <BLANKLINE>
    Gender
    """
    return Together(parts)


def export(thing: Shown | Gated | CheckReport | Axes | Iterable[Axes] | Figure, *files: str | Path) -> Exported:
    """Write estimates, a figure or the findings of a check to one or more files.

    Parameters
    ----------
    thing : Estimates or another result, Gated, CheckReport, Axes, list of Axes, or Figure
        Of results, the gated numbers are written. The findings of a check name respondents: a working file for
        the fieldwork, not for publication. As .xlsx and .csv they are a sheet that is answered and read back by
        :func:`motivlab.apply_cleaning`.
    *files : path
        The ending says the format: .xlsx, .html or .csv for estimates, .xlsx, .csv or .html for findings, .svg, .png
        (300 dpi) or .pdf for figures. Folders are made where they are missing. Each file is whole or not there.

    Returns
    -------
    Exported

    Raises
    ------
    ValueError
        If no file is named, or a format does not go with the thing; nothing is written then.

    Examples
    --------
    >>> import tempfile
    >>> from motivlab.prevalence import prevalence
    >>> from motivlab.survey import Survey
    >>> import pandas as pd
    >>> survey = Survey.from_frame(pd.DataFrame({"worked": ["yes", "no"] * 30}))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export(prevalence(survey, "worked"), Path(folder) / "worked.xlsx")
    table: worked.xlsx
    """
    kind, title, allowed, write = _writer(thing)
    paths = [Path(file) for file in files]
    if not paths:
        raise ValueError("export: name at least one file to write.")
    for path in paths:
        if path.suffix not in allowed:
            raise ValueError(f"{path}: a {kind} is written as {', '.join(allowed)}. Change the ending.")
    for path in paths:
        with new_file(path) as work:
            write(work)
    return Exported(kind, title, tuple(path.name for path in paths))


def _writer(thing: Any) -> tuple[str, str, tuple[str, ...], Callable[[Path], None]]:
    """Kind, title, allowed formats, and what writes it."""
    from .tables import table, write_table

    if isinstance(thing, (Shown, Gated)):
        shown = table(thing)
        return "table", shown.title, TABLE_FORMATS, lambda file: write_table(shown, file)
    if isinstance(thing, CheckReport):
        from .tables_cleaning import write_findings

        return "list of findings", thing.headline, FINDING_FORMATS, lambda file: write_findings(thing, file)
    from .page import figure_of, write_figure

    try:
        title = str(figure_of(thing).get_label())
    except (TypeError, AttributeError, StopIteration) as error:
        raise ValueError(
            f"export: cannot write a {type(thing).__name__}. Give estimates, a check or a figure."
        ) from error
    return "figure", title, FIGURE_FORMATS, lambda file: write_figure(thing, file)
