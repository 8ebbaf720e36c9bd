"""Claims of volumes."""

from __future__ import annotations

import pytest

from unit.validation.fresh_cluster import FreshCluster
from unit.validation.referring import named, told, written


def claim(spec: str) -> str:
    return f"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: data}}\nspec: {spec}"


CLASS = named("storage.k8s.io/v1", "StorageClass", "fast")
VOLUME = named("v1", "PersistentVolume", "disk", spec={"storageClassName": "manual"})


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{}", []),
        ("{storageClassName: ''}", []),
        ("{storageClassName: fast}", []),
        ("{storageClassName: manual}", []),
        ("{storageClassName: slow}", [("missing-storageclass", "spec.storageClassName")]),
        ("{volumeName: disk}", []),
        ("{volumeName: disc}", [("missing-persistentvolume", "spec.volumeName")]),
        (
            "{volumeAttributesClassName: gold}",
            [("missing-volumeattributesclass", "spec.volumeAttributesClassName")],
        ),
        (
            "{dataSource: {kind: PersistentVolumeClaim, name: other}}",
            [("missing-persistentvolumeclaim", "spec.dataSource.name")],
        ),
        ("{dataSource: {kind: PersistentVolumeClaim, name: data}}", []),
        (
            "{dataSource: {apiGroup: snapshot.storage.k8s.io, kind: VolumeSnapshot, name: s}}",
            [("missing-volumesnapshot", "spec.dataSource.name")],
        ),
        ("{dataSourceRef: {apiGroup: example.com, kind: Image, name: i}}", []),
        (
            "{dataSourceRef: &x {kind: PersistentVolumeClaim, name: x, namespace: other}, dataSource: *x}",
            [("missing-persistentvolumeclaim", "spec.dataSourceRef.name")],
        ),
    ],
)
def test_a_claim(spec: str, expected: list[tuple[str, str]]) -> None:
    assert told(claim(spec), FreshCluster(CLASS, VOLUME)) == expected


def test_a_volume_needs_no_class() -> None:
    assert told(written(VOLUME)) == []
