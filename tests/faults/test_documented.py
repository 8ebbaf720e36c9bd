"""docs/reference/reliability.md names the test of each fault, and each test there is."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "reliability.md"


def test_every_test_that_is_named_is_there() -> None:
    sources = [*ROOT.glob("tests/faults/*.py"), *ROOT.glob("server/internal/**/*_test.go")]
    code = "\n".join(path.read_text() for path in sources)
    named: list[str] = []
    for line in PAGE.read_text().splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            named += re.findall(r"`([^`]+)`", line.rsplit("|", 2)[1])
    assert len(named) > 40
    for name in named:
        beginning = re.split(r"[…\[]", name)[0]
        if name.endswith(".py"):
            assert (ROOT / "tests" / "faults" / name).exists(), name
        elif beginning.startswith("Test"):
            assert f"func {beginning}(" in code, name
        else:
            whole = "" if "…" in name else "("
            assert f"def test_{beginning}{whole}" in code, name
