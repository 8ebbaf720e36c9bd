"""The benchmarks themselves at their shortest, on real servers: SANDKUBE_LONG=1 (five minutes, a build)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lengths import LONG

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"

pytestmark = [
    pytest.mark.skipif(not LONG, reason="takes five minutes and Go: SANDKUBE_LONG=1"),
    pytest.mark.timeout(1200),
]


def _run(name: str, *options: str | Path, json_file: Path) -> tuple[subprocess.CompletedProcess[str], Any]:
    line = [sys.executable, str(BENCHMARKS / name), *map(str, options), "--json", str(json_file)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert json_file.is_file(), done.stderr
    return done, json.loads(json_file.read_text())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("start", ("--rounds", "1", "--idle", "1")),
        ("memory", ("--rounds", "1", "--idle", "1", "--objects", "50", "--clusters", "2")),
        ("latency", ("--rounds", "1", "--seconds", "0.5", "--clients", "1", "4")),
        ("load", ("--rounds", "1", "--seconds", "1", "--begin", "100", "--near", "4")),
    ],
)
def test_each_gives_its_tables_its_figures_and_its_plot(
    name: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    done, document = _run(name, *options, json_file=tmp_path / "found.json")
    assert done.returncode == 0, done.stderr
    assert document["complete"]
    assert len(document["rounds"]) == 1
    assert "to show" in done.stdout
    assert "--leader-elect=false" in done.stdout
    assert (tmp_path / "found.svg").read_text().startswith("<svg")


def test_a_soak_loses_nothing_and_repeats_what_its_seed_says(tmp_path: Path) -> None:
    options = ("--minutes", "0.4", "--seed", "7")
    done, document = _run("soak", *options, json_file=tmp_path / "found.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "verdict: everything held" in done.stdout
    assert document["history"]["faults"] == []
    assert document["history"]["acknowledged"] > 100
    assert document["history"]["events"] > document["history"]["acknowledged"]  # two watches
    asked = {name for one in document["reports"] for name in one["operations"]}
    assert {"get", "list", "create", "update", "delete", "contend", "secret"} <= asked
    assert {"goroutines", "descriptors", "database_mb", "wal_mb"} <= document["samples"][0].keys()


def test_a_soak_that_is_ended_half_way_is_judged_up_to_then(tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    line = [sys.executable, str(BENCHMARKS / "soak"), "--minutes", "30", "--json", str(file)]
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as soak:
        assert soak.stderr is not None
        while "memory" not in (said := soak.stderr.readline()):
            assert said, "it ended by itself"
        os.killpg(soak.pid, signal.SIGINT)  # as Ctrl-C in a terminal
        shown, _ = soak.communicate(timeout=120)
    assert soak.returncode == 130
    document = json.loads(file.read_text())
    assert (document["complete"], document["history"]["faults"]) == (False, [])
    assert "before its time" in shown
    assert (tmp_path / "found.svg").is_file()
