"""Looking for what keeps sandkube from working well on this machine: a module a check.

`checks` holds the checks, in the order they are told in; `examining` runs them side by side. A check is a
function of `Surroundings`, and gives findings of the kinds that it declares; docs/how-to/troubleshooting.md
is written from these. Modules, lower ones first: `finding`, `surroundings`, `asking` and `file_system`,
`checks`, `examining`.
"""

from __future__ import annotations

from sandkube.doctor.examining import examine, explain, mend
from sandkube.doctor.finding import Check, Finding, Kind, State, problems
from sandkube.doctor.surroundings import Surroundings

__all__ = [
    "Check",
    "Finding",
    "Kind",
    "State",
    "Surroundings",
    "examine",
    "explain",
    "mend",
    "problems",
]
