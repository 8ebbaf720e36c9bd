"""Another server takes a cluster's data folder over, and gives it back."""

from __future__ import annotations

import os
import shutil

import pytest

from command_line import Sandkube
from faults.loading import UNCACHED, judged, load, progress
from faults.test_kine_scars import edited

# What kine makes of its table by itself, and servers up to 0.1 did.
INDEXES = {
    "kine_name_index": "(name)",
    "kine_id_deleted_index": "(id, deleted)",
    "kine_prev_revision_index": "(prev_revision)",
    "kine_id_compact_rev_key_with_prev_revision_index": "(id, name, prev_revision) "
    "WHERE name != 'compact_rev_key' AND prev_revision != 0",
}


def test_a_database_as_kine_makes_it(sandkube: Sandkube) -> None:
    """It is arranged as ours are, and all that was in it is there."""
    sandkube("up", "--durability", "fast", UNCACHED)
    with load(sandkube.api(), seed=80) as recorder:
        sandkube("down")
        with edited(sandkube) as database:
            for name, columns in INDEXES.items():
                database.execute(f"CREATE INDEX IF NOT EXISTS {name} ON kine {columns}")
        sandkube("up")
        progress(recorder, 30)
        recorder.stop()
        recorder.again()
    judged(recorder, least=50)
    sandkube("down")
    with edited(sandkube) as database:
        found = {name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'index'")}
        assert not found & set(INDEXES)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_there_and_back_again(sandkube: Sandkube) -> None:
    """From this server to another and back, once after a crash and once in good order."""
    other = os.environ.get("SANDKUBE_OTHER_SERVER")
    if not other or not shutil.which(other):
        pytest.skip("needs the server of another version: SANDKUBE_OTHER_SERVER names none")
    sandkube("up", UNCACHED)
    with load(sandkube.api(), seed=81) as recorder:
        progress(recorder, 50)
        sandkube.kill()
        sandkube("up", environ={"SANDKUBE_SERVER": other})
        progress(recorder, 50)
        sandkube("down")
        sandkube("up")
        progress(recorder, 50)
        recorder.stop()
        recorder.again()
    judged(recorder)
