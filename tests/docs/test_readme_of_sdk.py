"""The SDK README's settings are enough for a plugin author's tests, and its test passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.samples import blocks_of

README = Path(__file__).parents[2] / "sdk" / "README.md"


def test_settings_of_the_readme_run_its_test(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    (settings,) = [each.code for each in blocks_of(README) if each.info == "toml"]
    (sample,) = [each.code for each in blocks_of(README) if each.info == "python sketch"]
    pytester.makepyprojecttoml(settings)
    pytester.makepyfile(test_sample=sample)
    monkeypatch.setenv("HANSA_TEST_DATABASE_URL", postgres_url)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
    pytester.makepyprojecttoml("[tool.pytest.ini_options]\n")
    assert pytester.runpytest_subprocess().ret == pytest.ExitCode.TESTS_FAILED
