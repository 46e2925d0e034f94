"""The command ``motivlab``: import, check, clean, audit and report, on the command line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from . import __version__
from .language import LANGUAGES

CLEAN, FINDINGS, CANNOT_RUN = 0, 1, 2
MOST_SHOWN = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns
    -------
    int
        0 done, of a check or an audit: clean; 1 a check with findings, an audit with contradictions; 2 it cannot run,
        and the reason stands on stderr.
    """
    parser = _parser()
    chosen = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # Latvian and Russian also where the terminal is not UTF-8
            stream.reconfigure(encoding="utf-8")
    try:
        return int(chosen.run(chosen))
    except BrokenPipeError:  # whoever reads has enough, as `head` has; what is left is not printed to nobody
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINDINGS
    except MemoryError:
        print("motivlab: error: the memory is too small for this file. Leave out what is not needed.", file=sys.stderr)
        return CANNOT_RUN
    except (OSError, ValueError, KeyError, RuntimeError, ArithmeticError) as error:
        text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
        print(f"motivlab: error: {text}", file=sys.stderr)
        return CANNOT_RUN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="motivlab", description="From a questionnaire and a data file to a checked survey and a prevalence report."
    )
    parser.add_argument("--version", action="version", version=f"motivlab {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def languages(command: argparse.ArgumentParser) -> None:
        command.add_argument("--lang", choices=LANGUAGES, default="en", help="language of what is shown (default: en)")

    draft = commands.add_parser("import", help="draft a survey folder from any file of responses")
    draft.add_argument(
        "file", type=Path, metavar="FILE", help="a .sav, .zsav, .dta, .csv, .tsv, .txt, .xlsx or .parquet; only read"
    )
    draft.add_argument(
        "--form",
        type=Path,
        metavar="FORM",
        help="the XLSForm, .xlsx or a folder with survey.csv; LimeSurvey's .lss",
    )
    draft.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="the survey folder to make")
    draft.set_defaults(run=_import)

    check = commands.add_parser("check", help="check a survey: exit 0 clean, 1 findings, 2 cannot run")
    check.add_argument("survey", type=Path, metavar="FOLDER", help="a survey folder")
    check.add_argument("--responses", metavar="NAME", help="another file of the folder in place of the responses")
    check.add_argument(
        "--to",
        type=Path,
        metavar="FILE",
        action="append",
        help="write the findings as .xlsx, .html or .csv; they name respondents; may be given several times",
    )
    languages(check)
    check.set_defaults(run=_check)

    clean = commands.add_parser("clean", help="correct a survey: exit 0 clean, 1 findings left, 2 refused")
    clean.add_argument("survey", type=Path, metavar="FOLDER", help="a survey folder; its raw responses are only read")
    clean.add_argument("logs", type=Path, nargs="+", metavar="LOG", help="answered sheets of findings, .xlsx or .csv")
    clean.add_argument("--responses", metavar="NAME", help="the file of the folder with the raw responses")
    languages(clean)
    clean.set_defaults(run=_clean)

    out = commands.add_parser("export", help="write a survey as SPSS, Stata, csv, XLSForm, codebook ...")
    out.add_argument("survey", type=Path, metavar="FOLDER", help="a survey folder")
    out.add_argument(
        "--to", type=Path, nargs="+", required=True, metavar="FILE",
        help=".sav .zsav .dta .parquet .csv: responses; .xlsx: XLSForm; .docx .html: codebook; .json .xml: dictionary",
    )  # fmt: skip
    languages(out)
    out.set_defaults(run=_export)

    audit = commands.add_parser("audit", help="audit published figures: exit 0 no contradiction, 1 some, 2 cannot run")
    audit.add_argument(
        "figures", type=Path, metavar="FOLDER", help="a folder of tables with or without datapackage.json, or one .csv"
    )
    audit.add_argument("--to", type=Path, metavar="FILE", help="write the findings as .xlsx, .html or .csv")
    languages(audit)
    audit.set_defaults(run=_audit)

    report = commands.add_parser("report", help="run the notebooks on a survey and write the report")
    report.add_argument("--survey", type=Path, required=True, metavar="FOLDER", help="a survey folder")
    report.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="the folder to write; an earlier report there is replaced",
    )
    report.add_argument(
        "--notebooks", type=Path, metavar="DIR", help="notebooks of your own in place of the curated ones"
    )
    languages(report)
    report.set_defaults(run=_report)
    return parser


def _import(chosen: argparse.Namespace) -> int:
    from .imports import import_survey

    draft, left = import_survey(chosen.file, chosen.to, form=chosen.form)
    kinds = [question.type for question in draft.questionnaire]
    print(f"read {chosen.file}: {len(draft.responses):,} respondents, {len(kinds)} questions")
    for name in draft.sets:
        question = draft.questionnaire[name]
        names = ", ".join(choice.name for choice in question.answers)
        print(f"multiple response: {name}, {len(question.answers)} choices ({names})")
    for note in draft.notes:
        print(f"- {note}")
    written = sorted(path.name for path in chosen.to.iterdir() if path.is_file())
    print(f"wrote {chosen.to}: questionnaire/, {', '.join(written)}")
    print(f"to be filled in, marked in {chosen.to / 'survey.yml'}: {', '.join(left)}")
    print(f"next: motivlab check {chosen.to}")
    return CLEAN


def _check(chosen: argparse.Namespace) -> int:
    from .exports import export
    from .kinds import SEVERITIES
    from .language import say
    from .survey import open_survey

    survey = open_survey(chosen.survey, chosen.lang, chosen.responses)
    report = survey.check()
    print(report)
    if survey.about.to_fill:
        print(say("to_fill", chosen.lang, keys=", ".join(survey.about.to_fill)))
    if chosen.to:
        export(report, *chosen.to)
        for file in chosen.to:
            print(f"{file}: {say('findings', chosen.lang, n=len(report.findings))}")
    elif len(report.findings):
        print()
        first = report.findings.sort_values("severity", kind="stable", key=lambda of: of.map(SEVERITIES.index))
        for row, message in first["message"].iloc[:MOST_SHOWN].items():
            print(f"{row}\t{message}")
        if len(first) > MOST_SHOWN:
            print(f"... {len(first) - MOST_SHOWN} more: --to findings.xlsx")
    return CLEAN if report.ok else FINDINGS


def _clean(chosen: argparse.Namespace) -> int:
    from dataclasses import replace

    from .cleaning import apply_cleaning, raw_responses
    from .language import say
    from .survey import open_survey

    raw = chosen.responses or raw_responses(chosen.survey)
    survey = replace(open_survey(chosen.survey, chosen.lang, raw or None), cleaning=None)
    cleaning = apply_cleaning(survey, *chosen.logs)
    report = cleaning.report
    responses, record = cleaning.write()
    print(f"read {survey.responses_file}, and {', '.join(map(str, chosen.logs))}")
    print(cleaning)
    left = report.findings[report.findings["severity"] != "note"]
    if len(left):
        print(f"\n{say('cleaning_left', chosen.lang)}")
    for row, message in left["message"].iloc[:MOST_SHOWN].items():
        print(f"{row}\t{message}")
    if len(left) > MOST_SHOWN:
        print(f"... {len(left) - MOST_SHOWN} more")
    print(f"\nwrote {responses} and {record.name}; these lines of survey.yml use them:")
    print(f"responses: {responses.name}\ncleaning: {record.name}")
    return CLEAN if report.ok else FINDINGS


def _export(chosen: argparse.Namespace) -> int:
    from .survey import open_survey
    from .writers import write_survey

    written = write_survey(open_survey(chosen.survey, chosen.lang), *chosen.to)
    for file in written.files:
        print(f"wrote {file}")
    for note in written.notes:
        print(f"- {note}")
    return CLEAN


def _audit(chosen: argparse.Namespace) -> int:
    from .audit import SEVERITIES, audit_published
    from .exports import export
    from .language import say
    from .tables_audit import explained, said, summary

    audit = audit_published(chosen.figures, chosen.lang)
    print(f"{chosen.figures}: {summary(audit)}")
    for severity in SEVERITIES:
        found = audit.findings[audit.findings["severity"] == severity].to_dict("records")
        if found:
            print(f"\n{say(f'audit_{severity}', chosen.lang)}")
        for finding in found:
            print(f"- {said(finding, chosen.lang)}")
            if why := explained(finding, chosen.lang):
                print(f"  {say('audit_explained', chosen.lang, why=why)}")
            print(f"  {finding['sources']}")
    if chosen.to:
        export(audit, chosen.to)
        print(f"\n{chosen.to}")
    return CLEAN if audit.ok else FINDINGS


def _report(chosen: argparse.Namespace) -> int:
    from .report import write_report

    report = write_report(
        chosen.survey, chosen.out, chosen.lang, chosen.notebooks, lambda line: print(line, flush=True)
    )
    print(f"{len(report.files)} files in {report.folder}")
    print(f"report: {report.page}")
    return CLEAN
