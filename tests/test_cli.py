"""The command line: exit statuses, what it prints, and never a bare traceback."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from surveys import ROWS, SHIPPED, YML

import motivlab as ml
from motivlab.cli import main

Small = Callable[..., Path]
Captured = pytest.CaptureFixture[str]


def test_a_clean_survey_exits_with_0(capsys: Captured) -> None:
    assert main(["check", str(SHIPPED), "--lang", "lv"]) == 0
    assert "konstatējumu nav" in capsys.readouterr().out


def test_findings_exit_with_1_and_are_told(capsys: Captured, tmp_path: Path) -> None:
    assert main(["check", str(SHIPPED), "--responses", "responses_with_errors.csv"]) == 1
    out = capsys.readouterr().out
    assert "17 findings" in out
    assert "education is doctoral; allowed: basic, vocational" in out
    file = tmp_path / "findings.xlsx"
    assert main(["check", str(SHIPPED), "--responses", "responses_with_errors.csv", "--to", str(file)]) == 1
    assert len(pd.read_excel(file, sheet_name="Findings")) == 17


def test_what_is_left_to_fill_in_is_said(small: Small, capsys: Captured) -> None:
    folder = small(yml=YML.replace("start: 2021-10-04", "start: '?'"))
    assert main(["check", str(folder)]) == 0
    assert "Still to be filled in, in survey.yml: population, fieldwork.start" in capsys.readouterr().out


def break_weights(folder: Path) -> None:
    rows = (row.split(",") for row in ROWS)
    lines = [(folder / "responses.csv").read_text().splitlines()[0], *(",".join([r[0], "0", *r[2:]]) for r in rows)]
    (folder / "responses.csv").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("command", "spoil", "said"),
    [
        ("check", lambda f: (f / "survey.yml").unlink(), "not a survey folder"),
        ("check", lambda f: (f / "responses.csv").unlink(), "no responses, looked for"),
        ("check", lambda f: (f / "responses.csv").write_bytes(b""), "the file is empty"),
        ("check", lambda f: (f / "responses.csv").write_bytes("ņ\n1".encode("cp1257")), "is not UTF-8"),
        ("check", lambda f: (f / "survey.yml").write_text("a: [", encoding="utf-8"), "malformed YAML"),
        ("check", lambda f: (f / "questionnaire" / "choices.csv").unlink(), "there is no list of choices"),
        ("report", lambda f: (f / "survey.yml").write_text("a: [", encoding="utf-8"), "malformed YAML"),
        ("report", break_weights, "no value of the weight column 'w' is a positive number"),
        ("import", lambda f: None, "a survey is imported from .sav, .zsav, .csv or .xlsx"),
    ],
)
def test_what_cannot_run_exits_with_2_and_one_message(
    small: Small, tmp_path: Path, command: str, spoil: Callable[[Path], object], said: str
) -> None:
    folder = small()
    spoil(folder)
    arguments = {
        "check": ["check", str(folder)],
        "report": ["report", "--survey", str(folder), "--out", str(tmp_path / "out")],
        "import": ["import", str(folder / "survey.yml"), "--to", str(tmp_path / "out")],
    }[command]
    done = subprocess.run(
        [sys.executable, "-m", "motivlab", *arguments], capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.startswith("motivlab: error: ")
    assert "Traceback" not in done.stderr + done.stdout
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out*"))


def test_unknown_commands_and_missing_files(capsys: Captured, tmp_path: Path) -> None:
    assert main(["check", str(tmp_path / "nowhere")]) == 2
    assert "no such survey folder" in capsys.readouterr().err
    assert main(["import", str(tmp_path / "none.sav"), "--to", str(tmp_path / "x")]) == 2
    assert "none.sav: no such file" in capsys.readouterr().err
    for wrong in (["estimate"], [], ["check", "x", "--lang", "de"]):
        with pytest.raises(SystemExit) as caught:
            main(wrong)
        assert caught.value.code == 2
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert ml.__version__ in capsys.readouterr().out
