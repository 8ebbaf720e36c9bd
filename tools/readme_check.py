"""Do what README.md says, to the letter, as a newcomer would who has nothing: `just readme-check`.

The last commit is cloned into an empty folder, HOME is another empty one, nothing is cached, and the
environment is cleared but for what the machine needs to reach its indexes. Run as root, it becomes the user
`nobody` first.

A fenced ```bash block is run if the line above its fence is `<!-- readme-check: NAME -->`. Blocks run in
their order, in one shell, each as it stands. NAME is free, but for two: `venv` is run where pip refuses to
install (PEP 668), and then instead of the first block; and what `namespaces` prints must list the four
namespaces that every cluster has.
"""

from __future__ import annotations

import argparse
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAMESPACES = {"default", "kube-node-lease", "kube-public", "kube-system"}

_BLOCK = re.compile(r"^<!-- readme-check: ([a-z-]+) -->\n```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_KEPT = re.compile(r"PATH|LANG|SSL_CERT_.*|.*_proxy|.*_PROXY|PIP_.*|UV_.*|GOPROXY|GOSUMDB")
_MARK = "@@ readme-check"


@dataclass(frozen=True)
class Block:
    """A block of README.md that is run."""

    name: str
    text: str


def blocks(readme: str) -> list[Block]:
    """Give the marked blocks, in their order."""
    return [Block(name, text) for name, text in _BLOCK.findall(readme)]


def in_order(found: list[Block], *, refuses: bool) -> list[Block]:
    """Give the blocks to run: where pip ``refuses``, the one named `venv` stands in for the first."""
    plain = [block for block in found if block.name != "venv"]
    return [*(block for block in found if block.name == "venv"), *plain[1:]] if refuses else plain


def environment(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """Give the newcomer's environment: what is kept of ours, and HOME."""
    kept = {name: value for name, value in environ.items() if _KEPT.fullmatch(name)}
    return kept | {"HOME": str(home)}


def script(chosen: list[Block]) -> str:
    """Give one shell script that runs the blocks, and says where each begins and how long it took."""
    lines = ["set -e"]
    for block in chosen:
        lines += [f"printf '%s %s\\n' '{_MARK}' '{block.name}'", block.text.rstrip("\n")]
    return "\n".join([*lines, f"printf '%s %s\\n' '{_MARK}' 'end'", ""])


def missing_namespaces(printed: str) -> set[str]:
    """Give which of the four namespaces are not the first word of a line."""
    return NAMESPACES - {
        line.split()[0].removeprefix("namespace/") for line in printed.splitlines() if line.split()
    }


def main() -> int:
    """Check, and give the exit status."""
    parser = argparse.ArgumentParser(prog="readme_check.py", description="Do what README.md says.")
    parser.add_argument("--only", action="append", metavar="NAME", help="run these blocks only (repeatable)")
    parser.add_argument("--keep", action="store_true", help="leave the folders there")
    parser.add_argument("--minutes", type=float, default=60.0, help="give up after this long (default: 60)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="readme-check-"))
    try:
        return _check(folder, options.only, options.minutes)
    finally:
        if options.keep:
            print(f"left in {folder}")
        else:
            _remove(folder)


def _check(folder: Path, only: list[str] | None, minutes: float) -> int:
    clone, home = folder / "sandkube", folder / "home"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True)
    home.mkdir()
    found = blocks((clone / "README.md").read_text(encoding="utf-8"))
    if not found:
        print("README.md has no block marked `<!-- readme-check: NAME -->`", file=sys.stderr)
        return 2
    user = _plain_user(folder)
    environ = environment(os.environ, home)
    if user is not None:
        environ["PATH"] = _readable_path(environ["PATH"])
    refuses = _pip_refuses(environ, clone, user)
    print(f"pip {'refuses (PEP 668): the venv form' if refuses else 'installs: the plain form'}", flush=True)
    chosen = in_order(found, refuses=refuses)
    if only:
        chosen = [block for block in chosen if block.name in {*only, "venv"}]
    began = time.monotonic()
    printed: dict[str, str] = {}
    process = _shell(script(chosen), environ, clone, user)
    try:
        for name, line in _named_lines(process, began + minutes * 60):
            printed[name] = printed.get(name, "") + line
        status = process.wait()
    finally:
        _stop(process)
        _down(environ, clone, user)
    print(f"{_MARK} took {time.monotonic() - began:.0f} s, exit status {status}")
    return _verdict(status, printed, [block.name for block in chosen])


def _verdict(status: int, printed: Mapping[str, str], names: list[str]) -> int:
    if status != 0:
        print(f"FAILED in `{list(printed)[-1] if printed else names[0]}`", file=sys.stderr)
        return 1
    if "namespaces" in names and (missing := missing_namespaces(printed.get("namespaces", ""))):
        print(f"FAILED: `namespaces` did not list {', '.join(sorted(missing))}", file=sys.stderr)
        return 1
    print(f"README.md holds: {', '.join(names)}")
    return 0


def _plain_user(folder: Path) -> int | None:
    """Give the uid to become, or None where we are a plain user already; the folder becomes that user's."""
    if os.getuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)
    return entry.pw_uid


def _readable_path(path: str) -> str:
    """Leave out what another user cannot enter, such as folders below /root."""
    return os.pathsep.join(entry for entry in path.split(os.pathsep) if _open_to_all(Path(entry)))


def _open_to_all(folder: Path) -> bool:
    try:
        return all(place.stat().st_mode & stat.S_IXOTH for place in (folder, *folder.resolve().parents))
    except OSError:
        return False


def _shell(text: str, environ: dict[str, str], cwd: Path, user: int | None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["bash", "-c", text],
        cwd=cwd,
        env=environ,
        user=user,
        group=None if user is None else pwd.getpwuid(user).pw_gid,
        extra_groups=None if user is None else [],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _pip_refuses(environ: dict[str, str], cwd: Path, user: int | None) -> bool:
    process = _shell("pip install --dry-run --quiet uv", environ, cwd, user)
    said, _ = process.communicate()
    return process.returncode != 0 and ("externally-managed" in said or "not found" in said)


def _named_lines(process: subprocess.Popen[str], until: float) -> Iterator[tuple[str, str]]:
    """Yield each line with the name of the block that printed it, and print it too."""
    assert process.stdout is not None
    name = "start"
    signal.signal(signal.SIGALRM, lambda *_: _stop(process))
    signal.alarm(max(int(until - time.monotonic()), 1))
    for line in process.stdout:
        print(line, end="", flush=True)
        if line.startswith(_MARK):
            name = line.split()[-1]
        else:
            yield name, line
        if name == "end":
            break
    signal.alarm(0)


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _down(environ: dict[str, str], clone: Path, user: int | None) -> None:
    """End the cluster that README.md's commands started."""
    if (clone / ".venv" / "bin" / "sandkube").exists():
        _shell(".venv/bin/sandkube down", environ, clone, user).communicate(timeout=60)


def _remove(folder: Path) -> None:
    """Remove the folder; Go's module cache is read-only."""
    for path in folder.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
