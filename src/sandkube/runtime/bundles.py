"""From what the kubelet asks for, and what the image says, to what a holder is given."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sandkube.runtime import kernel
from sandkube.runtime.errors import CallError, Code
from sandkube.runtime.files import inside
from sandkube.runtime.found import Host
from sandkube.runtime.images import names
from sandkube.runtime.sandboxes import Sandbox

_MOST_PROCESSES: Final = 4096  # of a container
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What Docker and containerd leave a container.
DEFAULT_CAPABILITIES: Final = (
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "NET_BIND_SERVICE",
    "NET_RAW", "SYS_CHROOT", "MKNOD", "AUDIT_WRITE", "SETFCAP",
)  # fmt: skip


@dataclass(frozen=True)
class Image:
    """What a container is made of. ``root`` is None for the host's own files.

    ``config`` is the image's, as the OCI has it (`Entrypoint`, `Cmd`, `Env`, `WorkingDir`, `User`).
    """

    reference: str
    root: Path | None = None
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Node:
    """What all containers of a node share.

    ``hidden`` are folders that no container sees, ``strict`` the folder in which pods themselves make what is
    mounted, ``environment`` goes before what the kubelet says.
    """

    host: Host
    hidden: Sequence[str]
    strict: str
    environment: Mapping[str, str]


def make(config: Mapping[str, Any], sandbox: Sandbox, image: Image, node: Node) -> dict[str, Any]:
    """The bundle. CallError for what cannot be done here."""
    linux = config.get("linux") or {}
    security = linux.get("security_context") or {}
    arguments = _arguments(config, image)
    user, group, groups = _user(security, image)
    if node.host.refused is not None:
        raise CallError(Code.FAILED_PRECONDITION, node.host.refused)
    maps = None
    if node.host.users:
        maps = [f"{user or 0} {os.geteuid()} 1", f"{group or 0} {os.getegid()} 1"]
    mode = node.host.own_root if image.root is None else node.host.image
    log = Path(sandbox.config.get("log_directory", ""), config.get("log_path", ""))
    return {
        "arguments": arguments,
        "environment": _environment(config, sandbox, image, node),
        "folder": config.get("working_dir") or image.config.get("WorkingDir") or "/",
        "hostname": sandbox.config.get("hostname") or "localhost",
        "files": mode,
        "image": None if image.root is None else str(image.root),
        "mounts": [*_mounts(config, node), _mount(str(sandbox.resolv_conf), "/etc/resolv.conf")],
        "hidden": list(node.hidden),
        "read_only": bool(security.get("readonly_rootfs")),
        "maps": maps,
        "own_pids": node.host.own_pids and _own_pids(security),
        "log": str(log) if config.get("log_path") else None,
        "tty": bool(config.get("tty")),
        "stdin": bool(config.get("stdin")),
        "stdin_once": bool(config.get("stdin_once")),
        "user": user,
        "group": group,
        "groups": groups,
        "capabilities": _capabilities(security),
        "no_new_privileges": bool(security.get("no_new_privs")),
        # Processes of a user namespace are counted by itself; the host's root has no such limit.
        "limits": {"NPROC": _MOST_PROCESSES} if node.host.users else {},
        "memory": _memory(config),
    }


def warnings(config: Mapping[str, Any], image: Image, node: Node) -> list[dict[str, str]]:
    """What the container asks for and does not get here, each with ``reason`` and ``message`` of an event."""
    linux = config.get("linux") or {}
    security, resources = linux.get("security_context") or {}, linux.get("resources") or {}
    found = []
    if image.root is None:
        name = names.short(image.reference.partition(":")[2])
        found.append(
            _warning(
                "HostFiles",
                f"No image `{name}` is here, so the command runs on this host's own files. "
                f"sandkube image load {name} PATH gives it the image.",
            )
        )
    if int(resources.get("cpu_quota", 0)) > 0:
        found.append(
            _warning("LimitNotEnforced", "There are no cgroups here: the CPU limit is not enforced.")
        )
    if node.host.users and security.get("supplemental_groups"):
        found.append(
            _warning(
                "GroupsNotGiven",
                "This node's user has one group: fsGroup and supplementalGroups are not given.",
            )
        )
    if security.get("privileged"):
        found.append(
            _warning(
                "NotPrivileged", "A privileged container has no rights here that the node's user has not."
            )
        )
    return found


def _warning(reason: str, message: str) -> dict[str, str]:
    return {"reason": reason, "message": message}


def _memory(config: Mapping[str, Any]) -> int | None:
    """Bytes that the container may have in memory; None for as many as it likes."""
    resources = (config.get("linux") or {}).get("resources") or {}
    return int(resources.get("memory_limit_in_bytes", 0)) or None


def _arguments(config: Mapping[str, Any], image: Image) -> list[str]:
    """As Kubernetes has it: `command` takes the place of the entrypoint and of what is given to it."""
    command, given = config.get("command", []), config.get("args", [])
    if command:
        return [*command, *given]
    found = [*(image.config.get("Entrypoint") or ()), *(given or image.config.get("Cmd") or ())]
    if not found:
        raise CallError(
            Code.INVALID_ARGUMENT,
            f"nothing here provides the image {image.reference}, so it brings no command, and the container "
            "names none: give it a `command`, or an image (sandkube image load NAME PATH)",
        )
    return found


def _environment(config: Mapping[str, Any], sandbox: Sandbox, image: Image, node: Node) -> dict[str, str]:
    found = {"PATH": _PATH if image.root is not None else os.environ.get("PATH", _PATH), "HOME": "/root"}
    found["HOSTNAME"] = sandbox.config.get("hostname", "")
    if config.get("tty"):
        found["TERM"] = "xterm"
    for line in image.config.get("Env") or ():
        name, _, value = line.partition("=")
        found[name] = value
    for one in config.get("envs", ()):
        found[str(one["key"])] = base64.b64decode(one.get("value", "")).decode(errors="surrogateescape")
    return {**found, **node.environment}


def _mounts(config: Mapping[str, Any], node: Node) -> list[dict[str, Any]]:
    found = []
    for one in config.get("mounts", ()):
        source = one.get("host_path", "")
        strict = source.startswith(f"{node.strict}/")
        found.append(
            _mount(source, one["container_path"], read_only=bool(one.get("readonly")), strict=strict)
        )
    return found


def _mount(source: str, target: str, *, read_only: bool = False, strict: bool = False) -> dict[str, Any]:
    return {"source": source, "target": target, "read_only": read_only, "strict": strict}


def _own_pids(security: Mapping[str, Any]) -> bool:
    """A pod whose containers see one another's processes, or the node's, sees the node's."""
    options = security.get("namespace_options") or {}
    return options.get("pid") == "CONTAINER"


def _capabilities(security: Mapping[str, Any]) -> list[str]:
    if security.get("privileged"):
        return list(kernel.CAPABILITIES)
    asked = security.get("capabilities") or {}
    added = [_capability(name) for name in asked.get("add_capabilities", ())]
    dropped = [_capability(name) for name in asked.get("drop_capabilities", ())]
    found = set() if "ALL" in dropped else set(DEFAULT_CAPABILITIES) - set(dropped)
    found |= set(kernel.CAPABILITIES) if "ALL" in added else set(added) & set(kernel.CAPABILITIES)
    return [name for name in kernel.CAPABILITIES if name in found]


def _capability(name: str) -> str:
    return name.upper().removeprefix("CAP_")


def _user(security: Mapping[str, Any], image: Image) -> tuple[int | None, int | None, list[int]]:
    """User, group and further groups: the pod's word before the image's; None is who runs the node."""
    user = _number(security.get("run_as_user"))
    group = _number(security.get("run_as_group"))
    name = security.get("run_as_username")
    if user is None:
        said = str(name or image.config.get("User") or "")
        user, of_image = _of_image(said, image)
        group = group if group is not None else of_image
    return user, group, [int(one) for one in security.get("supplemental_groups", ())]


def _number(value: Mapping[str, Any] | None) -> int | None:
    return None if value is None else int(value.get("value", 0))


def _of_image(said: str, image: Image) -> tuple[int | None, int | None]:
    """``USER``, ``USER:GROUP``, by name or number, as the image's own files know them."""
    user, _, group = said.partition(":")
    if not user or image.root is None:
        return (int(user) if user.isdigit() else None), (int(group) if group.isdigit() else None)
    uid, gid = _entry(image.root, "passwd", user)
    if uid is None:
        raise CallError(Code.INVALID_ARGUMENT, f"the image {image.reference} knows no user `{user}`")
    if group:
        gid, _ = _entry(image.root, "group", group)
        if gid is None:
            raise CallError(Code.INVALID_ARGUMENT, f"the image {image.reference} knows no group `{group}`")
    return uid, gid


def _entry(root: Path, name: str, wanted: str) -> tuple[int | None, int | None]:
    """The two numbers of an entry in /etc/passwd or /etc/group; a number needs no entry."""
    try:
        text = Path(inside(str(root), f"/etc/{name}")).read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    for line in text.splitlines():
        fields = [*line.split(":"), "", "", ""]
        if wanted in (fields[0], fields[2]) and fields[2].isdigit():
            return int(fields[2]), int(fields[3]) if fields[3].isdigit() else None
    return (int(wanted), None) if wanted.isdigit() else (None, None)
