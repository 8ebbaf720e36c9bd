"""Where a release comes from: a mirror, laid out as k3s' own releases are, or a folder with the files of one.

A mirror BASE has ``BASE/download/TAG/FILE`` (with the tag's `+` as `%2B`) and, for channels,
``CHANNELS/CHANNEL``, which leads to the page of a release, or answers with its tag. k3s' own two places are
those of its install script; of another mirror the channels are at ``BASE/channels``, and nothing is asked of
k3s' own.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Final, Protocol, TypeVar
from urllib.parse import quote, unquote, urlsplit

from sandkube.errors import K3sInstallFailed, K3sNotFound, UsageError
from sandkube.k3s import versions
from sandkube.k3s.downloads import Downloads, Missing, Patience
from sandkube.k3s.platforms import Platform
from sandkube.k3s.storing import Watcher, store
from sandkube.k3s.transport import Address, Transport

__all__ = ["CHANNELS", "DEFAULT_CHANNEL", "RELEASES", "Folder", "Mirror", "Source", "source"]

# GITHUB_URL and INSTALL_K3S_CHANNEL_URL of https://github.com/k3s-io/k3s/blob/main/install.sh
RELEASES: Final = "https://github.com/k3s-io/k3s/releases"
CHANNELS: Final = "https://update.k3s.io/v1-release/channels"
DEFAULT_CHANNEL: Final = "stable"

_T = TypeVar("_T")

_MOST_REDIRECTS = 5
_DIGEST = re.compile(r"([0-9a-fA-F]{64}) [ *](.+)")


class Source(Protocol):
    """Gives the files of one release."""

    def version(self, asked: str | None) -> str | None:
        """Give the tag that ``asked`` comes to; None where only the binary itself can tell."""

    def checksum(self, version: str | None) -> str:
        """Give the SHA-256 that the binary must have."""

    def fetch(self, version: str | None, file: Path) -> str:
        """Write the binary to ``file`` and give the SHA-256 it has."""

    def name(self, version: str | None) -> str:
        """Give the address or path of the binary."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """A server with releases at ``base``; ``channels`` is where it keeps the channels."""

    base: str
    channels: str
    platform: Platform
    downloads: Downloads

    def version(self, asked: str | None) -> str | None:
        """Give the tag of a release that was asked for, or that a channel has now."""
        wanted = versions.wanted(DEFAULT_CHANNEL if asked is None else asked)
        return self._newest_of(wanted.name) if wanted.is_channel else wanted.name

    def checksum(self, version: str | None) -> str:
        """Read it from the release's list; a release without one is refused."""
        url = self._file(version, self.platform.checksums)
        try:
            text = self.downloads.text(url)
        except Missing:
            if self.downloads.exists(self.name(version)):
                raise K3sInstallFailed(
                    f"The release {version} cannot be verified: there is no {url}.", hint=_UNVERIFIED
                ) from None
            raise self._no_release(version) from None
        return _listed(text, self.platform.binary, url)

    def fetch(self, version: str | None, file: Path) -> str:
        """Fetch the binary."""
        try:
            return self.downloads.binary(self.name(version), file)
        except Missing:
            raise self._no_release(version) from None

    def name(self, version: str | None) -> str:
        """Give the binary's address."""
        return self._file(version, self.platform.binary)

    def _file(self, version: str | None, name: str) -> str:
        return f"{self.base}/download/{quote(version or '', safe='')}/{name}"

    def _no_release(self, version: str | None) -> K3sNotFound:
        return K3sNotFound(
            f"There is no k3s {version} for this machine at {self.base}: it has no {self.name(version)}.",
            hint=f"the releases are listed at {RELEASES}",
        )

    def _newest_of(self, channel: str) -> str:
        url = f"{self.channels}/{channel}"
        came_from = url
        try:
            for _ in range(_MOST_REDIRECTS):
                found = self.downloads.leads_to(url, came_from)
                if isinstance(found, str):
                    return _tag(found.strip(), channel, url)
                last = unquote(urlsplit(found.location).path.rstrip("/").rpartition("/")[2])
                tag = versions.release(last)
                if tag is not None:
                    return tag
                came_from, url = url, found.location
        except Missing:
            raise K3sNotFound(
                f"There is no channel `{channel}` of k3s: there is no {url}.",
                hint="channels are stable, latest and such as v1.35; or name a version, such as v1.35.1+k3s1",
            ) from None
        raise K3sInstallFailed(f"The channel `{channel}` leads from one place to another, and to no release.")


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder with the files of one release."""

    path: Path
    platform: Platform
    watcher: Watcher

    def version(self, asked: str | None) -> str | None:
        """Give the tag that was asked for; a folder has no channels."""
        if asked is None:
            return None
        wanted = versions.wanted(asked)
        if wanted.is_channel:
            raise UsageError(
                f"`{asked}` is a channel, and the folder `{self.path}` holds one release.",
                hint="leave it out, or name the version that you expect there",
            )
        return wanted.name

    def checksum(self, version: str | None) -> str:  # noqa: ARG002 -- of a Source
        """Read it from the folder's list; a folder without one is refused."""
        file = self._file(self.platform.checksums)
        if not file.is_file():
            raise K3sInstallFailed(
                f"The k3s in `{self.path}` cannot be verified: there is no {file.name} in it.",
                hint=_UNVERIFIED,
            )
        text = _readable(file, lambda: file.read_text(encoding="utf-8", errors="replace"))
        return _listed(text, self.platform.binary, str(file))

    def fetch(self, version: str | None, file: Path) -> str:  # noqa: ARG002 -- of a Source
        """Copy the binary."""
        path = self._file(self.platform.binary)
        if not path.is_file():
            raise K3sNotFound(f"`{self.path}` holds no `{path.name}`, which is k3s for this machine.")
        return store(_blocks(path), file, path.stat().st_size, self.watcher)[0]

    def name(self, version: str | None) -> str:  # noqa: ARG002 -- of a Source
        """Give the binary's path."""
        return str(self._file(self.platform.binary))

    def _file(self, name: str) -> Path:
        return self.path.absolute() / name


def source(
    text: str | None, platform: Platform, watcher: Watcher, patience: Patience, *, insecure_http: bool
) -> Source:
    """Give the source that ``text`` names, a URL or a folder; None is k3s' own place.

    Raises UsageError where it is neither.
    """
    if text is not None and "://" not in text:
        return _folder(Path(text), platform, watcher)
    address = Address.parse(RELEASES if text is None else text)
    transport = Transport(address, insecure_http=insecure_http, seconds=patience.silent)
    channels = CHANNELS if text is None else f"{address.url}/channels"
    return Mirror(address.url, channels, platform, Downloads(transport, watcher, patience))


_UNVERIFIED = "a k3s that you trust all the same can be used as it lies: SANDKUBE_K3S or --k3s PATH"


def _folder(path: Path, platform: Platform, watcher: Watcher) -> Folder:
    if path.is_file():
        raise UsageError(
            f"`{path}` is a file; --from takes a folder or an address.",
            hint=f"a binary can be used as it lies: export SANDKUBE_K3S='{path.absolute()}'",
        )
    if not path.is_dir():
        raise UsageError(f"`{path}` is no folder, and no address: those begin with https://.")
    return Folder(path, platform, watcher)


def _listed(text: str, name: str, where: str) -> str:
    """Give the SHA-256 of ``name`` in a list as `sha256sum` writes it."""
    for line in text.splitlines():
        found = _DIGEST.fullmatch(line.strip())
        if found and found[2].removeprefix("./") == name:
            return found[1].lower()
    raise K3sInstallFailed(f"k3s cannot be verified: {where} has no SHA-256 of `{name}`.", hint=_UNVERIFIED)


def _tag(text: str, channel: str, url: str) -> str:
    tag = versions.release(text)
    if tag is None:
        raise K3sInstallFailed(
            f"The channel `{channel}` names no release: {url} answers with something else."
        )
    return tag


def _blocks(path: Path) -> Iterator[bytes]:
    with contextlib.closing(_unbuffered(path)) as file:
        while block := _readable(path, lambda: file.read(1 << 20)):
            yield block


def _unbuffered(path: Path) -> FileIO:
    return _readable(path, lambda: FileIO(path))


def _readable(path: Path, read: Callable[[], _T]) -> _T:
    """Give what ``read`` gives; UsageError about ``path``, which is not the cache's, where it cannot."""
    try:
        return read()
    except OSError as error:
        raise UsageError(f"`{path}` cannot be read: {error.strerror}.") from error
