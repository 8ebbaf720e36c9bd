"""What the paths that somebody gives hold: files of manifests, charts, kustomizations, standard input."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sandkube.errors import UsageError

Kind = Literal["file", "chart", "kustomization"]

STDIN = "-"
# What kubectl takes for manifests in a folder.
ENDINGS = (".yaml", ".yml", ".json")
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
CHART = "Chart.yaml"
_ARCHIVES = (".tgz", ".tar.gz")


@dataclass(frozen=True, slots=True)
class Input:
    """One thing to read or to render. ``path`` is as the person wrote it, ``-`` for standard input."""

    kind: Kind
    path: str


def collect(paths: Sequence[str], *, recursive: bool = False, kustomize: Sequence[str] = ()) -> list[Input]:
    """What ``paths`` hold, in their order, each once. ``kustomize`` are folders of kustomizations.

    A folder gives the manifests in it, with ``recursive`` also those in folders below; one that holds
    a chart or a kustomization is rendered as a whole. UsageError for a path that is not there, or a folder
    that holds nothing to validate.
    """
    found: list[Input] = []
    for path in paths:
        found += [Input("file", STDIN)] if path == STDIN else _of(path, recursive=recursive)
    for path in kustomize:
        if kustomization_file(Path(path)) is None:
            raise UsageError(
                f"`{path}` is no folder with a kustomization.",
                hint=f"it needs a file `{KUSTOMIZATIONS[0]}`",
            )
        found.append(Input("kustomization", path))
    return list(dict.fromkeys(found))


def _of(path: str, *, recursive: bool) -> list[Input]:
    if path.startswith(("http://", "https://")):
        raise UsageError(f"`{path}` is not fetched.", hint=f"curl -fsSL {path} | sandkube validate -")
    here = Path(path)
    if not os.path.lexists(here) and glob.has_magic(path):
        return _matching(path, recursive=recursive)
    if here.is_dir():
        found = list(_in_folder(here, path, recursive=recursive))
        if not found:
            below = "" if recursive else " -R looks into the folders below it, too."
            raise UsageError(f"The folder `{path}` holds no manifests.{below}", hint=_endings())
        return found
    if not here.exists():
        raise UsageError(
            f"There is no `{path}`.", hint="name a file, a folder, a chart, or `-` for standard input"
        )
    if here.name == CHART:
        return [Input("chart", str(here.parent))]
    if here.name in KUSTOMIZATIONS:
        return [Input("kustomization", str(here.parent))]
    return [Input("chart" if path.endswith(_ARCHIVES) else "file", path)]


def _matching(pattern: str, *, recursive: bool) -> list[Input]:
    found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 -- a pattern as shells have it
    if not found:
        raise UsageError(f"Nothing matches `{pattern}`.")
    inputs: list[Input] = []
    for path in found:
        if Path(path).is_dir():
            inputs += _in_folder(Path(path), path, recursive=recursive)
        else:
            inputs += _of(path, recursive=recursive)
    return inputs


def _in_folder(
    folder: Path, shown: str, *, recursive: bool, above: frozenset[Path] = frozenset()
) -> Iterator[Input]:
    """What is in a folder; ``above`` are the real folders that led there, to which no link leads back."""
    if (folder / CHART).is_file():
        yield Input("chart", shown)
        return
    if kustomization_file(folder) is not None:
        yield Input("kustomization", shown)
        return
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise UsageError(f"The folder `{shown}` cannot be read: {error.strerror}.") from error
    above |= {folder.resolve()}
    for entry in entries:
        path = os.path.join(shown, entry.name)  # noqa: PTH118 -- `./a` stays as it was written
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if recursive and entry.resolve() not in above:
                yield from _in_folder(entry, path, recursive=True, above=above)
        elif entry.name.endswith(ENDINGS) and entry.is_file():
            yield Input("file", path)


def kustomization_file(folder: Path) -> Path | None:
    """The file that makes a folder a kustomization; None if there is none."""
    return next((folder / name for name in KUSTOMIZATIONS if (folder / name).is_file()), None)


def _endings() -> str:
    return f"manifests end in {', '.join(ENDINGS)}"
