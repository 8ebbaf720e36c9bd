"""What this host lets a user do who makes containers: found out by trying, once for each start of a node."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sandkube.runtime import kernel
from sandkube.runtime.found import Host


def probe() -> Host:
    """Try what containers need. It forks: for a process with one thread."""
    said = ""
    for users in (False, True):
        with tempfile.TemporaryDirectory(prefix="sandkube-") as scratch:
            found = _in_child(partial(_attempt, scratch, users=users))
        if "refused" not in found:
            return Host(
                users=users,
                own_root="overlay" if found["root"] else "shadow",
                image="overlay" if found["image"] else "copy",
                own_pids=found["pids"],
            )
        said = found["refused"]
    return Host(refused=f"this system lets a user have no namespaces: {said}")


def _in_child(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What ``work`` gives in a process of its own, where whatever it changes stays."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            try:
                found = work()
            except OSError as error:
                found = {"refused": str(error)}
            os.write(writing, json.dumps(found).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        said = file.read()
    os.waitpid(pid, 0)
    answer: dict[str, Any] = json.loads(said) if said else {"refused": "the attempt was killed"}
    return answer


def _attempt(scratch: str, *, users: bool) -> dict[str, Any]:
    uid, gid = os.geteuid(), os.getegid()
    namespaces = kernel.NEW_MOUNTS | kernel.NEW_PIDS | kernel.NEW_IPC | kernel.NEW_HOSTNAME
    kernel.unshare(namespaces | (kernel.NEW_USERS if users else 0))
    if users:
        enter_users(f"0 {uid} 1", f"0 {gid} 1")
    return _in_child(partial(_mounts, scratch))


def enter_users(uids: str, gids: str) -> None:
    """Say who the users and groups of this process's new user namespace are."""
    with contextlib.suppress(OSError):  # gVisor has none, and needs none
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(uids, encoding="ascii")
    Path("/proc/self/gid_map").write_text(gids, encoding="ascii")


def _mounts(scratch: str) -> dict[str, Any]:
    kernel.mount("none", "/", None, kernel.PRIVATE | kernel.RECURSIVE)
    kernel.mount("tmpfs", scratch, "tmpfs")
    for name in ("proc", "lower", "upper", "work", "tree", "upper2", "work2", "tree2"):
        (Path(scratch) / name).mkdir()
    return {
        "root": _works(lambda: _overlaid(scratch, "/", "")),
        "image": _works(lambda: _overlaid(scratch, f"{scratch}/lower", "2")),
        "pids": _works(lambda: kernel.mount("proc", f"{scratch}/proc", "proc")),
    }


def _overlaid(scratch: str, lower: str, number: str) -> None:
    tree = f"{scratch}/tree{number}"
    kernel.overlay(lower, f"{scratch}/upper{number}", f"{scratch}/work{number}", tree)
    Path(f"{tree}/written").write_text("x", encoding="ascii")


def _works(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return False
    return True


if __name__ == "__main__":  # for who has threads already
    print(json.dumps(probe().document()))
