"""A survey out: the round trips change nothing, and what a format cannot hold is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from surveys import REAL

import motivlab as ml
from motivlab.cli import main
from motivlab.codes import as_texts
from motivlab.drafts import survey_of
from motivlab.files import ReadError
from motivlab.sav_records import ResponseSet, finish, read_weight_and_sets
from motivlab.spss import EPOCH, read_spss
from motivlab.spss_out import valid_name, write_sav
from motivlab.stata import read_stata
from motivlab.stata_out import write_dta
from motivlab.writers import write_survey

Small = Callable[..., Path]
DAY = 86_400.0
SAID = (
    "column_names_to_labels", "variable_value_labels", "missing_ranges", "variable_measure", "variable_display_width",
    "original_variable_types", "file_label", "notes", "missing_user_values",
)  # fmt: skip


def same_file(one: Path, other: Path, but: frozenset[str] = frozenset()) -> None:
    """Both files hold the same values, labels, missing values, formats, order of columns, sets and weight."""
    read = pyreadstat.read_dta if one.suffix == ".dta" else pyreadstat.read_sav
    (a, said_a), (b, said_b) = (read(f, user_missing=True, disable_datetime_conversion=True) for f in (one, other))
    assert list(a) == list(b)
    for column in a:
        assert a[column].astype(object).equals(b[column].astype(object)), column
    for key in SAID:
        if key not in but:
            assert getattr(said_a, key) == getattr(said_b, key), key
    if one.suffix != ".dta":
        assert read_weight_and_sets(one) == read_weight_and_sets(other)


def through_a_folder(file: Path, folder: Path) -> tuple[Path, list[str]]:
    """The file, read into a folder, opened and written again."""
    ml.import_survey(file, folder)
    out = folder.with_suffix(file.suffix)
    return out, (write_dta if file.suffix == ".dta" else write_sav)(ml.open_survey(folder), out)


@pytest.fixture
def everything(tmp_path: Path) -> Path:
    """All that an SPSS file can hold."""
    nan, rows = np.nan, 12
    frame = pd.DataFrame(
        {
            "resp_id": np.arange(rows) + 1.0,
            "dzimums": [1, 2, 9, nan] * 3,
            "ienakumi": [100.5, -3, -5, 99, nan, 20] * 2,
            "pilseta": ["RIX", "LPX", "", "999"] * 3,
            "ļoti_garš_mainīgā_nosaukums_ar_garumzīmēm": [1.0, 2, 3] * 4,
            "teksts": ["ņ" * 300, "Привет, мир", "", " a"] * 3,
            "diena": [EPOCH + DAY * 18_000, EPOCH + DAY * 18_001, nan] * 4,
            "brīdis": [EPOCH + DAY * 18_000 + 3661.5, EPOCH + 1.0, nan] * 4,
            "stundas": [3600 * 27.0 + 61, 0, nan] * 4,
            "ceturksnis": [EPOCH + DAY * 17_897, nan] * 6,
            "t1": [1.0, 0, -9, nan] * 3,
            "t2": [0.0, 0, -9, nan] * 3,
            "u1": [1.0, nan] * 6,
            "u2": [nan, nan, 1.0] * 4,
            "y1": ["Ja", "Ne", ""] * 4,
            "y2": ["Ja", "", "Ja"] * 4,
            "m1": [3.0, 1, nan, 9] * 3,
            "m2": [1.0, nan, nan, nan] * 3,
            "nolabel": [1.0, 2] * 6,
            "tukšs": [nan] * rows,
            "svars": [0.5, 1.5, 1] * 4,
            "dz": [5.0, 6] * 6,
        }
    )
    modes = {1: "bus", 2: "tram", 3: "kājām", 9: "Refused"}
    ticks = {0: "Nē", 1: "Jā", -9: "Not asked"}
    file = tmp_path / "viss.sav"
    pyreadstat.write_sav(
        frame, file, file_label="Aptauja", note=["pirmais", "otrais"],
        column_labels={
            "dzimums": "Jūsu dzimums", "ienakumi": "Ienākumi: bruto", "t1": "Vecums – Vai piedzīvojāt?",
            "t2": "Dzimums – Vai piedzīvojāt?", "y1": "viens", "m1": "Kā braucat?", "resp_id": "Numurs",
        },
        variable_value_labels={
            "dzimums": {1: "Vīrietis", 2: "Sieviete", 9: "Atteicās"}, "m1": modes, "m2": modes, "t1": ticks,
            "t2": ticks, "ienakumi": {-3: "Nezinu", 99: "Neattiecas", 0: "nekas"}, "pilseta": {"RIX": "Rīga"},
            "ļoti_garš_mainīgā_nosaukums_ar_garumzīmēm": {1: "a", 2: "b", 7: "neizvēlēts"},
            "diena": {EPOCH + DAY * 18_001: "svētki"}, "tukšs": {1: "viens"}, "nolabel": {1: "tikai viens"},
            "y1": {"Ja": "Jā"},
        },
        missing_ranges={
            "dzimums": [9], "ienakumi": [{"lo": -np.inf, "hi": -1.0}, 99], "pilseta": ["999"], "t1": [-9], "t2": [-9],
            "m1": [9], "m2": [9], "diena": [EPOCH + DAY * 18_001], "dz": [{"lo": 5.5, "hi": np.inf}],
        },
        variable_format={
            "diena": "EDATE10", "brīdis": "DATETIME23.2", "stundas": "TIME11", "ceturksnis": "QYR6",
            "ienakumi": "F8.2", "dzimums": "F1.0",
        },
        variable_measure={"dzimums": "nominal", "ienakumi": "scale", "m1": "ordinal"},
        variable_display_width={"dzimums": 12},
    )  # fmt: skip
    sets = [
        ResponseSet("t", "Pieredze", "1", ("t1", "t2")),
        ResponseSet("u", "", "1", ("u1", "u2")),
        ResponseSet("y", "Jā?", "Ja", ("y1", "y2")),
        ResponseSet("m1", "Braukšana", None, ("m1", "m2")),
        ResponseSet("over", "Pārklājas", "1", ("t1", "u1")),
    ]
    finish(file, "svars", sets)
    return file


# ------------------------------------------------------------------------------------------------- SPSS


def test_everything_an_spss_file_holds_comes_back(everything: Path, tmp_path: Path) -> None:
    out, _ = through_a_folder(everything, tmp_path / "s")
    same_file(everything, out)
    assert read_weight_and_sets(out)[0] == "svars"


def test_a_compressed_file_too_and_in_memory(everything: Path, tmp_path: Path) -> None:
    draft = read_spss(everything)
    survey = survey_of(draft, everything)
    write_sav(survey, tmp_path / "out.zsav")
    same_file(everything, tmp_path / "out.zsav")


def test_what_is_read_of_everything(everything: Path) -> None:
    draft = read_spss(everything)
    form = draft.questionnaire
    assert (draft.respondent_id, draft.weight) == ("resp_id", "svars")
    assert form["ienakumi"].missing_codes == {"-5": "invalid", "-3": "dont_know", "99": "not_asked"}
    kinds = {"diena": "date", "brīdis": "dateTime", "stundas": "time", "ceturksnis": "date", "teksts": "text"}
    assert {name: form[name].type for name in kinds} == kinds
    assert as_texts(draft.responses["brīdis"])[0] == "2019-04-14T01:01:01.5"
    assert as_texts(draft.responses["stundas"])[:3].tolist() == ["27:01:01", "00:00:00", ""]
    assert draft.sets == ("t", "u", "y", "m1_set", "over")
    assert as_texts(draft.responses["y/y1"])[:3].tolist() == ["1", "0", ""]
    assert "set over: t1 belong to another set" in " ".join(draft.notes).replace("t1, u1", "t1")


def test_the_real_file_comes_back(shed: Path, tmp_path: Path) -> None:
    write_sav(ml.open_survey(shed), tmp_path / "out.sav")
    same_file(REAL / "shed2021" / "shed2021.sav", tmp_path / "out.sav")


def test_the_syntax_declares_sets_weight_and_levels(everything: Path, tmp_path: Path) -> None:
    out, _ = through_a_folder(everything, tmp_path / "s")
    raw = out.with_suffix(".sps").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf* Encoding: UTF-8.")
    script = raw.decode("utf-8-sig").replace("\r\n", "\n")
    assert "  /MDGROUP NAME=$t LABEL='Pieredze'\n    VARIABLES=t1 t2 VALUE=1\n" in script
    assert "  /MDGROUP NAME=$y LABEL='Jā?'\n    VARIABLES=y1 y2 VALUE='Ja'\n" in script
    assert "  /MCGROUP NAME=$m1 LABEL='Braukšana'\n    VARIABLES=m1 m2\n" in script
    assert "WEIGHT BY svars." in script
    assert "VARIABLE LEVEL dzimums (NOMINAL)." in script


texts = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=60)
codes = st.lists(st.integers(-99, 99), min_size=1, max_size=8, unique=True)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_variables_come_back(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("random")
    rows = data.draw(st.integers(1, 12))
    columns: dict[str, list[object]] = {}
    labels: dict[str, dict[object, str]] = {}
    missing: dict[str, list[object]] = {}
    for i in range(data.draw(st.integers(1, 5))):
        name = f"v{i}_ā"
        kind = data.draw(st.sampled_from(["codes", "numbers", "texts"]))
        if kind == "texts":
            columns[name] = data.draw(st.lists(st.one_of(texts, st.just("")), min_size=rows, max_size=rows))
            continue
        known = [float(code) for code in data.draw(codes)]
        one = st.sampled_from(known) if kind == "codes" else st.floats(-1e9, 1e9, allow_nan=False)
        columns[name] = data.draw(st.lists(st.one_of(one, st.just(np.nan)), min_size=rows, max_size=rows))
        labels[name] = {code: data.draw(texts) for code in known if data.draw(st.booleans())}
        low, high = sorted(data.draw(st.tuples(st.integers(-99, 99), st.integers(-99, 99))))
        if data.draw(st.booleans()):
            missing[name] = [{"lo": float(low), "hi": float(high)}]
    frame = pd.DataFrame(columns)
    file = folder / "random.sav"
    pyreadstat.write_sav(frame, file, variable_value_labels=labels, missing_ranges=missing)
    out, _ = through_a_folder(file, folder / "s")
    same_file(file, out)


def test_a_survey_from_elsewhere_is_written_with_all_that_spss_takes(small: Small, tmp_path: Path) -> None:
    survey = ml.open_survey(small(), "lv")
    notes = "\n".join(write_sav(survey, tmp_path / "a.sav"))
    frame, meta = pyreadstat.read_sav(tmp_path / "a.sav", user_missing=True)
    assert meta.column_names_to_labels["sex"] == "Dzimums"
    assert meta.variable_value_labels["met"] == {"yes": "Jā", "no": "Nē", "dk": "Nezinu"}
    assert meta.missing_ranges["met"] == [{"lo": "dk", "hi": "dk"}]
    assert meta.missing_ranges["age"] == [{"lo": -8.0, "hi": -8.0}]
    assert frame["grounds_age"].tolist()[:2] == [1.0, 1.0]
    weight, sets = read_weight_and_sets(tmp_path / "a.sav")
    assert weight == "w"
    members = ("grounds_age", "grounds_gender", "grounds_other", "grounds_none")
    assert sets == (ResponseSet("grounds", "Iemesli", "1", members),)
    assert "grounds/age: the variable is named" not in notes
    assert "routing (2 questions) and limits (1): SPSS does not hold them." in notes
    assert "labels: those in lv; en, ru are left out." in notes
    assert "missing reasons (dont_know, refused): SPSS knows that a code is missing, not why." in notes


def test_each_loss_in_spss_is_said(tmp_path: Path) -> None:
    frame = pd.DataFrame({"by": [1, 2], "q": ["a", "b"], "n": [1.5, 2.5]})
    survey = ml.Survey.from_frame(frame)
    form = survey.questionnaire
    long = "ā" * 200
    reasons = {str(-code): "refused" for code in (1, 3, 5, 7, 9)}
    questions = [replace(one, labels={"": long}) if one.name != "by" else one for one in form]
    questions = [replace(one, missing=reasons) if one.name == "n" else one for one in questions]
    full = survey.responses.assign(n=[-4.0, -2.0])
    changed = ml.Survey(full, ml.Questionnaire(tuple(questions), form.languages), survey.about)
    notes = "\n".join(write_sav(changed, tmp_path / "a.sav"))
    assert "by: the variable is named by_; by is no free name in SPSS." in notes
    assert "labels are cut at 256 bytes (variables) and 120 (values), as SPSS takes them: q, n." in notes
    assert "n: -1 cannot be declared missing" in notes
    _, meta = pyreadstat.read_sav(tmp_path / "a.sav", user_missing=True)
    assert meta.column_names_to_labels["q"] == "ā" * 128


def test_corrected_categories_follow_their_set(everything: Path, tmp_path: Path) -> None:
    ml.import_survey(everything, tmp_path / "s")
    survey = ml.open_survey(tmp_path / "s")
    survey.responses.loc[0, ["m1_set/1", "m1_set/2", "m1_set/3"]] = [0, 1, 0]
    notes = write_sav(survey, tmp_path / "a.sav")
    assert "m1_set: in 1 rows it differs from its variables, which follow it." in notes
    frame, _ = pyreadstat.read_sav(tmp_path / "a.sav", user_missing=True)
    assert frame.loc[0, "m1"] == 2
    assert np.isnan(frame.loc[0, "m2"])


@pytest.mark.parametrize("name", ["ALL", "with", "1a", "a b", "$x", "#y", "_z", "a.", "ļ" * 40, "x/y", "?", ""])
def test_names_are_what_spss_takes(name: str) -> None:
    made = valid_name(name, {"x_y"})
    assert len(made.encode()) <= 64
    assert made[0].isalpha() or made[0] == "@"
    assert not made.endswith(".")
    assert made.upper() not in {"ALL", "WITH"}
    assert made.casefold() != "x_y"


# ------------------------------------------------------------------------------------------------- Stata, others


def test_spss_to_stata_and_back_keeps_every_answer(everything: Path, tmp_path: Path) -> None:
    ml.import_survey(everything, tmp_path / "s")
    first = ml.open_survey(tmp_path / "s")
    notes = "\n".join(write_dta(first, tmp_path / "a.dta"))
    assert "dzimums, m1, m2: missing codes are extended missing values (9 is .a)." in notes
    assert "multiple response sets: a Stata file declares none" in notes
    draft = read_stata(tmp_path / "a.dta")
    assert draft.questionnaire["dzimums"].missing_codes == {".a": "refused"}
    assert as_texts(draft.responses["dzimums"])[:4].tolist() == ["1", "2", ".a", ""]
    for name in ("teksts", "brīdis", "stundas", "nolabel", "svars"):
        assert as_texts(draft.responses[name]).tolist() == as_texts(first.responses[name]).tolist()
    write_dta(survey_of(draft, tmp_path / "a.dta"), tmp_path / "b.dta")
    same_file(tmp_path / "a.dta", tmp_path / "b.dta")


@pytest.mark.parametrize("ending", ["sav", "zsav", "dta", "parquet", "csv"])
def test_the_same_survey_is_the_same_bytes(small: Small, tmp_path: Path, ending: str) -> None:
    survey = ml.open_survey(small())
    first, second = (tmp_path / f"{i}" / f"a.{ending}" for i in (1, 2))
    write_survey(survey, first)
    write_survey(survey, second)
    assert first.read_bytes() == second.read_bytes()
    other = pd.Timestamp.now().strftime("%d %b %Y").encode()
    assert other not in first.read_bytes()[:400]


def test_parquet_keeps_labels_and_csv_opens_again(small: Small, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    folder = small()
    survey = ml.open_survey(folder)
    written = write_survey(survey, tmp_path / "a.parquet", tmp_path / "a.csv")
    assert [file.name for file in written.files] == ["a.parquet", "a.csv"]
    field = pq.read_schema(tmp_path / "a.parquet").field("met")
    assert field.metadata[b"label"].decode() == "Have you met it?"
    assert json.loads(field.metadata[b"value_labels"]) == {"yes": "Yes", "no": "No", "dk": "Don't know"}
    assert json.loads(field.metadata[b"missing_codes"]) == {"dk": "dont_know"}
    for name in ("a.csv", "a.parquet"):
        (folder / name).write_bytes((tmp_path / name).read_bytes())
        pd.testing.assert_frame_equal(ml.open_survey(folder, responses=name).responses, survey.responses)
    assert any("a .csv holds codes only" in note for note in written.notes)


def test_the_form_the_codebook_and_the_dictionaries_are_written_too(small: Small, tmp_path: Path) -> None:
    survey = ml.open_survey(small())
    files = [tmp_path / f"a.{ending}" for ending in ("xlsx", "docx", "html", "json", "xml")]
    written = write_survey(survey, *files)
    assert list(written.files) == files
    assert [q.name for q in ml.Questionnaire.read(files[0])] == [q.name for q in survey.questionnaire]
    assert {note.partition(":")[0] for note in written.notes} >= {"a.docx", "a.html", "a.json", "a.xml"}


def test_what_cannot_be_written_is_refused(small: Small, tmp_path: Path) -> None:
    survey = ml.open_survey(small())
    with pytest.raises(ValueError, match="no file is named"):
        write_survey(survey)
    with pytest.raises(ValueError, match=r"a\.pdf: a survey is written as \.sav"):
        write_survey(survey, tmp_path / "a.csv", tmp_path / "a.pdf")
    with pytest.raises(ValueError, match="the survey was read from it"):
        write_survey(survey, survey.files[-1])
    assert not (tmp_path / "a.csv").exists()


def test_the_command_writes_and_says_what_is_lost(
    small: Small, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(small()), "--to", str(tmp_path / "a.sav"), str(tmp_path / "a.dta")]) == 0
    said = capsys.readouterr().out
    assert f"wrote {tmp_path / 'a.sps'}" in said
    assert "- a.dta: sex: its codes are numbered (1 is f, 2 is m)." in said
    assert main(["export", str(tmp_path / "none"), "--to", str(tmp_path / "a.sav")]) == 2


# ------------------------------------------------------------------------------------------------- damaged files


@pytest.mark.parametrize("ending", [".sav", ".zsav", ".dta"])
def test_damaged_files_end_in_a_clear_error(everything: Path, tmp_path: Path, ending: str) -> None:
    survey = survey_of(read_spss(everything), everything)
    whole = tmp_path / f"whole{ending}"
    write_survey(survey, whole)
    data = whole.read_bytes()
    read = read_stata if ending == ".dta" else read_spss
    bad = {
        "empty": b"", "zeros": b"\0" * 4096, "text": b"id,a\n1,2\n", "zip": b"PK\3\4" + b"\0" * 100,
        **{f"cut at {part}": data[: int(len(data) * part)] for part in (0.01, 0.1, 0.3, 0.5, 0.7, 0.9)},
    }  # fmt: skip
    for what, content in bad.items():
        file = tmp_path / f"bad{ending}"
        file.write_bytes(content)
        with pytest.raises(ReadError) as caught:
            read(file)
        assert f"bad{ending}" in str(caught.value), what
    (tmp_path / f"folder{ending}").mkdir()
    with pytest.raises(ReadError):
        read(tmp_path / f"folder{ending}")


def test_a_file_without_rows(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": np.array([], dtype=float), "b": np.array([], dtype=float)})
    pyreadstat.write_sav(frame, tmp_path / "a.sav")
    pyreadstat.write_dta(frame, tmp_path / "a.dta")
    with pytest.raises(ReadError, match="it holds no respondent"):
        read_spss(tmp_path / "a.sav")
    with pytest.raises(ReadError, match="it holds no respondent"):
        read_stata(tmp_path / "a.dta")


@pytest.mark.parametrize(("ending", "value"), [(".dta", 1e308), (".dta", -1e308), (".sav", np.finfo(float).max)])
def test_a_number_beyond_what_a_program_holds(tmp_path: Path, ending: str, value: float) -> None:
    survey = ml.Survey.from_frame(pd.DataFrame({"a": [value, 0.5, -1.0], "b": [1, 2, 3]}), title="x")
    with pytest.raises(ValueError, match=rf"x\{ending}: variable a: (Stata|SPSS) cannot hold the number -?1"):
        write_survey(survey, tmp_path / f"x{ending}")
    assert not list(tmp_path.iterdir())


def test_a_very_large_number_in_spss(tmp_path: Path) -> None:
    survey = ml.Survey.from_frame(pd.DataFrame({"a": [1e308, 0.5, -1e308]}), title="x")
    write_survey(survey, tmp_path / "x.sav")
    assert pyreadstat.read_sav(tmp_path / "x.sav")[0]["a"].tolist() == [1e308, 0.5, -1e308]


@pytest.mark.parametrize(
    ("ending", "where"),
    [(".sav", "pyreadstat.write_sav"), (".dta", "pyreadstat.write_dta"), (".xlsx", "xlsxwriter.Workbook.close")],
)
def test_what_a_library_says_of_a_full_disk_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, where: str
) -> None:
    from xlsxwriter.exceptions import FileCreateError

    def full(*_: object, **__: object) -> None:
        raise FileCreateError("no room") if ending == ".xlsx" else pyreadstat.ReadstatError("Unable to write data")

    survey = ml.Survey.from_frame(pd.DataFrame({"a": ["x", "y", "x"]}), title="x")
    file = tmp_path / f"x{ending}"
    file.write_bytes(b"old")
    monkeypatch.setattr(where, full)
    with pytest.raises(OSError, match=rf"x\{ending}: it cannot be written \((no room|Unable to write data)\)"):
        write_survey(survey, file)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]
