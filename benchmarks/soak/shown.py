"""A soak for a reader: tables and charts, from the JSON alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import verdict
from measuring import plot, sides, targets
from measuring.report import Document
from measuring.spread import minima, number, quantile
from measuring.table import table as _table

GROWTH = {
    "memory_mb": "memory, MB",
    "pss_mb": "PSS, MB",
    "rss_mb": "resident, MB",
    "heap_mb": "Go heap in use, MB",
    "goroutines": "goroutines",
    "descriptors": "descriptors",
    "database_mb": "database, MB",
    "wal_mb": "write-ahead log, MB",
}
# The mix's `watch` lasts a second by what it asks for: its time says nothing.
UNTIMED = {"watch"}
PLOTTED = ("get", "list", "create", "update")
FAULTS_SHOWN = 20


def table(document: Document) -> str:
    """What grew, how long requests took at the beginning and at the end, and what is to be shown."""
    samples = document["samples"]
    minutes = (samples[-1]["seconds"] if samples else 0) / verdict.MINUTE
    done = sum(one["count"] for part in document["reports"] for one in part["operations"].values())
    words = (
        f"{minutes:.1f} of {document['minutes']:g} min, seed {document['seed']}, "
        f"{document['clients']} clients, {document['rate']:g} requests a second asked and "
        f"{done / (minutes * verdict.MINUTE or 1):.1f} done; {document['durability']}"
    )
    parts = [words, _growth(document), _latencies(document["reports"]), _history(document)]
    judged = verdict.targets(document)
    said = "everything held" if targets.are_met(judged) else "NOT EVERYTHING HELD"
    if any(one.is_met is None for one in judged):
        said += " of what could be judged"
    if not document["complete"]:
        said += ", in a run that did not come to its end"
    return "\n\n".join([*parts, f"{targets.verdicts(judged)}\nverdict: {said}", sides.flags(document)])


def _growth(document: Document) -> str:
    samples, settle = document["samples"], document["settle"]
    rows = []
    for key, label in GROWTH.items():
        values = [y for _, y in verdict.series(samples, key)]
        if not values:
            continue
        found = verdict.slope_of(samples, key, settle)
        slopes = (number(found.value), number(found.upper)) if found else ("-", "-")
        rows.append(
            (label, number(values[0]), number(min(values)), number(max(values)), number(values[-1]), *slopes)
        )
    head = (
        f"slopes by minute, after {settle:g} min",
        "first",
        "least",
        "most",
        "last",
        "slope/h",
        "upper 95 %",
    )
    return _table(head, rows)


def _latencies(reports: Sequence[dict[str, Any]]) -> str:
    """The first and the last third of the run beside one another: medians of what each report gave."""
    third = max(len(reports) // 3, 1)
    rows = []
    for name in dict.fromkeys(name for one in reports for name in one["operations"]):
        known = [one["operations"][name] for one in reports if name in one["operations"]]
        cells = [str(sum(one["count"] for one in known)), str(sum(one["failed"] for one in known))]
        for part in (reports[:third], reports[-third:]):
            cells += _cells([one["operations"][name] for one in part if name in one["operations"]], name)
        rows.append((name, *cells))
    return _table(("ms: first and last third", "requests", "failed", "p50", "p99", "p50", "p99"), rows)


def _cells(known: Sequence[dict[str, Any]], name: str) -> list[str]:
    found = []
    for figure in ("p50_ms", "p99_ms"):
        values = [one[figure] for one in known if one["count"] and name not in UNTIMED]
        found.append(number(quantile(values, 0.5)) if values else "-")
    return found


def _history(document: Document) -> str:
    history, failed = document.get("history"), verdict.failures(document["reports"])
    lines = [f"  failed: {why} ({count})" for why, count in failed.items()]
    lines += [f"  not seen: {why}" for why in document.get("unseen", [])[:FAULTS_SHOWN]]
    if history is None:
        return "\n".join(["the history was not judged: the run was ended before its end", *lines])
    said = (
        f"{history['acknowledged']:,} of {history['writes']:,} recorded writes acknowledged, "
        f"{history['refused']:,} refused, {history['unknown']} not answered; {history['reads']:,} reads; "
        f"{history['events']:,} events in {history['watches']} watches; the checker found "
        f"{len(history['faults'])} faults"
    )
    lines += [f"  {fault['kind']}: {fault['text']}" for fault in history["faults"][:FAULTS_SHOWN]]
    return "\n".join([said, *lines])


def drawn(document: Document) -> str:
    """Memory with its slope, goroutines and descriptors, data, latencies: one below the other."""
    samples, settle = document["samples"], document["settle"]

    def line(key: str) -> plot.Points:
        return [(x / verdict.MINUTE, y) for x, y in verdict.series(samples, key)]

    def lines(title: str, unit: str, *keys: str, **dashed: plot.Points) -> plot.Lines:
        known = {GROWTH[key].partition(",")[0]: line(key) for key in keys if line(key)}
        return plot.Lines(title, "minutes", unit, known, dashed=dashed)

    slope = _sloped(document)
    where = f"anonymous memory; dashed: slope of the minutes' least, after {settle:g} min"
    charts = [
        lines(where, "MB", "memory_mb", "pss_mb", "heap_mb", **({"slope": slope} if slope else {})),
        lines("Goroutines", "", "goroutines"),
        lines("Descriptors", "", "descriptors"),
        lines("Data folder", "MB", "database_mb", "wal_mb"),
    ]
    for figure in ("p50_ms", "p99_ms"):
        series: dict[str, list[tuple[float, float]]] = {}
        for one in document["reports"]:
            for name in PLOTTED:
                if name in one["operations"] and one["operations"][name]["count"]:
                    at = one["seconds"] / verdict.MINUTE
                    series.setdefault(name, []).append((at, one["operations"][name][figure]))
        title = f"{figure.partition('_')[0]} of every ten seconds"
        charts.append(plot.Lines(title, "minutes", "ms", series))
    return plot.draw(*charts)


def _sloped(document: Document) -> list[tuple[float, float]]:
    """The two ends of the line through the minutes' least, where there is one."""
    samples, settle = document["samples"], document["settle"]
    found = verdict.slope_of(samples, "memory_mb", settle)
    if found is None:
        return []
    points = minima(verdict.settled(samples, "memory_mb", settle), verdict.MINUTE)
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    ends = (points[0][0], points[-1][0])
    return [(x / verdict.MINUTE, middle_y + found.value * (x - middle_x) / verdict.HOUR) for x in ends]
