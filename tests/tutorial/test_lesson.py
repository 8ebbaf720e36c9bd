"""What follows the lessons: it sees each way in which a page can be wrong. No cluster is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tutorial import lesson

ENVIRON = {"PATH": "/usr/bin:/bin", "KUBECONFIG": "/of/the/person", "SANDKUBE_SERVER": "/a/server"}


def console(*lines: str) -> str:
    return "\n".join(["```console", *lines, "```", ""])


def page(folder: Path, text: str) -> Path:
    path = folder / "page.md"
    path.write_text(text, encoding="utf-8")
    return path


def wrong(folder: Path, text: str) -> lesson.Mismatch | None:
    """The first thing in ``text`` that is not so."""
    _, mismatches = lesson.follow(page(folder, text), folder, ENVIRON)
    return mismatches[0] if mismatches else None


@pytest.mark.parametrize(
    "text",
    [
        console("$ echo hello", "hello"),
        console("$ true"),
        console("$ echo out; echo err >&2", "out", "err"),
        console("$ printf 'no newline'", "no newline"),
        console("$ printf 'a\\n\\nb\\n'", "a", "", "b"),
        console("$ echo 'NAME      AGE'", "NAME  AGE"),
        console("$ printf 'A\\tB  \\n'", "A  B"),
        console("$ false", "[exit status 1]"),
        console("$ echo no; (exit 7)", "no", "[exit status 7]"),
        console("$ echo web-5fc9f4bf66-8fg9b 12s", "web-… …"),
        console("$ seq 5", "1", "…", "5"),
        console("$ seq 5", "…", "3", "…"),
        console("$ seq 2", "1", "…", "2", "…"),
        console("$ true", "…"),
        console("$ echo 'a (b) [c] *'", "a (b) [c] *"),
        console("$ cat <<END", "> hello", ">", "> you", "> END", "hello", "", "you"),
        console("$ x=1", "$ echo $x", "1"),
        console("$ mkdir inner; cd inner", "$ basename $PWD", "inner"),
        console("$ cat", "$ echo still here", "still here"),
        "```bash\ncat > file <<'END'\na\nEND\n```\n" + console("$ cat file", "a"),
        console("$ ls -A"),
        console('$ echo "${KUBECONFIG:-none} $SANDKUBE_SERVER"', "none /a/server"),
        console("$ for n in 1 2", "> do echo $n", "> done", "1", "2"),
        "```text\n$ rm -r /\n```\n\n```{toctree}\nrm\n```\n",
    ],
)
def test_what_is_so(tmp_path: Path, text: str) -> None:
    assert wrong(tmp_path, text) is None


@pytest.mark.parametrize(
    ("text", "line", "expected", "got"),
    [
        (console("$ echo hello", "hallo"), 3, "hallo", "hello"),
        (console("$ seq 3", "1", "2", "4"), 5, "4", "3"),
        (console("$ seq 3", "1", "2"), 5, "(nothing more)", "3"),
        (console("$ seq 2", "1", "2", "3"), 5, "3", "(nothing more)"),
        (console("$ echo loud"), 2, "(nothing more)", "loud"),
        (console("$ seq 5", "…", "7"), 4, "7", "(nothing more)"),
        (console("$ seq 5", "1", "…", "4"), 5, "4", "(nothing more)"),
        (console("$ echo web-1", "db-…"), 3, "db-…", "web-1"),
        (console("$ echo '  a'", "a"), 3, "a", "  a"),
        (console("$ echo abc", "a.c"), 3, "a.c", "abc"),
        (console("$ false"), 2, "exit status 0", "exit status 1"),
        (console("$ true", "[exit status 1]"), 2, "exit status 1", "exit status 0"),
        (console("$ (exit 3)", "[exit status 1]"), 2, "exit status 1", "exit status 3"),
        ("```bash\necho hello\n```\n", 2, "(nothing more)", "hello"),
        ("```bash\nfalse\n```\n", 2, "exit status 0", "exit status 1"),
        ("text\n\n" + console("$ true", "$ echo a", "b"), 6, "b", "a"),
    ],
)
def test_what_is_not_so(tmp_path: Path, text: str, line: int, expected: str, got: str) -> None:
    found = wrong(tmp_path, text)
    assert found is not None
    assert (found.line, found.expected, found.got) == (line, expected, got)
    assert f"page.md:{line}: not as shown" in str(found)


def test_it_stops_at_the_first_that_is_not_so(tmp_path: Path) -> None:
    done, _ = lesson.follow(page(tmp_path, console("$ false", "$ true")), tmp_path, ENVIRON)
    assert [step.command for step, _ in done] == ["false"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("```sh\necho\n```\n", "line 1: `sh` is not run"),
        ("\n```\n$ echo\n```\n", "line 2: `` is not run"),
        ("```console\n$ echo\n", "line 1: this block has no end"),
        (console("echo"), "line 2: a `console` block begins with a command"),
        (console(), "line 2: a `console` block begins with a command"),
    ],
)
def test_what_cannot_be_read(text: str, said: str) -> None:
    with pytest.raises(lesson.LessonError, match=said):
        lesson.steps(text)


@pytest.mark.parametrize(
    ("command", "said"), [("exit 3", "bash ended"), ("echo begun; sleep 1000", "no end .*\nbegun")]
)
def test_a_command_without_an_end_is_named(tmp_path: Path, command: str, said: str) -> None:
    text = console("$ true", f"$ {command}")
    with pytest.raises(lesson.LessonError, match=f"page.md:3: `{command}`: {said}"):
        lesson.follow(page(tmp_path, text), tmp_path, ENVIRON, patience=2)


def test_an_update_writes_what_was_printed_and_keeps_what_varies(tmp_path: Path) -> None:
    text = "# A\n\n" + console("$ echo 'web-1  5s'; echo new", "web-…  …", "old", "$ false", "$ echo b", "b")
    path = page(tmp_path, text)
    done, mismatches = lesson.follow(path, tmp_path, ENVIRON, to_the_end=True)
    assert len(mismatches) == 2
    updated = lesson.updated(text, done)
    assert updated == text.replace("old\n", "new\n").replace("$ false\n", "$ false\n[exit status 1]\n")
    assert wrong(tmp_path, updated) is None


def test_an_update_leaves_a_page_that_is_so_as_it_is(tmp_path: Path) -> None:
    text = console("$ seq 3", "…", "3", "$ false", "[exit status 1]")
    done, _ = lesson.follow(page(tmp_path, text), tmp_path, ENVIRON, to_the_end=True)
    assert lesson.updated(text, done) == text


def test_an_update_does_not_put_output_where_a_reader_pastes(tmp_path: Path) -> None:
    text = "```bash\necho a\n```\n"
    done, _ = lesson.follow(page(tmp_path, text), tmp_path, ENVIRON, to_the_end=True)
    with pytest.raises(lesson.LessonError, match="line 2: this `bash` block should print nothing"):
        lesson.updated(text, done)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (console("$ echo a", "a"), 0),
        (console("$ echo a", "b"), 1),
        (console("$ exit"), 1),
        ("```sh\n```\n", 2),
    ],
)
def test_as_a_script_it_needs_python_alone(tmp_path: Path, text: str, status: int) -> None:
    done = script(tmp_path, str(page(tmp_path, text)))
    assert done.returncode == status, done.stderr
    assert ("page.md:" in done.stderr) == bool(status)
    assert "Traceback" not in done.stderr


def test_as_a_script_it_can_update(tmp_path: Path) -> None:
    path = page(tmp_path, console("$ echo a", "b"))
    assert "1 commands rewritten" in script(tmp_path, "--update", str(path), status=0).stdout
    assert path.read_text(encoding="utf-8") == console("$ echo a", "a")


def test_as_a_script_it_goes_on_with_the_next_lesson(tmp_path: Path) -> None:
    (tmp_path / "first.md").write_text(console("$ echo a", "b"), encoding="utf-8")
    (tmp_path / "contents.md").write_text("# Nothing to run\n", encoding="utf-8")
    path = page(tmp_path, console("$ true"))
    names = [str(tmp_path / "first.md"), str(tmp_path / "contents.md"), str(path), str(path)]
    done = script(tmp_path, *names, status=1)
    assert done.stdout.count("page.md: 1 commands as shown") == 2
    assert "3 lessons, 1 not as shown" in done.stdout


def test_what_the_server_complained_of_is_told(tmp_path: Path) -> None:
    log = 'f="$SANDKUBE_STATE_DIR/clusters/default"; mkdir -p "$f"; cd "$f"; '
    lines = "I1124 13:42:10.1 1 a.go:1] fine\\nE1124 13:42:10.1 1 a.go:1] the disk is full\\n"
    path = page(tmp_path, console(f"$ {log}printf '{lines}' > server.log; false"))
    said = script(tmp_path, str(path), status=1).stderr
    assert "the disk is full" in said.rpartition("all it printed")[2]
    assert "fine" not in said.rpartition("all it printed")[2]


def test_as_a_script_it_says_what_is_missing(tmp_path: Path) -> None:
    text = page(tmp_path, console("$ true"))
    assert "nowhere.md" in script(tmp_path, str(tmp_path / "nowhere.md"), status=2).stderr
    (tmp_path / "bin" / "sandkube").unlink()
    assert "no `sandkube` on PATH" in script(tmp_path, str(text), status=2, make=False).stderr


def script(
    folder: Path, *arguments: str, status: int | None = None, make: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run it in a Python without installed packages, where a `sandkube` is found that does nothing."""
    programs = folder / "bin"
    if make:
        programs.mkdir(exist_ok=True)
        (programs / "sandkube").write_text("#!/bin/sh\n", encoding="utf-8")
        (programs / "sandkube").chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-I", "-S", lesson.__file__, *arguments],
        env={"PATH": f"{programs}:/usr/bin:/bin", "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert status is None or done.returncode == status, done.stderr
    return done
