"""Every error that sandkube raises, as one tree.

::

    SandkubeError               could not do it                                   exit 2
    ├── UsageError              what was asked makes no sense                     exit 2
    ├── ServerNotFound          there is no server binary for this machine        exit 2
    ├── BuildFailed             the server binary could not be built              exit 2
    ├── K3sNotFound             there is no k3s for this machine                  exit 2
    ├── K3sInstallFailed        k3s could not be had, or is not what it should be exit 2
    ├── ClusterNotFound         no cluster of that name                           exit 2
    ├── ClusterNotRunning       the cluster exists, but nothing serves it         exit 2
    ├── ApiFailed               an API server does not answer, or not as one does exit 2
    ├── CommandFailed           kubectl or helm, run for Python, did not succeed  exit 2
    ├── StartFailed             the server ended, or was not Ready in time        exit 2
    ├── StateCorrupt            a file of a cluster cannot be understood          exit 2
    ├── StateUnusable           a folder cannot be used: mode, owner, read-only   exit 2
    ├── EditFailed              a file of somebody else's could not be changed    exit 2
    ├── PortTaken               somebody else listens on the port asked for       exit 2
    └── Locked                  another command holds the cluster for too long    exit 2

Exit codes: 0 fine, 1 findings, 2 could not do it or misuse, 130 interrupted.
"""

# ruff: noqa: N818 -- an error's name says what is the matter; that it is an error, its base class says

from __future__ import annotations

__all__ = [
    "ApiFailed",
    "BuildFailed",
    "ClusterNotFound",
    "ClusterNotRunning",
    "CommandFailed",
    "EditFailed",
    "K3sInstallFailed",
    "K3sNotFound",
    "Locked",
    "PortTaken",
    "SandkubeError",
    "ServerNotFound",
    "StartFailed",
    "StateCorrupt",
    "StateUnusable",
    "UsageError",
]


class SandkubeError(Exception):
    """The root: something sandkube was asked for could not be done.

    ``hint`` is one line that can be pasted or followed; ``tail`` holds the last lines of a log, where a
    child process is involved.
    """

    exit_code = 2

    def __init__(self, message: str, *, hint: str | None = None, tail: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.tail = tail


class UsageError(SandkubeError):
    """What was asked for makes no sense: a bad name, a bad option, an unreadable path."""


class ServerNotFound(SandkubeError):
    """No server binary for this machine; the message lists each place that was looked at."""


class BuildFailed(SandkubeError):
    """The server binary could not be built: no Go, too little disk or memory, a compiler error."""


class K3sNotFound(SandkubeError):
    """No k3s for this machine, or none of that version; the message says where it was looked for."""


class K3sInstallFailed(SandkubeError):
    """k3s could not be fetched or verified, or does not run here. The cache is as it was."""


class EditFailed(SandkubeError):
    """A file could not be changed: its syntax is broken, it holds something unexpected, it cannot be written.

    The message names the file, with line and column where there are any. The file is as it was.
    """

    def in_file(self, path: object) -> EditFailed:
        """The same, for the file ``path``; ``{file}`` in message and hint stands for it."""
        message = self.message.replace("{file}", str(path))
        return EditFailed(message, hint=self.hint and self.hint.replace("{file}", str(path)))


class ClusterNotFound(SandkubeError):
    """There is no cluster of that name."""


class ClusterNotRunning(SandkubeError):
    """The cluster exists, but no server process serves it."""


class ApiFailed(SandkubeError):
    """An API server does not answer, or refuses what nobody is refused; the message says what it said."""


class CommandFailed(SandkubeError):
    """``kubectl`` or ``helm``, run by :class:`sandkube.Cluster`, ended with another status than 0.

    ``returncode``, ``stdout`` and ``stderr`` are those of the command.
    """

    def __init__(self, message: str, *, returncode: int, stdout: str, stderr: str) -> None:
        super().__init__(message, tail=stderr.strip() or None)
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr

    def __str__(self) -> str:
        return f"{self.message}\n{self.tail}" if self.tail else self.message


class StartFailed(SandkubeError):
    """The server ended before it was Ready, or was not Ready in time. ``tail`` is the end of its log."""


class StateCorrupt(SandkubeError):
    """A file in a cluster's folder cannot be understood; the message names it and the remedy."""


class StateUnusable(SandkubeError):
    """A folder cannot be used: wrong owner or mode, read-only, or no space left."""


class PortTaken(SandkubeError):
    """Another process listens on the port that was asked for or remembered."""


class Locked(SandkubeError):
    """Another command holds this cluster's lock for longer than we wait."""
