"""From an SPSS file to a survey folder, on files made here; the real one is in test_real.py."""

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

import motivlab as ml
from motivlab.codes import as_texts
from motivlab.files import ReadError
from motivlab.sav_records import ResponseSet, _records, check_dictionary, finish
from motivlab.spss import read_spss, split_wording


def declare_weight(file: Path, slot: int) -> None:
    """Write the position of the case weight into the header, which pyreadstat cannot."""
    data = bytearray(file.read_bytes())
    data[76:80] = struct.pack("<i", slot)
    file.write_bytes(data)


@pytest.fixture
def sav(tmp_path: Path) -> Path:
    frame = pd.DataFrame(
        {
            "name": ["Anna Bērziņa, Rīga", "b", "", "d"],
            "resp_id": [11.0, 12.0, 13.0, 14.0],
            "svars": [0.5, 1.5, 1.0, 1.0],
            "sex": [1.0, 2.0, 9.0, np.nan],
            "age": [30.0, -8.0, 45.0, 60.0],
            "children": [0.0, 1.0, 2.0, 3.0],
            "income": [1000.5, 2000.0, -1.0, 10.0],
            "born": pd.to_datetime(["1990-01-31", "1980-02-28", None, "1960-12-01"]),
            "odd": [1.0, 2.0, 77.0, 1.0],
        }
    )
    file = tmp_path / "aptauja.sav"
    pyreadstat.write_sav(
        frame,
        str(file),
        column_labels={"sex": "Jūsu dzimums", "age": "Vecums", "svars": "Svērums"},
        variable_value_labels={
            "sex": {1: "Vīrietis", 2: "Sieviete", 9: "Atteicās atbildēt"},
            "age": {-8: "Refused"},
            "children": {0: "none"},
            "odd": {77: "???"},
        },
        missing_ranges={"sex": [9], "age": [-8], "income": [{"lo": -9, "hi": -1}], "odd": [77]},
        variable_format={"born": "DATE11"},
    )
    return file


def test_labels_missing_codes_types_and_the_id(sav: Path) -> None:
    draft = read_spss(sav)
    form = draft.questionnaire
    assert draft.respondent_id == "resp_id"
    assert {q.name: q.type for q in form} == {
        "name": "text", "sex": "select_one", "age": "integer", "children": "select_one", "income": "decimal",
        "born": "date", "odd": "integer",
    }  # fmt: skip
    assert form["sex"].label("") == "Jūsu dzimums"
    assert [(c.name, c.label(""), c.missing) for c in form["sex"].choices] == [
        ("1", "Vīrietis", ""), ("2", "Sieviete", ""), ("9", "Atteicās atbildēt", "refused"),
    ]  # fmt: skip
    assert form["age"].missing == {"-8": "refused"}
    assert form["income"].missing == {"-1": "invalid"}
    assert [c.label("") for c in form["children"].choices] == ["none", "1", "2", "3"]
    assert as_texts(draft.responses["born"]).tolist() == ["1990-01-31", "1980-02-28", "", "1960-12-01"]
    said = "\n".join(draft.notes)
    assert "children: the codes 1, 2, 3 have no label" in said
    assert "odd: the user-missing code 77 (???) is read as 'invalid'" in said
    assert "routing: an SPSS file does not hold it" in said


def test_the_weight_the_file_declares_goes_before_a_likely_name(sav: Path) -> None:
    draft = read_spss(sav)
    assert draft.weight == "svars"
    assert "weight: svars, by its name or label" in "\n".join(draft.notes)
    # the text variable takes three slots of eight bytes, so income is in slot 3 + 6
    declare_weight(sav, 3 + 6)
    draft = read_spss(sav)
    assert draft.weight == "income"
    assert "weight: income, which the file declares" in "\n".join(draft.notes)
    assert "other columns that look like weights are kept as questions: svars" in "\n".join(draft.notes)


def test_the_folder_opens_and_checks(sav: Path, tmp_path: Path) -> None:
    draft, left = ml.import_survey(sav, tmp_path / "new")
    survey = ml.open_survey(tmp_path / "new")
    assert set(survey.check().findings["variable"]) <= {"name"}  # a name in the data identifies a person
    assert survey.about.to_fill == left
    assert survey.responses["name"].iloc[0] == "Anna Bērziņa, Rīga"
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "README.md", "questionnaire", "responses.csv", "survey.yml",
    ]  # fmt: skip
    readme = (tmp_path / "new" / "README.md").read_text(encoding="utf-8")
    assert all(note in readme for note in draft.notes)


def test_nothing_is_overwritten_and_nothing_left_half_written(
    sav: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ml.import_survey(sav, tmp_path / "new")
    before = {p.name: p.read_bytes() for p in (tmp_path / "new").glob("*.*")}
    with pytest.raises(FileExistsError, match="it exists already"):
        ml.import_survey(sav, tmp_path / "new")
    assert before == {p.name: p.read_bytes() for p in (tmp_path / "new").glob("*.*")}

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("motivlab.drafts._write_yaml", fail)
    with pytest.raises(OSError, match="disk full"):
        ml.import_survey(sav, tmp_path / "other")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["aptauja.sav", "new"]


@pytest.mark.parametrize(
    ("name", "content", "error", "said"),
    [
        ("none.sav", None, FileNotFoundError, "no such file"),
        ("text.sav", b"not an SPSS file at all", ReadError, "cannot be read as an SPSS file"),
        ("empty.sav", b"", ReadError, "cannot be read as an SPSS file"),
        ("data.doc", b"a,b\n1,2\n", ReadError, r"(read|imported) from .*\.sav"),
    ],
)
def test_files_that_are_none(tmp_path: Path, name: str, content: bytes | None, error: type, said: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=said):
        ml.import_survey(tmp_path / name, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_the_wording_a_set_shares() -> None:
    assert split_wording(["Age - Was it so?", "Sex - Was it so?"]) == ("Was it so?", ["Age", "Sex"])
    assert split_wording(["Was it so? - Age", "Was it so? - Sex"]) == ("Was it so?", ["Age", "Sex"])
    assert split_wording(["Age", "Sex"]) == ("", ["Age", "Sex"])
    assert split_wording(["Only one - here"]) == ("", ["Only one - here"])


def texts(frame: pd.DataFrame) -> list[list[str]]:
    """The cells as codes."""
    return np.stack([as_texts(frame[column]) for column in frame], axis=1).tolist()


def test_a_set_of_categories(tmp_path: Path) -> None:
    frame = pd.DataFrame({"m1": [1.0, 2.0, np.nan, 9.0], "m2": [3.0, np.nan, np.nan, np.nan]})
    file = tmp_path / "c.sav"
    labels = {v: {1: "bus", 2: "tram", 3: "walk", 9: "Refused"} for v in frame}
    pyreadstat.write_sav(frame, str(file), variable_value_labels=labels, missing_ranges={"m1": [9], "m2": [9]})
    finish(file, "", [ResponseSet("how", "How", None, ("m1", "m2"))])
    draft = read_spss(file)
    assert [c.label("") for c in draft.questionnaire["how"].answers] == ["bus", "tram", "walk"]
    assert texts(draft.responses.filter(like="how/")) == [
        ["1", "0", "1"], ["0", "1", "0"], ["", "", ""], ["9", "9", "9"],
    ]  # fmt: skip
    assert texts(draft.responses[["m1", "m2"]])[0] == ["1", "3"]  # the order of the mentions


def test_a_set_that_records_ticks_only(tmp_path: Path) -> None:
    """The commonest coding in SPSS: 1 where ticked, system-missing elsewhere."""
    frame = pd.DataFrame({"t1": [1.0, np.nan, 1.0, np.nan], "t2": [np.nan, 1.0, 1.0, np.nan]})
    file = tmp_path / "t.sav"
    pyreadstat.write_sav(frame, str(file))
    finish(file, "", [ResponseSet("q", "Q", "1", ("t1", "t2"))])
    draft = read_spss(file)
    assert texts(draft.responses.filter(like="q/")) == [["1", "0"], ["0", "1"], ["1", "1"], ["", ""]]
    assert "set q: only ticks are recorded" in "\n".join(draft.notes)


def test_odd_names_texts_times_and_numbers_survive(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "resp_id": [1234567890123456.0, 1234567890123457.0, 1234567890123458.0],
            "a$b": [1.0, 2.0, 1.0],
            "said": ["one\rtwo", "no ans", " three "],
            "code": ["A", " A", "B"],
            "at": pd.to_datetime(["2021-10-04 13:45:10", "2021-10-05 09:00:00", None]),
            "fine": [0.1, 1 / 3, 2e-7],
        }
    )
    file = tmp_path / "odd.sav"
    pyreadstat.write_sav(
        frame,
        str(file),
        missing_ranges={"said": ["no ans"]},
        variable_value_labels={"code": {"A": "First", "B": "Second"}},
    )
    ml.import_survey(file, tmp_path / "odd")
    survey = ml.open_survey(tmp_path / "odd")
    assert survey.check().ok
    assert len(survey.responses) == 3
    assert survey.responses["resp_id"].tolist() == ["1234567890123456", "1234567890123457", "1234567890123458"]
    assert survey.responses["said"].tolist() == ["one\ntwo", "no ans", " three"]
    assert survey.questionnaire["said"].missing == {"no ans": "invalid"}
    assert survey.responses["code"].tolist() == ["A", "A", "B"]
    assert survey.responses["at"].iloc[0] == "2021-10-04T13:45:10"
    assert survey.responses["fine"].tolist() == [0.1, 1 / 3, 2e-7]
    assert survey.responses["a$b"].tolist() == [1, 2, 1]


@pytest.mark.parametrize(("page", "declared"), [("cp1257", "windows-1257"), ("cp1251", "windows-1251"), ("cp1257", "")])
def test_texts_of_a_code_page_declared_or_not(tmp_path: Path, page: str, declared: str) -> None:
    wording, town = ("Привет", "Мать") if page == "cp1251" else ("Šķēres", "Rīga")
    file = tmp_path / "page.sav"
    frame = pd.DataFrame({"a": [1.0, 2.0], "s": ["XXXX", "b"]})
    pyreadstat.write_sav(frame, str(file), column_labels={"a": "YYYYYY"})
    data = file.read_bytes().replace(b"XXXX", town.encode(page)).replace(b"YYYYYY", wording.encode(page))
    utf8, other = b"\x14\0\0\0\x01\0\0\0\x05\0\0\0UTF-8", declared.encode()
    record = b"\x14\0\0\0\x01\0\0\0" + len(other).to_bytes(4, "little") + other
    file.write_bytes(data.replace(utf8, record) if declared else data)
    draft = read_spss(file)
    assert draft.questionnaire["a"].label("") == wording
    assert draft.responses["s"].tolist() == [town, "b"]
    said = "encoding: not the one that the file declares; read as WINDOWS-1257" in "\n".join(draft.notes)
    assert said == (not declared)


FLIPS = """
import sys, warnings
from pathlib import Path
from motivlab.files import ReadError
from motivlab.sav_records import check_dictionary
from motivlab.spss import _read, ENCODINGS

warnings.simplefilter("ignore")
whole, size = Path(sys.argv[1]), int(sys.argv[2])
data, bad = whole.read_bytes(), whole.with_stem("bad")
refused = 0
for place in range(64, size):
    for value in {255, data[place] ^ 1} - {data[place]}:
        bad.write_bytes(data[:place] + bytes([value]) + data[place + 1 :])
        print(place, value, flush=True)
        try:
            encodings = check_dictionary(bad, ENCODINGS)
        except ReadError:
            refused += 1
            continue
        try:
            _read(bad, encodings, False)
        except Exception:
            refused += 1
print("refused", refused)
"""


@pytest.mark.parametrize("ending", [".sav", ".zsav"])
def test_no_flipped_byte_of_a_dictionary_ends_the_process(tmp_path: Path, ending: str) -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "s": ["ā", "b"], "long": ["x" * 9, "y"], "n": [8.0, 9.0]})
    file = tmp_path / f"whole{ending}"
    labels: dict[str, dict[float | str, str]] = {"a": {1.0: "yes"}, "s": {"ā": "A"}}
    pyreadstat.write_sav(
        frame, file, compress=ending == ".zsav", variable_value_labels=labels, missing_ranges={"a": [9], "s": ["b"]}
    )
    assert check_dictionary(file, ["WINDOWS-1251"]) == (None, "WINDOWS-1251")
    with file.open("rb") as stream:
        size = _records(stream).end + 8
    size = len(file.read_bytes()) if ending == ".zsav" else size
    ran = subprocess.run(
        [sys.executable, "-c", FLIPS, str(file), str(size)], capture_output=True, text=True, timeout=60, check=False
    )
    last = ran.stdout.splitlines()[-1]
    assert ran.returncode == 0, f"byte and value {last}: {ran.stderr[-300:]}"
    assert int(last.split()[1]) > size / 8


def test_a_dictionary_that_contradicts_itself(tmp_path: Path) -> None:
    file = tmp_path / "x.sav"
    frame = pd.DataFrame({"id": [1.0, 2.0], "sex": [1.0, 2.0], "said": ["ab", "c"]})
    pyreadstat.write_sav(frame, file, variable_value_labels={"sex": {1.0: "f"}})
    data = file.read_bytes()
    with file.open("rb") as stream:
        end = _records(stream).end
    named = data.index(struct.pack("<3i", 4, 1, 2))
    for at, said, value in [
        (180, "byte 176: a variable of width -1 does not belong here", struct.pack("<i", -1)),
        (180, "byte 176: a variable of width 96 has a format of another kind", struct.pack("<i", 96)),
        (244, "byte 272: 11 records of the variable before it are missing", struct.pack("<i", 96)),
        (180, "byte 176: a variable of width 65536 does not belong here", struct.pack("<i", 65_536)),
        (198, "byte 176: a variable of width 0 has a format of another kind", b"\1"),
        (188, "byte 176: 0 labels and 7 missing values", struct.pack("<i", 7)),
        (named + 8, r"value labels of a variable that is not there \(place 127\)", struct.pack("<i", 127)),
        (named + 4, "no variables of the value labels", struct.pack("<i", 1 << 30)),
        (end, "a record of type 5", struct.pack("<i", 5)),
        (64, "byte 64: the layout is neither 2 nor 3", b"\7"),
    ]:  # fmt: skip
        bad = tmp_path / "bad.sav"
        bad.write_bytes(data[:at] + value + data[at + len(value) :])
        with pytest.raises(ReadError, match=said) as caught:
            read_spss(bad)
        assert "bad.sav: its dictionary is damaged" in str(caught.value)


def test_a_long_text_without_room(tmp_path: Path) -> None:
    file = tmp_path / "long.sav"
    pyreadstat.write_sav(pd.DataFrame({"long": ["x" * 600, "y"], "n": [1.0, 2.0]}), file)
    assert read_spss(file).responses["long"].tolist() == ["x" * 600, "y"]
    file.write_bytes(file.read_bytes().replace(b"=00600", b"=09600"))
    with pytest.raises(ReadError, match=r"long\.sav: .* the 9,600 bytes of the long text 'LONG' have no room"):
        read_spss(file)


def test_text_codes_with_labels_in_another_encoding_than_declared(tmp_path: Path) -> None:
    file = tmp_path / "page.sav"
    pyreadstat.write_sav(pd.DataFrame({"s": ["XX", "b"]}), file, variable_value_labels={"s": {"XX": "one", "b": "two"}})
    file.write_bytes(file.read_bytes().replace(b"XX", "šķ".encode("cp1257")))
    draft = read_spss(file)
    assert draft.responses["s"].tolist() == ["šķ", "b"]
    assert [(c.name, c.label("")) for c in draft.questionnaire["s"].choices] == [("b", "two"), ("šķ", "one")]
