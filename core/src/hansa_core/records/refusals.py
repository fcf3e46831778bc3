"""Which errors speak of the request as a whole, whatever record was being written."""

from __future__ import annotations

from typing import Final

from hansa_sdk import Busy, LimitExceeded, Misconfigured, Unauthenticated, Unavailable

NOT_OF_A_ROW: Final = (Unauthenticated, LimitExceeded, Busy, Unavailable, Misconfigured)
"""Sign-in, limits and faults: no row is to blame, and no other row fares better."""
