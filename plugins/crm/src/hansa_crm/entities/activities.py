"""What was done and what is to do with customers: calls, meetings, e-mails, notes, tasks."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from hansa_contacts.api import Party
from hansa_crm.entities.deals import Deal
from hansa_sdk import Entity, Field, Ref, User, check, field, ref


class ActivityKind(StrEnum):
    """What kind of activity it is."""

    CALL = "call"
    MEETING = "meeting"
    EMAIL = "email"
    NOTE = "note"
    TASK = "task"


class Activity(Entity, name="crm.activity", plural="activities", label="Activity", subject="party"):
    """One call, meeting, e-mail, note or task. A note has nothing left to do and is done at once.

    Without `due_at` it may be done at any time.
    """

    kind: Field[ActivityKind] = field(index=True, label="Kind")
    subject: Field[str] = field(max_length=200, search=True, personal=True, label="Subject")
    body: Field[str | None] = field(default=None, personal=True, label="Text")
    party: Ref[Party | None] = ref(
        default=None, on_delete="cascade", label="Party", help="At first the deal's customer"
    )
    deal: Ref[Deal | None] = ref(default=None, on_delete="cascade", label="Deal")
    assignee: Ref[User | None] = ref(
        default=None, label="Assignee", help="Who does it; at first who made it"
    )
    due_at: Field[datetime | None] = field(default=None, index=True, label="Due")
    done: Field[bool] = field(default=False, index=True, label="Done")
    done_at: Field[datetime | None] = field(default=None, readonly=True, label="Done at")

    @check("a subject must have at least one visible character")
    def subject_not_blank(self) -> bool:
        """Blank subjects cannot be found or told apart."""
        return bool(self.subject.strip())
