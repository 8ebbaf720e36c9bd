"""Running the checks: side by side, each in a bounded time, and none can end another."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from sandkube.doctor.checks import CHECKS
from sandkube.doctor.checks.server import MISSING
from sandkube.doctor.finding import STATES, Check, Finding, Kind, problems
from sandkube.doctor.surroundings import Surroundings
from sandkube.errors import (
    BuildFailed,
    K3sNotFound,
    Locked,
    PortTaken,
    SandkubeError,
    ServerNotFound,
    StartFailed,
    StateCorrupt,
    StateUnusable,
    UsageError,
)

# More than any program is given that a check asks.
SECONDS: Final = 8.0

UNCHECKED: Final = Kind(
    "unchecked",
    "problem",
    "could not be checked",
    "A check that cannot look is a sign that something is odd here; it does not say what.",
    "sandkube doctor  # again, when you have seen to the reason given",
)

# What can explain an error of `up`, by its class; the nearest class counts. Errors that say all there is to
# say are not looked into.
_EXPLAINS: Final[dict[type[SandkubeError], tuple[str, ...]]] = {
    SandkubeError: ("state folder", "loopback", "limits"),
    UsageError: (),
    StateCorrupt: (),
    StateUnusable: ("state folder", "cache folder"),
    PortTaken: ("ports", "loopback"),
    Locked: ("leftovers",),
    ServerNotFound: ("server", "cache folder"),
    K3sNotFound: ("k3s",),
    BuildFailed: ("go", "memory", "cache folder"),
    StartFailed: (
        "memory", "limits", "state folder", "cache folder", "server", "loopback", "clock",
        "certificates",
    ),
}  # fmt: skip
# The server refused what it was told, and said why (status 2, a reason before it): no fault of the place.
_REFUSED: Final = re.compile(r": .+ \(the server ended with status 2\)")


def examine(
    surroundings: Surroundings, checks: Sequence[Check] = CHECKS, seconds: float = SECONDS
) -> list[Finding]:
    """Run ``checks`` and give what each found: problems first, then notes, then what is well.

    Never raises: what a check raises is a finding, and so is one that has not ended after ``seconds``.
    """
    results: dict[str, list[Finding]] = {}
    threads = [_start(check, surroundings, results) for check in checks]
    deadline = time.monotonic() + seconds
    for thread in filter(None, threads):
        thread.join(max(0.0, deadline - time.monotonic()))
    found: list[Finding] = []
    for check in checks:
        late = [UNCHECKED.found(f"This could not be checked: it takes longer than {seconds:.0f} s.")]
        found += [replace(finding, check=check.name) for finding in results.get(check.name, late)]
    return sorted(found, key=lambda finding: STATES.index(finding.state))


def explain(error: SandkubeError, name: str | None, *, port: int | None = None) -> list[Finding]:
    """The problems that can explain why `up` of the cluster ``name`` ended with ``error``; often none.

    ``port`` is the one that was asked for.
    """
    if _REFUSED.search(error.message):
        return []
    names = next(_EXPLAINS[kind] for kind in type(error).__mro__ if kind in _EXPLAINS)
    checks = [check for check in CHECKS if check.name in names]
    # What could not be checked explains nothing. And what was started was found: k3s needs no server of ours.
    aside = {UNCHECKED.id} | ({MISSING.id} if isinstance(error, StartFailed) else set())
    found = problems(examine(Surroundings(name=name, port=port), checks))
    return [finding for finding in found if finding.kind not in aside]


def mend(findings: Iterable[Finding]) -> list[str]:
    """Do what can be done safely about ``findings``; gives a line for each thing done, or not to be done."""
    done: list[str] = []
    for finding in findings:
        if finding.fix is None:
            continue
        try:
            line = finding.fix()
        except (SandkubeError, OSError) as error:
            line = f"{finding.check}: could not be mended: {error}"
        if line not in done:
            done.append(line)
    return done


def _start(
    check: Check, surroundings: Surroundings, results: dict[str, list[Finding]]
) -> threading.Thread | None:
    """Look in a thread of its own; where there can be none, here and now."""

    def look() -> None:
        try:
            results[check.name] = list(check.look(surroundings))
        except Exception as error:  # noqa: BLE001 -- whatever it is, the other checks go on, and it is told
            reason = f"{type(error).__name__}: {error}".rstrip(".")
            results[check.name] = [UNCHECKED.found(f"This could not be checked: {reason}.")]

    thread = threading.Thread(target=look, name=check.name, daemon=True)
    try:
        thread.start()
    except RuntimeError:  # out of memory or of processes: one of the things to be found
        look()
        return None
    return thread
