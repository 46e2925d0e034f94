"""The report: notebooks executed on a survey, what they export gathered, one page and a manifest written."""

from __future__ import annotations

import asyncio
import json
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import escape
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .about import SurveyError
from .exports import MIME
from .files import new_folder, sha256
from .language import known, say
from .sentences import describe
from .survey import Survey, open_survey

if TYPE_CHECKING:
    import pandas as pd

TAG = "report"  # a cell with this tag puts its output on the page
MANIFEST = "manifest.json"
PAGE = "report.html"
VERSIONS = ("motivlab", "pandas", "numpy", "scipy", "matplotlib", "seaborn", "pandera", "pyreadstat", "xlsxwriter")


class ReportError(RuntimeError):
    """A notebook that failed; the message names notebook, cell and error."""


@dataclass(frozen=True)
class Report:
    """What was written.

    Attributes
    ----------
    folder : Path
    page : Path
        The HTML page, with its figures inside.
    files : tuple of str
        Every file, relative to the folder.
    """

    folder: Path
    page: Path
    files: tuple[str, ...]


def notebooks_folder() -> Path:
    """Where the curated notebooks are: in the installed package, or beside it in a checkout.

    Raises
    ------
    FileNotFoundError
        If there are none.
    """
    package = Path(str(files("motivlab")))
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if list(folder.glob("[0-9]*.ipynb")):
            return folder
    raise FileNotFoundError(f"{package.parent / 'notebooks'}: no notebooks there. Name their folder with --notebooks.")


def write_report(
    survey_folder: str | Path,
    out: str | Path,
    language: str = "en",
    notebooks: str | Path | None = None,
    say_progress: Callable[[str], None] = lambda line: None,
) -> Report:
    """Run the notebooks on a survey and write their report.

    Parameters
    ----------
    survey_folder : path
        A survey folder, see :func:`motivlab.survey.open_survey`.
    out : path
        The folder to write. An earlier report there is replaced, when the new one is complete; a folder that holds
        anything else is refused.
    language : {"lv", "en", "ru"}
    notebooks : path, optional
        A folder of notebooks named ``01_...ipynb`` and so on, each with a cell tagged ``parameters``; by default the
        curated ones. A notebook whose metadata say ``motivlab: {for: ...}`` is run only on such surveys: ``programme``
        or ``gains`` where ``survey.yml`` declares them, ``sample`` where it declares no programme.
    say_progress : callable
        Gets a line per step.

    Returns
    -------
    Report
        In the folder: ``report.html`` with all figures inside, ``figures/`` (.svg, .png, .pdf), ``tables/`` (.xlsx)
        and ``manifest.json``: inputs and their SHA-256, versions, what was written. The same input gives the same
        bytes.

    Raises
    ------
    FileExistsError
        If ``out`` holds something that is no report.
    ValueError
        If the responses hold what identifies a person.
    ReportError
        If a notebook fails. Nothing is written then, and an earlier report stays as it was.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report = write_report("data/discrimination_survey", Path(folder) / "report", "lv")
    >>> report.page.name, "tables/grounds.xlsx" in report.files
    ('report.html', True)
    """
    out = Path(out)
    survey = open_survey(survey_folder, language)
    if not survey.analysed:
        raise SurveyError(f"{survey_folder}/survey.yml: `analysis` names no question. Add one, with its measure.")
    _refuse_foreign(out.resolve())
    folder = Path(notebooks) if notebooks else notebooks_folder()
    found = sorted(folder.glob("[0-9]*.ipynb"))
    books = [book for book in found if _suits(book, survey)]
    if not books:
        raise FileNotFoundError(f"{folder}: no notebooks named 01_...ipynb there that are for such a survey.")
    say_progress(f"survey: {survey!r}")
    checked = survey.check()
    _refuse_identified(survey, checked.findings)
    say_progress(f"check: {checked.headline}")
    with new_folder(out) as work:
        parameters = {
            "survey_folder": str(Path(survey_folder).resolve()),
            "language": language,
            "out": str(work.resolve()),
        }
        executed = _run_all(books, parameters, say_progress)
        sections = [_section(book, outputs, language, work) for book, outputs in zip(books, executed, strict=True)]
        (work / PAGE).write_text(_page(survey, sections), encoding="utf-8")
        written = sorted(file.relative_to(work).as_posix() for file in work.rglob("*") if file.is_file())
        manifest = _manifest(survey, books, written, work)
        (work / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return Report(out, out / PAGE, (*written, MANIFEST))


def _suits(book: Path, survey: Survey) -> bool:
    """Whether a notebook is for a survey of this kind."""
    about = survey.about
    kinds = {"sample": about.programme is None, "programme": about.programme is not None, "gains": bool(about.gains)}
    kind = json.loads(book.read_text(encoding="utf-8"))["metadata"].get("motivlab", {}).get("for")
    if kind is not None and kind not in kinds:
        raise ReportError(f"{book.name}: its metadata say it is for {kind!r}. Use one of {', '.join(kinds)}, or none.")
    return kind is None or kinds[kind]


def _refuse_identified(survey: Survey, findings: pd.DataFrame) -> None:
    """Refuse a survey whose responses hold what identifies a person."""
    named = findings.loc[findings["rule"] == "identifier", "variable"].value_counts(sort=False)
    if len(named):
        columns = ", ".join(f"{variable} ({n:,} respondent{'' if n == 1 else 's'})" for variable, n in named.items())
        raise SurveyError(
            f"{survey.responses_file}: {columns}: it holds what identifies a person, and may not be analysed here. "
            "Remove it, or put a pseudonym in its place; `motivlab check` names the rows. If it is something else, "
            "write `checks: {identifier: off}` in survey.yml."
        )


def _refuse_foreign(out: Path) -> None:
    """Refuse a folder that is anything but free, or a report with nothing added to it."""
    if not out.exists():
        return
    remedy = "Name another folder, or move what is there."
    if not out.is_dir() or out == Path.cwd():
        raise FileExistsError(f"{out}: a report is written into a folder of its own. {remedy}")
    present = {file.relative_to(out).as_posix() for file in out.rglob("*") if file.is_file()}
    try:
        manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8")) if MANIFEST in present else {}
        own = {*manifest["written"], MANIFEST} if "motivlab" in manifest["versions"] else set()
    except (ValueError, TypeError, KeyError):
        own = set()
    if foreign := sorted(present - own):
        raise FileExistsError(f"{out}: it holds something that is no report of motivlab, {foreign[0]!r}. {remedy}")


# ------------------------------------------------------------------------------------------------ the notebooks


def _run_all(
    books: Sequence[Path], parameters: dict[str, str], say_progress: Callable[[str], None]
) -> list[list[dict[str, Any]]]:
    """Execute notebooks side by side; the outputs of each one's report cells, in the order of the books."""

    async def all_of_them() -> list[list[dict[str, Any]] | BaseException]:
        free, done = asyncio.Semaphore(os.cpu_count() or 1), 0

        async def one(book: Path) -> list[dict[str, Any]]:
            nonlocal done
            async with free:
                outputs = await _run(book, parameters)
            done += 1
            say_progress(f"notebook: {book.name}, done ({done} of {len(books)})")
            return outputs

        # each runs to its end also where another fails: a kernel that is stopped while it starts is not cleaned up
        return await asyncio.gather(*map(one, books), return_exceptions=True)

    # a thread of its own: in JupyterLab this one has a running event loop already
    with ThreadPoolExecutor(max_workers=1) as pool:
        results = pool.submit(asyncio.run, all_of_them()).result()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]


async def _run(book: Path, parameters: dict[str, str]) -> list[dict[str, Any]]:
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook = nbformat.read(book, as_version=4)
    at = next((i for i, c in enumerate(notebook.cells) if "parameters" in c.metadata.get("tags", ())), None)
    if at is None:
        raise ReportError(f"{book.name}: no cell is tagged 'parameters'. Tag the cell with survey_folder and language.")
    given = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    notebook.cells.insert(at + 1, nbformat.v4.new_code_cell(given))
    resources = {"metadata": {"path": str(book.parent)}}
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources=resources,
        extra_arguments=["--IPKernelApp.log_level=40"],  # its warnings are no progress line
    )
    try:
        await client.async_execute(env=os.environ | {"MPLBACKEND": "agg", "PYTHONHASHSEED": "0"})
    except CellExecutionError as error:
        raise ReportError(f"{book.name}: a cell failed with {error.ename}: {error.evalue}") from error
    except (CellTimeoutError, DeadKernelError) as error:
        raise ReportError(f"{book.name}: the kernel stopped ({error}).") from error
    cells = [c for c in notebook.cells if c.cell_type == "code" and TAG in c.metadata.get("tags", ())]
    return [dict(o["data"]) for c in cells for o in c.outputs if o.output_type == "execute_result"]


@dataclass(frozen=True)
class _Section:
    """A notebook's part of the page."""

    title: str
    body: str


def _section(book: Path, outputs: Sequence[dict[str, Any]], language: str, work: Path) -> _Section:
    """A notebook's part of the page: its words and tables, and its figures as SVG, in the order of its cells."""
    key = f"notebook_{book.stem}"
    title = say(key, language) if known(key) else book.stem.partition("_")[2].replace("_", " ").capitalize()
    return _Section(title, "\n".join(_parts(book, outputs, work)))


def _parts(book: Path, outputs: Sequence[dict[str, Any]], work: Path) -> Iterator[str]:
    for data in outputs:
        if MIME in data:
            for part in data[MIME]:
                yield part["html"] if "html" in part else _exported(book, part, work)
        elif "text/html" in data:
            yield "".join(data["text/html"])
        elif "text/plain" in data:
            yield f"<pre>{escape(''.join(data['text/plain']))}</pre>"


def _exported(book: Path, exported: dict[str, Any], work: Path) -> str:
    """The drawing of an exported figure, and links to all files of an export."""
    links = []
    for name in exported["files"]:
        found = sorted(work.rglob(name))
        if len(found) != 1:
            raise ReportError(f"{book.name}: {name} is {len(found)} times in the report. Export it once, into `out`.")
        links.append((name, found[0]))
    files_ = " · ".join(
        f'<a href="{escape(path.relative_to(work).as_posix())}">{escape(path.suffix[1:].upper())}</a>'
        for _, path in links
    )
    svg = next((path for name, path in links if name.endswith(".svg")), None)
    if svg is None:
        return f'<p class="files">{escape(exported["title"])}: {files_}</p>'
    drawing = svg.read_text(encoding="utf-8")
    drawing = drawing[drawing.index("<svg") :].replace(
        "<svg", f'<svg role="img" aria-label="{escape(exported["title"])}"', 1
    )
    # ids are unique within a drawing only: the page holds several
    drawing = _own_ids(drawing, svg.stem)
    return f'<figure>{drawing}<figcaption class="files">{files_}</figcaption></figure>'


def _own_ids(drawing: str, prefix: str) -> str:
    for mark in (' id="', 'href="#', "url(#"):
        drawing = drawing.replace(mark, f"{mark}{prefix}-")
    return drawing


# ----------------------------------------------------------------------------------------------- page, manifest


def _page(survey: Survey, sections: Sequence[_Section]) -> str:
    from jinja2 import Environment, StrictUndefined

    template = files("motivlab").joinpath("report.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    language = survey.language
    return environment.from_string(template).render(
        language=language,
        title=say("report_title_programme" if survey.about.programme else "report_title", language),
        survey=describe(survey),
        sections=sections,
        synthetic=say("synthetic", language) if survey.about.synthetic else "",
        gate=say("note_gate_open", language)
        if survey.about.gate == "open"
        else say("report_gate", language, profile=survey.about.gate),
        files_note=say("report_files_note", language),
        version=metadata.version("motivlab"),
    ) + "\n"  # fmt: skip


def _manifest(survey: Survey, books: Sequence[Path], written: Sequence[str], work: Path) -> dict[str, Any]:
    root = survey.folder or Path()
    inputs = {os.path.relpath(file, root).replace(os.sep, "/"): sha256(file) for file in survey.files}
    published = root / survey.about.published
    if survey.about.published and published.exists():
        inputs[survey.about.published] = sha256(published)
    return {
        "title": survey.about.text("title", survey.language),
        "language": survey.language,
        "synthetic": survey.about.synthetic,
        "gate": survey.about.gate,
        "inputs": inputs,
        "notebooks": {book.name: sha256(book) for book in books},
        "versions": {"python": platform.python_version()} | {name: metadata.version(name) for name in VERSIONS},
        "written": {name: sha256(work / name) for name in written},
    }
