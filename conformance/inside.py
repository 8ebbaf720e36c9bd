"""One run of upstream's suite against a cluster that is thrown away: what run.py starts, here or in gVisor.

`python inside.py SUITE NAMES OUTPUT PROCESSES MINUTES`: SUITE is the folder with `e2e.test` and `ginkgo`,
NAMES a file with a test's name a line, OUTPUT an existing folder, where `junit.xml` and `e2e.log` are
written. The exit status says that the suite ran, not that its tests passed.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

from listing import names
from sandkube import Cluster, SandkubeError

# The suite's own flags. `skeleton` is upstream's provider for a cluster that it knows nothing of.
_FLAGS = (
    "--provider=skeleton",
    "--num-nodes=0",
    "--allowed-not-ready-nodes=-1",
    "--minStartupPods=-1",
    "--dump-logs-on-failure=false",
)
_TAGS = re.compile(r"( \[[^\]]*\])*$")


def focus(wanted: list[str]) -> str:
    """Give the regular expression for ginkgo's `--focus` that fits these tests alone.

    It is matched against the suite's title and the full name. Some names are the beginnings of others, so it
    is anchored; the tags at the end of a name are left open.
    """
    either = "|".join(_quoted(bare(name)) for name in wanted)
    return f"^Kubernetes e2e suite ({either})( \\[[^\\]]*\\])*$"


def bare(name: str) -> str:
    """A test's name without the tags at its end: `[Conformance]`, `[Serial]`."""
    return _TAGS.sub("", name)


def _quoted(name: str) -> str:
    """As re.escape, for Go: it refuses a backslash before a letter, a blank or a quote."""
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", name)


def command(
    suite: Path, wanted: list[str], output: Path, cluster: Cluster, how: tuple[str, str]
) -> list[str]:
    """The line that runs the suite; ``how`` is the number of processes, and of minutes before it is ended."""
    processes, minutes = how
    kubeconfig = cluster.kubeconfig_path
    return [
        str(suite / "ginkgo"),
        "run",
        f"--procs={processes}",
        f"--timeout={minutes}m",
        "--no-color",
        f"--output-dir={output}",
        "--junit-report=junit.xml",
        f"--focus={focus(wanted)}",
        str(suite / "e2e.test"),
        "--",
        *_FLAGS,
        f"--kubeconfig={kubeconfig}",
        f"--kubectl-path={kubeconfig.parent / 'bin' / 'kubectl'}",
        f"--e2e-output-dir={output}",
    ]


def main() -> int:
    """Start, run, throw away; give the exit status."""
    suite, listed, output, processes, minutes = sys.argv[1:]
    try:
        with Cluster() as cluster, (Path(output) / "e2e.log").open("wb", buffering=0) as log:
            log.write(f"On {' '.join(platform.uname())}\n".encode())  # gVisor's kernel is of 2016
            line = command(Path(suite), names(Path(listed)), Path(output), cluster, (processes, minutes))
            # A pipe between: in gVisor a program's output into a file may be written over what is there.
            with subprocess.Popen(
                line, cwd=output, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            ) as popen:
                assert popen.stdout is not None
                while block := os.read(popen.stdout.fileno(), 1 << 16):
                    log.write(block)
    except SandkubeError as error:
        print(f"{error.message}\n{error.tail or ''}\n{error.hint or ''}".strip(), file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
