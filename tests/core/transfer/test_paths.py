"""The grammar of import paths."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa_core.transfer.paths import ImportPath, Step, parse_path
from hansa_sdk import Invalid

_names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,10}", fullmatch=True)
_qualifiers = st.lists(
    st.tuples(_names, st.text(max_size=12)), max_size=3, unique_by=lambda pair: pair[0]
)
_steps = st.lists(st.builds(Step, _names, _qualifiers.map(tuple)), max_size=2)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("name", (Step("name"),)),
        ("addresses.street", (Step("addresses"), Step("street"))),
        ("contacts.person.name", (Step("contacts"), Step("person"), Step("name"))),
        ("phones[kind=fax].number", (Step("phones", (("kind", "fax"),)), Step("number"))),
        (
            'phones[ kind = fax , label = "a, \\"b\\"]" ].number',
            (Step("phones", (("kind", "fax"), ("label", 'a, "b"]'))), Step("number")),
        ),
    ],
)
def test_path_is_read(text: str, steps: tuple[Step, ...]) -> None:
    assert parse_path(text) == ImportPath(steps)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "empty"),
        ("name.", "expected a name, found its end"),
        ("a b", "expected a dot or the end, found ' b'"),
        (".name", "expected a name"),
        ("phones[kind].number", "expected field=value"),
        ("phones[kind=fax.number", "expected field=value"),
        ("phones[kind=fax]", "ends in"),
        ("phones[kind=fax,kind=x].number", "fixes kind twice"),
        ("a.b.c.d", "4 steps"),
    ],
)
def test_broken_path_is_refused_with_the_place(text: str, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        parse_path(text)


@given(steps=_steps, last=_names)
def test_path_is_the_same_after_writing_and_reading(steps: list[Step], last: str) -> None:
    path = ImportPath((*steps, Step(last)))
    assert parse_path(str(path)) == path


@given(text=st.text(max_size=40) | st.from_regex(r"[a-z.=,\[\]\"]{1,20}", fullmatch=True))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    with suppress(Invalid):
        path = parse_path(text)
        assert parse_path(str(path)) == path
