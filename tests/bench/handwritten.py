"""The benchmark's reads as a programmer would write them by hand, without policy, over asyncpg.

They answer what our requests answer, on the same tables, in the same JSON: what our server costs
beyond them is the price of reading GraphQL, of sign-in, policy and limits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, cast

import asyncpg

from tests.bench.kit_ids import uuid_of
from tests.bench.kit_requests import Json

STATEMENTS: Final[Mapping[str, str]] = {
    "Q1": """SELECT json_build_object('id', id, 'firstName', first_name, 'lastName', last_name,
          'email', email, 'phone', phone, 'title', title, 'city', city, 'country', country,
          'createdAt', created_at, 'company', json_build_object('id', company))::text
        FROM bench_contact WHERE id = $1""",
    "Q2": """SELECT json_build_object('nodes', coalesce(json_agg(json_build_object('id', id,
          'title', title, 'stage', stage, 'amount', amount::numeric(20, 2)::text,
          'currency', currency, 'closeDate', close_date, 'owner', owner,
          'company', json_build_object('id', company))), '[]'))::text
        FROM (SELECT * FROM bench_deal WHERE stage = $1 AND amount > $2
              ORDER BY close_date, id LIMIT 50) AS d""",
    "Q3": """SELECT json_build_object('nodes', coalesce(json_agg(json_build_object('id', d.id,
          'title', d.title, 'company', json_build_object('name', c.name),
          'contact', json_build_object('name', p.name, 'email', p.email,
            'company', json_build_object('name', pc.name)),
          'activities', json_build_object('nodes', a.found)) ORDER BY d.close_date, d.id),
          '[]'))::text
        FROM (SELECT * FROM bench_deal WHERE stage = $1 ORDER BY close_date, id LIMIT 50) AS d
        JOIN bench_company AS c ON c.id = d.company
        JOIN bench_contact AS p ON p.id = d.contact
        JOIN bench_company AS pc ON pc.id = p.company
        CROSS JOIN LATERAL (
          SELECT coalesce(json_agg(json_build_object('subject', subject, 'due', due)), '[]')
            AS found
          FROM (SELECT subject, due FROM bench_activity WHERE deal = d.id
                ORDER BY due, id LIMIT 5) AS x) AS a""",
    "Q5": """SELECT json_build_object('nodes', coalesce(json_agg(r), '[]'))::text
        FROM (SELECT id, name, email, title, city FROM bench_contact WHERE id > $1
              ORDER BY id LIMIT 100) AS r""",
}
_ROOTS: Final = {
    "Q1": "benchContact",
    "Q2": "benchDeals",
    "Q3": "benchDeals",
    "Q5": "benchContacts",
}
_VALUES: Final[Mapping[str, Callable[[Sequence[Json]], Sequence[object]]]] = {
    "Q1": lambda given: [uuid_of("contact", given[0])],
    "Q2": lambda given: [given[0], Decimal(given[1])],
    "Q3": lambda given: [given[0]],
    "Q5": lambda given: [uuid_of("contact", given[0])],
}


class Handwritten:
    """Answers the same requests with one statement each."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def answer(self, body: bytes) -> bytes:
        """Answer an operation, as JSON text."""
        asked = cast("Mapping[str, Json]", json.loads(body))
        workload = str(asked["op"])
        values = _VALUES[workload](asked["values"])
        async with self._pool.acquire() as connection:
            found = cast(str, await connection.fetchval(STATEMENTS[workload], *values))
        return f'{{"data":{{"{_ROOTS[workload]}":{found}}}}}'.encode()


def operation(workload: str, values: Sequence[Json]) -> bytes:
    """Return the body that asks for a workload with parameters of the kit."""
    return json.dumps({"op": workload, "values": values}).encode()
