from __future__ import annotations

import subprocess
import sys
from importlib import metadata

import pytest

import sandkube


def test_what_is_public_is_there() -> None:
    assert all(hasattr(sandkube, name) for name in sandkube.__all__)
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = sandkube.no_such_thing


def test_the_version_is_that_of_the_distribution() -> None:
    try:
        installed = metadata.version("sandkube")
    except metadata.PackageNotFoundError:
        pytest.skip("sandkube is not installed, only on the path: `uv sync` installs it")
    assert sandkube.__version__ == installed


# What takes long to load, and what for: nothing that a command of every day does may need it.
HEAVY = ("cryptography", "rich", "yaml", "filelock", "asyncio", "http", "ssl")


@pytest.mark.parametrize("arguments", [["--help"], ["status"], ["up", "--help"], ["list"], ["env", "--help"]])
@pytest.mark.usefixtures("state")
def test_commands_of_every_day_load_nothing_heavy(arguments: list[str]) -> None:
    code = f"""
import sys
from sandkube.cli import cli
try:
    cli.main({arguments!r}, standalone_mode=False)
except Exception as error:
    print(error)
print("loaded:", *(name for name in {HEAVY!r} if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].strip() == "loaded:"
