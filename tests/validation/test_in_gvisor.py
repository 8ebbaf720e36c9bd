"""`validate` in a real gVisor sandbox, as a plain user: the same findings, and nothing left."""

from __future__ import annotations

import json

import pytest

from gvisor.conftest import as_user, runsc
from gvisor.inside import Inside
from validation.texts import TYPO

__all__ = ["as_user", "runsc"]

pytestmark = pytest.mark.gvisor


def test_files_and_a_chart(as_user: Inside) -> None:
    as_user.run(["tee", "faulty.yaml"], stdin=TYPO)
    done = as_user("validate", "faulty.yaml", "-o", "json", status=1)
    found = {(one["code"], one["place"]["line"]) for one in json.loads(done.stdout)["findings"]}
    assert found == {("wrong-type", 6), ("unknown-field", 15)}

    as_user.shell(f"ln -s '{as_user.server}' helm && ./helm create shop")
    as_user("validate", "shop")
    as_user.run(["tee", "broken.yaml"], stdin="service: {port: 70000}\n")
    done = as_user("validate", "shop", "--values", "broken.yaml", status=1)
    assert "shop/templates/service.yaml:" in done.stdout
    assert not as_user.servers()
