"""Installing a server that somebody brought: a wheel, a bare binary, or a folder with binary and template."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from sandkube import cached
from sandkube.errors import StateUnusable, UsageError
from sandkube.server import cache
from sandkube.server.locate import Server
from sandkube.server.version import ask, check_contract

__all__ = ["install"]

_IN_WHEEL = "sandkube_server/bin/"
_TEMPLATE_SECONDS = 120


def install(file: Path, report: Callable[[str], None]) -> Server:
    """Put the binary in ``file`` into the cache, in place of one installed before, and give it.

    ``file`` is a `sandkube-server` wheel, a binary (a template.db beside it is taken along), or a folder that
    holds both. A binary that comes without a template makes one. It has to run here and speak our contract.
    Raises UsageError where the file is something else, ServerNotFound where the binary does not run or fit.
    """
    root = cache.root()
    try:
        cached.make_folder(root)
        stage = Path(tempfile.mkdtemp(prefix="incoming-", dir=root))
    except OSError as error:
        raise StateUnusable(f"The cache {root} cannot be used: {error.strerror}") from error
    try:
        _unpack(file, stage)
        binary = stage / cache.BINARY
        binary.chmod(0o755)
        stage.chmod(0o755)
        version = ask(binary)
        check_contract(version, file)
        _complete(stage, report)
        entry = cache.add(root, stage, kind="installed", source=str(file.absolute()), key="", version=version)
    except OSError as error:
        raise UsageError(f"`{file}` cannot be installed: {error.strerror}") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    for other in list(cache.entries(root)):
        if other.folder.name.startswith("installed-") and other.folder != entry.folder:
            cache.remove(other.folder)
    return Server(entry.binary, entry.template, f"installed from {entry.source}")


def _unpack(file: Path, stage: Path) -> None:
    """Put binary and template of ``file`` into the folder ``stage``."""
    if file.is_dir():
        binary = file / cache.BINARY
        if not binary.is_file():
            raise UsageError(f"`{file}` holds no `{cache.BINARY}`")
    elif file.suffix == ".whl":
        _unpack_wheel(file, stage)
        return
    elif file.is_file():
        binary = file
    else:
        raise UsageError(f"`{file}` is no file and no folder")
    shutil.copyfile(binary, stage / cache.BINARY)
    if template := cache.template_beside(binary):
        shutil.copyfile(template, stage / cache.TEMPLATE)


def _unpack_wheel(file: Path, stage: Path) -> None:
    if not file.is_file():
        raise UsageError(f"`{file}` is no file")
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
            if _IN_WHEEL + cache.BINARY not in names:
                raise UsageError(
                    f"`{file}` is no wheel of sandkube-server: it holds no {_IN_WHEEL}{cache.BINARY}"
                )
            for name in (cache.BINARY, cache.TEMPLATE):
                if _IN_WHEEL + name in names:
                    with archive.open(_IN_WHEEL + name) as packed, (stage / name).open("wb") as unpacked:
                        shutil.copyfileobj(packed, unpacked, 1 << 20)
    except zipfile.BadZipFile as error:
        raise UsageError(f"`{file}` is damaged: {error}") from error


def _complete(stage: Path, report: Callable[[str], None]) -> None:
    """Let the binary make a template where none came with it; without one clusters start cold."""
    template = stage / cache.TEMPLATE
    if template.is_file():
        return
    report("No template came with it: making one (some seconds).")
    try:
        subprocess.run(
            [stage / cache.BINARY, "template", "--output", template],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_TEMPLATE_SECONDS,
            env=dict(os.environ),
        )
    except (OSError, subprocess.SubprocessError):
        template.unlink(missing_ok=True)
        report("The template could not be made. Starts will be cold, so slower.")
