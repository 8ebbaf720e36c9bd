"""The quick part of upstream's conformance tests, and what a run says of one that did other than expected."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from conformance.conftest import CONFORMANCE, Run

VERSION = "[sig-api-machinery] server version should find the server version [Conformance]"


def exception(test: str, more: str = "") -> str:
    return f'[[exception]]\ntest = "{test}"\nreason = "said so"\nsource = "kubernetes/x.go:1"\n{more}\n'


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_quick_part_passes(suite: None, script: Run, tmp_path: Path) -> None:
    done = script("run.py", "--quick", "--output", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    names = (CONFORMANCE / "quick.txt").read_text(encoding="utf-8").splitlines()
    wanted = [name for name in names if name and not name.startswith("#")]
    assert f"\n{len(wanted)} of {len(wanted)} passed" in done.stdout
    root = ET.parse(tmp_path / "junit.xml").getroot()
    ran = [case.get("name", "") for case in root.iter("testcase") if case.get("status") == "passed"]
    assert len([name for name in ran if name.startswith("[It]")]) == len(wanted)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_test_that_begins_to_pass_has_to_leave_the_exceptions(
    suite: None, script: Run, tmp_path: Path
) -> None:
    listed = tmp_path / "exceptions.toml"
    listed.write_text(exception(VERSION), encoding="utf-8")
    done = script(
        "run.py", "--only", "find the server version", "--exceptions", listed, "--output", tmp_path / "out"
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"passes, and has to leave exceptions.toml: {VERSION}" in done.stdout
    assert (tmp_path / "out" / "e2e.log").stat().st_size > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "no such test"], "No test's name fits `--only no such test`."),
        (["--only", "("], "`--only (` is no regular expression"),
        (["--quick", "--record"], "`--record` is for a whole run"),
        (["--processes", "0"], "`--processes` takes a number above 0."),
        (["--exceptions", "/nowhere/x.toml"], "/nowhere/x.toml cannot be read"),
        (["--output", "/proc/x"], "/proc/x cannot be written to"),
    ],
)
def test_what_makes_no_sense_is_refused(script: Run, arguments: list[str], said: str) -> None:
    done = script("run.py", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (exception("[sig-x] nothing"), "names a test that is not in no-node.txt: [sig-x] nothing"),
        ('[[exception]]\ntest = "x"\nreason = " "\nsource = "x.go:1"', "exception 1 lacks `reason`"),
        ('[[exception]]\ntest = "x"\nreason = "x"\nsource = "x"', "exception 1: `source` names no place"),
        (exception("x", 'where = ["moon"]'), "exception 1: `where` may hold `native` and `gvisor`"),
        (exception("x", "where = []"), "exception 1: `where` may hold `native` and `gvisor`"),
        ("[[exception", "cannot be read"),
    ],
)
def test_exceptions_that_are_not_argued_are_refused(
    script: Run, tmp_path: Path, text: str, said: str
) -> None:
    listed = tmp_path / "exceptions.toml"
    listed.write_text(text, encoding="utf-8")
    done = script("run.py", "--exceptions", listed)
    assert done.returncode == 2
    assert said in done.stderr
    assert re.search(r"^Error: ", done.stderr)
