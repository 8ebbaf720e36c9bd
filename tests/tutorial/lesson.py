"""A lesson of the tutorial, followed to the letter: its commands are run, and what they print is compared.

    python tests/tutorial/lesson.py docs/tutorial/*.md             follow the lessons, as a reader does
    python tests/tutorial/lesson.py --update docs/tutorial/*.md    and write what was printed into the pages

It needs `sandkube` and bash on PATH, and nothing of Python but its standard library: it also runs in
sandboxes where there is no pytest. Exit status: 0 all is as shown, 1 something is not, 2 it could not be
tried.

How a page is read:

- A fenced block ``console`` holds commands, each behind `$ ` (and `> ` in the lines that continue it), and
  below each what it prints, stdout and stderr together.
- A fenced block ``bash`` is one command without prompts, to be pasted whole. It prints nothing.
- `…` in a shown line stands for what is different each time; alone in a line, for any lines or none.
- `[exit status 1]` below what is printed says that the command ends with this status. Where nothing is said,
  it ends with 0.
- Lines are the same if they differ only in how many spaces are between their words: columns are as wide as
  what is in them. Spaces at the beginning of a line count.
- Blocks ``text`` and ``yaml`` and Sphinx's directives are not run. Any other language is refused: a reader
  would take it for something that is.

A lesson is followed in one bash, in a folder that is empty when it begins. Its cluster is the one named
`default`, in a state folder that is not the person's own.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import secrets
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ANYTHING = "…"
PATIENCE = 180.0
LAST_COMPLAINTS = 20

_FENCE = re.compile(r"^( {0,3})(`{3,}|~{3,})\s*(\S*)(.*)$")
_STATUS = re.compile(r"^\[exit status (\d+)\]$")
_COMPLAINT = re.compile(r"[WEF]\d{4} ")
_NOT_RUN = re.compile(r"text|yaml|\{[\w-]+\}")
_OF_THE_PERSON = re.compile(r"(KUBE|HELM_|SANDKUBE_(?!SERVER$|CACHE_DIR$)).*|BASH_ENV|ENV|PS\d")


class LessonError(Exception):
    """A page that cannot be followed to its end: it cannot be read, or a command of it does not end."""


@dataclass(frozen=True)
class Step:
    """One command and what the page says of it: ``line`` is the command's, ``first`` that of what it prints.

    ``shown`` are the lines from ``first`` on without the line of the exit status; ``last`` is the line behind
    all of them. Lines count from 1. ``may_show`` is False for blocks that have no room for output.
    """

    line: int
    command: str
    shown: tuple[str, ...]
    status: int
    first: int
    last: int
    may_show: bool = True


@dataclass(frozen=True)
class Happened:
    """What a command printed, line by line, and its exit status."""

    printed: tuple[str, ...]
    status: int


@dataclass(frozen=True)
class Mismatch:
    """Where a page says something else than what happened."""

    page: Path
    step: Step
    happened: Happened
    line: int
    expected: str
    got: str

    def __str__(self) -> str:
        all_of_it = "\n".join(f"    {line}" for line in self.happened.printed)
        return (
            f"{self.page}:{self.line}: not as shown\n"
            f"  command:  {self.step.command}\n  expected: {self.expected}\n  got:      {self.got}\n"
            f"  all it printed (exit status {self.happened.status}):\n{all_of_it}"
        )


def steps(text: str) -> list[Step]:
    """Give the commands of a page in their order. LessonError names the line of what cannot be read."""
    found: list[Step] = []
    for language, first, lines in _blocks(text):
        if language == "console":
            found += _console(first, lines)
        elif language == "bash":
            last = first + len(lines)
            found.append(Step(first, "\n".join(lines), (), 0, last, last, may_show=False))
        elif not _NOT_RUN.fullmatch(language):
            raise LessonError(
                f"line {first - 1}: `{language}` is not run; write `console`, `bash`, `text` or `yaml`"
            )
    return found


def read(page: Path) -> list[Step]:
    """Give the commands of a file; LessonError names it."""
    try:
        return steps(page.read_text(encoding="utf-8"))
    except (LessonError, OSError, UnicodeDecodeError) as error:
        raise LessonError(f"{page}: {error}") from None


def _blocks(text: str) -> Iterator[tuple[str, int, list[str]]]:
    """Give language, number of the first line and lines of each fenced block."""
    opened: tuple[str, str, int, int] | None = None
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        fence = _FENCE.match(line)
        if opened is None:
            if fence:
                opened = (fence[2], fence[3], number + 1, len(fence[1]))
                lines = []
        elif fence and fence[2].startswith(opened[0]) and not fence[3]:
            yield opened[1], opened[2], lines
            opened = None
        else:
            lines.append(line[opened[3] :] if line[: opened[3]].isspace() else line)
    if opened is not None:
        raise LessonError(f"line {opened[2] - 1}: this block has no end")


def _console(first: int, lines: Sequence[str]) -> list[Step]:
    starts = [at for at, line in enumerate(lines) if line.startswith("$ ")]
    if not starts or starts[0] != 0:
        raise LessonError(f"line {first}: a `console` block begins with a command, `$ …`")
    return [
        _step(first + at, lines[at:end]) for at, end in zip(starts, [*starts[1:], len(lines)], strict=True)
    ]


def _step(line: int, lines: Sequence[str]) -> Step:
    words = 1
    while words < len(lines) and (lines[words].startswith("> ") or lines[words] == ">"):
        words += 1
    shown, status = list(lines[words:]), 0
    if shown and (said := _STATUS.match(shown[-1])):
        status = int(said[1])
        shown.pop()
    command = "\n".join(part[2:] for part in lines[:words])
    return Step(line, command, tuple(shown), status, line + words, line + len(lines))


def first_difference(shown: Sequence[str], printed: Sequence[str]) -> tuple[int, int] | None:
    """Give which shown line and which printed line are the first that do not fit; None if all do.

    Either may be one past the end: a line too few, or too many.
    """
    at: set[int] = _past_anything(
        shown, {0}
    )  # how many shown lines can be used up by what was printed so far
    for number, line in enumerate(printed):
        following = {
            index if _is_anything(shown[index]) else index + 1
            for index in at
            if index < len(shown) and (_is_anything(shown[index]) or same(shown[index], line))
        }
        if not following:
            return max(at), number
        at = _past_anything(shown, following)
    return None if len(shown) in at else (max(at), len(printed))


def _past_anything(shown: Sequence[str], indexes: set[int]) -> set[int]:
    """``indexes``, and where one gets from them past lines that need not stand for any."""
    reached = set(indexes)
    for index, line in enumerate(shown):
        if index in reached and _is_anything(line):
            reached.add(index + 1)
    return reached


def _is_anything(line: str) -> bool:
    return line.strip() == ANYTHING


def same(shown: str, printed: str) -> bool:
    """Whether a printed line is what a shown one says."""
    pattern = ".*".join(re.escape(_spaced(part)) for part in _spaced(shown).split(ANYTHING))
    return re.fullmatch(pattern, _spaced(printed)) is not None


def _spaced(line: str) -> str:
    """``line`` with one space where there are several, but for those at its beginning."""
    bare = line.lstrip(" ")
    return line[: len(line) - len(bare)] + re.sub(r"[ \t]+", " ", bare).rstrip(" ")


def compare(page: Path, step: Step, happened: Happened) -> Mismatch | None:
    """Give the first thing in which ``happened`` is not what the page shows; None if there is nothing."""
    different = first_difference(step.shown, happened.printed)
    if different is not None:
        shown_at, printed_at = different
        expected = step.shown[shown_at] if shown_at < len(step.shown) else "(nothing more)"
        got = happened.printed[printed_at] if printed_at < len(happened.printed) else "(nothing more)"
        line = min(step.first + shown_at, step.last) if step.shown else step.line
        return Mismatch(page, step, happened, line, expected, got)
    if step.status != happened.status:
        expected, got = f"exit status {step.status}", f"exit status {happened.status}"
        return Mismatch(page, step, happened, step.line, expected, got)
    return None


class Shell:
    """A bash in ``folder``, to which commands are given one after the other."""

    def __init__(self, folder: Path, environ: Mapping[str, str], *, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._scratch = tempfile.TemporaryDirectory(prefix="sk-l-")
        self._mark = f"@@{secrets.token_hex(8)}"
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # what it leaves behind is found by its group
        )

    def run(self, command: str) -> Happened:
        """Run ``command`` to its end. LessonError if that does not come, or bash ends with it."""
        file = Path(self._scratch.name, "command")
        file.write_text(command + "\n", encoding="utf-8")
        assert self._bash.stdin is not None
        try:
            self._bash.stdin.write(f". {file} </dev/null; printf '\\n{self._mark} %s\\n' $?\n".encode())
            self._bash.stdin.flush()
        except BrokenPipeError:
            raise LessonError("bash has ended") from None
        printed, _, status = self._until_mark().partition(f"\n{self._mark} ")
        return Happened(tuple(printed.splitlines()), int(status))

    def close(self) -> None:
        """End bash and what runs in it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.communicate()
        self._scratch.cleanup()

    def _until_mark(self) -> str:
        assert self._bash.stdout is not None
        deadline, data, end = time.monotonic() + self._patience, b"", self._mark.encode()
        with selectors.DefaultSelector() as selector:
            selector.register(self._bash.stdout, selectors.EVENT_READ)
            while not (end in data and data.endswith(b"\n")):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise LessonError(f"no end after {self._patience:.0f} s; so far:\n{_text(data)}")
                more = os.read(self._bash.stdout.fileno(), 65536)
                if not more:
                    raise LessonError(f"bash ended; so far:\n{_text(data)}")
                data += more
        return _text(data)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def environment(root: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Give the environment of a lesson's shell: nothing of the person's own, and folders below ``root``."""
    kept = {name: value for name, value in environ.items() if not _OF_THE_PERSON.fullmatch(name)}
    helm = {f"HELM_{kind}_HOME": str(root / "helm" / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
    plain = {"LC_ALL": "C.UTF-8", "TERM": "dumb", "KUBERC": "off"}
    return {**kept, **helm, **plain, "SANDKUBE_STATE_DIR": str(root / "state")}


def follow(
    page: Path,
    root: Path,
    environ: Mapping[str, str],
    *,
    patience: float = PATIENCE,
    to_the_end: bool = False,
) -> tuple[list[tuple[Step, Happened]], list[Mismatch]]:
    """Follow a page, until something is not as shown or ``to_the_end``: what was done, and what is not so.

    ``root`` is the folder for all that is made; lessons with the same one share their cluster. LessonError
    names the page and the line where it cannot go on.
    """
    done: list[tuple[Step, Happened]] = []
    mismatches: list[Mismatch] = []
    todo = read(page)
    folder = Path(tempfile.mkdtemp(prefix=f"{page.stem}-", dir=root))
    with contextlib.closing(Shell(folder, environment(root, environ), patience=patience)) as shell:
        for step in todo:
            try:
                happened = shell.run(step.command)
            except LessonError as error:
                raise LessonError(f"{page}:{step.line}: `{step.command}`: {error}") from None
            done.append((step, happened))
            if mismatch := compare(page, step, happened):
                mismatches.append(mismatch)
                if not to_the_end:
                    break
    return done, mismatches


def updated(text: str, done: Sequence[tuple[Step, Happened]]) -> str:
    """Give the page with what was printed, where that is not as shown.

    Shown lines that fit stay, with their `…`, but not those that are nothing else. LessonError where a block
    has no room for what was printed.
    """
    lines = text.splitlines()
    for step, happened in reversed(done):
        if compare(Path(), step, happened) is None:
            continue
        if not step.may_show:
            raise LessonError(f"line {step.line}: this `bash` block should print nothing and end with 0")
        shown = _kept(step.shown, happened.printed)
        if happened.status:
            shown.append(f"[exit status {happened.status}]")
        lines[step.first - 1 : step.last - 1] = shown
    return "\n".join(lines) + "\n"


def _kept(shown: Sequence[str], printed: Sequence[str]) -> list[str]:
    """The printed lines, each as it was shown where a shown one fits it."""
    if first_difference(shown, printed) is None:
        return list(shown)
    left = [line for line in shown if not _is_anything(line)]
    result = []
    for line in printed:
        fitting = next((at for at, known in enumerate(left) if same(known, line)), None)
        result.append(line.expandtabs().rstrip() if fitting is None else left[fitting])
        if fitting is not None:
            del left[: fitting + 1]
    return result


def forget(root: Path, environ: Mapping[str, str]) -> None:
    """Delete the cluster of the lessons below ``root``, if there is one."""
    if any((root / "state").glob("clusters/*")):
        command = ["sandkube", "delete", "--quiet"]
        subprocess.run(command, env=environment(root, environ), capture_output=True, check=False)


def complaints(root: Path) -> list[str]:
    """Give the last warnings and errors in the server's log: what the lesson's cluster had to say."""
    lines = [
        line
        for log in sorted((root / "state").glob("clusters/*/server.log"))
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
        if _COMPLAINT.match(line)
    ]
    return lines[-LAST_COMPLAINTS:]


def main(arguments: Sequence[str] | None = None) -> int:
    """Follow the lessons that are named, one after the other, on one cluster."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("pages", nargs="+", type=Path, metavar="PAGE")
    parser.add_argument("--update", action="store_true", help="write what was printed into the pages")
    parser.add_argument(
        "--patience", type=float, default=PATIENCE, metavar="SECONDS", help="how long a command may take"
    )
    given = parser.parse_args(arguments)
    try:
        pages = [page for page in given.pages if read(page)]
    except LessonError as error:
        print(error, file=sys.stderr)
        return 2
    for command in ("bash", "sandkube"):
        if shutil.which(command) is None:
            print(f"There is no `{command}` on PATH.", file=sys.stderr)
            return 2
    root = Path(tempfile.mkdtemp(prefix="sk-"))
    began = time.monotonic()
    try:
        bad = [page for page in pages if not _tell(page, root, given.patience, update=given.update)]
    finally:
        forget(root, os.environ)
        shutil.rmtree(root, ignore_errors=True)
    print(f"{len(pages)} lessons, {len(bad)} not as shown, {time.monotonic() - began:.1f} s")
    return 1 if bad else 0


def _tell(page: Path, root: Path, patience: float, *, update: bool) -> bool:
    """Follow one page and say how it went: whether it is as shown, or is now.

    After one that is not, the cluster is deleted: the next does not begin with what this one left behind.
    """
    began = time.monotonic()
    try:
        done, mismatches = follow(page, root, os.environ, patience=patience, to_the_end=update)
        if update and mismatches:
            page.write_text(updated(page.read_text(encoding="utf-8"), done), encoding="utf-8")
            print(f"{page}: {len(mismatches)} commands rewritten", flush=True)
            return True
    except LessonError as error:
        print(error, file=sys.stderr)
        mismatches = None
    for mismatch in mismatches or []:
        print(mismatch, file=sys.stderr)
    if mismatches == []:
        print(f"{page}: {len(done)} commands as shown, {time.monotonic() - began:.1f} s", flush=True)
        return True
    print("".join(f"  {line}\n" for line in complaints(root)), end="", file=sys.stderr)
    forget(root, os.environ)
    return False


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
