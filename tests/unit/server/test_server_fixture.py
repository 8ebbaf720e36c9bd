from __future__ import annotations

from pathlib import Path

import pytest

from server_fixture import needs_server

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (["tests"], True),
        (["tests/integration/test_x.py::test_y"], True),
        (["tests/unit", "tests/integration"], True),
        (["tests/unit"], False),
        (["tests/unit/server/test_x.py::test_y[a/b]", "tests/packaging"], False),
        ([str(ROOT / "tests" / "unit")], False),
        (["."], True),
    ],
)
def test_only_a_run_that_may_need_the_server_builds_it(arguments: list[str], *, needed: bool) -> None:
    assert needs_server(arguments, ROOT) is needed
