"""A plugin of roles only, for tests of who hears of what."""

from __future__ import annotations

from hansa_crm.api import Deal
from hansa_sdk import CURRENT_USER, Plugin, Role, allow

PLUGIN = Plugin(
    name="watch",
    version="1",
    requires=("crm",),
    roles=(
        # notes show on one's own deals only
        Role(
            "watch.shy",
            (
                allow(Deal, "read", hide=[Deal.notes]),
                allow(Deal, "read", when=Deal.owner == CURRENT_USER),
            ),
            "Shy",
        ),
        Role("watch.blind", (allow(Deal, "read", hide=[Deal.notes]),), "Blind"),
        Role("watch.maker", (allow(Deal, "read", when=Deal.created_by == CURRENT_USER),), "Maker"),
        Role(
            "watch.editor",
            (
                allow(Deal, "create"),
                allow(Deal, "read", "delete", when=Deal.updated_by == CURRENT_USER),
            ),
            "Editor",
        ),
    ),
)
