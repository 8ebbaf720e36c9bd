"""kubectl as the tests use it: bound to a namespace, with JSON read and waiting done."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from sandkube import Cluster

T = TypeVar("T")

DATA = Path(__file__).resolve().parent.parent / "data"


def manifest(name: str) -> str:
    """The YAML in the file ``name`` of tests/data."""
    return (DATA / name).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Kubectl:
    """Runs kubectl, as in ``kubectl("get", "pods")``, in ``namespace``, if one is given."""

    cluster: Cluster
    namespace: str = ""
    options: tuple[str, ...] = ()

    def __call__(
        self, *arguments: str, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        namespace = [f"--namespace={self.namespace}"] if self.namespace else []
        command = (*namespace, *self.options, *arguments)
        return self.cluster.kubectl(*command, input=stdin, check=check, timeout=90)

    def given(self, *options: str) -> Kubectl:
        """The same with more options, such as ``--as=jane``."""
        return replace(self, options=(*self.options, *options))

    def signed_in(self, folder: Path, **user: str) -> Kubectl:
        """The same with nothing but ``user``, what a kubeconfig says of one, instead of the administrator."""
        view = self("config", "view", "--raw", "--minify", "--output=json").stdout
        config = json.loads(view) | {"users": [{"name": "only", "user": user}]}
        config["contexts"][0]["context"]["user"] = "only"
        path = folder / "only.kubeconfig"
        path.write_text(json.dumps(config), encoding="utf-8")
        return self.given(f"--kubeconfig={path}")

    def get(self, *arguments: str) -> Any:
        """The object, or the list of objects if several were asked for, as decoded JSON."""
        found = json.loads(self("get", *arguments, "--output=json").stdout)
        return found["items"] if found["kind"] == "List" else found

    def apply(self, manifest: str, *options: str) -> str:
        """Apply the YAML in ``manifest``; what kubectl printed."""
        return self("apply", "--filename=-", *options, stdin=manifest).stdout

    def wait(self, condition: str, *what: str) -> None:
        """Wait up to a minute for ``condition``, which is what ``kubectl wait --for`` takes."""
        self("wait", f"--for={condition}", *what, "--timeout=60s")

    def refused(self, *arguments: str, stdin: str | None = None) -> str:
        """Run what must fail; its standard error."""
        done = self(*arguments, stdin=stdin, check=False)
        assert done.returncode != 0, f"kubectl {' '.join(arguments)} was let through: {done.stdout}"
        return done.stderr


def until(condition: Callable[[], T], *, seconds: float = 60) -> T:
    """Ask ``condition`` again and again until its answer is true, and give that answer back."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"after {seconds} seconds it is still {answer!r}"
        time.sleep(0.05)
    return answer
