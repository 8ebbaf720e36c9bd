from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cache_entries import VERSION, put
from sandkube.errors import ServerNotFound
from sandkube.server import Server, locate
from sandkube.server.checkout import Checkout
from sandkube.server.locate import from_cache
from standin_go import SERVER, script


@pytest.fixture(autouse=True)
def no_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandkube.server.checkout.find", lambda: None)


def test_the_variable_goes_first_and_takes_the_template_beside_it(
    cache_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(cache_root)
    binary = script(tmp_path / "mine" / "server", SERVER)
    monkeypatch.setenv("SANDKUBE_SERVER", str(binary))
    assert locate() == Server(binary, None, "SANDKUBE_SERVER")
    (binary.parent / "template.db").write_text("")
    assert locate() == Server(binary, binary.parent / "template.db", "SANDKUBE_SERVER")


@pytest.mark.parametrize("how", ["owner", "mode", "link"])
def test_a_template_that_another_user_may_have_put_beside_it_is_not_taken(tmp_path: Path, how: str) -> None:
    """As they can in /tmp. A cluster would begin with their objects."""
    if how != "mode" and os.getuid() != 0:
        pytest.skip("needs root, to give a file away")
    binary = script(tmp_path / "mine" / "server", SERVER)
    template = binary.parent / "template.db"
    other = tmp_path / "other.db"
    other.write_text("")
    if how == "link":
        template.symlink_to(other)
    else:
        template.write_text("")
    assert locate({"SANDKUBE_SERVER": str(binary)}).template == template
    if how == "mode":
        template.chmod(0o666)
    else:
        os.chown(template, 65534, 65534, follow_symlinks=False)
    assert locate({"SANDKUBE_SERVER": str(binary)}).template is None


def test_an_environment_of_ones_own_can_be_given(tmp_path: Path) -> None:
    binary = script(tmp_path / "server", SERVER)
    assert locate({"SANDKUBE_SERVER": str(binary)}).binary == binary
    entry = put(tmp_path / "other" / "server")
    assert locate({"SANDKUBE_CACHE_DIR": str(tmp_path / "other")}).binary == entry.binary


@pytest.mark.parametrize(("make", "state"), [(False, "is no file"), (True, "is not executable")])
def test_a_variable_that_names_no_binary_is_an_error_not_passed_over(
    cache_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, make: bool, state: str
) -> None:
    put(cache_root)
    path = tmp_path / "server"
    if make:
        path.write_text("")
    monkeypatch.setenv("SANDKUBE_SERVER", str(path))
    with pytest.raises(ServerNotFound, match=state):
        locate()


def test_the_distribution_goes_before_the_cache(cache_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(cache_root)
    installed = Server(Path("/site-packages/sandkube-server"), None, "the distribution sandkube-server")
    monkeypatch.setattr(sys.modules["sandkube.server.locate"], "from_distribution", lambda: installed)
    assert locate() == installed


def test_every_place_looked_at_is_named(cache_root: Path) -> None:
    with pytest.raises(ServerNotFound) as caught:
        locate()
    for place in (
        "SANDKUBE_SERVER (not set)",
        "`sandkube-server` (not installed)",
        f"the cache {cache_root} (empty)",
        "a checkout of sandkube (this is none)",
    ):
        assert place in caught.value.message
    assert "server install" in str(caught.value.hint)


def test_in_a_checkout_building_is_the_remedy(here: Checkout) -> None:
    with pytest.raises(ServerNotFound) as caught:
        locate()
    assert "server build" in str(caught.value.hint)


def test_in_a_checkout_only_a_build_of_its_very_source_will_do(cache_root: Path) -> None:
    put(cache_root, key="old")
    assert from_cache(cache_root, "new") == "its builds are of other sources than this checkout's"
    entry = put(cache_root, key="new")
    found = from_cache(cache_root, "new")
    assert isinstance(found, Server)
    assert found.binary == entry.binary
    assert found.origin == "built from /checkout"


def test_elsewhere_the_newest_build_will_do(cache_root: Path) -> None:
    put(cache_root, key="old")
    entry = put(cache_root, key="new")
    assert locate().binary == entry.binary


def test_one_installed_by_hand_goes_before_builds(cache_root: Path) -> None:
    installed = put(cache_root, kind="installed", key="", source="/some.whl")
    put(cache_root, key="new")
    assert from_cache(cache_root, "new") == Server(
        installed.binary, installed.template, "installed from /some.whl"
    )


def test_damaged_and_unfit_ones_are_named_and_passed_over(cache_root: Path) -> None:
    put(cache_root, key="changed").binary.write_text("x")
    (cache_root / "built-empty").mkdir()
    put(cache_root, key="later", version=replace(VERSION, contract=2))
    reason = from_cache(cache_root, None)
    assert isinstance(reason, str)
    assert "built-changed: the binary was changed" in reason
    assert "built-empty: entry.json cannot be read" in reason
    assert "built-later: contract 2, not 1" in reason


def test_locating_is_quick(cache_root: Path) -> None:
    put(cache_root)
    times = []
    for _ in range(10):
        began = time.perf_counter()
        locate()
        times.append(time.perf_counter() - began)
    assert sorted(times)[5] < 0.01
