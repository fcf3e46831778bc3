"""Documents: parsed, validated and held to their limits once, then kept by shape and text."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSyntaxError,
    IntValueNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    Visitor,
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.validation import MaxIntrospectionDepthRule

from hansa_core.graphql.schema import CompiledSchema

MAX_TOKENS: Final = 5_000
MAX_DEPTH: Final = 12
MAX_ALIASES: Final = 30
MAX_ERRORS: Final = 20
DOCUMENTS_KEPT: Final = 500
MAX_DIGITS: Final = 1_000
"""Digits of the longest whole number that is read at all."""
CHARACTERS_KEPT: Final = 400_000
"""Characters of all documents that are kept; each takes up to 200 bytes once parsed."""
LARGEST_KEPT: Final = 32_768
"""Characters of the largest document that is kept."""
LONGEST_AT_ONCE: Final = 2_000
"""Characters of the longest document that is checked on the event loop: a few milliseconds."""

_RULES: Final = (*specified_rules, MaxIntrospectionDepthRule)


@dataclass(frozen=True, slots=True)
class Checked:
    """A document, or why it cannot be answered."""

    document: DocumentNode | None
    errors: tuple[GraphQLError, ...] = ()


class Documents:
    """Checks documents and keeps those asked last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], Checked] = OrderedDict()
        self._characters = 0
        self._long = asyncio.Lock()

    async def check(self, compiled: CompiledSchema, text: str) -> Checked:
        """Parse and validate `text` against a schema. Hidden names are never suggested.

        Long documents are checked beside the event loop, one at a time.
        """
        key = (compiled.key, text)
        known = self._kept.get(key)
        if known is not None:
            self._kept.move_to_end(key)
            return known
        if len(text) <= LONGEST_AT_ONCE:
            checked = _check(compiled, text)
        else:
            async with self._long:
                known = self._kept.get(key)
                if known is not None:  # another request had it checked meanwhile
                    return known
                checked = await asyncio.to_thread(_check, compiled, text)
        if checked.document is not None and len(text) <= LARGEST_KEPT:
            self._keep(key, checked)
        return checked

    def _keep(self, key: tuple[str, str], checked: Checked) -> None:
        if key not in self._kept:
            self._characters += len(key[1])
        self._kept[key] = checked
        while self._characters > CHARACTERS_KEPT or len(self._kept) > DOCUMENTS_KEPT:
            (_, text), _ = self._kept.popitem(last=False)
            self._characters -= len(text)


def _check(compiled: CompiledSchema, text: str) -> Checked:
    try:
        document = parse(text, max_tokens=MAX_TOKENS)
    except GraphQLSyntaxError as error:
        return Checked(None, (error,))
    except RecursionError:
        return Checked(None, (_limit("The document is nested too deeply."),))
    survey = _Survey()
    visit(document, survey)
    if survey.unstorable:
        return Checked(None, (unstorable(),))
    if survey.enormous:
        message = f"A number in the document has more than {MAX_DIGITS:,} digits."
        return Checked(None, (GraphQLError(message, extensions={"code": "invalid"}),))
    if survey.count > MAX_ALIASES:
        return Checked(
            None, (_limit(f"A document has at most {MAX_ALIASES} aliases, not {survey.count}."),)
        )
    errors = validate(
        compiled.schema, document, _RULES, max_errors=MAX_ERRORS, hide_suggestions=True
    )
    if errors:
        return Checked(None, tuple(errors))
    depth = _depth(document)
    if depth > MAX_DEPTH:
        return Checked(
            None, (_limit(f"Fields are nested at most {MAX_DEPTH} levels deep, not {depth}."),)
        )
    return Checked(document)


def _limit(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "limit"})


def is_storable(text: str) -> bool:
    """Tell whether a text can be stored and compared: no NUL, no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def unstorable() -> GraphQLError:
    """Return the error for a request that holds such a text."""
    return GraphQLError(
        "A string holds a NUL character or half of a surrogate pair, which no field stores.",
        extensions={"code": "invalid"},
    )


class _Survey(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.unstorable = False
        self.enormous = False

    def enter_field(self, node: FieldNode, *_: object) -> None:
        if node.alias is not None:
            self.count += 1

    def enter_int_value(self, node: IntValueNode, *_: object) -> None:
        self.enormous = self.enormous or len(node.value) > MAX_DIGITS

    def enter_string_value(self, node: StringValueNode, *_: object) -> None:
        self.unstorable = self.unstorable or not is_storable(node.value)


def _depth(document: DocumentNode) -> int:
    """Count how deep fields are nested, each fragment measured once; introspection is apart."""
    fragments = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    measured: dict[str, int] = {}
    return max(
        (
            _depth_below(node.selection_set, fragments, measured)
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
        ),
        default=0,
    )


def _depth_below(
    asked: SelectionSetNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    measured: dict[str, int],
) -> int:
    deepest = 0
    for node in asked.selections:
        if isinstance(node, FragmentSpreadNode):
            name = node.name.value
            if name not in measured:
                measured[name] = _depth_below(fragments[name].selection_set, fragments, measured)
            depth = measured[name]
        elif isinstance(node, FieldNode) and node.name.value.startswith("__"):
            depth = 1
        else:
            inner = _selection_set(node)
            below = _depth_below(inner, fragments, measured) if inner else 0
            depth = below + 1 if isinstance(node, FieldNode) else below
        deepest = max(deepest, depth)
    return deepest


def _selection_set(node: Node) -> SelectionSetNode | None:
    found: object = getattr(node, "selection_set", None)
    return found if isinstance(found, SelectionSetNode) else None
