from __future__ import annotations

import os
from pathlib import Path

import pytest

from sandkube import cluster
from sandkube.cluster import state as states
from sandkube.cluster import stop
from sandkube.config import Request
from sandkube.errors import ClusterNotFound, Locked, StateUnusable
from sandkube.plane import process
from sandkube.plane.process import Identity

pytestmark = pytest.mark.usefixtures("stand_in")


def test_down_stops_and_can_be_said_again() -> None:
    pid = cluster.up("demo").status.pid or 0
    done = cluster.down("demo").stop
    assert done is not None
    assert done.how == "stopped"
    assert process.identity(pid) is None
    assert cluster.down("demo").stop is None
    assert cluster.status("demo").state == "stopped"


def test_down_kills_what_does_not_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.up("demo", Request(api_server_args=("--stand-in=ignores-term",)))
    monkeypatch.setattr(stop, "TERM_SECONDS", 0.05)
    done = cluster.down("demo").stop
    assert done is not None
    assert done.how == "killed"


def test_what_is_not_there() -> None:
    for function in (cluster.down, cluster.delete, cluster.status):
        with pytest.raises(ClusterNotFound, match="no cluster `demo`") as caught:
            function("demo")
        assert caught.value.hint == "sandkube up demo"
    cluster.up("other")
    with pytest.raises(ClusterNotFound, match="there are: other"):
        cluster.status("demo")


def test_delete_stops_and_removes_everything() -> None:
    status = cluster.up("demo").status
    cluster.delete("demo")
    assert process.identity(status.pid or 0) is None
    assert not status.folder.exists()
    assert cluster.list_clusters() == []


@pytest.mark.parametrize("name", ["spec", "run"])
def test_delete_needs_no_file_to_be_whole(name: str) -> None:
    status = cluster.up("demo").status
    path: Path = getattr(cluster.folder_of("demo"), name)
    path.write_text("{")
    cluster.delete("demo")
    assert process.identity(status.pid or 0) is None
    assert not status.folder.exists()


def test_delete_names_the_kubeconfigs_that_still_know_it(home: Path) -> None:
    from sandkube import kubeconfig

    text = cluster.up("demo").status.kubeconfig.read_text()
    file = home / ".kube" / "config"
    kubeconfig.merge(text, [file])
    assert cluster.delete("demo").merged_into == (file,)


def test_a_folder_of_somebody_else_is_not_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.up("demo")
    other = os.getuid() + 1
    with monkeypatch.context() as patch:
        patch.setattr(os, "getuid", lambda: other)
        with pytest.raises(StateUnusable):
            cluster.delete("demo")
    assert cluster.status("demo").running


def test_left_overs_of_throw_away_clusters_are_swept(me: Identity) -> None:
    gone = Identity(me.pid, "1@before")
    for name, owner in (
        ("throwaway-gone", gone),
        ("throwaway-wanted", me),
        ("throwaway-none", None),
        ("kept", gone),
    ):
        folder = cluster.folder_of(name)
        folder.create()
        if owner:
            states.write_owner(folder, owner)
    stop.sweep()
    assert [found.name for found in cluster.list_clusters()] == ["kept", "throwaway-wanted"]


def test_a_left_over_whose_server_still_runs_is_left(me: Identity) -> None:
    cluster.up("throwaway-running")
    states.write_owner(cluster.folder_of("throwaway-running"), Identity(me.pid, "1@before"))
    stop.sweep()
    assert cluster.status("throwaway-running").running


def test_a_server_of_another_machine_is_neither_seen_nor_hurt(
    me: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "_ORPHAN_SECONDS", 0.1)
    name = "throwaway-elsewhere"
    folder = cluster.folder_of(name)
    pid = cluster.up(name).status.pid or 0
    kept = folder.run.read_bytes(), folder.events.read_bytes()
    states.write_run(folder, states.Run(Identity(pid, "1@another-boot"), 1))
    folder.events.unlink()
    stop.sweep()
    with pytest.raises(Locked, match=rf"is served by python\S* \(pid {pid}\), which sandkube did not start"):
        cluster.down(name)
    monkeypatch.setattr(process, "holder_of", lambda _: None)
    for function in (cluster.down, cluster.delete, cluster.up):
        with pytest.raises(Locked, match="cannot be seen from here"):
            function(name)
    folder.run.write_bytes(kept[0])
    folder.events.write_bytes(kept[1])
    assert cluster.status(name).running
