"""Kubeconfig files: writing a cluster's own, and merging it into the user's when that is asked for.

Merging follows client-go (k8s.io/client-go/tools/clientcmd): ``KUBECONFIG`` is a list, of which the first
file that exists gets new entries, and the last one where none does; an entry that is in one of the files
already is changed there; while a file is changed, ``FILE.lock`` stands beside it. The current context stays
as it is, unless it is asked for or there is none.

The file is changed as a tree of YAML nodes, not as Python values: what is not ours keeps its order and the
very text of its values (dates and numbers included). Comments are lost, as with `kubectl config`. Entries of
ours carry an extension named ``sandkube``, and nothing without it is ever replaced or removed.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandkube.config import DEFAULT_NAME
from sandkube.errors import Locked, StateCorrupt, StateUnusable, UsageError

if TYPE_CHECKING:
    import yaml

_EXTENSION = "sandkube"
_LOCK_SECONDS = 5.0
# Where each kind of entry lies, and below which key its content is.
_KINDS = {"clusters": "cluster", "contexts": "context", "users": "user"}


@dataclass(frozen=True, slots=True)
class Access:
    """How one user gets at one cluster. Certificates and key are PEM.

    ``component`` is for a component inside the server, which then goes by that name
    (server/internal/fieldmanager).
    """

    cluster: str
    server: str
    authority: bytes
    certificate: bytes
    key: bytes
    component: str | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """What merging did: the files that were written, and whether the current context is ours now."""

    files: tuple[Path, ...]
    current: bool


def context_name(cluster: str) -> str:
    """The name that a cluster's context, cluster and user have in a kubeconfig."""
    return "sandkube" if cluster == DEFAULT_NAME else f"sandkube-{cluster}"


def render(access: Access) -> str:
    """A kubeconfig for ``access`` with everything embedded, as YAML."""
    name = context_name(access.cluster)

    def data(pem: bytes) -> str:
        return base64.b64encode(pem).decode()

    provider = (
        f"\n    auth-provider: {{name: sandkube-component, config: {{component: {access.component}}}}}"
        if access.component
        else ""
    )
    # JSON texts are YAML texts, and the document never changes its shape: no library is loaded to write it.
    return f"""\
apiVersion: v1
kind: Config
current-context: {name}
clusters:
- name: {name}
  cluster:
    server: {json.dumps(access.server)}
    certificate-authority-data: {data(access.authority)}
    extensions:
    - name: {_EXTENSION}
      extension: {{cluster: {json.dumps(access.cluster)}}}
contexts:
- name: {name}
  context:
    cluster: {name}
    user: {name}
    extensions:
    - name: {_EXTENSION}
      extension: {{cluster: {json.dumps(access.cluster)}}}
users:
- name: {name}
  user:
    client-certificate-data: {data(access.certificate)}
    client-key-data: {data(access.key)}{provider}
    extensions:
    - name: {_EXTENSION}
      extension: {{cluster: {json.dumps(access.cluster)}}}
"""


def user_files(environ: Mapping[str, str], own: Path) -> list[Path]:
    """The user's kubeconfig files, in the order they are read.

    Files below ``own``, where sandkube keeps its own, are not among them: `sandkube env` puts one into
    KUBECONFIG. Nor is /dev/null, by which people say that they have none.
    """
    listed = [Path(part).absolute() for part in environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    theirs = [path for path in dict.fromkeys(listed) if own not in path.parents and path != Path(os.devnull)]
    if theirs:
        return theirs
    try:
        return [Path("~/.kube/config").expanduser()]
    except RuntimeError as error:
        raise StateUnusable(
            "This user has no home folder.", hint="name a file: export KUBECONFIG=/some/file"
        ) from error


def merge(text: str, files: Sequence[Path], *, use: bool = False) -> Merged:
    """Put the entries of the kubeconfig ``text``, which :func:`render` made, into the user's ``files``.

    ``use`` makes its context the current one. UsageError where an entry of that name is somebody else's;
    StateCorrupt for a file that cannot be read; Locked where another program changes one of them.
    """
    own = _parse(text, Path("the cluster's kubeconfig"))
    with _locked(files):
        trees = {path: tree for path in files if (tree := _load(path)) is not None}
        target = next((path for path in files if path in trees), files[-1])
        changed = {_put(kind, entry, trees, target) for kind in _KINDS for entry in _entries(own, kind)}
        name = _scalar(own, "current-context")
        current = next(
            (c for path in files if path in trees and (c := _scalar(trees[path], "current-context"))), ""
        )
        if use or not current:
            _set_scalar(trees[target], "current-context", name)
            changed.add(target)
            current = name
        for path in changed:
            _save(path, trees[path])
    return Merged(tuple(path for path in files if path in changed), current == name)


def unmerge(cluster: str, files: Sequence[Path]) -> list[Path]:
    """Remove the entries of ``cluster`` that are ours, and the current context if it is one of them.

    Gives the files that were changed.
    """
    name = context_name(cluster)
    written = []
    present = [path for path in files if os.path.exists(path)]  # noqa: PTH110 -- raises nothing
    with _locked(present):
        for path in present:
            tree = _load(path)
            if tree is None:
                continue
            removed = [kind for kind in _KINDS if _remove(tree, kind, name)]
            if not removed:
                continue
            if "contexts" in removed and _scalar(tree, "current-context") == name:
                _set_scalar(tree, "current-context", "")
            _save(path, tree)
            written.append(path)
    return written


def merged_into(cluster: str, files: Sequence[Path]) -> list[Path]:
    """The files that hold entries of ours for ``cluster``; one that cannot be read holds none."""
    name = context_name(cluster)
    found = []
    for path in files:
        # Most users never merge: a file that does not even hold the name is not parsed.
        with contextlib.suppress(StateCorrupt, StateUnusable):
            text = _read(path)
            if text is not None and name in text and _has_ours(_parse(text, path), name):
                found.append(path)
    return found


# --- the tree


def _parse(text: str, path: Path) -> yaml.MappingNode:
    import yaml

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise StateCorrupt(
            f"{path} is no YAML that can be understood: {' '.join(str(error).split())}.",
            hint="mend the file, and try again; it was left as it is",
        ) from error
    if node is None:
        return yaml.MappingNode("tag:yaml.org,2002:map", [])
    if not isinstance(node, yaml.MappingNode):
        raise StateCorrupt(f"{path} is no kubeconfig: it holds no mapping.", hint="it was left as it is")
    return node


def _value(tree: yaml.MappingNode, key: str) -> yaml.Node | None:
    return next((value for name, value in tree.value if name.value == key), None)


def _scalar(tree: yaml.MappingNode, key: str) -> str:
    import yaml

    value = _value(tree, key)
    return str(value.value) if isinstance(value, yaml.ScalarNode) and not value.tag.endswith(":null") else ""


def _set(tree: yaml.MappingNode, key: str, node: yaml.Node) -> None:
    for index, (name, _) in enumerate(tree.value):
        if name.value == key:
            tree.value[index] = (name, node)
            return
    tree.value.append((_text(key), node))


def _set_scalar(tree: yaml.MappingNode, key: str, value: str) -> None:
    _set(tree, key, _text(value))


def _text(value: str) -> yaml.ScalarNode:
    import yaml

    return yaml.ScalarNode("tag:yaml.org,2002:str", value, style=None if value else '"')


def _entries(tree: yaml.MappingNode, kind: str) -> list[yaml.MappingNode]:
    import yaml

    value = _value(tree, kind)
    if not isinstance(value, yaml.SequenceNode):
        return []
    return [entry for entry in value.value if isinstance(entry, yaml.MappingNode)]


def _has_ours(tree: yaml.MappingNode | None, name: str) -> bool:
    entries = [entry for kind in _KINDS for entry in (_entries(tree, kind) if tree else ())]
    return any(_scalar(entry, "name") == name and _is_ours(entry) for entry in entries)


def _is_ours(entry: yaml.MappingNode) -> bool:
    import yaml

    for _, content in entry.value:
        if isinstance(content, yaml.MappingNode) and any(
            _scalar(extension, "name") == _EXTENSION for extension in _entries(content, "extensions")
        ):
            return True
    return False


def _put(kind: str, entry: yaml.MappingNode, trees: dict[Path, yaml.MappingNode], target: Path) -> Path:
    """Replace the entry where one of that name is, or append it to ``target``; the file it went to."""
    import yaml

    name = _scalar(entry, "name")
    for path, tree in trees.items():
        for present in _entries(tree, kind):
            if _scalar(present, "name") == name:
                if not _is_ours(present):
                    raise UsageError(
                        f"{path} has an entry `{name}` under `{kind}` that is not sandkube's.",
                        hint=f"rename or remove it, and try again: kubectl config get-{kind}",
                    )
                present.value[:] = entry.value
                return path
    tree = trees.setdefault(target, _parse("apiVersion: v1\nkind: Config\n", target))
    sequence = _value(tree, kind)
    if not isinstance(sequence, yaml.SequenceNode):
        if not (sequence is None or sequence.tag.endswith(":null")):  # `kubectl config view` writes null
            raise StateCorrupt(
                f"{target} is no kubeconfig: `{kind}` is no list in it.", hint="it was left as it is"
            )
        sequence = yaml.SequenceNode("tag:yaml.org,2002:seq", [])
        _set(tree, kind, sequence)
    sequence.flow_style = False
    sequence.value.append(entry)
    return target


def _remove(tree: yaml.MappingNode, kind: str, name: str) -> bool:
    import yaml

    sequence = _value(tree, kind)
    if not isinstance(sequence, yaml.SequenceNode):
        return False
    kept = [
        entry
        for entry in sequence.value
        if not (isinstance(entry, yaml.MappingNode) and _scalar(entry, "name") == name and _is_ours(entry))
    ]
    removed = len(kept) < len(sequence.value)
    sequence.value[:] = kept
    return removed


def _unfold(node: yaml.Node) -> None:
    """Have every part of the tree written line by line: within braces a plain `1:20` would be quoted."""
    import yaml

    if isinstance(node, (yaml.MappingNode, yaml.SequenceNode)) and node.value:
        node.flow_style = False
        for child in node.value:
            for part in child if isinstance(child, tuple) else (child,):
                _unfold(part)


# --- the files


def _load(path: Path) -> yaml.MappingNode | None:
    """The tree in ``path``; None where there is no such file."""
    text = _read(path)
    return None if text is None else _parse(text, path)


def _read(path: Path) -> str | None:
    try:
        _refuse_special(path, path.stat().st_mode)  # before it is opened: a pipe would keep us waiting
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise StateCorrupt(f"{path} is not UTF-8 text.", hint="it was left as it is") from error
    except OSError as error:
        raise StateUnusable(f"{path} cannot be read: {error.strerror}.") from error


def _refuse_special(path: Path, mode: int) -> None:
    """StateUnusable for a device, a pipe or a folder: replacing it would destroy it."""
    if not stat.S_ISREG(mode):
        raise StateUnusable(f"{path} is not a regular file.", hint="it was left as it is")


def _save(path: Path, tree: yaml.MappingNode) -> None:
    """Replace the file at once. A symlink stays one, and the file keeps its mode; a new one gets 0600."""
    import yaml

    _unfold(tree)
    text: Any = yaml.serialize(tree, Dumper=yaml.SafeDumper, allow_unicode=True, width=2**31)
    real = path.resolve()
    try:
        mode = 0o600
        if real.exists():
            _refuse_special(path, real.stat().st_mode)
            mode = stat.S_IMODE(real.stat().st_mode)
        handle, temporary = tempfile.mkstemp(prefix=f".{real.name}.", dir=real.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            Path(temporary).replace(real)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StateUnusable(f"{path} cannot be written: {error.strerror}.") from error


@contextlib.contextmanager
def _locked(files: Sequence[Path]) -> Iterator[None]:
    """Hold the lock file of each file, in client-go's order."""
    held: list[Path] = []
    try:
        held.extend(_lock(path) for path in sorted(files))
        yield
    finally:
        for lock in held:
            lock.unlink(missing_ok=True)


def _lock(path: Path) -> Path:
    lock = path.with_name(f"{path.name}.lock")
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            return lock
        except FileExistsError:
            if time.monotonic() >= deadline:
                raise Locked(
                    f"Another program is changing {path}: {lock} is there.",
                    hint=f"if no other program is, remove what one left behind: rm '{lock}'",
                ) from None
            time.sleep(0.05)
        except OSError as error:
            raise StateUnusable(f"{path.parent} cannot be written to: {error.strerror}.") from error
