"""The process that holders are forked from: it has loaded all that they need, and they share its memory.

Each message ``{"folder": PATH, "files": COUNT}`` brings one or two pipes (see
:func:`sandkube.runtime.holder.hold`) and gets a holder forked. A node's keeper is one; ``python -m
sandkube.runtime.zygote FD`` is one alone, which ends with the connection FD. What was forked does not.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from pathlib import Path
from typing import NoReturn

from sandkube.plane import files as _files  # noqa: F401 -- loaded once, for all holders
from sandkube.plane import process as _process  # noqa: F401
from sandkube.runtime import kernel
from sandkube.runtime.holder import hold
from sandkube.runtime.wire import Wire


def serve(connection: socket.socket) -> None:
    """Fork holders until the connection ends."""
    kernel.adopt_orphans()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    wire = Wire(connection)
    gc.collect()
    gc.freeze()
    while (message := wire.receive()) is not None:
        pipes = wire.take(message["files"])
        if os.fork() == 0:
            become_holder(Path(message["folder"]), pipes)
        for pipe in pipes:
            os.close(pipe)


def become_holder(folder: Path, pipes: list[int]) -> NoReturn:
    """Hold a container: for a process that was forked for it. ``pipes`` are as `hold` has them."""
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        # a connection is closed only when nobody has it open any more
        kept = sorted(pipes)
        for low, high in zip([2, *kept], [*kept, 1 << 16], strict=True):
            os.closerange(low + 1, high)
        report, *life = pipes
        hold(folder, report, life[0] if life else None)
    finally:
        os._exit(1)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
