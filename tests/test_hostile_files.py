"""Damaged, disguised and hostile files of every format: a clear error within seconds and bounded memory.

Whatever is given, the end is an answer or an error of the family of ValueError or OSError that names the file; at the
command line exit status 2, a message and no traceback. Nothing is half-written, nothing outside the folder is touched.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyreadstat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from surveys import ROWS, YML
from test_limesurvey import DATA, lss

import motivlab as ml
from motivlab.cleaning_log import read_log
from motivlab.cli import main
from motivlab.files import ReadError
from motivlab.questionnaire import Questionnaire

Small = Callable[..., Path]
SECONDS = 20.0
SHEET, BOOK, STYLES = "xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"
EXTERNAL = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
LAUGHS = (
    b'<!DOCTYPE x [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9))
    + b"]>"
)
SURVEY_SHEET = (("type", "name", "label"), ("integer", "id", "Number"), ("select_one yn", "met", "Met?"))
CHOICES_SHEET = (("list_name", "name", "label"), ("yn", "1", "Yes"), ("yn", "2", "No"))
MAIN_SHEET = (("_index", "id", "met"), *((i, i, 1 + i % 2) for i in range(1, 40)))
REPEAT_SURVEY = "type,name,label\ninteger,q,Q\nbegin_repeat,{name},R\ninteger,m,M\nend_repeat,,\n"


def ends_well(call: Callable[..., object], file: Path, *given: Path) -> BaseException | None:
    """The error in which a call ends, if it does; fails unless it is a clear one that names the file, and soon."""
    started = time.perf_counter()
    caught: BaseException | None = None
    try:
        call(*given)
    except (ValueError, OSError) as error:
        caught = error
    if caught is not None:
        assert file.name in str(caught), f"the message does not name the file: {caught}"
        assert "root:" not in str(caught), "the message tells what another file holds"
    assert time.perf_counter() - started < SECONDS
    return caught


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, with what it holds."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def workbook(file: Path, **sheets: Iterable[Iterable[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(file)
    return file


def with_part(file: Path, part: str, change: Callable[[bytes], bytes]) -> Path:
    """The workbook with one part changed, in its place."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = change(parts[part])
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file


def before_end(inserted: bytes) -> Callable[[bytes], bytes]:
    return lambda sheet: sheet.replace(b"</sheetData>", inserted + b"</sheetData>")


def form_folder(at: Path, survey: str | bytes, choices: str = "list_name,name,label\n") -> Path:
    at.mkdir(parents=True, exist_ok=True)
    (at / "survey.csv").write_bytes(survey if isinstance(survey, bytes) else survey.encode())
    (at / "choices.csv").write_text(choices, encoding="utf-8")
    return at


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A sound file of every format, by the end of its name."""
    at = tmp_path_factory.mktemp("sound")
    frame = pd.DataFrame(
        {
            "id": [float(i) for i in range(1, 61)],
            "sex": [1.0, 2.0] * 30,
            "age": [20.0 + i % 50 for i in range(60)],
            "said": [f"ā{i}" for i in range(60)],
        }
    )
    labels = {"sex": {1.0: "f", 2.0: "m"}}
    missing: dict[str, Any] = {"age": [{"lo": 60, "hi": 99}]}
    pyreadstat.write_sav(frame, at / "x.sav", variable_value_labels=labels, missing_ranges=missing)
    pyreadstat.write_sav(frame, at / "x.zsav", variable_value_labels=labels, compress=True)
    pyreadstat.write_dta(frame, at / "x.dta", variable_value_labels={"sex": {1: "f", 2: "m"}})
    frame.to_parquet(at / "x.parquet")
    frame.to_csv(at / "x.csv", index=False)
    frame.to_csv(at / "x.tsv", index=False, sep="\t")
    frame.to_csv(at / "x.txt", index=False, sep="|", encoding="utf-16")
    workbook(at / "x.xlsx", Data=[list(frame), *frame.to_numpy().tolist()])
    workbook(at / "form.xlsx", survey=SURVEY_SHEET, choices=CHOICES_SHEET)
    workbook(at / "export.xlsx", main=MAIN_SHEET, member=(("_parent_index", "m"), (1, 5), (2, 6)))
    workbook(at / "log.xlsx", Findings=(("respondent", "variable", "value", "answer"), (1, "age", 30, 31)))
    (at / "log.csv").write_text("respondent,variable,value,answer\n1,age,30,31\n", encoding="utf-8")
    (at / "structure.lss").write_text(lss(), encoding="utf-8")
    pd.DataFrame(DATA).to_csv(at / "lime.csv", index=False, quoting=1)
    return {path.name: path.read_bytes() for path in at.iterdir()}


# ------------------------------------------------------------------------------------------------ cut off, and flipped


@pytest.mark.parametrize("name", ["x.sav", "x.zsav", "x.dta", "x.parquet", "x.xlsx"])
def test_a_file_that_was_cut_off_anywhere_is_refused(name: str, sound: dict[str, bytes], tmp_path: Path) -> None:
    whole = sound[name]
    file = tmp_path / name
    file.write_bytes(whole)
    assert len(ml.read_survey(file).responses) == 60
    for k in range(24):
        file.write_bytes(whole[: len(whole) * k // 24])
        assert isinstance(ends_well(lambda: ml.read_survey(file), file), ReadError), f"cut at {k} / 24"


@settings(derandomize=True, max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize(
    "name",
    [
        "x.dta",
        "x.parquet",
        "x.xlsx",
        "x.csv",
        "x.txt",
        "form.xlsx",
        "export.xlsx",
        "log.xlsx",
        "structure.lss",
        "lime.csv",
    ],
)
def test_flipped_bytes_end_in_an_answer_or_a_clear_error(
    name: str, sound: dict[str, bytes], tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(sound[name])
    within = data.draw(st.sampled_from([300, 2_000, len(content)]))  # the head of a file does the most harm
    places = st.integers(0, min(within, len(content)) - 1)
    for at, byte in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=9)):
        content[at] = byte
    file = tmp_path / name
    file.write_bytes(content)
    form = tmp_path / "form.xlsx"
    if name != "form.xlsx":
        form.write_bytes(sound["form.xlsx"])
    (tmp_path / "lime.csv").write_bytes(content if name == "lime.csv" else sound["lime.csv"])
    calls: dict[str, Callable[[], object]] = {
        "form.xlsx": lambda: Questionnaire.read(file),
        "export.xlsx": lambda: ml.read_survey(file, form),
        "log.xlsx": lambda: read_log(file),
        "structure.lss": lambda: ml.read_survey(tmp_path / "lime.csv", file),
    }
    ends_well(calls.get(name, lambda: ml.read_survey(file)), file)


@pytest.mark.parametrize(("at", "byte"), [(180, 96), (180, 127), (182, 1), (181, 127)])
def test_a_variable_of_spss_that_is_wider_than_its_records(
    at: int, byte: int, sound: dict[str, bytes], tmp_path: Path
) -> None:
    """In a process of its own: it may end the process."""
    content = bytearray(sound["x.sav"])
    content[at] = byte
    file = tmp_path / "x.sav"
    file.write_bytes(content)
    assert "x.sav" in refused([["import", str(file), "--to", str(tmp_path / "out")]])[0]


# --------------------------------------------------------------------------------------- every content, every ending

CONTENTS: dict[str, bytes] = {
    "nothing": b"",
    "nul bytes": b"\0" * 5_000,
    "noise": random.Random(5).randbytes(5_000),
    "a pdf": b"%PDF-1.7\n%x\n",
    "a page": b"<!DOCTYPE html><html><table><tr><td>1</td></tr></table></html>",
    "gzip": gzip.compress(b"a,b\n1,2\n"),
    "a program": b"\x7fELF\x02\x01\x01" + b"\0" * 100,
    "a picture": b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
    "a database": b"SQLite format 3\0" + b"\0" * 100,
    "yaml": YML.encode(),
    "old excel": b"\xd0\xcf\x11\xe0" + b"\0" * 600,
    "half a surrogate": b"a,b\n1,\xed\xa0\x80\xff\n",
}
BINARY = (".sav", ".zsav", ".dta", ".parquet", ".xlsx")


@pytest.mark.parametrize("ending", [*BINARY, ".csv", ".tsv", ".txt"])
def test_any_content_behind_any_ending(ending: str, sound: dict[str, bytes], tmp_path: Path) -> None:
    family = {".sav": ("x.sav", "x.zsav"), ".zsav": ("x.sav", "x.zsav")}.get(ending, (f"x{ending}",))
    for name, content in (CONTENTS | sound).items():
        file = tmp_path / f"data{ending}"
        file.write_bytes(content)
        error = ends_well(ml.read_survey, file, file)
        workbooks = ending == ".xlsx" and name.endswith(".xlsx")
        if ending in BINARY and name not in family and not workbooks:
            assert isinstance(error, ReadError), f"{name} was read as {ending}"
        if name in family:
            assert error is None, f"{name}: {error}"


@pytest.mark.parametrize("name", ["x.sav", "x.csv", "x.parquet", "structure.lss", "lime.csv", "log.xlsx"])
def test_a_form_that_is_none(name: str, sound: dict[str, bytes], tmp_path: Path) -> None:
    export = tmp_path / "export.xlsx"
    export.write_bytes(sound["export.xlsx"])
    for form_name in ("form.xlsx", "form.lss", name):
        form = tmp_path / form_name
        form.write_bytes(sound[name])
        if form_name != "form.lss" or name != "structure.lss":
            assert ends_well(ml.read_survey, form, export, form) is not None


# ------------------------------------------------------------------------------------------------- bombs and entities


def limited(arguments: list[list[str]], megabytes: int = 3_000, file_size: int = 0) -> list[tuple[object, str, float]]:
    """Commands of ``motivlab`` in one process of bounded memory: of each its exit status, stderr, and seconds."""
    script = (
        "import contextlib, io, json, resource, sys, time\n"
        "import motivlab.cli, motivlab.imports, motivlab.checking, motivlab.cleaning, motivlab.writers\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({megabytes << 20},) * 2)\n"
        f"file_size = {file_size}\n"
        "if file_size: resource.setrlimit(resource.RLIMIT_FSIZE, (file_size,) * 2)\n"
        "for arguments in json.loads(sys.argv[1]):\n"
        "    told, started = io.StringIO(), time.perf_counter()\n"
        "    with contextlib.redirect_stderr(told), contextlib.redirect_stdout(io.StringIO()):\n"
        "        try:\n"
        "            status = motivlab.cli.main(arguments)\n"
        "        except BaseException as error:\n"
        "            status = 'traceback ' + type(error).__name__\n"
        "    print(json.dumps([status, told.getvalue(), time.perf_counter() - started]), flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps(arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def refused(arguments: list[list[str]]) -> list[str]:
    """The messages of commands that are all refused, in time."""
    found = limited(arguments)
    assert len(found) == len(arguments)
    for (status, told, seconds), command in zip(found, arguments, strict=True):
        assert status == 2, f"{command}: {status}, {told[:300]}"
        assert told.startswith("motivlab: error: "), command
        assert "Traceback" not in told
        assert seconds < SECONDS, command
    return [told for _, told, _ in found]


def test_archives_that_unpack_to_a_memory_full_are_refused_within_bounds(
    sound: dict[str, bytes], tmp_path: Path
) -> None:
    digits = b"".join(b"<row><c><v>%d</v></c></row>" % (i % 7) for i in range(5 << 20))
    bombs = {
        "cells.xlsx": (SHEET, before_end(digits)),
        "blanks.xlsx": (SHEET, before_end(b" " * (300 << 20))),
        "rows.xlsx": (SHEET, before_end(b"<row/>" * (35 << 20))),
        "styles.xlsx": (STYLES, lambda x: x + b" " * (300 << 20)),
    }
    commands = []
    for name, (part, change) in bombs.items():
        file = tmp_path / name
        file.write_bytes(sound["x.xlsx"])
        with_part(file, part, change)
        assert file.stat().st_size < 3 << 20
        commands.append(["import", str(file), "--to", str(tmp_path / "out")])
    del digits
    file = tmp_path / "form.xlsx"
    file.write_bytes(sound["form.xlsx"])
    with_part(file, SHEET, before_end(b"<row/>" * (35 << 20)))
    (tmp_path / "export.xlsx").write_bytes(sound["export.xlsx"])
    commands.append(["import", str(tmp_path / "export.xlsx"), "--form", str(file), "--to", str(tmp_path / "out")])
    for told, command in zip(refused(commands), commands, strict=True):
        assert Path(command[-3]).name in told
    assert not (tmp_path / "out").exists()


def test_archives_in_archives_and_thousands_of_parts_are_passed_over(sound: dict[str, bytes], tmp_path: Path) -> None:
    file = tmp_path / "many.xlsx"
    file.write_bytes(sound["x.xlsx"])
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("xl/embeddings/inner.zip", sound["form.xlsx"])
        archive.writestr("../../../../evil.txt", "x")
        archive.writestr("/evil.txt", "x")
        for i in range(5_000):
            archive.writestr(f"xl/more/{i}.xml", "<a/>")
    before = set(tmp_path.parent.rglob("evil*"))
    assert ends_well(lambda: ml.read_survey(file), file) is None
    assert set(tmp_path.parent.rglob("evil*")) == before


@pytest.mark.parametrize("dtd", [LAUGHS, EXTERNAL], ids=["laughs", "external"])
@pytest.mark.parametrize("part", [SHEET, BOOK, STYLES, "[Content_Types].xml", "xl/_rels/workbook.xml.rels"])
def test_entities_in_a_workbook_are_neither_expanded_nor_read(
    part: str, dtd: bytes, sound: dict[str, bytes], tmp_path: Path, small: Small
) -> None:
    """Of responses, of a form and of a log."""

    def poisoned(xml: bytes) -> bytes:
        at = xml.find(b"?>") + 2 if xml.startswith(b"<?xml") else 0
        used = b"&j;" if dtd is LAUGHS else b"&a;"
        return xml[:at] + dtd + xml[at:].replace(b"<t>age</t>", b"<t>%s</t>" % used).replace(b"Number", used)

    survey = ml.open_survey(small())
    calls: dict[str, Callable[[Path], object]] = {
        "x.xlsx": ml.read_survey,
        "form.xlsx": Questionnaire.read,
        "log.xlsx": lambda file: ml.apply_cleaning(survey, file),
    }
    for name, call in calls.items():
        file = tmp_path / name
        file.write_bytes(sound[name])
        with_part(file, part, poisoned)
        error = ends_well(call, file, file)
        if name == "x.xlsx" or part == SHEET:
            assert error is not None, f"{name}: entities were accepted"


@pytest.mark.parametrize("dtd", [LAUGHS, EXTERNAL, b'<!DOCTYPE x SYSTEM "http://localhost:9/x.dtd">'])
def test_entities_in_the_structure_of_limesurvey_are_refused(
    dtd: bytes, sound: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "lime.csv").write_bytes(sound["lime.csv"])
    form = tmp_path / "structure.lss"
    plain = sound["structure.lss"].replace(b"<![CDATA[Gender]]>", b"&a;")
    form.write_bytes(plain.replace(b"?>", b"?>" + dtd, 1))
    with pytest.raises(ReadError, match="declares XML entities or a DTD"):
        ml.read_survey(tmp_path / "lime.csv", form)


@pytest.mark.parametrize(
    "damage",
    [
        lambda x: x.replace(b"<document>", b"<document>" + b"<a>" * 100_000),
        lambda x: x[: len(x) // 2],
        lambda x: x.replace(b"<document>", b"<document>" + b"<a>" * 50_000 + b"</a>" * 50_000),
        lambda x: x.replace(b"<![CDATA[G]]>", b"<![CDATA[\0]]>"),
        lambda x: x.decode().encode("utf-16"),
        lambda x: x.replace(b"<qid>", b"<quid>").replace(b"</qid>", b"</quid>"),
        lambda x: x.replace(b"sex", b"../x"),
        lambda x: x.replace(b"<![CDATA[sex]]>", b"<![CDATA[__class__]]>"),
        lambda x: b"\xef\xbb\xbf" * 2 + x,
    ],
    ids=["deep", "cut", "deep and closed", "nul", "utf-16", "no ids", "path", "dunder", "two marks"],
)
def test_a_damaged_structure_of_limesurvey(
    damage: Callable[[bytes], bytes], sound: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "lime.csv").write_bytes(sound["lime.csv"])
    form = tmp_path / "structure.lss"
    form.write_bytes(damage(sound["structure.lss"]))
    ends_well(lambda: ml.import_survey(tmp_path / "lime.csv", tmp_path / "out", form=form), form)
    assert not list(tmp_path.glob(".out*"))


# ------------------------------------------------------------------------------------------- forms and their nesting


@pytest.mark.parametrize("kind", ["group", "repeat"])
@pytest.mark.parametrize("nested", [40, 1_000, 10_000])
def test_groups_in_groups_and_groups_never_closed(nested: int, kind: str, tmp_path: Path) -> None:
    begin = "type,name,label\n" + "".join(f"begin_{kind},g{i},G\n" for i in range(nested)) + "integer,a,A\n"
    whole = form_folder(tmp_path / "whole", begin + f"end_{kind},,\n" * nested)
    error = ends_well(Questionnaire.read, whole, whole)
    assert error is None if nested == 40 else error is not None or kind == "group"
    assert error is None or "inside one another" in str(error)
    open_ = form_folder(tmp_path / "open", begin)
    error = ends_well(Questionnaire.read, open_ / "survey.csv", open_)
    assert "is never closed" in str(error) or "inside one another" in str(error)


HARD = {  # what stands in `relevant` or `constraint`: refused, or worked out in time
    "parentheses": "(" * 20_000 + "${a} = 1" + ")" * 20_000,
    "not": "not(" * 5_000 + "1" + ")" * 5_000,
    "minus": "-" * 20_000 + "1 = 1",
    "or": " or ".join(["${a} = 1"] * 2_000),
    "open": "(" * 20_000,
    "catastrophe": "regex(${t}, '(a+)+$')",
    "two": "regex(${t}, '(a|a|aa)*b{1,500}(.*a){20}')",
    "no regex": "regex(${t}, '(((')",
    "large regex": "regex(${t}, '((a{1000}){1000}){1000}')",
    "deep regex": "regex(${t}, '" + "(" * 10_000 + ")" * 10_000 + "')",
    "power": "pow(10, 100000000) > ${a}",
    "round": "round(${a}, -400) < round(${a}, 400)",
    "long": "${a} < " + "9" * 10_000,
    "nothing": "${a} div 0 > ${a} mod 0",
    "repeat": "count(${a}) > indexed-repeat(${a}, ${a}, 99999999)",
    "itself": "${b} = 1",
    "quote": "'" * 9_999,
    "dunder": "${__class__} = 1",
    "function": "__import__('os')",
}


@pytest.mark.parametrize("name", list(HARD))
def test_hard_expressions_end_in_time(name: str, small: Small) -> None:
    survey = f'type,name,label,relevant\ninteger,a,A,\ntext,t,T,\ninteger,b,B,"{HARD[name]}"\n'
    folder = small(
        survey=survey,
        choices="list_name,name,label\n",
        yml=YML.split("design:")[0],
        head="id,a,t,b",
        rows=("1,1," + "a" * 4_000 + "!,1", "2,0,x,"),
    )
    error = ends_well(lambda: ml.open_survey(folder).check(), folder / "questionnaire" / "survey.csv")
    if name in ("open", "quote", "dunder"):
        assert error is not None


@pytest.mark.parametrize(
    "survey",
    [
        b"",
        b"\n\n\n",
        b"type,name\n",
        b"\xff\xfe",
        "type,name\ninteger,a\n".encode("utf-16"),
        b"type,name\ninteger,\xf0\n",
        b'type,name\ninteger,a\n"open',
        b"type;name\ninteger;a\n",
        b"name,label\na,b\n",
        b"type,type,name\nx,y,z\n",
        b"type,name\ninteger,a\ninteger,a\n",
        b"type,name\nend_group,\n",
        b"type,name\nend_repeat,\n",
        b"type,name\nbegin_repeat,r\nbegin_group,g\ninteger,a\nend_repeat,\nend_group,\n",
        b"type,name\nselect_one x,a\n",
        b"type,name\ninteger,../../x\n",
        b"type,name\ninteger,a/b\n",
        b"type,name\n__class__,a\n",
        b"type,name,label\n1,2,3,4,5\n",
        b"type,name\nbegin_repeat,../../evil\ninteger,a\nend_repeat,\n",
        b"type,name\nbegin_repeat,/etc/passwd\ninteger,a\nend_repeat,\n",
    ],
)
def test_a_broken_form_is_refused(survey: bytes, tmp_path: Path) -> None:
    form = form_folder(tmp_path / "form", survey)
    if survey.endswith(b'"open'):
        ends_well(lambda: Questionnaire.read(form), form / "survey.csv")
    else:
        assert ends_well(lambda: Questionnaire.read(form), form / "survey.csv") is not None


# ----------------------------------------------------------------------------------------------- text, names, formulas


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n1,2\n3,4\n5,\0\n6,7\n", "row 4: a NUL"),
        ("a;b\nā;2\n".encode("utf-16")[:-1], "it begins as UTF-16"),
        ("a,b\nā,2\n".encode() + "š,2\n".encode("cp1257"), "row 2 is in UTF-8, row 3 is not"),
        ("a,b\nš,2\n".encode("cp1257") + "привет,2\n".encode(), "two encodings are mixed"),
        (bytes(range(1, 256)) * 40, "is not UTF-8"),
        (b'a,b\n"1,2\n3,4\n', "a quote is opened and never closed"),
        (",".join(f"c{i}" for i in range(100_000)).encode() + b"\n" + b"1," * 99_999 + b"1\n", "100,000 columns"),
        (b"a,b\n1," + b"x" * (50 << 20) + b"\n", "a cell of more than 16 MiB"),
        (b"x" * (50 << 20) + b",b\n1,2\n", "row 1"),
        (b'a,b\n1,"' + b"x\n" * (25 << 20), "a cell of more than 16 MiB"),
        (b"\n" * 5_000_000, "is empty"),
        (b"a,b\n" + b"," * 100 + b"\n", "cells under 2 columns"),
        (b"a,b\n", "empty but for its head"),
        (b"a,a\n1,2\n", "there twice"),
        (b",b\nx,2\n", "has no name"),
        ("ā,b\n1,ā".encode()[:-1], "cut off"),
    ],
)
def test_damaged_text_is_refused_with_its_place(content: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_bytes(content)
    error = ends_well(lambda: ml.import_survey(file, tmp_path / "out"), file)
    assert isinstance(error, ReadError)
    assert said in str(error)
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]


ODD = {
    "cp1257": "pilsēta;x\nRīga;1\nCēsis;2\n".encode("cp1257"),
    "cp1251": "город;x\nРига;1\nДаугавпилс;2\n".encode("cp1251"),
    "utf-16": "pilsēta\tx\nRīga\t1\n".encode("utf-16"),
    "utf-16-be": "a;b\nRīga;2\n1;2\n".encode("utf-16-be"),
    "ends": b"a,b\r\n1,2\r3,4\n5,6\n\r7,8",
    "marks": "\ufeff\ufeffa,b\n1,2\n".encode(),
    "inside": "a,b\n1,\ufeff2\n".encode(),
    "blank": b"a,b\n1,2\n" + b"\n" * 5_000_000 + b"3,4\n",
    "control": b"a,b\n1,\x1b[31m\x07\n2,x\n3,y\n4,z\n",
    "names": b"__class__,../../x,/etc/passwd,C:\\x,CON,nul\n1,2,3,4,5,6\n7,8,9,1,2,3\n",
    "letters": "😀,b😀,עברית,\u202ex\n1,😀,3,4\n2,\u202eabc,4,5\n3,🏳️‍🌈,4,5\n".encode(),
    "long": b"x" * 20_000 + b",b\n1,2\n2,3\n",
    "markup": b"a<b>&\"',b\n<script>alert(1)</script>,2\n&amp;,4\n]]>,5\n<x/>,6\n",
    "numbers": b"a,b\n1e308,%s\n1,2\n" % (b"9" * 5_000),
    "infinite": b"a\ninf\n-inf\nnan\n1\n",
    "days": b"a\n0001-01-01\n9999-12-31\n",
    "no days": b"a\n99999-01-01\n0000-00-00\n",
    "breaks": b'a,b\n"x\r\ny",2\n"\r",4\n"\xc2\x85\xe2\x80\xa8",5\n',
    "keywords": b"if,in,byte,_all,with\n1,2,3,4,5\n2,3,4,5,6\n",
}


@pytest.mark.parametrize("name", list(ODD))
def test_odd_but_sound_text_goes_in_is_checked_and_comes_out(name: str, tmp_path: Path) -> None:
    """Through a folder, a check, the sheet of findings and the XLSForm; nothing lands elsewhere."""
    file = tmp_path / "data.csv"
    file.write_bytes(ODD[name])
    ml.import_survey(file, tmp_path / "out")
    survey = ml.open_survey(tmp_path / "out")
    read = ml.read_survey(file)
    pd.testing.assert_frame_equal(survey.responses, read.responses, check_dtype=False)
    ml.export(survey.check(), tmp_path / "findings.xlsx", tmp_path / "findings.csv")
    ends_well(lambda: ml.write_survey(survey, tmp_path / "out.csv", tmp_path / "out.json"), tmp_path / "out.csv")
    ends_well(lambda: ml.write_survey(survey, tmp_path / "form.xlsx"), tmp_path / "form.xlsx")
    allowed = {"data.csv", "out", "findings.xlsx", "findings.csv", "out.csv", "out.json", "form.xlsx"}
    assert {path.name for path in tmp_path.iterdir()} <= allowed


FORMULAS = ("=1+1", "=cmd|' /C calc'!A0", "@SUM(A1)", "+1+cmd|x", "-2+3", '=HYPERLINK("http://x")', "\t=1+1")


def test_what_a_spreadsheet_would_run_is_text_in_every_sheet(small: Small, tmp_path: Path) -> None:
    rows = tuple(
        f'{i},1,f,30,yes,0,0,1,0,0,"{f.replace(chr(34), chr(34) * 2)}",2031-01-01' for i, f in enumerate(FORMULAS)
    )
    report = ml.open_survey(small(rows=rows)).check()
    assert len(report.findings)
    ml.export(report, tmp_path / "f.xlsx", tmp_path / "f.csv")
    for sheet in openpyxl.load_workbook(tmp_path / "f.xlsx").worksheets:
        assert not [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    for cell in pd.read_csv(tmp_path / "f.csv", dtype=str, keep_default_na=False).to_numpy().ravel():
        assert not re.match(r"[=@\t\r]", cell), cell


def test_a_formula_without_its_value_is_blank_and_said(tmp_path: Path) -> None:
    file = workbook(tmp_path / "d.xlsx", D=[("id", "x", "y"), *((i, f, 5) for i, f in enumerate(FORMULAS, start=1))])
    ml.import_survey(file, tmp_path / "out")
    said = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert re.search(r"3 formulas have no value in the file \(B2, B3, B7\)", said)
    form = workbook(tmp_path / "form.xlsx", survey=[("type", "name"), ("integer", "=1+1")])
    assert ends_well(lambda: Questionnaire.read(form), form) is not None


# ------------------------------------------------------------------------------------------------- the survey's folder


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"- a\n",
        b"\ttitle: x\n",
        b"title: [\n",
        b"? {a: b}\n: 1\n",
        b"1: 2\n",
        b"~: 2\n",
        b"title: !!python/none x\n",
        b"<<: *x\n",
        YML.encode("utf-16"),
        YML.replace("Малый опрос", "x").encode("cp1257"),
        YML.encode() * 2,
        YML.encode() + b"---\nx: 1\n",
        YML.encode() + b"mode: a\x07b\n",
        YML.encode() + b"limitations: &a [*a]\n",
        YML.encode() + b"population: !!python/object/apply:os.system [id]\n",
        YML.encode() + b"limitations: [" + b"9" * 9_999 + b"]\n",
        YML.encode() + b"checks: {too_short: .nan}\n",
        YML.encode() + b"__class__: x\n",
        CONTENTS["noise"],
        b"%YAML 9.9\n---\na: b\n",
        YML.encode()
        + "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10) if i else 'x'}]\n" for i in range(12)).encode(),
    ],
)
def test_a_survey_yml_that_is_none_is_refused(content: bytes, small: Small) -> None:
    folder = small()
    (folder / "survey.yml").write_bytes(content)
    assert ends_well(lambda: ml.open_survey(folder), folder / "survey.yml") is not None


@pytest.mark.parametrize("key", ["responses", "cleaning", "margins"])
@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../../../../../../etc/passwd", "/dev/zero", "/dev/stdin", "a\\0b", "."]
)
def test_keys_that_point_elsewhere_tell_nothing(key: str, path: str, small: Small) -> None:
    folder = small(yml=f'{YML}{key}: "{path}"\n')
    error = ends_well(lambda: ml.open_survey(folder).check(), folder)
    assert error is not None


def test_responses_that_are_a_link_to_another_file_tell_nothing_of_it(small: Small) -> None:
    folder = small()
    for name in ("responses.csv", "survey.yml"):
        (folder / name).rename(folder / "kept")
        (folder / name).symlink_to("/etc/passwd")
        assert ends_well(lambda: ml.open_survey(folder).check(), folder) is not None
        (folder / name).unlink()
        (folder / "kept").rename(folder / name)


@pytest.mark.parametrize("file", ["loop.csv", "pipe.csv", "device.csv", "folder.csv", "gone.csv", "a\0b.csv"])
def test_what_is_no_file_is_refused_at_once(file: str, tmp_path: Path) -> None:
    path = tmp_path / file
    if file == "pipe.csv":
        os.mkfifo(path)
    elif file == "folder.csv":
        path.mkdir()
    elif file in ("loop.csv", "device.csv"):
        path.symlink_to(path if file == "loop.csv" else "/dev/zero")
    with pytest.raises((FileNotFoundError, ReadError), match=r"no such file|not a file"):
        ml.import_survey(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "responses",
        "README",
        "disagreements",
        "CON",
        "con.txt",
        "-x",
        "=1",
        "a:b",
        "a\\b",
        "a|b",
        "😀",
        "\u202eabc",
        "a" * 300,
        "survey",
        "margins",
        "cleaning_record",
        "questionnaire",
    ],
)
def test_the_members_of_a_repeat_land_in_the_folder_or_nowhere(name: str, tmp_path: Path) -> None:
    form = form_folder(tmp_path / "form", REPEAT_SURVEY.format(name=name))
    at = tmp_path / "in" / "deep"
    at.mkdir(parents=True)
    file = at / "x.csv"
    file.write_text("_index,q\n1,2\n2,3\n", encoding="utf-8")
    members = "_parent_index,m\n1,5\n2,6\n"
    try:
        (at / f"x-{name}.csv").write_text(members, encoding="utf-8")
    except OSError:  # a name that no file can have; that of a sheet is as long as a sheet's may be
        file.unlink()
        file = workbook(at / "x.xlsx", main=[("_index", "q"), (1, 2)], **{name[:31]: [("_parent_index", "m"), (1, 5)]})
    before = tree(tmp_path)
    error = ends_well(lambda: ml.import_survey(file, at / "out", form=form), tmp_path)
    added = set(tree(tmp_path)) - set(before)
    assert all(path.startswith("in/deep/out/") for path in added)
    assert {path: content for path, content in tree(tmp_path).items() if path not in added} == before
    if error is None:
        assert len(ml.open_survey(at / "out").repeats[name]) == 2
        assert "q" in ml.open_survey(at / "out").responses
    else:
        assert not added


# ------------------------------------------------------------------------------------------------------ writing


@pytest.mark.parametrize(
    "endings", [(".csv", ".parquet", ".docx", ".html", ".json", ".xml"), (".sav", ".zsav", ".dta", ".xlsx")]
)
def test_a_full_disk_leaves_every_old_file_and_no_half_of_a_new_one(
    endings: tuple[str, ...], small: Small, tmp_path: Path
) -> None:
    """No file may grow beyond some bytes: each write ends amid the file."""
    folder = small(rows=tuple(f"{i}{row[1:]}" for i, row in enumerate(ROWS * 60, start=10)))
    (tmp_path / "log.csv").write_text("respondent,variable,value,answer\n10,age,30,31\n", encoding="utf-8")
    old = tmp_path / "old"
    old.mkdir()
    outputs = [old / f"x{ending}" for ending in endings]
    for file in [*outputs, old / "x.sps", old / "found.xlsx", old / "found.csv"]:
        file.write_bytes(b"old")
    before = tree(tmp_path)
    commands = [["export", str(folder), "--to", str(file)] for file in outputs]
    if ".csv" in endings:
        commands += [["check", str(folder), "--to", str(old / f"found{ending}")] for ending in (".xlsx", ".csv")]
        commands += [["clean", str(folder), str(tmp_path / "log.csv")]]
        commands += [["import", str(folder / "responses.csv"), "--to", str(tmp_path / "new")]]
    found = limited(commands, file_size=60)
    assert tree(tmp_path) == before
    for (status, told, _), command in zip(found, commands, strict=True):
        assert status == 2, f"{command}: {status} {told}"


def test_targets_that_cannot_be_written_leave_all_as_it_was(small: Small, tmp_path: Path) -> None:
    folder = small()
    (tmp_path / "afile").write_text("x", encoding="utf-8")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x", encoding="utf-8")
    (tmp_path / "adir.csv").mkdir()
    before = tree(tmp_path)
    survey = ml.open_survey(folder)
    report = survey.check()
    targets = [
        tmp_path / "afile" / "x.csv",
        tmp_path / "adir.csv",
        tmp_path / f"{'x' * 300}.csv",
        folder / "responses.csv",
    ]
    for target in targets:
        with pytest.raises((ValueError, OSError)):
            ml.write_survey(survey, target)
    for target in targets[:3]:
        with pytest.raises((ValueError, OSError)):
            ml.export(report, target)
    for to in (tmp_path / "full", tmp_path / "afile", tmp_path / "afile" / "x", tmp_path / ("x" * 300)):
        with pytest.raises((ValueError, OSError)):
            ml.import_survey(folder / "responses.csv", to)
    assert tree(tmp_path) == before
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()]


# -------------------------------------------------------------------------------------------------- the command line


def test_the_command_line_says_it_in_words(sound: dict[str, bytes], small: Small, tmp_path: Path) -> None:
    folder = small()
    files = {
        "cut.sav": sound["x.sav"][:900],
        "cut.zsav": sound["x.zsav"][:900],
        "cut.dta": sound["x.dta"][:900],
        "cut.parquet": sound["x.parquet"][:-9],
        "cut.xlsx": sound["x.xlsx"][:-50],
        "nul.csv": b"a,b\n1,\0\n",
        "x.pdf": b"%PDF",
        "cutlog.xlsx": sound["log.xlsx"][:-50],
        "badlog.csv": b"respondent,variable,value,answer\n1,__class__,3,4\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    commands = [["import", str(tmp_path / name), "--to", str(tmp_path / "out")] for name in files if "log" not in name]
    commands += [["clean", str(folder), str(tmp_path / name)] for name in files if "log" in name]
    commands += [
        ["check", str(tmp_path)],
        ["check", "/dev/null"],
        ["export", str(folder), "--to", str(tmp_path / "x.exe")],
    ]
    before = tree(tmp_path)
    for told, command in zip(refused(commands), commands, strict=True):
        assert any(Path(part).name in told for part in command if "/" in part), told
    assert tree(tmp_path) == before
    assert main(["check", str(folder)]) == 0
