"""Images are read as tools write them, and unpacked nowhere but where they belong."""

from __future__ import annotations

import gzip
import json
import os
import stat
import tarfile
from pathlib import Path

import pytest

from made_images import (
    Entry,
    folder,
    layer,
    link,
    member,
    write_layout,
    write_saved,
)
from sandkube.errors import UsageError
from sandkube.runtime.images import names
from sandkube.runtime.images.catalogue import Catalogue
from sandkube.runtime.images.layers import DamagedLayerError, Unpacker
from sandkube.runtime.images.store import Store

BASE = layer(folder("bin"), member("bin/tool", "one", mode=0o755), folder("etc"), member("etc/old", "old"))
SAID = {"Entrypoint": ["/bin/tool"], "Env": ["A=1"], "User": "1234"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "images")


def unpacked(root: Path, *layers: bytes) -> Path:
    root.mkdir()
    unpacker = Unpacker(root)
    for number, one in enumerate(layers):
        path = root.parent / f"layer-{number}"
        path.write_bytes(one)
        with path.open("rb") as file:
            unpacker.layer(file)
    unpacker.finish()
    return root


@pytest.mark.parametrize(
    ("name", "whole", "short"),
    [
        ("nginx", "docker.io/library/nginx:latest", "nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27", "nginx:1.27"),
        ("team/app", "docker.io/team/app:latest", "team/app:latest"),
        ("docker.io/nginx", "docker.io/library/nginx:latest", "nginx:latest"),
        ("localhost/app", "localhost/app:latest", "localhost/app:latest"),
        ("registry:5000/a/b:c", "registry:5000/a/b:c", "registry:5000/a/b:c"),
        (f"x@sha256:{'0' * 64}", f"docker.io/library/x@sha256:{'0' * 64}", f"x@sha256:{'0' * 64}"),
    ],
)
def test_a_name_is_known_in_all_its_forms(name: str, whole: str, short: str) -> None:
    assert names.whole(name) == whole
    assert names.whole(whole) == whole
    assert names.short(whole) == short


@pytest.mark.parametrize(
    "name", ["", "Nginx", "a b", "a:", "../a", "a/../b", "a@sha256:short", "x:" + "t" * 129]
)
def test_what_cannot_be_a_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name of an image"):
        names.whole(name)


def test_a_layer_goes_over_the_one_below(tmp_path: Path) -> None:
    root = unpacked(
        tmp_path / "root",
        BASE,
        layer(member("etc/.wh.old"), member("bin/tool", "two", mode=0o700), member("new/deep/file", "x")),
    )
    assert (root / "bin" / "tool").read_text() == "two"
    assert inside(root / "etc") == []
    assert (root / "new" / "deep" / "file").read_text() == "x"


def test_an_opaque_folder_hides_what_is_below_and_not_what_comes_with_it(tmp_path: Path) -> None:
    root = unpacked(tmp_path / "root", BASE, layer(member("etc/new", "n"), member("etc/.wh..wh..opq")))
    assert inside(root / "etc") == ["new"]


def test_a_file_in_the_place_of_a_folder_and_the_other_way_round(tmp_path: Path) -> None:
    root = unpacked(
        tmp_path / "root", BASE, layer(member("etc", "file"), member("bin/tool/inside", "x", mode=0o600))
    )
    assert (root / "etc").read_text() == "file"
    assert (root / "bin" / "tool" / "inside").read_text() == "x"


def test_folders_that_may_not_be_written_to_get_their_files_and_their_modes(tmp_path: Path) -> None:
    root = unpacked(
        tmp_path / "root",
        layer(folder("closed", 0o555), member("closed/a", "a")),
        layer(member("closed/b", "b")),
    )
    assert inside(root / "closed") == ["a", "b"]
    mode = stat.S_IMODE((root / "closed").stat().st_mode)
    assert mode == (0o555 if os.geteuid() == 0 else 0o755)


def test_hard_links_and_links(tmp_path: Path) -> None:
    root = unpacked(
        tmp_path / "root",
        layer(
            member("a", "a"),
            member("b", type=tarfile.LNKTYPE, linkname="a"),
            link("c", "/a"),
            link("usr-bin", "/usr/bin"),
            member("usr-bin/x", "inside"),
        ),
    )
    assert (root / "b").stat().st_ino == (root / "a").stat().st_ino
    assert str((root / "c").readlink()) == "/a"
    assert (root / "usr" / "bin" / "x").read_text() == "inside"


def inside(folder_: Path) -> list[str]:
    return sorted(entry.name for entry in folder_.iterdir())


def outside(tmp_path: Path) -> Path:
    target = tmp_path / "outside"
    target.mkdir()
    (target / "kept").write_text("kept")
    return target


@pytest.mark.parametrize("way", ["{outside}", "../outside", "../../../../../../../../..{outside}"])
def test_a_link_leads_out_of_no_image(tmp_path: Path, way: str) -> None:
    target = outside(tmp_path)
    name = way.format(outside=target)
    root = unpacked(
        tmp_path / "root",
        layer(link("way", name)),
        layer(member("way/written", "x"), member("way/.wh.kept"), member("way/.wh..wh..opq")),
        layer(link("file", f"{name}/kept")),
        layer(member("file", "replaced")),
    )
    assert inside(target) == ["kept"]
    assert (target / "kept").read_text() == "kept"
    assert (root / "file").read_text() == "replaced"


@pytest.mark.parametrize(
    "entries",
    [
        [member("../written", "x")],
        [member("a/../../written", "x")],
        [member("a", type=tarfile.LNKTYPE, linkname="../outside/kept")],
        [link("way", "../outside"), member("a", type=tarfile.LNKTYPE, linkname="way/kept")],
    ],
)
def test_a_name_leads_out_of_no_image(tmp_path: Path, entries: list[Entry]) -> None:
    outside(tmp_path)
    with pytest.raises(DamagedLayerError):
        unpacked(tmp_path / "root", layer(*entries))
    assert not (tmp_path / "written").exists()


def test_what_tools_write_is_loaded(tmp_path: Path, store: Store) -> None:
    layers = [BASE, layer(member("bin/tool", "two", mode=0o755))]
    layout = write_layout(tmp_path / "layout", {"app:1": layers}, SAID)
    archive = tmp_path / "layout.tar"
    with tarfile.open(archive, "w") as packed:
        packed.add(layout, ".")
    saved = write_saved(tmp_path / "saved.tar", "app:1", layers, SAID)
    compressed = tmp_path / "saved.tar.gz"
    compressed.write_bytes(gzip.compress(saved.read_bytes()))
    ids = set()
    for path in (layout, archive, saved, compressed):
        loaded = store.load("app:1", path)
        ids.add(loaded.id)
        assert (loaded.root / "bin" / "tool").read_text() == "two"
        assert loaded.config == SAID
        assert loaded.names == ("docker.io/library/app:1",)
    assert len(ids) == 1
    assert store.find("app:1") == store.find(ids.pop())


def test_root_file_systems_are_loaded(tmp_path: Path, store: Store) -> None:
    exported = tmp_path / "exported.tar"
    exported.write_bytes(BASE)
    assert (store.load("exported", exported).root / "bin" / "tool").read_text() == "one"
    root = unpacked(tmp_path / "root", BASE)
    loaded = store.load("folder", root)
    assert loaded.root == root
    assert loaded.size == 0


def test_one_of_several_images_is_loaded_by_its_name(tmp_path: Path, store: Store) -> None:
    other = layer(folder("bin"), member("bin/tool", "other"))
    layout = write_layout(tmp_path / "layout", {"app:1": [BASE], "app:2": [other]}, SAID)
    assert (store.load("app:2", layout).root / "bin" / "tool").read_text() == "other"
    with pytest.raises(UsageError, match="it holds 2 images: app:1; app:2"):
        store.load("app:3", layout)


def test_what_is_damaged_or_for_another_machine_is_refused(tmp_path: Path, store: Store) -> None:
    layout = write_layout(tmp_path / "other", {"a": [BASE]}, SAID, architecture="s390x")
    with pytest.raises(UsageError, match="linux on s390x"):
        store.load("a", layout)
    layout = write_layout(tmp_path / "damaged", {"a": [BASE]}, SAID)
    for blob in (layout / "blobs" / "sha256").iterdir():
        if blob.read_bytes()[:2] == b"\x1f\x8b":
            blob.write_bytes(gzip.compress(layer(folder("bin"), member("bin/tool", "bad!", mode=0o755))))
    with pytest.raises(UsageError, match="its digest is not"):
        store.load("a", layout)
    text = (layout / "index.json").read_text()
    (layout / "index.json").write_text(text.replace("sha256:", "sha256:0", 1))
    with pytest.raises(UsageError, match="is not there"):
        store.load("a", layout)
    for name, content in (("text", b"no image"), ("zst", b"\x28\xb5\x2f\xfd rest"), ("empty.tar", layer())):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UsageError, match="cannot be loaded"):
            store.load("a", tmp_path / name)
    with pytest.raises(UsageError, match="neither an OCI layout"):
        store.load("a", outside(tmp_path))
    assert store.all() == []
    assert not [entry for entry in store.folder.iterdir() if entry.is_dir()]


def test_an_image_is_forgotten_with_its_files_unless_it_is_used(tmp_path: Path, store: Store) -> None:
    saved = write_saved(tmp_path / "saved.tar", "app:1", [BASE], SAID)
    loaded = store.load("app:1", saved)
    store.load("same", saved)
    with pytest.raises(UsageError, match="is used by a container"):
        store.remove("app:1", frozenset({loaded.id}))
    assert store.remove("same").names == ("docker.io/library/app:1", "docker.io/library/same:latest")
    assert not loaded.root.exists()
    with pytest.raises(UsageError, match="There is no image `app:1` here"):
        store.remove("app:1")


def test_what_was_broken_off_is_removed_by_the_next_change(tmp_path: Path, store: Store) -> None:
    saved = write_saved(tmp_path / "saved.tar", "app:1", [BASE], SAID)
    (store.folder / ".begun-1" / "files").mkdir(parents=True)
    (store.folder / ("0" * 64)).mkdir()
    loaded = store.load("app:1", saved)
    assert [entry.name for entry in store.folder.iterdir() if entry.is_dir()] == [loaded.root.parent.name]


def test_the_runtime_has_the_images_of_the_store_and_the_host_for_all_others(
    tmp_path: Path, store: Store
) -> None:
    loaded = store.load("app:1", write_saved(tmp_path / "saved.tar", "app:1", [BASE], SAID))
    catalogue = Catalogue(store)
    assert catalogue.of("docker.io/library/app:1").root == loaded.root
    assert catalogue.of("other").root is None
    document = catalogue.document("app:1")
    assert document is not None
    assert json.loads(json.dumps(document))["uid"] == {"value": "1234"}
    assert catalogue.pull("other:2") == "host:other:2"
    assert [one["id"] for one in catalogue.documents()] == [loaded.id, "host:other:2"]
