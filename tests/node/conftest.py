"""A cluster with a node, at each of the places where one has to work."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from command_line import NOBODY, Done, Sandkube, python_of_all, reachable, sandkube, until
from gvisor.conftest import entered_or_skipped
from gvisor.inside import Place
from gvisor.sandbox import CannotRunError, find_runsc
from lengths import LONG
from sandkube.server import locate

__all__ = ["node", "sandkube"]

PLACES = ("native", "native, as nobody", "gVisor, as root", "gVisor, as a user with loopback alone")


@dataclass
class Node:
    """A cluster with a node, and what its tests ask of it."""

    sandkube: Sandkube

    def kubectl(self, *arguments: str, status: int | None = 0, stdin: str = "") -> Done:
        """Run kubectl against it."""
        command = [*self.sandkube.command, "kubectl", *arguments]
        return self.sandkube.run(command, status=status, stdin=stdin)

    def apply(self, *manifests: dict[str, Any]) -> None:
        """Apply manifests."""
        document = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.kubectl("apply", "-f", "-", stdin=json.dumps(document))

    def create(self, manifest: dict[str, Any]) -> Done:
        """Make an object, if it is let be made."""
        return self.kubectl("create", "-f", "-", stdin=json.dumps(manifest), status=None)

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """An object as it is."""
        found: dict[str, Any] = json.loads(self.kubectl("get", kind, name, "-o", "json").stdout)
        return found

    def wait(self, what: str, condition: str, seconds: int = 60) -> None:
        """Wait for a condition, as `kubectl wait` has it."""
        done = self.kubectl("wait", what, f"--for={condition}", f"--timeout={seconds}s", status=None)
        assert done.returncode == 0, f"{done.stderr}\n{self.told(what)}"

    def told(self, what: str) -> str:
        """What there is to know of something, for who reads a failure."""
        return "\n".join(
            self.kubectl(*words, status=None).stdout
            for words in (["describe", what], ["get", "pods", "-o", "wide"], ["logs", what, "--tail=20"])
        )

    def logs(self, *what: str) -> list[str]:
        """The lines of a log."""
        return self.kubectl("logs", *what).stdout.splitlines()

    def execute(self, pod: str, *command: str, status: int | None = 0, stdin: str = "") -> Done:
        """Run a command in a pod."""
        given = ["-i"] if stdin else []
        return self.kubectl("exec", *given, pod, "--", *command, status=status, stdin=stdin)

    def await_account(self, namespace: str) -> None:
        """Wait until a namespace has the account that its pods get."""
        account = ("get", "serviceaccount", "default", "-n", namespace)
        until(lambda: self.kubectl(*account, status=None).returncode == 0)

    def command_lines(self) -> str:
        """Those of all processes that can be seen."""
        return self.sandkube.run(["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"], status=None).stdout

    def phase(self, pod: str, phase: str) -> None:
        """Wait until a pod is in a phase."""
        self.wait(f"pod/{pod}", f"jsonpath={{.status.phase}}={phase}")


def skip_where_none_can_be(sandkube: Sandkube) -> None:
    """Skip the test, with the reason, where this system lets nobody have what pods need."""
    done = sandkube.run([*sandkube.python, "-m", "sandkube.runtime.host"])
    if refused := json.loads(done.stdout)["refused"]:
        pytest.skip(refused)


@contextlib.contextmanager
def at(place: str, folder: Path) -> Iterator[Sandkube]:
    """A sandkube at a place; the test is skipped where that, or a node there, cannot be had."""
    with _at(place, folder) as made:
        skip_where_none_can_be(made)
        yield made


@contextlib.contextmanager
def _at(place: str, folder: Path) -> Iterator[Sandkube]:
    if place == "native":
        folder.chmod(0o755)
        yield Sandkube(folder, locate(os.environ).binary)
    elif place == "native, as nobody":
        if os.geteuid() != 0:
            pytest.skip("it is done as another user, which needs root")
        python, path = python_of_all()
        server = reachable(locate(os.environ).binary, folder)
        yield Sandkube(folder, server, python, user=NOBODY, environ={"PYTHONPATH": path})
    else:
        try:
            runsc = find_runsc()
        except CannotRunError as error:
            pytest.skip(str(error))
        user = 1000 if os.geteuid() == 0 else 0
        where = Place(0, "tmpfs") if place.endswith("root") else Place(user, "home", network="none")
        with entered_or_skipped(runsc, where) as inside:
            yield inside


@contextlib.contextmanager
def with_node(place: str, folder: Path) -> Iterator[Node]:
    """A cluster with a node at a place, in which pods can be made; skipped where that cannot be had."""
    with at(place, folder) as sandkube:
        sandkube("up", "--node")
        made = Node(sandkube)
        made.await_account("default")
        yield made
        sandkube("delete")


def places(*chosen: int) -> pytest.MarkDecorator:
    """Have a module's node at these of the places; at all of them in the longer form, SANDKUBE_LONG=1."""
    wanted = PLACES if LONG else [PLACES[number] for number in chosen]
    return pytest.mark.parametrize("node", wanted, indirect=True, scope="module")


@pytest.fixture(scope="module")
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """One for the tests of a module, at the places that it names."""
    folder = tmp_path_factory.mktemp("node")
    for above in (folder, *folder.parents[:3]):
        with contextlib.suppress(PermissionError):
            above.chmod(above.stat().st_mode | 0o055)
    if request.param == "native, as nobody":
        os.chown(folder, NOBODY, NOBODY) if os.geteuid() == 0 else None
    with with_node(request.param, folder) as made:
        yield made


def pod(name: str, *command: str, **spec: Any) -> dict[str, Any]:
    """A pod of one container, which ends at once when it is asked to."""
    container = {"name": "main", "image": "none", "command": list(command), **spec.pop("container", {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [container], **spec},
    }
