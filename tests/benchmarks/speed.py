"""Speed and memory of ``motivlab.prevalence`` beside ``svy`` and R's ``survey``: ``python tests/benchmarks/speed.py``.

It writes speed.csv and speed.md beside itself, in about half an hour. ``--sizes 1000 30000`` measures these sizes only
and prints the page without writing anything; ``--page`` makes the page again from speed.csv. R is left out where there
is no ``Rscript`` with the package ``survey``.

Each cell, that is one form of call at one size, runs in a process of its own, one after the other. What it computes is
compared with motivlab's numbers, and nothing is written if they differ.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
R_SCRIPT = HERE / "speed.R"
SEED = 20_240_301
SIZES = (1_000, 30_000, 300_000, 3_000_000)

ITEMS = {f"{j + 1:02d}": (5 + 2 * j) / 100 for j in range(20)}  # item: share, 5 % to 43 %
LEVELS = (2, 4, 5, 6, 8)  # of the breakdowns
BREAKDOWNS = tuple(f"g{levels}" for levels in LEVELS)
STRATA, CLUSTERS = 20, 200
SPREAD = 0.5  # of the logarithm of the weights

TOLERANCE = 1e-8  # relative, of estimates and standard errors
MOST_CALLS, BUDGET = 100, 10.0  # a call is repeated so often, or until so many seconds are spent ...
LEAST_CALLS, PATIENCE = 3, 30.0  # ... but so often at least, unless that takes longer than this
LIMIT = 600.0  # seconds that a cell may take, with making its survey
MEMORY_SHARE = 0.7  # of the machine's memory that a cell may take
IMPORTS = 10  # fresh interpreters

NUMBERS = ["item", "by", "level", "estimate", "se", "low", "high"]
COLUMNS = ["n", "tool", "form", "outcome", "calls", "best", "median", "first", "input_mb", "extra_mb", "versions",
           "machine"]  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- data


def answers(n: int) -> dict[str, np.ndarray]:
    """The columns of a survey of n respondents; the same numbers on every machine."""
    rng = np.random.default_rng([SEED, n])
    cluster = np.arange(n) % CLUSTERS
    columns = {f"q_{item}": (rng.random(n) < share).astype(np.int8) for item, share in ITEMS.items()}
    columns |= {f"g{levels}": rng.integers(0, levels, n).astype(np.int8) for levels in LEVELS}
    columns["stratum"] = (cluster // (CLUSTERS // STRATA)).astype(np.int16)
    columns["cluster"] = cluster.astype(np.int16)
    columns["weight"] = np.exp(SPREAD * rng.standard_normal(n))
    return columns


def write_answers(columns: dict[str, np.ndarray], folder: Path) -> None:
    """Each column as a file of bare numbers, which Python and R read alike: q_01.int8."""
    for name, values in columns.items():
        values.tofile(folder / f"{name}.{values.dtype}")


def read_answers(folder: Path) -> dict[str, np.ndarray]:
    """What :func:`write_answers` wrote."""
    return {file.stem: np.fromfile(file, dtype=file.suffix[1:])
            for file in sorted(folder.iterdir()) if file.suffix in (".int8", ".int16", ".float64")}  # fmt: skip


# --------------------------------------------------------------------------------------------------------- forms


@dataclass(frozen=True)
class Ready:
    """A survey in the shape a tool wants it, and the call to be timed.

    Attributes
    ----------
    call : callable
        What is timed.
    numbers : callable
        What a call gave, as a table with the columns ``NUMBERS``.
    size : int
        Bytes of the responses as the tool holds them.
    """

    call: Callable[[], Any]
    numbers: Callable[[Any], pd.DataFrame]
    size: int


def motivlab_ready(columns: dict[str, np.ndarray], form: str) -> Ready:
    """The survey and ``ml.prevalence``."""
    import motivlab as ml

    frame = pd.DataFrame({name.replace("q_", "q/"): values for name, values in columns.items()})
    survey = ml.Survey.from_frame(frame, weight="weight", strata="stratum", cluster="cluster")

    def numbers(found: Any) -> pd.DataFrame:
        rows = found.frame[~found.frame["net"]]
        return rows[["item", "by", "level", "estimate", "se", "ci_low", "ci_high"]].set_axis(NUMBERS, axis=1)

    size = int(survey.responses.memory_usage(deep=True).sum())
    return Ready(lambda: ml.prevalence(survey, "q", by=list(BREAKDOWNS)), numbers, size)


def svy_ready(columns: dict[str, np.ndarray], form: str) -> Ready:
    """The ``svy.Sample`` and one of its forms."""
    import polars as pl
    import svy

    sample = svy.Sample(pl.DataFrame(columns), svy.Design(wgt="weight", stratum="stratum", psu="cluster"))
    items = [f"q_{item}" for item in ITEMS]

    def by_level() -> list[tuple[str, Any, Any]]:
        ask = sample.estimation
        found = [("", "", ask.mean(items))]
        return found + [(f"g{levels}", level, ask.mean(items, where={f"g{levels}": level}))
                        for levels in LEVELS for level in range(levels)]  # fmt: skip

    def by_breakdown() -> list[tuple[str, Any, Any]]:
        method: Any = getattr(sample.estimation, form.partition("(")[0])
        return [("", "", method(items)), *((by, None, method(items, by=by)) for by in BREAKDOWNS)]

    def numbers(found: list[tuple[str, Any, Any]]) -> pd.DataFrame:
        rows = []
        for by, level, results in found:
            for of in (of for result in results for of in result.estimates if of.y_level in (None, 1)):
                of_level = str(of.by_level[0] if level is None else level)
                rows.append((of.y.removeprefix("q_"), by, of_level, of.est, of.se, of.lci, of.uci))
        return pd.DataFrame(rows, columns=NUMBERS)

    return Ready(by_level if "where" in form else by_breakdown, numbers, int(sample.data.estimated_size()))


READY: dict[str, Callable[[dict[str, np.ndarray], str], Ready]] = {"motivlab": motivlab_ready, "svy": svy_ready}
FORMS = {
    "motivlab": ("prevalence(survey, question, by=[...])",),
    "svy": ("mean(items, by=g)", "prop(items, by=g)", "mean(items, where={g: level})"),
    "survey": ("svyby(formula, ~g)", "svyby(matrix, ~g)", "svymean(matrix) of subsets"),
}
NAMES = {"motivlab": "motivlab", "svy": "svy", "survey": "R's survey"}


# ---------------------------------------------------------------------------------------------- one cell, measured


def status(key: str, process: str = "self") -> float:
    """A line of /proc/PID/status in bytes; NaN where there is none."""
    file = Path("/proc") / process / "status"
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return float("nan")
    return next((1024.0 * int(line.split()[1]) for line in lines if line.startswith(f"{key}:")), float("nan"))


def forget_peak() -> float:
    """Give back what was freed, let the peak of memory begin anew, and say how much is in use."""
    gc.collect()
    try:
        # freed memory that the process keeps would be used again by the call without being seen
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return float("nan")
    return status("VmRSS")


def measure(tool: str, form: str, folder: Path, most: int) -> None:
    """Time one form of call and write its numbers to the folder; what is printed, :func:`run_cell` reads."""
    small = READY[tool](answers(1_000), form)
    small.numbers(small.call())  # everything is imported now
    del small
    ready = READY[tool](read_answers(folder), form)
    print("input", ready.size, flush=True)
    before = forget_peak()
    spent, calls = 0.0, 0
    while calls < most and spent < (BUDGET if calls >= LEAST_CALLS else PATIENCE):
        start = time.perf_counter()
        found = ready.call()
        seconds = time.perf_counter() - start
        if not calls:
            print("extra", status("VmHWM") - before, flush=True)
            ready.numbers(found).to_csv(folder / "numbers.csv", index=False)
        print("call", seconds, flush=True)
        spent, calls = spent + seconds, calls + 1


@dataclass(frozen=True)
class Cell:
    """What was measured of one form of call at one size; seconds and bytes."""

    tool: str
    form: str
    n: int
    outcome: str
    calls: tuple[float, ...]
    input: float
    extra: float
    numbers: pd.DataFrame | None

    def row(self) -> dict[str, Any]:
        """A row of speed.csv."""
        known = len(self.calls) > 0
        return {
            "n": self.n, "tool": self.tool, "form": self.form, "outcome": self.outcome, "calls": len(self.calls),
            "best": min(self.calls) if known else np.nan, "median": np.median(self.calls) if known else np.nan,
            "first": self.calls[0] if known else np.nan, "input_mb": self.input / 1e6, "extra_mb": self.extra / 1e6,
        }  # fmt: skip


def run_cell(tool: str, form: str, n: int, folder: Path, limit: float, most_calls: int) -> Cell:
    """Measure one form of call in a process of its own, and end it when it takes too long or too much memory."""
    (folder / "numbers.csv").unlink(missing_ok=True)
    if tool == "survey":
        command = ["Rscript", "--vanilla", str(R_SCRIPT), str(FORMS[tool].index(form)), str(folder),
                   *map(str, (most_calls, BUDGET, LEAST_CALLS, PATIENCE))]  # fmt: skip
    else:
        command = [sys.executable, str(Path(__file__).resolve()), "--cell", tool, form, str(folder), str(most_calls)]
    most = MEMORY_SHARE * memory()
    outcome = "finished"
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as errors:
        start = time.monotonic()
        process = subprocess.Popen(command, stdout=said, stderr=errors, text=True)
        while process.poll() is None:
            if time.monotonic() - start > limit:
                outcome = f"not finished in {limit:.0f} s"
            elif status("VmRSS", str(process.pid)) > most:
                outcome = f"out of memory at {most / 1e9:.0f} GB"
            if outcome != "finished":
                process.kill()
                process.wait()
                break
            time.sleep(0.2)
        said.seek(0)
        errors.seek(0)
        lines, complaint = said.read().split("\n"), errors.read()
    if outcome == "finished" and process.returncode:
        # R says so itself when it gets no memory; the system kills without a word
        if "cannot allocate" not in complaint and process.returncode > 0:
            raise ValueError(f"{NAMES[tool]}, {form}, n = {n}: it ended with an error.\n{complaint}")
        outcome = "out of memory"
    # the last line may have been cut off by the kill
    values = [line.split() for line in lines[:-1]]
    got = {key: [float(value) for name, value in values if name == key] for key in ("input", "extra", "call")}
    numbers = folder / "numbers.csv"
    return Cell(
        tool, form, n, outcome, tuple(got["call"]), *((got[key] or [np.nan])[0] for key in ("input", "extra")),
        pd.read_csv(numbers, dtype={"item": str, "level": str, "by": str}, keep_default_na=False)
        if got["call"] and numbers.exists() else None,
    )  # fmt: skip


def compare(ours: pd.DataFrame, theirs: pd.DataFrame, whose: str) -> None:
    """Compare estimates and standard errors of every item, in total and at every level.

    Raises
    ------
    ValueError
        If one is missing or differs by more than ``TOLERANCE``, relatively, or an interval is none.
    """
    key = ["by", "level", "item"]
    left, right = (numbers.astype(dict.fromkeys(key, str)).set_index(key).sort_index() for numbers in (ours, theirs))
    wanted = len(ITEMS) * (1 + sum(LEVELS))
    if len(left) != wanted or not left.index.equals(right.index):
        raise ValueError(f"{whose} gives {len(right)} estimates, motivlab {len(left)}; {wanted} are to be compared.")
    for column in ("estimate", "se"):
        off = (right[column] / left[column] - 1).abs()
        if not (off <= TOLERANCE).all():
            worst = off.fillna(np.inf).idxmax()
            raise ValueError(
                f"{whose}: the {column} of {worst} (by, level, item) is {right.at[worst, column]!r}, "
                f"motivlab's {left.at[worst, column]!r}. They may differ by {TOLERANCE:g}, relatively."
            )
    inside = (right["low"] <= right["estimate"]) & (right["estimate"] <= right["high"])
    if not inside.all():
        raise ValueError(f"{whose}: an interval does not hold its estimate, {right[~inside].iloc[0].to_dict()}.")


# ------------------------------------------------------------------------------------------------- the whole run


def has_r() -> bool:
    """Whether there is an Rscript, and it has the package ``survey``."""
    if shutil.which("Rscript") is None:
        return False
    asked = subprocess.run(["Rscript", "--vanilla", "-e", "library(survey)"], capture_output=True, check=False)
    return asked.returncode == 0


def versions() -> dict[str, str]:
    """What each tool is and runs on."""
    of = {name: importlib.metadata.version(name) for name in ("motivlab", "numpy", "pandas", "scipy", "svy", "polars")}
    python = f"Python {platform.python_version()}"
    said = {
        "motivlab": f"{python} motivlab {of['motivlab']} numpy {of['numpy']} pandas {of['pandas']} scipy {of['scipy']}",
        "svy": f"{python} svy {of['svy']} polars {of['polars']}",
    }
    if has_r():
        ask = 'cat("R", format(getRversion()), "survey", format(packageVersion("survey")))'
        asked = subprocess.run(["Rscript", "--vanilla", "-e", ask], capture_output=True, text=True, check=True)
        said["survey"] = asked.stdout.strip()
    return said


def memory() -> float:
    """Bytes of memory that the machine has."""
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def machine() -> str:
    """What it was measured on, without its name."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {memory() / 1e9:.0f} GB of memory"


def import_seconds() -> dict[str, tuple[float, float]]:
    """Best and median time of a fresh interpreter that imports motivlab, less that of one that does nothing."""
    codes = {
        "": "",
        "import motivlab": "import motivlab",
        "import motivlab; motivlab.prevalence": "import motivlab; motivlab.prevalence",
    }
    seconds: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(IMPORTS):
        for name, code in codes.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            seconds[name].append(time.perf_counter() - start)
    bare = seconds.pop("")
    return {name: (min(of) - min(bare), float(np.median(of) - np.median(bare))) for name, of in seconds.items()}


def measure_all(sizes: Sequence[int], limit: float) -> pd.DataFrame:
    """Every cell: the columns ``COLUMNS``."""
    said = versions()
    if "survey" not in said:
        print("Rscript with the package survey was not found: R is left out.", file=sys.stderr)
    forms = [(tool, form) for tool in said for form in FORMS[tool]]
    cells: list[Cell] = []
    with tempfile.TemporaryDirectory() as temporary:
        # every form is compared at the smallest size before the first is timed, and again where it is timed
        for place, n in enumerate([min(SIZES), *sizes]):
            folder = Path(temporary) / str(place)
            folder.mkdir()
            write_answers(answers(n), folder)
            ours: Cell | None = None
            for tool, form in forms:
                print(f"n = {n:,}: {NAMES[tool]}, {form}{'' if place else ' (numbers only)'}", file=sys.stderr)
                found = run_cell(tool, form, n, folder, limit, MOST_CALLS if place else 1)
                ours = ours or found
                if ours.numbers is None:
                    raise ValueError(f"n = {n}: motivlab gave no numbers ({ours.outcome}): nothing to compare with.")
                if found.numbers is not None:
                    compare(ours.numbers, found.numbers, f"n = {n}: {NAMES[tool]}, {form}")
                if place:
                    cells.append(replace(found, numbers=None))
            shutil.rmtree(folder)
    rows = [cell.row() for cell in cells]
    for form, (best, median) in import_seconds().items():
        rows.append({"n": 0, "tool": "motivlab", "form": form, "outcome": "finished", "calls": IMPORTS, "best": best,
                     "median": median, "first": np.nan, "input_mb": np.nan, "extra_mb": np.nan})  # fmt: skip
    return pd.DataFrame([row | {"versions": said[row["tool"]], "machine": machine()} for row in rows])[COLUMNS]


def read(file: Path) -> pd.DataFrame:
    """What was measured and kept."""
    return pd.read_csv(file, dtype={"n": int, "calls": int})


# ---------------------------------------------------------------------------------------------------------- page

FASTER = {
    "svy": {1_000: 30, 30_000: 30, 300_000: 15, 3_000_000: 15},
    "survey": {1_000: 10, 30_000: 10, 300_000: 10, 3_000_000: 10},
}  # at least so many times as fast
PEAK = 1.5  # times the input, at most, with the input
FROM = 10.0  # MB of input: below it the fixed cost of a call is all that is seen
IMPORT = 0.2  # seconds, at most


def grid(head: list[str], rows: list[list[str]], texts: int = 1) -> str:
    """A Markdown table; its first columns are texts."""
    rule = ["---"] * texts + ["---:"] * (len(head) - texts)
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])


def in_seconds(value: float) -> str:
    """A time with three digits."""
    if np.isnan(value):
        return "-"
    return f"{1000 * value:.3g} ms" if value < 0.9995 else f"{value:.3g} s" if value < 999.5 else f"{value:.0f} s"


def in_mb(value: float) -> str:
    """Megabytes with a digit where there are few."""
    return "-" if np.isnan(value) else f"{value:.1f} MB" if value < 99.95 else f"{value:,.0f} MB"


def judged(met: bool) -> str:
    """The word of the column "target"."""
    return "met" if met else "**not met**"


def fastest(rows: pd.DataFrame) -> pd.Series:
    """The form that took the least time; of none that finished a call, the first."""
    return rows.iloc[0] if rows["best"].isna().all() else rows.loc[rows["best"].idxmin()]


def speed_rows(frame: pd.DataFrame) -> list[list[str]]:
    """Of each size and other tool: how many times as fast motivlab is as the tool's fastest form, and the target.

    svy has two rows: its fastest form with a breakdown in one call, and the one that asks for level after level.
    """
    out = []
    for n in frame.loc[frame["n"] > 0, "n"].unique():
        of = frame[frame["n"] == n]
        ours = of[of["tool"] == "motivlab"].iloc[0]
        one_call = of["tool"].eq("svy") & ~of["form"].str.contains("where")
        kinds = of["tool"].mask(one_call, "svy, one call a breakdown")
        for _, rows in of[of["tool"] != "motivlab"].groupby(kinds, sort=False):
            theirs = fastest(rows)
            tool = str(theirs["tool"])
            least = FASTER[tool].get(n)
            target = f"{least} times" if least else "-"
            row = [f"{n:,}", NAMES[tool], f"`{theirs['form']}`", in_seconds(ours["best"])]
            if np.isnan(theirs["best"]):
                out.append([*row, theirs["outcome"], "-", target, "-"])
            else:
                times = theirs["best"] / ours["best"]
                out.append([*row, in_seconds(theirs["best"]), f"{times:.1f}", target,
                            judged(times >= least) if least else "-"])  # fmt: skip
    return out


def memory_rows(frame: pd.DataFrame) -> list[list[str]]:
    """Of each size and tool, in its fastest form: the size of the input, what the call took, and the target."""
    out = []
    for (n, tool), rows in frame[frame["n"] > 0].groupby(["n", "tool"], sort=False):
        row = fastest(rows)
        extra = row["extra_mb"] / row["input_mb"]
        counted = tool == "motivlab" and row["input_mb"] >= FROM and not np.isnan(extra)
        out.append([f"{n:,}", NAMES[tool], f"`{row['form']}`", in_mb(row["input_mb"]), in_mb(row["extra_mb"]),
                    "-" if np.isnan(extra) else f"{extra:.2f}", "-" if np.isnan(extra) else f"{1 + extra:.2f}",
                    f"{PEAK:g}" if counted else "-", judged(1 + extra <= PEAK) if counted else "-"])  # fmt: skip
    return out


def import_rows(frame: pd.DataFrame) -> list[list[str]]:
    """How long the import takes."""
    out = []
    for _, row in frame[frame["n"] == 0].iterrows():
        counted = row["form"] == "import motivlab"
        target = [in_seconds(IMPORT), judged(row["best"] < IMPORT)] if counted else ["-", "-"]
        out.append([f"`{row['form']}`", in_seconds(row["best"]), in_seconds(row["median"]), *target])
    return out


def all_rows(frame: pd.DataFrame) -> list[list[str]]:
    """Every cell."""
    return [
        [f"{row['n']:,}", NAMES[row["tool"]], f"`{row['form']}`", *(in_seconds(row[c]) for c in
         ("best", "median", "first")), str(row["calls"]), in_mb(row["extra_mb"]), row["outcome"]]
        for _, row in frame[frame["n"] > 0].iterrows()
    ]  # fmt: skip


def not_met(frame: pd.DataFrame) -> str:
    """What misses its target, in words."""
    missed = judged(False)
    said = [f"{row[0]} respondents, {row[1]}, {row[2]}: {row[5]} times as fast, not {row[6]}."
            for row in speed_rows(frame) if row[-1] == missed]  # fmt: skip
    said += [f"{row[0]} respondents, memory: {row[6]} times the input, not {row[7]}."
             for row in memory_rows(frame) if row[-1] == missed]  # fmt: skip
    said += [f"{row[0]}: {row[1]}, not {row[3]}." for row in import_rows(frame) if row[-1] == missed]
    return "\n".join(f"- {line}" for line in said) or "Every target is met."


def page(frame: pd.DataFrame) -> str:
    """What was measured, and the tables."""
    shares, levels = list(ITEMS.values()), ", ".join(map(str, LEVELS))
    where, tools = ("; ".join(dict.fromkeys(frame[column])) for column in ("machine", "versions"))
    without = "" if "survey" in set(frame["tool"]) else " There was no R with the package `survey`: it is left out."
    speed = grid(
        ["respondents", "beside", "its fastest form", "motivlab", "the other", "times as fast", "at least", "target"],
        speed_rows(frame), 3,
    )  # fmt: skip
    peak = grid(
        ["respondents", "tool", "form", "input", "extra", "extra / input", "(input + extra) / input", "at most",
         "target"],
        memory_rows(frame), 3,
    )  # fmt: skip
    imports = grid(["", "best", "median", "under", "target"], import_rows(frame))
    cells = grid(
        ["respondents", "tool", "form", "best", "median", "first", "calls", "extra memory", "outcome"],
        all_rows(frame), 3,
    )  # fmt: skip
    return f"""\
# Speed and memory

Made by `python tests/benchmarks/speed.py`; nothing here is written by hand. `--page` makes this page again from
`speed.csv`, `--sizes 1000 30000` measures some sizes only.

## What was measured

One question of {len(ITEMS)} items (0/1, shares of {100 * min(shares):g} % to {100 * max(shares):g} %), in total and by
{len(LEVELS)} others (of {levels} levels): the estimate, its design-based standard error and its 95 % interval,
{len(ITEMS) * (1 + sum(LEVELS))} of each. {STRATA} strata, {CLUSTERS} clusters, unequal weights. Estimates and standard
errors of every form agree with motivlab's to {_power(TOLERANCE)} of their size wherever a call was finished; the script
stops if not.

The tools do not do quite the same. motivlab gives Korn-Graubard intervals and, beside what is compared, two nets in
each domain, degrees of freedom, design effects and counts of non-response. svy's `mean` and R's forms give t
intervals, svy's `prop` logit intervals. Of svy and R several forms are timed; motivlab is compared with the fastest,
with svy also in the form its manual has, a list of items and a breakdown in one call. Asking svy for one level after
the other, {1 + sum(LEVELS)} calls, is faster still where there are many respondents.

Making the survey is not measured: not `Survey.from_frame`, not svy's `Sample`, not R's `svydesign`. Nor are imports:
each process makes a call on {min(SIZES):,} respondents first. Each form at each size has a process of its own, one
after the other, with as many threads as it takes by default. A call is repeated {MOST_CALLS} times or for {BUDGET:g}
seconds, and {LEAST_CALLS} times at least unless that takes more than {PATIENCE:g} seconds. Speed is compared by the
best call. A process is ended after {LIMIT:g} seconds, or when it takes {100 * MEMORY_SHARE:g} % of the memory.

{where}. {tools}.{without}

## Speed

{speed}

## Memory

*Extra* is the peak of resident memory during the first call less what was resident before it. *Input* is the size of
the responses as the tool holds them: `survey.responses.memory_usage(deep=True).sum()`, svy's
`sample.data.estimated_size()`, R's `object.size(design)`. The target counts input and extra together, from {FROM:g} MB
of input: below that one sees little but the fixed cost of a call. R may use memory again that it had freed before, so
that its extra is a lower bound.

{peak}

## Import

A fresh interpreter with the import, less one without, best and median of {IMPORTS} each. A name of the package is
imported when it is first used: the second line is what an analysis pays.

{imports}

## What is not met

{not_met(frame)}

## Every form

{cells}
"""


def _power(value: float) -> str:
    return f"1e-{-round(np.log10(value))}"


def main() -> None:
    """Measure, and write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--sizes", nargs="+", type=int, help="measure these sizes only, and print the page")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds that one form at one size may take")
    parser.add_argument("--page", action="store_true", help="make the page again from speed.csv")
    parser.add_argument("--cell", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.cell:
        measure(args.cell[0], args.cell[1], Path(args.cell[2]), int(args.cell[3]))
        return
    if not args.page:
        frame = measure_all(args.sizes or SIZES, args.limit)
        if args.sizes:
            print(page(frame))
            return
        frame.to_csv(HERE / "speed.csv", index=False, float_format="%.6g", lineterminator="\n")
    (HERE / "speed.md").write_text(page(read(HERE / "speed.csv")), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
