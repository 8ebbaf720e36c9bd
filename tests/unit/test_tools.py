"""The small scripts of tools/ that decide something."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_only_needs_that_are_not_met_are_said() -> None:
    skips = _load("skips")
    needs = (skips.Need("of a", "no a", lambda: True), skips.Need("of b", "no b", lambda: False))
    assert list(skips.skipped(needs)) == ["tests of b: no b"]


def test_pins_are_the_lines_that_name_a_version() -> None:
    exported = "# by uv\n-e ./x\nclick==8.5.1\ntomli==2.5.0 ; python_full_version < '3.11'\n"
    assert _load("pins").block(exported) == (
        "constraint-dependencies = [\n"
        '  "click==8.5.1",\n'
        "  \"tomli==2.5.0 ; python_full_version < '3.11'\",\n"
        "]"
    )


def test_every_dependency_is_pinned_and_no_index_is_named() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    pins = text.split("constraint-dependencies = [", 1)[1].split("\n]", 1)[0]
    for name in (
        "click",
        "cryptography",
        "filelock",
        "platformdirs",
        "pyyaml",
        "rich",
        "pytest",
        "ruff",
        "sphinx",
    ):
        assert f'"{name}==' in pins
    assert "://" not in pins
