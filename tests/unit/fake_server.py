"""A stand-in for the server binary: keeps the contract, serves nothing, misbehaves when told to.

It reads server.json, holds the datastore's lock, takes the listener, appends events, and stops at TERM or at
the end of the parent's pipe. An argument for the API server tells it what to do:

--stand-in=dies             says why, and ends with status 1
--stand-in=panics           writes to fd 2, and ends with status 2 without an event
--stand-in=never-ready      starts, and that is all
--stand-in=waits-for=FILE   is Ready when FILE is there
--stand-in=ignores-term     has to be killed
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

_FLAG = "--stand-in="
_COMPONENTS = ("datastore", "api-server", "controller-manager", "scheduler")


def main(arguments: list[str]) -> int:
    command, *rest = arguments
    if command == "version":
        versions = ("version", "kubernetes", "kine", "helm", "go", "platform")
        print(json.dumps({"contract": 1, **dict.fromkeys(versions, "stand-in")}))
        return 0
    assert command == "run"
    config = json.loads(Path(rest[0].removeprefix("--config=")).read_text())
    with Path(f"{config['datastore']['path']}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("another server uses this datastore", file=sys.stderr)
            return 2
        return serve(config, behaviour(config))


def behaviour(config: dict[str, Any]) -> str:
    told = [flag.removeprefix(_FLAG) for flag in config["api_server"] if flag.startswith(_FLAG)]
    return told[-1] if told else ""


def serve(config: dict[str, Any], told: str) -> int:
    woken = _wake_on_term(ignored=told == "ignores-term")
    begun = time.monotonic()

    def event(name: str, **more: object) -> None:
        line = {"time": dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "event": name}
        with Path(config["events"]).open("a") as file:
            file.write(json.dumps({**line, **more}) + "\n")

    event("starting", pid=os.getpid(), version="stand-in", template=False)
    with Path(config["log"]["path"]).open("a") as log:
        log.write(
            f"I{dt.datetime.now().astimezone():%m%d %H:%M:%S.%f} {os.getpid():7} stand_in.go:1] begins\n"
        )
    if told == "dies":
        event("failed", component="api-server", reason="the stand-in was told to")
        return 1
    if told == "panics":
        print("panic: the stand-in was told to", file=sys.stderr)
        return 2
    Path(config["datastore"]["path"]).touch()
    ends = [woken] if config.get("parent_fd") is None else [woken, config["parent_fd"]]
    with socket.socket(fileno=config["listener"]["fd"]) as listener:
        event("listening", address="{}:{}".format(*listener.getsockname()), seconds=time.monotonic() - begun)
        if not _held_back(told, ends):
            for component in _COMPONENTS:
                event("ready", component=component, seconds=time.monotonic() - begun)
            event("ready", seconds=time.monotonic() - begun)
        reason = _await_end(listener, ends)
    event("stopping", reason="signal terminated" if reason == woken else "parent ended")
    event("stopped", seconds=time.monotonic() - begun)
    return 0


def _wake_on_term(*, ignored: bool) -> int:
    """A descriptor that can be read once TERM came."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write)
    signal.signal(signal.SIGTERM, lambda *_: None)
    return os.pipe()[0] if ignored else read


def _held_back(told: str, ends: list[int]) -> bool:
    """Whether Ready never comes; waits for it where it comes later."""
    if told == "never-ready":
        return True
    if told.startswith("waits-for="):
        while not Path(told.removeprefix("waits-for=")).exists():
            if select.select(ends, [], [], 0.01)[0]:
                return True
    return False


def _await_end(listener: socket.socket, ends: list[int]) -> int:
    while True:
        ready, _, _ = select.select([listener.fileno(), *ends], [], [])
        if ended := [fd for fd in ready if fd != listener.fileno()]:
            return ended[0]
        with contextlib.suppress(OSError):
            listener.accept()[0].close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
