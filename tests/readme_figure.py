"""Make the README's picture again: ``python tests/readme_figure.py`` writes reports/grounds.svg."""

from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

import motivlab as ml

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "reports" / "grounds.svg"


def make(file: Path) -> None:
    """Grounds of discrimination in the shipped survey, with the published figures."""
    survey = ml.open_survey(ROOT / "data" / "discrimination_survey")
    published = ml.read_published(ROOT / "data" / "published" / "discrimination_prevalence.csv")
    ml.export(ml.plot_prevalence(ml.against_published(ml.prevalence(survey, "grounds"), published)), file)


if __name__ == "__main__":
    make(PICTURE)
