"""A stand-in for Go: a shell script that answers as `go` does, in milliseconds, and builds a stand-in server.

What it does is told by the environment: STANDIN_VERSION (what `go version` says), STANDIN_PACKAGES (how many
it compiles), STANDIN_SLEEP (seconds for each), STANDIN_FAIL (a compiler error), STANDIN_NO_TEMPLATE (it
makes no template), STANDIN_CONTRACT (what it speaks). Each build adds a line to `builds` in its
folder.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

SERVER = """#!/bin/sh
case "$1" in
version)
  printf '{"contract":%s,"version":"9.9.9.1","kubernetes":"v9.9.9","kine":"v0","helm":"v4","go":"go1.26.8",'\\
'"platform":"linux/amd64"}' "${STANDIN_CONTRACT:-1}" ;;
template)
  if [ -n "$STANDIN_NO_TEMPLATE" ]; then echo "no datastore today" >&2; exit 1; fi
  echo bootstrapped > "$3" ;;
esac
"""

_GO = """#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
case "$1" in
version)
  if [ "$2" = -m ]; then
    printf '%s: go1.26.8\\n\\tpath\\texample.com/server\\n\\tdep\\texample.com/one\\tv1.0.0\\th1:AAAA\\n' "$3"
  else
    echo "go version ${STANDIN_VERSION:-go1.26.8} linux/amd64"
  fi ;;
env)
  shift
  for name; do
    case "$name" in
    GOOS) echo "${GOOS:-linux}" ;; GOARCH) echo "${GOARCH:-amd64}" ;;
    GOHOSTOS) echo linux ;; GOHOSTARCH) echo amd64 ;;
    *) mkdir -p "$here/$name"; echo "$here/$name" ;;
    esac
  done ;;
list)
  if [ "$2" = -m ]; then echo '{"Time": "2026-10-27T12:01:04Z"}'; exit; fi
  echo "go: downloading example.com/one v1.0.0" >&2
  i=0
  while [ $i -lt "${STANDIN_PACKAGES:-3}" ]; do
    i=$((i + 1))
    printf 'example.com/one/p%s\\ttrue\\texample.com/one\\t%s\\t%s\\n' $i "$here/module" "$here/module"
  done
  printf 'example.com/server\\ttrue\\texample.com/server\\t%s\\t%s\\n' "$here" "$here" ;;
build)
  echo "$$" >> "$here/builds"
  while [ "$1" != -o ]; do shift; done
  i=0
  while [ $i -lt "${STANDIN_PACKAGES:-3}" ]; do
    i=$((i + 1)); echo "example.com/one/p$i" >&2; sleep "${STANDIN_SLEEP:-0}"
  done
  if [ -n "$STANDIN_FAIL" ]; then printf '# example.com/one\\none.go:7: undefined: two\\n' >&2; exit 1; fi
  cp "$here/server" "$2"; chmod +x "$2" ;;
esac
"""

_GO_MOD = """module example.com/server

go 1.26.5

require (
\thelm.sh/helm/v4 v4.3.1
\tk8s.io/kubernetes v9.9.9
)
"""


@dataclass(frozen=True)
class StandinGo:
    """The folder of a stand-in; ``environ`` has it on PATH."""

    folder: Path

    @property
    def command(self) -> Path:
        return self.folder / "go"

    @property
    def environ(self) -> dict[str, str]:
        return {"PATH": f"{self.folder}{os.pathsep}/usr/bin{os.pathsep}/bin", "HOME": str(self.folder)}

    def builds(self) -> int:
        """How often it was asked to build."""
        record = self.folder / "builds"
        return len(record.read_text().splitlines()) if record.exists() else 0


def make_go(folder: Path) -> StandinGo:
    """Put the stand-in into a folder."""
    (folder / "module").mkdir(parents=True)
    (folder / "module" / "LICENSE").write_text("Do as you like.\n")
    (folder / "server").write_text(SERVER)
    script(folder / "go", _GO)
    return StandinGo(folder)


def make_checkout(root: Path) -> Path:
    """Lay out what a checkout of sandkube is known by, and give the folder of its package `sandkube`."""
    package = root / "src" / "sandkube"
    package.mkdir(parents=True)
    server = root / "server"
    server.mkdir()
    (server / "build.py").write_text("")
    (server / "go.mod").write_text(_GO_MOD)
    (server / "main.go").write_text("package main\n")
    (server / "pyproject.toml").write_text('[project]\nname = "sandkube-server"\nversion = "9.9.9.1"\n')
    return package


def script(path: Path, text: str) -> Path:
    """Write an executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path
