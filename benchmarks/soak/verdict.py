"""What an hour of a soak has to show, and whether it did: figures with their bounds, from the JSON alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from measuring.report import Document
from measuring.spread import Slope, minima, quantile, slope
from measuring.targets import Target

HOUR, MINUTE = 3600.0, 60.0
LOST = {"acknowledged write lost", "wrong list"}
MISSED = {"event lost"}
MEMORY_MB_PER_HOUR = 5.0
# Flat: less than this share of what there is, an hour; so that one in forty is seen to come.
FLAT = 0.02
# Bounded: what the second half of the settled time needs at most, over what its first half did.
BOUNDED = 1.2
LEAST_MINUTES = 5  # of settled time; a slope of fewer says nothing
Samples = Sequence[dict[str, float | None]]


def targets(document: Document) -> list[Target]:
    """Every figure that is judged: first what was lost, then what grew."""
    return [*_sound(document), *_grown(document)]


def _sound(document: Document) -> list[Target]:
    history = document.get("history")
    failed = sum(failures(document.get("reports", [])).values())
    found = [
        Target("requests that failed", failed, most=0),
        Target("looks at the server that failed", len(document.get("unseen", [])), most=0),
    ]
    if history is None:
        why = "the history has no end"
        return [Target(what, None, most=0, why=why) for what in ("lost writes", "missed events")] + found
    kinds = [fault["kind"] for fault in history["faults"]]
    lost, missed = sum(kind in LOST for kind in kinds), sum(kind in MISSED for kind in kinds)
    return [
        Target("lost writes", lost, most=0),
        Target("missed events", missed, most=0),
        Target("other faults that the checker found", len(kinds) - lost - missed, most=0),
        Target("writes not answered", history["unknown"], most=0),
        Target("stretches that a watch had to pass over", history["jumps"], most=0),
        *found,
    ]


def _grown(document: Document) -> list[Target]:
    samples, settle = document["samples"], document["settle"]
    memory = slope_of(samples, "memory_mb", settle)
    why = f"less than {LEAST_MINUTES} min after the first {settle:g}"
    found = [
        Target(
            "memory: upper 95 % bound of the slope",
            memory.upper if memory else None,
            most=MEMORY_MB_PER_HOUR,
            unit="MB/h",
            why=why,
        )
    ]
    for key, label in (("goroutines", "goroutines"), ("descriptors", "descriptors")):
        grown = slope_of(samples, key, settle)
        level = _median(samples, key)
        most = round(max(level * FLAT, 1), 1)
        found.append(
            Target(f"{label}: slope", grown.value if grown else None, most=most, unit="per hour", why=why)
        )
    for key, label in (("database_mb", "database"), ("wal_mb", "write-ahead log")):
        if any(sample.get(key) for sample in samples):
            value = bounded(samples, key, settle) if memory else None
            found.append(
                Target(f"{label}: most in the last half / in the first", value, most=BOUNDED, why=why)
            )
    return found


def slope_of(samples: Samples, key: str, settle: float) -> Slope | None:
    """How much a figure grows in an hour, by the least of each minute after the first ``settle`` minutes.

    None where less than `LEAST_MINUTES` minutes are left.
    """
    points = minima(settled(samples, key, settle), MINUTE)
    return slope([(x / HOUR, y) for x, y in points]) if len(points) >= LEAST_MINUTES else None


def settled(samples: Samples, key: str, settle: float) -> list[tuple[float, float]]:
    """Seconds and value of all samples after the first ``settle`` minutes."""
    return [(x, y) for x, y in series(samples, key) if x >= settle * MINUTE]


def series(samples: Samples, key: str) -> list[tuple[float, float]]:
    """Seconds and value, where there is a value."""
    return [
        (seconds, value)
        for sample in samples
        if (seconds := sample["seconds"]) is not None and (value := sample.get(key)) is not None
    ]


def bounded(samples: Samples, key: str, settle: float) -> float | None:
    """The most of the second half of the settled time, over the most of its first half."""
    points = settled(samples, key, settle)
    if not points:
        return None
    middle = (points[0][0] + points[-1][0]) / 2
    halves = [[y for x, y in points if (x >= middle) is last] for last in (False, True)]
    return max(halves[1]) / max(halves[0]) if all(halves) and max(halves[0]) else None


def failures(reports: Sequence[dict[str, Any]]) -> dict[str, int]:
    """How many requests failed, by what was said."""
    found: dict[str, int] = {}
    for one in reports:
        for name, figures in one["operations"].items():
            if figures["failed"]:
                why = f"{name}: {figures.get('why', '').strip()[:160]}"
                found[why] = found.get(why, 0) + int(figures["failed"])
    return found


def _median(samples: Samples, key: str) -> float:
    values = [y for _, y in series(samples, key)]
    return quantile(values, 0.5) if values else 0.0
