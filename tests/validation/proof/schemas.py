"""kubeconform with schemas of the very server that judges, so that it has every chance."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sandkube.kube.client import Client
from validation.proof.oracle import Verdict

_HERE = Path(__file__).with_name("kubeconform")
_KIND = "x-kubernetes-group-version-kind"
_REF = "#/components/schemas/"


def build(target: Path) -> Path:
    """Build kubeconform into the folder ``target``; its path. Needs Go and a module proxy."""
    binary = target / "kubeconform"
    environ = {**os.environ, "CGO_ENABLED": "0"}
    line = ["go", "build", "-trimpath", "-o", str(binary), "github.com/yannh/kubeconform/cmd/kubeconform"]
    subprocess.run(line, cwd=_HERE, env=environ, check=True)
    return binary


def write(client: Client, folder: Path) -> None:
    """Write a schema for each kind that the server publishes, strict as kubeconform's own are."""
    for path in client.get("/openapi/v3")["paths"].values():
        document = client.get(path["serverRelativeURL"])
        schemas = document.get("components", {}).get("schemas", {})
        definitions = {name: _strict(schema) for name, schema in schemas.items()}
        for name, schema in schemas.items():
            for kind in schema.get(_KIND, ()):
                (folder / _file_name(kind)).write_text(
                    json.dumps({**_of_kind(definitions[name], kind), "definitions": definitions})
                )


def _file_name(kind: Mapping[str, str]) -> str:
    group = f"{kind['group'].partition('.')[0]}-" if kind["group"] else ""
    return f"{kind['kind'].lower()}-{group}{kind['version']}.json"


def _of_kind(schema: Mapping[str, Any], kind: Mapping[str, str]) -> dict[str, Any]:
    version = f"{kind['group']}/{kind['version']}" if kind["group"] else kind["version"]
    properties = {**schema.get("properties", {})}
    properties |= {"kind": {"enum": [kind["kind"]]}, "apiVersion": {"enum": [version]}}
    return {**schema, "properties": properties}


def _strict(schema: Any) -> Any:
    """A schema that forbids what it does not name, with references as JSON Schema has them."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        key: _strict(value) for key, value in schema.items() if not key.startswith("x-") and key != "default"
    }
    if isinstance(found.get("$ref"), str):
        found["$ref"] = "#/definitions/" + found["$ref"].removeprefix(_REF)
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return found
    if found.get("type") == "object" and "properties" in found and "additionalProperties" not in found:
        found["additionalProperties"] = False
    return found


def judged(binary: Path, folder: Path, files: Mapping[str, Path]) -> Iterator[tuple[str, Verdict]]:
    """kubeconform's verdict of each file, by name. A kind without a schema it lets pass."""
    where = f"{folder}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json"
    line = [str(binary), "-strict", "-ignore-missing-schemas", "-schema-location", where]
    for name, path in files.items():
        done = subprocess.run([*line, str(path)], capture_output=True, text=True, check=False)
        yield name, Verdict(done.returncode == 0, done.stdout + done.stderr)
