"""How long a start takes: ours, and the same Kubernetes as four processes on etcd; N rounds, interleaved.

`python benchmarks/start --rounds 20` prints tables on stdout; `--json FILE` keeps every figure. Each round
measures each kind of start once, in an order that moves on from round to round:

* ours from the template, as a restart, and cold (without a template);
* four processes fresh, seeded (on a copy of a data folder that was served before), and as a restart;
* etcd and kube-apiserver alone, fresh, as envtest runs them: never Ready, since there are no controllers.

One poller outside of all of them says when: `readyz` is the first 200 of /readyz, `ready` is that, the
service account `default` and `kube-root-ca.crt`; `usable` is that a namespace made then has both of its own;
in seconds from exec of the first process. `cpu` is in CPU-seconds, up to usable. Certificates are made
beforehand for all. Ours is besides measured as typed: `own ready` is by the server's own clock
(events.jsonl), which waits for more than the poller does; `up` and `down` are from exec of the command to its
exit. `--ours` leaves the others out.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import starting
from measuring import plot, processes, report, sides, targets
from measuring.report import Benchmark, Document, Kept
from measuring.rounds import interleaved
from measuring.spread import Ratio, Spread, number, ratio
from measuring.table import table as _table
from measuring.targets import Target

TYPED = ("template", "restart", "cold")
OURS = tuple(f"{sides.OURS}, {kind}" for kind in TYPED)
THEIRS = (*(f"{sides.FOUR}, {kind}" for kind in ("fresh", "seeded", "restart")), f"{sides.ENVTEST}, fresh")
POLLED = ("readyz", "ready", "usable", "cpu", "stop")
FIGURES = ("ready", "up", "down")
# What is compared, and the least that ours has to be faster by (issue: proof).
COMPARED = (
    (f"{sides.FOUR}, fresh", f"{sides.OURS}, template", "ready", 5.0),
    (f"{sides.FOUR}, seeded", f"{sides.OURS}, template", "ready", 3.0),
    (f"{sides.FOUR}, fresh", f"{sides.OURS}, template", "usable", None),
    (f"{sides.FOUR}, seeded", f"{sides.OURS}, template", "usable", None),
    (f"{sides.FOUR}, restart", f"{sides.OURS}, restart", "usable", None),
    (f"{sides.FOUR}, fresh", f"{sides.OURS}, cold", "ready", None),
    (f"{sides.ENVTEST}, fresh", f"{sides.OURS}, template", "readyz", None),
)
# What ours aims at for itself, on two cores (issue: proof, speed): of a start from the template, in seconds.
AIMS = (("ready", "ours: own ready, template", 0.5), ("up", "ours: up as typed, template", 0.8))
IDLE_MB, IDLE_PERCENT, DATA_MB = 130.0, 1.0, 20.0
HOW = {"template": "fresh", "seeded": "seeded data", "cold": "without template"}


def main() -> int:
    """Run the rounds; give the exit status."""
    parser = BENCHMARK.parser(rounds=20, durability="fast")
    parser.add_argument(
        "--idle",
        type=float,
        default=30,
        metavar="SECONDS",
        help="memory and CPU of ours after this long; 0: not",
    )
    parser.add_argument("--ours", action="store_true", help="measure ours alone")
    return report.run(BENCHMARK, parser.parse_args())


def measure(chosen: argparse.Namespace, kept: Kept) -> None:
    """All rounds, and what was started by which flags."""
    with tempfile.TemporaryDirectory(prefix="sandkube-bench-") as folder:
        root = Path(folder)
        bench = starting.Bench.make(root / "typed")
        names = (sides.OURS,) if chosen.ours else sides.SIDES
        there = {name: sides.prepare(name, root, durability=chosen.durability) for name in names}
        seed = None if chosen.ours else _seed(there[sides.FOUR], root / "seed")
        kinds = _kinds(there, seed)
        kept.note(server=bench.server_version(), **sides.started(there))
        for one in interleaved(list(kinds), chosen.rounds, lambda kind: kinds[kind]()):
            kept.add(rounds=one)
        for typed in interleaved(TYPED, chosen.rounds, bench.measure):
            kept.add(typed=typed)
        if chosen.idle:
            report.say(f"idle for {chosen.idle:.0f} s")
            kept.note(idle=bench.idle(chosen.idle))


def _kinds(
    there: Mapping[str, sides.Side], seed: Path | None
) -> dict[str, Callable[[], dict[str, float | None]]]:
    """Each kind of start by its name."""
    ours = there[sides.OURS]
    found: dict[str, Callable[[], dict[str, float | None]]] = {
        OURS[0]: lambda: _fresh(ours),
        OURS[1]: lambda: _restart(ours),
        OURS[2]: lambda: _fresh(ours, template=False),
    }
    if seed is not None:
        four, envtest = there[sides.FOUR], there[sides.ENVTEST]
        found[THEIRS[0]] = lambda: _fresh(four)
        found[THEIRS[1]] = lambda: _seeded(four, seed)
        found[THEIRS[2]] = lambda: _restart(four)
        found[THEIRS[3]] = lambda: _fresh(envtest)
    return found


def _seed(side: sides.Side, target: Path) -> Path:
    """Serve once, and keep the data folder."""
    report.say(f"making the data folder for seeded starts of {side.name}")
    with side.running():
        pass
    shutil.copytree(side.data, target)
    return target


def _fresh(side: sides.Side, *, template: bool = True) -> dict[str, float | None]:
    side.clear()
    return _once(side, template=template)


def _seeded(side: sides.Side, seed: Path) -> dict[str, float | None]:
    side.seed(seed)
    return _once(side)


def _restart(side: sides.Side) -> dict[str, float | None]:
    with side.running():
        pass
    return _once(side)


def _once(side: sides.Side, *, template: bool = True) -> dict[str, float | None]:
    running = side.start(template=template)
    try:
        spent = processes.cpu_seconds(running.pids)
    finally:
        stopped = running.stop()
    return {**asdict(running.reached), "cpu": spent, "stop": stopped}


def table(document: Document) -> str:
    """The report for a reader: medians between the extremes, ratios, and the phases of a start of ours."""
    rounds, typed = document["rounds"], document.get("typed", [])
    parts = [
        f"{document['server']}; {len(rounds)} rounds, interleaved; {document['durability']}",
        _table(
            ("by one poller outside; s: median (least to most)", *POLLED),
            [(kind, *(_cell(rounds, kind, figure) for figure in POLLED)) for kind in rounds[0]],
        ),
    ]
    if THEIRS[0] in rounds[0]:
        parts.append(_table(("how many times as fast (95 % range)", "ratio"), _ratios(rounds)))
    if typed:
        parts.append(
            _table(
                ("ours as typed; s: median (least to most)", "own ready", "up", "down"),
                [(kind, *(_cell(typed, kind, figure) for figure in FIGURES)) for kind in TYPED],
            )
        )
        parts.append(_phases(typed))
    if document.get("idle"):
        parts.append(_idle(document["idle"]))
    if found := judged(document):
        parts.append(targets.verdicts(found))
    return "\n\n".join([*parts, sides.flags(document)])


def judged(document: Document) -> Sequence[Target]:
    """What is to be shown beside the four processes, and what ours aims at for itself."""
    rounds, typed, idle = document["rounds"], document.get("typed", []), document.get("idle")
    found = [
        targets.at_least(f"{figure}: {_named(below, above)}, times as fast", _faster(rounds, one), least)
        for one in COMPARED
        if (least := one[3]) and one[0] in rounds[0]
        for above, below, figure, _ in [one]
    ]
    if typed:
        found += [
            Target(label, Spread.of(_values(typed, "template", figure)).median, most=most, unit="s")
            for figure, label, most in AIMS
        ]
    if idle:
        found.append(Target("ours: anonymous memory, idle", idle["anonymous_mb"], most=IDLE_MB, unit="MB"))
        found.append(Target("ours: CPU, idle", idle["cpu_percent"], most=IDLE_PERCENT, unit="% of a core"))
        found.append(_data(idle))
    return found


def _data(idle: Mapping[str, float]) -> Target:
    """The data folder is to be looked at after an hour."""
    hour = 3600
    value = idle["data_mb"] if idle["seconds"] >= hour else None
    why = f"idle for {idle['seconds']:.0f} s; --idle {hour} is asked"
    return Target("ours: data folder after an idle hour", value, most=DATA_MB, unit="MB", why=why)


def drawn(document: Document) -> str:
    """Medians as bars."""
    rounds = document["rounds"]
    groups: dict[str, dict[str, float]] = {}
    for kind in rounds[0]:
        side, _, how = kind.partition(", ")
        figure = "readyz" if side == sides.ENVTEST else "ready"
        name = f"{side} (/readyz)" if side == sides.ENVTEST else side
        groups.setdefault(HOW.get(how, how), {})[name] = Spread.of(_values(rounds, kind, figure)).median
    charts = [plot.Bars(f"From exec to Ready, medians of {len(rounds)} rounds", "s", groups)]
    if typed := document.get("typed"):
        commands = {
            kind: {figure: Spread.of(_values(typed, kind, figure)).median for figure in ("up", "down")}
            for kind in TYPED
        }
        charts.append(plot.Bars("sandkube as typed, medians", "s", commands))
    return plot.draw(*charts)


def _ratios(rounds: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [
        (f"{figure}: {below} against {above}", str(_faster(rounds, one)))
        for one in COMPARED
        for above, below, figure, _ in [one]
    ]


def _faster(rounds: list[dict[str, Any]], one: tuple[str, str, str, float | None]) -> Ratio:
    above, below, figure, _ = one
    return ratio(_values(rounds, above, figure), _values(rounds, below, figure))


def _named(below: str, above: str) -> str:
    return f"{below} against {above}"


def _cell(rounds: list[dict[str, Any]], kind: str, figure: str) -> str:
    values = _values(rounds, kind, figure)
    return str(Spread.of(values)) if values else "-"


def _values(rounds: list[dict[str, Any]], kind: str, figure: str) -> list[float]:
    return [one[kind][figure] for one in rounds if one[kind][figure] is not None]


def _phases(rounds: list[dict[str, Any]]) -> str:
    rows = []
    for phase in rounds[0]["template"]["phases"]:
        known = (
            [one[kind]["phases"][phase] for one in rounds if phase in one[kind]["phases"]] for kind in TYPED
        )
        rows.append((phase, *(number(Spread.of(values).median) if values else "-" for values in known)))
    return _table(("phases of ours, s since exec, medians", *TYPED), rows)


def _idle(idle: dict[str, float]) -> str:
    return (
        f"after {idle['seconds']:.0f} s idle: {number(idle['anonymous_mb'])} MB anonymous, "
        f"{idle['rss_mb']:.0f} MB resident, {idle['cpu_percent']:.1f} % of a core, "
        f"{idle['data_mb']:.1f} MB in the data folder"
    )


BENCHMARK = Benchmark("start", __doc__, measure, table, drawn, judged)

if __name__ == "__main__":
    sys.exit(main())
