"""Rendering kustomizations with kubectl, and saying which file each object came from.

A kustomization of our own lies around the person's, and asks for annotations that name the origin of each
object. They are taken out again before anything is judged.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from sandkube.errors import ServerNotFound
from sandkube.manifests import fields
from sandkube.manifests.composing import compose
from sandkube.manifests.document import Document, Origin
from sandkube.manifests.inputs import KUSTOMIZATIONS, Input, kustomization_file
from sandkube.manifests.reading import Contents, Flaw, read

_ANNOTATION = "config.kubernetes.io/origin"
# The annotation as kubectl prints it: a block of text below its key, or with it the annotations.
_BLOCK = re.compile(
    rf"(?P<margin>^ *){re.escape(_ANNOTATION)}: \|\n(?P<said>(?:(?P=margin)  .*\n?)+)", re.MULTILINE
)
_EMPTY = re.compile(r"^  annotations:\n(?=  \S|\S|\Z)", re.MULTILINE)
_LOCATED = re.compile(r"(?P<file>[^\s'\"]+\.ya?ml)")


def render(kustomization: Input, kubectl: Path, environ: Mapping[str, str]) -> Contents:
    """The objects of a kustomization, or the flaw that keeps it from giving any."""
    folder = Path(kustomization.path)
    with tempfile.TemporaryDirectory(prefix="sandkube-") as ours:
        # kustomize resolves symbolic links before it compares folders
        here = os.path.realpath(ours)
        inside = os.path.relpath(os.path.realpath(folder), here)
        text = yaml.safe_dump({"resources": [inside], "buildMetadata": ["originAnnotations"]})
        (Path(here) / KUSTOMIZATIONS[0]).write_text(text, encoding="utf-8")
        try:
            done = subprocess.run(
                [str(kubectl), "kustomize", here],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                env=dict(environ),
                check=False,
            )
        except OSError as error:
            raise ServerNotFound(f"`{kubectl}` cannot be run: {error.strerror}.") from error
        if done.returncode != 0:
            return Contents(flaws=[_failed(done.stderr, kustomization, here)])
        return _contents(done.stdout, kustomization, here)


def _contents(text: str, kustomization: Input, here: str) -> Contents:
    shown = f"{kustomization.path} (rendered)"
    contents = Contents()
    patches = list(_patches(kustomization))
    for part in re.split(r"^---\n", text, flags=re.MULTILINE):
        origin = _origin(part, kustomization, here)
        found = read(_EMPTY.sub("", _BLOCK.sub("", part)).encode(), shown, origin=origin)
        contents.flaws.extend(found.flaws)
        contents.documents.extend(_placed(document, patches) for document in found.documents)
    return contents


def _patches(kustomization: Input) -> Iterator[Document]:
    """The objects in the patches of the kustomization itself: in files that it names, or in its own."""
    file = kustomization_file(Path(kustomization.path))
    try:
        text = file.read_text(encoding="utf-8") if file is not None else ""
        root = compose(text)
    except (OSError, ValueError, yaml.YAMLError):
        return
    for node in _patch_nodes(root):
        shown = os.path.normpath(f"{kustomization.path}/{node.value}")
        if node.style == "|":
            # the lines as they stand in the file, under the numbers that they have there
            first, behind = node.start_mark.line + 1, node.end_mark.line
            inside = "\n" * first + "\n".join(text.split("\n")[first:behind])
            yield from read(inside.encode(), str(file)).documents
        elif "\n" not in node.value and Path(shown).is_file():
            yield from read(Path(shown).read_bytes(), shown).documents


def _patch_nodes(root: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    """The texts that name a patch or are one."""
    for name in ("patches", "patchesStrategicMerge"):
        listed = fields.find(root, name).value if isinstance(root, yaml.MappingNode) else None
        for item in listed.value if isinstance(listed, yaml.SequenceNode) else ():
            given = [value for key, _, value in fields.entries(item) if key in ("path", "patch")]
            yield from (one for one in [item, *given] if isinstance(one, yaml.ScalarNode))


def _origin(text: str, kustomization: Input, here: str) -> Origin:
    said = _BLOCK.search(text)
    path = None
    if said is not None:
        values = yaml.safe_load(said["said"])
        path = values.get("path") or values.get("configuredIn") if isinstance(values, dict) else None
        if isinstance(values, dict) and values.get("repo"):
            path = None
    if not path:
        return Origin("kustomize", kustomization.path)
    file = os.path.normpath(f"{here}/{path}")
    root = os.path.realpath(kustomization.path)
    shown = os.path.normpath(f"{kustomization.path}/{os.path.relpath(file, root)}")
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return Origin("kustomize", kustomization.path)
    return Origin("kustomize", kustomization.path, shown, text)


def _placed(document: Document, patches: Sequence[Document]) -> Document:
    """With the very object of its origin, in whose file a field has its line, and with its patches."""
    if document.origin is None:
        return document
    of_kind = [patch for patch in patches if patch.kind == document.kind]
    document = replace(document, origin=replace(document.origin, patches=of_kind))
    origin = document.origin
    if origin is None or origin.template is None or origin.text is None:
        return document
    written = read(origin.text.encode(), origin.template).documents
    same = [one for one in written if one.kind == document.kind]
    near = [one for one in same if one.name and document.name.find(one.name) >= 0] or same
    if not near:
        return document
    return replace(document, origin=replace(origin, written=max(near, key=lambda one: len(one.name))))


def _failed(said: str, kustomization: Input, here: str) -> Flaw:
    said = said.strip().removeprefix("error: ").replace(f"{here}/", "")
    root = os.path.realpath(kustomization.path)
    said = said.replace(f"{root}/", f"{kustomization.path}/").replace(root, kustomization.path)
    # it tells from the outside to the inside, and names our own folder first
    said = re.sub(r"^accumulating resources: accumulation err='[^']*'?:? ?", "", said)
    folder = Path(kustomization.path)
    file = str(kustomization_file(folder) or folder / KUSTOMIZATIONS[0])
    for found in _LOCATED.finditer(said):
        for candidate in (Path(found["file"]), folder / found["file"]):
            if candidate.is_file():
                file = str(candidate)
    return Flaw("render-failed", f"kustomize cannot render this: {said}", file)
