"""What the runtime answers a call with that cannot be done, by the codes of gRPC."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """The codes that are used (https://grpc.io/docs/guides/status-codes/)."""

    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    FAILED_PRECONDITION = 9
    UNIMPLEMENTED = 12
    INTERNAL = 13


class CallError(Exception):
    """A call that cannot be done, and why."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
