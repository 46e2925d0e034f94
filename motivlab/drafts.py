"""The draft of a survey folder: what an import has found, written so that a person can fill in the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .files import new_folder, sha256
from .questionnaire import Questionnaire
from .readers import FILL_IN
from .survey import open_survey

RESPONDENT_ID = r"(case|resp|respondent|interview|record)?_?(id|nr|no|number)|respondent|caseid|uuid|_id"
_DEMOGRAPHIC = r"gender|\bsex\b|\bage\b|educat|dzimum|vecum|izglīt|пол\b|возраст|образован"


@dataclass(frozen=True)
class Draft:
    """What a file says of a survey.

    Attributes
    ----------
    responses : DataFrame of str
        One row per respondent, the columns of the questionnaire and of the design.
    questionnaire : Questionnaire
    respondent_id, weight : str
        Columns of the responses; the weight is empty where none was found.
    sets : tuple of str
        The questions that were multiple response sets, in the file's order of sets.
    notes : tuple of str
        What was inferred, and what could not be.
    """

    responses: pd.DataFrame
    questionnaire: Questionnaire
    respondent_id: str
    weight: str
    sets: tuple[str, ...]
    notes: tuple[str, ...]


def write_draft(draft: Draft, file: Path, folder: Path) -> list[str]:
    """Write a draft as a new survey folder, whole or not at all.

    Parameters
    ----------
    file : path
        What it was read from.
    folder : path
        The folder to make; it must not exist yet.

    Returns
    -------
    list of str
        The keys of ``survey.yml`` that are left to be filled in.

    Raises
    ------
    FileExistsError
        If the folder is there already.
    """
    with new_folder(folder) as work:
        draft.questionnaire.write(work / "questionnaire")
        draft.responses.to_csv(work / "responses.csv", index=False, lineterminator="\n")
        left = _write_yaml(draft, file, work / "survey.yml")
        (work / "README.md").write_text(_readme(draft, file, left), encoding="utf-8")
        open_survey(work)  # what cannot be opened again is not handed over
    return left


def _write_yaml(draft: Draft, file: Path, target: Path) -> list[str]:
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap

    single = [q for q in draft.questionnaire if q.type == "select_one" and 2 <= len(q.answers) <= 8]
    by = [q.name for q in single if re.search(_DEMOGRAPHIC, q.label(""), re.IGNORECASE)][:3]
    main = list(draft.sets) or [q.name for q in single[:1]]
    analysis = CommentedMap()
    for name in main:
        analysis[name] = CommentedMap(measure="not_stated", base="asked", by=list(by))
        analysis[name].yaml_add_eol_comment(
            "to be filled in: what the question measures, see data/README.md", "measure"
        )
        analysis[name].yaml_add_eol_comment("suggested by the labels", "by")
    fieldwork = CommentedMap(start=FILL_IN, end=FILL_IN)
    about = CommentedMap(
        title=str(file.stem),
        synthetic=False,
        respondent_id=draft.respondent_id,
        design=CommentedMap({"weight": draft.weight} if draft.weight else {}),
        population=FILL_IN,
        fieldwork=fieldwork,
        source=f"{file.name} (SHA-256 {sha256(file)})",
        gate="standard",
        analysis=analysis,
    )
    about.yaml_add_eol_comment("of the file; put the survey's own title, in lv, en, ru", "title")
    about.yaml_add_eol_comment("to be filled in: whom the respondents stand for", "population")
    for key in fieldwork:
        fieldwork.yaml_add_eol_comment("to be filled in: a date, 2021-10-31", key)
    about["design"].yaml_set_comment_before_after_key(
        "weight", before="strata, cluster and fpc: add them if there are any", indent=2
    )
    yaml = YAML()
    yaml.width = 4096
    yaml.allow_unicode = True
    with target.open("w", encoding="utf-8") as stream:
        yaml.dump(about, stream)
    measures = [f"analysis.{name}.measure" for name in main] or ["analysis"]
    return ["population", "fieldwork.start", "fieldwork.end", *measures]


def _readme(draft: Draft, file: Path, left: list[str]) -> str:
    lines = [
        f"# {file.stem}",
        "",
        f"Imported by motivlab from `{file.name}`, SHA-256 `{sha256(file)}`:",
        f"{len(draft.responses):,} respondents, {len(draft.questionnaire)} questions.",
        "",
        "| file | what it is |",
        "|---|---|",
        "| `survey.yml` | how the survey was made, its design, what is analysed |",
        "| `questionnaire/` | questions and choices, XLSForm sheets as text |",
        "| `responses.csv` | codes, one row per respondent |",
        "",
        "## Inferred, or not",
        "",
        *(f"- {note}" for note in draft.notes),
        "",
        "## To be filled in, in `survey.yml`",
        "",
        *(f"- `{key}`" for key in left),
        "",
    ]
    return "\n".join(lines)
