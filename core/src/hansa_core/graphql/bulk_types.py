"""The types of mutations' payloads, and the fields and types of mutations of many records."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLDefaultInput,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
)

from hansa_core.graphql.api import EntityApi
from hansa_core.graphql.bulk import ErrorPolicy, delete_many, update_many, upsert_many
from hansa_core.graphql.errors import USER_ERROR
from hansa_core.graphql.filters import FilterTypes
from hansa_core.graphql.inputs import InputTypes
from hansa_core.graphql.lazy import Makers, once
from hansa_core.graphql.outputs import OutputType, OutputTypes
from hansa_core.graphql.payloads import RECORD, RECORDS, RESULTS
from hansa_core.graphql.writes import writing
from hansa_core.records.bulk import BULK_MAX, OnConflict, Status

_RECORDS: Final = (RECORD, RECORDS)
_ERRORS: Final = GraphQLNonNull(GraphQLList(GraphQLNonNull(USER_ERROR)))

_POLICIES: Final = {
    ErrorPolicy.REJECT_ALL: "Nothing is written where one row is refused; the others are SKIPPED.",
    ErrorPolicy.REJECT_FAILED: "Refused rows are not written, all others are.",
    ErrorPolicy.IGNORE_FAILED: "As REJECT_FAILED, but a row is written without the values that "
    "are refused where it can be; its errors tell them.",
}
_CONFLICTS: Final = {
    OnConflict.UPDATE: "The record takes the row's values.",
    OnConflict.SKIP: "The record stays as it is.",
    OnConflict.FAIL: "The row is refused.",
}
_STATUSES: Final = {
    Status.CREATED: "There is a new record.",
    Status.UPDATED: "A record was changed.",
    Status.UNCHANGED: "A record had these values already.",
    Status.SKIPPED: "Nothing was written: the record was there, or another row was refused.",
    Status.FAILED: "The row was refused; its errors say why.",
}
ERROR_POLICY: Final = GraphQLEnumType(
    "ErrorPolicy",
    {each.name: GraphQLEnumValue(each.value, description=_POLICIES[each]) for each in ErrorPolicy},
    description="What a refused row means for the others.",
)
ON_CONFLICT: Final = GraphQLEnumType(
    "OnConflict",
    {each.name: GraphQLEnumValue(each.value, description=_CONFLICTS[each]) for each in OnConflict},
    description="What is done with a row whose key a record has already.",
)
WRITE_STATUS: Final = GraphQLEnumType(
    "WriteStatus",
    {each.name: GraphQLEnumValue(each.value, description=_STATUSES[each]) for each in Status},
    description="What became of a row.",
)
_EXPECTED: Final = GraphQLArgument(
    GraphQLInt,
    description="How many records are meant; where another number meets the filter, "
    "nothing is changed.",
)
_MOST: Final = f"At most {BULK_MAX:,} records a call."


def payload_type(
    name: str, fields: Mapping[str, OutputType], entity: str | None = None
) -> GraphQLObjectType:
    """Return the type of a mutation's payload: these fields, and why it was refused.

    `entity` is told where the fields are its records.
    """
    extensions = None if entity is None else {RECORD: entity}
    return GraphQLObjectType(
        name,
        {
            **{
                key: GraphQLField(type_, extensions=extensions if key in _RECORDS else None)
                for key, type_ in fields.items()
            },
            "errors": GraphQLField(_ERRORS),
        },
    )


class BulkTypes:
    """Makes the mutations of many records."""

    def __init__(self, inputs: InputTypes, filters: FilterTypes, outputs: OutputTypes) -> None:
        self._inputs = inputs
        self._filters = filters
        self._outputs = outputs
        self._payloads: dict[str, GraphQLObjectType] = {}

    def mutations(self, one: EntityApi) -> Makers:
        """Return what makes `crmDealUpsertMany`, `crmDealUpdateMany` and `crmDealDeleteMany`."""
        name = one.meta.single_api_name
        return {
            f"{name}UpsertMany": partial(self._upsert, one),
            f"{name}UpdateMany": partial(self._update, one),
            f"{name}DeleteMany": partial(self._delete, one),
        }

    def _upsert(self, one: EntityApi) -> GraphQLField:
        return GraphQLField(
            GraphQLNonNull(self._results(one)),
            self._upsert_arguments(one),
            description=f"Rows created, or matched by a key: a result for each. {_MOST}",
            extensions=writing(upsert_many(one.meta.name), one.meta.name, creates=one.meta.name),
        )

    def _update(self, one: EntityApi) -> GraphQLField:
        values = GraphQLArgument(GraphQLNonNull(self._inputs.values(one.meta.name)))
        return GraphQLField(
            GraphQLNonNull(self._changed(one)),
            {"where": self._matched(one), "set": values, "expectedCount": _EXPECTED},
            description=f"All records that meet a filter take these values. {_MOST}",
            extensions=writing(update_many(one.meta.name), one.meta.name),
        )

    def _delete(self, one: EntityApi) -> GraphQLField:
        return GraphQLField(
            GraphQLNonNull(self._changed(one)),
            {"where": self._matched(one), "expectedCount": _EXPECTED},
            description=f"All records that meet a filter are deleted. {_MOST}",
            extensions=writing(delete_many(one.meta.name), one.meta.name),
        )

    def _matched(self, one: EntityApi) -> GraphQLArgument:
        return GraphQLArgument(GraphQLNonNull(self._filters.where(one.meta.name)))

    def _upsert_arguments(self, one: EntityApi) -> dict[str, GraphQLArgument]:
        row = GraphQLNonNull(self._inputs.row(one.meta.name))
        return {
            "rows": GraphQLArgument(GraphQLNonNull(GraphQLList(row))),
            "by": GraphQLArgument(
                self._inputs.key(one.meta.name),
                description="How a row finds its record; left out, every row is a new record.",
            ),
            "onConflict": GraphQLArgument(
                GraphQLNonNull(ON_CONFLICT), default=GraphQLDefaultInput(value="UPDATE")
            ),
            "errorPolicy": GraphQLArgument(
                GraphQLNonNull(ERROR_POLICY), default=GraphQLDefaultInput(value="REJECT_ALL")
            ),
            "dryRun": GraphQLArgument(
                GraphQLNonNull(GraphQLBoolean),
                default=GraphQLDefaultInput(value=False),
                description="true: tell what would become of the rows, and write nothing.",
            ),
        }

    def _results(self, one: EntityApi) -> GraphQLObjectType:
        result = GraphQLObjectType(
            f"{one.meta.type_name}RowResult",
            {
                RECORD: GraphQLField(
                    self._outputs.record(one.meta.name), extensions={RECORD: one.meta.name}
                ),
                "status": GraphQLField(GraphQLNonNull(WRITE_STATUS)),
                "errors": GraphQLField(_ERRORS),
            },
            description="What became of one row.",
        )
        results = GraphQLNonNull(GraphQLList(GraphQLNonNull(result)))
        return payload_type(f"{one.meta.type_name}UpsertManyPayload", {RESULTS: results})

    def _changed(self, one: EntityApi) -> GraphQLObjectType:
        name, entity = f"{one.meta.type_name}ManyPayload", one.meta.name

        def make() -> GraphQLObjectType:
            records = GraphQLNonNull(GraphQLList(self._outputs.record(entity)))
            return payload_type(name, {"count": GraphQLInt, RECORDS: records}, entity)

        return once(self._payloads, name, make)
