from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sandkube_build import needs
from sandkube_build.errors import BuildError

COLD = needs.estimate(modules_present=False, cores=2, stale=3000, packages=3000)
ROOMY = needs.Machine(cores=2, memory=16 * needs.GB)


def test_a_cold_build_is_announced_in_minutes() -> None:
    text = needs.announce(COLD)
    assert "about 6 minutes" in text
    assert "a download of" in text
    assert "of disk" in text
    assert "of memory" in text


def test_a_warm_build_is_announced_in_seconds() -> None:
    text = needs.announce(needs.estimate(modules_present=True, cores=2, stale=1, packages=3000))
    assert "seconds" in text
    assert "download" not in text


def test_more_cores_are_quicker() -> None:
    eight = needs.estimate(modules_present=False, cores=8, stale=3000, packages=3000)
    assert eight.seconds < COLD.seconds / 3


def _folders(tmp_path: Path) -> dict[str, Path]:
    return {name: tmp_path / name / "deep" for name in ("modules", "cache", "output")}


def _with_free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: type("Usage", (), {"free": free}))


def test_folders_on_one_disk_are_counted_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    together = COLD.modules + COLD.cache + COLD.output
    _with_free(monkeypatch, together)
    needs.check(COLD, ROOMY, _folders(tmp_path), {})
    _with_free(monkeypatch, together - 1)
    with pytest.raises(BuildError, match=r"needs 6\.0 GB of disk under .* and 6\.0 GB are free") as caught:
        needs.check(COLD, ROOMY, _folders(tmp_path), {})
    assert "GOMODCACHE" in str(caught.value.hint)


def test_too_little_memory_is_refused_with_a_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _with_free(monkeypatch, 100 * needs.GB)
    small = needs.Machine(cores=2, memory=700 * needs.MB)
    with pytest.raises(BuildError, match="700 MB are available") as caught:
        needs.check(COLD, small, _folders(tmp_path), {})
    assert needs.UNCHECKED in str(caught.value.hint)
    needs.check(COLD, small, _folders(tmp_path), {needs.UNCHECKED: "1"})


def test_memory_that_cannot_be_told_is_no_reason_to_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_free(monkeypatch, 100 * needs.GB)
    needs.check(COLD, needs.Machine(cores=2, memory=None), _folders(tmp_path), {})


def test_memory_is_what_is_available_with_swap(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 999 kB\nMemAvailable:  1000 kB\nSwapFree:  24 kB\n")
    assert needs._available(meminfo) == 1024 * 1024
    assert needs._available(tmp_path / "absent") is None


def test_a_cgroup_limits_memory_but_its_page_cache_is_free(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("900\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 300\nactive_file 50\n")
    assert needs._cgroup(tmp_path) == 450
    (tmp_path / "memory.max").write_text("max\n")
    assert needs._cgroup(tmp_path) is None


def test_this_machine_has_cores() -> None:
    assert needs.machine().cores >= 1
