"""All lessons one after the other, as a reader follows them, in a fresh gVisor sandbox."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gvisor.inside import Inside, Place, entered
from gvisor.sandbox import CannotRunError, find_runsc
from lengths import some_of
from tutorial import lesson
from tutorial.test_lessons import LESSONS

pytestmark = [pytest.mark.gvisor, pytest.mark.slow]

MINUTES = 60
TOGETHER = "the lessons together"
AS_USER, AS_ROOT = Place(1000, "home"), Place(0, "tmpfs")


@pytest.mark.timeout(11 * MINUTES)
@pytest.mark.parametrize("place", some_of([AS_USER, AS_ROOT], AS_USER), ids=str)
def test_the_lessons_are_followed(place: Place, record_property: Callable[[str, object], None]) -> None:
    """How long they take is in the test's properties, and is printed: `pytest -rP`."""
    try:
        runsc = find_runsc()
        with entered(runsc, place) as inside:
            assert inside.is_gvisor()
            said = follow(inside, place)
    except CannotRunError as error:
        pytest.skip(str(error))
    record_property(TOGETHER, said)
    print(f"{TOGETHER}: {said}")
    assert said.startswith(f"{len(LESSONS)} lessons, 0 not as shown")


def follow(inside: Inside, place: Place) -> str:
    """Follow the lessons with the files of each on the file system of the ``place``; what was said last."""
    files = inside.box.tmpfs if place.state == "tmpfs" else inside.temporary
    programs = named_sandkube(inside)
    done = inside.run(
        [*inside.python, lesson.__file__, *(str(page) for page in LESSONS)],
        status=None,
        environ={"PATH": f"{programs}:{inside.environ['PATH']}", "TMPDIR": str(files)},
        seconds=10 * MINUTES,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert all(f"{page}: " in done.stdout for page in LESSONS)
    return done.stdout.splitlines()[-1]


def named_sandkube(inside: Inside) -> Path:
    """A folder for PATH with a script `sandkube`, as an installer writes one for the Python inside."""
    folder = inside.box.files / "programs"
    folder.mkdir()
    script = folder / "sandkube"
    script.write_text(
        f"#!{inside.python[0]}\nimport sys\nfrom sandkube.cli import main\nsys.exit(main())\n",
        encoding="utf-8",
    )
    script.chmod(0o755)
    return folder
