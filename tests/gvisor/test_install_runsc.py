"""tools/install_runsc.py: which source it takes, that apt must vouch for it, what it says if it cannot."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "install_runsc.py"
PROGRAM = "#!/bin/sh\necho runsc version 1\necho spec: 1\n"

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/a.gpg,/b.gpg] http://one.example/debian bookworm main contrib # the rest
deb-src http://one.example/debian bookworm main
deb http://one.example/security bookworm-security main
"""
DEB822 = """\
# all of it
Types: deb deb-src
URIs: http://two.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
Enabled: no
"""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("install_runsc", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["install_runsc"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_both_forms_of_apts_files_are_read(script: ModuleType) -> None:
    one, two = script.read_sources([("sources.list", ONE_LINE)])
    assert one == script.Source("http://one.example/debian", "bookworm", "main contrib", "/a.gpg /b.gpg")
    assert (two.suite, two.signed_by) == ("bookworm-security", "")
    found = list(script.read_sources([("debian.sources", DEB822)]))
    assert [source.suite for source in found] == ["bookworm", "bookworm-updates"]
    assert {source.uri for source in found} == {"http://two.example/debian"}
    key = "Signed-By: -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n"
    assert key in found[0].text()


def test_backports_come_first_and_other_suites_not_at_all(script: ModuleType) -> None:
    known = list(script.read_sources([("a.list", ONE_LINE), ("b.sources", DEB822)]))
    assert [(found.uri[7:10], found.suite) for found in script.candidates(known, "bookworm")] == [
        ("one", "bookworm-backports"),
        ("two", "bookworm-backports"),
        ("one", "bookworm"),
        ("two", "bookworm"),
    ]
    given = script.Source("http://given.example", "bookworm-backports", "main", "")
    assert script.candidates([*known, given], "bookworm")[0] == given
    assert script.candidates(known, "trixie") == []


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of Debian packages in a folder, with a `runsc` in its backports, that apt is set up with.

    Nobody signed it yet.
    """
    for program in ("apt-get", "dpkg-deb"):
        if not shutil.which(program):
            pytest.skip(f"needs {program}, as Debian has it")
    tree = tmp_path / "tree"
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "usr/bin/runsc").write_text(PROGRAM)
    (tree / "usr/bin/runsc").chmod(0o755)
    (tree / "DEBIAN").mkdir()
    control = "Package: runsc\nVersion: 1\nArchitecture: all\nMaintainer: a test\nDescription: a test's\n"
    (tree / "DEBIAN/control").write_text(control)
    root = tmp_path / "debian"
    architecture = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout.strip()
    suite = root / "dists" / f"{_codename()}-backports"
    index = suite / "main" / f"binary-{architecture}" / "Packages"
    index.parent.mkdir(parents=True)
    package = root / "pool" / "runsc_1_all.deb"
    package.parent.mkdir()
    subprocess.run(["dpkg-deb", "--build", tree, package], check=True, capture_output=True)
    digest, size = _digest(package)
    index.write_text(f"{control}Filename: pool/{package.name}\nSize: {size}\nSHA256: {digest}\n")
    digest, size = _digest(index)
    (suite / "Release").write_text(
        f"Suite: {suite.name}\nCodename: {suite.name}\nArchitectures: {architecture}\nComponents: main\n"
        f"Date: Tue, 24 Nov 2026 00:00:00 UTC\nSHA256:\n {digest} {size} {index.relative_to(suite)}\n"
    )
    (tmp_path / "parts").mkdir()
    _set_up(tmp_path, f"deb file:{root} {_codename()} main\n")
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    return root


def _set_up(folder: Path, sources: str) -> None:
    (folder / "sources.list").write_text(sources)
    (folder / "apt.conf").write_text(
        f'Dir::Etc::sourcelist "{folder}/sources.list";\nDir::Etc::sourceparts "{folder}/parts";\n'
    )


def _codename() -> str:
    lines = Path("/etc/os-release").read_text().splitlines()
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    return found.get("VERSION_CODENAME", "none").strip('"')


def _digest(path: Path) -> tuple[str, int]:
    data = path.read_bytes()
    return hashlib.sha256(data).hexdigest(), len(data)


def _sign(repository: Path) -> Path:
    """Sign its release with a key that is made for it; the file with that key."""
    if not shutil.which("gpg"):
        pytest.skip("needs gpg, to sign a repository")
    home = repository.parent / "gnupg"
    home.mkdir(mode=0o700, exist_ok=True)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--yes", "--quiet", "--passphrase", ""]
    key = repository.parent / "key.gpg"
    if not key.exists():
        subprocess.run([*gpg, "--quick-generate-key", "a test", "default", "sign"], check=True)
        subprocess.run([*gpg, "--output", key, "--export"], check=True)
    for release in repository.glob("dists/*/Release"):
        subprocess.run([*gpg, "--clearsign", "--output", release.with_name("InRelease"), release], check=True)
    return key


def _install(destination: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), str(destination), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert "Traceback" not in done.stderr
    return done


def test_it_is_installed_where_asked_once(repository: Path, tmp_path: Path) -> None:
    key = _sign(repository)
    _set_up(tmp_path, f"deb [signed-by={key}] file:{repository} {_codename()} main\n")
    destination = tmp_path / "new" / "runsc"
    done = _install(destination)
    assert (done.returncode, done.stdout) == (0, f"{destination}\n"), done.stderr
    assert "runsc version 1\n" in done.stderr
    assert destination.read_text() == PROGRAM
    assert [path.name for path in destination.parent.iterdir()] == ["runsc"]
    changed = destination.stat().st_mtime_ns
    assert _install(destination).stdout == f"{destination}\n"
    assert destination.stat().st_mtime_ns == changed
    _install(destination, "--force")
    assert destination.stat().st_mtime_ns != changed


def test_what_nobody_signed_is_refused(repository: Path, tmp_path: Path) -> None:
    done = _install(tmp_path / "runsc")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not signed" in done.stderr
    assert not (tmp_path / "runsc").exists()


def test_a_package_that_was_changed_is_refused(repository: Path, tmp_path: Path) -> None:
    key = _sign(repository)
    _set_up(tmp_path, f"deb [signed-by={key}] file:{repository} {_codename()} main\n")
    package = repository / "pool" / "runsc_1_all.deb"
    data = bytearray(package.read_bytes())
    data[-1] ^= 1
    package.write_bytes(data)
    done = _install(tmp_path / "runsc")
    assert done.returncode == 2
    assert "Hash Sum mismatch" in done.stderr
    assert not (tmp_path / "runsc").exists()


def test_a_machine_without_a_mirror_of_its_release_is_told(repository: Path, tmp_path: Path) -> None:
    _set_up(tmp_path, "")
    done = _install(tmp_path / "runsc")
    assert done.returncode == 2
    assert "no source of this release" in done.stderr


def test_a_machine_without_apt_is_told(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    command = [sys.executable, str(SCRIPT), str(tmp_path / "runsc")]
    environ = {**os.environ, "PATH": str(tmp_path / "bin")}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "SANDKUBE_RUNSC" in done.stderr


def test_what_is_there_and_does_not_run_is_not_called_installed(tmp_path: Path) -> None:
    (tmp_path / "runsc").write_text("no program")
    done = _install(tmp_path / "runsc")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--force" in done.stderr
