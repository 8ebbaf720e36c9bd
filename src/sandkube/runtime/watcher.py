"""One thread that waits for the ends of many connections."""

from __future__ import annotations

import contextlib
import os
import selectors
import threading
from collections.abc import Callable

from sandkube.runtime.wire import Wire


class Watcher:
    """Calls back when a connection has ended."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._coming: list[tuple[Wire, Callable[[], None]]] = []
        self._wake, self._woken = os.pipe()
        self._selector.register(self._wake, selectors.EVENT_READ)
        threading.Thread(target=self._run, name="watcher", daemon=True).start()

    def watch(self, wire: Wire, ended: Callable[[], None]) -> None:
        """Call ``ended``, in the watcher's thread, when the other end of ``wire`` is closed."""
        with self._lock:
            self._coming.append((wire, ended))
        os.write(self._woken, b"!")

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fd == self._wake:
                    os.read(self._wake, 1 << 12)
                    with self._lock:
                        coming, self._coming = self._coming, []
                    for wire, ended in coming:
                        self._selector.register(wire, selectors.EVENT_READ, (wire, ended))
                else:
                    wire, ended = key.data
                    going = False
                    with contextlib.suppress(OSError):
                        going = wire.read()
                    if not going:
                        self._selector.unregister(wire)
                        wire.close()
                        ended()
