"""Mistakes a plugin author makes; each line marked `reject` must be an error, no other may be."""

from hansa_sdk.errors import Invalid, Problem

e1 = Invalid("too long", path=5)  # reject: e1 [arg-type, reportArgumentType]
e2 = Problem("crm", "entity crm.deal", "a label", "nothing")  # reject: e2
e3 = Invalid("too long").mesage  # reject: e3
