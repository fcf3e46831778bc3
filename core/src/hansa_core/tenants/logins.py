"""The application login and the tenants' roles: who may read which schema.

Roles belong to the whole server, so every name carries a hash of the database's name. The login
owns nothing and inherits nothing: without SET ROLE it reads the directory and no tenant's data.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import cast

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, ProgrammingError

from hansa_core.settings import secret_file
from hansa_core.storage.statements import quote_name
from hansa_core.storage.transaction import Tenant
from hansa_core.tenants.installation import require_mark, write_mark
from hansa_core.tenants.owner import server_version, wait_for_turn, with_login
from hansa_sdk.errors import Misconfigured

_POWERS = sa.text(
    "SELECT array_remove(ARRAY[CASE WHEN rolsuper THEN 'SUPERUSER' END,"
    " CASE WHEN rolbypassrls THEN 'BYPASSRLS' END, CASE WHEN rolcreaterole THEN 'CREATEROLE' END,"
    " CASE WHEN rolcreatedb THEN 'CREATEDB' END,"
    " CASE WHEN rolreplication THEN 'REPLICATION' END], NULL)"
    " FROM pg_roles WHERE rolname = :login"
)
_NOT_LENT = sa.text(
    "SELECT role_name FROM hansa.tenant WHERE NOT EXISTS ("
    "  SELECT FROM pg_auth_members WHERE roleid = to_regrole(quote_ident(role_name))"
    "  AND member = to_regrole(quote_ident(:login)))"
)
_OWNED_COUNT = sa.text(
    "SELECT count(*) FROM pg_shdepend JOIN pg_roles ON pg_roles.oid = refobjid "
    "WHERE refclassid = 'pg_authid'::regclass AND deptype = 'o' AND rolname = :login"
)
_MEMBERSHIPS = """
SELECT granted.rolname AS role, {inherits} AS inherits
FROM pg_auth_members AS membership
JOIN pg_roles AS granted ON granted.oid = membership.roleid
JOIN pg_roles AS login ON login.oid = membership.member
WHERE login.rolname = :login ORDER BY granted.rolname
"""


def prepare_app_login(
    engine: sa.Engine, owner_url: str, home: Path, app_url: str | None = None
) -> str:
    """Make the application login when missing and return its address.

    Its password lies in a 0600 file under `home`; where several machines serve one database,
    `app_url` (HANSA_APP_DATABASE_URL) names login and password instead. Raises Misconfigured when
    the owner may not create roles or a given login is refused by the server or fails the check.
    """
    try:
        with engine.begin() as connection:
            wait_for_turn(connection, "logins")
            prefix = require_mark(connection, "role_prefix")
            if app_url is None:
                login = f"{prefix}_app"
                url = with_login(owner_url, login, secret_file(home / f"{login}.password"))
            else:
                url, login = app_url, sa.make_url(app_url).username or ""
            _make_login(connection, login, sa.make_url(url).password or "")
            _grant_directory(connection, login)
        with engine.begin() as connection:
            wait_for_turn(connection, "logins")
            _check_password(connection, login, url, given=app_url is not None)
            self_check(connection)
    except ProgrammingError as error:
        raise Misconfigured(
            f"The application login cannot be made: {str(error.orig).strip()}.",
            next_step="Give the owner's login CREATEROLE, or make a login yourself and name it "
            "in HANSA_APP_DATABASE_URL.",
        ) from error
    return url


def make_tenant_role(connection: sa.Connection, schema: str) -> str:
    """Make the role of the tenant whose data is in `schema`, lend it to the login; return it."""
    role = f"{require_mark(connection, 'role_prefix')}_{schema}"
    if not _role_exists(connection, role):
        connection.exec_driver_sql(f"CREATE ROLE {quote_name(role)} NOLOGIN")
    _lend(connection, role, require_mark(connection, "app_login"))
    return role


def grant_schema(connection: sa.Connection, schema: str, role: str) -> None:
    """Let `role` work on the rows of every table that is in `schema` or will be."""
    name, whom = quote_name(schema), quote_name(role)
    defaults = f"ALTER DEFAULT PRIVILEGES IN SCHEMA {name} GRANT"
    for statement in (
        f"GRANT USAGE ON SCHEMA {name} TO {whom}",
        f"{defaults} SELECT, INSERT, UPDATE, DELETE ON TABLES TO {whom}",
        f"{defaults} USAGE ON SEQUENCES TO {whom}",
    ):
        connection.exec_driver_sql(statement)


def restrict_tables(
    connection: sa.Connection, tenant: Tenant, rules: Iterable[tuple[str, Iterable[str]]]
) -> None:
    """Take privileges on tables from the tenant's role: `[("system_event", ("UPDATE",)), ...]`.

    Tables get the schema's default privileges when made, so this belongs after each migration.
    """
    for table, privileges in rules:
        place = f"{quote_name(tenant.schema)}.{quote_name(table)}"
        connection.exec_driver_sql(
            f"REVOKE {', '.join(privileges)} ON {place} FROM {quote_name(tenant.role)}"
        )


def drop_role(connection: sa.Connection, role: str) -> None:
    """Drop `role`, unless objects of another database (a copy of this one) still name it."""
    if not _role_exists(connection, role):
        return
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(f"DROP ROLE {quote_name(role)}")
    except DBAPIError as error:
        if not isinstance(error.orig, psycopg.errors.DependentObjectsStillExist):
            raise


def self_check(connection: sa.Connection) -> None:
    """Check that the application login is as weak as the walls between tenants need it.

    Raises Misconfigured naming everything that is wrong: it must not be superuser, pass row
    security, create roles or databases, own anything, or inherit from a role it may take.
    """
    login = require_mark(connection, "app_login")
    prefix = require_mark(connection, "role_prefix")
    known = {"login": login}
    powers = cast("list[str] | None", connection.scalar(_POWERS, known))
    problems = ["does not exist"] if powers is None else [f"has {power}" for power in powers]
    if owned := cast(int, connection.scalar(_OWNED_COUNT, known)):
        problems.append(f"owns {owned} objects")
    new = server_version(connection) >= 16
    memberships = _MEMBERSHIPS.format(
        inherits="membership.inherit_option" if new else "login.rolinherit"
    )
    for role, inherits in connection.execute(sa.text(memberships), known):
        if inherits:
            problems.append(f"inherits from {role}")
        elif not str(role).startswith(f"{prefix}_t_"):
            problems.append(f"is a member of {role}")
    if problems:
        raise Misconfigured(
            f"The application login {login} {', '.join(problems)}; tenants would not be apart.",
            next_step="Use a login that owns nothing, with NOINHERIT and no other attribute.",
        )


def _make_login(connection: sa.Connection, login: str, password: str) -> None:
    if not _role_exists(connection, login):
        secret = _encrypted(connection, login, password)
        connection.exec_driver_sql(
            f"CREATE ROLE {quote_name(login)} LOGIN NOINHERIT PASSWORD {secret}"
        )
    write_mark(connection, "app_login", login)


def _grant_directory(connection: sa.Connection, login: str) -> None:
    whom = quote_name(login)
    database = quote_name(str(connection.scalar(sa.text("SELECT current_database()"))))
    for statement in (
        f"GRANT CONNECT ON DATABASE {database} TO {whom}",
        f"GRANT USAGE ON SCHEMA hansa TO {whom}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA hansa TO {whom}",
    ):
        connection.exec_driver_sql(statement)
    for role in connection.scalars(_NOT_LENT, {"login": login}):
        _lend(connection, str(role), login)


def _lend(connection: sa.Connection, role: str, login: str) -> None:
    # Before 16 a membership inherits when the login does; from 16 on each says so itself.
    options = " WITH INHERIT FALSE, SET TRUE" if server_version(connection) >= 16 else ""
    connection.exec_driver_sql(f"GRANT {quote_name(role)} TO {quote_name(login)}{options}")


def _check_password(connection: sa.Connection, login: str, url: str, *, given: bool) -> None:
    try:
        psycopg.connect(url, connect_timeout=10).close()
    except psycopg.OperationalError as error:
        if given:
            raise Misconfigured(
                f"The server refuses the application login {login}: {str(error).strip()}.",
                next_step="Check HANSA_APP_DATABASE_URL.",
            ) from error
        # The file under HANSA_HOME is new, or the role is older than it.
        secret = _encrypted(connection, login, sa.make_url(url).password or "")
        connection.exec_driver_sql(f"ALTER ROLE {quote_name(login)} PASSWORD {secret}")


def _role_exists(connection: sa.Connection, role: str) -> bool:
    found = connection.scalar(
        sa.text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}
    )
    return found is not None


def _encrypted(connection: sa.Connection, login: str, password: str) -> str:
    """Return the password's SCRAM hash as a literal, so that no server log can hold the word."""
    driver = cast("psycopg.Connection[object]", connection.connection.driver_connection)
    hashed = driver.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256")
    return f"'{hashed.decode()}'"
