"""The entities of crm."""

from hansa_crm.entities.activities import Activity, ActivityKind
from hansa_crm.entities.deals import Deal, DealStatus, Pipeline, Stage

__all__ = ("Activity", "ActivityKind", "Deal", "DealStatus", "Pipeline", "Stage")
