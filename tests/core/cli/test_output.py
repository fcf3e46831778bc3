"""What commands print: no text of a stranger steers the terminal of who reads it."""

from __future__ import annotations

import json

import pytest

from hansa_core.cli.output import complain, note, say, say_json, say_rows, say_table

CONTROLS = [*range(9), *range(11, 32), *range(127, 160), 0x61C, 0x200E, 0x202E, 0x2066, 0x2069]
NASTY = "Ada " + "".join(chr(code) for code in CONTROLS) + "end"


def test_no_control_character_is_printed_raw(capsys: pytest.CaptureFixture[str]) -> None:
    say(NASTY)
    note(NASTY)
    complain(NASTY, NASTY)
    say_table([NASTY], [[NASTY]])
    say_rows([{"name": NASTY, "all": [NASTY]}], as_json=False, none="")
    say_json({NASTY: NASTY})
    out, err = capsys.readouterr()
    for text in (out, err):
        assert "Ada" in text
        assert not {character for character in text if ord(character) in CONTROLS}


def test_lines_and_letters_stay_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    say("Zo\u00eb \u05d0\u05d1\n\u65e5\u672c")
    assert capsys.readouterr().out == "Zo\u00eb \u05d0\u05d1\n\u65e5\u672c\n"


def test_json_keeps_every_character(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"name": NASTY})
    assert json.loads(capsys.readouterr().out) == {"name": NASTY}
