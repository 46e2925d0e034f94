"""Reading a large SPSS file beside pyreadstat alone: ``python tests/benchmarks/reading.py``.

It writes reading.csv and reading.md beside itself, in about a quarter of an hour. ``--page`` makes the page again from
reading.csv, ``--rows 100000`` measures a smaller file and prints the page without writing anything.

The files are made here, seeded, and written by pyreadstat. Each reading has a process of its own, the tools in turn.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from speed import grid, judged, machine

HERE = Path(__file__).resolve().parent
SEED, ROWS, REPEATS = 20_261_122, 1_000_000, 5
TIME, PEAK = 1.2, 2.0  # times what pyreadstat takes, at most
TOOLS = {
    "pyreadstat": "pyreadstat.read_sav(file, user_missing=True)",
    "motivlab": "motivlab.read_survey(file)",
}
FILES = {
    "mixed.sav": "30 labelled codes, 10 whole and 5 decimal numbers, 3 short texts, 2 dates; not compressed",
    "mixed_packed.sav": "the same, with SPSS's compression of rows, as SPSS writes it",
    "mixed.zsav": "the same, as .zsav",
    "texts.sav": "the same and 3 free texts, nearly every one different",
}
COLUMNS = ["file", "rows", "columns", "megabytes", "tool", "run", "seconds", "cpu_seconds", "peak_mb", "machine"]


def write_files(folder: Path, rows: int) -> None:
    """The files to read."""
    import pyreadstat

    rng = np.random.default_rng(SEED)
    data: dict[str, object] = {"resp_id": np.arange(1, rows + 1, dtype=float)}
    labels, missing = {}, {}
    for i in range(30):
        name, size = f"c{i}", int(rng.integers(2, 11))
        column = rng.choice(np.array([*range(1, size + 1), -8, -9], dtype=float), rows)
        column[rng.random(rows) < 0.1] = np.nan
        data[name] = column
        labels[name] = {float(j): f"Atbilde {j} – ļoti" for j in range(1, size + 1)} | {
            -8.0: "Refused",
            -9.0: "Not asked",
        }
        missing[name] = [{"lo": -9, "hi": -8}]
    for i in range(9):
        data[f"n{i}"] = rng.integers(0, 5_000 if i else 90, rows).astype(float)
    for i in range(5):
        data[f"x{i}"] = rng.normal(size=rows).round(3)
    towns = np.array(["Rīga", "Liepāja", "Ogre", "", "Daugavpils", "Cēsis", "Valmiera"], dtype=object)
    for i in range(3):
        data[f"s{i}"] = rng.choice(towns, rows)
    for i in range(2):
        data[f"d{i}"] = pd.to_datetime("2021-01-01") + pd.to_timedelta(rng.integers(0, 365, rows), unit="D")
    how = {
        "variable_value_labels": labels, "missing_ranges": missing, "variable_format": {"d0": "DATE11", "d1": "DATE11"},
    }  # fmt: skip
    frame = pd.DataFrame(data)
    pyreadstat.write_sav(frame, folder / "mixed.sav", **how)
    pyreadstat.write_sav(frame, folder / "mixed_packed.sav", row_compress=True, **how)
    pyreadstat.write_sav(frame, folder / "mixed.zsav", compress=True, **how)
    for i in range(3):
        frame[f"t{i}"] = [f"Atbilde brīvā tekstā {j}" for j in rng.integers(0, 3 * rows, rows)]
    pyreadstat.write_sav(frame, folder / "texts.sav", **how)


def read(tool: str, file: Path) -> None:
    """Read a file and print the seconds, those of the processor, the peak of memory in MB, and how many columns."""
    import pyreadstat

    from motivlab.imports import read_survey

    wall, cpu = time.perf_counter(), time.process_time()
    if tool == "motivlab":
        frame = read_survey(file).responses
    else:
        frame, _ = pyreadstat.read_sav(file, user_missing=True)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, frame.shape[1])


def measure(rows: int, repeats: int) -> pd.DataFrame:
    """Every run: the columns ``COLUMNS``."""
    found = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make = [sys.executable, __file__, "--write", str(folder), str(rows)]
        subprocess.run(make, check=True)  # a process inherits the peak of the one that starts it: this one stays small
        for name in FILES:
            file = folder / name
            for run in range(repeats):
                for tool in TOOLS:
                    command = [sys.executable, __file__, "--read", tool, str(file)]
                    done = subprocess.run(command, check=True, capture_output=True, text=True)
                    wall, cpu, peak, columns = map(float, done.stdout.split())
                    print(
                        f"{name}, {tool}, run {run + 1}: {wall:.2f} s, {cpu:.2f} s CPU, {peak:.0f} MB", file=sys.stderr
                    )
                    found.append([name, rows, int(columns), file.stat().st_size / 1e6, tool, run + 1, wall, cpu, peak,
                                  machine()])  # fmt: skip
    return pd.DataFrame(found, columns=COLUMNS)


def rows_of(frame: pd.DataFrame) -> list[list[str]]:
    """Of each file: the best time and the peak of both tools, what they are to each other, and the target."""
    out = []
    for name, of in frame.groupby("file", sort=False):
        best = of.groupby("tool")[["seconds", "cpu_seconds", "peak_mb"]].min()
        ours, theirs = best.loc["motivlab"], best.loc["pyreadstat"]
        times, cpu, peak = (ours[c] / theirs[c] for c in ("seconds", "cpu_seconds", "peak_mb"))
        out.append([f"`{name}`", f"{theirs['seconds']:.2f} s", f"{ours['seconds']:.2f} s", f"{times:.2f}", f"{cpu:.2f}",
                    judged(times <= TIME), f"{theirs['peak_mb']:,.0f} MB", f"{ours['peak_mb']:,.0f} MB", f"{peak:.2f}",
                    judged(peak <= PEAK)])  # fmt: skip
    return out


def page(frame: pd.DataFrame) -> str:
    """What was measured, and the table."""
    head = ["file", "pyreadstat", "motivlab", "times", "times, CPU", f"at most {TIME:g}", "pyreadstat, peak",
            "motivlab, peak", "times", f"at most {PEAK:g}"]  # fmt: skip
    least, most = frame.groupby(["file", "tool"])["run"].max().agg(["min", "max"])
    runs = f"{least}" if least == most else f"{least} to {most}"
    files = grid(["file", "what it holds"], [[f"`{name}`", said] for name, said in FILES.items()], 2)
    return f"""\
# Reading SPSS files

Made by `python tests/benchmarks/reading.py`; nothing here is written by hand. `--page` makes this page again from
`reading.csv`.

{int(frame["rows"].iloc[0]):,} rows, {frame["columns"].min()} to {frame["columns"].max()} columns:

{files}

`{TOOLS["pyreadstat"]}` is compared with `{TOOLS["motivlab"]}`, which reads the same values in pieces and makes of them
a survey: a questionnaire, a design, typed columns. Each ran {runs} times, in turn, each time in a process of its own;
the least counts, of time and of the peak of resident memory (with the interpreter and its modules). Time is that of the
clock; that of the processor stands beside it, since it depends less on what else the machine does.

{"; ".join(dict.fromkeys(frame["machine"]))}.

{grid(head, rows_of(frame))}
"""


def main() -> None:
    """Measure, and write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--rows", type=int, help="measure files of so many rows, and print the page")
    parser.add_argument("--repeats", type=int, default=REPEATS, help=f"readings of each file (default: {REPEATS})")
    parser.add_argument("--page", action="store_true", help="make the page again from reading.csv")
    parser.add_argument("--write", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--read", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.write:
        write_files(Path(args.write[0]), int(args.write[1]))
        return
    if args.read:
        read(args.read[0], Path(args.read[1]))
        return
    if not args.page:
        frame = measure(args.rows or ROWS, args.repeats)
        if args.rows:
            print(page(frame))
            return
        frame.to_csv(HERE / "reading.csv", index=False, float_format="%.6g", lineterminator="\n")
    text = page(pd.read_csv(HERE / "reading.csv"))
    (HERE / "reading.md").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
