"""Plain tables: encoding, delimiter, decimal comma and dates found out and said; damaged ones refused."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import pandas as pd
import pytest

from motivlab.delimited import MOST_COLUMNS, plain_dates, plain_numbers, read_delimited
from motivlab.files import ReadError

LATVIAN = (
    "id;dzimums;pilsēta;iemesls\n"
    "1;sieviete;Rīga;Vecuma dēļ man atteica darbu\n"
    "2;vīrietis;Cēsis;Nav bijis šādu gadījumu, paldies par jautājumu\n"
    "3;sieviete;Jūrmala;Valodas zināšanu trūkums; Žēl\n".replace("; Žēl", ". Žēl")
)
RUSSIAN = "id;пол;город\n1;женский;Даугавпилс\n2;мужской;Рига, потому что там работа\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_with_and_without_its_mark(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(LATVIAN.encode(encoding))
    frame, notes = read_delimited(file)
    assert frame.columns.tolist() == ["id", "dzimums", "pilsēta", "iemesls"]
    assert frame["pilsēta"].tolist() == ["Rīga", "Cēsis", "Jūrmala"]
    assert "delimiter: semicolon." in notes
    assert any("encoding" in note for note in notes) == (encoding not in ("utf-8", "utf-8-sig"))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (LATVIAN, "cp1257"), (LATVIAN, "iso8859_13"), (LATVIAN, "iso8859_4"), (LATVIAN, "cp775"),
        (RUSSIAN, "cp1251"), (RUSSIAN, "iso8859_5"), (RUSSIAN, "koi8_r"), (RUSSIAN, "cp866"),
        ("a;b\n1;Müller\n2;Café, naïve Größe\n", "cp1252"),
        ("a;b\n1;„Rīga” – pilsēta\n2;šķērslis\n", "cp1257"),
    ],
)  # fmt: skip
def test_an_encoding_from_before_unicode_is_found_by_its_letters(tmp_path: Path, text: str, encoding: str) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(text.encode(encoding))
    frame, notes = read_delimited(file)
    lines = [line.split(";") for line in text.splitlines()]
    assert [frame.columns.tolist(), *frame.to_numpy().tolist()] == lines
    assert "found out by its letters, as in" in notes[0]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_though_others_stand_in_the_cells(tmp_path: Path, delimiter: str) -> None:
    rows = [["id", "pay", "said"], ["1", "1.5", 'so, "yes"; no'], ["2", "2", "tab\tbar|line\nbreak"]]
    file = tmp_path / "t.txt"
    pd.DataFrame(rows[1:], columns=rows[0]).to_csv(file, sep=delimiter, index=False, quoting=1)
    frame, notes = read_delimited(file)
    assert frame.to_numpy().tolist() == rows[1:]
    assert any("delimiter" in note for note in notes) == (delimiter != ",")


def test_what_spreadsheets_and_r_add_is_left_out_and_said(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(b"sep=;\r\n;a;b;\r\n1;x;y;\r\n2;;z;\r\n;;;\r\n")
    with pytest.raises(ReadError, match="column 1 has no name"):  # it does not count the last row
        read_delimited(file)
    file.write_bytes(b'sep=;\r\n"";a;b;\r\n1;x;y;\r\n2;;z;\r\n')
    frame, notes = read_delimited(file)
    assert frame.fillna("").to_numpy().tolist() == [["x", "y"], ["", "z"]]
    assert "the first column has no name and counts the rows, as R writes it: left out." in notes
    assert "column 4 has neither a name nor a value: left out." in notes


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"a,b\n", "empty but for its head"),
        (b"a,b\n1,2\n3\n", r"row 3 \(line 3\): 1 cells under 2 columns"),
        (b'a,b\n"x\ny",2\n3,4,5\n', r"row 3 \(line 4\): 3 cells under 2 columns"),
        (b'a,b\n1,2\n3,"4\n5,6\n7,8\n', r"row 3 \(line 3\): a quote is opened and never closed"),
        (b"a,a\n1,2\n", "row 1: the column 'a' is there twice"),
        (b"a,\n1,2\n", "row 1: column 2 has no name"),
        (b"a,b\n1,2\n3,\x004\n", "row 3: a NUL"),
        ("a,b\n1,ē\n".encode() + "2,ē\n".encode("cp1257"), "row 2 is in UTF-8, row 3 is not .*two encodings are mixed"),
        ("a,b\n1,ē\n2,ē".encode()[:-1], "ends within a letter, it was cut off"),
        ("a,b\n1,ē\n".encode("utf-16")[:-1], "begins as UTF-16 but"),
        (b"a,b\n1," + bytes(range(128, 256)) * 20 + b"\n", "in no other encoding do the letters make words"),
    ],
)
def test_a_damaged_table_is_refused_with_row_and_remedy(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(content)
    with pytest.raises(ReadError, match=said) as caught:
        read_delimited(file)
    assert str(file) in str(caught.value)


def test_endless_heads_and_cells_are_refused_within_bounds(tmp_path: Path) -> None:
    wide, long, open_quote = tmp_path / "wide.csv", tmp_path / "long.csv", tmp_path / "open.csv"
    names = [f"c{i}" for i in range(100_000)]
    wide.write_text(",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")
    long.write_bytes(b"a,b\n1," + b"x" * (50 << 20) + b"\n")
    open_quote.write_bytes(b'a,b\n1,2\n3,"' + b"x,y\n" * 5_000_000)
    started = time.perf_counter()
    tracemalloc.start()
    for file, said in ((wide, f"at most {MOST_COLUMNS:,} are read"), (long, "more than 16 MiB"),
                       (open_quote, r"row 3 \(line 3\)")):  # fmt: skip
        with pytest.raises(ReadError, match=said):
            read_delimited(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.perf_counter() - started < 20
    assert peak < 500 << 20


@pytest.mark.parametrize(
    ("cells", "plain", "said"),
    [
        (["1 234,5", "7"], ["1234.5", "7"], "decimal comma"),
        (["1.234,5", "1.234"], ["1234.5", "1234"], "decimal comma"),
        (["1 234,50", "-0,5", None], ["1234.50", "-0.5", None], "decimal comma"),
        (["1,234.5", "1,234"], ["1234.5", "1234"], "separated thousands"),
        (["1 234", "12"], ["1234", "12"], "separated thousands"),
        (["1,234", "5,678"], ["1,234", "5,678"], "kept as text"),
        (["1.234", "5,6", "7.8"], ["1.234", "5,6", "7.8"], "kept as text"),
        (["3.5", "1e5", "-2"], ["3.5", "1e5", "-2"], ""),
        (["67 012 345", "29 111 222"], ["67 012 345", "29 111 222"], ""),
        (["3,5", "none"], ["3,5", "none"], ""),
        (["1,2,3", "4"], ["1,2,3", "4"], ""),
    ],
)
def test_numbers_in_every_way_of_writing(cells: list[str], plain: list[str], said: str) -> None:
    frame, notes = plain_numbers(pd.DataFrame({"x": cells}, dtype="str"))
    assert frame["x"].astype(object).where(frame["x"].notna(), None).tolist() == plain
    assert [said in note for note in notes] == ([True] if said else [])


@pytest.mark.parametrize(
    ("cells", "plain", "said"),
    [
        (["31.12.2021", "1.2.2021."], ["2021-12-31", "2021-02-01"], "the day first"),
        (["31/12/2021", "01/02/2021"], ["2021-12-31", "2021-02-01"], "the day first"),
        (["12/31/2021", "01/02/2021"], ["2021-12-31", "2021-01-02"], "the month first"),
        (["31.12.2021 9:05"], ["2021-12-31T09:05:00"], "the day first"),
        (["01/02/2021"], ["01/02/2021"], "does not say which"),
        (["31/12/2021", "12/31/2021"], ["31/12/2021", "12/31/2021"], "both occur"),
        (["31.02.2021"], ["31.02.2021"], "does not exist"),
        (["2021-12-31"], ["2021-12-31"], ""),
        (["31.12.21"], ["31.12.21"], ""),
    ],
)
def test_dates_in_every_way_of_writing(cells: list[str], plain: list[str], said: str) -> None:
    frame, notes = plain_dates(pd.DataFrame({"x": cells}, dtype="str"))
    assert frame["x"].tolist() == plain
    assert [said in note for note in notes] == ([True] if said else [])
