"""Several commands at the same time."""

from __future__ import annotations

import json
import subprocess

from command_line import PATIENCE, Sandkube
from lengths import LONG


def ended(popen: subprocess.Popen[str]) -> str:
    """What a command that was started said; it must end well."""
    out, err = popen.communicate(timeout=PATIENCE)
    assert popen.returncode == 0, err
    assert "Traceback" not in err
    return out + err


def test_two_ups_of_one_cluster_start_one_server(sandkube: Sandkube) -> None:
    said = [ended(popen) for popen in [sandkube.start("up"), sandkube.start("up")]]
    assert sum("is Ready after" in one for one in said) >= 1
    assert sandkube.servers() == [sandkube.pid()]
    assert [event.event for event in sandkube.events()].count("starting") == 1


def test_clusters_start_at_once(sandkube: Sandkube) -> None:
    """Each has a port of its own."""
    names = [f"c{number}" for number in range(10 if LONG else 3)]
    for popen in [sandkube.start("up", name, "--durability", "fast") for name in names]:
        ended(popen)
    found = json.loads(sandkube("list", "-o", "json").stdout)["clusters"]
    assert [one["name"] for one in found] == sorted(names)
    assert {one["state"] for one in found} == {"running"}
    assert len({one["port"] for one in found}) == len({one["pid"] for one in found}) == len(names)
    for name in names:
        assert sandkube.api(name)("GET", "/readyz") == (200, "ok")


def test_up_and_down_at_once_end_in_one_of_the_two(sandkube: Sandkube) -> None:
    sandkube("up", "--durability", "fast")
    for popen in [sandkube.start("down"), sandkube.start("up"), sandkube.start("down")]:
        ended(popen)
    state = sandkube.status(status=0 if sandkube.servers() else 1)["state"]
    assert state == ("running" if sandkube.servers() else "stopped")
    sandkube("up")
    assert sandkube.servers() == [sandkube.pid()]


def test_two_deletes_at_once(sandkube: Sandkube) -> None:
    """The one that comes second finds nothing to do, or nothing at all."""
    sandkube("up", "--durability", "fast")
    both = [sandkube.start("delete"), sandkube.start("delete")]
    said = [popen.communicate(timeout=PATIENCE)[1] for popen in both]
    assert min(popen.returncode for popen in both) == 0
    for popen, err in zip(both, said, strict=True):
        assert popen.returncode == 0 or "There is no cluster `default`" in err, err
    assert sandkube.servers() == []
    assert not sandkube.folder().exists()
