"""The server binary: there, of this machine, of our contract, with its template."""

from __future__ import annotations

import errno
import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sandkube.config import ENV_SERVER
from sandkube.doctor import file_system
from sandkube.doctor.asking import Answer, ask
from sandkube.doctor.checks import cache_folder
from sandkube.doctor.finding import Check, Finding, Kind, ok
from sandkube.doctor.surroundings import Surroundings
from sandkube.errors import SandkubeError, ServerNotFound, StateUnusable
from sandkube.plane import process
from sandkube.server import CONTRACT, Server, ServerVersion, cache, checkout, locate

MISSING: Final = Kind(
    "server-missing",
    "problem",
    "There is no server binary for this machine",
    "It is what serves: Kubernetes' own code as one program. Only a checkout of sandkube can build it.",
    "sandkube server install FILE  # a sandkube-server wheel or binary",
)
TO_BUILD: Final = Kind(
    "server-to-build",
    "note",
    "The server binary has to be built",
    "In a checkout the first `up` builds it: minutes, some gigabytes of disk, and a Python package index or "
    "a proxy "
    "for Go modules that can be reached.",
    "sandkube server build",
)
CHANGED: Final = Kind(
    "server-changed",
    "problem",
    "The server binary in the cache was changed",
    "It is not used then: it may be damaged. Often only its time of change was cut, by an archive or a copy.",
    "sandkube prepare  # compares its SHA-256 and puts its time right, or makes it anew",
)
DOES_NOT_RUN: Final = Kind(
    "server-does-not-run",
    "problem",
    "The server binary does not run",
    "It is for another machine, damaged, or on a file system from which nothing may be run.",
    "sandkube server build  # in a checkout; elsewhere: sandkube server install FILE",
)
OTHER_CONTRACT: Final = Kind(
    "server-other-contract",
    "problem",
    "The server binary is of another sandkube",
    "sandkube and its server agree on a contract by number; with another number neither understands the "
    "other.",
    "sandkube server build  # in a checkout; elsewhere: sandkube server install FILE",
)
COLD: Final = Kind(
    "server-without-template",
    "note",
    "The server binary has no template beside it",
    "A new cluster starts from an empty datastore then, and takes two or three times as long.",
    "sandkube server build  # or keep `template.db` beside {binary}",
)


_UNSET: Final = f"unset {ENV_SERVER}  # or let it name a sandkube-server"


def look(surroundings: Surroundings) -> Iterator[Finding]:
    """Find it, and have it say what it is."""
    try:
        server = locate(surroundings.environ)
    except StateUnusable:  # no cache: the check of the cache folder tells
        return
    except ServerNotFound as error:
        changed = _changed(surroundings)
        if changed:
            yield CHANGED.found(changed)
        elif checkout.find() is not None and not surroundings.environ.get(ENV_SERVER):
            yield TO_BUILD.found("There is no server binary for this checkout yet.")
        elif _all_of_k3s(surroundings):
            yield ok("none, and every cluster is of k3s")
        else:
            text = error.message.rstrip(".") + "."
            named = surroundings.environ.get(ENV_SERVER)
            yield MISSING.found_with(text, _UNSET) if named else MISSING.found(text)
        return
    said = ask_version(server, surroundings)
    if isinstance(said, Answer):
        if said.errno == errno.EACCES and cache_folder.tells_of(server.binary, surroundings):
            return
        yield _does_not_run(surroundings, server.binary, said)
    elif said.contract != CONTRACT:
        yield OTHER_CONTRACT.found(
            f"{server.binary} speaks contract {said.contract}, and this sandkube contract {CONTRACT}."
        )
    elif server.template is None:
        binary = shlex.quote(str(server.binary))
        yield COLD.found(f"There is no template beside {server.binary}.", binary=binary)
    else:
        yield ok(f"Kubernetes {said.kubernetes}, {server.binary} ({server.origin})")


def _changed(surroundings: Surroundings) -> str | None:
    """What is the matter with a binary in the cache, where there is one and it is not used."""
    if surroundings.environ.get(ENV_SERVER):
        return None
    try:
        for entry in cache.entries(cache.root(surroundings.environ)):
            if isinstance(entry, cache.Entry) and (fault := entry.fault()):
                return f"{entry.binary}: {fault}."
    except (SandkubeError, OSError):
        pass
    return None


def _all_of_k3s(surroundings: Surroundings) -> bool:
    clusters = surroundings.clusters()
    return bool(clusters) and all(known.spec.distribution == "k3s" for known in clusters)


def ask_version(server: Server, surroundings: Surroundings) -> ServerVersion | Answer:
    """What the binary says it is; or an answer that is none, with its fault.

    Asked anew, and not kept in the cache: to look changes nothing.
    """
    environ = process.environment(surroundings.environ, ())
    answer = ask([server.binary, "version", "-o", "json"], environ)
    if answer.fault is not None:
        return answer
    try:
        return ServerVersion.from_json(json.loads(answer.text))
    except ValueError:
        return Answer(fault="is no sandkube server")


def _does_not_run(surroundings: Surroundings, binary: Path, answer: Answer) -> Finding:
    mount = file_system.mount_of(binary, surroundings.proc)
    if answer.errno == errno.EACCES and file_system.forbids_programs(binary, mount):
        where = f"its file system, {mount.point if mount else ''}, is mounted noexec"
        remedy = f"export {ENV_SERVER}=/some/folder/sandkube-server  # a copy, where programs may be run"
        return DOES_NOT_RUN.found_with(f"{binary} cannot be run: {where}.", remedy)
    text = f"{binary} {(answer.fault or '').rstrip('.')}."
    if surroundings.environ.get(ENV_SERVER):
        return DOES_NOT_RUN.found_with(text, _UNSET)
    return DOES_NOT_RUN.found(text)


CHECK: Final = Check(
    "server", "The server binary", (MISSING, TO_BUILD, CHANGED, DOES_NOT_RUN, OTHER_CONTRACT, COLD), look
)
