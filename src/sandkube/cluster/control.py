"""A cluster for Python code: a context manager with the kubeconfig's path, the URL, `kubectl` and `helm`."""

from __future__ import annotations

import os
import secrets
import subprocess
import weakref
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from sandkube.cluster import start, state, stop
from sandkube.cluster.report import SILENT, Report
from sandkube.cluster.state import Status
from sandkube.config import DEFAULT_WAIT, OWN_POLICY, Cni, Durability, Request, from_everywhere
from sandkube.errors import ClusterNotRunning, CommandFailed, ServerNotFound, UsageError
from sandkube.plane import process
from sandkube.plane.process import Identity

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Cluster"]


class Cluster:
    """One control plane.

    Without a name it is thrown away: it gets a name of its own, writes with durability ``fast``, is deleted
    at the end of the ``with`` block, and its server ends with this Python process, even if that is killed.
    (What it leaves in the state folder then is removed by the next sandkube command.) A child made with
    ``os.fork`` alone keeps the server alive as long as itself.

    With a name it is the same cluster that ``sandkube up NAME`` starts, and stays. The ``with`` block ends
    the server that it started itself, and leaves one alone that was running before.

    >>> with Cluster() as cluster:                          # doctest: +SKIP
    ...     cluster.kubectl("create", "namespace", "demo")
    ...     print(cluster.url, cluster.kubeconfig_path)

    ``port``, ``durability`` and the arguments are those of ``sandkube up``; ``wait`` is how many seconds
    :meth:`up` waits for Ready; ``report`` is told what is being done.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        port: int | None = None,
        durability: Durability | None = None,
        api_server_args: Sequence[str] | None = None,
        controller_manager_args: Sequence[str] | None = None,
        scheduler_args: Sequence[str] | None = None,
        encrypt_secrets: bool | None = None,
        audit_policy: str | os.PathLike[str] | None = None,
        node: bool | None = None,
        distribution: str | None = None,
        k3s: str | os.PathLike[str] | None = None,
        k3s_args: Sequence[str] | None = None,
        cni: Cni | None = None,
        wait: float = DEFAULT_WAIT,
        report: Report = SILENT,
    ) -> None:
        if wait <= 0:
            raise UsageError("A `Cluster` waits until it is Ready: `wait` must be above 0.")
        self.throw_away = name is None
        self.name = name if name is not None else f"{state.THROW_AWAY}{secrets.token_hex(6)}"
        self._folder = state.folder_of(self.name)
        self._wait = wait
        self._report = report
        self._ours = False
        self._end: weakref.finalize[[int, str, int], Cluster] | None = None
        self._request = Request(
            port=port,
            durability=durability or ("fast" if self.throw_away else None),
            api_server_args=_tuple(api_server_args),
            controller_manager_args=_tuple(controller_manager_args),
            scheduler_args=_tuple(scheduler_args),
            encrypt_secrets=encrypt_secrets,
            audit_policy=from_everywhere(audit_policy, OWN_POLICY),
            node=node,
            distribution=distribution,
            k3s=from_everywhere(k3s),
            k3s_args=_tuple(k3s_args),
            cni=cni,
        )

    def __repr__(self) -> str:
        return f"Cluster({'' if self.throw_away else repr(self.name)})"

    def __enter__(self) -> Self:
        return self.up()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.throw_away:
            self.delete()
        elif self._ours:
            self.down()

    def up(self) -> Self:
        """Start it, if it does not run, and wait until it is Ready. Raises what ``cluster.up`` raises.

        One that is thrown away begins anew: what it held is gone with its server.
        """
        if not self.throw_away:
            done = start.up(self.name, self._request, wait=self._wait, report=self._report)
            self._ours = self._ours or done.started
        elif not self._serves():
            self.delete()
            self._up_as_parent()
        return self

    def _serves(self) -> bool:
        return self._end is not None and self._folder.exists() and self.status.running

    def _up_as_parent(self) -> None:
        read_fd, write_fd = os.pipe()
        try:
            me = process.identity(os.getpid()) or Identity(os.getpid(), "")
            parent = start.Parent(me, read_fd)
            start.up(self.name, self._request, wait=self._wait, report=self._report, parent=parent)
        except BaseException:
            os.close(write_fd)
            self._folder.lock.unlink(missing_ok=True)
            raise
        finally:
            os.close(read_fd)
        # Also at the end of Python, for who starts one without `with`.
        self._end = weakref.finalize(self, _discard, os.getpid(), self.name, write_fd)

    def down(self) -> None:
        """End its server, if one runs; the cluster stays. One that is thrown away is deleted."""
        if self.throw_away:
            self.delete()
        else:
            stop.down(self.name, report=self._report)
            self._ours = False

    def delete(self) -> None:
        """End its server and remove it with all its objects. Fine if it is gone already."""
        if self._end is not None:
            self._end()
            self._end = None
        elif self._folder.exists():
            stop.delete(self.name, report=self._report)
        self._ours = False

    @property
    def kubeconfig_path(self) -> Path:
        """The cluster's own kubeconfig; it is there from the first :meth:`up` on."""
        return self._folder.kubeconfig

    @property
    def url(self) -> str:
        """Where the API server answers: ``https://127.0.0.1:PORT``. ClusterNotRunning if it does not."""
        url = self.status.url
        if url is None:
            raise ClusterNotRunning(f"Cluster `{self.name}` is not running.")
        return url

    @property
    def status(self) -> Status:
        """The cluster as it is now; ClusterNotFound before the first :meth:`up`."""
        return state.status(self.name)

    def kubectl(
        self,
        *arguments: str,
        input: str | None = None,  # noqa: A002 -- as subprocess.run calls it
        check: bool = True,
        timeout: float | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl against this cluster; gives its ``returncode``, ``stdout`` and ``stderr`` as text.

        ``input`` goes to its standard input. CommandFailed where it does not succeed and ``check`` is set;
        subprocess.TimeoutExpired after ``timeout`` seconds.
        """
        return self._run("kubectl", arguments, text=input, check=check, timeout=timeout)

    def helm(
        self,
        *arguments: str,
        input: str | None = None,  # noqa: A002 -- as subprocess.run calls it
        check: bool = True,
        timeout: float | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run helm against this cluster, as :meth:`kubectl` runs kubectl."""
        return self._run("helm", arguments, text=input, check=check, timeout=timeout)

    def _run(
        self, program: str, arguments: Sequence[str], *, text: str | None, check: bool, timeout: float | None
    ) -> subprocess.CompletedProcess[str]:
        if not self._folder.kubeconfig.exists():
            raise ClusterNotRunning(f"Cluster `{self.name}` was not started yet.")
        binary = self._folder.bin / program
        try:
            done = subprocess.run(
                [str(binary), *arguments],
                input=text if text is not None else "",
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=timeout,
                check=False,
                env=self._folder.clients_environ(os.environ),
            )
        except OSError as error:
            hint = "`up` links the server binary there; was it removed since?"
            raise ServerNotFound(f"`{binary}` cannot be run: {error.strerror}.", hint=hint) from error
        if check and done.returncode != 0:
            raise CommandFailed(
                f"`{program} {' '.join(arguments)}` ended with status {done.returncode}.",
                returncode=done.returncode,
                stdout=done.stdout,
                stderr=done.stderr,
            )
        return done


def _discard(owner: int, name: str, write_fd: int) -> None:
    """Delete a throw-away cluster. A forked child inherits this duty, not the cluster: it only lets go."""
    os.close(write_fd)
    folder = state.folder_of(name)
    if os.getpid() == owner and folder.exists():
        stop.delete(name)
        folder.lock.unlink(missing_ok=True)


def _tuple(arguments: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if arguments is None else tuple(arguments)
