"""The runtime's process, which the node's keeper starts: ``python -m sandkube.runtime --config FILE``."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from sandkube.runtime.bundles import Node
from sandkube.runtime.containers import Containers
from sandkube.runtime.cri import Cri
from sandkube.runtime.found import Host
from sandkube.runtime.images.catalogue import Catalogue
from sandkube.runtime.images.store import Store
from sandkube.runtime.sandboxes import Sandboxes
from sandkube.runtime.service import Service
from sandkube.runtime.wire import Wire


def main() -> None:
    """Serve until TERM, which ends all containers in order, or until the keeper is gone, which ends none."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    config = json.loads(parser.parse_args().config.read_text(encoding="utf-8"))
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    folder = Path(config["folder"])
    containers = Containers(folder / "containers")
    sandboxes = Sandboxes(folder / "sandboxes", config["pod_range"], config["loopback"], config["address"])
    life = config.get("life_fd")
    cri = Cri(
        containers=containers,
        sandboxes=sandboxes,
        images=Catalogue(Store(folder / "images")),
        node=Node(Host(**config["host"]), config["hidden"], config["strict"], config["environment"]),
        zygote=Wire(socket.socket(fileno=config["zygote_fd"])),
        life=life,
        version=config["version"],
    )
    signal.signal(
        signal.SIGTERM, lambda *_: threading.Thread(target=_end, args=(containers, sandboxes)).start()
    )
    Service(socket.socket(fileno=config["listener_fd"]), cri.methods()).serve()


def _end(containers: Containers, sandboxes: Sandboxes) -> None:
    """As a machine that is shut down: everything is asked to end, and then ended."""
    threads = [threading.Thread(target=one.stop, args=(2.0,)) for one in containers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in sandboxes:
        one.end()
    os._exit(0)


if __name__ == "__main__":
    main()
