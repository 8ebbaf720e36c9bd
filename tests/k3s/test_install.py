"""`sandkube k3s install` against a server with the layout of k3s' releases: fine, and in every way not."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import importlib
import ipaddress
import json
import os
import pty
import re
import signal
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from command_line import NOBODY, PATIENCE, Sandkube, fresh
from k3s.release_server import (
    BASE,
    PUBLIC_CHANNELS,
    VERSION,
    Body,
    Cut,
    Drip,
    Proxy,
    Redirect,
    ReleaseServer,
    Stall,
    Status,
    checksums,
    files_of_release,
    serving,
    stand_in,
)
from sandkube.errors import SandkubeError, StateUnusable, UsageError
from sandkube.k3s import K3sInstallFailed, K3sNotFound, cache, platforms, storing
from sandkube.k3s.downloads import Patience
from sandkube.k3s.install import install

_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"  # /usr/local/bin may have a k3s
ASSET = platforms.current().binary
LIST = platforms.current().checksums
AT = f"{BASE}/download/{VERSION.replace('+', '%2B')}"


@dataclass
class Told:
    """What an install told."""

    steps: list[str] = field(default_factory=list)
    amiss: list[str] = field(default_factory=list)
    counts: list[tuple[int, int | None]] = field(default_factory=list)

    def step(self, text: str) -> None:
        self.steps.append(text)

    def say(self, text: str) -> None:
        self.amiss.append(text)

    def received(self, count: int, total: int | None) -> None:
        self.counts.append((count, total))


@dataclass
class Here:
    """Installs within the test's own process, into a cache of its own; does not wait between two tries."""

    root: Path
    server: ReleaseServer
    told: Told = field(default_factory=Told)
    silent: float = PATIENCE

    def __call__(
        self, asked: str | None = VERSION, *, source: str | None = None, insecure_http: bool = False
    ) -> cache.Entry:
        return install(
            asked,
            self.told,
            source=source or self.server.base,
            insecure_http=insecure_http,
            patience=Patience(silent=self.silent, pauses=(0.0, 0.0)),
            environ={"SANDKUBE_CACHE_DIR": str(self.root.parent)},
        )

    def fails(self, kind: type[SandkubeError], words: str, **settings: str | None) -> SandkubeError:
        """It raises ``kind`` with these words, and leaves nothing in the cache."""
        with pytest.raises(kind, match=re.escape(words)) as caught:
            self(**settings)  # type: ignore[arg-type]
        assert self.left() == []
        return caught.value

    def left(self) -> list[str]:
        """What the cache holds besides its lock."""
        return sorted(path.name for path in self.root.glob("*") if path.name != "lock")


@pytest.fixture
def server() -> Iterator[ReleaseServer]:
    with serving() as made:
        yield made


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def sandkube(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandkube]:
    """One with no k3s but what it installs."""
    with fresh(tmp_path_factory.mktemp("s"), environ={"PATH": _PATH}) as made:
        yield made


@pytest.fixture
def here(tmp_path: Path, server: ReleaseServer) -> Here:
    return Here(tmp_path / "cache" / "k3s", server)


def in_cache(sandkube: Sandkube, *, stages: bool = False) -> list[str]:
    """The versions in its cache; or what is unfinished there."""
    root = cache.root(sandkube.environ)
    return sorted(p.name for p in root.glob("*") if p.is_dir() and p.name.startswith("stage-") == stages)


# When all is well


def test_the_channel_stable_is_what_is_installed(sandkube: Sandkube, server: ReleaseServer) -> None:
    done = sandkube("k3s", "install", "--from", server.base)
    binary = cache.root(sandkube.environ) / VERSION / "k3s"
    assert done.stdout == f"{binary}\n"
    assert f"{AT}/{ASSET}" in done.stderr
    assert server.requests == [
        f"GET {BASE}/channels/stable",
        f"GET {AT}/{LIST}",
        f"GET {AT}/{ASSET}",
    ]
    assert subprocess.check_output([binary, "--version"], text=True).startswith(f"k3s version {VERSION} ")
    record = json.loads((binary.parent / "entry.json").read_text())
    assert record["version"] == VERSION
    assert record["source"] == f"{server.base}/download/{VERSION.replace('+', '%2B')}/{ASSET}"
    assert in_cache(sandkube, stages=True) == []
    assert sandkube("k3s", "path").stdout == done.stdout


def test_other_channels_and_versions(here: Here) -> None:
    for version in ("v1.36.0-rc1+k3s1", "v1.34.2+k3s10"):
        here.server.release(version)
    here.server.channels["v1.34"] = "v1.34.2+k3s10"
    for asked, version in {
        "v1.34": "v1.34.2+k3s10",
        "1.34": "v1.34.2+k3s10",
        "v1.36.0-rc1+k3s1": "v1.36.0-rc1+k3s1",
        "1.35.1+k3s1": VERSION,
        "v1.35.1-k3s1": VERSION,
    }.items():
        assert here(asked).version == version
    assert here.left() == ["v1.34.2+k3s10", VERSION, "v1.36.0-rc1+k3s1"]


def test_a_channel_may_lead_there_by_a_detour_or_be_a_file(here: Here) -> None:
    here.server.meets("stable", Redirect("/elsewhere/latest"))
    here.server.meets("latest", Redirect(f"https://example.invalid/tag/{VERSION.replace('+', '%2B')}", 307))
    assert here("stable").version == VERSION
    here.server.files[f"{BASE}/channels/ours"] = f"{VERSION}\n".encode()
    assert here("ours").version == VERSION


def test_what_is_there_is_not_fetched_again(here: Here) -> None:
    first = here()
    second = here()
    assert here.server.asked_for(ASSET) == 1
    assert second.binary == first.binary
    assert second.installed > first.installed
    assert here.told.steps[-1] == f"k3s {VERSION} is there already."


def test_one_that_was_damaged_is(here: Here) -> None:
    binary = here().binary
    stat = binary.stat()
    binary.write_bytes(binary.read_bytes().replace(b"stand-in", b"stand-IN"))
    os.utime(binary, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert here().fault(thoroughly=True) is None
    assert here.server.asked_for(ASSET) == 2


def test_progress_is_told_with_the_total(here: Here) -> None:
    binary = stand_in(padding=2_000_000)
    here.server.release(binary=binary)
    here()
    assert here.told.counts[-1] == (len(binary), len(binary))
    assert len(here.told.counts) > 1


def test_a_body_of_unknown_length(here: Here) -> None:
    binary = here.server.files[f"{BASE}/download/{VERSION}/{ASSET}"]
    here.server.meets(ASSET, Body(binary, None))
    assert here().version == VERSION
    assert here.told.counts[-1] == (len(binary), None)


def test_a_terminal_gets_a_bar_and_nothing_of_it_is_left(sandkube: Sandkube, server: ReleaseServer) -> None:
    server.release(binary=stand_in(padding=30_000_000))
    ours, theirs = pty.openpty()
    popen = subprocess.Popen(
        [*sandkube.command, "k3s", "install", "--from", server.base],
        env={**sandkube.environ, "TERM": "xterm", "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    sandkube.started.append(popen)  # type: ignore[arg-type]
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # EIO is how a terminal says that nobody writes any more
        while data := os.read(ours, 65536):
            shown += data
    os.close(ours)
    assert popen.wait() == 0
    assert b"30.0" in shown, shown
    assert b"MB" in shown
    assert shown.rindex(b"\x1b[2K") > shown.rindex(b"MB"), shown[-200:]  # the line was erased


def test_elsewhere_there_are_lines(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    command = importlib.import_module("sandkube.cli.k3s")
    monkeypatch.setattr(command, "_INTERVAL", 0.0)
    with command._Display(quiet=False) as display:
        display.received(12_000_000, 70_000_000)
        display.received(13_000_000, None)
    with command._Display(quiet=True) as display:
        display.received(12_000_000, 70_000_000)
        display.step("not this")
        display.say("but this")
    assert capfd.readouterr().err == "12 of 70 MB\n13 MB\nbut this\n"


# When the server is slow, breaks off, or is busy


def test_a_slow_server_is_waited_for(here: Here) -> None:
    here.server.release(binary=stand_in(padding=200_000))
    here.server.meets(ASSET, Drip(piece=20_000, seconds=0.02))
    assert here().version == VERSION
    assert here.told.amiss == []


def test_one_that_stalls_is_asked_again(sandkube: Sandkube, server: ReleaseServer) -> None:
    server.meets(ASSET, Stall(after=50))
    done = sandkube("k3s", "install", "--from", server.base, "--timeout", "0.3")
    assert "the server was silent for too long. Trying again in 1 s." in done.stderr
    assert server.asked_for(ASSET) == 2
    assert in_cache(sandkube) == [VERSION]


@pytest.mark.parametrize("name", [ASSET, LIST, "stable"])
def test_one_that_stalls_always(here: Here, name: str) -> None:
    here.silent = 0.1
    here.server.files[f"{BASE}/channels/stable"] = b"v1.35.1+k3s1"
    here.server.channels.clear()
    here.server.meets(name, Stall(), Stall(), Stall())
    error = here.fails(K3sInstallFailed, "the server was silent for too long (tries: 3)", asked="stable")
    assert "--timeout" in (error.hint or "")


def test_one_that_drips(here: Here) -> None:
    here.silent = 0.2
    here.server.release(binary=stand_in(padding=100_000))
    here.server.meets(ASSET, *[Drip(piece=1, seconds=0.02)] * 3)
    error = here.fails(K3sInstallFailed, "bytes came within")
    assert "--timeout" in (error.hint or "")


@pytest.mark.parametrize("cut", [Cut(None), Cut(0), Cut(100), Cut(100, reset=True)], ids=str)
def test_cut_off(here: Here, cut: Cut) -> None:
    here.server.meets(ASSET, cut, cut)
    assert here().version == VERSION
    assert len(here.told.amiss) == 2
    assert here.server.asked_for(ASSET) == 3


def test_cut_off_always(here: Here) -> None:
    here.server.release(binary=stand_in(padding=12_000_000))
    here.server.meets(ASSET, *[Cut(2_500_000)] * 3)
    here.fails(K3sInstallFailed, "the connection ended after 2.5 of 12 MB (tries: 3)")


def test_a_list_that_is_cut_off_is_not_taken_for_one_without_k3s(here: Here) -> None:
    here.server.meets(LIST, Cut(20))
    assert here().version == VERSION


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_busy_and_then_fine(here: Here, status: int) -> None:
    for name in ("stable", LIST, ASSET):
        here.server.meets(name, Status(status))
    assert here("stable").version == VERSION
    assert len(here.told.amiss) == 3
    assert all(f"the server says {status}" in line for line in here.told.amiss)


def test_busy_for_ever(here: Here) -> None:
    here.server.meets(ASSET, *[Status(503)] * 3)
    here.fails(K3sInstallFailed, "the server says 503 Service Unavailable (tries: 3)")


def test_the_pause_that_a_server_asks_for(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("sandkube.k3s.downloads.sleep", pauses.append)
    here.server.meets(
        ASSET,
        Status(429, {"Retry-After": "7"}),
        Status(503, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}),
    )
    here()
    here.server.meets(LIST, Status(429, {"Retry-After": "99999"}))
    here()
    assert pauses == [7.0, 0.0, 60.0]


@pytest.mark.parametrize("status", [400, 401, 403, 451])
def test_what_will_not_change_is_not_asked_again(here: Here, status: int) -> None:
    here.server.meets(ASSET, Status(status))
    here.fails(K3sInstallFailed, f"the server says {status}")
    assert here.server.asked_for(ASSET) == 1


def test_nobody_listens(here: Here) -> None:
    with ReleaseServer() as gone:
        base = gone.base
    error = here.fails(K3sInstallFailed, "Connection refused (tries: 3)", source=base)
    assert "HTTPS_PROXY" in (error.hint or "")


# When what comes is not what it should be


def test_a_wrong_checksum_is_refused_and_not_run(here: Here, tmp_path: Path) -> None:
    marker = tmp_path / "was run"
    here.server.files[f"{BASE}/download/{VERSION}/{ASSET}"] = stand_in(marker=marker)
    here.fails(K3sInstallFailed, "is not what its release lists: its SHA-256 is ")
    assert not marker.exists()
    assert here.server.asked_for(ASSET) == 1


def test_a_wrong_checksum_leaves_what_was_there(here: Here) -> None:
    binary = here().binary
    here.server.release(binary=stand_in() + b"# rebuilt\n")
    here.server.meets(ASSET, Body(b"#!/bin/sh\n", 10))
    with pytest.raises(K3sInstallFailed, match="is not what its release lists"):
        here()
    assert here.left() == [VERSION]
    assert binary.read_bytes() == stand_in()
    assert here().binary.read_bytes() == stand_in() + b"# rebuilt\n"
    assert here.left() == [VERSION]


def test_no_checksum_no_k3s(here: Here) -> None:
    here.server.drop(LIST)
    error = here.fails(K3sInstallFailed, f"The release {VERSION} cannot be verified: there is no ")
    assert "SANDKUBE_K3S" in (error.hint or "")
    assert here.server.asked_for(ASSET) == 0


@pytest.mark.parametrize(
    "listed",
    [
        b"",
        checksums({f"{ASSET}-airgap-images.tar": b"", f"not-{ASSET}": b""}),
        b"0123456789abcdef  k3s\n",
        b"<html>k3s</html>",
        b"\xff\xfe\x00",
    ],
)
def test_a_list_without_its_checksum(here: Here, listed: bytes) -> None:
    here.server.files[f"{BASE}/download/{VERSION}/{LIST}"] = listed
    here.fails(K3sInstallFailed, f"{LIST} has no SHA-256 of `{ASSET}`")
    assert here.server.asked_for(ASSET) == 0


def test_a_missing_version(sandkube: Sandkube, server: ReleaseServer) -> None:
    done = sandkube("k3s", "install", "v9.9.9+k3s1", "--from", server.base, status=2)
    assert "There is no k3s v9.9.9+k3s1 for this machine" in done.stderr
    assert done.stderr.count("\n") == 2
    assert done.stdout == ""
    assert in_cache(sandkube) == in_cache(sandkube, stages=True) == []


def test_a_release_without_this_machines_k3s(here: Here) -> None:
    here.server.drop(ASSET)
    here.fails(K3sNotFound, f"There is no k3s {VERSION} for this machine")


def test_a_missing_channel(here: Here) -> None:
    error = here.fails(K3sNotFound, "There is no channel `nightly` of k3s", asked="nightly")
    assert "v1.35" in (error.hint or "")


def test_a_channel_that_leads_nowhere(here: Here) -> None:
    here.server.meets("stable", *[Redirect("stable")] * 5)
    here.fails(K3sInstallFailed, "leads from one place to another, and to no release", asked="stable")
    here.server.files[f"{BASE}/channels/page"] = b"<html>welcome</html>"
    here.fails(K3sInstallFailed, "answers with something else", asked="page")


@pytest.mark.parametrize(
    "asked", ["../../etc", "v1.35.1", "1.35.1", "", "a b", "stable/../x", "-x", "v1.35.1+rke2"]
)
def test_what_is_neither_version_nor_channel(here: Here, asked: str) -> None:
    here.fails(UsageError, f"`{asked}` is ", asked=asked)
    assert here.server.requests == []
    assert not here.root.exists()


def test_another_version_than_was_asked_for(here: Here) -> None:
    here.server.release(binary=stand_in("v1.30.0+k3s1"))
    here.fails(K3sInstallFailed, f"is another k3s than was asked for: v1.30.0+k3s1, and not {VERSION}")


@pytest.mark.parametrize(
    ("binary", "words"),
    [
        (b"#!/bin/sh\necho usage >&2; exit 3\n", "it ended with status 3"),
        (b"#!/bin/sh\necho something else\n", "This is no k3s"),
        (b"\x7fELF\0\0\0", "does not run on this machine: Exec format error"),
        (b"#!/no/such/interpreter\n", "does not run on this machine: No such file or directory"),
        (stand_in("v1.35.1"), "says that it is version `v1.35.1`, which is no release"),
        (stand_in("../../x"), "says that it is version `../../x`, which is no release"),
    ],
)
def test_what_is_no_k3s(here: Here, binary: bytes, words: str) -> None:
    here.server.release(binary=binary)
    here.fails(K3sInstallFailed, words)


def test_it_is_asked_without_the_users_environment(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K3S_TOKEN", "secret")
    conditions = b'[ -z "$K3S_TOKEN" ] && [ "$HOME" = "$PWD" ] && [ -e "$K3S_CONFIG_FILE" ] || exit 7'
    script = b"#!/bin/sh\n" + conditions + b"; echo kept >kept\n"
    here.server.release(binary=script + stand_in())
    assert here().version == VERSION
    assert [path.name for path in here().folder.iterdir() if path.name not in {"k3s", "entry.json"}] == []


def test_more_than_a_k3s_can_have(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.server.meets(ASSET, Body(b"x", storing.LARGEST + 1))
    here.fails(K3sInstallFailed, "it has more than 500 MB")
    monkeypatch.setattr(storing, "LARGEST", 2_000_000)
    here.server.meets(ASSET, Body(bytes(3_000_000), None))
    here.fails(K3sInstallFailed, "it has more than 2 MB")
    here.server.files[f"{BASE}/download/{VERSION}/{LIST}"] = bytes(1_500_000)
    here.fails(K3sInstallFailed, "it has more than a megabyte")


# Redirects, plain HTTP, certificates, credentials, proxies


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(here: Here, status: int) -> None:
    with serving() as other:
        for name in (ASSET, LIST):
            here.server.meets(name, Redirect(f"http://localhost:{other.port}{AT}/{name}", status))
        assert here().version == VERSION
        assert other.asked_for(ASSET) == 1


def test_redirects_without_an_end(here: Here) -> None:
    here.server.meets(ASSET, *[Redirect(ASSET)] * 40)
    here.fails(K3sInstallFailed, "infinite loop")


@pytest.mark.parametrize("place", ["ftp://127.0.0.1/k3s", "file:///etc/passwd", "http://192.0.2.1/k3s"])
def test_redirects_to_where_nothing_may_be_fetched_from(here: Here, place: str) -> None:
    for name in (ASSET, "stable"):
        here.server.meets(name, Redirect(place))
        with pytest.raises(SandkubeError, match=re.escape(place)):
            here("stable")
        assert here.left() == []


@pytest.mark.parametrize(
    "base", ["http://192.0.2.1/k3s", "http://releases.test", "HTTP://[2001:db8::1]:80/x"]
)
def test_plain_http_to_other_machines_is_refused(here: Here, base: str) -> None:
    error = here.fails(UsageError, "is plain HTTP: whoever is on the way can replace k3s", source=base)
    assert "--insecure-http" in (error.hint or "")


@pytest.mark.parametrize(
    "source",
    [
        "ftp://example.org/k3s",
        "file:///tmp",
        "https://",
        "https://host:port/",
        "http://[::1/",
        "https://example.org/k3s?token=x",
    ],
)
def test_what_is_no_address(here: Here, source: str) -> None:
    here.fails(UsageError, f"`{source}` is no address", source=source)


@pytest.mark.parametrize("source", ["https://a..b/k3s", f"https://{'a' * 70}.test/k3s"])
def test_what_cannot_be_the_name_of_a_host(here: Here, source: str) -> None:
    here.fails(K3sInstallFailed, f"{source}/download", source=source)


def test_an_address_with_letters_that_must_be_escaped(here: Here) -> None:
    for name, data in files_of_release(stand_in()).items():
        here.server.files[f"/Löwe 1/download/{VERSION}/{name}"] = data
    for path in ("Löwe 1", "L%C3%B6we%201/"):
        here(source=f"http://127.0.0.1:{here.server.port}/{path}")
        assert here.server.requests[-1].startswith("GET /L%C3%B6we%201/download/v1.35.1%2Bk3s1/")


def test_plain_http_by_a_proxy_when_it_is_allowed(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy({"releases.test": here.server.port}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.address)
        base = f"http://releases.test{BASE}"
        assert here(source=base, insecure_http=True).version == VERSION
        assert proxy.requests == [f"GET http://releases.test{AT}/{name}" for name in (LIST, ASSET)]


def test_loopback_is_never_asked_of_a_proxy(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy({}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.address)
        assert here().version == VERSION
        assert proxy.requests == []


@dataclass(frozen=True)
class Authority:
    """An authority of the test's own, and a server's certificate of it."""

    certificate: Path
    tls: ssl.SSLContext


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """For the hosts of k3s' own releases, and this machine."""
    folder = tmp_path_factory.mktemp("authority")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority for tests")])
    now = dt.datetime.now(dt.timezone.utc)
    hosts = [x509.DNSName(host) for host in ("github.com", "update.k3s.io", "releases.test", "localhost")]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([*hosts, x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "ca.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem, folder / "key.pem")
    return Authority(pem, tls)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy"])
def test_k3s_own_place_by_a_proxy(sandkube: Sandkube, authority: Authority, variable: str) -> None:
    """The whole way, as a user behind a proxy has it: the public names, by HTTPS, certificates checked."""
    with serving(authority.tls) as server:
        routes = {"update.k3s.io": server.port, "github.com": server.port}
        with Proxy(routes) as proxy:
            environ = {
                variable: proxy.address.replace("//", "//user:pass@"),
                "SSL_CERT_FILE": str(authority.certificate),
            }
            done = sandkube("k3s", "install", environ=environ)
            assert done.stdout.endswith(f"/{VERSION}/k3s\n")
            assert proxy.requests == [
                "CONNECT update.k3s.io:443",
                "CONNECT github.com:443",
                "CONNECT github.com:443",
            ]
            assert set(proxy.credentials) == {"Basic " + base64.b64encode(b"user:pass").decode()}
        assert server.requests == [
            f"GET {PUBLIC_CHANNELS}/stable",
            f"GET {AT}/{LIST}",
            f"GET {AT}/{ASSET}",
        ]


def test_no_proxy_is_respected(sandkube: Sandkube, authority: Authority) -> None:
    """Asked directly, a name that exists nowhere cannot be resolved; a proxy would know it."""
    with serving(authority.tls) as server, Proxy({"releases.test": server.port}) as proxy:
        environ = {"HTTPS_PROXY": proxy.address, "SSL_CERT_FILE": str(authority.certificate)}
        command = ("k3s", "install", VERSION, "--from", f"https://releases.test{BASE}")
        sandkube(*command, environ=environ)
        assert set(proxy.requests) == {"CONNECT releases.test:443"}
        proxy.requests.clear()
        done = sandkube(*command, status=2, environ={**environ, "NO_PROXY": "example.org,.test"})
        assert proxy.requests == []
        assert "the name of its host cannot be resolved" in done.stderr


# Where a proxy refuses to tunnel, some releases of Python leave the closed socket to be collected.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_a_proxy_that_will_not_do(sandkube: Sandkube, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy({}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        here.fails(K3sInstallFailed, "Tunnel connection failed: 502", source="https://releases.test")
        assert len(proxy.requests) == 3
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1080")
    here.fails(UsageError, "The proxy for https is one of socks5", source="https://releases.test")
    environ = {"HTTPS_PROXY": "socks5h://127.0.0.1:1080"}
    assert "one of socks5h" in sandkube("k3s", "install", status=2, environ=environ).stderr


def test_nothing_is_fetched_unasked(sandkube: Sandkube) -> None:
    with Proxy({}) as proxy:
        environ = {"HTTPS_PROXY": proxy.address, "HTTP_PROXY": proxy.address}
        said = sandkube("k3s", "path", status=2, environ=environ).stderr
        assert "`sandkube k3s install`" in said
        sandkube("k3s", "list", environ=environ)
        sandkube("k3s", "remove", environ=environ)
        sandkube("k3s", "path", VERSION, status=2, environ=environ)
        assert proxy.requests == []
    assert not cache.root(sandkube.environ).exists()


def test_a_certificate_that_is_not_trusted(here: Here, authority: Authority) -> None:
    with serving(authority.tls) as server:
        error = here.fails(
            K3sInstallFailed, "its certificate is not trusted (self-signed", source=server.base
        )
        assert "SSL_CERT_FILE" in (error.hint or "")
        assert server.requests == []


def test_a_certificate_of_another_host(
    here: Here, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    with serving(authority.tls) as server, Proxy({"another.test": server.port}) as proxy:
        assert here(source=server.base).version == VERSION
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        with pytest.raises(K3sInstallFailed, match=r"its certificate is not trusted .*another\.test"):
            here(source=f"https://another.test{BASE}")


def test_https_never_leads_to_plain_http(
    here: Here, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    plain = f"http://127.0.0.1:{here.server.port}{AT}/{ASSET}"
    with serving(authority.tls) as server:
        server.meets("stable", Redirect(f"http://127.0.0.1:{here.server.port}/stable"))
        here.fails(UsageError, "leads from HTTPS to plain HTTP", source=server.base, asked="stable")
        server.meets(ASSET, Redirect(plain), Redirect(plain))
        here.fails(UsageError, f"leads from HTTPS to plain HTTP, at {plain}", source=server.base)
        assert here.server.requests == []
        assert here(source=server.base, insecure_http=True).version == VERSION


def test_credentials_in_the_address(here: Here) -> None:
    here.server.credentials = base64.b64encode(b"me:p@ss").decode()
    error = here.fails(K3sInstallFailed, "the server says 401")
    assert "USER:PASSWORD" in (error.hint or "")
    here.fails(K3sInstallFailed, "401", source=here.server.base.replace("//", "//me:wrong@"))
    here.server.meets(LIST, Status(401, {"WWW-Authenticate": "Negotiate"}))
    here.fails(K3sInstallFailed, "401", source=here.server.base.replace("//", "//me:p%40ss@"))
    told = here.fails(UsageError, "is no address", source="https://me:secret@host:port/x")
    assert "secret" not in told.message
    with serving() as other:
        here.server.meets(ASSET, Redirect(f"http://localhost:{other.port}{AT}/{ASSET}"))
        here.server.meets(LIST, Redirect(LIST))  # the same place, which asks for them again
        entry = here("stable", source=here.server.base.replace("//", "//me:p%40ss@"))
        assert other.asked_for(ASSET) == 1
        assert "Authorization" not in other.headers
    assert "Authorization" in here.server.headers
    said = "\n".join([*here.told.steps, *here.told.amiss, (entry.folder / "entry.json").read_text()])
    assert "p%40ss" not in said
    assert "p@ss" not in said


# From a folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "brought along"
    path.mkdir()
    for name, data in files_of_release(stand_in()).items():
        (path / name).write_bytes(data)
    return path


@pytest.mark.parametrize("asked", [None, VERSION])
def test_from_a_folder(sandkube: Sandkube, folder: Path, asked: str | None) -> None:
    done = sandkube("k3s", "install", *([asked] if asked else []), "--from", str(folder))
    assert done.stdout == sandkube("k3s", "path").stdout
    found = json.loads(sandkube("k3s", "list", "-o", "json").stdout)["k3s"]
    assert [(item["version"], item["source"]) for item in found] == [(VERSION, str(folder / ASSET))]


@pytest.mark.parametrize(
    ("change", "asked", "kind", "words"),
    [
        ("remove list", None, K3sInstallFailed, f"cannot be verified: there is no {LIST} in it"),
        ("remove binary", None, K3sNotFound, f"holds no `{ASSET}`"),
        ("change binary", None, K3sInstallFailed, "is not what its release lists"),
        ("", "v1.34.0+k3s1", K3sInstallFailed, f"asked for: {VERSION}, and not v1.34.0+k3s1"),
        ("", "stable", UsageError, "holds one release"),
    ],
)
def test_a_folder_that_will_not_do(
    here: Here, folder: Path, change: str, asked: str | None, kind: type[SandkubeError], words: str
) -> None:
    if change == "remove list":
        (folder / LIST).unlink()
    elif change == "remove binary":
        (folder / ASSET).unlink()
    elif change == "change binary":
        (folder / ASSET).write_bytes(stand_in() + b"#")
    here.fails(kind, words, asked=asked, source=str(folder))
    assert here.server.requests == []


def test_a_folder_that_cannot_be_read(as_nobody: Sandkube) -> None:
    as_nobody.environ.pop("SANDKUBE_K3S", None)
    folder = as_nobody.root / "brought"
    folder.mkdir()
    for name, data in files_of_release(stand_in()).items():
        (folder / name).write_bytes(data)
    for name in (LIST, ASSET):
        (folder / name).chmod(0o600)  # of root's
        done = as_nobody("k3s", "install", "--from", str(folder), status=2)
        assert f"`{folder / name}` cannot be read: Permission denied." in done.stderr
        (folder / name).chmod(0o644)
    as_nobody("k3s", "install", "--from", str(folder))


def test_from_a_file_or_nothing(here: Here, folder: Path) -> None:
    error = here.fails(UsageError, "is a file; --from takes a folder", source=str(folder / ASSET))
    assert f"SANDKUBE_K3S='{folder / ASSET}'" in (error.hint or "")
    here.fails(UsageError, "is no folder, and no address", source=str(folder / "none"))
    here.fails(UsageError, "is no folder, and no address", source="releases.test/k3s")


# When the cache is the trouble


def test_a_cache_without_rights(as_nobody: Sandkube, server: ReleaseServer) -> None:
    as_nobody.environ.pop("SANDKUBE_K3S", None)
    as_nobody.environ["PATH"] = _PATH
    root = Path(as_nobody.environ["SANDKUBE_CACHE_DIR"]) / "k3s"
    root.parent.mkdir(mode=0o755)
    root.mkdir(mode=0o755)  # of root's
    done = as_nobody("k3s", "install", "--from", server.base, status=2)
    assert f"The cache {root} cannot be used: Permission denied." in done.stderr
    assert "SANDKUBE_CACHE_DIR" in done.stderr
    assert server.requests == []
    assert as_nobody("k3s", "list").stdout == ""
    os.chown(root, NOBODY, NOBODY)
    as_nobody("k3s", "install", "--from", server.base)
    assert as_nobody("k3s", "path").stdout == f"{root / VERSION / 'k3s'}\n"


def in_mount_namespace(sandkube: Sandkube, script: str) -> str:
    """Run a shell's script where mounts are seen by nobody else; what it said on both streams."""
    probe = ["unshare", "-m", "true"]
    if os.getuid() != 0 or subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("needs root and `unshare -m`, to mount a file system")
    root = cache.root(sandkube.environ)
    root.mkdir(parents=True)
    words = " ".join(f"'{word}'" for word in sandkube.command)
    head = f"exec 2>&1; set -u; CACHE='{root}'; sandkube() {{ {words} \"$@\"; }}\n"
    return sandkube.run(["unshare", "-m", "--propagation", "private", "sh", "-c", head + script]).stdout


def test_a_read_only_cache(sandkube: Sandkube, server: ReleaseServer) -> None:
    said = in_mount_namespace(
        sandkube,
        f"""
        sandkube k3s install -q --from {server.base}
        mount --bind "$CACHE" "$CACHE" && mount -o remount,ro,bind "$CACHE"
        sandkube k3s install --from {server.base}; echo "install: $?"
        sandkube k3s remove; echo "remove: $?"
        sandkube k3s path
        """,
    )
    root = cache.root(sandkube.environ)
    assert said.count(f"error: The cache {root} cannot be used: Read-only file system.") == 2, said
    assert "install: 2" in said
    assert "remove: 2" in said
    assert said.endswith(f"{root / VERSION / 'k3s'}\n")


def test_a_full_disk(sandkube: Sandkube, server: ReleaseServer) -> None:
    """Announced, it is found before; unannounced, in the middle; and space alone mends it."""
    binary = stand_in(padding=3_000_000)
    server.release(binary=binary)
    server.meets(ASSET, Body(binary, None))
    said = in_mount_namespace(
        sandkube,
        f"""
        mount -t tmpfs -o size=1m none "$CACHE"
        sandkube k3s install --from {server.base}; echo "in the middle: $?"
        ls "$CACHE"
        sandkube k3s install --from {server.base}; echo "before: $?"
        ls "$CACHE"
        mount -o remount,size=9m "$CACHE"
        sandkube k3s install -q --from {server.base}
        """,
    )
    assert "cannot be used: No space left on device.\n" in said
    assert "has too little room: k3s takes 3.0 MB, and 1.0 MB are free.\n" in said
    assert "in the middle: 2\nlock\n" in said
    assert "before: 2\nlock\n" in said
    assert said.endswith(f"{cache.root(sandkube.environ) / VERSION / 'k3s'}\n"), said


def test_a_disk_that_is_full_at_any_moment(sandkube: Sandkube, server: ReleaseServer) -> None:
    """Whatever cannot be written any more, it is told, and the cache is whole."""
    said = in_mount_namespace(
        sandkube,
        f"""
        mount -t tmpfs -o size=64k none "$CACHE"
        for blocks in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
            dd if=/dev/zero of="$CACHE/.ballast" bs=4k count=$blocks 2>"$HOME/dd"
            sandkube k3s install --from {server.base}; echo "install: $?"
            sandkube k3s install --from {server.base}; echo "again: $?"
            sandkube k3s list --verify || echo damaged
            sandkube k3s remove || echo not removed
            rm "$CACHE/.ballast"
        done
        ls "$CACHE"
        """,
    )
    for status in ("install: 2", "install: 0", "again: 2", "again: 0"):
        assert f"{status}\n" in said, said
    assert len(re.findall(": [02]$", said, re.MULTILINE)) == 32, said
    assert "damaged" not in said
    assert "not removed" not in said
    assert said.endswith("\nlock\n")


def test_a_cache_where_nothing_may_be_run(sandkube: Sandkube, server: ReleaseServer) -> None:
    said = in_mount_namespace(
        sandkube,
        f"""
        mount -t tmpfs -o noexec none "$CACHE"
        sandkube k3s install --from {server.base}; echo "$?"
        """,
    )
    assert "does not run on this machine: Permission denied." in said
    assert "noexec" in said
    assert said.endswith("\n2\n")


def test_a_cache_that_is_a_file(here: Here) -> None:
    here.root.parent.write_text("")
    with pytest.raises(StateUnusable, match="cannot be used: Not a directory"):
        here()


# Two at once, and interrupted


def test_two_at_once(sandkube: Sandkube, server: ReleaseServer) -> None:
    server.meets(ASSET, Stall(after=50))
    first = sandkube.start("k3s", "install", "--from", server.base)
    assert server.reached.wait(PATIENCE)
    second = sandkube.start("k3s", "install", "--from", server.base)
    assert second.stderr is not None
    waits = second.stderr.readline()
    assert waits == "Waiting for another process that installs or removes a k3s.\n"
    assert second.poll() is None
    server.released.set()
    outputs = [popen.communicate(timeout=PATIENCE) for popen in (first, second)]
    assert [popen.returncode for popen in (first, second)] == [0, 0], outputs
    assert outputs[0][0] == outputs[1][0]
    assert "is there already" in outputs[1][1]
    assert server.asked_for(ASSET) == 1


def test_many_at_once(sandkube: Sandkube, server: ReleaseServer) -> None:
    server.release("v1.34.0+k3s1")
    commands = [
        ("k3s", "install", version, "--from", server.base) for version in (VERSION, "v1.34.0+k3s1") * 3
    ]
    started = [sandkube.start(*command) for command in commands]
    for popen in started:
        _, said = popen.communicate(timeout=PATIENCE)
        assert popen.returncode == 0, said
    assert in_cache(sandkube) == ["v1.34.0+k3s1", VERSION]
    assert server.asked_for(ASSET) == 2
    assert sandkube("k3s", "list", "--verify").stdout.count(" ok ") == 2


def test_killed_in_the_middle(sandkube: Sandkube, server: ReleaseServer) -> None:
    server.release("v1.34.0+k3s1")
    before = sandkube("k3s", "install", "v1.34.0+k3s1", "--from", server.base).stdout
    server.meets(ASSET, Stall(after=50))
    popen = sandkube.start("k3s", "install", "--from", server.base)
    assert server.reached.wait(PATIENCE)
    os.killpg(popen.pid, signal.SIGKILL)
    popen.wait()
    assert len(in_cache(sandkube, stages=True)) == 1
    assert in_cache(sandkube) == ["v1.34.0+k3s1"]
    assert sandkube("k3s", "path").stdout == before
    sandkube("k3s", "install", "--from", server.base)
    assert in_cache(sandkube, stages=True) == []
    assert in_cache(sandkube) == ["v1.34.0+k3s1", VERSION]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted(sandkube: Sandkube, server: ReleaseServer, number: signal.Signals, status: int) -> None:
    server.meets(ASSET, Stall(after=50))
    popen = sandkube.start("k3s", "install", "--from", server.base)
    assert server.reached.wait(PATIENCE)
    popen.send_signal(number)
    _, said = popen.communicate(timeout=PATIENCE)
    assert popen.returncode == status
    assert "Traceback" not in said
    assert in_cache(sandkube) == in_cache(sandkube, stages=True) == []


def test_a_waiting_one_is_interrupted(sandkube: Sandkube, server: ReleaseServer) -> None:
    server.meets(ASSET, Stall(after=50))
    first = sandkube.start("k3s", "install", "--from", server.base)
    assert server.reached.wait(PATIENCE)
    second = sandkube.start("k3s", "remove")
    assert second.stderr is not None
    assert second.stderr.readline().startswith("Waiting")
    second.send_signal(signal.SIGINT)
    assert second.wait(PATIENCE) == 130
    server.released.set()
    assert first.wait(PATIENCE) == 0
    assert in_cache(sandkube) == [VERSION]


# What is in the cache


@pytest.fixture
def two(sandkube: Sandkube, server: ReleaseServer) -> Sandkube:
    server.release("v1.34.0+k3s1")
    for version in (VERSION, "v1.34.0+k3s1"):
        sandkube("k3s", "install", version, "--from", server.base)
    return sandkube


def test_list(two: Sandkube) -> None:
    lines = two("k3s", "list").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["VERSION", "SIZE"],
        ["*", "v1.34.0+k3s1"],
        [VERSION, "0"],
    ]
    document = json.loads(two("k3s", "list", "-o", "json").stdout)
    assert document["version"] == 1
    assert document["used"] == {"path": document["k3s"][0]["path"], "origin": "the cache, v1.34.0+k3s1"}
    assert [item["used"] for item in document["k3s"]] == [True, False]


def test_list_says_which_is_in_use_elsewhere(two: Sandkube, tmp_path: Path) -> None:
    other = tmp_path / "k3s"
    other.write_bytes(stand_in())
    other.chmod(0o755)
    done = two("k3s", "list", environ={"SANDKUBE_K3S": str(other)})
    assert "*" not in done.stdout
    assert f"In use is {other} (SANDKUBE_K3S)." in done.stderr


def test_list_with_a_damaged_one(two: Sandkube) -> None:
    binary = Path(two("k3s", "path").stdout.strip())
    stat = binary.stat()
    binary.write_bytes(binary.read_bytes().replace(b"exit 0", b"exit 1"))
    os.utime(binary, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    (cache.root(two.environ) / VERSION / "entry.json").unlink()
    assert "entry.json cannot be read: No such file or directory" in two("k3s", "list").stdout
    verified = two("k3s", "list", "--verify", status=1).stdout
    assert "the binary's SHA-256 is not the recorded one" in verified
    done = two("k3s", "path", VERSION, status=2)
    assert f"hint: sandkube k3s install {VERSION}" in done.stderr


def test_path_of_a_version(two: Sandkube) -> None:
    assert two("k3s", "path", "1.35.1-k3s1").stdout == f"{cache.root(two.environ) / VERSION / 'k3s'}\n"
    assert "holds no k3s v1.1.1+k3s1" in two("k3s", "path", "v1.1.1+k3s1", status=2).stderr


def test_remove(two: Sandkube) -> None:
    done = two("k3s", "remove", VERSION, "v1.1.1+k3s1", status=2)
    assert f"no k3s `v1.1.1+k3s1`; it holds v1.34.0+k3s1, {VERSION}" in done.stderr
    assert len(in_cache(two)) == 2
    two("k3s", "remove", "1.35.1-k3s1", VERSION)
    assert in_cache(two) == ["v1.34.0+k3s1"]
    two("k3s", "remove")
    assert in_cache(two) == []
    assert "The cache holds no k3s." in two("k3s", "remove").stderr
    assert "it holds none" in two("k3s", "remove", VERSION, status=2).stderr


def test_one_that_runs_is_not_disturbed(here: Here) -> None:
    script = b"#!/bin/sh\n[ $1 = --version ] || { echo begun; read -r line; echo $line; exit; }\n"
    here.server.release(binary=script + stand_in())
    binary = here().binary
    running = subprocess.Popen(
        [binary, "server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert running.stdout is not None
    running.stdout.readline()  # it runs
    cache.remove(binary.parent)
    assert running.communicate(b"still here\n")[0] == b"still here\n"
