"""What can be asked of a cluster, how it is kept in ``cluster.json``, and where sandkube keeps things.

A :class:`Request` is what one command asks for; what it leaves open stays as it was. A :class:`ClusterSpec`
is the whole answer: it is what ``cluster.json`` holds.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

from sandkube.errors import StateCorrupt, StateUnusable, UsageError

# Names sandkube's own audit policy, where the path of another could stand.
OWN_POLICY: Final = "own"

DEFAULT_NAME: Final = "default"

# The environment that sandkube reads by itself; each option of the command line has a variable besides.
ENV_CLUSTER: Final = "SANDKUBE_CLUSTER"
ENV_SERVER: Final = "SANDKUBE_SERVER"
ENV_STATE_DIR: Final = "SANDKUBE_STATE_DIR"
ENV_CACHE_DIR: Final = "SANDKUBE_CACHE_DIR"
ENV_K3S: Final = "SANDKUBE_K3S"
# k3s' own name for its data folder.
ENV_K3S_DATA_DIR: Final = "K3S_DATA_DIR"

# Ready comes within two seconds on an idle machine; a busy one, or a cold start in a sandbox, may take many
# times that.
DEFAULT_WAIT: Final = 60.0

Durability = Literal["fast", "normal", "full"]
DURABILITIES: Final[tuple[Durability, ...]] = get_args(Durability)
DISTRIBUTIONS: Final = ("embedded", "k3s")
# How the look-up of a CNI plugin that k3s makes at its start is met: with a plugin, or by needing none.
Cni = Literal["host-local", "none"]
CNIS: Final[tuple[Cni, ...]] = get_args(Cni)

_SPEC_VERSION: Final = 1
_MAY_BE_NULL: Final = ("k3s", "data_dir", "audit_policy")
_MAX_PORT: Final = 65535
_DNS_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Request:
    """What one `up` asks for; None leaves a setting as the cluster has it, or at its default.

    ``port`` 0 takes back the port that was asked for before: any free one will do again. So does "" for
    ``k3s`` and ``audit_policy``.
    """

    distribution: str | None = None
    port: int | None = None
    durability: Durability | None = None
    api_server_args: tuple[str, ...] | None = None
    controller_manager_args: tuple[str, ...] | None = None
    scheduler_args: tuple[str, ...] | None = None
    encrypt_secrets: bool | None = None
    audit_policy: str | None = None
    node: bool | None = None
    k3s: str | None = None
    k3s_args: tuple[str, ...] | None = None
    cni: Cni | None = None


NOTHING_ASKED: Final = Request()


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """How a cluster is served. ``port`` is the port asked for, ``last_port`` the one it got last.

    ``audit_policy`` is the path of a policy, or :data:`OWN_POLICY`; None writes no audit log. ``node`` has
    a process node beside the server.
    Of a k3s cluster alone: ``k3s`` is the binary asked for, ``data_dir`` its data folder where that is not in
    the cluster's own.
    """

    name: str
    distribution: str = "embedded"
    port: int | None = None
    last_port: int | None = None
    durability: Durability = "normal"
    api_server_args: tuple[str, ...] = ()
    controller_manager_args: tuple[str, ...] = ()
    scheduler_args: tuple[str, ...] = ()
    encrypt_secrets: bool = False
    audit_policy: str | None = None
    node: bool = False
    k3s: str | None = None
    k3s_args: tuple[str, ...] = ()
    cni: Cni = "host-local"
    data_dir: str | None = None

    def asked(self, request: Request) -> ClusterSpec:
        """This spec with what ``request`` asks for; UsageError for what makes no sense."""
        given = {f.name: getattr(request, f.name) for f in fields(request)}
        asked = {key: value for key, value in given.items() if value is not None}
        if asked.get("port") == 0:
            asked["port"] = None
        for key in ("k3s", "audit_policy"):
            if asked.get(key) == "":
                asked[key] = None
        return _checked(replace(self, **asked))

    def differences(self, other: ClusterSpec) -> list[str]:
        """The settings in which ``other`` differs, each as words: ``durability full (now normal)``."""
        found = []
        for f in fields(Request):
            mine, theirs = getattr(self, f.name), getattr(other, f.name)
            if f.name == "port":  # a port that was given out is as good as one that was asked for
                mine = mine or self.last_port
                theirs = theirs or other.last_port
            if mine != theirs:
                found.append(f"{f.name.replace('_', ' ')} {_words(theirs)} (now {_words(mine)})")
        return found


def from_everywhere(path: str | os.PathLike[str] | None, *words: str) -> str | None:
    """``path`` as it is known from everywhere; None, "" and ``words``, which are no paths, stay."""
    if path is None or path in ("", *words):
        return None if path is None else str(path)
    return str(Path(path).absolute())


def check_name(name: str) -> str:
    """Give ``name``, if a cluster may be called so: a DNS label, since it goes into a kubeconfig."""
    if _DNS_LABEL.fullmatch(name):
        return name
    raise UsageError(
        f"`{name}` cannot be the name of a cluster.",
        hint="up to 63 lower-case letters, digits and `-`, beginning and ending with a letter or digit",
    )


def to_json(spec: ClusterSpec) -> dict[str, Any]:
    """``spec`` as the document that ``cluster.json`` holds."""
    return {"version": _SPEC_VERSION, **asdict(spec)}


def from_json(document: Mapping[str, Any], path: Path) -> ClusterSpec:
    """The spec in ``document``; StateCorrupt names ``path``, the key and the remedy."""
    version = document.get("version")
    if version != _SPEC_VERSION:
        raise _corrupt(path, f"`version` is {version!r}; this sandkube understands {_SPEC_VERSION}")
    known = {f.name for f in fields(ClusterSpec)}
    for key in document:
        if key != "version" and key not in known:
            raise _corrupt(path, f"the key `{key}` is unknown")
    try:
        return _checked(
            ClusterSpec(**{key: _read(key, value) for key, value in document.items() if key != "version"})
        )
    except (TypeError, ValueError, UsageError) as error:
        raise _corrupt(path, str(error)) from error


def state_dir(environ: Mapping[str, str] | None = None) -> Path:
    """The folder of everything that must last: clusters and crash reports. Absolute; not made here.

    StateUnusable where a kubeconfig in it could not be named: KUBECONFIG is a list, of paths between `:`.
    And where another user could put a folder of theirs in its place.
    """
    path = _user_dir(os.environ if environ is None else environ, ENV_STATE_DIR, "user_state_path")
    if os.pathsep in str(path):
        raise StateUnusable(
            f"The path of the state folder, {path}, has a `{os.pathsep}` in it, at which KUBECONFIG is cut.",
            hint=f"name another folder: export {ENV_STATE_DIR}=/some/folder",
        )
    return path


def cache_dir(environ: Mapping[str, str] | None = None) -> Path:
    """The folder of what can be made again: server and k3s binaries. Absolute; not made here.

    StateUnusable where another user could put a folder of theirs in its place.
    """
    return _user_dir(os.environ if environ is None else environ, ENV_CACHE_DIR, "user_cache_path")


def _user_dir(environ: Mapping[str, str], variable: str, kind: str) -> Path:
    path = _named_or_usual(environ, variable, kind)
    _check_way(path, variable)
    return path


def _check_way(path: Path, variable: str) -> None:
    """StateUnusable where a part of ``path`` is another user's and lies in a folder for all, such as /tmp.

    They can put something else in its place at any moment. (Of a symlink, Linux' fs.protected_symlinks says
    so too, where it is set.)
    """
    for_all = False
    for part in (*reversed(path.parents), path):
        try:
            found = part.lstat()
        except OSError:  # it is not there yet, or cannot be seen: who uses it says so
            return
        if for_all and found.st_uid not in (0, os.getuid()):
            raise StateUnusable(
                f"{part} belongs to the user with the number {found.st_uid}, and lies where all can write: "
                "they could put something else in its place.",
                hint=f"name another folder: export {variable}=/some/folder",
            )
        if stat.S_ISLNK(found.st_mode):
            try:
                found = part.stat()
            except OSError:  # it leads nowhere
                return
            _check_way(part.parent / part.readlink(), variable)
        for_all = bool(found.st_mode & stat.S_IWOTH)


def _named_or_usual(environ: Mapping[str, str], variable: str, kind: str) -> Path:
    if asked := environ.get(variable):
        return Path(asked).absolute()
    import platformdirs

    try:
        path = cast(Path, getattr(platformdirs, kind)("sandkube", appauthor=False))
    except RuntimeError:  # newer releases say so
        path = Path()
    if not path.is_absolute():  # neither HOME nor an entry in the user database
        raise StateUnusable(
            "This user has no home folder, so there is no place for sandkube's files.",
            hint=f"name a folder: export {variable}=/some/folder",
        )
    return path


def _checked(spec: ClusterSpec) -> ClusterSpec:
    check_name(spec.name)
    for key, value, choices in (
        ("durability", spec.durability, DURABILITIES),
        ("cni", spec.cni, CNIS),
        ("distribution", spec.distribution, DISTRIBUTIONS),
    ):
        if value not in choices:
            raise UsageError(f"`{key}` is {', '.join(choices[:-1])} or {choices[-1]}, not `{value}`.")
    for key, port in (("port", spec.port), ("last_port", spec.last_port)):
        if port is not None and not 1 <= port <= _MAX_PORT:
            raise UsageError(f"`{key}` must be between 1 and 65535, not {port}.")
    return spec


def _read(key: str, value: Any) -> Any:
    """The value of one key of cluster.json as the field's type; ValueError where it has another."""
    if key.endswith("_args"):
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError(f"`{key}` must be a list of texts")
        return tuple(value)
    if key.endswith("port"):
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise ValueError(f"`{key}` must be a number or null")
    elif key in ("encrypt_secrets", "node"):
        if not isinstance(value, bool):
            raise ValueError(f"`{key}` must be true or false")
    elif not (isinstance(value, str) or (value is None and key in _MAY_BE_NULL)):
        raise ValueError(f"`{key}` must be a text")
    return value


def _corrupt(path: Path, reason: str) -> StateCorrupt:
    name = path.parent.name
    return StateCorrupt(
        f"{path} cannot be understood: {reason.rstrip('.')}.",
        hint=f"mend the file, or remove the cluster with all its objects: sandkube delete {name}",
    )


def _words(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(value) or "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    return "any" if value is None else str(value)
