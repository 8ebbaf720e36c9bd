"""The wheels in dist/ as they are: `just wheel` builds one, and runs these tests on it."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sandkube_build import platforms, versions

ROOT = Path(__file__).resolve().parents[2]
VERSION = versions.read(ROOT / "server").server
WHEELS = sorted((ROOT / "dist").glob(f"sandkube_server-{VERSION}-*.whl"))
LIMIT = 70 * 10**6  # bytes; a package index takes 100 MB a file

pytestmark = pytest.mark.skipif(
    not WHEELS, reason="no wheel of sandkube-server in dist/: `just wheel` builds it"
)
each_wheel = pytest.mark.parametrize("wheel", WHEELS or [Path("none")], ids=lambda path: path.name)


@each_wheel
def test_it_is_small_enough_for_an_index(wheel: Path) -> None:
    assert wheel.stat().st_size < LIMIT


@each_wheel
def test_it_holds_an_executable_binary_with_template_and_notices(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        mode = archive.getinfo("sandkube_server/bin/sandkube-server").external_attr >> 16
        assert mode & stat.S_IXUSR
        assert archive.read("sandkube_server/bin/template.db").startswith(b"SQLite format 3")
        notices = archive.read("sandkube_server/THIRD_PARTY_NOTICES.txt").decode()
        assert "No licence file was found" not in notices
        names = set(archive.namelist())
    information = f"sandkube_server-{VERSION}.dist-info"
    assert {f"{information}/licenses/LICENSE", f"{information}/licenses/NOTICE"} <= names


@each_wheel
def test_its_sbom_and_its_notices_name_every_linked_module(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        sbom = json.loads(archive.read(f"sandkube_server-{VERSION}.dist-info/sboms/sandkube-server.cdx.json"))
        notices = archive.read("sandkube_server/THIRD_PARTY_NOTICES.txt").decode()
    components = {part["name"]: part["version"] for part in sbom["components"]}
    assert components["k8s.io/kubernetes"] == versions.read(ROOT / "server").kubernetes
    assert {"github.com/k3s-io/kine", "helm.sh/helm/v4", "modernc.org/sqlite", "std"} <= components.keys()
    for name, version in components.items():
        assert name == "std" or f"{name} {version}: " in notices


@each_wheel
def test_its_tag_claims_no_more_than_its_binary_gives(wheel: Path) -> None:
    magic = {"linux": b"\x7fELF", "macosx": b"\xcf\xfa\xed\xfe"}
    with zipfile.ZipFile(wheel) as archive, archive.open("sandkube_server/bin/sandkube-server") as binary:
        head = binary.read(20)
    tag = wheel.stem.split("-")[-1]
    assert head.startswith(magic["macosx" if tag.startswith("macosx") else "linux"])
    if head.startswith(b"\x7fELF"):
        machine = {0x3E: "x86_64", 0xB7: "aarch64"}[int.from_bytes(head[18:20], "little")]
        assert tag == f"manylinux_2_17_{machine}.musllinux_1_1_{machine}"


def test_the_one_for_this_machine_runs_once_installed(tmp_path: Path) -> None:
    tag = platforms.wheel_tag(platforms.here())
    wheel = next((path for path in WHEELS if path.stem.endswith(tag)), None)
    if wheel is None:
        pytest.skip(f"no wheel for {platforms.here()} in dist/: `just wheel` builds it")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)  # which drops the executable bit, as some installers do
    code = "import sandkube_server; print(sandkube_server.binary())"
    binary = subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path, text=True).strip()
    said = subprocess.check_output([binary, "version", "-o", "json"])
    assert json.loads(said)["version"] == VERSION
