"""sandkube's server binary, as a package: where it is, where its template is, and its version."""

from __future__ import annotations

from pathlib import Path

__all__ = ["__version__", "binary", "template"]

_BIN = Path(__file__).resolve().parent / "bin"
_EXECUTABLE = 0o111


def binary() -> Path:
    """Give the path of the binary `sandkube-server`.

    Some installers drop the executable bit of a file inside a package, so it is set where it is missing.
    Raises FileNotFoundError where the package holds no binary (an editable install).
    """
    path = _BIN / "sandkube-server"
    mode = path.stat().st_mode
    if mode & _EXECUTABLE != _EXECUTABLE:
        path.chmod(mode | _EXECUTABLE)
    return path


def template() -> Path | None:
    """Give the path of the bootstrapped datastore that clusters start from, or None: then they start cold."""
    path = _BIN / "template.db"
    return path if path.is_file() else None


def __getattr__(name: str) -> str:
    """Give ``__version__`` from the installed metadata, read only when asked for."""
    if name == "__version__":
        from importlib.metadata import version

        return version("sandkube-server")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
