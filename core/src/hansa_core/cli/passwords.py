"""A password for somebody: from standard input, asked for, or made up and shown once."""

from __future__ import annotations

import secrets
import sys

import typer

from hansa_core.auth.passwords import check_password


def chosen_password(*, from_stdin: bool) -> tuple[str, bool]:
    """Return a password, and whether it was made up here. Raises Invalid for a poor one."""
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        asked: str = typer.prompt(
            "Password (empty makes one)",
            default="",
            hide_input=True,
            show_default=False,
            confirmation_prompt="Again",
            err=True,
        )
        password = asked
    else:
        password = ""
    if not password and not from_stdin:
        return secrets.token_urlsafe(15), True
    check_password(password)
    return password, False
