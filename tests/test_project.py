"""The project itself: layers, dependencies, the shipped data, what the repository may hold."""

from __future__ import annotations

import ast
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ruamel.yaml import YAML
from surveys import ROOT, SHIPPED

import motivlab as ml

# The layers of the design, each in the order in which its modules build on each other.
LAYERS = (
    {"codes", "files", "language", "shown", "thresholds"},
    {"moments", "patterns"},
    {"values"},
    {"evaluate"},
    {"functions_repeats"},
    {"functions"},
    {"expressions"},
    {"questionnaire", "xlsform", "xlsform_out"},
    # a survey
    {"delimited"},
    {"readers"},
    {"parts", "margins_file"},
    {"programme", "kinds", "recoding"},
    {"about"},
    {"rules", "typed"},
    {"masks"},
    {"rules_form", "rules_interview", "rules_duplicates", "rules_interviewers", "rules_identifiers", "rules_sample"},
    {"survey", "answers", "schema", "checking", "findings"},
    {"drafts", "scales", "recodes", "cleaning_log", "cleaning_answers"},
    {"cleaning_rows"},
    {"statfiles", "sav_records"},
    {"spss", "stata", "kobo", "limesurvey", "tabular", "cleaning"},
    {"imports"},
    # estimation and weights, statistics on arrays, published figures
    {"intervals", "fieldwork", "planning", "audit_read"},
    {"design", "paired", "pooled", "audit_rules"},
    {"reduction", "svy_bridge", "balance", "audit_dates"},
    {"domains", "regression", "replicates", "variance", "weights", "audit_texts"},
    {"calibration", "estimate", "measured", "nonresponse", "participants"},
    # analyses
    {"prevalence", "published", "audit", "attrition", "durations", "flow", "indicators", "outcomes"},
    {"summaries"},
    {"adjusted", "compare", "gains"},
    {"cooccurrence"},
    {"gate"},
    {"gated_gains", "gated_attrition", "codebook_counts", "margins"},
    {"codebook"},
    # words, tables, figures
    {"sentences", "page"},
    {"tables", "gate_outcomes", "sentences_outcomes"},
    {"tables_compare", "tables_cooccurrence", "tables_fieldwork", "tables_attrition", "tables_outcomes", "tables_audit",
     "tables_margins", "tables_cleaning", "tables_recodes", "tables_codebook", "figures"},
    {"tables_gains", "figures_rows", "figures_compare", "figures_cooccurrence", "figures_check", "takeaways"},
    {"gains_words", "figures_outcomes", "figures_flow", "figures_durations", "figures_audit", "figures_agreement",
     "figures_margins"},
    {"gains_rows", "takeaways_audit", "takeaways_gains", "takeaways_outcomes"},
    {"figures_gains"},
    # files out
    {"stat_out"},
    {"codebook_word", "dictionaries", "spss_out", "stata_out"},
    {"writers", "exports"},
    {"report"},
    {"cli"},
    {"__main__"},
)  # fmt: skip
# Inside a layer only where it is said here.
BESIDE = {
    ("questionnaire", "xlsform"), ("xlsform", "questionnaire"), ("questionnaire", "xlsform_out"),
    ("xlsform_out", "questionnaire"), ("xlsform_out", "xlsform"), ("evaluate", "functions"),
    ("survey", "schema"), ("schema", "survey"), ("survey", "checking"), ("checking", "survey"),
    ("checking", "schema"), ("checking", "findings"), ("findings", "survey"), ("answers", "survey"),
}  # fmt: skip


def imports(file: Path) -> set[str]:
    """The modules of the package that a module imports, anywhere in it but under TYPE_CHECKING."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    hints = [
        node for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and getattr(branch.test, "id", "") == "TYPE_CHECKING" for node in ast.walk(branch)
    ]  # fmt: skip
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node not in hints:
            found |= {node.module.partition(".")[0]} if node.module else {alias.name for alias in node.names}
    return found


def test_each_layer_imports_only_from_below() -> None:
    layer_of = {name: i for i, layer in enumerate(LAYERS) for name in layer}
    modules = {path.stem: imports(path) for path in (ROOT / "motivlab").glob("*.py") if path.stem != "__init__"}
    assert modules.keys() == layer_of.keys()
    wrong = [
        f"{name} imports {other}"
        for name, others in modules.items()
        for other in sorted(others - {"__version__"})
        if layer_of[other] >= layer_of[name] and (name, other) not in BESIDE
    ]
    assert wrong == []
    used = {(name, other) for name, others in modules.items() for other in others}
    assert used >= BESIDE, "an exception that nobody needs any more"


def test_every_verb_is_offered_documented_and_no_module() -> None:
    for name in ml.__all__:
        verb = getattr(ml, name)
        assert callable(verb), name
        assert verb.__doc__, name
        assert ">>>" in verb.__doc__, name
    assert ml.prevalence.__module__ == "motivlab.prevalence"
    with pytest.raises(AttributeError, match="no attribute 'prevalense'"):
        ml.prevalense  # type: ignore[attr-defined]  # noqa: B018


def test_importing_the_package_is_light() -> None:
    heavy = "import sys, motivlab; print([m for m in ('pandas','matplotlib','pandera','scipy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ------------------------------------------------------------------------------------------------- dependencies


def pip_part() -> list[str]:
    environment = YAML(typ="safe", pure=True).load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (pip,) = [part["pip"] for part in environment["dependencies"] if isinstance(part, dict)]
    return list(pip)


def test_environment_yml_says_what_pyproject_says() -> None:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = {*project["project"]["dependencies"], *project["dependency-groups"]["dev"], "-e ."}
    assert set(pip_part()) == wanted
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert f"python{project['project']['requires-python']}" in text


@pytest.mark.skipif(
    "UV" not in os.environ, reason="uv is not running this: `python run.py test` has it resolve the list"
)
def test_the_pip_part_can_be_installed(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("\n".join(line for line in pip_part() if line != "-e ."), encoding="utf-8")
    command = [
        os.environ["UV"],
        "pip",
        "install",
        "--dry-run",
        "--target",
        str(tmp_path / "t"),
        "-r",
        str(requirements),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"Would install \d{2,} packages", done.stderr)


def test_the_wheel_carries_the_notebooks() -> None:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    carried = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert set(carried) == {f"notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")}


def test_the_readme_and_ci_call_the_same_commands() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in re.findall(r"^python3 (run\.py \w+)$", ci, re.MULTILINE):
        assert f"python {command}\n" in readme
    commands = runpy.run_path(str(ROOT / "run.py"))["USAGE"]
    for name in re.findall(r"python run\.py (\w+)", readme):
        assert f"  {name} " in commands


def test_run_py_says_what_it_can_do() -> None:
    for arguments, status in ((["--help"], 0), ([], 2), (["dance"], 2)):
        done = subprocess.run(
            [sys.executable, ROOT / "run.py", *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == status
        assert "usage: python run.py COMMAND" in done.stderr


# ---------------------------------------------------------------------------------------------- the shipped data


def test_the_shipped_survey_is_made_again_byte_for_byte(tmp_path: Path) -> None:
    subprocess.run([sys.executable, SHIPPED / "make_survey.py", "--to", tmp_path], check=True, capture_output=True)
    for name in ("responses.csv", "responses_with_errors.csv"):
        assert (tmp_path / name).read_bytes() == (SHIPPED / name).read_bytes(), name


def test_it_reproduces_what_was_published() -> None:
    survey = ml.open_survey(SHIPPED)
    published = ml.read_published(ROOT / "data" / "published" / "discrimination_prevalence.csv")
    compared = 0
    for name in ("encountered", "grounds"):
        frame = ml.against_published(ml.prevalence(survey, name), published).frame
        rows = frame[frame["published"].notna()]
        assert (rows["estimate"].round(2) == rows["published"]).all()
        compared += len(rows)
    assert compared == 5


def test_it_has_a_plausible_structure() -> None:
    survey = ml.open_survey(SHIPPED)
    by = ["age_group", "native_language", "gender", "disability"]
    frame = ml.prevalence(survey, "grounds", by=by).frame.set_index(["item", "level"])["estimate"]
    assert frame["age", "55_64"] > 2 * frame["age", "25_34"]
    assert frame["language", "russian"] > 2 * frame["language", "latvian"]
    assert frame["gender", "woman"] > 2 * frame["gender", "man"]
    assert frame["disability", "yes"] > 2 * frame["disability", "no"]
    # a small group is in it, and the gate keeps it: nobody can be found in a table by ethnicity
    roma = ml.prevalence(survey, "encountered", by="ethnicity").frame
    assert 0 < roma.loc[roma["level"] == "roma", "n"].iloc[0] < 20
    gated = ml.gate(ml.prevalence(survey, "encountered", by="ethnicity")).frame
    assert gated.loc[gated["level"] == "roma", "estimate"].isna().all()


def test_published_figures_are_those_of_the_facts() -> None:
    facts = ROOT.parent / "shared" / "facts" / "discrimination_prevalence.csv"
    if not facts.exists():
        pytest.skip("the facts, ../shared/facts, are not here")
    source = pd.read_csv(facts).set_index("row_id")
    ours = ml.read_published(ROOT / "data" / "published" / "discrimination_prevalence.csv").set_index("id")
    assert list(ours.index) == list(source.index)
    assert ((ours["share"] * 100).round() == source["pct"]).all()
    assert (ours["quote"] == source["quote_lv"]).all()
    assert (ours["qualifier"] == source["qualifier"]).all()


# ------------------------------------------------------------------------------------------------ the repository


def test_the_repository_holds_what_it_should() -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    files = [ROOT / name for name in listed if name and (ROOT / name).is_file()]
    top = {name.split("/")[0] for name in listed if name}
    allowed = {"notebooks", "motivlab", "data", "reports", "tests", "environment.yml", "README.md", "pyproject.toml",
               "uv.lock", "run.py", ".ci", ".gitignore", "LICENSE", "CHANGELOG.md", "CITATION.cff"}  # fmt: skip
    assert top <= allowed
    assert {name for name in listed if name.startswith("reports/")} == {"reports/README.md", "reports/grounds.svg"}
    assert all(path.stat().st_size < 1 << 20 for path in files)
    machine = re.compile(r"/(?:home|root|Users|work)/\w")
    for path in files:
        if path.suffix not in (".lock", ".svg") and path != Path(__file__):
            assert not machine.search(path.read_text(encoding="utf-8")), path
