"""The checks, in the order that they are told in."""

from __future__ import annotations

from typing import Final

from sandkube.doctor.checks import (
    answers,
    cache_folder,
    certificates,
    clients,
    clock,
    go,
    k3s,
    leftovers,
    limits,
    loopback,
    memory,
    nodes,
    ports,
    proxies,
    sandbox,
    server,
    state_folder,
)
from sandkube.doctor.finding import Check

__all__ = ["CHECKS"]

CHECKS: Final[tuple[Check, ...]] = tuple(
    module.CHECK
    for module in (
        server,
        go,
        k3s,
        state_folder,
        cache_folder,
        memory,
        limits,
        loopback,
        ports,
        clock,
        certificates,
        proxies,
        clients,
        leftovers,
        answers,
        nodes,
        sandbox,
    )
)
