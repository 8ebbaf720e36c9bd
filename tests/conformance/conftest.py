"""Upstream's conformance tests, as far as these tests need them: modules of conformance/, and the suite."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

CONFORMANCE = Path(__file__).resolve().parents[2] / "conformance"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Gives a module of conformance/, which is no package."""
    monkeypatch.syspath_prepend(str(CONFORMANCE))
    return importlib.import_module


def run(script: str, *arguments: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run one of conformance/'s scripts. Never may it show a traceback."""
    done = subprocess.run(
        [sys.executable, str(CONFORMANCE / script), *map(str, arguments)],
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture
def script() -> Run:
    """Runs a script of conformance/."""
    return run


@pytest.fixture
def suite(module: Callable[[str], ModuleType]) -> None:
    """The test runs upstream's suite, which takes minutes to build: it is skipped where that was not done."""
    if not module("suite").place().is_there():
        pytest.skip("upstream's e2e.test is not built: python conformance/run.py --build")
