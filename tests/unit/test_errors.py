from __future__ import annotations

import re

from sandkube import errors
from sandkube.errors import SandkubeError


def test_every_error_is_in_the_tree_and_in_its_drawing() -> None:
    drawn = dict(re.findall(r"── (\w+) .*exit (\d+)", errors.__doc__ or ""))
    exported = {name: getattr(errors, name) for name in errors.__all__}
    assert all(issubclass(kind, SandkubeError) for kind in exported.values())
    assert {
        name: str(kind.exit_code) for name, kind in exported.items() if kind is not SandkubeError
    } == drawn


def test_every_error_says_when() -> None:
    assert all(getattr(errors, name).__doc__ for name in errors.__all__)
