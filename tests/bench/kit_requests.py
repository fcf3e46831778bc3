"""The benchmark's requests: documents, variables of the kit's parameters, and answers as its rows.

Standard library only: the kit imports it with the target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias

from tests.bench.kit_ids import number_of, uuid_of

Json: TypeAlias = Any  # what json.loads gives

QUERIES: Final = {
    "Q1": """query($id: ID!) { benchContact(id: $id) {
        id firstName lastName email phone title city country createdAt company { id } } }""",
    "Q2": """query($stage: String!, $amount: Decimal!) {
        benchDeals(first: 50, where: {stage: {eq: $stage}, amount: {gt: $amount}},
                   orderBy: [{field: closeDate}, {field: id}]) {
          nodes { id title stage amount currency closeDate owner company { id } } } }""",
    "Q3": """query($stage: String!) {
        benchDeals(first: 50, where: {stage: {eq: $stage}},
                   orderBy: [{field: closeDate}, {field: id}]) {
          nodes { id title company { name } contact { name email company { name } }
            activities(first: 5, orderBy: [{field: due}, {field: id}]) {
              nodes { subject due } } } } }""",
    "Q4": """{ benchDealsGroup(by: [{field: stage}]) {
        keys { stage } sum { amount } count } }""",
    "Q5": """query($after: String!) {
        benchContacts(first: 100, after: $after, orderBy: [{field: id}]) {
          nodes { id name email title city } } }""",
    "M1": """mutation($input: BenchContactCreateInput!) {
        benchContactCreate(input: $input) { record { name email } errors { code message } } }""",
    "M2": """mutation($rows: [BenchContactUpsertInput!]!) {
        benchContactUpsertMany(rows: $rows) {
          results { record { name email } errors { code message } } } }""",
}

PAGE_OF_CURSORS: Final = """query($after: String) {
    benchContacts(first: 200, after: $after, orderBy: [{field: id}]) {
      edges { cursor node { id } } } }"""
CURSORS_TO: Final = 9_100
"""The contact up to which Q5 asks for a cursor."""


@dataclass(slots=True)
class Known:
    """What requests are made with: the caller's id, and cursors by the contact they stand after."""

    user_id: str
    cursors: dict[int, str] = field(default_factory=dict[int, str])

    def note_cursors(self, data: Json) -> int:
        """Keep the cursors of a page of contacts; return the last one's number, 0 without any."""
        last = 0
        for edge in data["benchContacts"]["edges"]:
            last = number_of(edge["node"]["id"])
            self.cursors[last] = edge["cursor"]
        return last


def variables(workload: str, values: Sequence[Json], known: Known) -> dict[str, object]:
    """Return the variables of a request with parameters of the kit."""
    match workload:
        case "Q1":
            return {"id": str(uuid_of("contact", values[0]))}
        case "Q2":
            return {"stage": values[0], "amount": values[1]}
        case "Q3":
            return {"stage": values[0]}
        case "Q5":
            return {"after": known.cursors[values[0]]}
        case "M1":
            return {"input": _contact(values[0], known)}
        case "M2":
            return {"rows": [_contact(each, known) for each in values[0]]}
        case _:
            return {}


def _contact(given: Mapping[str, Json], known: Known) -> dict[str, object]:
    rest = {name: value for name, value in given.items() if name != "companyId"}
    company = {"connect": str(uuid_of("company", given["companyId"]))}
    return {**rest, "company": company, "responsible": {"connect": known.user_id}}


def rows(workload: str, data: Json) -> list[list[object]]:
    """Return the answer as the kit's canonical rows."""
    (found,) = data.values()
    match workload:
        case "Q1":
            return [_flat(found)]
        case "Q3":
            return [_nested(deal) for deal in found["nodes"]]
        case "Q4":
            return [[row["keys"]["stage"], row["sum"]["amount"], row["count"]] for row in found]
        case "M1":
            return [_created(found)]
        case "M2":
            return [_created(each) for each in found["results"]]
        case _:
            return [_flat(node) for node in found["nodes"]]


def comparable(workload: str, data: Json) -> list[list[object]]:
    """Return an answer's rows with instants read: servers spell them differently."""
    found = rows(workload, data)
    if workload == "Q1":
        found = [[*row[:8], datetime.fromisoformat(str(row[8])), *row[9:]] for row in found]
    return found


def _flat(record: Mapping[str, Json]) -> list[object]:
    values: dict[str, Json] = {**record, "id": number_of(record["id"])}
    if "company" in values:
        values["company"] = number_of(values["company"]["id"])
    return list(values.values())


def _nested(deal: Mapping[str, Json]) -> list[object]:
    contact = deal["contact"]
    activities = [[each["subject"], each["due"]] for each in deal["activities"]["nodes"]]
    return [
        *(number_of(deal["id"]), deal["title"], deal["company"]["name"]),
        *(contact["name"], contact["email"], contact["company"]["name"], activities),
    ]


def _created(payload: Mapping[str, Json]) -> list[object]:
    if payload["errors"]:
        raise RuntimeError(f"hansa refused a record: {payload['errors']}")
    return list(payload["record"].values())
