"""The whole of a validation: from paths to a report."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sandkube.cluster.report import SILENT
from sandkube.cluster.report import Report as Progress
from sandkube.errors import UsageError
from sandkube.manifests.inputs import collect
from sandkube.reports import Finding, Report
from sandkube.reports import baseline as baselines
from sandkube.validation import gathering, planes
from sandkube.validation.gathering import Gathered
from sandkube.validation.placing import of_flaw
from sandkube.validation.planes import Plane
from sandkube.validation.rules import RULES
from sandkube.validation.running import Run, Set
from sandkube.validation.settings import Settings


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
    unknown = [code for code in settings.ignore if code not in RULES]
    if unknown:
        from sandkube.validation.hints import nearest

        near = nearest(unknown[0], RULES)
        raise UsageError(
            f"There is no code `{unknown[0]}`.", hint=f"did you mean `{near}`?" if near else None
        )


def _validated(settings: Settings, progress: Progress) -> Report:
    began = time.monotonic()
    cases = gathering.cases(settings)
    inputs = collect(settings.paths, recursive=settings.recursive, kustomize=settings.kustomize)
    if settings.values and not any(one.kind == "chart" for one in inputs):
        raise UsageError("`--values` is for charts, and there is none among the paths.")
    known = baselines.read(Path(settings.baseline)) if settings.baseline is not None else ()
    findings: list[Finding] = []
    documents, files, version = 0, dict[str, None](), ""
    with ThreadPoolExecutor(1) as aside, gathering.older(settings) as older:
        # files are read while the control plane starts
        reading = aside.submit(gathering.gather, inputs)
        definitions = aside.submit(gathering.gather, collect(settings.crds, recursive=True))
        for case in cases:
            with _plane(settings, progress) as plane:
                gathered = reading.result()
                version = version or planes.version_of(plane.client)
                contents = gathered.contents(case, plane, settings)
                given = Set(
                    contents.documents,
                    _documents(definitions.result(), case, plane, settings),
                    _documents(older, case, plane, settings),
                )
                findings += [of_flaw(flaw) for flaw in contents.flaws]
                run = Run(plane, settings.namespace, settings.settle, progress.step)
                findings += run.of(given)
                documents += len(contents.documents)
                files.update(dict.fromkeys(_files(gathered, contents.documents)))
    all_ = [one for one in _merged(findings, len(cases)) if one.code not in settings.ignore]
    new, accepted, stale = baselines.split(all_, known)
    if stale:
        count = sum(one.count for one in stale)
        progress.say(
            f"{settings.baseline}: {count} of its findings did not occur; --update-baseline drops them"
        )
    return Report(new, tuple(files), documents, RULES, version, time.monotonic() - began, accepted)


def _plane(settings: Settings, progress: Progress) -> AbstractContextManager[Plane]:
    if settings.cluster is not None:
        return planes.of_cluster(settings.cluster)
    if settings.context is not None:
        from sandkube.server import ensure

        return planes.of_context(settings.context, ensure(progress.step).binary)
    return planes.throw_away(progress)


def _documents(gathered: Gathered | None, case: Any, plane: Plane, settings: Settings) -> Sequence[Any]:
    return gathered.contents(case, plane, settings).documents if gathered is not None else ()


def _files(gathered: Gathered, documents: Iterable[Any]) -> Iterable[str]:
    yield from gathered.files
    for document in documents:
        if document.origin is not None:
            yield document.origin.template or document.origin.source


def _merged(findings: Sequence[Finding], cases: int) -> list[Finding]:
    """The same finding of several cases once; of all cases, without one."""
    if cases <= 1:
        return list(findings)
    found: dict[str, list[Finding]] = {}
    for one in findings:
        found.setdefault(replace(one, case=None).fingerprint, []).append(one)
    merged = []
    for same in found.values():
        names = list(dict.fromkeys(one.case for one in same if one.case))
        everywhere = not names or len(names) == cases
        merged.append(replace(same[0], case=None if everywhere else ", ".join(names)))
    return merged


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
