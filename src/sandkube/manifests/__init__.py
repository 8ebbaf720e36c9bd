"""Objects as people write them: from paths to documents, whose every field has a file, a line, a column.

``inputs`` (what paths hold), ``reading`` (files; ``composing``, ``scalars`` and ``values`` read YAML as the
API server does), ``charts`` and ``kustomizations`` (rendered by helm and kubectl; ``templates`` finds the
line of a template), ``document`` (one object), ``fields`` (paths of fields), ``lines`` (places). Nothing is
judged.
"""

from __future__ import annotations
