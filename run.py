#!/usr/bin/env python3
"""The project's commands, on a machine with nothing but Python >= 3.11: ``python run.py report | test | lab | ...``.

uv is taken from the PATH or from ``.tools/``; where it is missing it is installed into ``.tools/`` first. Everything
then runs in the environment of the lock file, which uv makes in ``.venv/``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent
TOOLS = ROOT / ".tools"
UV = "uv>=0.8,<1"
SURVEYS = ("discrimination_survey", "programme_participants")

USAGE = """usage: python run.py COMMAND

  report     check the shipped surveys, run the notebooks, write reports/<survey>/report.html
  test       everything CI runs: format, lint, types, tests, doctests, the notebooks
  lab        JupyterLab on notebooks/
  notebooks  run the notebooks again and keep their text outputs, after a change
  motivlab   the command line, for instance: python run.py motivlab check data/my_survey
"""


def main(arguments: list[str]) -> int:
    """Run one command; the exit status is its own."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this is the one place that an older Python reaches
        print(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}.", file=sys.stderr)
        return 2
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    runners = {"report": report, "test": test, "lab": lab, "notebooks": notebooks, "motivlab": motivlab}
    if command not in runners:
        print(USAGE, end="", file=sys.stderr)
        return 0 if command in ("-h", "--help") else 2
    os.chdir(ROOT)
    return runners[command](rest)


def report(rest: list[str]) -> int:
    """The main job."""
    done = [motivlab(["report", "--survey", f"data/{name}", "--out", f"reports/{name}", *rest]) for name in SURVEYS]
    return max(done)


def motivlab(rest: list[str]) -> int:
    """The command line."""
    return run("motivlab", *rest)


def lab(rest: list[str]) -> int:
    """JupyterLab."""
    return run("jupyter", "lab", "--notebook-dir=.", "--LabApp.default_url=/lab/tree/notebooks", *rest)


def test(rest: list[str]) -> int:
    """What CI runs; words after the command go to pytest in place of the rest."""
    if rest:
        return run("pytest", *rest)
    steps = (
        ("ruff", "format", "--check", "."),
        ("ruff", "check", "."),
        ("mypy",),
        ("pytest", "-n", "auto", "--dist", "loadscope"),
        NBVAL,
    )
    failed = [" ".join(step[:2]) for step in steps if run(*step) != 0]
    print("failed: " + ", ".join(failed) if failed else "all passed")
    return 1 if failed else 0


NBVAL = (
    *("pytest", "notebooks", "--nbval", "--nbval-current-env", "--nbval-cell-timeout", "120"),
    *("--nbval-sanitize-with", "notebooks/sanitize.cfg", "-n", "auto", "--dist", "loadscope"),
)
STRIP = (
    *("nbstripout", "--keep-output", "--keep-count", "--drop-output-type"),
    *("display_data", "error", "stream:stderr", "--"),
)


def notebooks(rest: list[str]) -> int:
    """Execute in place, and keep only what the tests compare."""
    names = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    return run("jupyter", "execute", "--inplace", *names) or run(*STRIP, *names)


def run(*words: str) -> int:
    """Run in the locked environment; a line says what."""
    print("$ " + " ".join(words), flush=True)
    return subprocess.run([find_uv(), "run", "--frozen", *words], check=False).returncode


def find_uv() -> str:
    """The path of uv, which is installed into ``.tools/`` if it is nowhere."""
    bin_folder = "Scripts" if os.name == "nt" else "bin"
    places = [str(TOOLS / "bin"), str(TOOLS / "venv" / bin_folder)]
    found = shutil.which("uv") or shutil.which("uv", path=os.pathsep.join(places))
    if found:
        return found
    print("uv is not here yet: installing it into .tools/", flush=True)
    # --target is allowed also where the system's Python refuses `pip install`; a Python without pip may have venv
    attempts = [[[sys.executable, "-m", "pip", "install", "--quiet", "--target", str(TOOLS), UV]]]
    own_python = TOOLS / "venv" / bin_folder / ("python.exe" if os.name == "nt" else "python")
    attempts.append(
        [
            [sys.executable, "-m", "venv", str(TOOLS / "venv")],
            [str(own_python), "-m", "pip", "install", "--quiet", UV],
        ]
    )
    for attempt in attempts:
        if all(subprocess.run(step, check=False).returncode == 0 for step in attempt):
            found = shutil.which("uv", path=os.pathsep.join(places))
            if found:
                return found
    hint = sysconfig.get_platform()
    raise SystemExit(
        f"uv could not be installed into {TOOLS} ({hint}): neither `python -m pip` nor `python -m venv` worked. "
        "Install pip (Debian: apt install python3-pip) or uv itself, and run this again."
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
