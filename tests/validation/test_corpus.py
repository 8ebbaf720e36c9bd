"""The written corpus: every broken file gives its codes at its lines, and no sound file gives an error."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from sandkube.reports import Finding
from validation import corpus
from validation.corpus import Case
from validation.planes import Planes


def shown(found: Sequence[Finding]) -> str:
    return "\n".join(f"{one.place} {one.code} {one.message}" for one in found)


@pytest.mark.parametrize("case", corpus.broken(), ids=lambda case: case.name)
def test_broken(case: Case, planes: Planes) -> None:
    found = planes.judged(case.path.read_bytes(), case.path.name)
    expected = {(one.code, one.line) for one in case.expected}
    codes = {one.code for one in case.expected}
    told = [one for one in found if one.severity == "error" or one.code in codes]
    assert {(one.code, one.place.line if one.place else 0) for one in told} == expected, shown(found)
    for wanted in case.expected:
        if wanted.field is not None:
            assert wanted.field in {one.field for one in found if one.code == wanted.code}


def test_sound(planes: Planes, tmp_path: Path) -> None:
    for case in corpus.sound(tmp_path):
        found = planes.judged(case.path.read_bytes(), case.path.name)
        assert not [one for one in found if one.severity == "error"], f"{case.name}: {shown(found)}"


def test_there_are_sixty_of_each(tmp_path: Path) -> None:
    assert len(corpus.broken()) == 60
    assert len(corpus.sound(tmp_path)) == 60
