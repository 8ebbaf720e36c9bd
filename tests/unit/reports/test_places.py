from __future__ import annotations

from pathlib import Path

import pytest

from sandkube.reports import places
from sandkube.reports.finding import Place

HERE = Path("/home/me/shop/deploy")


def test_standard_input_has_a_name() -> None:
    assert places.place_name(Place("-", 3, 5)) == "standard input:3:5"
    assert places.place_name(Place("a\nb", 3, 5)) == "a␊b:3:5"


@pytest.mark.parametrize(
    ("workspace", "root"),
    [
        (None, HERE),
        ("", HERE),
        ("/home/me/shop", Path("/home/me/shop")),
        ("/home/me/shop/deploy", HERE),
        ("/home/me/sho", HERE),
        ("/elsewhere", HERE),
    ],
)
def test_files_are_told_from_the_checkout_that_we_are_in(workspace: str | None, root: Path) -> None:
    environ = {} if workspace is None else {"GITHUB_WORKSPACE": workspace}
    assert places.root(environ, HERE) == root


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("a.yaml", "deploy/a.yaml"),
        ("./x/../a.yaml", "deploy/a.yaml"),
        ("../a.yaml", "a.yaml"),
        ("/home/me/shop/b/a.yaml", "b/a.yaml"),
        ("../../a.yaml", None),
        ("/home/me/shopping/a.yaml", None),
        ("/etc/a.yaml", None),
    ],
)
def test_a_file_is_told_from_the_root(file: str, told: str | None) -> None:
    assert places.relative(file, HERE, Path("/home/me/shop")) == told
