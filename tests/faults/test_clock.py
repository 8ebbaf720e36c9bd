"""The clock of a running server jumps, as when a person, NTP or a machine that wakes up sets it.

Only the server's own clock is moved (:mod:`faults.clock`). What the machine's would do besides, to Python and
to the times of files, is not tried.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import time
from typing import Any

import pytest

from checker.recorder import PATH
from command_line import Api, Sandkube, until
from faults.clock import clock_of
from faults.loading import UNCACHED, judged, load, progress
from lengths import LONG
from sandkube.plane import pki

HOUR, DAY = 3600, 86400
TOKEN = "/api/v1/namespaces/default/serviceaccounts/default/token"
REVIEW = "/apis/authentication.k8s.io/v1/tokenreviews"


def ahead(api: Api) -> float:
    """By how many seconds the server's clock is ahead of ours."""
    status, body = api("POST", f"{PATH}?dryRun=All", {"metadata": {"name": "now"}})
    assert status == 201, body
    told = dt.datetime.fromisoformat(body["metadata"]["creationTimestamp"].replace("Z", "+00:00"))
    return told.timestamp() - time.time()


def controllers_work(api: Api, namespace: str) -> None:
    """A namespace that is made gets its service account."""
    assert api("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})[0] == 201
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
    until(lambda: api("GET", account)[0] == 200)


def test_it_jumps(sandkube: Sandkube) -> None:
    """Forth and back, and for once while the server sleeps: nothing is lost, no watch breaks."""
    sandkube("up", UNCACHED)
    pid, api = sandkube.pid(), sandkube.api()
    clock = clock_of(pid)
    with load(api, seed=60) as recorder:
        for seconds in (HOUR, -HOUR // 2, DAY, 0):
            clock.set(seconds)
            progress(recorder, 30)
            assert abs(ahead(api) - seconds) < 100
        os.kill(pid, signal.SIGSTOP)
        time.sleep(1)
        clock.set(8 * HOUR)
        os.kill(pid, signal.SIGCONT)
        woken = time.monotonic()
        progress(recorder, 30)
        controllers_work(api, "morning")
        recorder.stop()
        recorder.again()
    judged(recorder, since=woken)
    assert recorder.breaks == 0
    assert sandkube.pid() == pid
    sandkube("down")
    assert sandkube.events()[-1].event == "stopped"


def test_what_has_a_date_is_judged_by_it(sandkube: Sandkube) -> None:
    """Certificates hold for a year from an hour before on, this token for ten minutes; none is spoiled."""
    sandkube("up", "--durability", "fast")
    api, clock = sandkube.api(), clock_of(sandkube.pid())
    body: dict[str, Any] = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
    status, answer = api("POST", TOKEN, {**body, "spec": {"expirationSeconds": 600}})
    assert status == 201, answer
    review = {**body, "kind": "TokenReview", "spec": {"token": answer["status"]["token"]}}

    def holds() -> bool:
        status, answer = api("POST", REVIEW, review)
        assert status == 201, answer
        return bool(answer["status"].get("authenticated"))

    clock.set(HOUR)
    assert not holds()
    clock.set(0)
    until(holds)
    for seconds in (-2 * HOUR, 366 * DAY):
        clock.set(seconds)
        assert api("GET", PATH)[0] == 401
        clock.set(0)
        assert api("GET", PATH)[0] == 200
    controllers_work(api, "afterwards")


@pytest.mark.skipif(not LONG, reason="its server waits for ten seconds: SANDKUBE_LONG=1")
def test_certificates_of_tomorrow(sandkube: Sandkube) -> None:
    """Made while the clock was a day ahead: `up` says so, and what it then advises helps."""
    sandkube("up", "--durability", "fast")
    sandkube("down")
    folder = sandkube.folder().pki
    names = json.loads((folder / "pki.json").read_text())["certificates"]["apiserver"]["names"]
    for file in folder.iterdir():
        file.unlink()
    pki.ensure(folder, names, dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=1))
    done = sandkube("up", status=2)
    assert "it is behind, or was ahead when the certificate was made" in done.stderr
    advised = next(
        line for line in done.stderr.splitlines() if line.lstrip().startswith("sandkube down default; rm")
    )
    sandkube.shell(advised)
    assert sandkube.api()("GET", "/readyz") == (200, "ok")
