"""Puts the benchmarks' modules where they can be imported: they are scripts, and no package."""

from __future__ import annotations

import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"

for folder in (BENCHMARKS, BENCHMARKS / "load", BENCHMARKS / "soak"):
    sys.path.append(str(folder))
