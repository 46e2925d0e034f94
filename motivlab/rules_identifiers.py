"""What identifies a person in the responses: personal codes, telephones, addresses, names, places, devices.

A value is judged by what it is (a checksum, a pattern) or, where numbers and words alone say little, by what the name
and the wording of its column say and by what most of the column looks like. Only different texts are looked at, and a
pattern of RE2 leaves few of them to the rest.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from .about import About
from .expressions import Mask
from .language import say
from .questionnaire import CHOICE_TYPES, PLACE_TYPES, Question, Questionnaire
from .readers import read_yaml
from .rules import Detail, Rule, coded, remember

Identifier = Literal[
    "personal_code", "phone", "email", "iban", "coordinates", "ip", "device", "username", "name", "address"
]
Found = npt.NDArray[np.object_]  # an Identifier per text, "" for none

GOOD_PART = 1 / 3  # of the different texts of a column: so many names among them are no chance
KNOWN_PART = 1 / 5  # of what looks like a name: so many have a given name that is common
MOST = 0.8  # of the texts of a column that hold nothing but 8 digits
SPREAD = 1000  # numbers in a row are no telephones: so far apart they are at least, on average
SCATTER = 10**8  # nor personal codes without a date, which are given out at random

# The types of the form that a device fills in, and what they hold.
_META: dict[str, Identifier] = {
    "deviceid": "device", "subscriberid": "device", "simserial": "device", "username": "username",
    "phonenumber": "phone", "email": "email",
}  # fmt: skip
_DEVICES = {"deviceid", "subscriberid", "simserial", "simid", "imei", "androidid"}
_NOT_READ = {
    *CHOICE_TYPES, "date", "note", "start", "end", "today", "time", "dateTime", "audit", "image", "audio", "video",
    "file", "background-audio",
}  # fmt: skip

_NUMBERED = {"id", "nr", "no", "num", "number", "code", "kods", "numurs", "index", "номер", "код"}

# Classes of Unicode are slow to compile: what these let through is looked at by the letter.
_LETTER = r"[A-Za-z\x{AA}-\x{FFFF}]"
_TWO_OR_THREE = r"^\s*[^\s0-9]+ [^\s0-9]+(?: [^\s0-9]+)?\s*$"
_STREET = (
    r"(?i)\b(?:iel[aā]|prospekt[sā]|bulvār(?:is|ī)|gatv[eē]|šosej[aā]|street|avenue)\s*(?:nr\.?\s*)?\d+"
    r"|(?:улиц[аеы]|ул\.|проспекте?|пр\.)\s*[^\s\d]+[ ,]*(?:д\.?\s*)?\d+|\bLV-?\d{4}\b"
    r"|^\d+[a-z]? [^\s\d]+ (?:street|road|avenue)"
)
# Nothing that identifies by its own pattern is without one of these.
_WORTH = (
    r"@|[0-9](?:[ .()-]{0,3}[0-9]){6}|[0-9](?:\.[0-9]{1,3}){3}|[0-9]\.[0-9]{4}"
    r"|(?:^|[^A-Za-z0-9])[A-Z]{2}[0-9]{2} ?[A-Z0-9]{4}|[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){7}"
)
_HARMLESS = (  # a uuid, a moment
    r"^(?:uuid:)?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
    r"|^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]+(?:Z|[+-][0-9:]+)?)?$"
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}")
_CODE = re.compile(r"(?<![\d-])(\d{6})-(\d{5})(?![\d-])")
_BARE_CODE = re.compile(r"(?<![\w.,+-])\d{11}(?![\w-])")
_ABROAD = re.compile(r"(?<![\w+.,])(?:\+|00)(?=[1-9])((?:[\s().-]{0,2}\d){8,15})(?!\d)")
_LOCAL = re.compile(
    r"(?<![\w.,+-])[26]\d(?:\d{6}|[ -]\d{3}[ -]\d{3}|\d[ -]\d{2}[ -]\d{3}|([ -]\d{2}){3})(?![\w-]|[.,]\d)"
)
_PAIR = re.compile(r"(?<![\d.])(-?\d{1,3}\.\d{3,}[1-9]\d*)\s*°?\s*[NSns]?\s*[,;\s]\s*(-?\d{1,3}\.\d{3,}[1-9]\d*)")
_PLACE = re.compile(r"-?\d{1,3}\.\d{2,}[1-9]\d*\s+-?\d{1,3}\.\d{2,}[1-9]")  # a third decimal is 100 metres
_DEGREES = re.compile(r"^-?\d{1,3}\.\d{3,}[1-9]\d*$")
_IP = re.compile(r"(?<![\w.])(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?![\w]|\.\d)")
_IP6 = re.compile(r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}(?![\w:])")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}")
_IBAN_LENGTHS = {
    "LV": 21, "LT": 20, "EE": 20, "AT": 20, "BE": 16, "BG": 22, "BY": 28, "CH": 21, "CY": 28, "CZ": 24, "DE": 22,
    "DK": 18, "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GE": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IT": 27,
    "LU": 20, "MD": 24, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SE": 24, "SI": 19, "SK": 24,
    "TR": 26, "UA": 29,
}  # fmt: skip
_PERSON = re.compile(r"[^\W\d_](?:[^\W\d_]|['’.])*(?:[ -]+[^\W\d_](?:[^\W\d_]|['’.])*){0,3}")
_PATRONYMIC = re.compile(r"(ович|евич|овна|евна|инична)\b")


@dataclass(frozen=True)
class _Words:
    """By what words personal data is known: ``identifiers.yml``."""

    said: Mapping[Identifier, tuple[frozenset[str], re.Pattern[str]]]
    beside: frozenset[str]
    things: re.Pattern[str]
    nobody: frozenset[str]
    given: frozenset[str]
    places: frozenset[str]


@lru_cache(maxsize=1)
def _known() -> _Words:
    read = read_yaml(Path(str(files("motivlab").joinpath("identifiers.yml"))))
    said = {
        kind: (frozenset(by["words"].split()), re.compile(by["wording"], re.IGNORECASE))
        for kind, by in read["said"].items()
    }
    return _Words(
        said, frozenset(read["beside"].split()), re.compile(read["things"], re.IGNORECASE), frozenset(read["nobody"]),
        frozenset(read["given"].split()), frozenset(read["places"].split()),
    )  # fmt: skip


def rules(form: Questionnaire, about: About, columns: Iterable[str]) -> Iterator[Rule]:
    """A rule ``identifier`` for every column of the responses that may identify somebody.

    Codes of choices, dates and weights are not looked at; the respondent's id only for what is more than a number.

    Parameters
    ----------
    form : Questionnaire
    about : About
    columns : iterable of str
        Those of the responses.

    Yields
    ------
    Rule
        ``told`` says what it is; the value itself is shown as :func:`masked`.
    """
    if not about.checks.on("identifier"):
        return
    columns, questions = list(columns), {question.name: question for question in form}
    left = {column for q in form if q.type in _NOT_READ for column in (*q.columns, *q.optional_columns)}
    design = about.design
    left |= {name for name in (design.weight, design.strata, design.fpc) if name}
    left |= {*design.replicate_columns(columns)}
    for column in columns:
        if column in left and column != about.respondent_id:
            continue
        said = _column(column, questions.get(column), about)
        yield Rule(
            "identifier",
            column,
            (column,),
            partial(_broken, column=said),
            told=partial(_told, column=said),
            secret=True,
        )


def masked(value: str) -> str:
    """A value of which no more is told than its first and its last character.

    Examples
    --------
    >>> masked("Jānis Bērziņš"), masked("29")
    ('J…š', '…')
    """
    text = value.strip()
    return f"{text[0]}…{text[-1]}" if len(text) > 3 else "…"


@dataclass(frozen=True)
class _Column:
    """A column: what it says it holds, what it is for."""

    name: str
    said: frozenset[Identifier]
    meta: Identifier | None  # what a device filled in
    place: bool
    answers: bool  # of a text question
    declared: bool  # of a question
    numbered: bool  # a number that stands for something
    identity: bool  # of the respondent or the interviewer, who has a pseudonym there


def _column(name: str, question: Question | None, about: About) -> _Column:
    words = {*re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).casefold())}
    joined = "".join(re.findall(r"[^\W\d_]+", name.casefold()))
    wording = " ".join([name, *(question.labels.values() if question else ())])
    known = _known()
    said = {kind for kind, (by, pattern) in known.said.items() if by & {*words, joined} or pattern.search(wording)}
    names, pattern = known.said["name"]
    named = words & names and words <= names | known.beside
    if not named and (not pattern.search(wording) or known.things.search(wording)):
        said.discard("name")
    meta = _META.get(question.type) if question else None
    if meta is None and _DEVICES & {*words, joined}:
        meta = "device"
    interviewer = name == about.paradata.interviewer
    if interviewer or (meta and about.paradata.interviewer):  # with an interviewer, the device is theirs
        said, meta = set(), None
    return _Column(
        name, frozenset(said), meta, question is not None and question.type in (*PLACE_TYPES, "start-geopoint"),
        question is not None and question.type == "text", question is not None,
        bool(_NUMBERED & words),
        interviewer or name == about.respondent_id,
    )  # fmt: skip


def _broken(frame: pd.DataFrame, column: _Column) -> Mask:
    found = _found(frame, column)
    return np.zeros(len(frame), dtype=bool) if found is None else (found != "")[coded(frame, column.name).places]


def _told(frame: pd.DataFrame, positions: Sequence[int], column: _Column) -> list[Detail]:
    found = _found(frame, column)
    if found is None:
        return [""] * len(positions)
    return [_naming(kind) for kind in found[coded(frame, column.name).places[np.asarray(positions, dtype=np.intp)]]]


@lru_cache
def _naming(kind: str) -> Detail:
    return lambda language: say(f"identifier_{kind}", language)


def _found(frame: pd.DataFrame, column: _Column) -> Found | None:
    """What each of the column's texts is, the blank last; None where no text can be anything."""
    values = frame[column.name]
    kind = values.dtype.kind
    if kind in "Mmb" or isinstance(values.dtype, pd.CategoricalDtype):
        return None
    if kind in "iuf" and not column.said and not column.meta:  # a number has to be as long as a personal code
        most = values.max()
        if pd.isna(most) or most < 10**10:
            return None
    return remember(frame, ("identifier", column), lambda: _judged(coded(frame, column.name).levels, column))


def _judged(levels: npt.NDArray[np.object_], column: _Column) -> Found:
    """What each text is; the last, for blank, is nothing."""
    pa, pc = import_module("pyarrow"), import_module("pyarrow.compute")

    texts = pa.array(levels[:-1].tolist(), pa.string())
    out = np.full(len(levels), "", dtype=object)

    def where(pattern: str, within: Mask | None = None) -> Mask:
        hit = np.zeros(len(levels), dtype=bool)
        at = np.arange(len(texts)) if within is None else np.flatnonzero(within)
        some = texts if within is None else texts.take(pa.array(at))
        hit[at] = pc.match_substring_regex(some, pattern).to_numpy(zero_copy_only=False).astype(bool)
        return hit

    if column.meta:
        out[where(r"\S") & ~where(r"(?i)not found|no device property|^n/?a$")] = column.meta
        return out
    if column.place:
        out[where(_PLACE.pattern)] = "coordinates"
        return out
    letters = where(_LETTER)
    if not letters.any() and not where(r"\d{7}|\d[ .-]\d|\d:").any():
        return out
    marked = where(r"[\d@:]")  # most texts have none of them
    digits = where(r"^[\d -]+$", marked)
    digits &= ~where(r"^\d{6}-\d{5}$|^\d{4}-\d{2}-\d{2}$|^00 ?371", digits)
    looked = where(_WORTH, marked & ~digits)
    looked &= ~where(_HARMLESS, looked)
    for i in np.flatnonzero(looked):
        out[i] = _of_itself(levels[i], column)
    if digits.any():
        _numbers(levels, digits, where, column, out)
    if "coordinates" in column.said:
        out[where(_DEGREES.pattern) & (out == "")] = "coordinates"
    if letters.any():
        _words(levels, letters, marked, where, column, out)
    return out


def _of_itself(text: str, column: _Column) -> Identifier | Literal[""]:
    """What a text holds that is known by its pattern."""
    if _EMAIL.search(text):
        return "email"
    if any(code[0].startswith("32") or _person("".join(code)) for code in _CODE.findall(text)):
        return "personal_code"
    for code in _BARE_CODE.findall(text):
        if _person(code) or (
            code.startswith("32") and re.search(r"kod|code|код|\bpk\b|p\.\s?k\.", text, re.IGNORECASE)
        ):
            return "personal_code"
    if any(_iban(found.replace(" ", "")) for found in _IBAN.findall(text)):
        return "iban"
    for pair in _PAIR.findall(text):
        if abs(float(pair[0])) <= 90 and abs(float(pair[1])) <= 180:
            return "coordinates"
    for parts in _IP.findall(text):
        if max(map(int, parts)) < 256 and max(map(int, parts)) > 9:  # else a version
            return "ip"
    if _IP6.search(text):
        return "ip"
    numbers = [_digits(number) for number in _ABROAD.findall(text)]
    if any(8 <= len(n) <= 15 and not n.endswith("000") for n in numbers):
        return "phone"
    if "phone" in column.said and 7 <= len(_digits(text)) <= 15:
        return "phone"
    if "personal_code" in column.said and re.search(r"\b[A-Z]{1,2}\d{6,}\b", text):
        return "personal_code"
    numbers = [_digits(number[0]) for number in _LOCAL.finditer(text)]
    if (column.answers or not column.declared) and any(not n.endswith("000") and not _day(n) for n in numbers):
        return "phone"
    return ""


def _numbers(levels: Found, digits: Mask, where: Any, column: _Column, out: Found) -> None:
    """What texts of nothing but digits are: told by what the column says, or by most of them being alike."""
    if "phone" in column.said or "personal_code" in column.said:
        for i in np.flatnonzero(digits):
            number = _digits(levels[i])
            if "personal_code" in column.said and len(number) >= 7:
                out[i] = "personal_code"
            elif "phone" in column.said and 7 <= len(number) <= 15 and len(set(number)) > 1:
                out[i] = "phone"
        return
    long = np.flatnonzero(where(r"^\s*\d{11}\s*$") & digits)
    if 2 * len(long) >= digits.sum():
        codes = [i for i in long if _person(levels[i].strip())]
        new = [i for i in long if levels[i].strip().startswith("32")]
        if codes or _range([levels[i] for i in new]) >= SCATTER:
            codes += new
        if len(codes) and 2 * len(codes) >= digits.sum():
            out[codes] = "personal_code"
    if not column.answers or column.identity or column.numbered:
        return
    alike = np.flatnonzero(where(r"^\s*(?:[26]\d[\d -]{6,9}|371[26]\d{7})\s*$") & digits & (out == ""))
    if len(alike) >= max(5, MOST * (len(levels) - 1)):
        phones = [i for i in alike if len(_digits(levels[i])) == 11
                  or (_LOCAL.fullmatch(levels[i].strip()) and not _day(_digits(levels[i])))]  # fmt: skip
        if len(phones) >= max(5, MOST * (len(levels) - 1)) and (
            _range([_digits(levels[i]) for i in phones]) >= SPREAD * len(phones)
        ):
            out[phones] = "phone"


def _words(levels: Found, letters: Mask, marked: Mask, where: Any, column: _Column, out: Found) -> None:
    """Names and addresses: where the column says so, or where a good part of it is."""
    enough = max(2, GOOD_PART * (len(levels) - 1))
    if "name" in column.said:
        for i in np.flatnonzero(letters & (out == "")):
            if _PERSON.fullmatch(levels[i].strip()) and levels[i].strip().casefold() not in _known().nobody:
                out[i] = "name"
    else:
        looked = np.flatnonzero(where(_TWO_OR_THREE) & letters & (out == ""))
        if len(looked) >= enough:
            words = {i: levels[i].split() for i in looked}
            plain = {i: _plain(levels[i]).split() for i, of in words.items() if all(map(_capital, of))}
            people = [i for i, of in plain.items() if not _known().places & set(of)]
            common = sum(bool(_known().given & set(plain[i]) or _PATRONYMIC.search(" ".join(plain[i]))) for i in people)
            if len(people) >= enough and common >= KNOWN_PART * len(people):
                out[people] = "name"
    streets = where(_STREET, marked & letters & (out == ""))
    if "address" in column.said:
        streets |= where(r"\d", marked & letters & (out == ""))
    elif streets.sum() < enough:
        return
    out[streets] = "address"


def _capital(word: str) -> bool:
    """Whether a word begins with a capital and goes on in small letters, in each of its parts: Ozola-Liepa, K."""
    parts = word.removesuffix(".").split("-")
    return all(part.isalpha() and part[0].isupper() and (part[1:].islower() or part == word[:-1]) for part in parts)


# ------------------------------------------------------------------------------------------------------- checksums


def _person(code: str) -> bool:
    """Whether eleven digits are a Latvian personal code with a date, an Estonian or a Lithuanian one."""
    n = [int(digit) for digit in code]
    if n[6] <= 2 and _exists(1800 + 100 * n[6] + 10 * n[4] + n[5], code[2:4], code[:2]):
        weighed = 1 + sum(a * b for a, b in zip((10, 5, 8, 4, 2, 1, 6, 3, 7, 9), n, strict=False))
        if weighed % 11 % 10 == n[10]:
            return True
    if not (1 <= n[0] <= 8 and _exists(1800 + 100 * ((n[0] - 1) // 2) + 10 * n[1] + n[2], code[3:5], code[5:7])):
        return False
    for weights in ((1, 2, 3, 4, 5, 6, 7, 8, 9, 1), (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)):
        rest = sum(a * b for a, b in zip(weights, n, strict=False)) % 11
        if rest < 10:
            return rest == n[10]
    return n[10] == 0


def _exists(year: int, month: str, day: str) -> bool:
    try:
        dt.date(year, int(month), int(day))
    except ValueError:
        return False
    return True


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _day(digits: str) -> bool:
    """Whether eight digits are a day, however it is written: 20211031, 31102021, 10312021."""
    a, b, c = digits[:2], digits[2:4], digits[4:]
    written = ((digits[:4], c[:2], c[2:]), (c, b, a), (c, a, b))
    return any(1900 <= int(year) < 2100 and _exists(int(year), month, day) for year, month, day in written)


def _iban(text: str) -> bool:
    """Whether a text begins with an IBAN of its country's length whose remainder by 97 is 1."""
    account = text[: _IBAN_LENGTHS.get(text[:2], 99)]
    if len(account) != _IBAN_LENGTHS.get(text[:2]):
        return False
    return int("".join(str(int(sign, 36)) for sign in account[4:] + account[:4])) % 97 == 1


def _range(numbers: Sequence[str]) -> int:
    """How far the greatest is from the least."""
    values = [int(n) for n in numbers]
    return max(values) - min(values) if values else 0


def _plain(text: str) -> str:
    """Lower case, without diacritics."""
    return "".join(c for c in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(c))
