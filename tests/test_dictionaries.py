"""Data dictionaries: valid by their standards, complete, in every language, the same bytes, and nobody exposed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from surveys import ROWS, SHIPPED, SURVEY

import motivlab as ml
from motivlab.codebook import codebook
from motivlab.dictionaries import DDI, limits, write_ddi, write_table_schema
from motivlab.language import LANGUAGES
from motivlab.questionnaire import Choice, Question, Questionnaire, Repeat

PARTICIPANTS = SHIPPED.parent / "programme_participants"
FOLDERS = pytest.mark.parametrize("folder", [SHIPPED, PARTICIPANTS], ids=lambda folder: folder.name)

# The elements of DDI-Codebook 2.5 that are used here, each with the order of its children in codebook.xsd, as far as
# they are used: "*" any number, "?" at most one, "" exactly one.
ORDER = {
    "codeBook": ["stdyDscr", "fileDscr*", "dataDscr*"],
    "stdyDscr": ["citation", "stdyInfo*", "method*", "dataAccs*", "notes*"],
    "citation": ["titlStmt", "prodStmt?"],
    "titlStmt": ["titl", "parTitl*"],
    "prodStmt": ["software*", "fundAg*"],
    "stdyInfo": ["abstract*", "sumDscr*"],
    "sumDscr": ["collDate*", "universe*", "dataKind*"],
    "method": ["dataColl*"],
    "dataColl": ["sampProc*", "collMode*", "sources?", "weight*"],
    "sources": ["dataSrc*"],
    "dataAccs": ["useStmt*"],
    "useStmt": ["conditions?"],
    "fileDscr": ["fileTxt*"],
    "fileTxt": ["fileName?", "fileStrc?", "dimensns?", "fileType*"],
    "dimensns": ["caseQnty*", "varQnty*"],
    "fileStrc": [],
    "dataDscr": ["varGrp*", "var*"],
    "varGrp": ["labl*", "universe?"],
    "var": ["labl*", "qstn*", "valrng*", "universe*", "sumStat*", "catgry*", "varFormat?", "notes*"],
    "qstn": ["qstnLit*"],
    "valrng": ["range*"],
    "range": [],
    "varFormat": [],
    "catgry": ["catValu?", "labl*", "catStat*"],
}
ATTRIBUTES = {
    "var": {"ID", "name", "files", "wgt", "intrvl"}, "varGrp": {"ID", "type", "var", "name"},
    "catgry": {"missing", "missType"}, "catStat": {"type"}, "sumStat": {"wgtd", "type", "otherType"},
    "range": {"min", "max"}, "varFormat": {"type", "category"}, "notes": {"type"}, "collDate": {"event", "date"},
    "fileDscr": {"ID"}, "fileStrc": {"type"}, "codeBook": {"version"},
}  # fmt: skip


def ddi(survey: ml.Survey, file: Path) -> ET.Element:
    write_ddi(survey, file)
    return ET.parse(file).getroot()


def found(root: ET.Element, path: str) -> list[ET.Element]:
    return root.findall("/".join(f"{{{DDI}}}{name}" for name in path.split("/")))


def valid(element: ET.Element) -> None:
    """Refuse what codebook.xsd would refuse in an element and all in it."""
    name = element.tag.removeprefix(f"{{{DDI}}}")
    names = [child.tag.removeprefix(f"{{{DDI}}}") for child in element]
    order = [rule.rstrip("*?") for rule in ORDER.get(name, [])]
    assert [order.index(child) for child in names] == sorted(order.index(child) for child in names), name
    for rule in ORDER.get(name, []):
        count = names.count(rule.rstrip("*?"))
        assert rule.endswith("*") or count == 1 or (rule.endswith("?") and count == 0), (name, rule)
    own = {key for key in element.attrib if not key.startswith("{http://www.w3.org/XML/1998/namespace}")}
    assert own <= ATTRIBUTES.get(name, set()), name
    for child in element:
        valid(child)


# --------------------------------------------------------------------------------------------------------------- DDI


@FOLDERS
@pytest.mark.parametrize("language", LANGUAGES)
def test_ddi_keeps_the_order_of_the_standard(folder: Path, language: str, tmp_path: Path) -> None:
    survey = ml.open_survey(folder, language)
    root = ddi(survey, tmp_path / "ddi.xml")
    valid(root)
    assert root.get("version") == "2.5"
    ids = [element.get("ID", "") for element in root.iter() if element.get("ID")]
    assert len(set(ids)) == len(ids)
    for group in found(root, "dataDscr/varGrp"):
        assert set(str(group.get("var")).split()) <= set(ids)
    assert [one.get("name") for one in found(root, "dataDscr/var")] == list(survey.responses)


def test_ddi_says_what_the_survey_says(shipped: ml.Survey, tmp_path: Path) -> None:
    root = ddi(shipped, tmp_path / "ddi.xml")
    variables = {one.get("name"): one for one in found(root, "dataDscr/var")}
    xml = "{http://www.w3.org/XML/1998/namespace}lang"
    labels = {one.get(xml): one.text for one in found(variables["region"], "qstn/qstnLit")}
    assert labels == dict(shipped.questionnaire["region"].labels)
    assert found(variables["grounds/age"], "universe")[0].text == "${encountered} = 'yes'"
    assert found(variables["age"], "valrng/range")[0].attrib == {"min": "18", "max": "75"}
    assert variables["weight"].get("wgt") == "wgt"
    refused = next(c for c in found(variables["disability"], "catgry") if c.get("missing") == "Y")
    assert (refused.get("missType"), found(refused, "catStat")[0].text) == ("refused", "13")
    groups = {one.get("name"): one for one in found(root, "dataDscr/varGrp")}
    assert groups["grounds"].get("type") == "multipleResp"
    assert len(str(groups["grounds"].get("var")).split()) == 12
    assert groups["About you"].get("type") == "section"
    assert [one.get("date") for one in root.iter(f"{{{DDI}}}collDate")] == ["2021-10-04", "2021-10-29"]


@FOLDERS
def test_ddi_holds_no_count_that_the_codebook_hides(folder: Path, tmp_path: Path) -> None:
    survey = ml.open_survey(folder)
    root = ddi(survey, tmp_path / "ddi.xml")
    told = codebook(survey).frame.set_index(["question", "code"])["n"]
    for variable in found(root, "dataDscr/var"):
        name, _, choice = str(variable.get("name")).partition("/")
        for category in found(variable, "catgry"):
            code, freq = found(category, "catValu")[0].text, found(category, "catStat")
            if not choice:
                assert (int(freq[0].text or "") if freq else None) == (
                    None if pd.isna(told[name, code]) else told[name, code]
                )
            elif freq and code == "0":  # who did not choose it: neither is this one small
                assert not 0 < int(freq[0].text or "") < 20


def test_markup_and_odd_characters_are_escaped(small: Callable[..., Path], tmp_path: Path) -> None:
    odd = SURVEY.replace("Gender", "Sex <&> “gender”").replace("Пол", "الجنس")
    root = ddi(ml.open_survey(small(survey=odd)), tmp_path / "ddi.xml")
    labels = [one.text for one in found(root, "dataDscr/var/labl")]
    assert "Sex <&> “gender”" in labels
    assert "الجنس" in labels


# ------------------------------------------------------------------------------------------------------ Table Schema


def described(survey: ml.Survey, folder: Path, tmp_path: Path) -> Path:
    shutil.copy(folder / "responses.csv", tmp_path / "responses.csv")
    write_table_schema(survey, tmp_path / "datapackage.json")
    return tmp_path / "datapackage.json"


@pytest.mark.filterwarnings("ignore")  # of frictionless itself
@FOLDERS
def test_frictionless_finds_the_shipped_responses_valid_and_a_wrong_code(folder: Path, tmp_path: Path) -> None:
    import frictionless

    file = described(ml.open_survey(folder), folder, tmp_path)
    report = frictionless.validate(str(file))
    assert report.valid, report.flatten(["rowNumber", "fieldName", "note"])[:5]
    data = pd.read_csv(tmp_path / "responses.csv", dtype="str")
    data.loc[2, "gender"] = "womn"
    data.loc[3, "age"] = "7"
    data.loc[4, data.columns[0]] = data.loc[5, data.columns[0]]
    data.to_csv(tmp_path / "responses.csv", index=False)
    faults = frictionless.validate(str(file)).flatten(["rowNumber", "fieldName", "type"])
    assert [4, "gender", "constraint-error"] in faults
    assert [5, "age", "constraint-error"] in faults
    assert any(fault[0] == 7 and fault[2] in ("primary-key", "unique-error") for fault in faults)


def fields(survey: ml.Survey, file: Path) -> dict[str, Any]:
    write_table_schema(survey, file)
    package = json.loads(file.read_text(encoding="utf-8"))
    return {field["name"]: field for field in package["resources"][0]["schema"]["fields"]}


def test_fields_say_what_the_questionnaire_says(shipped: ml.Survey, tmp_path: Path) -> None:
    of = fields(shipped, tmp_path / "d.json")
    assert list(of) == list(shipped.responses)
    assert of["age"]["constraints"] == {"minimum": 18, "maximum": 75, "required": True}
    assert of["disability"]["missingReasons"] == {"refused": "refused"}
    assert of["disability"]["missingValues"] == ["", "refused"]
    assert of["region"]["categories"][0] == {"value": "riga", "label": "Riga"}
    assert of["region"]["categoryLabels"]["riga"]["lv"] == "Rīga"
    assert of["grounds/age"]["multipleResponse"] == "grounds"
    assert of["grounds/age"]["constraints"] == {"enum": [0, 1]}
    assert of["grounds_other"]["relevant"] == "selected(${grounds}, 'other')"
    assert of["respondent"]["constraints"] == {"required": True, "unique": True}
    assert "constraint" not in of["age"]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        (Question("a", "integer"), ("", "")),
        (Question("a", "integer", constraint=". >= 9 and . <= 10"), ("9", "10")),
        (Question("a", "integer", constraint=". >= 9 and . >= 10"), ("10", "")),
        (Question("a", "integer", constraint=". <= 9 and (. <= 10)"), ("", "9")),
        (Question("a", "range", extra={"parameters": "start=0 end=10 step=1"}), ("0", "10")),
        (Question("a", "date", constraint=". >= '2018-02-01'"), ("2018-02-01", "")),
        (Question("a", "integer", constraint=". > 9"), None),
        (Question("a", "integer", constraint=". >= 9 or . = 1"), None),
        (Question("a", "integer", constraint=". >= ${b}"), None),
    ],
)
def test_limits_are_taken_over_where_they_are_exact(question: Question, found: tuple[str, str] | None) -> None:
    assert limits(question) == found


@pytest.mark.filterwarnings("ignore")
def test_a_repeat_is_a_table_of_its_own(shipped: ml.Survey, tmp_path: Path) -> None:
    import frictionless

    inner = Questionnaire((Question("works", "select_one", {"en": "Works?"}, (Choice("yes"), Choice("no")), "yn"),))
    form = replace(shipped.questionnaire, repeats=(Repeat("member", inner, {"en": "Members"}),))
    table = pd.DataFrame({"member_id": ["1/1", "1/2"], "respondent": shipped.responses["respondent"][:2].to_numpy(),
                          "works": ["yes", "no"]})  # fmt: skip
    survey = replace(shipped, questionnaire=form, repeats={"member": table})
    file = described(survey, SHIPPED, tmp_path)
    table.to_csv(tmp_path / "member.csv", index=False)
    assert frictionless.validate(str(file)).valid
    table.assign(respondent="nobody").to_csv(tmp_path / "member.csv", index=False)
    assert not frictionless.validate(str(file)).valid
    root = ddi(survey, tmp_path / "ddi.xml")
    valid(root)
    assert [one.text for one in found(root, "fileDscr/fileTxt/fileName")] == ["responses.csv", "member.csv"]


# -------------------------------------------------------------------------------------------------------------- both


@pytest.mark.parametrize(("write", "ending"), [(write_ddi, ".xml"), (write_table_schema, ".json")])
def test_bytes_are_stable_and_endings_checked(
    write: Callable[..., list[str]], ending: str, shipped: ml.Survey, tmp_path: Path
) -> None:
    notes = write(shipped, tmp_path / f"a{ending}")
    write(shipped, tmp_path / f"b{ending}")
    assert (tmp_path / f"a{ending}").read_bytes() == (tmp_path / f"b{ending}").read_bytes()
    assert notes
    with pytest.raises(ValueError, match=f"c.txt: this dictionary is written as \\{ending}"):
        write(shipped, tmp_path / "c.txt")
    assert not (tmp_path / "c.txt").exists()


def test_a_small_survey_tells_no_number(small: Callable[..., Path], tmp_path: Path) -> None:
    root = ddi(ml.open_survey(small(rows=ROWS)), tmp_path / "ddi.xml")
    assert not list(root.iter(f"{{{DDI}}}catStat"))
    assert not list(root.iter(f"{{{DDI}}}sumStat"))
    assert not list(root.iter(f"{{{DDI}}}caseQnty"))
