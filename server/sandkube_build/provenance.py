"""Where the binary's code comes from: the licence notices of what was linked, and a CycloneDX SBOM.

Both are made of `go version -m`, which reads what the linker wrote into the binary, and are the same for the
same binary.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

__all__ = ["Linked", "Module", "licence_files", "linked", "notices", "package_folders", "sbom"]

_LICENCE = re.compile(r"(LICEN[CS]E|COPYING|NOTICE|PATENTS|COPYRIGHT)([-._].*)?$", re.IGNORECASE)
_NOT_PROSE = {".go", ".py", ".sh", ".json", ".yaml", ".yml", ".tmpl"}
_RULE = "=" * 100


@dataclass(frozen=True)
class Module:
    """A linked module: after `replace`, so the one whose code was taken. ``sum`` is go.sum's `h1:` hash."""

    path: str
    version: str
    sum: str


@dataclass(frozen=True)
class Linked:
    """What `go version -m` says of a binary: the Go that built it, and the modules in it, by path."""

    go: str
    modules: tuple[Module, ...]


def linked(text: str) -> Linked:
    """Read the output of `go version -m`."""
    first, *lines = text.splitlines()
    modules: list[Module] = []
    for line in lines:
        kind, *fields = line.strip().split("\t")
        if kind not in ("dep", "=>"):
            continue
        path, version, h1 = (*fields, "", "")[:3]
        if kind == "=>":
            modules.pop()
        modules.append(Module(path, version, h1))
    return Linked(go=first.rsplit(": ", 1)[-1].strip(), modules=tuple(sorted(modules, key=lambda m: m.path)))


def package_folders(listing: str) -> dict[str, list[tuple[Path, Path]]]:
    """Read lines of `module path, module folder, package folder` (tabs between) as folders per module."""
    found: dict[str, list[tuple[Path, Path]]] = defaultdict(list)
    for line in listing.splitlines():
        path, root, folder = line.split("\t")
        if path:
            found[path].append((Path(root), Path(folder)))
    return found


def licence_files(folders: Iterable[tuple[Path, Path]]) -> list[tuple[str, Path]]:
    """Give the licence and notice files from each linked package's folder up to its module's.

    Each is (name inside the module, path), the module's own first.
    """
    places: dict[Path, Path] = {}
    for root, folder in folders:
        places[root] = root
        for place in (folder, *folder.parents):
            if place == root:
                break
            places[place] = root
    files = [
        (file.relative_to(root).as_posix(), file)
        for place, root in places.items()
        for file in place.iterdir()
        if _LICENCE.match(file.name) and file.suffix not in _NOT_PROSE and file.is_file()
    ]
    return sorted(files, key=lambda file: (len(PurePosixPath(file[0]).parts), file[0]))


def notices(versions: Linked, folders: Mapping[str, Sequence[tuple[Path, Path]]], goroot: Path) -> str:
    """Give THIRD_PARTY_NOTICES.txt: every licence text once, below the names of the modules that carry it."""
    texts: dict[str, list[str]] = defaultdict(list)
    without = []
    for module in versions.modules:
        files = licence_files(folders.get(module.path, ()))
        if not files:
            without.append(f"{module.path} {module.version}")
        for name, file in files:
            texts[_text(file)].append(f"{module.path} {module.version}: {name}")
    for name in ("LICENSE", "PATENTS"):
        if (goroot / name).is_file():
            texts[_text(goroot / name)].append(f"Go standard library {versions.go}: {name}")
    parts = [
        "sandkube-server is linked from these modules. Each text stands once, after those that carry it.",
    ]
    if without:
        parts.append("No licence file was found in: " + ", ".join(without))
    for text, carriers in sorted(texts.items(), key=lambda item: item[1][0]):
        parts.append("\n".join([_RULE, *carriers, _RULE, "", text]))
    return "\n\n".join(parts) + "\n"


def sbom(versions: Linked, name: str, version: str, date: str) -> str:
    """Give the SBOM as CycloneDX 1.6 JSON. The hashes are go.sum's `h1`, which is a SHA-256."""
    main = f"pkg:pypi/{name}@{version}"
    components = [_component(module) for module in versions.modules]
    standard = versions.go.removeprefix("go")
    components.append(
        {
            "type": "library",
            "bom-ref": f"pkg:golang/std@{standard}",
            "name": "std",
            "version": standard,
            "purl": f"pkg:golang/std@{standard}",
        }
    )
    seed = json.dumps([main, components], sort_keys=True)
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, seed)}",
        "version": 1,
        "metadata": {
            "timestamp": date,
            "component": {
                "type": "application",
                "bom-ref": main,
                "name": name,
                "version": version,
                "purl": main,
            },
        },
        "components": components,
        "dependencies": [{"ref": main, "dependsOn": [component["bom-ref"] for component in components]}],
    }
    return json.dumps(document, indent=1) + "\n"


def _component(module: Module) -> dict[str, Any]:
    purl = f"pkg:golang/{module.path}@{module.version.replace('+', '%2B')}"
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl,
        "name": module.path,
        "version": module.version,
        "purl": purl,
    }
    if module.sum.startswith("h1:"):
        digest = base64.b64decode(module.sum.removeprefix("h1:")).hex()
        component["hashes"] = [{"alg": "SHA-256", "content": digest}]
        component["properties"] = [{"name": "go:sum", "value": module.sum}]
    return component


def _text(file: Path) -> str:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n")
