"""Builds the server before the first test, outside any test's time-out, so that `uv run pytest` is enough.

tests/conftest.py takes `pytest_sessionstart` from here. Under pytest-xdist only the controller builds. A run
of tests that need no server (`pytest tests/unit`) builds none.
"""

from __future__ import annotations

from pathlib import Path

import pytest

_TESTS = Path(__file__).resolve().parent
_WITHOUT_SERVER = tuple(_TESTS / name for name in ("unit", "packaging", "cni"))


def needs_server(arguments: list[str], invoked_in: Path) -> bool:
    """Whether a run with these command-line arguments may meet a test that needs the server."""
    paths = [(invoked_in / argument.split("::", 1)[0]).resolve() for argument in arguments]
    return not all(any(path.is_relative_to(folder) for folder in _WITHOUT_SERVER) for path in paths)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Have the server built, if it is missing; a build that fails ends the run with its reason."""
    config = session.config
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    if not needs_server(config.args, config.invocation_params.dir):
        return
    from sandkube.errors import SandkubeError
    from sandkube.server import ensure

    try:
        ensure(lambda line: print(line, flush=True))
    except SandkubeError as error:
        parts = [error.message, error.tail, error.hint and f"hint: {error.hint}"]
        pytest.exit("\n".join(part for part in parts if part), returncode=2)
