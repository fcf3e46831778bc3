"""Time, environment, floats and SQL text enter the code at one place each."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.sources import Source, dotted, listed, matches, parse

_Finder = Callable[[Source], Iterator[str]]

_CLOCK_READERS: Final = re.compile(
    r"(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|localtime|gmtime|ctime))$"
)
_ENVIRONMENT: Final = re.compile(r"(os\.(environ|getenv|putenv|unsetenv|environb))\b")
_SQL_RUNNERS: Final = re.compile(
    r"(^|\.)(text|execute|executemany|fetch|fetchrow|fetchval|fetch_one|fetch_value|cursor|copy_from_query|exec_driver_sql)$"
)
_QUOTED: Final = re.compile(r"(^|_)quoted($|_)|^_?[A-Z][A-Z0-9_]*$")
_QUOTERS: Final = frozenset({"quote_name", "quote_literal"})

_CLOCK_ALLOWED: Final[Mapping[str, str]] = {
    "core/src/hansa_core/clock.py": "it is the clock",
}
_ENVIRONMENT_ALLOWED: Final[Mapping[str, str]] = {
    "core/src/hansa_core/settings.py": "it is the settings",
    "core/src/hansa_core/testing/environment.py": "tests choose a server before settings exist",
}
_FLOAT_ALLOWED: Final[Mapping[str, str]] = {}
_SQL_ALLOWED: Final[Mapping[str, str]] = {
    "core/src/hansa_core/migrate/runner.py": "REVOKE takes no parameters; names come quoted",
    "core/src/hansa_core/tenants/databases.py": "CREATE DATABASE takes none; options are ours",
    "core/src/hansa_core/tenants/logins.py": "GRANT and ROLE take none; names come quoted",
}


def test_time_is_read_by_the_clock_only(sources: Sequence[Source]) -> None:
    assert not (found := _all(sources, _clock_readers, _CLOCK_ALLOWED)), listed(found)


def test_environment_is_read_by_settings_only(sources: Sequence[Source]) -> None:
    code = [source for source in sources if source.tested]
    assert not (found := _all(code, _environment_readers, _ENVIRONMENT_ALLOWED)), listed(found)


def test_no_value_becomes_a_float(sources: Sequence[Source]) -> None:
    code = [source for source in sources if source.tested]
    assert not (found := _all(code, _floats, _FLOAT_ALLOWED)), listed(found)


def test_sql_is_never_put_together_from_values(sources: Sequence[Source]) -> None:
    code = [source for source in sources if source.tested]
    assert not (found := _all(code, _sql_texts, _SQL_ALLOWED)), listed(found)


def test_exceptions_name_files_that_exist(sources: Sequence[Source]) -> None:
    paths = {source.path for source in sources}
    lists = (_CLOCK_ALLOWED, _ENVIRONMENT_ALLOWED, _FLOAT_ALLOWED, _SQL_ALLOWED)
    gone = [name for each in lists for name in each if not name.endswith("/") and name not in paths]
    assert not gone, listed(gone)


@pytest.mark.parametrize(
    "line",
    [
        "datetime.now(UTC)",
        "datetime.datetime.utcnow()",
        "date.today()",
        "time.time()",
        "os.environ['HANSA_HOME']",
        "os.getenv('HANSA_HOME')",
        "float(amount)",
        "sa.text(f'select {name}')",
        "text('select ' + name)",
        "session.execute('delete from %s' % table)",
        "connection.fetch('select {}'.format(name))",
    ],
)
def test_each_rule_bites_when_broken(line: str, tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(f"{line}\n")
    source = parse(tmp_path / "wrong.py", tmp_path)
    finders = (_clock_readers, _environment_readers, _floats, _sql_texts)
    assert [finding for finder in finders for finding in finder(source)]


@pytest.mark.parametrize(
    "line",
    [
        "clock.now()",
        "time.monotonic()",
        "sa.text('select 1')",
        "execute(f'SET ROLE {quote_name(role)}')",
        "execute(f'SAVEPOINT {quoted}')",
        "sa.text(f'{_COLUMNS} WHERE slug = :slug')",
        "session.fetch(statement)",
    ],
)
def test_no_rule_bites_when_kept(line: str, tmp_path: Path) -> None:
    (tmp_path / "right.py").write_text(f"{line}\n")
    source = parse(tmp_path / "right.py", tmp_path)
    finders = (_clock_readers, _environment_readers, _floats, _sql_texts)
    assert not [finding for finder in finders for finding in finder(source)]


def _all(sources: Sequence[Source], finder: _Finder, allowed: Mapping[str, str]) -> list[str]:
    return [
        finding
        for source in sources
        if not source.generated and not matches(source.path, tuple(allowed))
        for finding in finder(source)
    ]


def _clock_readers(source: Source) -> Iterator[str]:
    for call, name in source.calls():
        if _CLOCK_READERS.search(name):
            yield source.at(call.lineno, f"{name}() reads the time; ask hansa_core.clock")


def _environment_readers(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and _ENVIRONMENT.match(dotted(node)):
            yield source.at(node.lineno, f"{dotted(node)}: ask hansa_core.settings")
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            for alias in node.names:
                if _ENVIRONMENT.match(f"os.{alias.name}"):
                    yield source.at(node.lineno, f"os.{alias.name}: ask hansa_core.settings")


def _floats(source: Source) -> Iterator[str]:
    for call, name in source.calls():
        if name == "float":
            yield source.at(call.lineno, "float() loses digits; use Decimal")


def _sql_texts(source: Source) -> Iterator[str]:
    for call, name in source.calls():
        first = call.args[0] if call.args else None
        if first is not None and _SQL_RUNNERS.search(name) and not _safe_text(first):
            yield source.at(call.lineno, f"{name}() gets SQL put together from values; bind them")


def _safe_text(node: ast.expr) -> bool:
    """Return whether `node` is no text made on the spot, or one of constants and quoted names."""
    if isinstance(node, ast.JoinedStr):
        holes = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
        return all(_is_quoted(hole) for hole in holes)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        return not (_is_text(node.left) or _is_text(node.right))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return not (node.func.attr in ("format", "join") and _is_text(node.func.value))
    return True


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _is_quoted(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return dotted(node.func).rpartition(".")[2] in _QUOTERS
    return bool(_QUOTED.search(dotted(node).rpartition(".")[2]))
