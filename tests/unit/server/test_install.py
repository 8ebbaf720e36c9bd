from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from cache_entries import VERSION
from sandkube.errors import ServerNotFound, UsageError
from sandkube.server import cache, locate, version
from sandkube.server.install import install
from standin_go import SERVER, script


@pytest.fixture
def binary(tmp_path: Path) -> Path:
    return script(tmp_path / "brought" / "sandkube-server", SERVER)


def _wheel(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def _names(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir()) if root.exists() else []


def test_a_bare_binary_is_installed_and_makes_its_template(binary: Path, cache_root: Path) -> None:
    said: list[str] = []
    server = install(binary, said.append)
    (entry,) = cache.entries(cache_root)
    assert isinstance(entry, cache.Entry)
    assert (entry.kind, entry.source, entry.version) == ("installed", str(binary), VERSION)
    assert entry.sha256 == cache.sha256(binary)
    assert server.binary.parent.stat().st_mode & 0o777 == 0o755
    assert server.template is not None
    assert server.template.read_text() == "bootstrapped\n"
    assert "making one" in said[0]
    assert locate() == server


def test_a_template_beside_it_is_taken_along(binary: Path) -> None:
    (binary.parent / "template.db").write_text("brought")
    for brought in (binary, binary.parent):
        server = install(brought, print)
        assert server.template is not None
        assert server.template.read_text() == "brought"


def test_a_template_that_another_user_may_have_put_beside_it_is_not(binary: Path) -> None:
    template = binary.parent / "template.db"
    template.write_text("theirs")
    template.chmod(0o666)
    for brought in (binary, binary.parent):
        server = install(brought, print)
        assert server.template is not None
        assert server.template.read_text() == "bootstrapped\n"


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022])
def test_nobody_else_can_write_where_it_lies(binary: Path, cache_root: Path, umask: int) -> None:
    shutil.rmtree(cache_root.parent, ignore_errors=True)
    before = os.umask(umask)
    try:
        version(install(binary, print))
    finally:
        os.umask(before)
    found = [cache_root.parent, *cache_root.parent.rglob("*")]
    assert {path.name for path in found} >= {"server", "sandkube-server", "template.db", "entry.json"}
    folders = [path for path in found if path.is_dir()]
    files = [path for path in found if path.is_file() and path.name != "lock"]
    assert [path for path in [*folders, *files] if path.stat().st_mode & 0o022] == []


def test_without_a_template_it_is_installed_all_the_same(
    binary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN_NO_TEMPLATE", "1")
    said: list[str] = []
    assert install(binary, said.append).template is None
    assert "Starts will be cold" in said[-1]


def test_a_wheel_is_unpacked(tmp_path: Path) -> None:
    wheel = _wheel(
        tmp_path / "sandkube_server-9.9.9.1-py3-none-any.whl",
        {"sandkube_server/bin/sandkube-server": SERVER, "sandkube_server/bin/template.db": "packed"},
    )
    server = install(wheel, print)
    assert os.access(server.binary, os.X_OK)
    assert server.template is not None
    assert server.template.read_text() == "packed"
    assert server.origin == f"installed from {wheel}"


def test_a_new_one_takes_the_place_of_the_old(binary: Path, cache_root: Path) -> None:
    old = install(binary, print)
    binary.write_text(SERVER + "# newer\n")
    new = install(binary, print)
    assert not old.binary.exists()
    assert _names(cache_root) == [new.binary.parent.name]
    assert install(binary, print) == new


def _broken(tmp_path: Path) -> list[tuple[Path, type[Exception], str]]:
    (tmp_path / "empty").mkdir()
    (tmp_path / "torn.whl").write_bytes(b"PK\x03\x04 and then nothing")
    other = _wheel(tmp_path / "other-1-py3-none-any.whl", {"other/__init__.py": ""})
    half = _wheel(tmp_path / "half.whl", {"sandkube_server/bin/sandkube-server": SERVER * 200})
    data = bytearray(half.read_bytes())
    data[60:80] = b"\0" * 20
    half.write_bytes(bytes(data))
    return [
        (tmp_path / "absent", UsageError, "is no file and no folder"),
        (tmp_path / "absent.whl", UsageError, "is no file"),
        (tmp_path / "empty", UsageError, "holds no `sandkube-server`"),
        (tmp_path / "torn.whl", UsageError, "is damaged"),
        (half, UsageError, "is damaged"),
        (other, UsageError, "is no wheel of sandkube-server"),
        (
            script(tmp_path / "text", "hello"),
            ServerNotFound,
            "does not run on this machine|is not a sandkube server",
        ),
        (script(tmp_path / "fails", "#!/bin/sh\nexit 1\n"), ServerNotFound, "is not a sandkube server"),
    ]


@pytest.mark.parametrize("number", range(8))
def test_what_is_broken_is_refused_and_leaves_the_cache_as_it_was(
    tmp_path: Path, binary: Path, cache_root: Path, number: int
) -> None:
    install(binary, print)
    before = _names(cache_root)
    path, error, reason = _broken(tmp_path)[number]
    with pytest.raises(error, match=reason):
        install(path, print)
    assert _names(cache_root) == before


def test_another_contract_is_refused(binary: Path, cache_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDIN_CONTRACT", "2")
    with pytest.raises(ServerNotFound, match="contract 2"):
        install(binary, print)
    assert _names(cache_root) == []


def test_a_file_that_cannot_be_read_is_said(binary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("shutil.copyfile", refuse)
    with pytest.raises(UsageError, match="Permission denied"):
        install(binary, print)
