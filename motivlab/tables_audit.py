"""The audit of published figures in words: sentences, and the table of findings."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from .audit import SEVERITIES, Audit
from .audit_read import DATE, Row
from .language import NO_BREAK, known, number, percent, say
from .tables import Block, Table, table

QUOTED = ("same", "identifier", "title")  # rules about texts as they are written
NUMBERS_FIRST = ("count", "share", "ratio", "age", "amount", "months", "date", "text", "")  # by the unit of a finding
FIRST, LAST = ("definition", "denominator"), ("format", "repeated")
# of one check the table tells so many findings in full, of more their ids
IN_FULL = {"contradiction": 10, "note": 3, "read": 3}
COLUMNS = {"contradiction": ("rule", "stated", "said", "difference", "why"), "note": ("rule", "said"),
           "read": ("rule", "said")}  # fmt: skip
LETTERS = {"rule": 24, "stated": 40, "said": 60, "difference": 18, "why": 46}  # of a line in a cell
STATED = 120  # letters of a statement that a table quotes


def said(finding: Mapping[Any, Any], language: str) -> str:
    """A finding as a sentence.

    Parameters
    ----------
    finding : mapping
        A row of ``Audit.findings``.
    language : {"lv", "en", "ru"}

    Examples
    --------
    >>> from motivlab.audit import audit_published
    >>> findings = audit_published("data/published").findings
    >>> said(findings.iloc[0], "en")
    'PO05, k: 91 is stated, but the parts (PO02, PO03, PO04) add up to 27 + 33 + 34 = 94.'
    """
    row, *others = str(finding["rows"]).split()
    shown = {
        **_values(finding["values"], finding["unit"], language),
        "row": row, "others": ", ".join(others), "rows": ", ".join([row, *others]),
        "expected": amount(finding, "expected", language), "observed": amount(finding, "observed", language),
        "difference": difference(finding, language),
    }  # fmt: skip
    if "note" not in shown:
        shown["note"] = finding["values"].get(language, "")
    sentence = say(f"audit_{finding['key']}", language, **shown)
    return re.sub(r"(?<!\.)\.\.$", ".", sentence)  # a date in Latvian ends with a full stop


def explained(finding: Mapping[Any, Any], language: str) -> str:
    """What would explain a finding; empty if nothing was found.

    Parameters
    ----------
    finding : mapping
        A row of ``Audit.findings``.
    language : {"lv", "en", "ru"}

    Examples
    --------
    >>> from motivlab.audit import audit_published
    >>> findings = audit_published("data/published").findings
    >>> explained(findings.iloc[0], "en").split(";")[0]
    'PO05 = PO06 + PO04: 91 = 57 + 34'
    """
    reasons = []
    for key, values in finding["why"]:
        later = "_later" if values.get("later") else ""
        reasons.append(say(f"audit_{key}{later}", language, **_values(values, finding["unit"], language)))
    return " ".join(reasons)


def statements(audit: Audit) -> pd.DataFrame:
    """The findings with their sentences in the language of the audit.

    Columns: ``rule``, its name; ``severity``, ``rows``, ``table``, ``statement``, ``expected``, ``observed``,
    ``difference``, ``unit``, ``explanation``, ``sources``.
    """
    findings, language = audit.findings, audit.language
    rows = findings.to_dict("records")
    return pd.DataFrame(
        {
            "rule": [say(f"audit_rule_{row['rule']}", language) for row in rows],
            "severity": [say(f"audit_{row['severity']}", language) for row in rows],
            "rows": findings["rows"],
            "table": findings["table"],
            "statement": [said(row, language) for row in rows],
            "expected": findings["expected"],
            "observed": findings["observed"],
            "difference": findings["difference"],
            "unit": findings["unit"],
            "explanation": [explained(row, language) for row in rows],
            "sources": findings["sources"],
        }
    )


@table.register(Audit)
def _audit(audit: Audit) -> Table:
    """A block for each severity, numbers before dates and texts; the table's numbers hold every finding in full."""
    language = audit.language
    blocks, short = [], False
    for severity in SEVERITIES:
        found = audit.findings[audit.findings["severity"] == severity].to_dict("records")
        if not found:
            continue
        columns = [c for c in COLUMNS[severity] if c != "stated" or any(_stated(audit, row) for row in found)]
        columns = [c for c in columns if c != "why" or any(len(row["why"]) for row in found)]
        cells = []
        for rows in _by_rule(found):
            in_full = len(rows) <= IN_FULL[severity]
            short = short or not in_full
            cells += [_cells(audit, row, columns) for row in rows] if in_full else [_ids(rows, columns, language)]
        head = tuple(say(f"audit_head_{column}", language) for column in columns)
        blocks.append(Block(say(f"audit_{severity}", language), head, tuple(cells), prose=tuple(range(len(head)))))
    notes = [summary(audit)]
    notes += [] if not audit.ok else [say("audit_note_none", language)]
    notes += [say("audit_note_scope", language)]
    if blocks:
        notes += [say("audit_note_why", language)] if audit.findings["why"].map(len).any() else []
        notes += [say("audit_note_ids", language), say("audit_note_short" if short else "audit_note_full", language)]
    return Table(say("audit_title", language), tuple(blocks), tuple(notes), statements(audit), language)


def ranked(findings: Sequence[Mapping[Any, Any]]) -> list[Mapping[Any, Any]]:
    """Findings in the order of their weight for a reader: what an outcome is, numbers, amounts, dates, texts."""
    return sorted(findings, key=lambda row: (_weight(str(row["rule"])), NUMBERS_FIRST.index(row["unit"])))


def _weight(rule: str) -> int:
    return -1 if rule in FIRST else 1 if rule in LAST else 0


def _by_rule(findings: Sequence[Mapping[Any, Any]]) -> list[list[Mapping[Any, Any]]]:
    """The findings of each check, in the order of its first."""
    groups: dict[str, list[Mapping[Any, Any]]] = {}
    for row in ranked(findings):
        groups.setdefault(row["rule"], []).append(row)
    return list(groups.values())


def summary(audit: Audit) -> str:
    """How many rows, checks and findings there are.

    Examples
    --------
    >>> from motivlab.audit import audit_published
    >>> summary(audit_published("data/published")).split(":")[0]
    '336 rows, 235 checks'
    """
    language, found = audit.language, audit.findings["severity"]
    rows = say("audit_summary_rows", language, n=len(audit.figures.rows))
    checks = say("audit_summary_checks", language, n=len(audit.checks))
    counts = (
        say("audit_summary_contradictions", language, n=int((found == "contradiction").sum())),
        say("audit_summary_notes", language, n=int((found == "note").sum())),
        say("audit_summary_read", language, n=int((found == "read").sum())),
    )
    return f"{rows}, {checks}: {', '.join(counts)}."


def _cells(audit: Audit, finding: Mapping[Any, Any], columns: Sequence[str]) -> tuple[str, ...]:
    language = audit.language
    texts = {
        "rule": say(f"audit_rule_{finding['rule']}", language), "stated": _stated(audit, finding),
        "said": said(finding, language), "difference": difference(finding, language),
        "why": explained(finding, language),
    }  # fmt: skip
    return tuple(_wrapped(texts[column], column) for column in columns)


def _ids(findings: Sequence[Mapping[Any, Any]], columns: Sequence[str], language: str) -> tuple[str, ...]:
    """One row for all findings of a check: how many, and of which rows."""
    ids = "; ".join(str(row["rows"]).replace(" ", ", ") for row in findings)
    texts = {
        "rule": say(f"audit_rule_{findings[0]['rule']}", language),
        "said": say("audit_short", language, n=len(findings), ids=ids),
    }
    return tuple(_wrapped(texts.get(column, ""), column) for column in columns)


def _wrapped(text: str, column: str) -> str:
    """Lines that a table of texts can hold; neither a sum nor a no-break space is broken."""
    whole = re.sub(r"(?<=\d) ([+=]) (?=\d)", "\N{UNIT SEPARATOR}\\1\N{UNIT SEPARATOR}", text)
    lines = textwrap.wrap(whole, LETTERS[column], break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace("\N{UNIT SEPARATOR}", " ")


def _stated(audit: Audit, finding: Mapping[Any, Any]) -> str:
    """What the row that is judged says, in the language if the table has it."""
    row = audit.figures.rows[str(finding["rows"]).split()[0]]
    text = _in_own_words(row, audit.language)
    return textwrap.shorten(f"{row.id}: {text}", STATED, placeholder=" …") if text else ""


def _in_own_words(row: Row, language: str) -> str:
    """A row's statement, in Latvian the words of the source rather than a statement in another language."""
    columns = (f"statement_{language}", *(("quote",) if language == "lv" else ()), "statement", "quote")
    return next((text for column in columns if (text := row.text(column))), "")


# ----------------------------------------------------------------------------------------------- numbers in words


def amount(finding: Mapping[Any, Any], column: str, language: str) -> str:
    """``expected`` or ``observed`` as it is written; empty where there is none."""
    value, unit = finding[column], finding["unit"]
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return ""
    if isinstance(value, str):
        quote = finding["rule"] in QUOTED and unit == "text"
        return say("quoted", language, text=value) if quote else date_text(value, language)
    if unit == "share":
        return _share(value, language)
    if unit == "months":
        return _unit("months", value, language)
    return _plain(value, language, unit) + _money(finding["values"])


def difference(finding: Mapping[Any, Any], language: str) -> str:
    """The difference with its sign and unit; empty where there is none."""
    value, unit = finding["difference"], finding["unit"]
    if value is None or pd.isna(value) or unit == "text":
        return ""
    sign = "+" if value > 0 else "−" if value < 0 else ""
    size = abs(float(value))
    if unit == "share":
        return sign + _unit("points", size * 100, language)
    if unit in ("date", "months"):
        return sign + _unit(str(finding["values"].get("step") or "months"), size, language)
    return sign + _plain(size, language, unit) + _money(finding["values"])


def _money(values: Mapping[str, Any]) -> str:
    return f"{NO_BREAK}{values['currency']}" if values.get("currency") else ""


def _plain(value: float, language: str, unit: str = "") -> str:
    whole = abs(value - round(value)) < 1e-9 and unit != "amount"
    return number(value, language, 0 if whole else 2)


def _share(share: float, language: str) -> str:
    """As a percentage, with decimals only where it has some."""
    digits = 0 if abs(share * 100 - round(share * 100)) < 1e-6 else 2
    return percent(share, language, digits)


def _unit(unit: str, size: float, language: str) -> str:
    """A number of months, days, years or percentage points; ``n`` chooses the plural form."""
    digits = 0 if abs(size - round(size)) < 0.05 else 1
    if unit == "points" and digits:
        digits = 2
    shown = round(size, digits)
    return say(f"audit_{unit}", language, size=number(shown, language, digits), n=int(shown) if digits == 0 else shown)


def _values(values: Mapping[str, Any], unit: str, language: str) -> dict[str, str]:
    """What else a sentence names, as it is written in it."""
    shown: dict[str, str] = {}
    for name, value in values.items():
        if name == "count":
            shown[name] = say(f"audit_count_{value}", language)
        elif name == "attribute":
            shown[name] = say(f"audit_attribute_{value}", language)
        elif name == "parts":
            shown[name] = " + ".join(_plain(size, language, unit) for size in value)
        elif name == "missing":
            shown[name] = ", ".join(say(f"audit_item_{item}", language) for item in value)
        elif name == "named":
            shown[name] = "; ".join(definition_label(code, language) for code in value)
        elif name == "months":
            shown[name] = _unit("months", value, language)
        elif name == "amount":
            shown[name] = f"{_plain(value, language, 'amount')}{NO_BREAK}{values['from']}"
        elif name == "rate":
            shown[name] = number(value, language, 6)
        elif name.endswith("_share"):
            shown[name] = _share(value, language)
        elif isinstance(value, (int, float)):
            shown[name] = _plain(value, language, unit)
        else:
            shown[name] = date_text(str(value), language)
    for name in ("ratio", "reached"):
        shown[name] = shown.get(f"{name}_share", "")
    return shown


def definition_label(code: str, language: str) -> str:
    """What a definition of an outcome is called; one that we have no words for, in quotation marks."""
    key = f"audit_definition_{code}"
    return say(key, language) if known(key) else say("quoted", language, text=code)


def date_text(text: str, language: str) -> str:
    """A date or a period as the language writes it; any other text as it is.

    Examples
    --------
    >>> date_text("2020-11-13–2022-02", "lv"), date_text("2020-11-13", "ru"), date_text("2022-02", "en")
    ('13.11.2020.–02.2022.', '13.11.2020', '2022-02')
    """
    if language == "en" or not re.fullmatch(f"{DATE}(–{DATE})?", text):
        return text
    stop = "." if language == "lv" else ""
    return "–".join(".".join(reversed(date.split("-"))) + (stop if "-" in date else "") for date in text.split("–"))
