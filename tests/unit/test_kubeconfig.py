from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest
import yaml

from sandkube import kubeconfig
from sandkube.errors import Locked, StateCorrupt, StateUnusable, UsageError
from sandkube.kubeconfig import Access

ACCESS = Access("demo", "https://127.0.0.1:6443", b"authority", b"certificate", b"key")
TEXT = kubeconfig.render(ACCESS)

# Whatever a YAML library could change on the way: dates, numbers, booleans, order, fields that nobody knows.
THEIRS = """\
kind: Config
apiVersion: v1
unknown: {since: 2026-11-24T09:45:43Z, octal: 0123, sexagesimal: 1:20, yes: no}
current-context: work
users:
- name: work
  user:
    token: 1e5
clusters:
- name: work
  cluster:
    server: https://example.com
    insecure-skip-tls-verify: false
contexts:
- name: work
  context: {cluster: work, user: work}
"""


def read(path: Path) -> dict[str, object]:
    document = yaml.safe_load(path.read_text())
    assert isinstance(document, dict)
    return document


def names(path: Path, kind: str) -> list[str]:
    entries = read(path)[kind]
    assert isinstance(entries, list)
    return [entry["name"] for entry in entries]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / ".kube" / "config"
    path.parent.mkdir()
    path.write_text(THEIRS)
    return path


def test_names() -> None:
    assert kubeconfig.context_name("default") == "sandkube"
    assert kubeconfig.context_name("demo") == "sandkube-demo"


def test_a_kubeconfig_holds_everything() -> None:
    document = yaml.safe_load(TEXT)
    assert document["current-context"] == "sandkube-demo"
    cluster = document["clusters"][0]["cluster"]
    user = document["users"][0]["user"]
    assert cluster["server"] == "https://127.0.0.1:6443"
    assert base64.b64decode(cluster["certificate-authority-data"]) == b"authority"
    assert base64.b64decode(user["client-certificate-data"]) == b"certificate"
    assert base64.b64decode(user["client-key-data"]) == b"key"
    context = document["contexts"][0]["context"]
    assert (context["cluster"], context["user"]) == ("sandkube-demo", "sandkube-demo")


def test_merging_appends_and_leaves_the_rest_as_it_is(file: Path) -> None:
    done = kubeconfig.merge(TEXT, [file])
    assert done == kubeconfig.Merged((file,), current=False)
    for kind in ("clusters", "contexts", "users"):
        assert names(file, kind) == ["work", "sandkube-demo"]
    text = file.read_text()
    for kept in ("2026-11-24T09:45:43Z", "octal: 0123", "sexagesimal: 1:20", "yes: no", "token: 1e5"):
        assert kept in text
    assert list(read(file))[:3] == ["kind", "apiVersion", "unknown"]
    assert read(file)["current-context"] == "work"


def test_merging_twice_changes_nothing_more(file: Path) -> None:
    kubeconfig.merge(TEXT, [file])
    once = file.read_text()
    kubeconfig.merge(TEXT, [file])
    assert file.read_text() == once


def test_merging_again_replaces_ours(file: Path) -> None:
    kubeconfig.merge(TEXT, [file])
    kubeconfig.merge(kubeconfig.render(Access("demo", "https://127.0.0.1:7", b"", b"", b"")), [file])
    assert names(file, "clusters") == ["work", "sandkube-demo"]
    assert "https://127.0.0.1:7" in file.read_text()
    assert "https://127.0.0.1:6443" not in file.read_text()


def test_the_current_context_changes_when_it_is_asked_for(file: Path) -> None:
    assert kubeconfig.merge(TEXT, [file], use=True).current
    assert read(file)["current-context"] == "sandkube-demo"


def test_the_current_context_is_ours_where_there_is_none(file: Path) -> None:
    file.write_text(THEIRS.replace("current-context: work", 'current-context: ""'))
    assert kubeconfig.merge(TEXT, [file]).current
    assert read(file)["current-context"] == "sandkube-demo"


def test_a_missing_file_is_made_private(tmp_path: Path) -> None:
    file = tmp_path / "new" / "config"
    assert kubeconfig.merge(TEXT, [file]).current
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert read(file)["kind"] == "Config"


@pytest.mark.parametrize("content", ["", "clusters: null\nusers: []\ncontexts:\n"])
def test_an_empty_file_is_filled(file: Path, content: str) -> None:
    file.write_text(content)
    kubeconfig.merge(TEXT, [file])
    assert names(file, "users") == ["sandkube-demo"]


def test_mode_and_link_of_the_users_file_stay(file: Path, tmp_path: Path) -> None:
    file.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(file)
    kubeconfig.merge(TEXT, [link])
    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert "sandkube-demo" in names(file, "users")


def test_somebody_elses_entry_of_that_name_is_not_touched(file: Path) -> None:
    file.write_text(THEIRS.replace("work", "sandkube-demo"))
    before = file.read_text()
    with pytest.raises(UsageError, match="not sandkube's"):
        kubeconfig.merge(TEXT, [file])
    assert kubeconfig.unmerge("demo", [file]) == []
    assert file.read_text() == before


def test_of_a_list_the_first_that_exists_gets_new_entries(file: Path, tmp_path: Path) -> None:
    missing, second = tmp_path / "missing", tmp_path / "second"
    second.write_text(THEIRS)
    assert kubeconfig.merge(TEXT, [missing, file, second]).files == (file,)
    assert not missing.exists()
    assert kubeconfig.merge(TEXT, [missing, tmp_path / "last"]).files == (tmp_path / "last",)


def test_an_entry_is_changed_where_it_is(file: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    kubeconfig.merge(TEXT, [second])
    assert kubeconfig.merge(TEXT, [file, second]).files == (second,)
    assert names(file, "users") == ["work"]


def test_unmerging_removes_ours_alone(file: Path) -> None:
    kubeconfig.merge(TEXT, [file], use=True)
    assert kubeconfig.merged_into("demo", [file]) == [file]
    assert kubeconfig.unmerge("demo", [file]) == [file]
    for kind in ("clusters", "contexts", "users"):
        assert names(file, kind) == ["work"]
    assert read(file)["current-context"] == ""
    assert kubeconfig.merged_into("demo", [file]) == []
    assert kubeconfig.unmerge("demo", [file]) == []


def test_unmerging_leaves_another_current_context(file: Path) -> None:
    kubeconfig.merge(TEXT, [file])
    kubeconfig.unmerge("demo", [file])
    assert read(file)["current-context"] == "work"


def test_what_is_no_kubeconfig_stays(file: Path) -> None:
    for content in ("a: [", "- a", "text"):
        file.write_text(content)
        with pytest.raises(StateCorrupt):
            kubeconfig.merge(TEXT, [file])
        assert file.read_text() == content
        assert kubeconfig.merged_into("demo", [file]) == []


def test_another_programs_lock_is_respected(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeconfig, "_LOCK_SECONDS", 0.01)
    lock = file.with_name("config.lock")
    lock.touch()
    with pytest.raises(Locked, match=str(lock)):
        kubeconfig.merge(TEXT, [file])
    assert lock.exists()
    lock.unlink()
    kubeconfig.merge(TEXT, [file])
    assert not lock.exists()


def test_which_files_are_the_users(home: Path, tmp_path: Path) -> None:
    own = tmp_path / "state"
    default = home / ".kube" / "config"
    assert kubeconfig.user_files({}, own) == [default]
    listed = os.pathsep.join(["/a", "", "/b", "/a"])
    assert kubeconfig.user_files({"KUBECONFIG": listed}, own) == [Path("/a"), Path("/b")]
    ours = own / "clusters" / "demo" / "kubeconfig"
    assert kubeconfig.user_files({"KUBECONFIG": str(ours)}, own) == [default]
    assert kubeconfig.user_files({"KUBECONFIG": f"{ours}{os.pathsep}/a"}, own) == [Path("/a")]


def test_what_is_no_regular_file_is_left_alone(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link):
        with pytest.raises(StateUnusable, match="not a regular file"):
            kubeconfig.merge(TEXT, [path])
        assert kubeconfig.merged_into("demo", [path]) == []
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["link", "pipe"]


def test_the_null_device_is_nobodys_kubeconfig(home: Path) -> None:
    own = home / "own"
    assert kubeconfig.user_files({"KUBECONFIG": "/dev/null"}, own) == [home / ".kube" / "config"]
    assert kubeconfig.user_files({"KUBECONFIG": "/dev/null:/some/file"}, own) == [Path("/some/file")]


def test_what_is_no_list_is_not_replaced(file: Path) -> None:
    text = "clusters: {work: {server: https://example.com}}\n"
    file.write_text(text)
    with pytest.raises(StateCorrupt, match="`clusters` is no list"):
        kubeconfig.merge(TEXT, [file])
    assert file.read_text() == text


def test_taking_out_makes_no_folder(tmp_path: Path) -> None:
    assert kubeconfig.unmerge("demo", [tmp_path / ".kube" / "config"]) == []
    assert list(tmp_path.iterdir()) == []
