from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sandkube import config
from sandkube.config import ClusterSpec, Request
from sandkube.errors import StateCorrupt, StateUnusable, UsageError

FILE = Path("/state/clusters/demo/cluster.json")


def test_what_is_not_asked_for_stays() -> None:
    spec = ClusterSpec("demo", port=6443, durability="full", scheduler_args=("--v=4",))
    assert spec.asked(Request()) == spec
    assert spec.asked(Request(durability="fast")).durability == "fast"
    assert spec.asked(Request(durability="fast")).scheduler_args == ("--v=4",)


def test_an_empty_list_takes_arguments_back() -> None:
    spec = ClusterSpec("demo", api_server_args=("--v=4",))
    assert spec.asked(Request(api_server_args=())).api_server_args == ()


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(UsageError, match="between 1 and 65535"):
        ClusterSpec("demo").asked(Request(port=port))


def test_differences_are_named() -> None:
    spec = ClusterSpec("demo", last_port=1234)
    assert spec.differences(spec.asked(Request(port=1234))) == []
    changed = spec.asked(Request(port=99, durability="full", api_server_args=("--v=4",)))
    assert spec.differences(changed) == [
        "port 99 (now 1234)",
        "durability full (now normal)",
        "api server args --v=4 (now none)",
    ]


def test_json_gives_back_what_it_took() -> None:
    spec = ClusterSpec(
        "demo", port=1, last_port=1, durability="fast", controller_manager_args=("--a=b", "--c")
    )
    document = json.loads(json.dumps(config.to_json(spec)))
    assert document["version"] == 1
    assert config.from_json(document, FILE) == spec


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 2}, "`version` is 2"),
        ({"colour": "red"}, "`colour` is unknown"),
        ({"port": "6443"}, "`port` must be a number"),
        ({"port": True}, "`port` must be a number"),
        ({"last_port": 70000}, "`last_port` must be between"),
        ({"durability": "some"}, "`durability` is fast, normal or full"),
        ({"scheduler_args": "--v=4"}, "`scheduler_args` must be a list"),
        ({"name": 3}, "`name` must be a text"),
        ({"name": "../x"}, "cannot be the name"),
    ],
)
def test_what_cannot_be_understood_is_named_with_a_remedy(change: dict[str, object], words: str) -> None:
    with pytest.raises(StateCorrupt, match=words) as caught:
        config.from_json({"version": 1, "name": "demo", **change}, FILE)
    assert str(FILE) in caught.value.message
    assert "sandkube delete demo" in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["a", "default", "a-1", "x" * 63])
def test_names(name: str) -> None:
    assert config.check_name(name) == name


@pytest.mark.parametrize("name", ["", "A", "-a", "a-", "a.b", "a/b", "..", "a b", "x" * 64, "ä", "a\n"])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(UsageError):
        config.check_name(name)


def test_folders_follow_their_variables() -> None:
    assert config.state_dir({"SANDKUBE_STATE_DIR": "/some/state"}) == Path("/some/state")
    assert config.cache_dir({"SANDKUBE_CACHE_DIR": "/some/cache"}) == Path("/some/cache")


def test_a_relative_folder_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert config.state_dir({"SANDKUBE_STATE_DIR": "here"}) == tmp_path / "here"


def test_without_home_the_user_database_says_where(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    assert config.state_dir().is_absolute()
    assert config.cache_dir().is_absolute()


def test_port_0_takes_a_port_back() -> None:
    spec = ClusterSpec("demo", port=6443, last_port=6443)
    assert spec.asked(Request()).port == 6443
    assert spec.asked(Request(port=0)) == ClusterSpec("demo", last_port=6443)


def test_a_state_folder_that_kubeconfig_cannot_name_is_refused() -> None:
    with pytest.raises(StateUnusable, match="KUBECONFIG"):
        config.state_dir({config.ENV_STATE_DIR: "/a:b"})


@pytest.fixture
def for_all(tmp_path: Path) -> Path:
    """A folder like /tmp, in which another user has a folder, and a link to one of ours."""
    if os.getuid() != 0:
        pytest.skip("needs root, to give a folder away")
    folder = tmp_path / "tmp"
    for made in (folder, folder / "theirs", folder / "ours"):
        made.mkdir()
    folder.chmod(0o1777)
    (folder / "link").symlink_to(folder / "ours")
    os.chown(folder / "theirs", 65534, 65534)
    os.chown(folder / "link", 65534, 65534, follow_symlinks=False)
    return folder


@pytest.mark.parametrize("name", ["theirs", "theirs/below", "link", "link/below", "hop/below", "turn/below"])
@pytest.mark.parametrize("variable", [config.ENV_STATE_DIR, config.ENV_CACHE_DIR])
def test_what_another_user_put_into_a_folder_for_all_is_refused(
    for_all: Path, tmp_path: Path, name: str, variable: str
) -> None:
    (tmp_path / "hop").symlink_to(for_all / "link")  # ours, and over theirs to ours
    (tmp_path / "turn").symlink_to("tmp/../tmp/theirs")
    root = tmp_path if name.startswith(("hop", "turn")) else for_all
    find = config.state_dir if variable == config.ENV_STATE_DIR else config.cache_dir
    with pytest.raises(StateUnusable, match="the user with the number 65534") as caught:
        find({variable: str(root / name)})
    assert variable in str(caught.value.hint)


@pytest.mark.parametrize("name", ["ours", "ours/below", "new", "new/below", "to-ours/below", "loop/below"])
def test_what_is_ours_in_a_folder_for_all_is_fine(for_all: Path, name: str) -> None:
    (for_all / "to-ours").symlink_to("ours")
    (for_all / "loop").symlink_to("loop")  # who uses it says what is wrong with it
    assert config.state_dir({config.ENV_STATE_DIR: str(for_all / name)}) == for_all / name


def test_a_folder_that_was_lent_is_fine(for_all: Path) -> None:
    """Another user's folder that only they can write to: whoever names it trusts them."""
    for_all.chmod(0o755)
    name = str(for_all / "theirs")
    assert config.cache_dir({config.ENV_CACHE_DIR: name}) == Path(name)
