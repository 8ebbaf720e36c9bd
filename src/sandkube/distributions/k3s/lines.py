"""What the lines of k3s' log say about its start and its end.

k3s writes lines of logrus (``time="…" level=info msg="…"``) and, for the Kubernetes inside it, of klog.
"""

from __future__ import annotations

import re
from typing import Final

# pkg/cli/server/server.go: said in this order, each once.
MILESTONES: Final[dict[str, str]] = {
    "ETCD server is now running": "datastore",
    "Kube API server is now running": "api-server",
}

_SHUTDOWN: Final = "Shutdown request received: "
_LOGRUS: Final = re.compile(r'time="[^"]*" level=(\w+) msg=("(?:[^"\\]|\\.)*"|\S+)(.*)')
_KLOG_FATAL: Final = re.compile(r"F\d{4} \S+ +\d+ [^\]]+\] (.*)")


def message(line: str) -> tuple[str, str] | None:
    """The level and the message of a line of logrus; None for any other line."""
    match = _LOGRUS.match(line)
    if match is None:
        return None
    level, text, rest = match.groups()
    if text.startswith('"'):
        text = re.sub(r"\\(.)", lambda found: {"n": " ", "t": " "}.get(found[1], found[1]), text[1:-1])
    error = re.search(r'\berror=("(?:[^"\\]|\\.)*"|\S+)', rest)
    return level, f"{text}: {error[1].strip(chr(34))}" if error else text


def fatal(line: str) -> str | None:
    """Why k3s gives up, if the line says so; None for any other line."""
    found = message(line)
    if found is not None:
        level, text = found
        # A component that ends takes the others with it; the exit status of k3s is 0 then.
        ends = level in ("fatal", "panic") or text.startswith(_SHUTDOWN)
        return text.removeprefix("Error: ").removeprefix(_SHUTDOWN).strip('"') if ends else None
    klog = _KLOG_FATAL.match(line)
    if klog is not None:
        return klog[1]
    return line if line.startswith(("panic: ", "fatal error: ", "Incorrect Usage")) else None
