"""Each lesson of the tutorial, followed to the letter on a cluster of its own."""

from __future__ import annotations

import os
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import Sandkube, fresh
from tutorial import lesson

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "tutorial"
LESSONS = sorted(FOLDER.glob("[0-9]*.md"))


@pytest.fixture
def sandkube(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandkube]:
    """A sandkube that a shell finds by its name. What the lesson leaves running is killed."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    with fresh(tmp_path_factory.mktemp("s"), environ={"PATH": path}) as made:
        yield made


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", LESSONS, ids=lambda page: page.stem)
def test_a_lesson_shows_what_happens(page: Path, sandkube: Sandkube) -> None:
    done, mismatches = lesson.follow(page, sandkube.root, sandkube.environ)
    assert not mismatches, "\n\n".join(map(str, mismatches))
    assert len(done) > 10


def test_there_are_eight_lessons_and_all_are_in_the_contents() -> None:
    listed = re.findall(r"^(\d-[\w-]+)$", (FOLDER / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == [page.stem for page in LESSONS]
    assert len(listed) == 8


def test_the_first_begins_with_a_cluster_and_the_last_ends_with_none() -> None:
    commands = [[step.command for step in lesson.read(page)] for page in LESSONS]
    assert commands[0][0] == "sandkube up"
    assert commands[-1][-1] == "sandkube delete"


@pytest.mark.parametrize("page", LESSONS, ids=lambda page: page.stem)
def test_a_lesson_has_something_to_try_with_an_answer(page: Path) -> None:
    begun, _, rest = page.read_text(encoding="utf-8").partition("\n## Try it\n")
    task, _, answer = rest.partition("\n<details>\n")
    assert "```" not in task
    assert "\n```console\n$ " in answer.partition("\n</details>\n")[0]
    assert "<details>" not in begun


@pytest.mark.parametrize("page", LESSONS, ids=lambda page: page.stem)
def test_a_lesson_awaits_and_never_sleeps(page: Path) -> None:
    assert [step for step in lesson.read(page) if re.search(r"\bsleep\b", step.command)] == []
