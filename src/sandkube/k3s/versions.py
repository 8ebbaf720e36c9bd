"""Which k3s: what can be asked for, and what a binary says it is."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from sandkube.errors import K3sInstallFailed, UsageError

__all__ = ["Wanted", "ask", "release", "wanted"]

_RELEASE = re.compile(r"v\d+\.\d+\.\d+(-[0-9A-Za-z]+(\.[0-9A-Za-z]+)*)?\+k3s\.?\d+")
_KUBERNETES = re.compile(r"v\d+\.\d+\.\d+")
_CHANNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
_SAID = re.compile(r"^k3s version (\S+)", re.MULTILINE)
_SECONDS = 60  # a binary on a cold, slow disk may take long to be read


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for: a release (`v1.35.1+k3s1`), or a channel (`stable`, `v1.35`), which names one."""

    name: str
    is_channel: bool


def release(text: str) -> str | None:
    """Give ``text`` as the tag of a release, or None where it is none.

    A missing `v` is put before it, and a `-` as in the tags of container images becomes the `+`.
    """
    tag = re.sub(r"-(k3s\.?\d+)$", r"+\1", text)
    tag = tag if tag.startswith("v") else f"v{tag}"
    return tag if _RELEASE.fullmatch(tag) else None


def wanted(text: str) -> Wanted:
    """Give what ``text`` asks for; UsageError where it can be neither a release nor a channel."""
    tag = release(text)
    if tag is not None:
        return Wanted(tag, is_channel=False)
    name = f"v{text}" if text[:1].isdigit() else text
    if _KUBERNETES.fullmatch(name):
        raise UsageError(
            f"`{text}` is a version of Kubernetes, and not of k3s.",
            hint=f"k3s' own number comes after it: {name}+k3s1",
        )
    if not _CHANNEL.fullmatch(name):
        raise UsageError(
            f"`{text}` is neither a version of k3s nor a channel.",
            hint="a version is such as v1.35.1+k3s1, a channel is stable, latest or such as v1.35",
        )
    return Wanted(name, is_channel=True)


def ask(binary: Path) -> str:
    """Run the binary and give the version that it says; K3sInstallFailed where it does not run, or says none.

    It gets no environment of the user's, and no configuration of the machine's: k3s reads them even then. Its
    file must be called k3s, since it calls itself as it is called.
    """
    import subprocess

    home = binary.parent / "home"  # should it ever leave something there, it goes with the rest
    home.mkdir()
    try:
        answer = subprocess.run(
            [binary, "--version"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
            cwd=home,
            env={"HOME": str(home), "PATH": os.defpath, "K3S_CONFIG_FILE": os.devnull},
        )
    except subprocess.TimeoutExpired as error:
        raise K3sInstallFailed(f"This k3s did not say its version within {_SECONDS} s.") from error
    except OSError as error:
        raise K3sInstallFailed(
            f"This k3s does not run on this machine: {error.strerror}.", hint=_hint(error)
        ) from error
    finally:
        shutil.rmtree(home, ignore_errors=True)
    found = _SAID.search(answer.stdout.decode("utf-8", "replace"))
    if answer.returncode != 0 or found is None:
        said = (answer.stderr or answer.stdout).decode("utf-8", "replace").strip()
        raise K3sInstallFailed(
            f"This is no k3s: asked for its version, it ended with status {answer.returncode}.",
            tail="\n".join(said.splitlines()[-10:]) or None,
        )
    return found[1]


def _hint(error: OSError) -> str | None:
    if isinstance(error, PermissionError):
        return (
            "if nothing may be run where the cache lies (noexec), name another: export SANDKUBE_CACHE_DIR=…"
        )
    return None
