"""Sets that a server accepts: those in `never_run` would not run, those in `would_run` are the same, mended.

Each set is a folder NN-name with `manifests/`, which can be validated as it is, and `expected.yaml`:

    why: what is amiss, in a sentence
    expect:
    - code: missing-configmap
      file: shop.yaml          # below manifests/
      line: 39                 # of the field; of `kind` for `failed-create`
      kind: Deployment
      name: catalog

Of a sound set nothing is expected, and nothing may be found. Of another one, all that is expected must be
found, and may come with more of the same cause: a controller's `failed-create` beside the reference that
explains it, a warning of the server.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

_HERE: Final = Path(__file__).parent

# What controllers say of pods that they may not make.
FAILED_CREATE: Final = "failed-create"


@dataclass(frozen=True, order=True)
class Expected:
    """A finding that a set must give."""

    code: str
    file: str
    line: int
    kind: str
    name: str


@dataclass(frozen=True)
class ManifestSet:
    """A set of manifests: its name, the folder to validate, and what must be found in it."""

    name: str
    folder: Path
    expected: tuple[Expected, ...]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Written:
    """An object of a set: where it stands, what it says, and its nodes with their lines."""

    file: str
    manifest: dict[str, Any]
    node: yaml.Node

    def line(self, path: str) -> int:
        """The line of a field; where it is not there, that of the nearest field above it."""
        line, node = self.node.start_mark.line, self.node
        for part in path.replace("[", ".[").split("."):
            if part.startswith("[") and isinstance(node, yaml.SequenceNode):
                node = node.value[int(part[1:-1])]
                line = node.start_mark.line
            elif isinstance(node, yaml.MappingNode):
                inside = {key.value: (key, value) for key, value in node.value}
                if part not in inside:
                    break
                key, node = inside[part]
                line = key.start_mark.line
            else:
                break
        return line + 1


def never_run() -> list[ManifestSet]:
    """The sets that would never run, or never work, by name."""
    return _sets("never_run")


def would_run() -> list[ManifestSet]:
    """Their sound twins, under the same names."""
    return _sets("would_run")


def written(folder: Path) -> list[Written]:
    """All objects in the files of a folder."""
    return [one for file in sorted(folder.glob("*.yaml")) for one in _written(file)]


def _sets(kind: str) -> list[ManifestSet]:
    return [
        ManifestSet(folder.name, folder / "manifests", _expected(folder))
        for folder in sorted((_HERE / kind).iterdir())
    ]


def _expected(folder: Path) -> tuple[Expected, ...]:
    listed = yaml.safe_load((folder / "expected.yaml").read_text(encoding="utf-8"))["expect"]
    return tuple(Expected(**one) for one in listed)


def _written(file: Path) -> Iterator[Written]:
    text = file.read_text(encoding="utf-8")
    nodes = yaml.compose_all(text, Loader=yaml.SafeLoader)
    for document, node in zip(yaml.safe_load_all(text), nodes, strict=True):
        yield Written(file.name, document, node)
