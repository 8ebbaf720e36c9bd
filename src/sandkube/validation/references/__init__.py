"""References that lead nowhere: what the API server accepts, and what would still never run or never work.

`dangling` goes through a set of manifests and tells which names, ports and selectors in it meet nothing,
neither in the set nor in the cluster. It reads and asks, and changes nothing; what it asks is a `Cluster`.
A sound set must stay without a finding: what a controller or a program of the set itself may make counts as
there (`makers`), and a malformed field says nothing here, since the server has told of it already.

Modules, lower ones first: `tree` and `kinds`; `cluster`; `items`, `selectors` and `templates`; `makers`;
`world` (the set and the cluster as one); `absence`; the checks, a module a topic: `pods`, `storage`,
`access`, `services`, `routes`, `scaling`, `admission`; `rules` and `checking`.
"""

from __future__ import annotations

from sandkube.validation.references.checking import dangling
from sandkube.validation.references.cluster import Cluster
from sandkube.validation.references.items import Dangling
from sandkube.validation.references.rules import RULES

__all__ = ["RULES", "Cluster", "Dangling", "dangling"]
