"""Upstream's suite as two binaries in sandkube's cache: `e2e.test`, and `ginkgo`, which runs it in parallel.

They are built once for what go.mod and go.sum say. Modules and build cache are the server's, so most packages
are compiled already where the server was built; the rest takes some two minutes of a core's time.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from listing import HERE, kubernetes_version
from sandkube.cached import alone, usable
from sandkube.config import cache_dir
from sandkube.errors import BuildFailed

SERVER = HERE.parent / "server"
E2E = "k8s.io/kubernetes/test/e2e"
GINKGO = "github.com/onsi/ginkgo/v2/ginkgo"
_FLAGS = ("-trimpath", "-buildvcs=false")
_STAMP = "k8s.io/component-base/version.gitVersion"


@dataclass(frozen=True, slots=True)
class Suite:
    """The two binaries."""

    folder: Path

    @property
    def e2e(self) -> Path:
        """Upstream's tests."""
        return self.folder / "e2e.test"

    @property
    def ginkgo(self) -> Path:
        """What runs them in several processes, and those marked Serial alone, at the end."""
        return self.folder / "ginkgo"

    def is_there(self) -> bool:
        """Whether both are built."""
        return self.e2e.exists() and self.ginkgo.exists()


def place(environ: Mapping[str, str] = os.environ) -> Suite:
    """Where this checkout's suite is, or will be: CACHE/conformance/VERSION-HASH."""
    digest = hashlib.sha256(platform.machine().encode())
    for name in ("go.mod", "go.sum", "suite.go"):
        digest.update((HERE / name).read_bytes())
    version = kubernetes_version((HERE / "go.mod").read_text(encoding="utf-8"))
    return Suite(cache_dir(environ) / "conformance" / f"{version}-{digest.hexdigest()[:12]}")


def build(report: Callable[[str], None], environ: Mapping[str, str] = os.environ) -> Suite:
    """Give the suite, built if it is not there. ``report`` takes what is said meanwhile.

    Raises BuildFailed with the tail of what Go said, StateUnusable where the cache cannot be written to.
    """
    suite = place(environ)
    root = suite.folder.parent
    with alone(root, report, lambda: "another build of upstream's conformance tests"):
        if not suite.is_there():
            with usable(root):
                _build(suite, report, environ)
    return suite


def _build(suite: Suite, report: Callable[[str], None], environ: Mapping[str, str]) -> None:
    began = time.monotonic()
    report("Building upstream's e2e.test: some minutes, and 140 MB in the cache.")
    stage = Path(tempfile.mkdtemp(prefix="stage-", dir=suite.folder.parent))
    try:
        _compile(stage, environ)
        shutil.rmtree(suite.folder, ignore_errors=True)
        stage.rename(suite.folder)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    for other in suite.folder.parent.iterdir():
        if other.is_dir() and other != suite.folder:  # of older sources; whoever holds the lock is alone here
            shutil.rmtree(other, ignore_errors=True)
    size = sum(file.stat().st_size for file in (suite.e2e, suite.ginkgo)) / 1e6
    report(f"Built in {time.monotonic() - began:.0f} s: {size:.0f} MB in {suite.folder}")


def _compile(folder: Path, environ: Mapping[str, str]) -> None:
    """Compile both into ``folder``, with the Go and the flags that the server is built with."""
    sys.path.insert(0, str(SERVER))
    from sandkube_build import errors, gocommand, toolchain, versions

    try:
        made_of = versions.read(SERVER)
        go = toolchain.find(made_of.go, environ)
        e2e, ginkgo = Suite(folder).e2e, Suite(folder).ginkgo
        stamp = f"-s -w -X {_STAMP}={made_of.kubernetes}"
        for line in (
            ("test", *_FLAGS, "-c", "-vet=off", "-ldflags", stamp, "-o", e2e, E2E),
            ("build", *_FLAGS, "-o", ginkgo, GINKGO),
        ):
            gocommand.run((go.command, *line), cwd=HERE, environ=toolchain.environment(environ))
    except errors.BuildError as error:
        raise BuildFailed(error.message, hint=error.hint, tail=error.tail) from error
    finally:
        sys.path.remove(str(SERVER))
