"""`doctor` in a real gVisor sandbox: it says where it is, and takes none of gVisor's ways for a fault."""

from __future__ import annotations

import pytest

from doctor.conftest import examined, notes, well
from gvisor.conftest import as_root, as_user, runsc
from gvisor.inside import Inside

__all__ = ["as_root", "as_user", "runsc"]

pytestmark = pytest.mark.gvisor


@pytest.mark.parametrize("who", ["as_root", "as_user"])
def test_all_is_well_in_a_sandbox(who: str, request: pytest.FixtureRequest) -> None:
    inside: Inside = request.getfixturevalue(who)
    well(inside)
    assert notes(inside).keys() == {"gvisor"}
    inside("up", "--durability", "fast")
    assert examined(inside) == {}
    inside.run(["kill", "-9", str(inside.pid())])
    assert examined(inside).keys() == {"cluster-crashed"}
    inside("doctor", "--fix")
    assert examined(inside) == {}
    inside("delete")


def test_too_few_open_files_in_a_sandbox(as_user: Inside) -> None:
    done = as_user.shell("ulimit -n 100; sandkube up", status=2)
    assert "cause: A process may have 100 open files" in done.stderr
