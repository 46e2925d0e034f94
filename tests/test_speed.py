"""The benchmarks of speed: that their pages are what their numbers give, and that what they time computes the same."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks import checking, speed

N = 1_000


@pytest.fixture(scope="module")
def columns() -> dict[str, np.ndarray]:
    """The answers of the smallest size."""
    return speed.answers(N)


@pytest.fixture(scope="module")
def ours(columns: dict[str, np.ndarray]) -> pd.DataFrame:
    """motivlab's numbers."""
    ready = speed.motivlab_ready(columns, *speed.FORMS["motivlab"])
    return ready.numbers(ready.call())


def test_the_page_is_what_the_numbers_give() -> None:
    page = speed.page(speed.read(speed.HERE / "speed.csv"))
    assert (speed.HERE / "speed.md").read_text(encoding="utf-8") == page, "speed.md: run speed.py --page"


def test_every_cell_is_there_once() -> None:
    frame = speed.read(speed.HERE / "speed.csv")
    assert list(frame.columns) == speed.COLUMNS
    tools = [tool for tool in speed.FORMS if tool in set(frame["tool"])]
    wanted = [(n, tool, form) for n in speed.SIZES for tool in tools for form in speed.FORMS[tool]]
    cells = frame[frame["n"] > 0]
    assert list(cells[["n", "tool", "form"]].itertuples(index=False, name=None)) == wanted
    timed = cells[cells["calls"] > 0]
    assert (timed[["best", "median", "first"]] > 0).all().all()
    assert (timed["best"] <= timed[["median", "first"]].min(axis=1)).all()
    assert (cells.loc[cells["calls"] == 0, "outcome"] != "finished").all()


def test_columns_are_read_as_they_were_written(columns: dict[str, np.ndarray], tmp_path: Path) -> None:
    speed.write_answers(columns, tmp_path)
    again = speed.read_answers(tmp_path)
    assert set(again) == set(columns)
    for name, values in columns.items():
        np.testing.assert_array_equal(again[name], values, strict=True)


@pytest.mark.parametrize("form", speed.FORMS["svy"])
def test_svy_computes_the_same(columns: dict[str, np.ndarray], ours: pd.DataFrame, form: str) -> None:
    ready = speed.svy_ready(columns, form)
    speed.compare(ours, ready.numbers(ready.call()), form)


def test_a_difference_is_noticed(ours: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"the se of .* is .*, motivlab's"):
        speed.compare(ours, ours.assign(se=ours["se"] * (1 + 2 * speed.TOLERANCE)), "another")
    with pytest.raises(ValueError, match="gives 519 estimates"):
        speed.compare(ours, ours.iloc[1:], "another")
    with pytest.raises(ValueError, match="does not hold its estimate"):
        speed.compare(ours, ours.assign(low=1.0), "another")


def test_a_cell_that_takes_too_long_is_ended(columns: dict[str, np.ndarray], tmp_path: Path) -> None:
    speed.write_answers(columns, tmp_path)
    cell = speed.run_cell("svy", speed.FORMS["svy"][0], N, tmp_path, 0.0, 1)
    assert cell.outcome == "not finished in 0 s"
    assert cell.numbers is None
    frame = pd.DataFrame([cell.row() | {"versions": "1", "machine": "one"}])
    ours = frame.assign(tool="motivlab", form=speed.FORMS["motivlab"][0], outcome="finished", calls=3, best=0.1)
    page = speed.page(pd.concat([ours, frame], ignore_index=True))
    assert "| 1,000 | svy | `mean(items, by=g)` | 100 ms | not finished in 0 s | - | 30 times | - |" in page


def test_the_page_of_the_check_is_what_its_numbers_give() -> None:
    table = pd.read_csv(checking.HERE / "checking.csv")
    page = (checking.HERE / "checking.md").read_text(encoding="utf-8")
    assert page == checking.page(table), "checking.md: run checking.py --page"
    cells = table[["respondents", "tool"]].itertuples(index=False, name=None)
    assert list(cells) == [(n, tool) for n in checking.SIZES for tool in checking.TOOLS]
    assert (table["best"] <= table["median"]).all()
    assert table["found"].gt(0).all()


def test_the_check_takes_at_most_three_times_the_bare_schema_and_grows_linearly() -> None:
    table = pd.read_csv(checking.HERE / "checking.csv")
    for column in ("best", "cpu"):
        times = table.pivot_table(index="respondents", columns="tool", values=column)
        assert times.loc[checking.AT, "motivlab"] <= checking.MOST * times.loc[checking.AT, "bare schema"]
        sizes = list(times.index)
        for small, large in itertools.pairwise(sizes):
            assert times.loc[large, "motivlab"] <= large / small * times.loc[small, "motivlab"]


def test_the_page_of_reading_is_what_its_numbers_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "speed", speed)  # as it finds it when it is run
    from benchmarks import reading

    table = pd.read_csv(reading.HERE / "reading.csv")
    assert (reading.HERE / "reading.md").read_text(encoding="utf-8") == reading.page(table), "run reading.py --page"
    assert set(table["file"]) == set(reading.FILES)
    assert set(table["tool"]) == set(reading.TOOLS)


def test_what_the_benchmark_checks_has_the_faults_it_says() -> None:
    made = checking.survey(N)
    assert len(made.questionnaire) == 60
    found = set(made.check().findings["rule"])
    assert {"unknown_code", "out_of_range", "asked_not_answered"} <= found
    assert not found & {"column_missing", "column_unknown", "wrong_type"}
