"""From a Stata file to a survey folder, and back."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from test_writers import same_file, through_a_folder

import motivlab as ml
from motivlab.codes import as_texts
from motivlab.files import ReadError
from motivlab.stata import read_stata
from motivlab.stata_out import stata_name


def write(file: Path, version: int = 14, latvian: bool = False) -> Path:
    """All that a Stata file can hold, or what an old one can."""
    nan = np.nan
    data = {
        "id": np.arange(6) + 1.0,
        "sex": [1.0, 2.0, "a", "b", None, 1.0],
        "age": [30.0, "c", 40.0, 41.0, None, 5.0],
        "inc": [1.5, 2, nan, 3, 4, 5],
        "day": [18000.0, 18001, nan, 1, 2, 3],
        "at": [1.5e12, 1.5e12 + 1, nan, 0, 1, 2],
        "month": [700.0, 701, nan, 1, 2, 3],
        "only": ["a", "b", "a", None, "a", "a"],
        "w": [0.5, 1.5, 1, 1, 1, 1.2],
        "text": ["Ļoti garš " + "ņ" * (3000 if version > 12 else 20), "Привет", "", "a", " b", "c"],
    }
    if version < 14 and not latvian:  # nothing but 8 bit letters, of a code page that the file does not name
        data["text"] = ["plain", "", "", "a", " b", "c"]
    lv = latvian or version > 13
    refused = "Atteicās" if lv else "Refused"
    pyreadstat.write_dta(
        pd.DataFrame(data), file, version=version, file_label="Ļoti" if lv else "Very",
        column_labels={"sex": "Gender" if not lv else "Jūsu dzimums", "w": "weight"},
        variable_value_labels={
            "sex": {1: "Vīrietis" if lv else "Man", 2: "Woman", "a": refused, "b": "Don't know"},
            "age": {"c": "Refused"}, "only": {1: "x", "a": "Not asked"}, "inc": {1: "one"},
        },
        missing_user_values={"sex": ["a", "b"], "age": ["c"], "only": ["a", "b"]},
        variable_format={"day": "%td", "at": "%tc", "month": "%tm"},
    )  # fmt: skip
    return file


def test_labels_letters_dates_and_texts(tmp_path: Path) -> None:
    draft = read_stata(write(tmp_path / "a.dta"))
    form = draft.questionnaire
    assert (draft.respondent_id, draft.weight) == ("id", "w")
    assert [(c.name, c.label(""), c.missing) for c in form["sex"].choices] == [
        ("1", "Vīrietis", ""), ("2", "Woman", ""), (".a", "Atteicās", "refused"), (".b", "Don't know", "dont_know"),
    ]  # fmt: skip
    assert form["sex"].label("") == "Jūsu dzimums"
    assert form["age"].type == "integer"
    assert form["age"].missing == {".c": "refused"}
    assert form["only"].missing_codes == {".a": "not_asked", ".b": "invalid"}
    cells = {name: as_texts(draft.responses[name]).tolist() for name in draft.responses}
    assert cells["sex"] == ["1", "2", ".a", ".b", "", "1"]
    assert cells["age"] == ["30", ".c", "40", "41", "", "5"]
    assert cells["day"][:3] == ["2009-04-13", "2009-04-14", ""]
    assert cells["at"][1] == "2007-07-14T02:40:00.001"
    assert cells["month"][:3] == ["2018-05-01", "2018-06-01", ""]
    assert cells["text"][0] == "Ļoti garš " + "ņ" * 3000
    assert cells["only"] == [".a", ".b", ".a", "", ".a", ".a"]


@pytest.mark.parametrize("version", [8, 10, 12, 13, 14, 15])
def test_a_file_of_any_version_comes_back(tmp_path: Path, version: int) -> None:
    file = write(tmp_path / "a.dta", version)
    out, notes = through_a_folder(file, tmp_path / "s")
    same_file(file, out)
    assert "weight: a Stata file declares none. Use [pweight = w]." in notes


def test_the_letters_of_an_old_file_are_found_out_and_said(tmp_path: Path) -> None:
    draft = read_stata(write(tmp_path / "a.dta", 13, latvian=True))  # in UTF-8, which Stata 13 does not know
    assert "encoding: a file of Stata 13 or earlier does not say it; read as UTF-8." in "\n".join(draft.notes)
    assert draft.questionnaire["sex"].label("") == "Jūsu dzimums"


def test_long_names_and_labels(tmp_path: Path) -> None:
    name = "garš_mainīgā_nosaukums_ar_garumz"
    assert len(name) == 32
    survey = ml.Survey.from_frame(
        pd.DataFrame({name: ["jā", "nē"] * 2, f"{name}īmēm": [1, 2] * 2, "int": [1, 2, 3, 4]})
    )
    from motivlab.stata_out import write_dta

    notes = "\n".join(write_dta(survey, tmp_path / "a.dta"))
    frame, meta = pyreadstat.read_dta(tmp_path / "a.dta")
    assert [name, f"{name[:-2]}_2", "int_"] == [c for c in frame if c not in ("respondent", "respondent_number")]
    assert meta.variable_value_labels[name] == {1: "jā", 2: "nē"}
    assert "is no free name in Stata" in notes
    assert f"{name}: its codes are numbered (1 is jā, 2 is nē)." in notes


def test_names() -> None:
    assert stata_name("_all") == "_all_"
    assert stata_name("a" * 40, {"a" * 32}) == "a" * 30 + "_2"


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_stata(tmp_path / "none.dta")
    (tmp_path / "a.dta").write_bytes(b"$FL2 not Stata at all")
    with pytest.raises(ReadError, match="cannot be read as a Stata file"):
        read_stata(tmp_path / "a.dta")
    whole = write(tmp_path / "b.dta").read_bytes()
    (tmp_path / "b.dta").write_bytes(whole[:-100])
    with pytest.raises(ReadError, match="its end is missing"):
        read_stata(tmp_path / "b.dta")
