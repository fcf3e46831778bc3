"""Data in and out: importing CSV files."""

from hansa_core.transfer.importer import ImportOptions, ImportPlan, plan_import, run_import
from hansa_core.transfer.report import ImportReport, Outcome, RowProblem, Tally, told

__all__ = (
    "ImportOptions",
    "ImportPlan",
    "ImportReport",
    "Outcome",
    "RowProblem",
    "Tally",
    "plan_import",
    "run_import",
    "told",
)
