"""Tables, plots, interleaving, and how a benchmark ends."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from measuring import plot, report
from measuring.report import Benchmark, CannotMeasureError, Kept
from measuring.rounds import interleaved, order
from measuring.table import table
from measuring.targets import Target

SVG = "{http://www.w3.org/2000/svg}"


def test_a_table_sets_figures_to_the_right() -> None:
    assert table(("what", "s"), [("start", "1.5"), ("a", "12.25")]) == (
        "what       s\nstart    1.5\na      12.25"
    )


def test_bars_are_as_high_as_their_values() -> None:
    drawn = ET.fromstring(
        plot.draw(plot.Bars("Start & <end>", "s", {"fresh": {"a": 2.0, "b": 4.0}, "seeded": {"a": 1.0}}))
    )
    bars = [one for one in drawn.iter(f"{SVG}rect") if one.find(f"{SVG}title") is not None]
    first, second, third = (float(one.attrib["height"]) for one in bars)
    assert second == pytest.approx(2 * first, rel=0.01)
    assert third == pytest.approx(first / 2, rel=0.01)
    assert bars[0].attrib["fill"] == bars[2].attrib["fill"] != bars[1].attrib["fill"]


def test_lines_run_from_left_to_right_and_up() -> None:
    drawn = ET.fromstring(plot.draw(plot.Lines("m", "min", "MB", {"memory": [(0, 10), (5, 20), (10, 40)]})))
    (line,) = drawn.iter(f"{SVG}polyline")
    points = [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert [y for _, y in points] == sorted((y for _, y in points), reverse=True)


def test_charts_lie_below_one_another() -> None:
    drawn = ET.fromstring(plot.draw(plot.Bars("a", "", {}), plot.Lines("b", "", "", {}, limit=3.0)))
    places = [one.attrib["transform"] for one in drawn.iter(f"{SVG}g")]
    assert places == ["translate(0,0)", f"translate(0,{plot.HEIGHT})"]
    assert drawn.attrib["viewBox"].split()[-1] == str(2 * plot.HEIGHT)


@pytest.mark.parametrize("chart", [plot.Bars("", "", {}), plot.Lines("", "", "", {"a": []})])
def test_a_plot_of_nothing_is_a_plot(chart: plot.Bars | plot.Lines) -> None:
    assert ET.fromstring(plot.draw(chart)).tag == f"{SVG}svg"


def test_what_is_over_the_top_is_drawn_at_the_top() -> None:
    drawn = ET.fromstring(plot.draw(plot.Lines("", "", "ms", {"a": [(0, 1), (1, 900)]}, top=3.0)))
    (line,) = drawn.iter(f"{SVG}polyline")
    assert line.attrib["points"].split()[1].endswith(f",{plot.TOP:.1f}")


def test_a_long_line_is_thinned_to_what_a_screen_shows_and_keeps_its_peaks() -> None:
    points = [(float(x), 1000.0 if x == 4321 else float(x % 7)) for x in range(10_000)]
    found = plot.thinned(points)
    assert len(found) <= plot.MOST_POINTS
    assert (4321.0, 1000.0) in found
    assert found == sorted(found)


def test_each_kind_is_first_in_turn_and_measured_once_a_round() -> None:
    asked: list[str] = []

    def measure(kind: str) -> int:
        asked.append(kind)
        return len(asked)

    rounds = list(interleaved(("a", "b", "c"), 4, measure))
    assert asked == ["a", "b", "c", "b", "c", "a", "c", "a", "b", "a", "b", "c"]
    assert rounds[1] == {"b": 4, "c": 5, "a": 6}
    assert order("ab", 1) == ["b", "a"]


def test_a_round_is_given_as_soon_as_it_is_whole() -> None:
    asked: list[str] = []
    rounds = interleaved(("a", "b"), 3, asked.append)
    next(rounds)
    assert asked == ["a", "b"]


def _benchmark(measure: Callable[[argparse.Namespace, Kept], None]) -> Benchmark:
    return Benchmark(
        "toy",
        "A toy.",
        measure,
        lambda document: f"it is {document['rounds']}",
        lambda document: f"<svg>{len(document['rounds'])}</svg>",
        lambda document: [Target("sum", sum(document["rounds"]), most=8)],
    )


def _run(
    measure: Callable[[argparse.Namespace, Kept], None], tmp_path: Path, *words: str
) -> tuple[int, dict[str, Any]]:
    """The exit status, and what is in the file."""
    benchmark, path = _benchmark(measure), tmp_path / "found.json"
    status = report.run(benchmark, benchmark.parser(rounds=3).parse_args(["--json", str(path), *words]))
    return status, json.loads(path.read_text()) if path.exists() else {}


def _seven(_chosen: argparse.Namespace, kept: Kept) -> None:
    kept.add(rounds=7)


def test_a_benchmark_writes_what_was_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, document = _run(_seven, tmp_path)
    assert status == 0
    assert (document["version"], document["rounds"], document["complete"]) == (report.VERSION, [7], True)
    assert "cores" in document["machine"]
    assert (tmp_path / "found.svg").read_text() == "<svg>1</svg>"
    shown = capsys.readouterr().out
    assert document["machine"] in shown
    assert shown.endswith("it is [7]\n")


@pytest.mark.parametrize(
    ("fault", "status"), [(KeyboardInterrupt(), 130), (CannotMeasureError("etcd ended with 1"), 2)]
)
def test_what_was_measured_before_the_end_is_kept_and_can_be_shown(
    fault: BaseException, status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_chosen: argparse.Namespace, kept: Kept) -> None:
        kept.add(rounds=1)
        kept.add(rounds=2)
        raise fault

    found, document = _run(fail, tmp_path)
    assert found == status
    assert (document["rounds"], document["complete"]) == ([1, 2], False)
    first = capsys.readouterr().out
    assert "before its time" in first
    again, _ = _run(_seven, tmp_path, "--from", str(tmp_path / "found.json"))
    assert again == 0
    assert capsys.readouterr().out == first


def test_a_run_that_is_killed_leaves_its_rounds(tmp_path: Path) -> None:
    """Nothing can be done at the end then; the file is of the last round."""
    kept = Kept({"version": report.VERSION}, tmp_path / "found.json")
    kept.add(rounds={"a": 1.23456789})
    kept.add(rounds={"a": float("nan")})
    assert json.loads((tmp_path / "found.json").read_text())["rounds"] == [{"a": 1.2346}, {"a": None}]
    assert [path.name for path in tmp_path.iterdir()] == ["found.json"]


def test_a_file_has_a_line_for_each_round() -> None:
    document = {"version": 2, "commands": {"a": ["b"]}, "rounds": [{"a": 1}, {"a": 2}], "none": []}
    text = report.text(document)
    assert json.loads(text) == document
    assert '\n  {"a": 1},\n  {"a": 2}\n' in text


def test_what_cannot_be_measured_is_said_and_no_file_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_chosen: argparse.Namespace, _kept: Kept) -> None:
        raise CannotMeasureError("etcd ended with 1")

    assert _run(fail, tmp_path) == (2, {})
    assert capsys.readouterr() == ("", "etcd ended with 1\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"), [("{}", "no benchmark's"), ('{"version": 2, "benchmark": "load"}', "benchmarks/load")]
)
def test_a_file_of_something_else_is_refused(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.json").write_text(text)
    assert _run(_seven, tmp_path, "--from", str(tmp_path / "other.json"))[0] == 2
    assert said in capsys.readouterr().err


def test_a_target_that_is_missed_is_a_failure_where_that_is_asked(tmp_path: Path) -> None:
    def nine(_chosen: argparse.Namespace, kept: Kept) -> None:
        kept.add(rounds=9)

    assert _run(nine, tmp_path)[0] == 0
    assert _run(nine, tmp_path, "--check")[0] == 1
    assert _run(_seven, tmp_path, "--check")[0] == 0


def test_less_than_a_round_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _benchmark(_seven).parser(rounds=3).parse_args(["--rounds", "0"])
    assert "at least 1" in capsys.readouterr().err
