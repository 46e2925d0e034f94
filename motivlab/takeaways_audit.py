"""Takeaways of the audit of published figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .audit import Audit
from .language import say
from .sentences import Words
from .tables_audit import definition_label, explained, ranked, said
from .takeaways import takeaway

MOST = 6  # contradictions that are told


@takeaway.register(Audit)
def _audit(audit: Audit) -> Words:
    """How many checks hold; each contradiction of outcome figures, with what would explain it; what the notes say."""
    language = audit.language
    findings = audit.findings.to_dict("records")
    wrong = [finding for finding in findings if finding["severity"] == "contradiction"]
    noted = [finding for finding in findings if finding["severity"] == "note"]
    counts = ", ".join([
        say("audit_takeaway_hold", language, n=int(audit.checks["ok"].sum())),
        say("audit_summary_contradictions", language, n=len(wrong)),
        say("audit_summary_notes", language, n=len(noted)),
    ])  # fmt: skip
    statements = say("audit_takeaway_statements", language, n=len(audit.figures.rows))
    checks = say("audit_takeaway_checks", language, n=len(audit.checks))
    sentences = [f"{statements}. {checks}: {counts}."]
    own = _own(audit, wrong)
    if not wrong:
        sentences.append(say("audit_note_none", language))
    elif not own:
        sentences.append(say("audit_takeaway_none_own", language))
    bullets = [_told(finding, language) for finding in own[:MOST]]
    left = len(wrong) - len(bullets)
    bullets += [say("audit_takeaway_more", language, n=left)] if left else []
    notes = " ".join(_notes(noted, language))
    return Words(paragraphs=(" ".join(sentences), *([notes] if notes else [])), bullets=tuple(bullets))


def _own(audit: Audit, wrong: list[Mapping[Any, Any]]) -> list[Mapping[Any, Any]]:
    """The contradictions of outcome figures, in the tables that define an outcome; of all where none does.

    Those that name a row with a definition come first, and of them those about numbers.
    """
    rows = audit.figures.rows
    defined = {row.id for row in audit.figures.having("definition")}
    tables = {rows[id_].table for id_ in defined}
    own = [finding for finding in wrong if not defined or finding["table"] in tables]
    return sorted(ranked(own), key=lambda finding: not defined & set(str(finding["rows"]).split()))


def _told(finding: Mapping[Any, Any], language: str) -> str:
    why = explained(finding, language)
    why = why[:1].lower() + why[1:] if why[1:2].islower() else why  # after a colon; ids keep their capitals
    return " ".join([said(finding, language), *([say("audit_explained", language, why=why)] if why else [])])


def _notes(noted: list[Mapping[Any, Any]], language: str) -> list[str]:
    """What must be known of definitions, and of shares that are no parts of a whole."""
    sentences = []
    codes = dict.fromkeys(code for one in noted if one["rule"] == "definition" for code in one["values"]["named"])
    if codes:
        named = "; ".join(definition_label(code, language) for code in codes)
        sentences.append(say("audit_takeaway_definition", language, named=named))
    sets = [str(one["rows"]).replace(" ", ", ") for one in noted if one["rule"] == "set"]
    if sets:
        sentences.append(say("audit_takeaway_sets", language, n=len(sets), ids="; ".join(sets)))
    return sentences
