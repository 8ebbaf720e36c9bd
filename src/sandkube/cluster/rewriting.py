"""Writing all Secrets of a cluster once more, unchanged, so that they are stored as the server stores now."""

from __future__ import annotations

import os
import subprocess

from sandkube.cluster.report import Report
from sandkube.plane.folder import ClusterFolder

_SECONDS = 120.0


def rewrite_secrets(folder: ClusterFolder, report: Report) -> None:
    """Have the Secrets that are there encrypted, or no longer; says so where it could not be done."""
    report.step("Writing the Secrets anew")
    fault = _rewrite(folder)
    if fault:
        report.say(
            f"The Secrets that were there before could not be written anew, and stay as they were: {fault}\n"
            "To do it: kubectl get secrets -A -o json | kubectl replace -f -"
        )


def _rewrite(folder: ClusterFolder) -> str | None:
    environ = folder.clients_environ(os.environ)
    kubectl = str(folder.kubectl)
    try:
        # A pipe, not an argument and not a file: these are Secrets.
        got = subprocess.run(
            [kubectl, "get", "secrets", "--all-namespaces", "--output=json"],
            env=environ,
            capture_output=True,
            timeout=_SECONDS,
            check=True,
        )
        if b'"items": []' in got.stdout:
            return None
        subprocess.run(
            [kubectl, "replace", "--filename=-"],
            env=environ,
            input=got.stdout,
            capture_output=True,
            timeout=_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        return str(error.stderr.decode(errors="replace").strip())
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None
