"""The sign-in page: one form of plain HTML that works without scripts and loads nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from typing import Final

_STYLE: Final = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { display: grid; place-items: center; min-height: 100vh; margin: 0 }
main { width: min(22rem, 100% - 2rem) }
h1 { font-size: 1.5rem; margin: 0 0 1rem }
label { display: block; margin-top: 1rem }
input, button { box-sizing: border-box; width: 100%; padding: .6rem; font: inherit }
button { margin-top: 1.5rem; cursor: pointer }
[role=alert] { border-left: .25rem solid #c00; padding-left: .75rem }
"""

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in - Hansa</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>Sign in to Hansa</h1>
{alert}<form method="post" action="/auth/sign-in">
<input type="hidden" name="next" value="{next}">
<label for="email">E-mail</label>
<input id="email" name="email" type="email" value="{email}" autocomplete="username"
 maxlength="254" required{email_focus}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password"
 maxlength="1024" required{password_focus}>
<button type="submit">Sign in</button>
</form>
</main>
</body>
</html>
"""


def sign_in_page(*, next_path: str = "/", email: str = "", alert: str = "") -> str:
    """Return the page; `alert` says what went wrong before, `email` is kept from then."""
    focus = " autofocus"
    return _PAGE.format(
        style=_STYLE,
        alert=f'<p role="alert">{escape(alert)}</p>\n' if alert else "",
        next=escape(local_path(next_path)),
        email=escape(email),
        email_focus="" if email else focus,
        password_focus=focus if email else "",
    )


def page_headers() -> Mapping[str, str]:
    """Return the headers of the page: nothing is loaded, framed, kept or told elsewhere."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return {
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        "Cache-Control": "no-store",
        # Not no-referrer: a form's Origin would be null then, and the origin check refuses that.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


def local_path(path: str) -> str:
    """Return `path` when it leads to a page of ours, else the start page."""
    printable = path.isascii() and path.isprintable()
    ours = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if ours and printable else "/"
