"""Rewrite the exact pins in pyproject.toml from what uv resolves today: `just pins`.

uv.lock names the index it was made with, so it stays out of the repository; the pins stand in
`[tool.uv] constraint-dependencies`, which names none. Read the change before you commit it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_BLOCK = re.compile(r"constraint-dependencies = \[[^]]*\]", re.DOTALL)


def main() -> int:
    """Resolve in a copy without pins, and write what came out; give the exit status."""
    pyproject = ROOT / "pyproject.toml"
    text = pyproject.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch)
        (copy / "server").mkdir()
        for name in ("LICENSE", "NOTICE", "README.md", "server/pyproject.toml"):
            shutil.copyfile(ROOT / name, copy / name)
        (copy / "pyproject.toml").write_text(
            _BLOCK.sub("constraint-dependencies = []", text), encoding="utf-8"
        )
        resolved = subprocess.run(
            [
                "uv",
                "export",
                "--quiet",
                "--no-hashes",
                "--no-annotate",
                "--no-header",
                "--all-groups",
                "--no-emit-project",
            ],
            cwd=copy,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
    pyproject.write_text(_BLOCK.sub(lambda _: block(resolved), text), encoding="utf-8")
    return 0


def block(resolved: str) -> str:
    """Give the setting for the lines of `uv export`."""
    pins = [
        line.strip() for line in resolved.splitlines() if "==" in line and not line.startswith(("#", "-"))
    ]
    return "\n".join(["constraint-dependencies = [", *(f'  "{pin}",' for pin in pins), "]"])


if __name__ == "__main__":
    sys.exit(main())
