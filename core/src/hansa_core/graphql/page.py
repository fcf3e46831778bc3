"""The page where people write GraphQL: one file that loads nothing from anywhere else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """The page's text and the headers that allow its own script and style, and nothing else."""

    text: str
    headers: Mapping[str, str]


def console_page() -> ConsolePage:
    """Put the page together from its parts in the folder `console`."""
    folder = resources.files("hansa_core.graphql") / "console"
    style, script, page = (
        (folder / f"console.{ending}").read_text("utf-8") for ending in ("css", "js", "html")
    )
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    return ConsolePage(
        page.replace("{style}", style).replace("{script}", script),
        {
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
