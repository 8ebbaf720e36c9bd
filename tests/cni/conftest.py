"""The two plugins: sandkube's, and the CNI project's own, built from its Go module."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from cni.calls import Plugin
from sandkube.cni import write_plugin
from sandkube_build import toolchain

REFERENCE = Path(__file__).parent / "reference"
UPSTREAM = "github.com/containernetworking/plugins"
_GO = "1.25.0"
_VERSION = f"{UPSTREAM}/pkg/utils/buildversion.BuildVersion"


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Plugin:
    """The plugin as sandkube writes it."""
    return Plugin(write_plugin(tmp_path_factory.mktemp("ours") / "bin"))


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `reference` and `upstream/host-local`. Go keeps what it compiled in the user's cache.

    A test that asks for it has its time counted without it: `pytest.mark.timeout(…, func_only=True)`.
    """
    go = toolchain.on_path(_GO, os.environ)
    if go is None:
        pytest.skip(f"needs Go {_GO} or newer on PATH, to build the CNI project's host-local")
    folder = tmp_path_factory.mktemp("programs")
    environ = toolchain.environment(os.environ) | {"GOFLAGS": "-trimpath"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(go.command), *arguments]
        return subprocess.run(
            command, cwd=REFERENCE, env=environ, capture_output=True, text=True, check=False
        )

    fetched = run("mod", "download")
    if fetched.returncode != 0:
        pytest.skip(f"needs the CNI project's Go modules, and cannot have them: {fetched.stderr.strip()}")
    version = run("list", "-m", "-f", "{{.Version}}", UPSTREAM).stdout.strip()
    plugin = f"{UPSTREAM}/plugins/ipam/host-local"
    stamp = f"-X {_VERSION}={version}"
    for built in (
        run("build", "-ldflags", stamp, "-o", f"{folder}/upstream/host-local", plugin),
        run("build", "-o", f"{folder}/reference", "."),
    ):
        assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="session")
def upstream(programs: Path) -> Plugin:
    """The CNI project's own plugin."""
    return Plugin(programs / "upstream" / "host-local")
