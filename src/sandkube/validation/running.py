"""Judging a set: in an order that works, many at once, and then what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from sandkube.kube.client import Client
from sandkube.kube.discovery import Served, discover
from sandkube.kube.openapi import Schemas
from sandkube.manifests.document import Document
from sandkube.reports import Finding
from sandkube.reports.words import counted
from sandkube.validation import folding, order, preparing, references, settling, templates
from sandkube.validation.judging import Judge, Verdict, twins
from sandkube.validation.placing import finding
from sandkube.validation.planes import Plane

_AT_ONCE = 16
_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Set:
    """What is judged together: the objects, definitions that only have to be there, and the older set."""

    documents: Sequence[Document]
    definitions: Sequence[Document] = ()
    older: Sequence[Document] = ()


@dataclass
class Run:
    """One set in one control plane; findings whose code is in ``ignore`` are none."""

    plane: Plane
    namespace: str
    settle: float
    step: Callable[[str], None]
    ignore: Collection[str] = ()
    verdicts: list[Verdict] = field(default_factory=list)
    coming: frozenset[tuple[str, str]] = frozenset()

    @cached_property
    def served(self) -> Served:
        """What the server serves, with what the set adds."""
        return discover(self.plane.client)

    @cached_property
    def judge(self) -> Judge:
        """Who judges each object."""
        client, ours = self.plane.client, self.plane.ours
        return Judge(
            client, self.served, Schemas(client), self.namespace, dry_run=not ours, coming=self.coming
        )

    def of(self, given: Set) -> list[Finding]:
        """Every finding in the set, in the order of its documents."""
        self.coming = frozenset(_brought(given.documents))
        if self.plane.ours:
            names = {document.namespace or self.namespace for document in [*given.documents, *given.older]}
            own = {one.name for one in given.documents if order.key(one) == order.NAMESPACE}
            preparing.make_namespaces(self.plane.client, names - own)
            self._define(given.definitions)
            self._old(given.older)
        findings = self._judge(given)
        findings += self._settled() if self.plane.ours else []
        findings += self._templates()
        findings += self._references(given.documents)
        place = {id(document): at for at, document in enumerate(given.documents)}
        in_order = sorted(findings, key=lambda pair: place.get(id(pair[0]), -1))
        wanted = [(document, one) for document, one in in_order if one.code not in self.ignore]
        return [one for _, one in folding.of_one_cause(wanted)]

    def _define(self, definitions: Sequence[Document]) -> None:
        for verdict in self._each(self.judge.judge, definitions):
            if verdict.kept is not None and order.key(verdict.document) == order.DEFINITION:
                preparing.serve(self.plane.client, self.served, verdict.kept)

    def _old(self, older: Sequence[Document]) -> None:
        """Apply the older set; what is wrong with it is no finding of the newer one."""
        for phase in order.phases(older):
            active = [one for one in phase if order.key(one) not in order.INACTIVE and one.name]
            for verdict in self._each(self.judge.apply, active):
                self._await(verdict)

    def _judge(self, given: Set) -> list[tuple[Document, Finding]]:
        there = {self._where(one): one for one in given.older}
        doubles = {id(later): first for later, first in twins(list(given.documents), self.judge)}
        findings: list[tuple[Document, Finding]] = []
        for later, first in ((one, doubles[id(one)]) for one in given.documents if id(one) in doubles):
            findings.append((later, _double(later, first)))

        def judged(document: Document) -> Verdict:
            if id(document) in doubles or (self.plane.ours and order.key(document) in order.INACTIVE):
                return self.judge.judge(document, "look")
            older = there.get(self._where(document))
            return self.judge.judge(document, "over" if older is not None else "create", older)

        done = 0
        for phase in order.phases(given.documents):
            if not phase:
                continue
            self.step(f"judging {counted(len(given.documents), 'object')}, {done} done")
            if self.plane.ours:
                self._await_accounts(phase)
            for verdict in self._each(judged, phase):
                self.verdicts.append(verdict)
                findings += [(verdict.document, one) for one in verdict.findings]
            for verdict in self.verdicts[done:]:
                self._await(verdict)
            done += len(phase)
        return findings

    def _await(self, verdict: Verdict) -> None:
        """Wait until what was created has the effect that others need."""
        if verdict.kept is None or not self.plane.ours:
            return
        what = order.key(verdict.document)
        if what == order.DEFINITION:
            preparing.serve(self.plane.client, self.served, verdict.kept)
            self.judge.schemas.forget()
        elif what == order.PRIORITY:
            preparing.await_priority(self.plane.client, verdict.kept["metadata"]["name"])
        elif what == order.QUOTA:
            metadata = verdict.kept["metadata"]
            preparing.await_quota(self.plane.client, metadata["namespace"], metadata["name"])

    def _await_accounts(self, phase: Sequence[Document]) -> None:
        """A controller that is refused a pod since its namespace has no account yet would be told of."""
        pods = [one for one in phase if order.key(one) in (*settling.WORKLOADS, ("", "Pod"))]
        preparing.await_accounts(self.plane.client, {one.namespace or self.namespace for one in pods})

    def _settled(self) -> list[tuple[Document, Finding]]:
        """What controllers say within the settling time."""
        taken = {
            verdict.kept["metadata"]["uid"]: verdict.document
            for verdict in self.verdicts
            if verdict.kept
            and order.key(verdict.document) in settling.WORKLOADS
            and verdict.kept["metadata"].get("uid")
        }
        kept = [one.kept for one in self.verdicts if one.kept and one.kept["metadata"].get("uid") in taken]
        if not kept or not self.settle:
            return []
        self.step("waiting for what the controllers say")
        found = settling.troubles(self.plane.client, kept, self.settle)
        return [(taken[one.uid], _failed(taken[one.uid], one.message, self.namespace)) for one in found]

    def _templates(self) -> list[tuple[Document, Finding]]:
        def looked(verdict: Verdict) -> tuple[Document, str | None]:
            document = verdict.document
            where = document.namespace or self.namespace
            every = not self.plane.ours
            return document, templates.refused_pod(self.plane.client, document.value, where, every_kind=every)

        taken = [verdict for verdict in self.verdicts if verdict.taken]
        return [
            (document, _failed(document, said, self.namespace))
            for document, said in self._each(looked, taken)
            if said is not None
        ]

    def _references(self, documents: Sequence[Document]) -> list[tuple[Document, Finding]]:
        there = _There(self.plane.client, self.served)
        objects = [document.value for document in documents]
        return [
            (
                documents[one.index],
                finding(
                    documents[one.index],
                    one.code,
                    one.message,
                    field=one.field,
                    value=True,
                    hint=one.hint,
                    namespace=self._where(documents[one.index])[2] or None,
                ),
            )
            for one in references.dangling(objects, there, default_namespace=self.namespace)
        ]

    def _where(self, document: Document) -> tuple[str, str, str, str]:
        resource = self.served.of(document.api_version, document.kind)
        namespaced = resource is None or resource.namespaced
        return (
            document.group,
            document.kind,
            (document.namespace or self.namespace) if namespaced else "",
            document.name,
        )

    def _each(self, function: Callable[[_Given], _Made], items: Iterable[_Given]) -> list[_Made]:
        """``function`` of each, many at once, in their order."""
        given = list(items)
        if len(given) <= 1:
            return [function(one) for one in given]
        with ThreadPoolExecutor(min(_AT_ONCE, len(given))) as pool:
            return list(pool.map(function, given))


def _brought(documents: Iterable[Document]) -> Iterator[tuple[str, str]]:
    """The namespaces of a set, without a group, and the kinds that it defines."""
    for document in documents:
        if order.key(document) == order.NAMESPACE:
            yield "", document.name
        elif order.key(document) == order.DEFINITION:
            spec = document.value.get("spec")
            names = spec.get("names") if isinstance(spec, dict) else None
            if isinstance(spec, dict) and isinstance(names, dict):
                yield str(spec.get("group")), str(names.get("kind"))


def _failed(document: Document, said: str, namespace: str) -> Finding:
    return finding(
        document,
        "failed-create",
        f"Its pods cannot be created: {said}",
        field="kind",
        value=True,
        server=said,
        namespace=namespace,
    )


def _double(later: Document, first: Document) -> Finding:
    """Two files may well be two sets that nobody applies together; one file is one set."""
    return finding(
        later,
        "duplicate-object",
        f"{later.kind} `{later.name}` is there already, in {first.file}, line {first.start.line}.",
        field="metadata.name",
        value=True,
        severity="error" if later.file == first.file else "warning",
    )


class _There:
    """What is in the cluster, asked once for each thing (see :class:`references.Cluster`)."""

    def __init__(self, client: Client, served: Served) -> None:
        self._client, self._served = client, served
        self._known: dict[tuple[str, str, str | None, str], Mapping[str, Any] | None] = {}
        self._lists: dict[tuple[str, str, str | None], Sequence[Mapping[str, Any]]] = {}

    def has(self, group: str, kind: str, namespace: str | None, name: str) -> bool:
        return self.get(group, kind, namespace, name) is not None

    def get(self, group: str, kind: str, namespace: str | None, name: str) -> Mapping[str, Any] | None:
        key = (group, kind, namespace, name)
        if key not in self._known:
            resource = self._served.preferred(group, kind)
            path = resource.path(namespace, name) if resource is not None and name else None
            self._known[key] = self._client.get(path) if path is not None else None
        return self._known[key]

    def list(self, group: str, kind: str, namespace: str | None) -> Sequence[Mapping[str, Any]]:
        key = (group, kind, namespace)
        if key not in self._lists:
            resource = self._served.preferred(group, kind)
            found = self._client.get(resource.path(namespace)) if resource is not None else None
            self._lists[key] = tuple(found.get("items", ())) if isinstance(found, dict) else ()
        return self._lists[key]
