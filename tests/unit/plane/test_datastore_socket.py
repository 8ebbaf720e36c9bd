from __future__ import annotations

import stat
from pathlib import Path

import pytest

from sandkube.plane import datastore_socket, files
from sandkube.plane.folder import ClusterFolder


@pytest.fixture
def deep(tmp_path: Path) -> ClusterFolder:
    folder = ClusterFolder.of(tmp_path / ("deep" * 30), "demo")
    folder.create()
    return folder


def test_a_short_path_is_in_the_folder() -> None:
    folder = ClusterFolder.of(Path("/state"), "demo")
    assert datastore_socket.place(folder) == Path("/state/clusters/demo/db/kine.sock")


def test_bytes_count_and_not_characters() -> None:
    folder = ClusterFolder.of(Path("/" + "ü" * 45), "demo")
    assert datastore_socket.in_folder(folder) is None


def test_a_long_path_gets_a_private_folder_that_is_removed_again(deep: ClusterFolder) -> None:
    place = datastore_socket.place(deep, {})
    assert len(str(place)) <= datastore_socket.MAX_BYTES
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    files.write_json(deep.server_config, {"datastore": {"socket": str(place)}})
    datastore_socket.remove_old(deep)
    assert not place.parent.exists()
    datastore_socket.remove_old(deep)


def test_the_users_runtime_folder_is_preferred(
    deep: ClusterFolder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    runtime = (
        Path("/tmp") if len(str(tmp_path_factory.getbasetemp())) > 40 else tmp_path_factory.getbasetemp()
    )
    place = datastore_socket.place(deep, {"XDG_RUNTIME_DIR": str(runtime)})
    assert place.parent.parent == runtime
    place.parent.rmdir()


@pytest.mark.parametrize(
    "content", ['{"datastore": {}}', "{", '{"datastore": {"socket": "/no/such/x.sock"}}', "[]"]
)
def test_nothing_is_removed_by_a_file_that_names_nothing_of_ours(deep: ClusterFolder, content: str) -> None:
    deep.server_config.write_text(content)
    datastore_socket.remove_old(deep)


def test_a_folder_that_is_not_named_like_ours_stays(deep: ClusterFolder, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    files.write_json(deep.server_config, {"datastore": {"socket": str(theirs / "kine.sock")}})
    datastore_socket.remove_old(deep)
    assert theirs.exists()
