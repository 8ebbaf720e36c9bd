from __future__ import annotations

from pathlib import Path

import pytest

from sandkube.cluster import state as states
from sandkube.cluster.state import Found, Run
from sandkube.errors import StateCorrupt
from sandkube.plane.events import Event
from sandkube.plane.folder import ClusterFolder
from sandkube.plane.process import Identity

PROCESS = Identity(7, "1@boot")
RUN = Run(PROCESS, 6443, 10, 20)


@pytest.mark.parametrize(
    ("process", "run", "told", "state"),
    [
        (PROCESS, RUN, [], "starting"),
        (PROCESS, RUN, ["starting", "ready"], "running"),
        (PROCESS, None, ["starting", "ready"], "running"),
        (PROCESS, RUN, ["starting", "ready", "stopping"], "stopping"),
        (PROCESS, RUN, ["starting", "failed"], "stopping"),
        (None, None, [], "stopped"),
        (None, None, ["starting", "ready", "stopping"], "stopped"),
        (None, RUN, ["starting", "ready", "stopping", "stopped"], "stopped"),
        (None, RUN, ["starting", "ready"], "crashed"),
        (None, RUN, ["starting", "failed"], "crashed"),
        (None, RUN, [], "crashed"),
    ],
)
def test_the_word_for_what_is_found(
    process: Identity | None, run: Run | None, told: list[str], state: str
) -> None:
    assert Found(process, run, [Event(name) for name in told]).state == state


@pytest.fixture
def folder(tmp_path: Path) -> ClusterFolder:
    made = ClusterFolder.of(tmp_path, "demo")
    made.create()
    return made


def test_run_json_gives_back_what_it_took(folder: ClusterFolder) -> None:
    assert states.read_run(folder) is None
    states.write_run(folder, RUN)
    assert states.read_run(folder) == RUN


@pytest.mark.parametrize("content", ["{}", '{"version": 2}', '{"version": 1, "pid": "x"}', "[]", ""])
def test_a_run_json_that_cannot_be_understood(folder: ClusterFolder, content: str) -> None:
    folder.run.write_text(content)
    with pytest.raises(StateCorrupt) as caught:
        states.read_run(folder)
    assert "sandkube down demo" in (caught.value.hint or "")
    assert states.observe_anyhow(folder).state == "stopped"


def test_an_owner_that_cannot_be_read_is_none(folder: ClusterFolder) -> None:
    assert states.read_owner(folder) is None
    states.write_owner(folder, PROCESS)
    assert states.read_owner(folder) == PROCESS
    folder.owner.write_text("{")
    assert states.read_owner(folder) is None


def test_a_process_of_the_events_must_serve_this_cluster(folder: ClusterFolder, me: Identity) -> None:
    folder.events.write_text(f'{{"event": "starting", "pid": {me.pid}}}\n')
    assert states.observe(folder).process is None


def test_the_last_words_begin_with_a_panic(folder: ClusterFolder) -> None:
    folder.stderr.write_text("panic: no\n" + "goroutine\n" * 100)
    folder.log.write_text("old\n" * 5 + "new\n")
    assert states.last_words(folder, Run(PROCESS, 1, 0, 20))[0] == "panic: no"
    assert states.last_words(folder, Run(PROCESS, 1, 0, 20))[-1] == "new"
    assert "old" not in states.last_words(folder, Run(PROCESS, 1, 0, 20))
