"""The API over HTTP: getting at it, what it serves, watching it, and what it says when it refuses.

``access`` (a client, by a kubeconfig or through kubectl's proxy), ``client`` (a request and its answer),
``status`` (what a refusal says), ``discovery`` (kinds and their paths), ``watching``, ``openapi``. Whatever
is sent is sent as it is, and all that comes back is plain data: no kind has a class here, so that it is the
server alone that judges.
"""

from __future__ import annotations
