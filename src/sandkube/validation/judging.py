"""Judging one object by the API server's answers.

No single request tells all (`k8s.io/apiserver/pkg/endpoints/handlers/create.go`, `patch.go`): with strict
field validation the server stops at unknown and duplicate fields, and without it does not look for them; a
value that it cannot read hides all the rest, and it names only the first one of these. So:

1. The person's own text is sent, with strict field validation. If it is taken, that was all.
2. If fields are unknown or twice, they are noted, and it is sent again without strict field validation.
3. If a value cannot be read, it is noted and taken out, and what is left is sent anew, now as JSON, from 1.
   What is missing only because it was taken out is no fault. Fields that are there twice are then looked for
   in the text, since the server does not see them any more.
4. What the server says of an object that it could read is noted as it says it.

What is sent last creates the object, unless `dry_run`. One that is there already (a namespace such as
`default`, or the older version with `--upgrade-from`) is applied over (server-side apply).
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Literal

from sandkube.kube.client import APPLY, JSON, YAML, Answer, Client
from sandkube.kube.discovery import Resource, Served
from sandkube.kube.openapi import Schemas
from sandkube.kube.status import Refusal, refusal
from sandkube.manifests import fields
from sandkube.manifests.document import Document
from sandkube.manifests.fields import Found
from sandkube.reports import Finding
from sandkube.validation import findings, hints, refusals, types
from sandkube.validation.placing import finding
from sandkube.validation.refusals import Fault
from sandkube.validation.spelling import nearest

Mode = Literal["create", "look", "over"]

MANAGER = "sandkube-validate"
# Values that cannot be read are taken out one by one; nobody reads more.
_MOST = 25
_UNCHECKED = "some validation rules were not checked"
_UNDECLARED = "field not declared in schema"


@dataclass(frozen=True)
class Verdict:
    """What the server said of an object: what is amiss, and the object as it keeps it, if it took it."""

    document: Document
    findings: tuple[Finding, ...] = ()
    kept: dict[str, Any] | None = None

    @property
    def taken(self) -> bool:
        """Whether the server took the object."""
        return self.kept is not None


@dataclass
class _Case:
    """One object while it is judged."""

    document: Document
    resource: Resource
    older: Document | None = None
    findings: list[Finding] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    warnings: dict[str, None] = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True)
class Judge:
    """Judges objects by one API server. Threads may share it.

    ``namespace`` is where objects lie that name none. With ``dry_run`` nothing there is ever changed;
    ``coming`` are then the namespaces and kinds that the set itself would bring, and without which some of
    its objects cannot be judged.
    """

    client: Client
    served: Served
    schemas: Schemas
    namespace: str
    dry_run: bool = False
    coming: frozenset[tuple[str, str]] = frozenset()

    def judge(self, document: Document, mode: Mode = "create", older: Document | None = None) -> Verdict:
        """Judge one object.

        ``create`` creates it, or applies it over the one that is there; ``look`` does neither; ``over``
        is for one that is known to be there, as ``older``, and is not created first.
        """
        found = self._resource(document)
        if isinstance(found, Finding):
            return Verdict(document, (found,))
        case = _Case(document, found, older)
        kept = self._ask(case, mode)
        for warning in case.warnings:
            case.findings.append(findings.warned(document, warning))
        return Verdict(document, tuple(case.findings), kept)

    def apply(self, document: Document) -> Verdict:
        """Apply an object, whatever may be amiss with it."""
        found = self._resource(document)
        if isinstance(found, Finding):
            return Verdict(document, (found,))
        case = _Case(document, found)
        return Verdict(document, (), self._over(case))

    def _resource(self, document: Document) -> Resource | Finding:
        api_version, kind = document.value.get("apiVersion"), document.value.get("kind")
        for name, code, value in (
            ("apiVersion", "missing-api-version", api_version),
            ("kind", "missing-kind", kind),
        ):
            if value is None or value == "":
                versions = self.served.versions(document.kind) if name == "apiVersion" else []
                hint = f"apiVersion: {versions[0].api_version}" if versions else None
                return finding(document, code, f"The object has no `{name}`.", field=name, hint=hint)
            if not isinstance(value, str):
                return finding(document, "wrong-type", f"`{name}` has to be a text.", field=name, value=True)
        resource = self.served.of(document.api_version, document.kind)
        if resource is not None:
            return resource
        return self._unknown(document)

    def _unknown(self, document: Document) -> Finding:
        if self.dry_run and (document.group, document.kind) in self.coming:
            return finding(
                document,
                "not-judged",
                f"`{document.kind}` is defined in the set and not in the cluster; a dry run leaves no trace.",
                field="kind",
                value=True,
                hint="without --cluster and --context it is judged whole",
            )
        others = self.served.versions(document.kind)
        same = [one for one in others if one.group == document.group]
        if same or (others and _of_kubernetes(document.group)):
            there = " and ".join(f"`{one.api_version}`" for one in (same or others))
            return finding(
                document,
                "removed-api",
                f"`{document.kind}` is not served in version `{document.api_version}`, but in {there}.",
                field="apiVersion",
                value=True,
                hint=f"apiVersion: {(same or others)[0].api_version}",
            )
        if document.kind in hints.REMOVED and _of_kubernetes(document.group):
            return finding(
                document,
                "removed-api",
                f"Kubernetes has no `{document.kind}` any more.",
                field="apiVersion",
                value=True,
                hint=hints.REMOVED[document.kind],
            )
        near = nearest(document.kind, self.served.kinds())
        return finding(
            document,
            "unknown-kind",
            f"No kind `{document.kind}` is known in `{document.api_version}`.",
            field="kind",
            value=True,
            hint=f"did you mean `{near}`?" if near else "name its CustomResourceDefinition with --crds",
        )

    def _ask(self, case: _Case, mode: Mode) -> dict[str, Any] | None:
        """Ask until nothing more is to be learned; what the server keeps, if it took the object whole."""
        document = case.document
        body, content = document.text.encode(), JSON if document.json else YAML
        value: Any = None
        for _ in range(_MOST):
            # one that was changed is only looked at
            trial = self.dry_run or mode != "create" or value is not None
            answer = self._send(case, body, content, "Strict", dry_run=trial)
            refused = refusal(answer)
            if refused is not None and (strict := refusals.strict_faults(refused)):
                self._note(case, strict)
                answer = self._send(case, body, content, "Ignore", dry_run=trial)
                refused = refusal(answer)
            if refused is None:
                return None if value is not None else _object(answer)
            fault = refusals.decoding_fault(refused)
            if fault is None:
                break
            found = self._locate(case, fault)
            named = fault.wanted is not None and types.is_named(fault.wanted)
            schema = self.schemas.of(case.resource) if named else None
            self._add(case, findings.unreadable(document, fault, found, schema))
            value = copy.deepcopy(document.value) if value is None else value
            if found is None or not fields.remove(value, found):
                return None
            if not case.removed:
                for one in findings.duplicates(document):
                    self._add(case, one)
            case.removed.append(found.path)
            body, content = json.dumps(value).encode(), JSON
        else:
            return None
        if refused.reason == "AlreadyExists":
            return None if value is not None or mode == "look" else self._over(case)
        if (
            self.dry_run
            and refused.code == HTTPStatus.NOT_FOUND
            and ("", document.namespace or self.namespace) in self.coming
        ):
            message = (
                f"Namespace `{refused.name}` is in the set and not in the cluster; a dry run leaves no trace."
            )
            hint = "without --cluster and --context it is judged whole"
            self._add(case, finding(document, "not-judged", message, field="metadata.namespace", hint=hint))
            return None
        self._note_all(case, refused, value)
        return None

    def _note_all(self, case: _Case, refused: Refusal, value: Any) -> None:
        """Note all that is amiss with an object that could be read, and what the server did not get to.

        It checks no rules of a definition where other faults are; many kinds' metadata only where all else is
        well; and nothing where an admission plugin refuses the object. So the fields that it objects to are
        taken out, and it is asked once more.
        """
        faults = list(refusals.faults(refused))
        told = [fault for fault in faults if _UNCHECKED not in fault.message]
        first = _blocking(refused)
        if first is not None:
            told = [replace(fault, field=first) for fault in told]
        follow = [self._follows(case, fault) for fault in told]
        self._note(case, told)
        everything = first is not None or len(told) < len(faults)
        if not everything and any(fault.field.startswith("metadata") for fault in told):
            return
        changed = copy.deepcopy(case.document.value) if value is None else value
        # of what is missing only because it was taken out, what it was missing in
        paths = [
            fields.above(fault.field) if is_ours else fault.field
            for fault, is_ours in zip(told, follow, strict=True)
        ]
        gone = [found for path in paths if path and (found := case.document.find(path)).whole and found.path]
        unnamed = any(fault.field == "metadata.name" and fault.code == "required" for fault in told)
        if unnamed and isinstance(metadata := changed.get("metadata"), dict):
            metadata["name"] = MANAGER
        if not (gone or unnamed) or not all(fields.remove(changed, found) for found in gone):
            return
        case.removed += [found.path for found in gone]
        again = refusal(self._send(case, json.dumps(changed).encode(), JSON, "Ignore", dry_run=True))
        if again is None or again.reason == "AlreadyExists" or refusals.decoding_fault(again) is not None:
            return
        self._note(
            case,
            [
                fault
                for fault in refusals.faults(again)
                if _UNCHECKED not in fault.message
                and fault.code != "refused"
                and (everything or fault.field.startswith("metadata"))
            ],
        )

    def _over(self, case: _Case) -> dict[str, Any] | None:
        """Apply the object over the one that is there.

        Server-side apply never takes fields that it does not know: they were noted, and it is asked without.
        """
        document = case.document
        answer = self._apply(case, document.text.encode(), dry_run=self.dry_run)
        refused = refusal(answer)
        if refused is None:
            return _object(answer)
        if _UNDECLARED in refused.message and case.unknown:
            value = copy.deepcopy(document.value)
            for path in case.unknown:
                fields.remove(value, document.find(path))
            refused = refusal(self._apply(case, json.dumps(value).encode(), dry_run=True))
        if refused is not None:
            self._note(case, list(refusals.faults(refused)))
        return None

    def _apply(self, case: _Case, body: bytes, *, dry_run: bool) -> Answer:
        query = {"fieldManager": MANAGER, "force": "true", "fieldValidation": "Ignore"}
        if dry_run:
            query["dryRun"] = "All"
        document = case.document
        path = case.resource.path(document.namespace or self.namespace, document.name)
        answer = self.client.send("PATCH", path, query=query, body=body, content_type=APPLY)
        case.warnings.update(dict.fromkeys(answer.warnings))
        return answer

    def _send(self, case: _Case, body: bytes, content: str, strictness: str, *, dry_run: bool) -> Answer:
        query = {"fieldManager": MANAGER, "fieldValidation": strictness}
        if dry_run:
            query["dryRun"] = "All"
        path = case.resource.path(case.document.namespace or self.namespace)
        answer = self.client.send("POST", path, query=query, body=body, content_type=content)
        case.warnings.update(dict.fromkeys(answer.warnings))
        return answer

    def _locate(self, case: _Case, fault: Fault) -> Found | None:
        """The field that could not be read."""
        if fault.field and fault.found:
            fitting = types.of_type(case.document, fault.field, fault.found)
            if fitting:
                return _not_removed(fitting, case)
        schema = self.schemas.of(case.resource)
        if schema is None:
            return None
        reader = (
            fault.wanted
            if fault.wanted in ("quantity", "time", "base64", "int-or-string", "duration")
            else None
        )
        return _not_removed(list(types.unfit(case.document, schema, reader)), case)

    def _note(self, case: _Case, faults: list[Fault]) -> None:
        for fault in faults:
            if self._follows(case, fault):
                continue
            if fault.code == "unknown-field":
                case.unknown.append(fault.field)
            # of what Kubernetes defines, schemas tell no rules
            has_rules = fault.code == "invalid-value" and not _of_kubernetes(case.document.group)
            by_schema = fault.code == "unknown-field" or has_rules
            schema = self.schemas.of(case.resource) if by_schema else None
            one = findings.of_fault(case.document, fault, schema, case.older, self._namespace_of(case))
            if one is not None:
                self._add(case, one)

    def _follows(self, case: _Case, fault: Fault) -> bool:
        """Whether it is only there because a value was taken out."""
        where = fault.field
        return any(where == gone or where.startswith((f"{gone}.", f"{gone}[")) for gone in case.removed) or (
            fault.code == "required" and any(gone.startswith(f"{where}.") for gone in case.removed)
        )

    def _namespace_of(self, case: _Case) -> str | None:
        return (case.document.namespace or self.namespace) if case.resource.namespaced else None

    @staticmethod
    def _add(case: _Case, one: Finding) -> None:
        where = (one.code, f"{one.field}:{one.place}:{one.message}")
        if where not in case.seen:
            case.seen.add(where)
            case.findings.append(one)


# What admission says before the object is looked at whole, and the field that it is about.
_ADMISSION = (
    (re.compile(r"error looking up service account"), "spec.serviceAccountName"),
    (re.compile(r"no PriorityClass with name"), "spec.priorityClassName"),
    (re.compile(r"RuntimeClass \"?.*\"? not found"), "spec.runtimeClassName"),
)


def _blocking(refused: Refusal) -> str | None:
    if refused.code != HTTPStatus.FORBIDDEN:
        return None
    return next((field for pattern, field in _ADMISSION if pattern.search(refused.message)), None)


def _not_removed(found: list[Found], case: _Case) -> Found | None:
    return next((one for one in found if one.path and one.path not in case.removed), None)


def _object(answer: Answer) -> dict[str, Any] | None:
    return answer.value if isinstance(answer.value, dict) else {}


def _of_kubernetes(group: str) -> bool:
    return "." not in group or group.endswith(".k8s.io")


def twins(documents: list[Document], judge: Judge) -> Iterator[tuple[Document, Document]]:
    """Each object that has the kind, namespace and name of one before it, and that one."""
    first: dict[tuple[str, str, str, str], Document] = {}
    for document in documents:
        if not document.name:
            continue
        resource = judge.served.of(document.api_version, document.kind)
        namespaced = resource is None or resource.namespaced
        where = (document.namespace or judge.namespace) if namespaced else ""
        key = (document.group, document.kind, where, document.name)
        if key in first:
            yield document, first[key]
        else:
            first[key] = document
