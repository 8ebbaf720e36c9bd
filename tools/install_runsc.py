"""Install gVisor's `runsc` from Debian's packages, with or without root; print where it is.

`python3 tools/install_runsc.py [FILE]`. Debian has it in the backports of its stable release, and in later
releases themselves. The mirror is the one that this machine's apt is set up with. apt does the work, in
folders of its own: the machine's package lists and packages stay as they are, no rights are needed, and apt
checks the signature of the release and with it, hash by hash, the package.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "runsc"
# A source may name its release by codename or by one of these.
ROLLING = ("stable", "oldstable", "testing", "unstable", "sid")
_ONE_LINE = re.compile(
    r"deb\s+(?:\[(?P<options>[^]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>.+)"
)


class InstallError(Exception):
    """It could not be installed; the message says why and what would help."""


@dataclass(frozen=True)
class Source:
    """One suite of a package source, as apt is set up with it."""

    uri: str
    suite: str
    components: str
    signed_by: str  # as in the field: a path, fingerprints, or a key over several lines; "" if there is none

    def text(self) -> str:
        """It as a file of apt's (deb822, sources.list(5))."""
        fields = [
            ("Types", "deb"),
            ("URIs", self.uri),
            ("Suites", self.suite),
            ("Components", self.components),
            ("Signed-By", self.signed_by),
        ]
        return "".join(f"{name}: {value}\n" for name, value in fields if value)

    def backports(self) -> Source:
        """The backports of the same release, from the same mirror."""
        return Source(self.uri, f"{self.suite}-backports", self.components, self.signed_by)


def read_sources(texts: Iterable[tuple[str, str]]) -> Iterator[Source]:
    """What apt's files say, from pairs of a file's name and its text, in both of its forms."""
    for name, text in texts:
        yield from _deb822(text) if name.endswith(".sources") else _one_line(text)


def _one_line(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        found = _ONE_LINE.fullmatch(line.partition("#")[0].strip())
        if found:
            options = dict(word.partition("=")[::2] for word in (found["options"] or "").split())
            signed_by = options.get("signed-by", "").replace(",", " ")
            yield Source(found["uri"], found["suite"], found["components"], signed_by)


def _deb822(text: str) -> Iterator[Source]:
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", lines):
        unfolded = re.findall(r"^([\w-]+):((?:.*(?:\n[ \t].*)*))", stanza, re.MULTILINE)
        fields = {name.lower(): value.strip() for name, value in unfolded}
        if fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        if "deb" not in fields.get("types", "").split():
            continue
        components, signed_by = fields.get("components", ""), fields.get("signed-by", "")
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Source(uri, suite, components, signed_by)


def candidates(sources: Iterable[Source], codename: str) -> list[Source]:
    """Where to look for the package, best first.

    Backports that apt is set up with; those of the release on its own mirrors; the release itself.
    """
    known = list(sources)
    releases = [source for source in known if source.suite in (codename, *ROLLING)]
    given = [source for source in known if source.suite.endswith("-backports")]
    return list(dict.fromkeys([*given, *(release.backports() for release in releases), *releases]))


def machine_sources(config: Mapping[str, str]) -> list[Source]:
    """The sources of this machine; ``config`` is what `apt-config` says of its files."""
    files = [Path(config["LIST"])]
    parts = Path(config["PARTS"])
    if parts.is_dir():
        files += sorted(path for path in parts.iterdir() if path.suffix in (".list", ".sources"))
    return list(
        read_sources((path.name, path.read_text(encoding="utf-8")) for path in files if path.is_file())
    )


def apt_config() -> dict[str, str]:
    """Where apt keeps its sources: LIST, a file, and PARTS, a folder. InstallError where there is no apt."""
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise InstallError(
            "This machine has no apt, so there are no Debian packages to take `runsc` from. "
            "Get it in another way, and name it: export SANDKUBE_RUNSC=/path/of/runsc"
        )
    done = _run("apt-config", "shell", "LIST", "Dir::Etc::sourcelist/f", "PARTS", "Dir::Etc::sourceparts/d")
    return dict(re.findall(r"^(\w+)='(.*)'$", done.stdout, re.MULTILINE))


def fetch(source: Source, folder: Path) -> Path:
    """Have apt download the package from one source into ``folder``, and unpack it; the program."""
    (folder / "lists" / "partial").mkdir(parents=True)
    (folder / "archives" / "partial").mkdir(parents=True)
    (folder / "parts").mkdir()
    (folder / "parts" / "only.sources").write_text(source.text(), encoding="utf-8")
    settings = {
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": folder / "parts",
        "Dir::State::lists": folder / "lists",
        "Dir::Cache": folder,
        "Dir::Cache::archives": folder / "archives",
        "APT::Sandbox::User": "",  # as root, apt would become a user who cannot reach this folder
        "APT::Get::List-Cleanup": "false",
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
    }
    apt = ["apt-get", "-q", *(f"-o{name}={value}" for name, value in settings.items())]
    _run(*apt, "update", "--error-on=any", cwd=folder)
    _run(*apt, "download", PACKAGE, cwd=folder)
    (package,) = folder.glob(f"{PACKAGE}_*.deb")
    _run("dpkg", "--extract", str(package), str(folder / "unpacked"))
    return folder / "unpacked" / "usr" / "bin" / "runsc"


def install(destination: Path) -> None:
    """Put `runsc` at ``destination``, whole or not at all."""
    sources = candidates(machine_sources(apt_config()), _codename())
    if not sources:
        raise InstallError(
            f"apt is set up with no source of this release ({_codename() or 'it has no codename'}), "
            "so there is no mirror to take `runsc` from"
        )
    complaints = []
    for source in sources:
        print(f"looking for {PACKAGE} in {source.suite}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="runsc-") as folder:
            try:
                program = fetch(source, Path(folder))
            except InstallError as error:
                complaints.append(f"{source.suite}: {error}")
                continue
            _put(program, destination)
            return
    raise InstallError("\n".join(["No source of apt's gave a package `runsc`.", *complaints]))


def _put(program: Path, destination: Path) -> None:
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=destination.parent, prefix=".runsc-")
    except OSError as error:
        raise InstallError(f"{destination.parent} cannot be written to ({error.strerror})") from error
    stage = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as out, program.open("rb") as source:
            shutil.copyfileobj(source, out)
        stage.chmod(0o755)
        version(stage)
        stage.replace(destination)
    finally:
        stage.unlink(missing_ok=True)


def version(program: Path) -> str:
    """The first line of what it says of its version. InstallError where it does not run."""
    try:
        return _run(str(program), "--version").stdout.partition("\n")[0]
    except OSError as error:
        raise InstallError(
            f"{program} does not run ({error.strerror}); --force puts another in its place"
        ) from error


def default_destination(environ: Mapping[str, str]) -> Path:
    """Beside what sandkube keeps in its cache; tests/gvisor looks there."""
    if given := environ.get("SANDKUBE_CACHE_DIR"):
        return Path(given).absolute() / "runsc" / "runsc"
    cache = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "")) / ".cache"
    if not Path(cache).is_absolute():
        raise InstallError(
            "There is no home folder; say where: python3 tools/install_runsc.py /some/folder/runsc"
        )
    return Path(cache) / "sandkube" / "runsc" / "runsc"


def _codename() -> str:
    release = Path("/etc/os-release")
    text = release.read_text(encoding="utf-8") if release.exists() else ""
    found = re.search(r"^VERSION_CODENAME=\"?([\w-]+)", text, re.MULTILINE)
    return found[1] if found else ""


def _run(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.startswith(("E:", "W:"))]
        raise InstallError(
            "; ".join(said or [done.stderr.strip() or f"{command[0]} ended with {done.returncode}"])
        )
    return done


def main(arguments: list[str] | None = None) -> int:
    """Install it, if it is not there already, and print its path; 2 where it cannot be done."""
    parser = argparse.ArgumentParser(prog="install_runsc.py", description=__doc__.partition("\n")[0])
    parser.add_argument("file", nargs="?", type=Path, help="where to put it (default: in sandkube's cache)")
    parser.add_argument("--force", action="store_true", help="also where it is there already")
    options = parser.parse_args(arguments)
    try:
        destination = (options.file or default_destination(os.environ)).absolute()
        if options.force or not destination.exists():
            install(destination)
        print(version(destination), file=sys.stderr)
    except InstallError as error:
        print(error, file=sys.stderr)
        return 2
    print(destination)
    return 0


if __name__ == "__main__":
    sys.exit(main())
