"""The text of a migration script, laid out as `ruff format` would, without needing it installed."""

from __future__ import annotations

import ast
import json
import re
from typing import Final

_WIDTH: Final = 100
_BASE_IMPORTS: Final = "import sqlalchemy as sa\nfrom alembic import op\n"
_POSTGRESQL_IMPORT: Final = "from sqlalchemy.dialects import postgresql\n"


def render_script(message: str, revision: str, before: str | None, body: str) -> str:
    """Return a whole script whose `upgrade` does what Alembic wrote in `body`."""
    statements = [_statement(node) for node in ast.parse(_dedent(body)).body]
    text = "\n".join(statements)
    imports = _BASE_IMPORTS + (_POSTGRESQL_IMPORT if "postgresql." in text else "")
    if "sa." not in text:
        imports = imports.replace("import sqlalchemy as sa\n", "")
    previous = "None" if before is None else f'"{before}"'
    return (
        f'"""{_docstring(message)}"""\n\n{imports}\n'
        f'revision = "{revision}"\ndown_revision = {previous}\n\n\n'
        f'def upgrade() -> None:\n    """Apply it."""\n{text}\n'
    )


def slug(message: str) -> str:
    """Return the part of a file name that tells what a script does.

    >>> slug("Deals: add a reason!")
    'deals_add_a_reason'
    """
    words = re.findall(r"[a-z0-9]+", message.lower())
    return "_".join(words)[:40].strip("_") or "change"


def _docstring(message: str) -> str:
    line = " ".join(message.replace("\\", "").replace('"', "'").split())
    return (line[:1].upper() + line[1:] or "Change the tables").rstrip(".") + "."


def _dedent(body: str) -> str:
    """Take Alembic's comments and its first-line indentation away."""
    return re.sub(r"(?m)^    ", "", body if body.startswith("    ") else f"    {body}")


def _statement(node: ast.stmt) -> str:
    expression = node.value if isinstance(node, ast.Expr) else None
    return "    " + (
        ast.unparse(node) if expression is None else _laid_out(expression, indent=4, used=4)
    )


def _laid_out(node: ast.expr, *, indent: int, used: int) -> str:
    """Return `node` in one line if `used` columns leave room for it, else over several."""
    flat = _flat(node)
    if used + len(flat) <= _WIDTH:
        return flat
    if isinstance(node, ast.Call):
        opening, closing = f"{_flat(node.func)}(", ")"
        parts: list[tuple[str, ast.expr]] = [("", argument) for argument in node.args]
        parts += [(f"{keyword.arg}=", keyword.value) for keyword in node.keywords]
    elif isinstance(node, ast.List):
        opening, closing, parts = "[", "]", [("", item) for item in node.elts]
    else:
        return flat
    inner, pad = indent + 4, " " * (indent + 4)
    together = ", ".join(prefix + _flat(value) for prefix, value in parts)
    if parts and inner + len(together) <= _WIDTH:
        return f"{opening}\n{pad}{together}\n{' ' * indent}{closing}"
    lines = [
        f"{pad}{prefix}{_laid_out(value, indent=inner, used=inner + len(prefix) + 1)},\n"
        for prefix, value in parts
    ]
    return f"{opening}\n{''.join(lines)}{' ' * indent}{closing}"


def _flat(node: ast.expr) -> str:
    """Return `node` in one line, strings in double quotes."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        simple = repr(node.value)
        return simple if '"' in node.value else json.dumps(node.value, ensure_ascii=False)
    if isinstance(node, ast.Call):
        parts = [_flat(argument) for argument in node.args]
        parts += [f"{keyword.arg}={_flat(keyword.value)}" for keyword in node.keywords]
        return f"{_flat(node.func)}({', '.join(parts)})"
    if isinstance(node, ast.List):
        return f"[{', '.join(_flat(item) for item in node.elts)}]"
    if isinstance(node, ast.Attribute):
        return f"{_flat(node.value)}.{node.attr}"
    return ast.unparse(node)
