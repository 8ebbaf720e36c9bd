"""What somebody asks of a validation, and where it may stand: options, `pyproject.toml`, `sandkube.toml`.

None is needed. `[tool.sandkube.validate]` of a pyproject.toml and `[validate]` of a sandkube.toml have the
names of the options; the nearest file above the current folder that has the table counts, a sandkube.toml
before a pyproject.toml in the same folder. What is said on the command line goes before.
"""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from sandkube.errors import UsageError
from sandkube.reports import Severity

if sys.version_info >= (3, 11):
    import tomllib
else:  # the same library, before it was Python's own
    import tomli as tomllib  # type: ignore[import-not-found]

SETTLE_SECONDS = 3.0
_FILES = (("sandkube.toml", ("validate",)), ("pyproject.toml", ("tool", "sandkube", "validate")))


@dataclass(frozen=True, slots=True)
class Settings:
    """What is asked of one validation.

    ``paths`` are files, folders, charts or `-`; ``recursive`` looks into folders below; ``kustomize`` are
    folders of kustomizations. Each of ``values`` makes a case of the charts, of one value file or several
    with commas between; ``sets`` are as helm's `--set`. ``namespace`` is where objects lie that name none.

    ``cluster`` or ``context`` names a control plane that is there, in which nothing is changed; without them
    one is started for this run. ``crds`` are paths of definitions that only have to be there,
    ``upgrade_from`` is a path or a git revision that holds the older set. ``settle`` is for how many seconds
    controllers are listened to. ``ignore`` are codes that are left out, ``fail_on`` what counts as a failure,
    ``baseline`` a file of findings that are accepted. ``report`` are further reports, each `FORMAT=FILE`.
    """

    paths: tuple[str, ...] = ()
    recursive: bool = False
    kustomize: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    release_name: str = "release-name"
    namespace: str = "default"
    cluster: str | None = None
    context: str | None = None
    crds: tuple[str, ...] = ()
    upgrade_from: str | None = None
    settle: float = SETTLE_SECONDS
    ignore: tuple[str, ...] = ()
    fail_on: Severity = "error"
    baseline: str | None = None
    report: tuple[str, ...] = ()


def configured(folder: Path, given: Collection[str] = ()) -> tuple[Path | None, dict[str, Any]]:
    """What the nearest configuration file says, and which it is; nothing if there is none.

    Its paths count from the file's own folder. What it says of the fields in ``given`` does not count.
    UsageError names the file, and what in it makes no sense.
    """
    for here in (folder, *folder.parents):
        for name, keys in _FILES:
            path = here / name
            if path.is_file() and (table := _table(path, keys)) is not None:
                return path, _checked(path, table, given)
    return None, {}


def _table(path: Path, keys: tuple[str, ...]) -> Mapping[str, Any] | None:
    try:
        found: Any = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        if path.name == "pyproject.toml":
            return None  # whoever owns it will hear of it from others
        raise UsageError(f"`{path}` cannot be read: {error}") from error
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    if found is not None and not isinstance(found, dict):
        raise UsageError(f"{path}{_line_of(path, keys[-1])}: `{'.'.join(keys)}` has to be a table.")
    return found


def _checked(path: Path, table: Mapping[str, Any], given: Collection[str]) -> dict[str, Any]:
    types = {field.name: str(field.type) for field in fields(Settings)}
    found: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        line = _line_of(path, key)
        if name == "set":
            name = "sets"
        if name not in types:
            from sandkube.validation.spelling import nearest

            near = nearest(name, types)
            raise UsageError(
                f"{path}{line}: validate has no setting `{key}`.",
                hint=f"did you mean `{near.replace('_', '-')}`?" if near else None,
            )
        made = _typed(f"{path}{line}: `{key}`", types[name], value)
        if name not in given:
            found[name] = _located(path, line, name, made)
    if found.get("fail_on", "error") not in ("error", "warning"):
        raise UsageError(f"{path}{_line_of(path, 'fail-on')}: `fail-on` is `error` or `warning`.")
    return found


def _located(path: Path, line: str, name: str, value: Any) -> Any:
    """The value with its paths as they are seen from the current folder."""
    folder = path.parent
    if name == "report":
        pairs = (one.partition("=") for one in value)
        return tuple(f"{form}{equals}{_seen(folder, file)}" for form, equals, file in pairs)
    if name == "upgrade_from":  # or a revision
        return _seen(folder, value) if (folder / value).exists() else value
    if name == "baseline":  # may be still to be written
        return _seen(folder, value)
    if name not in ("paths", "kustomize", "crds", "values"):
        return value
    separated = [one.split(",") if name == "values" else [one] for one in value]
    for one in (one for group in separated for one in group):
        if one != "-" and not glob.has_magic(one) and not (folder / one).exists():
            raise UsageError(f"{path}{line}: there is no `{folder / one}`.")
    return tuple(",".join(_seen(folder, one) for one in group) for group in separated)


def _seen(folder: Path, path: str) -> str:
    return path if path in ("-", "") or Path(path).is_absolute() else os.path.relpath(folder / path)


def _typed(what: str, kind: str, value: Any) -> Any:
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind == "float" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if kind.startswith("tuple"):
        given = [value] if isinstance(value, str) else value
        if isinstance(given, list) and all(isinstance(one, str) for one in given):
            return tuple(given)
        raise UsageError(f"{what} has to be a list of texts.")
    if kind in ("str", "str | None", "Severity") and isinstance(value, str):
        return value
    words = {"bool": "`true` or `false`", "float": "a number"}.get(kind, "a text")
    raise UsageError(f"{what} has to be {words}.")


def _line_of(path: Path, key: str) -> str:
    """`:12`, where the key stands; nothing where that cannot be seen."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.split("=")[0].strip().strip("\"'") == key:
            return f":{number}"
    return ""
