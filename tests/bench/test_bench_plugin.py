"""The benchmark's plugin compiles, its data loads, its requests answer what SQL by hand does."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from typing import Final

import psycopg
import pytest

from hansa_core.graphql.execute import GraphQL
from hansa_core.plugins.compile import compile_shape
from hansa_core.policy.compile import compile_grants
from hansa_core.storage.database import Database
from hansa_core.system.plugin import plugin as system
from hansa_sdk.predicates import Everything
from tests.bench.company import BenchCompany, open_company
from tests.bench.handwritten import operation
from tests.bench.kit_ids import TABLES, number_of, uuid_of
from tests.bench.kit_requests import Json, comparable, rows
from tests.bench.kit_sample import sample
from tests.bench.plugin import ROLES, plugin

CONTACTS: Final = 240
READS: Final = (
    *(("Q1", [number]) for number in (1, 20, CONTACTS)),
    *(("Q2", [stage, amount]) for stage in ("lead", "won") for amount in ("20000.00", "80000.00")),
    *(("Q3", [stage]) for stage in ("lead", "lost")),
    *(("Q5", [number]) for number in (1, 133, 199)),
)
CREATED: Final = {
    "companyId": 7,
    "firstName": "New1",
    "lastName": "Person",
    "name": "New1 Person",
    "email": "new1@example.com",
    "phone": "+49 30 123456",
    "title": "Buyer",
}


@pytest.fixture(scope="session")
async def company(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[BenchCompany]:
    script = sample(companies=20, contacts=CONTACTS, deals=480, activities=1400)
    home = tmp_path_factory.mktemp("home")
    async with open_company(postgres_url, home, script) as opened:
        await opened.learn_cursors(CONTACTS)
        yield opened


def test_bench_role_masks_two_fields_and_asks_every_row() -> None:
    shape = compile_shape([system, plugin])
    grants = compile_grants(shape, ["bench.rep"])
    assert len([name for name in shape.roles if name.startswith("bench.")]) == ROLES
    masked = {pair for pair, shown in grants.masks.items() if shown is not None}
    assert masked == {("bench.contact", "email"), ("bench.deal", "amount")}
    for entity in ("bench.contact", "bench.deal"):
        assert not isinstance(grants.readable(entity), Everything)


def test_kit_numbers_return_from_ids() -> None:
    for table in TABLES:
        assert number_of(str(uuid_of(table, 60_000))) == 60_000
    assert len({uuid_of(table, 1) for table in TABLES}) == len(TABLES)


@pytest.mark.parametrize(("workload", "values"), READS)
async def test_bench_read_equals_statement_by_hand(
    company: BenchCompany, workload: str, values: Sequence[Json]
) -> None:
    answer = await company.handwritten.answer(operation(workload, values))
    expected = comparable(workload, json.loads(answer)["data"])
    assert expected
    assert comparable(workload, await company.ask(workload, values)) == expected


async def test_created_contact_counts_in_the_kits_table_and_can_be_reset(
    company: BenchCompany,
) -> None:
    created = rows("M1", await company.ask("M1", [CREATED]))
    assert created == [["New1 Person", "new1@example.com"]]
    with psycopg.connect(company.owner_url) as connection:
        kit_rows = "SELECT company_id, first_name FROM public.contact WHERE id > 10000"
        assert connection.execute(kit_rows).fetchall() == [(7, "New1")]
        connection.execute("DELETE FROM public.contact WHERE id > 10000")
        left = connection.execute("SELECT count(*), max(id) FROM public.contact").fetchone()
    assert left == (CONTACTS, CONTACTS)


async def test_creates_of_the_bench_open_no_transaction(
    company: BenchCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    await company.ask("Q1", [1])  # the key's use is noted, once a minute

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a transaction was opened")

    monkeypatch.setattr(Database, "transaction", refuse)
    assert rows("M1", await company.ask("M1", [CREATED])) == [["New1 Person", "new1@example.com"]]
    many = [{**CREATED, "name": f"Number {n}"} for n in range(50)]
    created = rows("M2", await company.ask("M2", [many]))
    assert created == [[f"Number {n}", "new1@example.com"] for n in range(50)]


async def test_bench_rows_outside_the_rule_are_refused_and_nothing_is_written(
    company: BenchCompany,
) -> None:
    body = json.loads(company.request("M2", [[CREATED, CREATED]]))
    stranger = await company.platform.user(company.tenant, "bench.rep")
    body["variables"]["rows"][1]["responsible"]["connect"] = str(stranger.principal.user_id)
    with psycopg.connect(company.owner_url, autocommit=True) as connection:
        count = """SELECT (SELECT count(*) FROM public.contact),
            (SELECT count(*) FROM t_main.system_event),
            (SELECT count(*) FROM t_main.system_event_pending)"""
        before = connection.execute(count).fetchone()
        for _ in range(2):
            answer = json.loads(await company.post(json.dumps(body).encode()))
            results = answer["data"]["benchContactUpsertMany"]["results"]
            assert [each["record"] for each in results] == [None, None]
            assert [[error["code"] for error in each["errors"]] for each in results] == [
                [],
                ["denied"],
            ]
        assert connection.execute(count).fetchone() == before


async def test_amounts_are_masked_from_a_rep_of_no_team(company: BenchCompany) -> None:
    stranger = await company.platform.user(company.tenant, "bench.rep")
    graphql = GraphQL(company.platform.runtime)
    answer: Json = await graphql.execute(
        stranger, "{ benchDeals(first: 200) { nodes { stage amount } } }"
    )
    deals = answer["data"]["benchDeals"]["nodes"]
    assert {deal["stage"] for deal in deals} == {"won", "lost"}
    assert {deal["amount"] for deal in deals} == {None}
