"""Keeps a ConfigMap for each Bookshelf, refuses shelves that would break, and tidies up at their end.

`kopf run bookshelves.py`; in a pod, `manifests.py` says how. TLS is the folder of the webhook's certificate.
"""

from __future__ import annotations

import os
from http import HTTPStatus
from typing import Any

import kopf
from kubernetes import client, config

MOST = 1000
TLS = os.environ.get("TLS", "/tls")


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Serve the webhook at the pod's own address."""
    config.load_incluster_config()
    settings.admission.server = kopf.WebhookServer(
        addr=os.environ["POD_IP"], port=8443, certfile=f"{TLS}/tls.crt", pkeyfile=f"{TLS}/tls.key"
    )


@kopf.on.validate("bookshelves", id="check")  # it is asked at /check
def check(spec: Any, **_: Any) -> None:
    """Refuse a shelf with more books than it can bear."""
    if spec.get("books", 0) > MOST:
        raise kopf.AdmissionError(f"a shelf bears {MOST} books, and not {spec['books']}", code=422)


@kopf.on.create("bookshelves")
@kopf.on.update("bookshelves")
def keep(name: str, namespace: str, spec: Any, body: Any, **_: Any) -> dict[str, str]:
    """Have the ConfigMap say how many books there are."""
    configmap = {"metadata": {"name": f"shelf-{name}"}, "data": {"books": str(spec.get("books", 0))}}
    kopf.adopt(configmap, owner=body)
    api = client.CoreV1Api()
    try:
        api.replace_namespaced_config_map(f"shelf-{name}", namespace, configmap)
    except client.ApiException as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        api.create_namespaced_config_map(namespace, configmap)
    return {"kept": f"shelf-{name}"}


@kopf.on.delete("bookshelves")
def tidy(name: str, namespace: str, **_: Any) -> None:
    """Write down that the shelf is gone: kopf's finalizer keeps it until this has been done."""
    api = client.CoreV1Api()
    gone = {"metadata": {"name": f"gone-{name}"}}
    api.create_namespaced_config_map(namespace, gone)
