"""Keep the results that count: `python benchmarks/publish start.json soak-gvisor.json`.

Each file is the JSON of a run. It is kept as benchmarks/results/NAME.json, drawn as
benchmarks/plots/NAME.svg, and its table is written into docs/reference/benchmarks.md between the two marks
that say so. Without files all is written anew from what is kept. With `--check` nothing is written, and the
exit status is 1 if something is out of date. Tables and plots are those that `python benchmarks/NAME --from
FILE` gives.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import report, sides
from measuring.report import CannotMeasureError, Document

ROOT = Path(__file__).resolve().parents[2]
RESULTS, PLOTS = ROOT / "benchmarks" / "results", ROOT / "benchmarks" / "plots"
PAGE = ROOT / "docs" / "reference" / "benchmarks.md"
BEGIN = "<!-- written by benchmarks/publish: do not edit up to the next mark -->"
END = "<!-- end of what benchmarks/publish writes -->"
ORDER = ("start", "memory", "latency", "load", "gvisor", "validate", "soak", "compare")
NONE = "No results are kept yet."


def main() -> int:
    """Write, or compare; give the exit status."""
    parser = argparse.ArgumentParser(
        prog="benchmarks/publish", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="results to keep")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if something is out of date")
    chosen = parser.parse_args()
    try:
        kept = {path.stem: path for path in sorted(RESULTS.glob("*.json"))}
        fresh = {path.stem: _accepted(path) for path in chosen.files}
        written = dict(files(kept | {name: path for name, (path, _) in fresh.items()}))
    except CannotMeasureError as error:
        report.say(str(error))
        return report.FAILED
    stale = [path for path, text in written.items() if not path.is_file() or path.read_text() != text]
    stale += [path for path in PLOTS.glob("*.svg") if path not in written]
    if chosen.check:
        for path in stale:
            report.say(f"out of date: {path.relative_to(ROOT)}; run `python benchmarks/publish`")
        return report.MISSED if stale else report.FINE
    for path in stale:
        report.say(str(path.relative_to(ROOT)))
        if path in written:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(written[path], encoding="utf-8")
        else:
            path.unlink()
    return report.FINE


def _accepted(path: Path) -> tuple[Path, Document]:
    """A result that can be kept. CannotMeasureError for a run that did not come to its end."""
    document = report.load(path)
    if not document["complete"]:
        raise CannotMeasureError(f"{path} is of a run that was ended before its time; it is not kept.")
    return path, document


def files(results: Mapping[str, Path]) -> Iterator[tuple[Path, str]]:
    """Every file that is written, and what it holds."""
    parts = []
    documents = {name: report.load(path) for name, path in results.items()}
    for name in sorted(documents, key=lambda name: (ORDER.index(documents[name]["benchmark"]), name)):
        table, drawn = shown(documents[name]["benchmark"], results[name])
        parts.append(section(name, documents[name], table))
        yield RESULTS / f"{name}.json", results[name].read_text(encoding="utf-8")
        yield PLOTS / f"{name}.svg", drawn
    yield PAGE, page(PAGE.read_text(encoding="utf-8"), parts)


def shown(benchmark: str, path: Path) -> tuple[str, str]:
    """The table and the plot of a result. CannotMeasureError where its benchmark does not understand it."""
    with tempfile.TemporaryDirectory(prefix="sandkube-bench-") as folder:
        plot = Path(folder) / "plot.svg"
        command = [
            sys.executable,
            str(ROOT / "benchmarks" / benchmark),
            "--from",
            str(path),
            "--plot",
            str(plot),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not plot.is_file():
            raise CannotMeasureError(f"{path} cannot be shown: {done.stderr.strip()}")
        return done.stdout, plot.read_text(encoding="utf-8")


def section(name: str, document: Document, table: str) -> str:
    """A result's part of the page. What was started is in that of `start` alone: it is the same for all."""
    text = table if document["benchmark"] == "start" else table.partition(f"\n{sides.STARTED}")[0]
    return (
        f"### {name}\n\n`{document['command']}`\n\n![{name}](../../benchmarks/plots/{name}.svg)\n\n"
        f"```text\n{text.strip()}\n```"
    )


def page(text: str, parts: Sequence[str]) -> str:
    """The page with these parts between its marks. CannotMeasureError where it has no marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise CannotMeasureError(f"{PAGE} has no marks {BEGIN!r} and {END!r}.")
    return "\n\n".join([before + BEGIN, *(parts or [NONE]), END + after])


if __name__ == "__main__":
    sys.exit(main())
