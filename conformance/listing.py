"""Which of upstream's conformance tests need no node: `python conformance/listing.py` writes no-node.txt.

Upstream's list is `test/conformance/testdata/conformance.yaml` in the module k8s.io/kubernetes, in Go's
module cache; needs.toml says which of them need a node, group by group, and what for. What is written is
names alone. With --check nothing is written, and the exit status is 1 if no-node.txt is out of date.
"""

from __future__ import annotations

import argparse
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandkube.errors import SandkubeError, UsageError

HERE = Path(__file__).resolve().parent
NEEDS = HERE / "needs.toml"
NO_NODE = HERE / "no-node.txt"
QUICK = HERE / "quick.txt"
UPSTREAM = "test/conformance/testdata/conformance.yaml"
TESTS = "test/e2e/"

_HEAD = """\
# Upstream conformance tests of Kubernetes {version} that need no node: {count} of {total}.
# Written by conformance/listing.py from upstream's own list and needs.toml: do not edit.
"""


class MisfitError(UsageError):
    """needs.toml does not fit upstream's list; the message names the group, the file and the phrase."""


@dataclass(frozen=True, slots=True)
class Test:
    """One of upstream's tests: its name, and its file below test/e2e."""

    name: str
    file: str


@dataclass(frozen=True, slots=True)
class Group:
    """Tests that need a node for one and the same reason."""

    id: str
    title: str
    why: str
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """All of upstream's conformance tests: those that need no node, and the groups of the others."""

    version: str
    no_node: tuple[Test, ...]
    groups: tuple[Group, ...]

    @property
    def total(self) -> int:
        """How many conformance tests upstream has."""
        return len(self.no_node) + sum(len(group.tests) for group in self.groups)


def kubernetes_version(go_mod: str) -> str:
    """Give the version of k8s.io/kubernetes (`v1.37.2`) that a go.mod requires."""
    found = re.search(r"k8s\.io/kubernetes (v\S+)", go_mod)
    if found is None:
        raise UsageError("conformance/go.mod does not require `k8s.io/kubernetes`.")
    return found[1]


def upstream(module: Path) -> list[Test]:
    """Every conformance test that the module in this folder lists, by name."""
    path = module / UPSTREAM
    try:
        document: list[dict[str, str]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"Upstream's list {path} cannot be read: {error.strerror}.",
            hint="cd conformance && go mod download k8s.io/kubernetes",
        ) from error
    return sorted(
        (Test(one["codename"].strip(), one["file"].removeprefix(TESTS)) for one in document),
        key=lambda test: test.name,
    )


def sort_out(tests: Sequence[Test], needs: Mapping[str, Any], version: str) -> Listing:
    """Put each test into the one group that names it, or among those that need no node.

    Raises MisfitError where a file or a phrase fits no test, where a phrase of `tests` fits several, and
    where a test is in two groups.
    """
    groups = tuple(_group(one, tests) for one in needs["group"])
    taken: dict[Test, str] = {}
    for group in groups:
        for test in group.tests:
            if test in taken:
                raise MisfitError(f"`{test.name}` is in the groups `{taken[test]}` and `{group.id}`.")
            taken[test] = group.id
    return Listing(version, tuple(test for test in tests if test not in taken), groups)


def _group(one: Mapping[str, Any], tests: Sequence[Test]) -> Group:
    found: list[Test] = []
    used = set()
    for place in one.get("whole", ()):
        there = [test for test in tests if test.file == place or test.file.startswith(_folder(place))]
        if not there:
            raise MisfitError(f"Group `{one['id']}`: upstream has no conformance test in `{place}`.")
        for test in there:
            but = [phrase for phrase in one.get("but", ()) if phrase in test.name]
            used.update(but)
            found += [] if but else [test]
    for phrase in one.get("but", ()):
        if phrase not in used:
            raise MisfitError(f"Group `{one['id']}`: `but` names `{phrase}`, which fits no test.")
    for file, phrases in one.get("tests", {}).items():
        found += [_the_one(tests, file, phrase, one["id"]) for phrase in phrases]
    return Group(one["id"], one["title"], one["why"], tuple(sorted(found, key=lambda test: test.name)))


def _folder(place: str) -> str:
    return place if place.endswith("/") else "\0"


def _the_one(tests: Sequence[Test], file: str, phrase: str, group: str) -> Test:
    found = [test for test in tests if test.file == file and phrase in test.name]
    if len(found) != 1:
        raise MisfitError(f"Group `{group}`: `{phrase}` fits {len(found)} tests of `{file}`, not one.")
    return found[0]


def text(listing: Listing) -> str:
    """Give no-node.txt."""
    count = len(listing.no_node)
    head = _HEAD.format(version=listing.version, count=count, total=listing.total)
    return head + "".join(f"{test.name}\n" for test in listing.no_node)


def names(path: Path) -> list[str]:
    """The names in a list, one a line; lines that begin with `#` are comments."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"The list {path} cannot be read: {error.strerror}.") from error
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def load() -> Listing:
    """The listing of this checkout: go.mod's Kubernetes, as it lies in Go's module cache."""
    version = kubernetes_version((HERE / "go.mod").read_text(encoding="utf-8"))
    return sort_out(upstream(_module()), read_toml(NEEDS), version)


def read_toml(path: Path) -> dict[str, Any]:
    """What a TOML file holds; UsageError where it cannot be read."""
    # Python 3.10 has no reader of its own; there tomli comes with pytest.
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        document: dict[str, Any] = toml.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # what is no TOML is a ValueError
        raise UsageError(f"{path} cannot be read: {error}.") from error
    return document


def _module() -> Path:
    """Where Go keeps k8s.io/kubernetes; it is fetched if it is not there."""
    command = ["go", "mod", "download", "-json", "k8s.io/kubernetes"]
    try:
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    except OSError as error:
        raise UsageError("`go` is not on PATH, and upstream's list comes as a Go module.") from error
    found = re.search(r'"Dir": "(.*)"', done.stdout)
    if done.returncode != 0 or found is None:
        raise UsageError(f"`{' '.join(command)}` failed: {(done.stderr or done.stdout).strip()}")
    return Path(found[1])


def said(error: SandkubeError) -> Iterator[str]:
    """Yield an error's lines, as they are printed."""
    yield f"Error: {error.message}"
    if error.tail:
        yield error.tail
    if error.hint:
        yield f"hint: {error.hint}"


def main() -> int:
    """Write or check; give the exit status."""
    parser = argparse.ArgumentParser(prog="conformance/listing.py", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, say whether it is up to date")
    options = parser.parse_args()
    try:
        listing = load()
    except SandkubeError as error:
        print(*said(error), sep="\n", file=sys.stderr)
        return error.exit_code
    wanted = text(listing)
    for group in listing.groups:
        print(f"{len(group.tests):4}  {group.title}: {group.why}")
    print(f"{len(listing.no_node):4}  need no node, of {listing.total}")
    if options.check:
        fits = NO_NODE.read_text(encoding="utf-8") == wanted
        print("no-node.txt is up to date" if fits else "no-node.txt is out of date")
        return 0 if fits else 1
    NO_NODE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
