"""What a plugin author rightly writes; no line may be an error."""

from hansa_sdk.errors import Invalid, Problem

a1 = Invalid("too long", path=("lines", 5))
a2 = Problem("crm", "entity crm.deal", "a label", "nothing", "Add label=.")
a3 = Invalid("too long").message
