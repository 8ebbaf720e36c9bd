"""What a container sees, and what it cannot reach."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from runtime.conftest import Containers
from sandkube.runtime.bundles import DEFAULT_CAPABILITIES
from sandkube.runtime.files import inside, open_strictly

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="containers are processes of Linux")


def mounted(source: Path, target: str, *, read_only: bool = False, strict: bool = True) -> dict[str, object]:
    return {"source": str(source), "target": target, "read_only": read_only, "strict": strict}


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    folder = tmp_path / "volume"
    folder.mkdir()
    (folder / "a").write_text("text\n")
    return folder


def test_a_volume(containers: Containers, volume: Path) -> None:
    _, lines = containers.run(
        "sh", "-c", "cat /data/x/a; echo new > /data/x/b", mounts=[mounted(volume, "/data/x")]
    )
    assert lines == ["stdout F text"]
    assert (volume / "b").read_text() == "new\n"
    assert not Path("/data/x").exists()


def test_a_file_as_a_volume_and_a_volume_in_a_volume(containers: Containers, volume: Path) -> None:
    mounts = [mounted(volume / "a", "/outer/in/file"), mounted(volume, "/outer")]
    _, lines = containers.run("sh", "-c", "cat /outer/a /outer/in/file", mounts=mounts)
    assert lines == ["stdout F text", "stdout F text"]


def test_read_only_volumes_are(containers: Containers, volume: Path) -> None:
    mounts = [mounted(volume, "/ro", read_only=True)]
    _, lines = containers.run(
        "sh",
        "-c",
        "echo x > /ro/b; mount -o remount,rw /ro; echo x > /ro/b; cat /ro/a",
        mounts=mounts,
        capabilities=list(DEFAULT_CAPABILITIES),
    )
    assert "stdout F text" in lines
    assert not (volume / "b").exists()


def test_below_what_the_host_has(containers: Containers, volume: Path) -> None:
    _, lines = containers.run(
        "sh",
        "-c",
        "cat /etc/only/here/a; test -e /etc/passwd && echo both",
        mounts=[mounted(volume, "/etc/only/here")],
    )
    assert lines == ["stdout F text", "stdout F both"]
    assert not Path("/etc/only").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="a user has no overlay of the host's root here")
def test_what_is_written_to_the_hosts_files_stays_in_the_container(containers: Containers) -> None:
    _, lines = containers.run(
        "sh", "-c", "echo x > /etc/written; cat /etc/written; rm /etc/passwd; ls /etc/passwd"
    )
    assert lines[0] == "stdout F x"
    assert not Path("/etc/written").exists()
    assert Path("/etc/passwd").exists()


def test_hidden_folders_show_nothing_and_stay_hidden(containers: Containers, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "secret").write_text("s3cret")
    script = f"ls -A {keys}; umount {keys}; ls -A {keys}; cat {keys}/secret"
    capabilities = ["CHOWN", "DAC_OVERRIDE", "SYS_CHROOT"]
    _, lines = containers.run("sh", "-c", script, hidden=[str(keys)], capabilities=capabilities)
    assert not any("s3cret" in line for line in lines)
    assert not any(line.startswith("stdout") for line in lines)


def test_an_image(containers: Containers, tmp_path: Path, volume: Path) -> None:
    """The host's shell and its libraries as an image."""
    image = tmp_path / "image, with: all"
    for name in ("bin", "lib", "lib64", "usr"):
        if Path(f"/{name}").is_symlink():
            image.mkdir(exist_ok=True)
            (image / name).symlink_to(Path(f"/{name}").readlink())
    (image / "usr").mkdir()
    for name in ("bin", "lib", "lib64"):
        if Path(f"/usr/{name}").exists():
            (image / "usr" / name).mkdir()
    mounts = [
        mounted(Path(f"/usr/{name}"), f"/usr/{name}", strict=False)
        for name in ("bin", "lib", "lib64")
        if Path(f"/usr/{name}").exists()
    ]
    held, reported = containers.start(
        "/bin/sh", "-c", "echo x > /new && ls /; cat /data/a", image=str(image), files="overlay",
        mounts=[*mounts, mounted(volume, "/data")],
    )  # fmt: skip
    assert "started" in reported, reported
    held.wait()
    assert "stdout F new" in held.lines()
    assert "stdout F text" in held.lines()
    assert "stdout F etc" not in held.lines()
    assert not (image / "new").exists()
    assert not (image / "data").exists()


def test_a_read_only_root(containers: Containers) -> None:
    _, lines = containers.run("sh", "-c", "echo x > /x; echo x > /dev/shm/x && echo fine", read_only=True)
    assert "stdout F fine" in lines
    assert any("Read-only" in line for line in lines)


def test_links_lead_nowhere_outside(tmp_path: Path) -> None:
    (tmp_path / "up").symlink_to("../../..")
    (tmp_path / "root").symlink_to("/")
    (tmp_path / "etc").symlink_to("/etc")
    (tmp_path / "round").symlink_to("round")
    here = str(tmp_path)
    assert inside(here, "/up/a/b") == inside(here, "/root/../../a/b") == f"{here}/a/b"
    assert inside(here, "/a/../../../b") == f"{here}/b"
    assert inside("/", "/a//./b") == "/a/b"
    with pytest.raises(OSError, match="too many links"):
        inside(here, "/round/x")


def test_a_volume_is_opened_without_following_links(tmp_path: Path, containers: Containers) -> None:
    (tmp_path / "pod").mkdir()
    (tmp_path / "pod" / "way").symlink_to("/etc")
    os.close(open_strictly(str(tmp_path / "pod")))
    with pytest.raises(OSError, match="`way` is a link"):
        open_strictly(str(tmp_path / "pod" / "way" / "passwd"))
    _, reported = containers.start("true", mounts=[mounted(tmp_path / "pod" / "way", "/x")])
    assert "is a link" in reported["error"]
