"""What all tests share: the server is there before the first test that needs it."""

from __future__ import annotations

from server_fixture import pytest_sessionstart

__all__ = ["pytest_sessionstart"]
