"""From the paths of a set to its objects: reading files, rendering charts and kustomizations."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sandkube.errors import UsageError
from sandkube.manifests import charts, kustomizations
from sandkube.manifests.charts import Case, Helm
from sandkube.manifests.inputs import STDIN, Input, collect
from sandkube.manifests.reading import Contents, read
from sandkube.validation.planes import Plane
from sandkube.validation.settings import Settings


@dataclass
class Gathered:
    """What paths hold: the contents of files, read once, and what has to be rendered for each case."""

    files: dict[str, Contents] = field(default_factory=dict)
    rendered: list[Input] = field(default_factory=list)

    def contents(self, case: Case, plane: Plane, settings: Settings) -> Contents:
        """All objects and flaws in one case, in the order of the paths."""
        found = Contents()
        for one in self.files.values():
            found.documents.extend(one.documents)
            found.flaws.extend(one.flaws)
        helm = Helm(
            plane.helm,
            plane.environ,
            settings.namespace,
            release=settings.release_name,
            sets=settings.sets,
            context=plane.context,
        )
        for given in self.rendered:
            if given.kind == "chart":
                one = charts.render(given, case, helm)
            else:
                one = kustomizations.render(given, plane.kubectl, plane.environ)
            found.documents.extend(one.documents)
            found.flaws.extend(one.flaws)
        return found


def gather(inputs: Iterable[Input]) -> Gathered:
    """Read the files. UsageError for one that cannot be read."""
    found = Gathered()
    for given in inputs:
        if given.kind == "file":
            found.files[given.path] = read(_bytes(given.path), given.path)
        else:
            found.rendered.append(given)
    return found


@contextlib.contextmanager
def older(settings: Settings) -> Iterator[Gathered | None]:
    """The older set of `--upgrade-from`, as long as it is needed; None if there is none."""
    asked = settings.upgrade_from
    if asked is None:
        yield None
    elif Path(asked).exists():
        yield gather(collect([asked], recursive=settings.recursive))
    else:
        with tempfile.TemporaryDirectory(prefix="sandkube-") as folder:
            found = [
                _at_revision(asked, path, Path(folder) / str(number))
                for number, path in enumerate(settings.paths)
            ]
            kustomize = [
                _at_revision(asked, path, Path(folder) / f"k{number}")
                for number, path in enumerate(settings.kustomize)
            ]
            inputs = collect(
                [path for path in found if path],
                recursive=settings.recursive,
                kustomize=[path for path in kustomize if path],
            )
            yield gather(inputs)


def _at_revision(revision: str, path: str, target: Path) -> str | None:
    """The path as it was at a revision of its git repository; None if it was not there then."""
    if path == STDIN:
        raise UsageError("Standard input has no older version.", hint="name files, or an older path")
    here = Path(path).absolute()
    folder = here if here.is_dir() else here.parent
    top = _git(folder, "rev-parse", "--show-toplevel")
    if (
        top is None
        or _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{tree}}")
        is None
    ):
        raise UsageError(
            f"`{revision}` is neither a path nor a revision of the git repository that `{path}` lies in."
        )
    inside = os.path.relpath(os.path.realpath(here), os.path.realpath(top.decode().strip()))
    archive = _git(Path(top.decode().strip()), "archive", "--format=tar", revision, "--", inside)
    if archive is None:
        return None
    target.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        if hasattr(tarfile, "data_filter"):
            files.extractall(target, filter="data")
        else:  # Python before its security releases of 2023
            files.extractall(target)  # noqa: S202 -- git made the archive of the person's own repository
    return str(target / inside)


def _git(folder: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def _bytes(path: str) -> bytes:
    if path == STDIN:
        data = sys.stdin.buffer.read()
        if not data.strip():
            raise UsageError(
                "Standard input holds nothing.", hint="see what the command before it in the pipe says"
            )
        return data
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"`{path}` cannot be read: {error.strerror}.") from error
