"""The report: its files, its bytes, and failures that leave nothing behind."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from surveys import ROOT, SHIPPED, YML

import motivlab as ml
from motivlab.about import SurveyError
from motivlab.files import sha256
from motivlab.language import percent, say
from motivlab.report import ReportError, _suits

Small = Callable[..., Path]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The report of the shipped survey in Latvian, and the lines of its progress."""
    out = tmp_path_factory.mktemp("report") / "lv"
    lines: list[str] = []
    ml.write_report(SHIPPED, out, "lv", say_progress=lines.append)
    return out, lines


def test_a_page_figures_tables_and_a_manifest(made: tuple[Path, list[str]]) -> None:
    out, lines = made
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["written"]) == names - {"manifest.json"}
    assert all(sha256(out / name) == digest for name, digest in manifest["written"].items())
    assert manifest["inputs"]["responses.csv"] == sha256(SHIPPED / "responses.csv")
    assert set(manifest["inputs"]) == {
        "survey.yml", "responses.csv", "questionnaire/survey.csv", "questionnaire/choices.csv",
        "questionnaire/settings.csv", "../published/discrimination_prevalence.csv",
    }  # fmt: skip
    assert manifest["synthetic"] is True
    assert manifest["versions"]["motivlab"] == ml.__version__
    for ending in ("svg", "png", "pdf"):
        assert f"figures/grounds.{ending}" in names
        assert f"figures/grounds_by_gender.{ending}" in names
    assert "tables/grounds.xlsx" in names
    assert lines[1] == f"check: {ml.open_survey(SHIPPED, 'lv').check().headline}"
    progress = [line for line in lines if line.startswith("notebook: ")]
    assert {line.split()[1].rstrip(",") for line in progress} == set(manifest["notebooks"])
    # of a survey that declares no programme, those that are for every survey, or for samples
    assert sorted(name[:2] for name in manifest["notebooks"]) == ["01", "02", "03"]
    books = len(manifest["notebooks"])
    assert [line[-8:] for line in progress] == [f"({i} of {books})" for i in range(1, books + 1)]


def test_a_notebook_is_run_on_the_surveys_that_it_is_for(tmp_path: Path) -> None:
    people = ml.open_survey(ROOT / "data" / "programme_participants")
    names = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
    assert [path.name[:2] for path in names if _suits(path, people)] == ["01", "04", "05", "06"]
    book = nbformat.v4.new_notebook(metadata={"motivlab": {"for": "programe"}})
    nbformat.write(book, tmp_path / "01_other.ipynb")
    with pytest.raises(ReportError, match="its metadata say it is for 'programe'"):
        ml.write_report(SHIPPED, tmp_path / "out", notebooks=tmp_path)
    assert not (tmp_path / "out").exists()


def test_the_page_stands_alone_and_is_in_its_language(made: tuple[Path, list[str]]) -> None:
    out, _ = made
    page = (out / "report.html").read_text(encoding="utf-8")
    assert '<html lang="lv">' in page
    assert say("synthetic", "lv") in page
    linked = re.findall(r'(?:src|href)="([^"#][^"]*)"', page)
    assert linked
    assert all((out / name).is_file() for name in linked)
    assert not re.findall(r"url\(http|@import|<(?:script|link|img|iframe)", page)
    assert page.count("<svg") == len(list((out / "figures").glob("*.svg")))
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    used = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page))
    assert {a or b for a, b in used} <= set(ids)
    share = ml.prevalence(ml.open_survey(SHIPPED), "grounds").frame.set_index("item").loc["age", "estimate"]
    assert percent(float(share), "lv") in page  # type: ignore[arg-type]
    assert "Vecums" in page
    assert "<Figure" not in page
    assert "&lt;Figure" not in page


def test_no_respondent_is_in_the_report(made: tuple[Path, list[str]]) -> None:
    out, _ = made
    ids = ml.open_survey(SHIPPED).responses["respondent"]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert not any(identity in page for identity in ids)


def test_twice_is_the_same_bytes(made: tuple[Path, list[str]], tmp_path: Path) -> None:
    out, _ = made
    again = tmp_path / "elsewhere" / "again"
    ml.write_report(SHIPPED, again, "lv")
    first, second = ({p.relative_to(o): p.read_bytes() for p in o.rglob("*") if p.is_file()} for o in (out, again))
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def book(folder: Path, *cells: str, parameters: bool = True) -> Path:
    """A folder with one small notebook."""
    folder.mkdir()
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.cells = [nbformat.v4.new_code_cell("survey_folder = language = out = ''")]
    notebook.cells[0].metadata["tags"] = ["parameters"] if parameters else []
    for cell in cells:
        notebook.cells.append(nbformat.v4.new_code_cell(cell))
        notebook.cells[-1].metadata["tags"] = ["report"]
    nbformat.write(notebook, folder / "01_own.ipynb")
    return folder


OUTSIDE = """\
import motivlab as ml
from pathlib import Path
survey = ml.open_survey(survey_folder)
ml.export(ml.prevalence(survey, 'sex'), Path(out).parent / 'outside.xlsx')"""


@pytest.mark.parametrize(
    ("cells", "parameters", "said"),
    [
        (("raise ValueError('nothing to see')",), True, "01_own.ipynb: a cell failed with ValueError: nothing to see"),
        (("import motivlab as ml\nml.open_survey('nowhere')",), True, "FileNotFoundError: nowhere"),
        (("1",), False, "no cell is tagged 'parameters'"),
        (
            (OUTSIDE,),
            True,
            "outside.xlsx is 0 times in the report",
        ),
    ],
)
def test_a_failure_leaves_the_earlier_report(
    small: Small, tmp_path: Path, cells: tuple[str, ...], parameters: bool, said: str
) -> None:
    survey = small()
    out = tmp_path / "out"
    ml.write_report(survey, out, notebooks=book(tmp_path / "good", "survey_folder.rpartition('/')[2]"))
    assert "small" in (out / "report.html").read_text(encoding="utf-8")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(ReportError) as caught:
        ml.write_report(survey, out, notebooks=book(tmp_path / "bad", *cells, parameters=parameters))
    assert said in str(caught.value)
    assert before == {path.name: path.read_bytes() for path in out.iterdir()}
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".out")]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"thesis.txt": "ten years of work"}, "'thesis.txt'"),
        ({"manifest.json": '{"name": "web"}', "index.html": "x"}, "'index.html'"),
        ({"manifest.json": "no json"}, "'manifest.json'"),
    ],
)
def test_a_folder_that_is_no_report_is_not_replaced(
    small: Small, tmp_path: Path, files: dict[str, str], said: str
) -> None:
    (tmp_path / "mine").mkdir()
    for name, text in files.items():
        (tmp_path / "mine" / name).write_text(text, encoding="utf-8")
    with pytest.raises(FileExistsError, match="it holds something that is no report of motivlab") as caught:
        ml.write_report(small(), tmp_path / "mine")
    assert said in str(caught.value)
    assert {p.name: p.read_text(encoding="utf-8") for p in (tmp_path / "mine").iterdir()} == files


def test_a_report_with_something_added_is_not_replaced(small: Small, tmp_path: Path) -> None:
    books = book(tmp_path / "books", "1")
    ml.write_report(small(), tmp_path / "out", notebooks=books)
    ml.write_report(small(), tmp_path / "out", notebooks=books)
    (tmp_path / "out" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError, match=r"notes\.txt"):
        ml.write_report(small(), tmp_path / "out", notebooks=books)


def test_a_survey_that_names_nothing_to_analyse(small: Small, tmp_path: Path) -> None:
    folder = small(yml=YML.partition("analysis:")[0])
    with pytest.raises(SurveyError, match="`analysis` names no question"):
        ml.write_report(folder, tmp_path / "out")


def test_a_small_survey_without_published_figures_gets_a_report(small: Small, tmp_path: Path) -> None:
    report = ml.write_report(small(), tmp_path / "out", "ru")
    page = report.page.read_text(encoding="utf-8")
    assert say("takeaway_none", "ru") in page  # seven respondents: nothing may be shown
    assert say("synthetic", "ru") not in page


def test_the_notebooks_of_an_installed_package_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from motivlab import report

    shutil.copytree(ROOT / "notebooks", tmp_path / "motivlab" / "notebooks")
    monkeypatch.setattr(report, "files", lambda _: tmp_path / "motivlab")
    assert report.notebooks_folder() == tmp_path / "motivlab" / "notebooks"
    shutil.rmtree(tmp_path / "motivlab" / "notebooks")
    with pytest.raises(FileNotFoundError, match="--notebooks"):
        report.notebooks_folder()
