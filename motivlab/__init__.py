"""motivlab: from a questionnaire and a data file to a checked, disclosure-safe prevalence report.

>>> import motivlab as ml
>>> sorted(ml.__all__)[:3]
['Design', 'Questionnaire', 'Survey']
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.4.0"

# Where each name lives; it is imported when it is first used, so that `import motivlab` is quick.
_HOME = {
    "Questionnaire": "questionnaire",
    "Design": "about",
    "Survey": "survey",
    "open_survey": "survey",
    "read_survey": "imports",
    "import_survey": "imports",
    "write_survey": "writers",
    "schema": "schema",
    "check": "checking",
    "apply_cleaning": "cleaning",
    "recode": "recodes",
    "codebook": "codebook",
    "against_margins": "margins",
    "prevalence": "prevalence",
    "mean": "summaries",
    "total": "summaries",
    "ratio": "summaries",
    "quantile": "summaries",
    "compare": "compare",
    "adjusted": "adjusted",
    "cooccurrence": "cooccurrence",
    "reliability": "scales",
    "gains": "gains",
    "difference_in_differences": "gains",
    "attrition": "attrition",
    "response_weights": "nonresponse",
    "outcomes": "outcomes",
    "flow": "flow",
    "indicators": "indicators",
    "time_to_outcome": "durations",
    "audit_published": "audit",
    "rake": "calibration",
    "with_replicates": "replicates",
    "weight_summary": "weights",
    "response_rates": "fieldwork",
    "margin_of_error": "planning",
    "sample_size": "planning",
    "detectable_difference": "planning",
    "read_published": "published",
    "against_published": "published",
    "gate": "gate",
    "table": "tables",
    "plot_prevalence": "figures",
    "plot_findings": "figures_check",
    "plot_margins": "figures_margins",
    "plot_upset": "figures_cooccurrence",
    "plot_adjusted": "figures_compare",
    "plot_weights": "figures_compare",
    "plot_gains": "figures_gains",
    "plot_changes": "figures_gains",
    "plot_agreement": "figures_agreement",
    "plot_occasions": "figures_gains",
    "plot_outcomes": "figures_outcomes",
    "plot_flow": "figures_flow",
    "plot_funnel": "figures_outcomes",
    "plot_caterpillar": "figures_outcomes",
    "plot_differences": "figures_outcomes",
    "plot_survival": "figures_durations",
    "plot_audit": "figures_audit",
    "plot_published": "figures_audit",
    "describe": "sentences",
    "takeaway": "takeaways",
    "limits": "sentences",
    "heading": "sentences",
    "export": "exports",
    "together": "exports",
    "write_report": "report",
}

__all__ = list(_HOME)

if TYPE_CHECKING:
    from .about import Design as Design
    from .adjusted import adjusted as adjusted
    from .attrition import attrition as attrition
    from .audit import audit_published as audit_published
    from .calibration import rake as rake
    from .checking import check as check
    from .cleaning import apply_cleaning as apply_cleaning
    from .codebook import codebook as codebook
    from .compare import compare as compare
    from .cooccurrence import cooccurrence as cooccurrence
    from .durations import time_to_outcome as time_to_outcome
    from .exports import export as export
    from .exports import together as together
    from .fieldwork import response_rates as response_rates
    from .figures import plot_prevalence as plot_prevalence
    from .figures_agreement import plot_agreement as plot_agreement
    from .figures_audit import plot_audit as plot_audit
    from .figures_audit import plot_published as plot_published
    from .figures_check import plot_findings as plot_findings
    from .figures_compare import plot_adjusted as plot_adjusted
    from .figures_compare import plot_weights as plot_weights
    from .figures_cooccurrence import plot_upset as plot_upset
    from .figures_durations import plot_survival as plot_survival
    from .figures_flow import plot_flow as plot_flow
    from .figures_gains import plot_changes as plot_changes
    from .figures_gains import plot_gains as plot_gains
    from .figures_gains import plot_occasions as plot_occasions
    from .figures_margins import plot_margins as plot_margins
    from .figures_outcomes import plot_caterpillar as plot_caterpillar
    from .figures_outcomes import plot_differences as plot_differences
    from .figures_outcomes import plot_funnel as plot_funnel
    from .figures_outcomes import plot_outcomes as plot_outcomes
    from .flow import flow as flow
    from .gains import difference_in_differences as difference_in_differences
    from .gains import gains as gains
    from .gate import gate as gate
    from .imports import import_survey as import_survey
    from .imports import read_survey as read_survey
    from .indicators import indicators as indicators
    from .margins import against_margins as against_margins
    from .nonresponse import response_weights as response_weights
    from .outcomes import outcomes as outcomes
    from .planning import detectable_difference as detectable_difference
    from .planning import margin_of_error as margin_of_error
    from .planning import sample_size as sample_size
    from .prevalence import prevalence as prevalence
    from .published import against_published as against_published
    from .published import read_published as read_published
    from .questionnaire import Questionnaire as Questionnaire
    from .recodes import recode as recode
    from .replicates import with_replicates as with_replicates
    from .report import write_report as write_report
    from .scales import reliability as reliability
    from .schema import schema as schema
    from .sentences import describe as describe
    from .sentences import heading as heading
    from .sentences import limits as limits
    from .summaries import mean as mean
    from .summaries import quantile as quantile
    from .summaries import ratio as ratio
    from .summaries import total as total
    from .survey import Survey as Survey
    from .survey import open_survey as open_survey
    from .tables import table as table
    from .takeaways import takeaway as takeaway
    from .weights import weight_summary as weight_summary
    from .writers import write_survey as write_survey


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'motivlab' has no attribute {name!r}")
    return getattr(import_module(f"motivlab.{_HOME[name]}"), name)


class _Package(ModuleType):
    """Importing a submodule sets it as an attribute here: where a verb has the same name, the verb stays."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
