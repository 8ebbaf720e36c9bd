"""Tables, plots, interleaving, and how a benchmark ends."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from measuring import plot, report
from measuring.report import CannotMeasureError
from measuring.rounds import interleaved, order
from measuring.table import table

SVG = "{http://www.w3.org/2000/svg}"


def test_a_table_sets_figures_to_the_right() -> None:
    assert table(("what", "s"), [("start", "1.5"), ("a", "12.25")]) == (
        "what       s\nstart    1.5\na      12.25"
    )


def test_bars_are_as_high_as_their_values() -> None:
    drawn = ET.fromstring(
        plot.bars("Start & <end>", "s", {"fresh": {"a": 2.0, "b": 4.0}, "seeded": {"a": 1.0}})
    )
    bars = [one for one in drawn.iter(f"{SVG}rect") if one.find(f"{SVG}title") is not None]
    first, second, third = (float(one.attrib["height"]) for one in bars)
    assert second == pytest.approx(2 * first, rel=0.01)
    assert third == pytest.approx(first / 2, rel=0.01)
    assert bars[0].attrib["fill"] == bars[2].attrib["fill"] != bars[1].attrib["fill"]


def test_lines_run_from_left_to_right_and_up() -> None:
    drawn = ET.fromstring(plot.lines("m", "min", "MB", {"memory": [(0, 10), (5, 20), (10, 40)]}))
    (line,) = drawn.iter(f"{SVG}polyline")
    points = [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert [y for _, y in points] == sorted((y for _, y in points), reverse=True)


@pytest.mark.parametrize("draw", [lambda: plot.bars("", "", {}), lambda: plot.lines("", "", "", {"a": []})])
def test_a_plot_of_nothing_is_a_plot(draw: object) -> None:
    assert callable(draw)
    assert ET.fromstring(draw()).tag == f"{SVG}svg"


def test_each_kind_is_first_in_turn_and_measured_once_a_round() -> None:
    asked: list[str] = []

    def measure(kind: str) -> int:
        asked.append(kind)
        return len(asked)

    rounds = interleaved(("a", "b", "c"), 4, measure)
    assert asked == ["a", "b", "c", "b", "c", "a", "c", "a", "b", "a", "b", "c"]
    assert rounds[1] == {"b": 4, "c": 5, "a": 6}
    assert order("ab", 1) == ["b", "a"]


def _chosen(tmp_path: Path) -> argparse.Namespace:
    return argparse.Namespace(json=tmp_path / "found.json", plot=tmp_path / "plots")


def test_a_benchmark_writes_what_was_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = report.run(
        _chosen(tmp_path),
        lambda _: {"value": 7},
        lambda document: f"it is {document['value']}",
        lambda _: {"p": "x"},
    )
    assert status == 0
    document = json.loads((tmp_path / "found.json").read_text())
    assert (document["version"], document["value"]) == (report.VERSION, 7)
    assert "cores" in document["machine"]
    assert (tmp_path / "plots" / "p.svg").read_text() == "x"
    shown = capsys.readouterr().out
    assert document["machine"] in shown
    assert shown.endswith("it is 7\n")


def test_what_cannot_be_measured_is_said_and_no_file_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: argparse.Namespace) -> report.Document:
        raise CannotMeasureError("etcd ended with 1")

    assert report.run(_chosen(tmp_path), fail, str) == 2
    assert capsys.readouterr().err == "etcd ended with 1\n"
    assert list(tmp_path.iterdir()) == []


def test_less_than_a_round_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        report.options("x", "A doc.", rounds=3).parse_args(["--rounds", "0"])
    assert "at least 1" in capsys.readouterr().err
