"""The written sets: each reference that leads nowhere is found at its line, and none in the sound twins."""

from __future__ import annotations

import pytest

from sandkube.validation.references import RULES, dangling
from unit.validation.fresh_cluster import FreshCluster
from validation.sets import FAILED_CREATE, Expected, ManifestSet, never_run, would_run, written

CODES = {rule.code for rule in RULES}


def found(manifests: ManifestSet) -> list[Expected]:
    objects = written(manifests.folder)
    given = [one.manifest for one in objects]
    return sorted(
        Expected(
            one.code,
            objects[one.index].file,
            objects[one.index].line(one.field),
            given[one.index]["kind"],
            given[one.index]["metadata"]["name"],
        )
        for one in dangling(given, FreshCluster(), default_namespace="default")
    )


@pytest.mark.parametrize("manifests", never_run(), ids=str)
def test_a_set_that_would_never_run(manifests: ManifestSet) -> None:
    """What is left to the controllers to refuse, no reference tells."""
    assert manifests.expected
    assert found(manifests) == sorted(one for one in manifests.expected if one.code != FAILED_CREATE)
    assert {one.code for one in manifests.expected} <= CODES | {FAILED_CREATE}


@pytest.mark.parametrize("manifests", would_run(), ids=str)
def test_its_sound_twin(manifests: ManifestSet) -> None:
    assert manifests.expected == ()
    assert found(manifests) == []


def test_each_set_has_a_twin() -> None:
    assert [one.name for one in never_run()] == [one.name for one in would_run()]
    assert len(never_run()) == 25
