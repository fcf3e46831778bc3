"""How a request was answered, for administrators: its plan, its statements, times and rows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import msgspec
from graphql import OperationType

from hansa_core.graphql.errors import formatted_error, json_value
from hansa_core.graphql.plans import make_plan
from hansa_core.graphql.request import Platform
from hansa_core.graphql.roots import Wanted, WantedGroups, WantedNode, WantedPage, WantedRecord
from hansa_core.graphql.telling import Notes, Planned
from hansa_core.query.compiled import Compiled
from hansa_core.query.described import Description, Words
from hansa_core.query.late import Late, Nonce, Place, Request
from hansa_core.query.places import OpenedKey
from hansa_core.storage.transaction import Explained, Ran
from hansa_sdk.predicates import Marker

_APART: Final = {OperationType.QUERY: "computed in Python", OperationType.MUTATION: "transaction"}
"""How root fields are answered that no statement of the plan answers."""
_STEPS: Final = ("identify", "document", "plan", "database", "answer")


async def beside(notes: Notes, platform: Platform) -> Words:
    """Return what is told beside an answer that was noted; the database may be asked again."""
    told: Words = {}
    planned = notes.planned
    if planned is None:
        return told
    if "cost" in notes.wants:
        told["cost"] = planned.plan.cost
    if "rows" in notes.wants and notes.rows is not None:
        told["rows"] = notes.rows
    if "explain" in notes.wants:
        told["explain"] = await _explanation(notes, planned, platform)
    return told


async def _explanation(notes: Notes, planned: Planned, platform: Platform) -> Words:
    await asyncio.sleep(0)  # the last statement is told of in the event loop's next turn
    statements = [_ran(each) for each in notes.ran]
    told: Words = {
        "plan": _plan(planned),
        "statements": statements,
        "milliseconds": _milliseconds(notes),
    }
    if notes.statement is None:
        return told
    try:
        async with platform.looking(planned.caller) as session:
            bound = notes.statement.bound(planned.request)
            explained = await session.explain(notes.statement.statement, bound)
            rows: object = notes.rows
            if rows is None:
                count = planned.counting(answers=False).statement
                rows = await session.fetch_value(count, bound)
    except Exception as error:  # told, or logged under a reference: the answer itself stands
        return {**told, "errors": [formatted_error(error)]}
    for statement in statements:
        if statement["sql"] == explained.sql:
            statement |= _explained(notes.statement, planned.request, explained)
    return {**told, "rows": rows}


def _ran(ran: Ran) -> Words:
    return {"sql": ran.sql, "milliseconds": _thousandths(ran.seconds)}


def _milliseconds(notes: Notes) -> Words:
    """Return the time of each step; what the answer took without the database is `answer`."""
    database = sum(each.seconds for each in notes.ran)
    seconds = {**notes.seconds, "database": database}
    seconds["answer"] = max(seconds.get("answer", 0.0) - database, 0.0)
    return {step: _thousandths(seconds[step]) for step in _STEPS if step in seconds}


def _thousandths(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _explained(compiled: Compiled, request: Request, explained: Explained) -> Words:
    late = dict(compiled.late)
    bound = compiled.bound(request)
    parameters: list[Words] = []
    for number, name in enumerate(compiled.statement.names):
        source = late.get(name)
        parameter: Words = {
            "name": f"${number + 1}",
            "type": explained.types[number],
            "from": _source(source),
        }
        if not isinstance(source, Nonce):  # of no meaning to anybody
            value = bound.get(name, compiled.statement.defaults.get(name))
            parameter["value"] = json_value(value)
        parameters.append(parameter)
    return {"parameters": parameters, "explain": msgspec.Raw(explained.text)}


def _source(source: object) -> str:
    """Tell where a parameter's value comes from."""
    match source:
        case None:
            return "document or policy"
        case Late(sample=Marker() as marker):
            return marker.name
        case Late():
            return _place(source.place)
        case OpenedKey():
            return "cursor"
        case _:
            return "request"


def _place(place: Place) -> str:
    return "$" + ".".join(map(str, place))


def _plan(planned: Planned) -> Words:
    plan, asked = planned.plan, planned.asked
    kind = asked.operation.operation
    told: Words = {"operation": kind.value, "cost": plan.cost}
    if kind is OperationType.QUERY:
        told |= {"cached": planned.cached, "pinned": _pinned(planned)}
    caller = planned.caller
    description = Description(caller.shape, caller.grants.readable)
    described = {key: _described(description, each) for key, each in planned.roots().items()}
    fields: Mapping[str, object] = {key: described.get(key, _APART[kind]) for key in plan.keys}
    return {**told, "fields": fields}


def _pinned(planned: Planned) -> list[str]:
    """Return the variables the plan holds for one value of (a list: one length of) only."""
    pins: dict[Place, bool] = {}
    make_plan(planned.asked, planned.caller, planned.variables, planned.request, pins)
    return [
        _place(place) if whole else f"length of {_place(place)}" for place, whole in pins.items()
    ]


def _described(description: Description, found: Wanted) -> Words:
    match found:
        case WantedRecord():
            return {"id": str(found.id), **description.record(found.entity, found.selection)}
        case WantedNode():
            several = [description.record(entity, each) for entity, each in found.selections]
            return {"id": str(found.id), "first of": several}
        case WantedPage():
            return description.page(found.entity, found.page)
        case WantedGroups():
            return description.groups(found.entity, found.groups)
