"""One case of what was asked for, judged in one control plane."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from sandkube.manifests.charts import Case
from sandkube.manifests.document import Document
from sandkube.manifests.inputs import Input, collect
from sandkube.reports import Finding
from sandkube.validation import gathering, planes
from sandkube.validation.gathering import Gathered
from sandkube.validation.placing import of_flaw
from sandkube.validation.planes import Plane
from sandkube.validation.running import Run, Set
from sandkube.validation.settings import Settings


@dataclass(frozen=True)
class Judged:
    """What came of one case: its findings, how many objects and which files it had, and who judged."""

    findings: Sequence[Finding]
    documents: int
    files: Sequence[str]
    version: str


@dataclass(frozen=True)
class Asked:
    """What is to be judged, once it is read: the objects, definitions beside them, and the older set."""

    settings: Settings
    objects: Gathered
    definitions: Gathered
    older: Gathered | None

    @classmethod
    def read(cls, settings: Settings, inputs: Sequence[Input], held: ExitStack) -> Asked:
        """Read all of it; files that are there for this alone are there as long as ``held``.

        UsageError for what cannot be read.
        """
        return cls(
            settings,
            gathering.gather(inputs),
            gathering.gather(collect(settings.crds, recursive=True)),
            held.enter_context(gathering.older(settings)),
        )

    def judged(self, values: str | None, plane: Plane, step: Callable[[str], None]) -> Judged:
        """Judge it with these value files, which have commas between them."""
        case = Case(values, tuple(values.split(","))) if values is not None else Case()
        contents = self.objects.contents(case, plane, self.settings)
        given = Set(
            contents.documents,
            self.definitions.contents(case, plane, self.settings).documents,
            self.older.contents(case, plane, self.settings).documents if self.older is not None else (),
        )
        ignore = self.settings.ignore
        flaws = [of_flaw(flaw) for flaw in contents.flaws if flaw.code not in ignore]
        run = Run(plane, self.settings.namespace, self.settings.settle, step, ignore)
        findings = [*flaws, *run.of(given)]
        files = tuple(dict.fromkeys(_files(self.objects, contents.documents)))
        return Judged(findings, len(contents.documents), files, planes.version_of(plane.client))


def _files(gathered: Gathered, documents: Sequence[Document]) -> Iterator[str]:
    yield from gathered.files
    for document in documents:
        if document.origin is not None:
            yield document.origin.template or document.origin.source
