"""The entities of crm."""

from hansa_crm.entities.deals import (
    Activity,
    ActivityKind,
    Deal,
    DealStatus,
    Pipeline,
    Stage,
)

__all__ = ("Activity", "ActivityKind", "Deal", "DealStatus", "Pipeline", "Stage")
