"""Surveys that several tests use."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

os.environ.setdefault("MPLBACKEND", "agg")

from surveys import CHOICES, HEAD, REAL, ROWS, SHIPPED, SURVEY, YML

import motivlab as ml

collect_ignore_glob = ["benchmarks/*.py"]  # scripts that are run by hand, by the names of their own folder


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., Path]:
    """Writes a small survey folder; each part can be replaced."""

    def write(
        rows: tuple[str, ...] = ROWS, head: str = HEAD, yml: str = YML, survey: str = SURVEY, choices: str = CHOICES
    ) -> Path:
        folder = tmp_path / "small"
        (folder / "questionnaire").mkdir(parents=True, exist_ok=True)
        (folder / "survey.yml").write_text(yml, encoding="utf-8")
        (folder / "questionnaire" / "survey.csv").write_text(survey, encoding="utf-8")
        (folder / "questionnaire" / "choices.csv").write_text(choices, encoding="utf-8")
        (folder / "responses.csv").write_text("\n".join([head, *rows, ""]), encoding="utf-8")
        return folder

    return write


@pytest.fixture(scope="session")
def shipped() -> ml.Survey:
    """The survey that ships with the project."""
    return ml.open_survey(SHIPPED)


@pytest.fixture(scope="session")
def shed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The survey folder imported from the real SPSS file."""
    file = REAL / "shed2021" / "shed2021.sav"
    if not file.exists():
        pytest.skip("the real data, ../shared/real/shed2021, is not here")
    folder = tmp_path_factory.mktemp("real") / "shed"
    ml.import_survey(file, folder)
    return folder
