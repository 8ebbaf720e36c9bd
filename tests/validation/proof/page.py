"""The tables: as text, and in the docs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from validation.proof.scoring import Score

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "reference" / "validation-proof.md"
BEGIN = "<!-- written by tests/validation/proof: do not edit up to the next mark -->"
END = "<!-- end of what tests/validation/proof writes -->"
_COLUMNS = ("found", "missed", "passed", "false alarms")


def document(
    scores: Mapping[str, Score], tools: Mapping[str, Counter[str]], chosen: Mapping[str, Any], seconds: float
) -> dict[str, Any]:
    """What is kept of a run."""
    return {
        "version": 1,
        "seed": chosen["seed"],
        "count": chosen["count"],
        "seconds": round(seconds, 1),
        "scores": {
            kind: {
                "texts": one.count,
                "faulty": one.faulty,
                "missed": list(one.missed),
                "false alarms": list(one.false_alarms),
                "wrong line": list(one.wrong_line),
                "with two faults": one.twice,
                "one of two not named": list(one.one_named),
                "met": one.met,
            }
            for kind, one in scores.items()
        },
        "tools": {tool: {column: tally[column] for column in _COLUMNS} for tool, tally in tools.items()},
    }


def table(found: Mapping[str, Any]) -> str:
    """Both tables, as Markdown."""
    rows = ["| | mutants | corpus |", "| --- | --- | --- |"]
    both = [found["scores"][kind] for kind in ("mutant", "corpus")]
    for label in ("texts", "faulty", "missed", "false alarms"):
        values = [len(one[label]) if isinstance(one[label], list) else one[label] for one in both]
        rows.append(f"| {label} | {values[0]} | {values[1]} |")
    for label, less, of in (
        ("right line", "wrong line", "faulty"),
        ("both named", "one of two not named", "with two faults"),
    ):
        shares = [_share(one[of] - len(one[less]), one[of]) for one in both]
        rows.append(f"| {label}, of those {of} | {shares[0]} | {shares[1]} |")
    rows += ["", f"| tool | {' | '.join(_COLUMNS)} |", "| --- | --- | --- | --- | --- |"]
    for tool, tally in found["tools"].items():
        rows.append(f"| {tool} | {' | '.join(str(tally[column]) for column in _COLUMNS)} |")
    for label in ("missed", "false alarms", "wrong line", "one of two not named"):
        names = [name for one in both for name in one[label]]
        rows += ["", f"{label.capitalize()}: {', '.join(names)}."] if names else []
    return "\n".join(rows)


def publish(found: Mapping[str, Any]) -> None:
    """Write the tables into the docs."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(f"{BEGIN}\n")
    _, _, after = rest.partition(f"{END}\n")
    said = f"`just mutants --seed {found['seed']} --count {found['count']}`, {found['seconds']} s:"
    PAGE.write_text(f"{before}{BEGIN}\n\n{said}\n\n{table(found)}\n\n{END}\n{after}", encoding="utf-8")


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole}, {100 * part / whole:.1f} %" if whole else "none"
