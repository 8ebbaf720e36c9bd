"""One start from the template and its end, where this is run: `python once.py STATE FOLDER`; JSON on stdout.

FOLDER holds the binary and its template. The figures are those of benchmarks/start.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "start"))

from starting import Bench

state, place = map(Path, sys.argv[1:])
print(json.dumps(Bench(state, place, place).measure("template")))
