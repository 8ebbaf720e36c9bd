"""Writes docs/reference/conformance.md from the results and the list: `python conformance/page.py`.

results.json is what `run.py --record` kept of the last whole run natively and in gVisor; the list is
no-node.txt and needs.toml. With --check nothing is written, and the exit status is 1 if the page is out of
date.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import listing
from outcomes import Expected, Outcome, Where, expected
from sandkube.errors import SandkubeError

RESULTS = listing.HERE / "results.json"
PAGE = listing.HERE.parent / "docs" / "reference" / "conformance.md"
_VERSION = 1


def record(outcomes: Sequence[Outcome], where: Where, seconds: float) -> None:
    """Keep what a whole run gave in results.json, and write the page."""
    document = _results()
    document[where] = {
        "minutes": round(seconds / 60, 1),
        "tests": {one.test: one.result for one in sorted(outcomes, key=lambda one: one.test)},
    }
    RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(document, listing.load(), expected()), encoding="utf-8")


def _results() -> dict[str, Any]:
    if not RESULTS.exists():
        return {"version": _VERSION}
    document: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return document


def page(results: dict[str, Any], found: listing.Listing, exceptions: Sequence[Expected]) -> str:
    """Give the page."""
    return "\n".join([*_head(results, found), *_table(results, found, exceptions), *_groups(found)]) + "\n"


def _head(results: dict[str, Any], found: listing.Listing) -> Iterator[str]:
    yield "<!-- written by conformance/page.py: do not edit -->"
    yield ""
    yield "# Conformance"
    yield ""
    count = len(found.no_node)
    yield f"Kubernetes {found.version} has {found.total} conformance tests: what calls itself Kubernetes has"
    yield f"to pass them. {found.total - count} of them need a node, and sandkube has none; the other {count}"
    yield "are run against a cluster of sandkube's, natively and in gVisor (systrap). The suite is upstream's"
    yield "own `e2e.test`, unchanged, built from the same modules as the server; kubectl is the server's."
    yield ""
    for where, words in (("native", "Natively"), ("gvisor", "In gVisor")):
        if where in results:
            tests = results[where]["tests"].values()
            passed = sum(result == "passed" for result in tests)
            yield f"- {words}: **{passed} of {len(tests)} passed**, in {results[where]['minutes']} minutes."
    yield ""
    yield "To run them yourself, in a checkout, with Go on `PATH`:"
    yield ""
    yield "```console"
    yield "$ uv run python conformance/run.py            # builds the suite at first, some minutes"
    yield "$ uv run python conformance/run.py --gvisor   # needs `runsc`: python3 tools/install_runsc.py"
    yield "$ uv run python conformance/run.py --quick    # what CI runs"
    yield "```"
    yield ""
    yield "This says nothing of certification: for that the whole suite has to pass, on nodes."
    yield ""


def _table(results: dict[str, Any], found: listing.Listing, exceptions: Sequence[Expected]) -> Iterator[str]:
    yield f"## The {len(found.no_node)} tests that need no node"
    yield ""
    yield "| Test | Natively | In gVisor |"
    yield "| --- | --- | --- |"
    for test in found.no_node:
        cells = [
            results.get(where, {}).get("tests", {}).get(test.name, "not run")
            for where in ("native", "gvisor")
        ]
        yield f"| {_escaped(test.name)} | {' | '.join(cells)} |"
    yield ""
    if exceptions:
        yield "## Why some do not pass"
        yield ""
        for one in exceptions:
            yield f"- {_escaped(one.test)} ({', '.join(one.where)}): {one.reason} (`{one.source}`)"
        yield ""


def _groups(found: listing.Listing) -> Iterator[str]:
    yield f"## The {found.total - len(found.no_node)} tests that need a node"
    yield ""
    yield "| Group | Tests | What they need it for |"
    yield "| --- | --- | --- |"
    for group in found.groups:
        anchor = group.title.lower().replace(" ", "-")
        yield f"| [{group.title}](#{anchor}) | {len(group.tests)} | {group.why} |"
    for group in found.groups:
        yield ""
        yield f"### {group.title}"
        yield ""
        yield group.why
        yield ""
        yield from (f"- {_escaped(test.name)}" for test in group.tests)


def _escaped(name: str) -> str:
    """A name for Markdown, with what it would take for itself."""
    for character in "\\`*_[]<>|":
        name = name.replace(character, f"\\{character}")
    return name


def main() -> int:
    """Write or check; give the exit status."""
    parser = argparse.ArgumentParser(prog="conformance/page.py", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, say whether it is up to date")
    options = parser.parse_args()
    try:
        wanted = page(_results(), listing.load(), expected())
    except SandkubeError as error:
        print(*listing.said(error), sep="\n", file=sys.stderr)
        return error.exit_code
    if options.check:
        fits = PAGE.exists() and PAGE.read_text(encoding="utf-8") == wanted
        print(
            f"{PAGE.name} is up to date"
            if fits
            else f"{PAGE.name} is out of date: python conformance/page.py"
        )
        return 0 if fits else 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
