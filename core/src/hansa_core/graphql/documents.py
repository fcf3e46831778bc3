"""Documents: parsed, validated and held to their limits once, then kept by shape and text."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast

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

from hansa_core.graphql.operation import Asked
from hansa_core.graphql.schema import CompiledSchema

MAX_TOKENS: Final = 5_000
MAX_DEPTH: Final = 12
MAX_ALIASES: Final = 30
MAX_REPEATS: Final = 100
"""How often one field may be asked in one place; each is compared with all others."""
MAX_FRAGMENTS: Final = 200
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
    """A document, or why it cannot be answered; `asked` are its operations by name, once found."""

    document: DocumentNode | None
    errors: tuple[GraphQLError, ...] = ()
    asked: dict[str | None, Asked] = field(default_factory=dict[str | None, Asked])


class Documents:
    """Checks documents and keeps those asked last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], Checked] = OrderedDict()
        self._characters = 0
        self._long = asyncio.Lock()

    def __len__(self) -> int:
        """Return how many documents are kept."""
        return len(self._kept)

    @property
    def characters(self) -> int:
        """Characters of all documents that are kept."""
        return self._characters

    def known(self, compiled: CompiledSchema, text: str) -> Checked | None:
        """Return a document that was checked before, None for one that is not kept."""
        return self._kept.get((compiled.key, text))

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
        return Checked(None, (_too_long(error) or error,))
    except RecursionError:
        return Checked(None, (_limit("The document is nested too deeply."),))
    survey = _Survey()
    visit(document, survey)
    refused = survey.refusal()
    if refused is not None:
        return Checked(None, (refused,))
    errors = validate(
        compiled.schema, document, _RULES, max_errors=MAX_ERRORS, hide_suggestions=True
    )
    if errors:
        return Checked(None, tuple(map(_told, errors)))
    depth = _depth(document)
    if depth > MAX_DEPTH:
        return Checked(
            None, (_limit(f"Fields are nested at most {MAX_DEPTH} levels deep, not {depth}."),)
        )
    return Checked(document)


def _too_long(error: GraphQLSyntaxError) -> GraphQLError | None:
    if f"more than {MAX_TOKENS} tokens" not in error.message:
        return None
    return _limit(f"A document has at most {MAX_TOKENS:,} tokens: names, numbers and punctuation.")


def _told(error: GraphQLError) -> GraphQLError:
    """Say why graphql-core gave up: the work it allows itself for one document is used up."""
    if error.message == "Validation aborted.":
        return _limit("The document asks too many fields and fragments in the same places.")
    return error


def _limit(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "limit"})


def is_storable(text: str) -> bool:
    """Tell whether a text can be stored and compared: no NUL, no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def are_storable(variables: Mapping[str, object] | None) -> bool:
    """Tell whether every text in the variables can be stored; level by level, however deep."""
    try:
        spelt = json.dumps(variables, default=str)
    except RecursionError:
        pass
    else:
        if "\\u0000" not in spelt and "\\ud" not in spelt:  # no NUL, no half of a pair
            return True
    level: list[object] = [variables]
    while level:
        texts = (value for value in level if isinstance(value, str))
        if not all(map(is_storable, texts)):
            return False
        inner: list[object] = []
        for value in level:
            if isinstance(value, Mapping):
                inner += [*cast("Mapping[str, object]", value), *value.values()]
            elif isinstance(value, list):
                inner += cast("list[object]", value)
        level = inner
    return True


def unstorable() -> GraphQLError:
    """Return the error for a request that holds such a text."""
    return GraphQLError(
        "A string holds a NUL character or half of a surrogate pair, which no field stores.",
        extensions={"code": "invalid"},
    )


class _Survey(Visitor):
    """What is counted before a document is validated, which takes longer the more there is."""

    def __init__(self) -> None:
        super().__init__()
        self._aliases = 0
        self._repeats = 0
        self._fragments = 0
        self._unstorable = False
        self._enormous = False

    def refusal(self) -> GraphQLError | None:
        """Return why a document is not even validated."""
        if self._unstorable:
            return unstorable()
        if self._enormous:
            message = f"A number in the document has more than {MAX_DIGITS:,} digits."
            return GraphQLError(message, extensions={"code": "invalid"})
        if self._aliases > MAX_ALIASES:
            return _limit(f"A document has at most {MAX_ALIASES} aliases, not {self._aliases}.")
        if self._repeats > MAX_REPEATS:
            return _limit(
                f"One field is asked at most {MAX_REPEATS} times in one place, not {self._repeats}."
            )
        if self._fragments > MAX_FRAGMENTS:
            return _limit(
                f"A document has at most {MAX_FRAGMENTS} fragments, not {self._fragments}."
            )
        return None

    def enter_selection_set(self, node: SelectionSetNode, *_: object) -> None:
        if len(node.selections) > MAX_REPEATS:
            asked = Counter(
                (field.alias or field.name).value
                for field in node.selections
                if isinstance(field, FieldNode)
            )
            self._repeats = max(self._repeats, *asked.values(), 0)

    def enter_fragment_definition(self, *_: object) -> None:
        self._fragments += 1

    def enter_field(self, node: FieldNode, *_: object) -> None:
        if node.alias is not None:
            self._aliases += 1

    def enter_int_value(self, node: IntValueNode, *_: object) -> None:
        self._enormous = self._enormous or len(node.value) > MAX_DIGITS

    def enter_string_value(self, node: StringValueNode, *_: object) -> None:
        self._unstorable = self._unstorable or not is_storable(node.value)


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
