"""Building what we are compared with, and the driver: etcd and Kubernetes' own commands, into the cache.

benchmarks/peers/go.mod has the same Kubernetes and the same versions of everything as server/go.mod, so that
what Go's build cache holds of the one serves the other, and the comparison is of the same code. The commands
are upstream's own `main` packages (go.mod names them as tools); the linker's flags are those of our server.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from measuring.report import CannotMeasureError, say
from sandkube import cached, config

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "benchmarks" / "peers"
PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    "driver": "./driver",
}
# A release's day has no meaning for a binary that is measured; any fixed one makes the same build twice.
BUILD_DATE = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Binaries:
    """The folder that holds them all."""

    folder: Path

    def __getitem__(self, name: str) -> Path:
        return self.folder / name


def ensure() -> Binaries:
    """Give the binaries, built where the cache has none of this source. CannotMeasureError if that fails."""
    root = config.cache_dir() / "benchmarks"
    target = root / f"peers-{key()}"
    if target.is_dir():
        return Binaries(target)
    with cached.alone(root, say, lambda: "another build of the peers"):
        if not target.is_dir():
            _build(target)
            _remove_others(root, target)
    return Binaries(target)


def key() -> str:
    """A name for what a build of this source gives here."""
    digest = hashlib.sha256()
    for path in sorted(path for path in SOURCE.rglob("*") if path.is_file()):
        if not path.name.endswith("_test.go"):
            digest.update(f"{path.relative_to(SOURCE).as_posix()}\0".encode() + path.read_bytes())
    return f"{digest.hexdigest()[:16]}-{sys.platform}-{platform.machine().lower()}"


def _build(target: Path) -> None:
    sys.path.insert(0, str(ROOT / "server"))
    from sandkube_build import errors, toolchain, versions

    try:
        made_of = versions.read(ROOT / "server")
        go = toolchain.find(made_of.go, os.environ)
    except errors.BuildError as error:
        raise CannotMeasureError(f"{error.message}\nhint: {error.hint}") from error
    say(
        f"Building etcd, Kubernetes {made_of.kubernetes} as separate commands, and the driver, once, with "
        f"{go.version}: a minute after a build of the server, ten without one; 350 MB."
    )
    stage = target.with_name(f"stage-{os.getpid()}")
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    environ = toolchain.environment(os.environ)
    try:
        for name, package in PACKAGES.items():
            say(f"  {name}")
            command = [
                "nice",
                "-n",
                "10",
                str(go.command),
                "build",
                "-trimpath",
                "-buildvcs=false",
                "-mod=readonly",
            ]
            command += ["-ldflags", versions.ldflags(made_of, BUILD_DATE), "-o", str(stage / name), package]
            done = subprocess.run(
                command, cwd=SOURCE, env=environ, capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                raise CannotMeasureError(f"`go build {package}` failed:\n{done.stderr}")
        stage.rename(target)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _remove_others(root: Path, target: Path) -> None:
    """Remove builds of older source: they are 350 MB each."""
    for folder in root.glob("peers-*"):
        if folder != target:
            shutil.rmtree(folder, ignore_errors=True)
