"""Texts of classes of their own go over the wire as plain texts."""

from __future__ import annotations

from decimal import Decimal

from hansa_core.graphql.wire import encoded
from hansa_sdk import Currency, Email


def test_texts_with_a_class_are_plain_texts() -> None:
    answer = {"currency": Currency("EUR"), "mail": [Email("a@b.example")], "n": Decimal("1.50")}
    assert encoded(answer) == b'{"currency":"EUR","mail":["a@b.example"],"n":1.50}'
