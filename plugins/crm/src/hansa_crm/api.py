"""What other plugins may import from crm; a change here is a change of its promise."""

from hansa_crm.entities import Activity, ActivityKind, Deal, DealStatus, Pipeline, Stage
from hansa_crm.events import DealLost, DealReopened, DealWon

__all__ = (
    "Activity",
    "ActivityKind",
    "Deal",
    "DealLost",
    "DealReopened",
    "DealStatus",
    "DealWon",
    "Pipeline",
    "Stage",
)
