"""What the API server says, asked by kubectl."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from sandkube.kube.client import YAML
from sandkube.kube.discovery import discover
from sandkube.manifests import fields
from sandkube.manifests.reading import read
from sandkube.validation.planes import Plane


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a text is taken, and what was said if it is not."""

    sound: bool
    said: str = ""


def prepared(plane: Plane, namespace: str, definitions: Sequence[bytes]) -> None:
    """Make the namespace, and the definitions that are needed; wait until they serve."""
    _namespace(plane, namespace)
    for text in definitions:
        done = _ran(plane, namespace, ["apply", "--server-side", "--force-conflicts", "-f", "-"], text)
        assert done.sound, done.said
        done = _ran(plane, namespace, ["wait", "--for=condition=Established", "-f", "-"], text)
        assert done.sound, done.said


def created(plane: Plane, namespace: str, text: bytes, older: bytes | None = None) -> Verdict:
    """The verdict of `kubectl create --validate=strict`.

    With an ``older`` text, which is created first, that of `kubectl apply --server-side` over it. kubectl
    drops a field that is there twice before it sends anything, so of text that holds one the server is asked
    directly, with the text as it is.
    """
    if _holds_twice(text):
        return _posted(plane, namespace, text)
    if older is None:
        return _ran(plane, namespace, ["create", "--validate=strict", "-f", "-"], text)
    before = _ran(plane, namespace, ["apply", "--server-side", "-f", "-"], older)
    assert before.sound, f"the older text is not taken: {before.said}"
    over = ["apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", "-"]
    return _ran(plane, namespace, over, text)


def dry_run_by_client(plane: Plane, namespace: str, text: bytes) -> Verdict:
    """The verdict of `kubectl apply --dry-run=client`, which people take for a validation."""
    return _ran(plane, namespace, ["apply", "--dry-run=client", "-f", "-"], text)


def _ran(plane: Plane, namespace: str, arguments: Sequence[str], text: bytes) -> Verdict:
    # an object that names its namespace is refused in another one
    namespace = next((one.namespace for one in read(text, "-").documents if one.namespace), namespace)
    done = subprocess.run(
        [str(plane.kubectl), "--namespace", namespace, *arguments],
        input=text,
        capture_output=True,
        env=dict(plane.environ),
        check=False,
    )
    return Verdict(done.returncode == 0, done.stderr.decode(errors="replace"))


def _namespace(plane: Plane, name: str) -> None:
    body = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    plane.client.send("POST", "/api/v1/namespaces", body=body.encode())
    path = f"/api/v1/namespaces/{quote(name)}/serviceaccounts/default"
    deadline = time.monotonic() + 60
    while plane.client.get(path) is None:
        assert time.monotonic() < deadline, f"namespace {name} has no service account"


def _holds_twice(text: bytes) -> bool:
    found = read(text, "-")
    return any(next(fields.duplicates(document.node), None) for document in found.documents)


def _posted(plane: Plane, namespace: str, text: bytes) -> Verdict:
    served = discover(plane.client)
    for document in read(text, "-").documents:
        resource = served.of(document.api_version, document.kind)
        if resource is None:
            return Verdict(False, f"no matches for kind {document.kind}")
        answer = plane.client.send(
            "POST",
            resource.path(document.namespace or namespace),
            query={"fieldValidation": "Strict"},
            body=document.text.encode(),
            content_type=YAML,
        )
        if not answer.ok:
            return Verdict(False, answer.body.decode(errors="replace"))
    return Verdict(True)
