"""The whole of a validation: from paths to a report."""

from __future__ import annotations

import contextlib
import math
import os
import re
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sandkube.cluster.report import SILENT
from sandkube.cluster.report import Report as Progress
from sandkube.errors import UsageError
from sandkube.manifests.inputs import Input, collect
from sandkube.reports import Report
from sandkube.reports import baseline as baselines
from sandkube.validation import planes
from sandkube.validation.planes import Plane
from sandkube.validation.settings import Settings

if TYPE_CHECKING:
    from sandkube.validation.cases import Asked, Judged

_Made = TypeVar("_Made")

_LABEL = re.compile(r"(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?")
# helm's own, which keeps room for what charts add
_RELEASE = re.compile(r"(?=.{1,53}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")

# What reads and judges takes as long to load as half a start of a control plane: it is loaded meanwhile.


def validate(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
    *,
    progress: Progress = SILENT,
    settings: Settings | None = None,
    **asked: Any,
) -> Report:
    """Judge manifests, charts and kustomizations by a real API server.

    ``paths`` are files, folders, charts, or `-` for standard input. ``asked`` are the fields of
    :class:`Settings`; ``settings`` gives them as a whole. Gives the report; a finding is no error here.

    >>> from sandkube import validate
    >>> validate("deploy/", recursive=True).ok      # doctest: +SKIP
    True

    UsageError for paths or options that make no sense, StartFailed, ServerNotFound or ClusterNotRunning where
    no control plane can be had, ApiFailed where it stops to answer.
    """
    given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    try:
        wanted = replace(settings or Settings(), **{key: _tuple(value) for key, value in asked.items()})
    except TypeError as error:
        raise UsageError(f"`validate` does not take this: {error}.") from error
    if given:
        wanted = replace(wanted, paths=tuple(os.fspath(path) for path in given))
    _check(wanted)
    return _validated(wanted, progress)


def _check(settings: Settings) -> None:
    if not settings.paths and not settings.kustomize:
        raise UsageError("There is nothing to validate.", hint="name files, folders or charts, or `-`")
    if settings.cluster and settings.context:
        raise UsageError("`--cluster` and `--context` name two control planes.", hint="choose one")
    if settings.upgrade_from and (settings.cluster or settings.context):
        raise UsageError(
            "`--upgrade-from` applies the older set, and nothing is applied to a cluster of yours.",
            hint="leave out --cluster and --context: a control plane is started for it",
        )
    if not 0 <= settings.settle < math.inf:
        raise UsageError(f"`--settle {settings.settle}` is no number of seconds.")
    for option, name, pattern in (
        ("--namespace", settings.namespace, _LABEL),
        ("--release-name", settings.release_name, _RELEASE),
    ):
        if not pattern.fullmatch(name):
            raise UsageError(
                f"`{option} {name}` is no name that Kubernetes takes.",
                hint="lower case letters, digits and `-`, a letter or digit at both ends",
            )
    for path in (path for one in settings.values for path in one.split(",")):
        if not Path(path).is_file():
            raise UsageError(f"There is no value file `{path}`.")
    if settings.ignore:
        _check_codes(settings.ignore)


def _check_codes(codes: Sequence[str]) -> None:
    from sandkube.validation.rules import RULES
    from sandkube.validation.spelling import nearest

    for code in codes:
        if code not in RULES:
            near = nearest(code, RULES)
            raise UsageError(f"There is no code `{code}`.", hint=f"did you mean `{near}`?" if near else None)


def _validated(settings: Settings, progress: Progress) -> Report:
    began = time.monotonic()
    inputs = collect(settings.paths, recursive=settings.recursive, kustomize=settings.kustomize)
    if settings.values and not any(one.kind == "chart" for one in inputs):
        raise UsageError("`--values` is for charts, and there is none among the paths.")
    known = baselines.read(Path(settings.baseline)) if settings.baseline is not None else ()
    with contextlib.ExitStack() as held:
        asked = _aside(lambda: _asked(settings, inputs, held))

        def judge(name: str | None, told: Progress) -> Judged:
            with _plane(settings, told) as plane:
                return asked.result().judged(name, plane, told.step)

        names = settings.values or (None,)
        if len(names) > 1:
            asked.result()  # what a pool's threads wait for cannot be interrupted
        cases = _each(names, judge, progress)

    from sandkube.validation import folding
    from sandkube.validation.rules import RULES

    findings = folding.of_cases([one for case in cases for one in case.findings], len(cases))
    new, accepted, stale = baselines.split(findings, known)
    if stale:
        count = sum(one.count for one in stale)
        progress.say(
            f"{settings.baseline}: {count} of its findings did not occur; --update-baseline drops them"
        )
    files = tuple(dict.fromkeys(file for case in cases for file in case.files))
    documents = sum(case.documents for case in cases)
    return Report(new, files, documents, RULES, cases[0].version, time.monotonic() - began, accepted)


def _asked(settings: Settings, inputs: Sequence[Input], held: contextlib.ExitStack) -> Asked:
    """What is to be judged, read; and all that judging needs, loaded."""
    import httpx2  # noqa: F401

    from sandkube.validation import cases

    return cases.Asked.read(settings, inputs, held)


def _aside(work: Callable[[], _Made]) -> Future[_Made]:
    """What the work gives, which is done meanwhile.

    A pipe that nobody writes to is never read to its end, and keeps nobody from ending the command.
    """
    found: Future[_Made] = Future()

    def done() -> None:
        try:
            found.set_result(work())
        except BaseException as error:  # noqa: BLE001 -- raised where the result is asked for
            found.set_exception(error)

    threading.Thread(target=done, daemon=True).start()
    return found


def _plane(settings: Settings, progress: Progress) -> AbstractContextManager[Plane]:
    if settings.cluster is not None:
        return planes.of_cluster(settings.cluster)
    if settings.context is not None:
        from sandkube.server import ensure

        return planes.of_context(settings.context, ensure(progress.step).binary)
    return planes.throw_away(progress)


def _each(
    names: Sequence[str | None], judge: Callable[[str | None, Progress], Judged], progress: Progress
) -> list[Judged]:
    """Every case, several at once, each in a control plane of its own."""
    if len(names) == 1:
        return [judge(names[0], progress)]
    listeners = [_Listener(progress if number == 0 else SILENT) for number in range(len(names))]
    with ThreadPoolExecutor(min(len(names), max(2, os.cpu_count() or 1))) as pool:
        cases = [pool.submit(judge, name, told) for name, told in zip(names, listeners, strict=True)]
        try:
            return [case.result() for case in cases]
        except BaseException:
            for case, listener in zip(cases, listeners, strict=True):
                case.cancel()
                listener.over = True
            raise


class _OverError(Exception):
    """Nobody waits for this case any more."""


class _Listener:
    """Passes on what a case tells; ends it at its next step when nobody waits for it any more."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.over = False

    def step(self, text: str) -> None:
        """Pass it on."""
        if self.over:
            raise _OverError
        self._progress.step(text)

    def say(self, text: str) -> None:
        """Pass it on."""
        self._progress.say(text)


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
