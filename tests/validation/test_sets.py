"""Sets that are accepted and would never run, and their sound twins, as the command judges them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandkube.manifests.inputs import collect
from sandkube.manifests.reading import Contents, read
from validation import sets
from validation.planes import Planes
from validation.sets import Expected, ManifestSet


def found(planes: Planes, folder: ManifestSet) -> set[Expected]:
    contents = Contents()
    for given in collect([str(folder.folder)], recursive=True):
        with Path(given.path).open("rb") as file:
            one = read(file.read(), given.path)
        contents.documents.extend(one.documents)
        contents.flaws.extend(one.flaws)
    return {
        Expected(
            one.code,
            one.place.file.removeprefix(f"{folder.folder}/"),
            one.place.line,
            one.subject.kind,
            one.subject.name,
        )
        for one in planes.found(contents, settle=10.0)
        if one.place is not None and one.subject is not None
    }


@pytest.mark.parametrize("folder", sets.never_run(), ids=str)
def test_would_never_run(folder: ManifestSet, planes: Planes) -> None:
    assert set(folder.expected) <= found(planes, folder)


@pytest.mark.parametrize("folder", sets.would_run(), ids=str)
def test_would_run(folder: ManifestSet, planes: Planes) -> None:
    assert found(planes, folder) == set()


def test_there_are_twenty_five() -> None:
    assert len(sets.never_run()) == len(sets.would_run()) == 25
