"""The rules for notebooks, and that a notebook which breaks one is found."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from surveys import ROOT, SHIPPED

import motivlab as ml

BOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST_LINES = 12


def faults(notebook: dict[str, Any], respondents: set[str]) -> Iterator[str]:
    """What breaks the rules: a line per fault."""
    tags = [tag for cell in notebook["cells"] for tag in cell["metadata"].get("tags", ())]
    if tags.count("parameters") != 1:
        yield "exactly one cell is tagged 'parameters'"
    counts = []
    for number, cell in enumerate(notebook["cells"]):
        source = "".join(cell["source"])
        if cell["cell_type"] != "code":
            continue
        counts.append(cell["execution_count"])
        if re.search(r"^\s*(def|class|async def)\s|\blambda\b", source, re.MULTILINE):
            yield f"cell {number}: a definition"
        if re.search(r"\.(head|tail|sample)\(", source):
            yield f"cell {number}: shows rows"
        if len(source.splitlines()) > MOST_LINES:
            yield f"cell {number}: more than {MOST_LINES} lines"
        for output in cell["outputs"]:
            if output["output_type"] in ("error", "display_data"):
                yield f"cell {number}: a stored {output['output_type']}"
            if output.get("name") == "stderr":
                yield f"cell {number}: a stored message of stderr"
            data = output.get("data", {})
            if any(kind.startswith("image/") for kind in data) or "<img" in "".join(data.get("text/html", "")):
                yield f"cell {number}: a stored image"
            shown = json.dumps([data, output.get("text", "")], ensure_ascii=False)
            if named := respondents & set(re.findall(r"\w+", shown)):
                yield f"cell {number}: names respondent {min(named)}"
    if counts != list(range(1, len(counts) + 1)):
        yield "the cells were not run once each, from top to bottom"


@pytest.fixture(scope="module")
def respondents() -> set[str]:
    surveys = map(ml.open_survey, (SHIPPED, ROOT / "data" / "programme_participants"))
    return {name for survey in surveys for name in survey.responses[survey.about.respondent_id]}


@pytest.fixture
def notebook() -> dict[str, Any]:
    return copy.deepcopy(json.loads(BOOKS[1].read_text(encoding="utf-8")))


def code(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code" and cell["outputs"]]


@pytest.mark.parametrize("book", BOOKS, ids=lambda path: path.stem)
def test_every_notebook_keeps_the_rules(book: Path, respondents: set[str]) -> None:
    assert list(faults(json.loads(book.read_text(encoding="utf-8")), respondents)) == []


BREAKS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "an image": (
        lambda n: code(n)[0]["outputs"].append({"output_type": "execute_result", "data": {"image/png": "iVBOR"}}),
        "a stored image",
    ),
    "a figure": (
        lambda n: code(n)[0]["outputs"].append({"output_type": "display_data", "data": {"text/plain": "<Figure>"}}),
        "a stored display_data",
    ),
    "a respondent's row": (
        lambda n: code(n)[0]["outputs"].append(
            {"output_type": "execute_result", "data": {"text/plain": ["0  R0001  woman  44\n", "1  R0002  man  30"]}}
        ),
        "names respondent R0001",
    ),
    "rows shown": (lambda n: code(n)[0].update(source="survey.responses.head()"), "shows rows"),
    "a definition": (lambda n: code(n)[0].update(source="def f():\n    return 1"), "a definition"),
    "an error": (
        lambda n: code(n)[0]["outputs"].append({"output_type": "error", "ename": "E", "evalue": "", "traceback": []}),
        "a stored error",
    ),
    "no count": (lambda n: code(n)[0].update(execution_count=None), "not run once each"),
    "no parameters": (lambda n: [c["metadata"].pop("tags", None) for c in n["cells"]], "tagged 'parameters'"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_notebook_that_breaks_a_rule_is_found(name: str, notebook: dict[str, Any], respondents: set[str]) -> None:
    spoil, said = BREAKS[name]
    spoil(notebook)
    assert any(said in fault for fault in faults(notebook, respondents))


def test_a_changed_number_fails_under_nbval(notebook: dict[str, Any], tmp_path: Path) -> None:
    """Notebook 01 as committed passes; with one digit of one output changed it fails, in that cell."""
    for folder in ("notebooks", "data"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    changed = json.loads(BOOKS[0].read_text(encoding="utf-8"))
    cell = next(c for c in code(changed) if "1,004 respondents" in json.dumps(c["outputs"]))
    cell["outputs"] = json.loads(json.dumps(cell["outputs"]).replace("1,004 respondents", "1,005 respondents"))
    (tmp_path / "notebooks" / BOOKS[0].name).write_text(json.dumps(changed), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env",
         "--nbval-sanitize-with", "notebooks/sanitize.cfg", f"notebooks/{BOOKS[0].name}"],
        cwd=tmp_path, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    assert "1 failed" in done.stdout
    assert "1,005 respondents" in done.stdout
