"""The written corpus: sound files, broken files, and what is wrong with each broken one.

The files are in `corpus/`, what is wrong with them in its `expected.yaml`. Two sound ones are too large to
be kept, and are written when they are asked for: the same bytes every time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

FOLDER = Path(__file__).with_name("corpus")

MANY_DOCUMENTS = "59-three-hundred-documents"
LARGE_CONFIG_MAP = "60-large-config-map"


@dataclass(frozen=True, slots=True)
class Expected:
    """One thing that is wrong: its code, the line it stands in (from 1), and the field, where it has one."""

    code: str
    line: int
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A file, and what is wrong with it; nothing, if it is sound. ``name`` is the file's, without suffix."""

    name: str
    path: Path
    expected: tuple[Expected, ...] = ()


def broken() -> list[Case]:
    """Every broken file with what is wrong with it, by name.

    Raises:
        KeyError: `expected.yaml` says nothing about a file.
    """
    said = yaml.safe_load((FOLDER / "expected.yaml").read_text(encoding="utf-8"))
    return [
        Case(path.stem, path, tuple(Expected(**fault) for fault in said[path.stem]))
        for path in sorted((FOLDER / "broken").iterdir())
    ]


def sound(folder: Path) -> list[Case]:
    """Every sound file, by name. The two large ones are written into ``folder``."""
    many = folder / f"{MANY_DOCUMENTS}.yaml"
    many.write_text(three_hundred_documents(), encoding="utf-8", newline="\n")
    large = folder / f"{LARGE_CONFIG_MAP}.yaml"
    large.write_text(large_config_map(), encoding="utf-8", newline="\n")
    return [Case(path.stem, path) for path in [*sorted((FOLDER / "sound").iterdir()), many, large]]


def three_hundred_documents() -> str:
    """The text of 300 objects of five kinds, each with a name of its own."""
    return "---\n".join(_document(number) for number in range(300))


def large_config_map() -> str:
    """The text of a ConfigMap that holds a million bytes; it may hold 1,048,576."""
    lines = "".join(f"    {number:04d} {'abcdefghij' * 9}wxyz\n" for number in range(10_000))
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: large\ndata:\n  lines: |\n"
    return head + lines


def _document(number: int) -> str:
    bodies = {
        "ConfigMap": f'data:\n  number: "{number}"\n  text: |\n    the first line\n    and line {number}\n',
        "Secret": f"stringData:\n  word: word-{number}\n",
        "ServiceAccount": "automountServiceAccountToken: false\n",
        "Service": f"spec:\n  clusterIP: None\n  ports:\n  - name: http\n    port: {8000 + number}\n",
        "Role": 'rules:\n- apiGroups: [""]\n  resources: [pods]\n  verbs: [get, list]\n',
    }
    kind = list(bodies)[number % len(bodies)]
    version = "rbac.authorization.k8s.io/v1" if kind == "Role" else "v1"
    head = f"apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: one-of-many-{number:03d}\n"
    return head + f'  labels:\n    number: "{number}"\n' + bodies[kind]
