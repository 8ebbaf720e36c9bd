"""What each benchmark shows of its JSON: tables with verdicts, plots; and what is kept of it in the docs."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from measuring import report, sides
from measuring.report import Benchmark

ROOT = Path(__file__).resolve().parents[3]
BENCHMARKS = ROOT / "benchmarks"
HEAD: dict[str, Any] = {
    "version": report.VERSION,
    "complete": True,
    "command": "python benchmarks/x --rounds 3",
    "machine": "a machine, 2 cores",
    "begun": "2026-11-24T12:00:00Z",
    "load_before": 0.1,
    "durability": sides.classes("fast"),
    "commands": {sides.OURS: ["sandkube-server run"], sides.FOUR: ["etcd", "kube-apiserver"]},
    "took_seconds": 60.0,
    "stolen_seconds": 0.0,
}


def _start(ours: float = 0.5) -> dict[str, Any]:
    def one(seconds: float) -> dict[str, float | None]:
        return {"readyz": seconds / 2, "ready": seconds, "usable": seconds, "cpu": seconds, "stop": 0.2}

    took = {
        "ours, template": ours,
        "ours, restart": ours,
        "ours, cold": 2.0,
        "four processes, fresh": 5.0,
        "four processes, seeded": 2.0,
        "four processes, restart": 2.0,
    }
    kinds = {kind: one(seconds) for kind, seconds in took.items()}
    kinds["etcd + apiserver, fresh"] = {**one(3.0), "ready": None, "usable": None}
    typed = {
        kind: {"up": 0.7, "down": 0.4, "ready": 0.4, "phases": {"ready": 0.4}}
        for kind in ("template", "restart", "cold")
    }
    idle = {"seconds": 30.0, "anonymous_mb": 120.0, "rss_mb": 250.0, "cpu_percent": 0.5, "data_mb": 1.0}
    return {"server": "sandkube-server 1", "rounds": [kinds] * 6, "typed": [typed] * 6, "idle": idle}


def _memory(ours: float = 120.0) -> dict[str, Any]:
    def look(value: float) -> dict[str, float]:
        return {"pss": value, "anonymous": value, "rss": value * 2}

    one = {sides.OURS: {"idle": look(ours)}, sides.FOUR: {"idle": look(300.0)}}
    many = {sides.OURS: look(ours), sides.FOUR: look(300.0)}
    return {"idle_seconds": 30.0, "clusters": 10, "rounds": [one] * 3, "at_once": [many]}


def _latency(ours: float = 2.0) -> dict[str, Any]:
    def asked(took: float) -> dict[str, Any]:
        figures = {"count": 9, "failed": 0, "per_second": 1000 / took, "p50_ms": took, "p99_ms": 2 * took}
        kinds = dict.fromkeys(("get", "list", "create", "patch", "watch"), figures)
        return {"1": {"operations": kinds, "seconds": 5.0, "driver_cpu_seconds": 1.0, "cpu_seconds": 4.0}}

    return {"seconds": 5.0, "rounds": [{sides.OURS: asked(ours), sides.FOUR: asked(3.0)}] * 5}


def _load(ours: float = 900.0) -> dict[str, Any]:
    def tried(rate: float, *, held: bool) -> dict[str, Any]:
        return {
            "rate": rate, "achieved": rate if held else 300.0, "held": held, "wall_seconds": 12.0,
            "requests": {"count": 9, "failed": 0, "p50_ms": 3.0, "p99_ms": 9.0 if held else 4000.0},
            "unanswered": 0 if held else 64, "unsent": 0 if held else 700,
            "cpu_seconds": 12.0, "driver_cpu_seconds": 6.0,
        }  # fmt: skip

    def searched(rate: float) -> dict[str, Any]:
        return {"held": rate, "tried": [tried(rate, held=True), tried(2 * rate, held=False)]}

    return {
        "seconds": 10.0,
        "clients": 64,
        "rounds": [{sides.OURS: searched(ours), sides.FOUR: searched(800)}] * 3,
    }


def _compare(ours: float = 1.0) -> dict[str, Any]:
    figures = ("ready", "up", "restart", "status", "down", "anonymous", "resident")
    one = {"v1": dict.fromkeys(figures, 1.0), "work tree": dict.fromkeys(figures, ours)}
    return {"before": "v1", "after": "work tree", "idle_seconds": 10.0, "rounds": [one] * 5}


def _gvisor(ours: float = 1.0) -> dict[str, Any]:
    kinds = {"native": 0.9, "gvisor, host's files": ours, "gvisor, tmpfs": 1.0}
    one = {kind: dict.fromkeys(("ready", "up", "down"), seconds) for kind, seconds in kinds.items()}
    return {"server": "sandkube-server 1", "runsc": "runsc version 1", "rounds": [one] * 3}


def _benchmark(name: str, monkeypatch: pytest.MonkeyPatch) -> Benchmark:
    """As `python benchmarks/NAME` has it, whose own folder is the first on the path."""
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS / name), *sys.path])
    found = runpy.run_path(str(BENCHMARKS / name / "__main__.py"), run_name="shown")["BENCHMARK"]
    assert isinstance(found, Benchmark)
    return found


def _written(folder: Path, name: str, measured: dict[str, Any]) -> Path:
    path = folder / f"{name}.json"
    path.write_text(report.text({**HEAD, "benchmark": name, **measured}))
    return path


@pytest.mark.parametrize(
    ("name", "good", "bad", "said"),
    [
        (
            "start",
            _start(),
            _start(1.5),
            "ready: ours, template against four processes, fresh, times as fast",
        ),
        ("memory", _memory(), _memory(200.0), "idle: PSS, ours / theirs"),
        ("latency", _latency(), _latency(9.0), "1 client(s), create: p99, ms"),
        ("load", _load(), _load(400.0), "rate held, ours / theirs"),
        ("compare", _compare(), _compare(2.0), "up, s"),
        ("gvisor", _gvisor(), _gvisor(2.0), "gvisor, host's files: ready  "),
    ],
)
def test_what_the_targets_ask_is_shown_met_or_not(
    name: str, good: dict[str, Any], bad: dict[str, Any], said: str,
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    benchmark = _benchmark(name, monkeypatch)
    plot = tmp_path / "plot.svg"
    verdicts = []
    for measured in (good, bad):
        words = ["--from", str(_written(tmp_path, name, measured)), "--plot", str(plot), "--check"]
        status = report.run(benchmark, benchmark.parser().parse_args(words))
        shown = capsys.readouterr().out
        (line,) = (line for line in shown.splitlines() if line.startswith(said) and "met" in line)
        verdicts.append((status, "not met, by " in line))
    assert verdicts == [(0, False), (1, True)]
    assert ET.fromstring(plot.read_text()).tag.endswith("svg")


def test_a_start_that_was_ended_before_it_was_typed_is_shown(tmp_path: Path) -> None:
    measured = {key: value for key, value in _start().items() if key not in {"typed", "idle"}}
    path = _written(tmp_path, "start", {**measured, "complete": False})
    done = subprocess.run(
        [
            sys.executable,
            str(BENCHMARKS / "start"),
            "--from",
            str(path),
            "--plot",
            str(tmp_path / "plot.svg"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "before its time" in done.stdout
    assert "10.00 (10.00 to 10.00)" in done.stdout


def test_the_page_and_the_plots_are_those_of_the_results_kept() -> None:
    line = [sys.executable, str(BENCHMARKS / "publish"), "--check"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_result_is_kept_with_its_table_and_its_plot(tmp_path: Path) -> None:
    publish = runpy.run_path(str(BENCHMARKS / "publish" / "__main__.py"), run_name="publish")
    results = {"load": _written(tmp_path, "load", _load()), "memory": _written(tmp_path, "memory", _memory())}
    written = dict(publish["files"](results))
    plots = BENCHMARKS / "plots"
    assert {plots / "load.svg", plots / "memory.svg"} <= set(written)
    page = written[publish["PAGE"]]
    assert page.index("### memory") < page.index("### load")
    assert "rate held, ours / theirs" in page
    assert json.loads(written[BENCHMARKS / "results" / "load.json"])["rounds"]


def test_a_run_that_was_ended_is_not_kept(tmp_path: Path) -> None:
    path = _written(tmp_path, "load", {**_load(), "complete": False})
    line = [sys.executable, str(BENCHMARKS / "publish"), "--check", str(path)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (done.returncode, "ended before its time" in done.stderr) == (2, True)
