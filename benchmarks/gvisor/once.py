"""One start from the template and its end, where this is run: `python once.py STATE FOLDER`; JSON on stdout.

FOLDER holds the binary and its template. The figures are those of benchmarks/start.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[0:1] = [str(HERE.parents[1] / "start"), str(HERE.parents[1])]

from starting import Bench  # noqa: E402

state, place = map(Path, sys.argv[1:])
print(json.dumps(Bench(state, place, place).measure("template")))
