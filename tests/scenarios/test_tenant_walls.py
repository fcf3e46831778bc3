"""The walls between tenants: in SQL, at the door, and for every id the API takes.

What a tenant's role can learn of another through PostgreSQL's catalogue is names (schemas, tables,
columns of pg_class and pg_attribute); information_schema and every table answer nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from uuid import uuid4

import asyncpg
import pytest
import sqlalchemy as sa

from hansa_core.auth.passwords import Passwords
from hansa_core.auth.tokens import new_key
from hansa_core.model.shape import Shape
from hansa_core.storage.transaction import Session, Tenant
from hansa_core.system.accounts import set_password
from hansa_core.testing.platform import Platform
from hansa_core.testing.server import Client, WebServer
from tests.scenarios.conftest import Ledger
from tests.scenarios.documents import Schema

PASSWORD = "behind the wall there is a garden"
STATEMENTS = (
    "SELECT * FROM {table}",
    "SELECT count(*) FROM {table}",
    "INSERT INTO {table} DEFAULT VALUES",
    "UPDATE {table} SET {column} = {column}",
    "DELETE FROM {table}",
    "TRUNCATE {table}",
    "ALTER TABLE {table} ADD COLUMN mine int",
    "DROP TABLE {table}",
    "LOCK TABLE {table}",
    "CREATE INDEX ON {table} ({column})",
    "GRANT SELECT ON {table} TO PUBLIC",
    "SELECT pg_catalog.pg_relation_size('{table}'::regclass)",
)

SPOKEN_OF_FIRST = {("crmDealCreate", "pipeline"), ("crmDealUpdate", "pipeline")}
"""References of which a hook says first what does not fit (the stage), there or not."""


@dataclass(frozen=True)
class Neighbours:
    """Two companies of the same shape, both full of data, and the administrator of the first."""

    own: Tenant
    other: Tenant
    shape: Shape
    client: Client
    other_client: Client
    key: str
    other_key: str
    ours: dict[str, str]
    theirs: dict[str, str]

    def type_of(self, operation: str) -> str:
        """Return the type of the record an operation is about: the longest that fits."""
        types = [meta.type_name for meta in self.shape.entities.values()]
        if operation == "node":  # of any kind
            return types[0]
        return max((t for t in types if operation[1:].startswith(t[1:])), key=len)


@pytest.fixture(scope="module")
async def neighbours(platform: Platform, web: WebServer, ledger: Ledger) -> Neighbours:
    own = await platform.tenant("crm", demo=True)
    other = await platform.tenant("crm", demo=True)
    key = await platform.key(await platform.user(own, "system.administrator"))
    other_key = await platform.key(await platform.user(other, "system.administrator"))
    client, other_client = await web.client(own, key), await web.client(other, other_key)
    shape = await platform.runtime.shape_of(own)
    ours = await one_of_each(ledger, own, shape, client)
    theirs = await one_of_each(ledger, other, shape, other_client)
    assert not {*ours.values()} & {*theirs.values()}
    return Neighbours(own, other, shape, client, other_client, key, other_key, ours, theirs)


async def one_of_each(
    ledger: Ledger, tenant: Tenant, shape: Shape, client: Client
) -> dict[str, str]:
    """Return the id of a record of each entity by its type, made where there was none."""
    schema = await Schema.of(client)
    found: dict[str, str] = {}
    for meta in shape.entities.values():
        rows = await ledger.rows(tenant, f'SELECT id FROM "{meta.table}" ORDER BY id LIMIT 1')  # noqa: S608  # our own name
        if not rows:
            create = schema.mutations()[f"{meta.single_api_name}Create"]
            values = schema.variables(create, "", found.__getitem__)
            answer = await client.ask(create.document, **values)
            assert answer["errors"] == []
            rows = await ledger.rows(tenant, f'SELECT id FROM "{meta.table}" LIMIT 1')  # noqa: S608  # our own name
        found[meta.type_name] = str(rows[0]["id"])
    return found


async def test_no_statement_of_a_tenants_role_reaches_another(
    platform: Platform, neighbours: Neighbours, ledger: Ledger
) -> None:
    own, other = neighbours.own, neighbours.other
    columns = await ledger.rows(
        other,
        "SELECT table_name, min(column_name) AS column_name FROM information_schema.columns"
        " WHERE table_schema = %s GROUP BY table_name",
        other.schema,
    )
    assert len(columns) >= len(neighbours.shape.entities)
    before = await ledger.fingerprint(other)
    async with platform.runtime.database.transaction(own, timeout_seconds=60) as session:
        for row in columns:
            place = f'"{other.schema}"."{row["table_name"]}"'
            for statement in STATEMENTS:
                text = statement.format(table=place, column=f'"{row["column_name"]}"')
                await refused(session, text)
        for text in (
            f'CREATE TABLE "{other.schema}".mine (id int)',
            f'DROP SCHEMA "{other.schema}" CASCADE',
            f'GRANT "{other.role}" TO "{own.role}"',
        ):
            await refused(session, text)
    assert await ledger.fingerprint(other) == before


async def refused(session: Session, text: str) -> None:
    """Run a statement that the database must refuse for want of a privilege."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with session.savepoint():
            await session.execute(sa.text(text))


async def test_information_schema_tells_a_tenant_of_its_own_tables_only(
    platform: Platform, neighbours: Neighbours
) -> None:
    async with platform.runtime.database.transaction(neighbours.own, read_only=True) as session:
        for view in ("tables", "columns", "table_privileges", "table_constraints"):
            rows = await session.fetch(
                sa.text(
                    f"SELECT DISTINCT table_schema AS schema FROM information_schema.{view}"  # noqa: S608  # our own name
                    " WHERE table_schema LIKE 't\\_%'"
                )
            )
            assert {row["schema"] for row in rows} <= {neighbours.own.schema}


@pytest.mark.parametrize("kind", ["other", "unknown of other", "unknown of own", "malformed"])
async def test_key_of_another_tenant_is_answered_like_an_unknown_one(
    neighbours: Neighbours, web: WebServer, kind: str
) -> None:
    key = {
        "other": neighbours.other_key,
        "unknown of other": new_key(neighbours.other.slug),
        "unknown of own": new_key(neighbours.own.slug),
        "malformed": neighbours.key[:-1] + ("a" if neighbours.key[-1] != "a" else "b"),
    }[kind]
    unknown = await (await web.client(neighbours.own, new_key("nobody"))).post("{ me { id } }")
    answer = await (await web.client(neighbours.own, key)).post("{ me { id } }")
    assert answer.status_code == unknown.status_code == 401
    assert answer.content == unknown.content
    assert {name for name in answer.headers} == {name for name in unknown.headers}


async def test_session_of_another_tenant_is_answered_like_none(
    platform: Platform, neighbours: Neighbours, web: WebServer
) -> None:
    user_id = (await platform.user(neighbours.other, email="ada@demo.example")).principal.user_id
    assert user_id is not None
    hashed = await Passwords(memory_kib=64, passes=1).hash(PASSWORD)
    system = await platform.system(neighbours.other)
    await platform.runtime.write(system, lambda unit: set_password(unit, user_id, hashed))
    ada = await web.sign_in(neighbours.other, "ada@demo.example", PASSWORD)
    assert (await ada.ask("{ me { email } }"))["email"] == "ada@demo.example"
    here = await web.client(neighbours.own)
    nobody = await here.post("{ me { email } }")
    here.http.cookies.update(ada.http.cookies)
    assert here.http.cookies
    foreign = await here.post("{ me { email } }")
    assert foreign.status_code == nobody.status_code == 401
    assert foreign.content == nobody.content


async def test_foreign_id_is_answered_like_a_random_one_wherever_an_id_is_taken(
    neighbours: Neighbours, ledger: Ledger
) -> None:
    client, schema = neighbours.client, await Schema.of(neighbours.client)
    before = [await ledger.fingerprint(each) for each in (neighbours.own, neighbours.other)]
    tried = 0
    for operation in (*schema.queries().values(), *schema.mutations().values()):
        if "id" not in operation.arguments:
            continue
        foreign = neighbours.theirs[neighbours.type_of(operation.name)]
        values = schema.variables(operation, foreign, neighbours.ours.__getitem__)
        answers: list[str] = []
        for id in (foreign, str(uuid4())):
            answer = await client.post(operation.document, **{**values, "id": id})
            assert answer.status_code == 200, (operation.name, answer.text)
            answers.append(answer.text.replace(id, "ID"))
        assert answers[0] == answers[1], operation.name
        nothing = f'{{"data":{{"{operation.name}":null}}}}'
        assert '"code":"not_found"' in answers[0] or answers[0] == nothing, operation.name
        tried += 1
    assert tried >= 4 * len(neighbours.shape.entities)
    after = [await ledger.fingerprint(each) for each in (neighbours.own, neighbours.other)]
    assert after == before


async def test_foreign_reference_is_answered_like_a_random_one(
    neighbours: Neighbours, ledger: Ledger
) -> None:
    client, schema = neighbours.client, await Schema.of(neighbours.client)
    before = await ledger.fingerprint(neighbours.own)
    tried = 0
    for operation in schema.mutations().values():
        kind = neighbours.type_of(operation.name)
        meta = next(each for each in neighbours.shape.entities.values() if each.type_name == kind)
        row = await ledger.record(neighbours.own, meta.table, neighbours.ours[kind])
        columns = {field.api_name: field.column for field in meta.fields.values()}
        referring = schema.references(operation)
        for field, target in referring.items():
            answers: list[str] = []
            for id in (neighbours.theirs[target], str(uuid4())):
                values = schema.variables(operation, str(row["id"]), neighbours.ours.__getitem__)
                given = values["input"]
                given |= {n: {"connect": str(row[columns[n]])} for n in referring if n in given}
                texts = schema.inputs_of(operation, "String")
                given |= {n: row[columns[n]] for n in texts if row[columns[n]] is not None}
                given[field] = {"connect": id}
                if "version" in values:
                    values["version"] = row["version"]
                answer = await client.post(operation.document, **values)
                answers.append(answer.text.replace(id, "ID"))
            assert answers[0] == answers[1], (operation.name, field)
            error = json.loads(answers[0])["data"][operation.name]["errors"][0]
            if (operation.name, field) not in SPOKEN_OF_FIRST:
                assert (error["code"], error["path"]) == ("not_found", ["input", field])
            tried += 1
    assert tried >= 20
    assert await ledger.fingerprint(neighbours.own) == before


async def test_foreign_line_is_answered_like_a_random_one(
    neighbours: Neighbours, ledger: Ledger
) -> None:
    before = [await ledger.fingerprint(each) for each in (neighbours.own, neighbours.other)]
    document = """mutation ($id: ID!, $version: Int!, $input: ContactsPartyUpdateInput!) {
        contactsPartyUpdate(id: $id, version: $version, input: $input) {
          errors { code path message params } } }"""
    own = neighbours.ours["ContactsParty"]
    row = await ledger.record(neighbours.own, "contacts_party", own)
    for verb, more in (("update", {"input": {"number": "1"}}), ("delete", {})):
        answers: list[str] = []
        for id in (neighbours.theirs["ContactsPhone"], str(uuid4())):
            line = {"id": id, "version": 1, **more}
            answer = await neighbours.client.post(
                document, id=own, version=row["version"], input={"phones": {verb: [line]}}
            )
            answers.append(answer.text.replace(id, "ID"))
        assert answers[0] == answers[1]
        assert '"code":"not_found"' in answers[0]
    after = [await ledger.fingerprint(each) for each in (neighbours.own, neighbours.other)]
    assert after == before


async def test_foreign_id_in_a_condition_finds_nothing(neighbours: Neighbours) -> None:
    for meta in neighbours.shape.entities.values():
        document = (
            f"query ($id: ID!) {{ {meta.plural_api_name}(archived: true, where: "
            "{id: {eq: $id}}) { totalCount nodes { id } } }"
        )
        theirs, ours = neighbours.theirs[meta.type_name], neighbours.ours[meta.type_name]
        found = await neighbours.client.ask(document, id=theirs)
        assert found == {"totalCount": 0, "nodes": []}
        assert (await neighbours.client.ask(document, id=ours))["totalCount"] == 1


async def test_cursor_of_another_tenant_is_answered_like_a_made_up_one(
    neighbours: Neighbours,
) -> None:
    document = """query ($after: String) { contactsParties(first: 1, after: $after) {
        nodes { id } pageInfo { endCursor } } }"""
    page = await neighbours.other_client.ask(document)
    cursor = page["pageInfo"]["endCursor"]
    assert (await neighbours.other_client.ask(document, after=cursor))["nodes"] != page["nodes"]
    foreign = await neighbours.client.answer(document, after=cursor)
    made_up = await neighbours.client.answer(document, after="made up")
    assert foreign["errors"] == made_up["errors"]
    assert foreign["errors"][0]["extensions"]["code"] == "invalid"
