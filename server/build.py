"""Build the server binary: `python server/build.py --output DIR`. Needs Python >= 3.10 and Go, nothing else.

The work is done by the modules in `sandkube_build/`.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from sandkube_build import gocommand
from sandkube_build.compiling import build
from sandkube_build.errors import BuildError
from sandkube_build.progress import is_terminal


def main(arguments: list[str] | None = None) -> int:
    """Build as the arguments say; give the exit status (2: it could not be built)."""
    parser = argparse.ArgumentParser(prog="build.py", description="Build sandkube-server from this folder.")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="folder to put the files in"
    )
    parser.add_argument("--platform", metavar="OS/ARCH", help="cross-compile, for instance for linux/arm64")
    parser.add_argument("--template", type=Path, metavar="FILE", help="take this template along, make none")
    options = parser.parse_args(arguments)
    try:
        build(
            options.output.absolute(),
            report=lambda line: print(line, file=sys.stderr, flush=True),
            live=sys.stderr if is_terminal(sys.stderr, os.environ.get("TERM")) else None,
            platform=options.platform,
            template=options.template,
        )
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        print("interrupted, nothing was left behind", file=sys.stderr)
        return 128 + interrupt.signum if isinstance(interrupt, gocommand.Terminated) else 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
