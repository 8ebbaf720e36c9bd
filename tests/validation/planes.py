"""Judging many texts, each as on a fresh control plane, without starting one for each.

A text gets a namespace of its own. Where it holds an object by a name that an earlier one had (in a namespace
that it names itself, or in none), the control plane is thrown away and another one started.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from sandkube.cluster.report import SILENT
from sandkube.manifests.document import Document
from sandkube.manifests.reading import Contents, read
from sandkube.reports import Finding
from sandkube.validation import order, planes
from sandkube.validation.placing import of_flaw
from sandkube.validation.planes import Plane
from sandkube.validation.running import Run, Set

if TYPE_CHECKING:
    from typing_extensions import Self


class Planes:
    """A control plane, and after it the next one. A context manager."""

    def __init__(self) -> None:
        self._held = contextlib.ExitStack()
        self._environ = dict(os.environ)
        self._plane: Plane | None = None
        self._had: set[tuple[str, ...]] = set()
        self._spoiled = False
        self._numbers = itertools.count()
        self._held_others = contextlib.ExitStack()
        self._others: Planes | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()
        self._held_others.close()

    def judged(
        self, data: bytes, file: str, *, older: bytes | None = None, needs: Sequence[bytes] = ()
    ) -> list[Finding]:
        """Every finding in one file; ``needs`` are definitions that have to be there."""
        before = read(older, file).documents if older is not None else []
        definitions = [document for text in needs for document in read(text, file).documents]
        return self.found(read(data, file), before, definitions)

    def found(
        self,
        contents: Contents,
        older: Sequence[Document] = (),
        definitions: Sequence[Document] = (),
        *,
        settle: float = 0.0,
    ) -> list[Finding]:
        """Every finding in what was read."""
        plane, namespace = self.fresh([*contents.documents, *older], definitions)
        run = Run(plane, namespace, settle, lambda _: None)
        given = Set(contents.documents, definitions, older)
        return [of_flaw(flaw) for flaw in contents.flaws] + run.of(given)

    @property
    def others(self) -> Planes:
        """A row of control planes of its own."""
        if self._others is None:
            self._others = self._held_others.enter_context(Planes())
        return self._others

    def fresh(self, documents: Iterable[Document], definitions: Iterable[Document] = ()) -> tuple[Plane, str]:
        """A control plane that holds none of the objects, and a namespace that nobody had.

        Of the definitions it may hold some.
        """
        given = list(documents)
        fixed = _fixed(given)
        if self._plane is None or self._spoiled or fixed & self._had:
            self._held.close()
            # the state folder is this fixture's, whatever a test has set meanwhile
            with _environ(self._environ):
                self._plane = self._held.enter_context(planes.throw_away(SILENT))
            self._had = set()
        self._had |= fixed | _fixed(definitions)
        # whoever creates such a thing has it act on all that comes after
        self._spoiled = any(order.key(one) in order.INACTIVE for one in given)
        return self._plane, f"judged-{next(self._numbers)}"


def _fixed(documents: Iterable[Document]) -> set[tuple[str, ...]]:
    """The objects that another text cannot have in a namespace of its own."""
    return {
        (one.group, one.kind, one.namespace, one.name)
        for one in documents
        if one.name and (one.namespace or one.kind not in _NAMESPACED)
    }


# Kinds that lie in the namespace that their text is judged in, where they name none.
_NAMESPACED = {
    "ConfigMap",
    "ControllerRevision",
    "CronJob",
    "CSIStorageCapacity",
    "DaemonSet",
    "Deployment",
    "EndpointSlice",
    "Endpoints",
    "Event",
    "HorizontalPodAutoscaler",
    "Ingress",
    "Job",
    "Lease",
    "LimitRange",
    "NetworkPolicy",
    "PersistentVolumeClaim",
    "Pod",
    "PodDisruptionBudget",
    "PodTemplate",
    "ReplicaSet",
    "ReplicationController",
    "ResourceClaim",
    "ResourceClaimTemplate",
    "ResourceQuota",
    "Role",
    "RoleBinding",
    "Secret",
    "Service",
    "ServiceAccount",
    "StatefulSet",
}


@contextlib.contextmanager
def _environ(wanted: dict[str, str]) -> Iterator[None]:
    kept = dict(os.environ)
    os.environ.clear()
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)
