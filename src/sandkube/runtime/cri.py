"""The calls of the Container Runtime Interface (`k8s.io/cri-api`, runtime v1), each a method.

Requests and answers are protobuf's JSON with the fields' own names: what is not there has its default,
64-bit numbers are texts.
"""

from __future__ import annotations

import base64
import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from sandkube.runtime import bundles
from sandkube.runtime.bundles import Image, Node
from sandkube.runtime.containers import Container, Containers, State
from sandkube.runtime.errors import CallError, Code
from sandkube.runtime.images.catalogue import Catalogue
from sandkube.runtime.sandboxes import READY, Sandbox, Sandboxes
from sandkube.runtime.service import Method
from sandkube.runtime.wire import Wire

NAME: Final = "sandkube"
API_VERSION: Final = "v1"
_MOST_OUTPUT: Final = 16 << 20  # bytes that a probe's command may print; containerd's

Request = dict[str, Any]
Response = dict[str, Any]


class Cri:
    """The runtime and image services of one node."""

    def __init__(
        self, *, containers: Containers, sandboxes: Sandboxes, images: Catalogue, node: Node, zygote: Wire,
        life: int | None, version: str,
    ) -> None:  # fmt: skip
        self._containers, self._sandboxes, self._images = containers, sandboxes, images
        self._node, self._zygote, self._life, self._version = node, zygote, life, version
        self._forking = threading.Lock()

    def methods(self) -> dict[str, Method]:
        """Every call, by its name."""
        return {
            "Version": self.version,
            "Status": self.status,
            "RuntimeConfig": lambda _: {"linux": {"cgroup_driver": "CGROUPFS"}},
            "UpdateRuntimeConfig": lambda _: {},
            "RunPodSandbox": self.run_pod_sandbox,
            "StopPodSandbox": self.stop_pod_sandbox,
            "RemovePodSandbox": self.remove_pod_sandbox,
            "PodSandboxStatus": self.pod_sandbox_status,
            "ListPodSandbox": self.list_pod_sandbox,
            "CreateContainer": self.create_container,
            "StartContainer": self.start_container,
            "StopContainer": self.stop_container,
            "RemoveContainer": self.remove_container,
            "ListContainers": self.list_containers,
            "ContainerStatus": self.container_status,
            "UpdateContainerResources": lambda _: {},
            "UpdatePodSandboxResources": lambda _: {},
            "ReopenContainerLog": self.reopen_container_log,
            "ExecSync": self.exec_sync,
            "GetContainerEvents": self.get_container_events,
            "ContainerStats": self.container_stats,
            "ListContainerStats": self.list_container_stats,
            "PodSandboxStats": self.pod_sandbox_stats,
            "ListPodSandboxStats": self.list_pod_sandbox_stats,
            "ListMetricDescriptors": lambda _: {},
            "ListPodSandboxMetrics": lambda _: {},
            "ListImages": self.list_images,
            "ImageStatus": self.image_status,
            "PullImage": self.pull_image,
            "RemoveImage": self.remove_image,
            "ImageFsInfo": self.image_fs_info,
            # not of the CRI: what the streaming server asks, which is the server binary's
            "ControlSocket": self.control_socket,
            "PodAddress": self.pod_address,
        }

    def version(self, _: Request) -> Response:
        """Version."""
        return {
            "version": "0.1.0",  # of the kubelet's side, as all runtimes say
            "runtime_name": NAME,
            "runtime_version": self._version,
            "runtime_api_version": API_VERSION,
        }

    def status(self, _: Request) -> Response:
        """Status: not ready where the host lets nobody have containers, with the reason."""
        refused = self._node.host.refused
        runtime: dict[str, Any] = {"type": "RuntimeReady", "status": refused is None}
        if refused is not None:
            runtime |= {"reason": "NoContainersHere", "message": refused}
        return {"status": {"conditions": [runtime, {"type": "NetworkReady", "status": True}]}}

    # -- sandboxes

    def run_pod_sandbox(self, request: Request) -> Response:
        """RunPodSandbox."""
        config = request.get("config") or {}
        if directory := config.get("log_directory"):
            Path(directory).mkdir(parents=True, exist_ok=True)
        return {"pod_sandbox_id": self._sandboxes.make(config).id}

    def stop_pod_sandbox(self, request: Request) -> Response:
        """StopPodSandbox; fine where there is none."""
        found = self._sandboxes.find(request["pod_sandbox_id"])
        if found is not None:
            _all_at_once(lambda one: one.stop(0), self._containers.of(found.id))
            found.end()
        return {}

    def remove_pod_sandbox(self, request: Request) -> Response:
        """RemovePodSandbox, with its containers; fine where there is none."""
        name = request["pod_sandbox_id"]
        _all_at_once(lambda one: self._containers.remove(one.id), self._containers.of(name))
        self._sandboxes.remove(name)
        return {}

    def pod_sandbox_status(self, request: Request) -> Response:
        """PodSandboxStatus."""
        return {"status": _sandbox_status(self._sandboxes.get(request["pod_sandbox_id"]))}

    def list_pod_sandbox(self, request: Request) -> Response:
        """ListPodSandbox."""
        asked = request.get("filter") or {}
        state = _asked_state(asked, "SANDBOX_READY")
        found = [
            _sandbox(one)
            for one in self._sandboxes
            if one.id.startswith(asked.get("id", ""))
            and state in (None, one.state)
            and _has_labels(one.config, asked)
        ]
        return {"items": found}

    # -- containers

    def create_container(self, request: Request) -> Response:
        """CreateContainer. What cannot be run for what it says is refused here."""
        sandbox = self._sandboxes.get(request["pod_sandbox_id"])
        config = request["config"]
        image = self._image(config)
        bundles.make(config, sandbox, image, self._node)
        stop_signal = image.config.get("StopSignal")
        made = self._containers.make(sandbox.id, config, image.reference, stop_signal)
        # The CRI has no warnings: the server binary makes events of them.
        return {"container_id": made.id, "warnings": bundles.warnings(config, image, self._node)}

    def _image(self, config: Mapping[str, Any]) -> Image:
        spec = config.get("image") or {}
        return self._images.of(spec.get("user_specified_image") or spec.get("image", ""))

    def start_container(self, request: Request) -> Response:
        """StartContainer."""
        found = self._containers.get(request["container_id"])
        try:
            sandbox = self._sandboxes.get(found.sandbox)
            bundle = bundles.make(found.config, sandbox, self._image(found.config), self._node)
        except CallError as error:
            found.fail(str(error))
            raise
        with self._forking:
            found.start(bundle, self._zygote, self._life)
        return {}

    def stop_container(self, request: Request) -> Response:
        """StopContainer; fine where there is none."""
        with contextlib.suppress(CallError):
            self._containers.get(request["container_id"]).stop(float(request.get("timeout", 0)))
        return {}

    def remove_container(self, request: Request) -> Response:
        """RemoveContainer; fine where there is none."""
        self._containers.remove(request["container_id"])
        return {}

    def list_containers(self, request: Request) -> Response:
        """ListContainers."""
        return {"containers": [_container(one) for one in self._asked_containers(request)]}

    def _asked_containers(self, request: Request) -> list[Container]:
        asked = request.get("filter") or {}
        state = _asked_state(asked, "CONTAINER_CREATED")
        return [
            one
            for one in self._containers
            if one.id.startswith(asked.get("id", ""))
            and asked.get("pod_sandbox_id", one.sandbox) == one.sandbox
            and state in (None, one.state.value)
            and _has_labels(one.config, asked)
        ]

    def container_status(self, request: Request) -> Response:
        """ContainerStatus."""
        return {"status": _container_status(self._containers.get(request["container_id"]), self._sandboxes)}

    def reopen_container_log(self, request: Request) -> Response:
        """ReopenContainerLog."""
        self._containers.get(request["container_id"]).ask(do="reopen")
        return {}

    def exec_sync(self, request: Request) -> Response:
        """ExecSync: run a command in a container to its end, or for so many seconds."""
        found = self._containers.get(request["container_id"])
        seconds = float(request.get("timeout", 0)) or None
        out, err, code = _executed(found, request["cmd"], seconds)
        return {
            "stdout": base64.b64encode(out).decode(),
            "stderr": base64.b64encode(err).decode(),
            "exit_code": code,
        }

    def get_container_events(self, _: Request) -> Iterator[Response]:
        """GetContainerEvents: each as it happens, with how its pod is then."""
        for container, what in self._containers.feed.follow():
            sandbox = self._sandboxes.find(container.sandbox)
            yield {
                "container_id": container.id,
                "container_event_type": what.value,
                "created_at": str(time.time_ns()),
                **({} if sandbox is None else {"pod_sandbox_status": _sandbox_status(sandbox)}),
                "containers_statuses": [
                    _container_status(one, self._sandboxes) for one in self._containers.of(container.sandbox)
                ],
            }

    def control_socket(self, request: Request) -> Response:
        """Where the holder of a container answers."""
        found = self._containers.get(request["container_id"])
        found.control().close()
        return {"path": str(found.folder / "control.sock"), "tty": bool(found.config.get("tty"))}

    def pod_address(self, request: Request) -> Response:
        """Where a pod's ports are."""
        return {"address": self._sandboxes.get(request["pod_sandbox_id"]).address}

    # -- statistics

    def container_stats(self, request: Request) -> Response:
        """ContainerStats."""
        return {"stats": _stats(self._containers.get(request["container_id"]))}

    def list_container_stats(self, request: Request) -> Response:
        """ListContainerStats."""
        running = [one for one in self._asked_containers(request) if one.state is State.RUNNING]
        return {"stats": [_stats(one) for one in running]}

    def pod_sandbox_stats(self, request: Request) -> Response:
        """PodSandboxStats."""
        return {"stats": self._pod_stats(self._sandboxes.get(request["pod_sandbox_id"]))}

    def list_pod_sandbox_stats(self, request: Request) -> Response:
        """ListPodSandboxStats."""
        asked = request.get("filter") or {}
        found = [
            one for one in self._sandboxes if one.id.startswith(asked.get("id", "")) and one.state == READY
        ]
        return {"stats": [self._pod_stats(one) for one in found if _has_labels(one.config, asked)]}

    def _pod_stats(self, sandbox: Sandbox) -> dict[str, Any]:
        running = [one for one in self._containers.of(sandbox.id) if one.state is State.RUNNING]
        usages = [_usage(one) for one in running]
        now = str(time.time_ns())
        total = {key: sum(one[key] for one in usages) for key in ("cpu", "memory", "processes")}
        return {
            "attributes": {"id": sandbox.id, **_named(sandbox.config)},
            "linux": {
                **_measured(total, now),
                "process": {"timestamp": now, "process_count": {"value": str(total["processes"])}},
                "containers": [
                    {"attributes": _attributes(one), **_measured(usage, now)}
                    for one, usage in zip(running, usages, strict=True)
                ],
            },
        }

    # -- images

    def list_images(self, request: Request) -> Response:
        """ListImages."""
        name = ((request.get("filter") or {}).get("image") or {}).get("image")
        return {
            "images": [
                one for one in self._images.documents() if name in (None, "", one["id"], *one["repo_tags"])
            ]
        }

    def image_status(self, request: Request) -> Response:
        """ImageStatus: nothing where there is no such image."""
        found = self._images.document((request.get("image") or {}).get("image", ""))
        return {"image": found} if found is not None else {}

    def pull_image(self, request: Request) -> Response:
        """PullImage: only what is here already can be had, unless pulling was allowed."""
        return {"image_ref": self._images.pull((request.get("image") or {}).get("image", ""))}

    def remove_image(self, request: Request) -> Response:
        """RemoveImage: what the user has loaded is the user's to remove, so this does nothing."""
        del request
        return {}

    def image_fs_info(self, _: Request) -> Response:
        """ImageFsInfo."""
        usage = {
            "timestamp": str(time.time_ns()),
            "fs_id": {"mountpoint": self._images.folder},
            "used_bytes": {"value": str(self._images.size())},
            "inodes_used": {"value": "0"},
        }
        return {"image_filesystems": [usage], "container_filesystems": [usage]}


def _all_at_once(work: Callable[[Container], None], containers: Iterable[Container]) -> None:
    threads = [threading.Thread(target=work, args=(one,)) for one in containers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _asked_state(asked: Mapping[str, Any], default: str) -> str | None:
    """The state in a filter: a message of its own, in which the first state is not written."""
    return None if asked.get("state") is None else asked["state"].get("state", default)


def _has_labels(config: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    labels = config.get("labels") or {}
    return all(labels.get(key) == value for key, value in (asked.get("label_selector") or {}).items())


def _named(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: config[key] for key in ("metadata", "labels", "annotations") if key in config}


def _sandbox(one: Sandbox) -> dict[str, Any]:
    return {"id": one.id, "state": one.state, "created_at": str(one.created), **_named(one.config)}


def _sandbox_status(one: Sandbox) -> dict[str, Any]:
    return {
        **_sandbox(one),
        "network": {"ip": one.address},
        "linux": {"namespaces": {"options": one.namespaces}},
    }


def _container(one: Container) -> dict[str, Any]:
    return {
        "id": one.id,
        "pod_sandbox_id": one.sandbox,
        "image": one.config.get("image") or {},
        "image_ref": one.image,
        "image_id": one.image,
        "state": one.state.value,
        "created_at": str(one.created),
        **_named(one.config),
    }


def _container_status(one: Container, sandboxes: Sandboxes) -> dict[str, Any]:
    found = _container(one)
    del found["pod_sandbox_id"]
    sandbox = sandboxes.find(one.sandbox)
    log = one.config.get("log_path", "")
    if sandbox is not None and log:
        log = str(Path(sandbox.config.get("log_directory", ""), log))
    found |= {"started_at": str(one.started), "mounts": one.config.get("mounts", []), "log_path": log}
    if one.end is not None:
        found |= {
            "finished_at": str(one.end.finished),
            "exit_code": one.end.code,
            "reason": one.end.reason,
            "message": one.end.message,
        }
    return found


def _attributes(one: Container) -> dict[str, Any]:
    return {"id": one.id, **_named(one.config)}


def _usage(one: Container) -> dict[str, int]:
    try:
        return one.ask(do="usage")
    except CallError:  # it ends just now
        return {"cpu": 0, "memory": 0, "processes": 0}


def _measured(usage: Mapping[str, int], now: str) -> dict[str, Any]:
    memory = {"value": str(usage["memory"])}
    return {
        "cpu": {"timestamp": now, "usage_core_nano_seconds": {"value": str(usage["cpu"])}},
        "memory": {"timestamp": now, "working_set_bytes": memory, "usage_bytes": memory, "rss_bytes": memory},
    }


def _stats(one: Container) -> dict[str, Any]:
    return {"attributes": _attributes(one), **_measured(_usage(one), str(time.time_ns()))}


def _executed(container: Container, command: list[str], seconds: float | None) -> tuple[bytes, bytes, int]:
    """Both outputs and the exit status. CallError where it takes longer, or cannot be executed."""
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    reading, writing = zip(os.pipe(), os.pipe(), strict=True)
    connection = container.control(None)
    printed: list[bytearray] = [bytearray(), bytearray()]
    readers = [
        threading.Thread(target=_read, args=(end, into)) for end, into in zip(reading, printed, strict=True)
    ]
    try:
        connection.send({"do": "exec", "arguments": command}, [null, *writing])
    finally:
        for file in (null, *writing):
            os.close(file)
    for reader in readers:
        reader.start()
    try:
        connection.socket.settimeout(seconds)
        answer = connection.receive()
        if answer is not None and "started" in answer:
            answer = connection.receive()
    except TimeoutError as error:
        message = f"the command took longer than {seconds:.0f} seconds"
        raise CallError(Code.DEADLINE_EXCEEDED, message) from error
    finally:
        connection.close()  # ends the command, if it still runs
        for reader in readers:
            reader.join()
    if answer is None:
        raise CallError(Code.INTERNAL, "the container ended meanwhile")
    if "error" in answer:
        raise CallError(Code.UNKNOWN, answer["error"])
    return bytes(printed[0]), bytes(printed[1]), answer["exit"]


def _read(end: int, into: bytearray) -> None:
    with os.fdopen(end, "rb", buffering=0) as file:
        while data := file.read(1 << 16):
            if len(into) < _MOST_OUTPUT:
                into += data
