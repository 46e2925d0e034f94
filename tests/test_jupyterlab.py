"""Two notebooks run where they are meant to be read: in JupyterLab, by its menu, in a browser."""

from __future__ import annotations

import copy
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest

try:
    from playwright.sync_api import Page, Response, expect, sync_playwright
except ImportError:
    sync_playwright = None

PROJECT = Path(__file__).parents[1]
NOTEBOOK = "notebooks/02_discrimination_prevalence.ipynb"
NOTEBOOKS = (NOTEBOOK, "notebooks/05_participant_gains.ipynb")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Root in a container has no sandbox, and often no graphics card; the rest is about a browser's own use of the network.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
START, FINISH = 60, 180  # seconds
Cells = list[dict[str, Any]]


def code_cells(path: Path) -> Cells:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def text(cell: dict[str, Any]) -> str:
    """What a cell prints and its value. Not stderr: there matplotlib tells that it builds its font cache."""
    said = [o["data"].get("text/plain", "") for o in cell["outputs"] if o["output_type"] == "execute_result"]
    printed = [o["text"] for o in cell["outputs"] if o["output_type"] == "stream" and o["name"] == "stdout"]
    return "".join(printed) + "".join(said)  # a stream may come in any number of pieces, before or after a figure


def figures(cells: Cells) -> int:
    return sum(o["output_type"] == "display_data" and "image/png" in o["data"] for c in cells for o in c["outputs"])


def differences(committed: Cells, ran: Cells) -> list[str]:
    """Each cell that failed, was not run, or says another thing than it does in the committed notebook."""
    if [cell["source"] for cell in committed] != [cell["source"] for cell in ran]:
        return ["not the same cells"]
    found = []
    for number, (was, now) in enumerate(zip(committed, ran, strict=True), start=1):
        failed = [f"{o['ename']}: {o['evalue']}" for o in now["outputs"] if o["output_type"] == "error"]
        found += [f"code cell {number} failed: {error}" for error in failed]
        if now["execution_count"] is None:
            found.append(f"code cell {number} was not run")
        elif not failed and text(now) != text(was):
            found.append(f"code cell {number} differs:\n{text(now)}\ncommitted:\n{text(was)}")
    return found


@contextmanager
def jupyterlab(root: Path, home: Path) -> Iterator[str]:
    """Serve ``root``; nothing of the user's own Jupyter is read or written, the kernel is that of this environment."""
    news = home / "config/lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    news.parent.mkdir(parents=True)  # or a question whether to fetch news covers the page
    news.write_text('{"fetchNews": "false", "checkForUpdates": false}', encoding="utf-8")
    # With MPLBACKEND figures may not be drawn inline; what JUPYTER… names is the user's.
    env = {k: v for k, v in os.environ.items() if k != "MPLBACKEND" and not k.startswith("JUPYTER")}
    env |= {f"JUPYTER_{kind.upper()}_DIR": str(home / kind) for kind in ("config", "data", "runtime")}
    env["IPYTHONDIR"] = str(home / "ipython")
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", "--ServerApp.port=0", "--IdentityProvider.token="]
    command = [sys.executable, "-m", "jupyterlab", *options, f"--ServerApp.root_dir={root}"]
    log = home / "server.log"
    with log.open("w", encoding="utf-8") as out:
        server = subprocess.Popen(command, cwd=root, env=env, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        try:
            end = time.monotonic() + START
            while not (url := re.search(r"http://127\.0\.0\.1:\d+/lab", said := log.read_text(encoding="utf-8"))):
                assert server.poll() is None and time.monotonic() < end, said  # noqa: PT018
                time.sleep(0.2)
            yield url[0]
        finally:
            server.terminate()  # it ends its kernels first
            try:
                server.wait(timeout=30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def answer(method: str) -> Callable[[Response], bool]:
    return lambda response: response.request.method == method and "/api/contents/" in response.url


def run_all(page: Page, url: str, root: Path, name: str) -> Cells:
    """Open the notebook, run all cells from the menu, and read what was saved: cells out of view may not be drawn."""
    status = page.locator("#jp-main-statusbar")
    page.goto(f"{url}/tree/{name}")
    expect(status).to_contain_text("| Idle", timeout=START * 1000)  # before that, nothing is run
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    end, done = time.monotonic() + FINISH, False
    while not done and time.monotonic() < end:
        page.wait_for_timeout(1000)
        idle = "| Idle" in status.inner_text()
        # Until PUT is answered the file may be half written, and until POST is (a checkpoint) a next save is dropped.
        with page.expect_response(answer("POST")), page.expect_response(answer("PUT")):
            page.keyboard.press("Control+s")
        cells = code_cells(root / name)
        # A cell gets its count when all its outputs are there. An error ends the run, and no later cell gets one.
        failed = any(o["output_type"] == "error" for cell in cells for o in cell["outputs"])
        done = idle and (failed or all(cell["execution_count"] for cell in cells))
    return cells


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_all_cells_run_in_jupyterlab_and_say_what_is_committed(tmp_path: Path, name: str) -> None:
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not (chromium and sync_playwright):
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip  # CI has a browser
        give_up(f"JupyterLab is not tested: that takes playwright and one of {', '.join(BROWSERS)}")
    root, home = tmp_path / "project", tmp_path / "jupyter"
    shutil.copytree(PROJECT / "data", root / "data")
    notebook = root / name
    notebook.parent.mkdir()
    committed = code_cells(PROJECT / name)
    content = nbformat.read(PROJECT / name, as_version=4)
    for cell in content.cells:  # opened without outputs: those that are saved can only come from this run
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(content, notebook)

    with jupyterlab(root, home) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        try:
            ran = run_all(page, url, root, name)
            assert differences(committed, ran) == []
            assert figures(ran) == len(list(root.glob("reports/notebooks/figures/*.png"))) > 0  # all that are exported
        except Exception:
            page.screenshot(path=tmp_path / "failure.png", full_page=True)
            raise
        finally:
            browser.close()


def test_a_difference_is_found() -> None:
    committed = code_cells(PROJECT / NOTEBOOK)
    kinds = [[o["output_type"] for o in cell["outputs"]] for cell in committed]
    value, printed = kinds.index(["execute_result"]), kinds.index(["stream"])
    ran = copy.deepcopy(committed)
    ran[value]["outputs"].append({"output_type": "display_data", "data": {"image/png": "", "text/plain": "<Figure>"}})
    assert differences(committed, ran) == []
    assert figures(ran) == figures(committed) + 1

    ran[value]["outputs"][0]["data"]["text/plain"] += "!"
    ran[printed]["outputs"][0]["text"] += "!"
    ran[-2]["outputs"] = [{"output_type": "error", "ename": "KeyError", "evalue": "'age'", "traceback": []}]
    ran[-1]["execution_count"] = None
    assert [difference.split("\n")[0] for difference in differences(committed, ran)] == [
        f"code cell {value + 1} differs:",
        f"code cell {printed + 1} differs:",
        f"code cell {len(ran) - 1} failed: KeyError: 'age'",
        f"code cell {len(ran)} was not run",
    ]
    assert differences(committed, ran[1:]) == ["not the same cells"]
