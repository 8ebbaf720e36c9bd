"""Secrets encrypted in the datastore: the API server's configuration, with the cluster's own key in it.

As Kubernetes' documentation has it (Encrypting Confidential Data at Rest): the first provider writes, all of
them read. So switching it off keeps the key, with which what was encrypted is still read.
"""

from __future__ import annotations

import base64
import secrets
from pathlib import Path
from typing import Final

from sandkube.errors import StateCorrupt
from sandkube.plane.files import read_json, write_json

_KEY_BYTES: Final = 32  # of secretbox: XSalsa20 and Poly1305


def write_encryption(path: Path, *, on: bool) -> None:
    """Write ``path``, an EncryptionConfiguration.

    The key that is there is kept. Nothing is written for a cluster that never had one and wants none.
    StateCorrupt where the file is there and has no key: what was encrypted with it could not be read.
    """
    key = _key_in(path)
    if key is None and not on:
        return
    key = key or base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
    encrypted = {"secretbox": {"keys": [{"name": "sandkube", "secret": key}]}}
    plain: dict[str, object] = {"identity": {}}
    providers = [encrypted, plain] if on else [plain, encrypted]
    document = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [{"resources": ["secrets"], "providers": providers}],
    }
    write_json(path, document)  # JSON is YAML; over a power cut too, or the Secrets are lost


def _key_in(path: Path) -> str | None:
    remedy = f"mend the file: without its key the Secrets cannot be read; or begin anew: remove {path.parent}"
    document = read_json(path, remedy)
    if document is None:
        return None
    try:
        for provider in document["resources"][0]["providers"]:
            if "secretbox" in provider:
                return str(provider["secretbox"]["keys"][0]["secret"])
    except (KeyError, IndexError, TypeError):
        pass
    raise StateCorrupt(f"{path} cannot be understood: there is no key in it.", hint=remedy)
