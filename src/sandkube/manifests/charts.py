"""Rendering charts with helm, and saying which line of which template is to blame.

helm renders against the server, so that `.Capabilities` and `lookup` are real. It writes into a folder (with
`--output-dir`) and so does not go on to look up the kinds of what it rendered, among which may be some that
the set itself brings.
"""

from __future__ import annotations

import re
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import yaml

from sandkube.errors import ServerNotFound
from sandkube.manifests import fields, templates
from sandkube.manifests.composing import TooDeepError, compose
from sandkube.manifests.document import Document, Origin
from sandkube.manifests.inputs import CHART, Input
from sandkube.manifests.lines import Lines, Span
from sandkube.manifests.reading import Contents, Flaw, read

# text/template: `template: demo/templates/a.yaml:12:20: …`, `parse error at (demo/templates/a.yaml:12): …`
_AT = re.compile(r"(?P<path>[^\s():]+/[^\s():]+):(?P<line>\d+)(?::(?P<column>\d+))?")
_YAML_ERROR = re.compile(
    r"YAML parse error on (?P<path>\S+): .*?(?:line (?P<line>\d+): )?(?P<said>[^:\n]+(?:: [^\n]+)?)$",
    re.MULTILINE,
)
_MISSING = re.compile(r"missing in charts/ directory: (?P<names>[^\n]+)")
_SCHEMA = re.compile(r"^- (?:at )?'?(?P<path>/?[^':]*)'?: (?P<said>.+)$", re.MULTILINE)
_SOURCE = "# Source: "


@dataclass(frozen=True, slots=True)
class Case:
    """One way to render charts: a name (that of its value files), and the files."""

    name: str | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Helm:
    """How charts are rendered: the program, its environment and its options, as `helm template` has them."""

    program: Path
    environ: Mapping[str, str]
    namespace: str
    release: str = "release-name"
    sets: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    context: str | None = None


@dataclass
class _Sources:
    """The files of a chart, by the path that helm calls them by."""

    chart: Path
    shown: str
    _archive: dict[str, str] | None = field(default=None, repr=False)

    @property
    def archived(self) -> bool:
        return self.chart.is_file()

    def shown_path(self, path: str) -> str:
        """The path as the person knows it."""
        below = str(PurePosixPath(*PurePosixPath(path).parts[1:]))
        return f"{self.shown}:{below}" if self.archived else str(Path(self.shown) / below)

    def text(self, path: str) -> str | None:
        """What is in it; None if that cannot be read."""
        if self.archived:
            return self._archived().get(path)
        try:
            return (self.chart / Path(*PurePosixPath(path).parts[1:])).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None

    def _archived(self) -> dict[str, str]:
        if self._archive is None:
            self._archive = {}
            try:
                with tarfile.open(self.chart) as archive:
                    for member in archive:
                        if member.isfile() and (part := archive.extractfile(member)) is not None:
                            self._archive[member.name] = part.read().decode("utf-8", "replace")
            except (OSError, tarfile.TarError):
                pass  # helm says what is wrong with it
        return self._archive


def render(chart: Input, case: Case, helm: Helm) -> Contents:
    """The objects of a chart in one case, with its hooks and CRDs; or the flaws that keep it from that."""
    sources = _Sources(Path(chart.path), chart.path)
    with tempfile.TemporaryDirectory(prefix="sandkube-") as folder:
        done = _run(chart, case, helm, ["--output-dir", folder])
        if done.returncode == 0:
            contents = Contents()
            for file in sorted(Path(folder).rglob("*")):
                if file.is_file():
                    _take(contents, file, file.relative_to(folder).as_posix(), sources, chart, case)
            return contents
        if _YAML_ERROR.search(done.stderr):
            done = _run(chart, case, helm, ["--debug"])
    return Contents(flaws=list(_flaws(done, sources, chart, case)))


def _run(chart: Input, case: Case, helm: Helm, more: Sequence[str]) -> subprocess.CompletedProcess[str]:
    line = [str(helm.program), "template", helm.release, chart.path, "--namespace", helm.namespace]
    line += ["--include-crds", "--dry-run=server", *more]
    if helm.context:
        line += ["--kube-context", helm.context]
    for path in case.values:
        line += ["--values", path]
    for setting in helm.sets:
        line += ["--set", setting]
    line += helm.arguments
    try:
        return subprocess.run(
            line,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=dict(helm.environ),
            check=False,
        )
    except OSError as error:
        raise ServerNotFound(f"`{helm.program}` cannot be run: {error.strerror}.") from error


def _take(contents: Contents, file: Path, path: str, sources: _Sources, chart: Input, case: Case) -> None:
    """Read what helm wrote for one template."""
    template = sources.text(path)
    origin = Origin("helm", chart.path, sources.shown_path(path), template)
    found = read(file.read_bytes(), f"{sources.shown_path(path)} (rendered)", case=case.name, origin=origin)
    contents.flaws.extend(found.flaws)
    contents.documents.extend(_aligned(document, template) for document in found.documents)


def _aligned(document: Document, template: str | None) -> Document:
    from dataclasses import replace

    if template is None or document.origin is None:
        return document
    lines = document.text.split("\n")
    return replace(document, origin=replace(document.origin, lines=templates.origins(template, lines)))


def _flaws(done: subprocess.CompletedProcess[str], sources: _Sources, chart: Input, case: Case) -> list[Flaw]:
    said = done.stderr.strip()
    said = (
        said.rpartition("Error: ")[2].replace("\n\nUse --debug flag to render out invalid YAML", "").strip()
    )
    if missing := _MISSING.search(said):
        return _missing(missing["names"].split(", "), sources, chart, case)
    if found := _YAML_ERROR.search(said):
        return [_broken(found, done.stdout, sources, case)]
    if "values don't meet the specifications of the schema" in said and (
        flaws := _against_schema(said, case)
    ):
        return flaws
    at = None
    for at in _AT.finditer(said):  # noqa: B007 -- the innermost place is the last one
        pass
    if at is not None and (text := sources.text(at["path"])) is not None:
        span = _of_line(text, int(at["line"]), int(at["column"] or 0))
        return [Flaw("render-failed", _short(said), sources.shown_path(at["path"]), span, None, case.name)]
    return [Flaw("render-failed", _short(said), chart.path, None, None, case.name)]


def _short(said: str) -> str:
    """Helm wraps an error again and again; the last part tells."""
    innermost = said.rpartition(": executing ")[2] or said
    return f"helm cannot render this: {innermost.strip()}"


def _missing(names: Sequence[str], sources: _Sources, chart: Input, case: Case) -> list[Flaw]:
    text = sources.text(f"x/{CHART}") or ""
    flaws = []
    for name in names:
        span = None
        try:
            node = compose(text)
        except (yaml.YAMLError, TooDeepError):
            node = None
        if node is not None:
            found = fields.find_all(node, "dependencies[*].name")
            chosen = [one for one in found if getattr(one.value, "value", None) == name]
            span = Lines(text).span(chosen[0].value) if chosen else None
        flaws.append(
            Flaw(
                "missing-dependency",
                f"The chart depends on `{name}`, which is not in its folder `charts/`.",
                sources.shown_path(f"x/{CHART}"),
                span,
                f"helm dependency build {chart.path}",
                case.name,
            )
        )
    return flaws


def _broken(found: re.Match[str], rendered: str, sources: _Sources, case: Case) -> Flaw:
    """Text that is no YAML: by the rendered text, which `--debug` prints, to the line of the template."""
    path = found["path"]
    template = sources.text(path) or ""
    message = f"What this renders to is no YAML: {found['said'].strip()}."
    span = None
    for part in re.split(r"^---\n", rendered, flags=re.MULTILINE):
        if not part.startswith(f"{_SOURCE}{path}\n") or not found["line"]:
            continue
        lines = part.split("\n")[1:]
        origins = templates.origins(template, lines)
        number = int(found["line"])
        if 0 < number <= len(origins):
            span = _of_line(template, origins[number - 1], 0)
    return Flaw("yaml-syntax", message, sources.shown_path(path), span, None, case.name)


def _against_schema(said: str, case: Case) -> list[Flaw]:
    """Values that the chart's `values.schema.json` refuses, at the line of the value file that sets them."""
    flaws = []
    for found in _SCHEMA.finditer(said):
        path = found["path"].strip("/").replace("/", ".")
        file, span = _of_value(path, case)
        message = f"The chart's schema does not allow `{path or 'these values'}`: {found['said'].strip()}."
        flaws.append(Flaw("render-failed", message, file, span, None, case.name))
    return flaws


def _of_value(path: str, case: Case) -> tuple[str, Span | None]:
    for file in reversed(case.values):
        try:
            text = Path(file).read_text(encoding="utf-8")
            node = compose(text)
        except (OSError, ValueError, yaml.YAMLError):
            continue
        if node is None:
            continue
        found = fields.find(node, path)
        if found.whole:
            return file, Lines(text).span(found.key if found.key is not None else found.value)
    return case.values[-1] if case.values else "--set", None


def _of_line(text: str, number: int, column: int) -> Span | None:
    lines = Lines(text)
    line = lines.line(number)
    if not line:
        return None
    start = column or len(line) - len(line.lstrip())
    return Span(number, start + 1, max(len(line), start + 1) + 1, line)
