from __future__ import annotations

import os
from pathlib import Path

import pytest

from sandkube.errors import UsageError
from sandkube.manifests.inputs import Input, collect


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for path in (
        "a.yaml",
        "b.json",
        "notes.txt",
        "below/c.yml",
        "below/.hidden/d.yaml",
        "chart/Chart.yaml",
        "chart/templates/x.yaml",
        "kust/kustomization.yaml",
        "kust/base.yaml",
        "empty/readme.md",
        "packed.tgz",
    ):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("paths", "recursive", "found"),
    [
        (["a.yaml", "a.yaml"], False, ["file a.yaml"]),
        (["notes.txt"], False, ["file notes.txt"]),
        (["."], False, ["file ./a.yaml", "file ./b.json"]),
        (["below"], True, ["file below/c.yml"]),
        (["chart"], False, ["chart chart"]),
        (["chart/Chart.yaml"], False, ["chart chart"]),
        (["packed.tgz"], False, ["chart packed.tgz"]),
        (["kust"], False, ["kustomization kust"]),
        (["kust/kustomization.yaml"], False, ["kustomization kust"]),
        (["*.yaml", "-"], False, ["file a.yaml", "file -"]),
        (["**/*.yml"], True, ["file below/c.yml"]),
    ],
)
def test_what_paths_hold(paths: list[str], *, recursive: bool, found: list[str]) -> None:
    assert [f"{one.kind} {one.path}" for one in collect(paths, recursive=recursive)] == found


@pytest.mark.usefixtures("tree")
def test_all_of_it() -> None:
    assert collect(["."], recursive=True) == [
        Input("file", "./a.yaml"),
        Input("file", "./b.json"),
        Input("file", "./below/c.yml"),
        Input("chart", "./chart"),
        Input("kustomization", "./kust"),
    ]


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("absent.yaml", "There is no `absent.yaml`"),
        ("absent-*.yaml", "Nothing matches"),
        ("empty", "holds no manifests"),
        ("https://example.com/x.yaml", "is not fetched"),
    ],
)
def test_what_cannot_be_read(path: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        collect([path])


def test_links_are_not_followed_in_circles_and_pipes_are_no_manifests(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").touch()
    (tmp_path / "circle").symlink_to(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / "b.yaml").touch()
    (tmp_path / "again").symlink_to(other)
    os.mkfifo(tmp_path / "pipe.yaml")
    found = [Path(one.path).relative_to(tmp_path) for one in collect([str(tmp_path)], recursive=True)]
    assert found == [Path("a.yaml"), Path("again/b.yaml"), Path("other/b.yaml")]


@pytest.mark.usefixtures("tree")
def test_a_folder_without_a_kustomization() -> None:
    with pytest.raises(UsageError, match="no folder with a kustomization"):
        collect([], kustomize=["below"])
