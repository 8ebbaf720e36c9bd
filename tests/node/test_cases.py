"""What the kubelet promises, case by case: all pods are made at once, and each case looks at its own.

A pod says what it saw in its termination message, so that one list of all objects tells of every case.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from node.conftest import Node, places

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), places(1, 3)]

SECONDS = 90.0
NAMESPACE = "cases"
SAY = "/dev/termination-log"
FOLDER = "@folder@"  # of the node's user, at each place
FOREVER = "sleep 100000"
HTTP = (
    "import http.server, os; "
    "http.server.ThreadingHTTPServer((os.environ['IP'], 8000), http.server.SimpleHTTPRequestHandler)"
    ".serve_forever()"
)
IP = [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]

Manifest = dict[str, Any]


@dataclass
class Seen:
    """All objects of the cases as they were a moment ago."""

    node: Node
    objects: dict[tuple[str, str], Manifest] = field(default_factory=dict)
    events: list[Manifest] = field(default_factory=list)
    at: float = 0.0

    def refresh(self) -> None:
        """Look again, if the last look is a while ago."""
        if time.monotonic() - self.at < 1.0:
            return
        kinds = "pods,jobs,statefulsets,daemonsets,deployments,events"
        listed = json.loads(self.node.kubectl("get", kinds, "-n", NAMESPACE, "-o", "json").stdout)["items"]
        self.objects = {(one["kind"], one["metadata"]["name"]): one for one in listed}
        self.events = [one for one in listed if one["kind"] == "Event"]
        self.at = time.monotonic()

    def status(self, name: str, kind: str = "Pod") -> Manifest:
        """The status of an object."""
        found: Manifest = self.objects[kind, name].get("status", {})
        return found

    def container(self, name: str, container: str = "main") -> Manifest:
        """The status of a container."""
        status = self.status(name)
        listed = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
        return next(one for one in listed if one["name"] == container)

    def said(self, name: str, container: str = "main") -> str:
        """What a container that has ended said."""
        status = self.container(name, container)
        ended = status["state"].get("terminated") or status.get("lastState", {}).get("terminated") or {}
        return str(ended.get("message", ""))

    def reasons(self, name: str) -> set[str]:
        """The reasons of the events of an object."""
        return {one["reason"] for one in self.events if one["involvedObject"]["name"] == name}

    def pods_of(self, label: str) -> list[Manifest]:
        """The pods with a label `app`."""
        return [
            one
            for (kind, _), one in self.objects.items()
            if kind == "Pod" and one["metadata"].get("labels", {}).get("app") == label
        ]


Check = Callable[[Seen], object]


@dataclass(frozen=True)
class Case:
    """Objects, and what has to become of them."""

    name: str
    manifests: Sequence[Manifest]
    check: Check


CASES: list[Case] = []


def case(name: str, check: Check, *manifests: Manifest) -> None:
    """Add one."""
    CASES.append(Case(name, manifests, check))


def thing(kind: str, name: str, api: str = "v1", **fields: Any) -> Manifest:
    """An object of the cases."""
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE, **fields.pop("metadata", {})},
        **fields,
    }


def spec(script: str, **fields: Any) -> Manifest:
    """The spec of a pod that runs a shell's script; ``main`` are further fields of its container."""
    container = {"name": "main", "image": "none", "command": ["sh", "-c", script], **fields.pop("main", {})}
    rest = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, **fields}
    return {"containers": [container, *rest.pop("beside", ())], **rest}


def pod(name: str, script: str, **fields: Any) -> Manifest:
    """A pod that runs a shell's script once."""
    metadata = fields.pop("metadata", {})
    return thing("Pod", name, metadata=metadata, spec=spec(script, **fields))


def template(name: str, script: str, **fields: Any) -> Manifest:
    """The template of a workload's pods, and its selector."""
    return {
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": spec(script, **fields)},
    }


def beside(name: str, script: str, **fields: Any) -> Manifest:
    """A further container."""
    return {"name": name, "image": "none", "command": ["sh", "-c", script], **fields}


def served(**fields: Any) -> Manifest:
    """A container that answers HTTP requests at the pod's address."""
    return {
        "command": ["python3", "-c", HTTP],
        "env": IP,
        "ports": [{"name": "web", "containerPort": 8000}],
        **fields,
    }


def says(name: str, text: str, container: str = "main") -> Check:
    """The container ended, and said this."""

    def check(seen: Seen) -> None:
        assert seen.said(name, container).strip() == text

    return check


def is_ready(name: str, *, ready: bool = True) -> Check:
    """The pod's containers are ready, or have become so never."""

    def check(seen: Seen) -> None:
        conditions = {one["type"]: one["status"] for one in seen.status(name)["conditions"]}
        assert (conditions["Ready"] == "True") is ready

    return check


def restarted(name: str, container: str = "main", times: int = 1) -> Check:
    """The container has been started again."""

    def check(seen: Seen) -> None:
        assert seen.container(name, container)["restartCount"] >= times

    return check


def in_phase(name: str, phase: str) -> Check:
    """The pod is in this phase."""

    def check(seen: Seen) -> None:
        assert seen.status(name)["phase"] == phase

    return check


def waits(name: str, reason: str) -> Check:
    """The container waits for this reason."""

    def check(seen: Seen) -> None:
        assert seen.container(name)["state"]["waiting"]["reason"] == reason

    return check


def happened(name: str, reason: str) -> Check:
    """An event of the object has this reason."""

    def check(seen: Seen) -> None:
        assert reason in seen.reasons(name)

    return check


def ended(name: str, code: int, reason: str) -> Check:
    """The container ended so."""

    def check(seen: Seen) -> None:
        found = seen.container(name)
        state = found["state"].get("terminated") or found["lastState"]["terminated"]
        assert (state["exitCode"], state["reason"]) == (code, reason)

    return check


def both(*checks: Check) -> Check:
    """All of these hold."""

    def check(seen: Seen) -> None:
        for one in checks:
            one(seen)

    return check


def condition(kind: str, name: str, type_: str, reason: str | None = None) -> Check:
    """The object has the condition."""

    def check(seen: Seen) -> None:
        conditions = {one["type"]: one for one in seen.status(name, kind).get("conditions", ())}
        assert conditions[type_]["status"] == "True"
        assert reason is None or conditions[type_]["reason"] == reason

    return check


def probe(**fields: Any) -> Manifest:
    """A probe that is quick to judge."""
    return {"periodSeconds": 1, "failureThreshold": 1, **fields}


def running(script: str) -> Manifest:
    """A command as a probe."""
    return {"exec": {"command": ["sh", "-c", script]}}


def volume(name: str, path: str, **fields: Any) -> Manifest:
    """Where a volume is seen."""
    return {"name": name, "mountPath": path, **fields}


SCRATCH = [{"name": "v", "emptyDir": {}}]
AT_V = [volume("v", "/v")]

# -- probes

HTTP_GET = {"httpGet": {"path": "/", "port": "web"}}
case(
    "readiness-http",
    is_ready("ready-http"),
    pod("ready-http", "", main=served(readinessProbe=probe(**HTTP_GET))),
)
case(
    "readiness-tcp",
    is_ready("ready-tcp"),
    pod("ready-tcp", "", main=served(readinessProbe=probe(tcpSocket={"port": 8000}))),
)
case(
    "readiness-exec",
    is_ready("ready-exec"),
    pod("ready-exec", FOREVER, main={"readinessProbe": probe(**running("true"))}),
)
case(
    "readiness-that-fails-restarts-nothing",
    both(
        happened("not-ready", "Unhealthy"),
        is_ready("not-ready", ready=False),
        in_phase("not-ready", "Running"),
    ),
    pod("not-ready", FOREVER, main={"readinessProbe": probe(**running("false"))}),
)
case(
    "liveness-exec",
    restarted("alive-exec"),
    pod("alive-exec", FOREVER, main={"livenessProbe": probe(**running("false"))}, restartPolicy="Always"),
)
case(
    "liveness-http",
    restarted("alive-http"),
    pod(
        "alive-http",
        "",
        main=served(livenessProbe=probe(httpGet={"path": "/not-there", "port": 8000})),
        restartPolicy="Always",
    ),
)
case(
    "liveness-that-takes-too-long",
    restarted("alive-late"),
    pod(
        "alive-late",
        FOREVER,
        main={"livenessProbe": probe(timeoutSeconds=1, **running("sleep 9"))},
        restartPolicy="Always",
    ),
)
case(
    "startup-comes-before-liveness",
    says("starts-late", "alive"),
    pod(
        "starts-late",
        f"sleep 3; touch /v/up; sleep 3; echo alive > {SAY}",
        main={
            "startupProbe": probe(failureThreshold=60, **running("test -e /v/up")),
            "livenessProbe": probe(**running("test -e /v/up")),
            "volumeMounts": AT_V,
        },
        volumes=SCRATCH,
    ),
)
case(
    "startup-that-fails",
    restarted("starts-never"),
    pod("starts-never", FOREVER, main={"startupProbe": probe(**running("false"))}, restartPolicy="Always"),
)

# -- ends, and starting again

case(
    "ends-well",
    both(in_phase("ends-well", "Succeeded"), ended("ends-well", 0, "Completed")),
    pod("ends-well", "true"),
)
case(
    "ends-badly",
    both(in_phase("ends-badly", "Failed"), ended("ends-badly", 3, "Error")),
    pod("ends-badly", "exit 3"),
)
case("restart-always", restarted("again", times=2), pod("again", "true", restartPolicy="Always"))
case(
    "restart-on-failure",
    both(in_phase("once-more", "Succeeded"), restarted("once-more")),
    pod(
        "once-more",
        "test -e /v/x || { touch /v/x; exit 1; }",
        main={"volumeMounts": AT_V},
        volumes=SCRATCH,
        restartPolicy="OnFailure",
    ),
)
case("back-off", waits("backs-off", "CrashLoopBackOff"), pod("backs-off", "exit 1", restartPolicy="Always"))
case(
    "no-such-program",
    ended("no-program", 127, "StartError"),
    pod("no-program", "", main={"command": ["/not/there"]}),
)
case(
    "deadline",
    both(in_phase("deadline", "Failed"), happened("deadline", "DeadlineExceeded")),
    pod("deadline", FOREVER, activeDeadlineSeconds=2),
)

# -- init containers and sidecars

case(
    "init-in-order",
    says("in-order", "one two"),
    pod(
        "in-order",
        f"echo $(cat /v/x) > {SAY}",
        main={"volumeMounts": AT_V},
        initContainers=[
            beside("first", "echo one >> /v/x", volumeMounts=AT_V),
            beside("second", "echo two >> /v/x", volumeMounts=AT_V),
        ],
        volumes=SCRATCH,
    ),
)
case(
    "init-that-fails",
    both(in_phase("init-fails", "Failed"), lambda seen: seen.container("init-fails")["state"]["waiting"]),
    pod("init-fails", "true", initContainers=[beside("first", "exit 4")]),
)
case(
    "init-that-is-tried-again",
    both(in_phase("init-again", "Succeeded"), restarted("init-again", "first")),
    pod(
        "init-again",
        "true",
        initContainers=[beside("first", "test -e /v/x || { touch /v/x; exit 1; }", volumeMounts=AT_V)],
        volumes=SCRATCH,
        restartPolicy="OnFailure",
    ),
)
case(
    "sidecar-ends-with-the-pod",
    in_phase("sidecar", "Succeeded"),
    pod("sidecar", "sleep 1", initContainers=[beside("side", FOREVER, restartPolicy="Always")]),
)
case(
    "sidecar-is-ready-first",
    says("after-sidecar", "up"),
    pod(
        "after-sidecar",
        f"cat /v/up > {SAY}",
        main={"volumeMounts": AT_V},
        initContainers=[
            beside(
                "side",
                f"sleep 1; echo up > /v/up; {FOREVER}",
                restartPolicy="Always",
                startupProbe=probe(failureThreshold=60, **running("test -e /v/up")),
                volumeMounts=AT_V,
            )
        ],
        volumes=SCRATCH,
    ),
)

# -- volumes

case(
    "empty-dir-is-shared",
    says("shares", "from beside"),
    pod(
        "shares",
        f"while ! test -s /v/x; do sleep 0.1; done; cat /v/x > {SAY}",
        main={"volumeMounts": AT_V},
        beside=[beside("other", "echo from beside > /w/x", volumeMounts=[volume("v", "/w")])],
        volumes=SCRATCH,
    ),
)
case(
    "empty-dir-in-memory",
    says("memory", "x"),
    pod(
        "memory",
        f"echo x > /v/x; cat /v/x > {SAY}",
        main={"volumeMounts": AT_V},
        volumes=[{"name": "v", "emptyDir": {"medium": "Memory"}}],
    ),
)
case(
    "sub-path",
    says("sub-path", "in"),
    pod(
        "sub-path",
        f"echo in > /whole/part/x; cat /v/x > {SAY}",
        main={"volumeMounts": [volume("v", "/v", subPath="part"), volume("v", "/whole")]},
        volumes=SCRATCH,
    ),
)
case(
    "sub-path-by-variable",
    says("sub-path-of", "sub-path-of"),
    pod(
        "sub-path-of",
        f"touch /v/x; ls /whole > {SAY}",
        main={
            "env": [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
            "volumeMounts": [volume("v", "/v", subPathExpr="$(POD)"), volume("v", "/whole")],
        },
        volumes=SCRATCH,
    ),
)


def not_led_out(seen: Seen) -> None:
    assert seen.container("led-out")["state"]["waiting"]["reason"].endswith("Error")
    assert "bin" not in seen.said("led-out")


case(
    "sub-path-that-leads-out",
    not_led_out,
    pod(
        "led-out",
        f"ls /v > {SAY}",
        main={"volumeMounts": [volume("v", "/v", subPath="way")]},
        initContainers=[beside("first", "ln -s / /v/way", volumeMounts=AT_V)],
        volumes=SCRATCH,
        restartPolicy="Always",
    ),
)
SETTINGS = thing("ConfigMap", "settings", data={"a": "1", "b": "2", "c.d": "3"})
KEYS = thing("Secret", "keys", stringData={"password": "s3cret"})
case(
    "config-map-with-mode",
    says("config", "a b c.d 400 1"),
    SETTINGS,
    KEYS,
    pod(
        "config",
        f"echo $(ls /v) $(stat -Lc %a /v/a) $(cat /v/a) > {SAY}",
        main={"volumeMounts": AT_V},
        volumes=[{"name": "v", "configMap": {"name": "settings", "defaultMode": 0o400}}],
    ),
)
case(
    "config-map-items",
    says("items", "deep/x 2"),
    pod(
        "items",
        f"cd /v; echo $(find -L . -type f -not -path '*/..*' | sed s,./,,) $(cat deep/x) > {SAY}",
        main={"volumeMounts": AT_V},
        volumes=[{"name": "v", "configMap": {"name": "settings", "items": [{"key": "b", "path": "deep/x"}]}}],
    ),
)
case(
    "config-map-that-may-be-missing",
    says("optional", "nothing"),
    pod(
        "optional",
        f"ls /v | grep . > {SAY} || echo nothing > {SAY}",
        main={"volumeMounts": AT_V},
        volumes=[{"name": "v", "configMap": {"name": "missing", "optional": True}}],
    ),
)
case(
    "config-map-that-is-missing",
    happened("missing", "FailedMount"),
    pod(
        "missing",
        "true",
        main={"volumeMounts": AT_V},
        volumes=[{"name": "v", "configMap": {"name": "missing"}}],
    ),
)
case(
    "secret",
    says("secret", "s3cret"),
    pod(
        "secret",
        f"cat /v/password > {SAY}",
        main={"volumeMounts": [volume("v", "/v", readOnly=True)]},
        volumes=[{"name": "v", "secret": {"secretName": "keys"}}],
    ),
)
case(
    "projected",
    says("projected", "1s3cretprojected yes"),
    pod(
        "projected",
        f"cd /v; echo $(cat a password name) $(test -s token && echo yes) > {SAY}",
        main={"volumeMounts": AT_V},
        volumes=[
            {
                "name": "v",
                "projected": {
                    "sources": [
                        {"configMap": {"name": "settings"}},
                        {"secret": {"name": "keys"}},
                        {
                            "downwardAPI": {
                                "items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]
                            }
                        },
                        {"serviceAccountToken": {"path": "token", "audience": "somebody"}},
                    ]
                },
            }
        ],
    ),
)
case(
    "labels-in-a-file",
    says("labelled", 'x="y"'),
    pod(
        "labelled",
        f"cat /v/labels > {SAY}",
        main={"volumeMounts": AT_V},
        volumes=[
            {
                "name": "v",
                "downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]},
            }
        ],
        metadata={"labels": {"x": "y"}},
    ),
)
case(
    "host-path",
    says("host-path", "yes"),
    pod(
        "host-path",
        f"test -x /v/sh && echo yes > {SAY}",
        main={"volumeMounts": [volume("v", "/v", readOnly=True)]},
        volumes=[{"name": "v", "hostPath": {"path": "/bin", "type": "Directory"}}],
    ),
)
case(
    "host-path-that-is-not-there",
    happened("no-host-path", "FailedMount"),
    pod(
        "no-host-path",
        "true",
        main={"volumeMounts": AT_V},
        volumes=[{"name": "v", "hostPath": {"path": "/not/there", "type": "Directory"}}],
    ),
)
case(
    "volume-read-only",
    says("read-only-volume", "refused"),
    pod(
        "read-only-volume",
        f"touch /v/x 2>/dev/null || echo refused > {SAY}",
        main={"volumeMounts": [volume("v", "/v", readOnly=True)]},
        volumes=SCRATCH,
    ),
)
case(
    "claim-of-a-host-path",
    says("claims", "kept"),
    {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "cases"},
        "spec": {
            "capacity": {"storage": "1Mi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "by-hand",
            "hostPath": {"path": FOLDER, "type": "DirectoryOrCreate"},
        },
    },
    thing(
        "PersistentVolumeClaim",
        "claimed",
        spec={
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "by-hand",
            "resources": {"requests": {"storage": "1Mi"}},
        },
    ),
    pod(
        "claims",
        f"echo kept > /v/x && cat /v/x > {SAY}; rm -r /v/*",
        main={"volumeMounts": AT_V},
        volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "claimed"}}],
    ),
)

# -- variables, names, places

case(
    "variables",
    says("variables", "1 s3cret variables 64 p_a=1"),
    pod(
        "variables",
        f"echo $A $B $C $D $(env | grep ^p_a) > {SAY}",
        main={
            "env": [
                {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "a"}}},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "password"}}},
                {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {
                    "name": "D",
                    "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}},
                },
            ],
            "envFrom": [{"prefix": "p_", "configMapRef": {"name": "settings"}}],
            "resources": {"limits": {"memory": "64Mi"}},
        },
    ),
)
case(
    "variables-in-arguments",
    says("arguments", "x-y"),
    pod(
        "arguments",
        f"echo $(X) > {SAY}",
        main={"env": [{"name": "Y", "value": "y"}, {"name": "X", "value": "x-$(Y)"}]},
    ),
)
case(
    "variable-that-is-missing",
    waits("no-key", "CreateContainerConfigError"),
    pod(
        "no-key",
        "true",
        main={"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "none"}}}]},
    ),
)
case(
    "host-name",
    says("named", "other"),
    pod("named", f"hostname > {SAY}", hostname="other"),
)
case(
    "host-aliases",
    says("aliases", "10.1.2.3 friend"),
    pod(
        "aliases",
        f"echo $(grep friend /etc/hosts) > {SAY}",
        hostAliases=[{"ip": "10.1.2.3", "hostnames": ["friend"]}],
    ),
)
case(
    "dns-config",
    says("resolves", "nameserver 192.0.2.53 search a.example"),
    pod(
        "resolves",
        f"echo $(cat /etc/resolv.conf) > {SAY}",
        dnsPolicy="None",
        dnsConfig={"nameservers": ["192.0.2.53"], "searches": ["a.example"]},
    ),
)
case(
    "working-folder",
    says("works-in", "/tmp/deep"),
    pod("works-in", f"pwd > {SAY}", main={"workingDir": "/tmp/deep"}),
)
case(
    "token",
    says("token", "ca.crt namespace token"),
    pod("token", f"echo $(ls /var/run/secrets/kubernetes.io/serviceaccount) > {SAY}"),
)
case(
    "no-token",
    says("no-token", "none"),
    pod(
        "no-token",
        f"test -e /var/run/secrets/kubernetes.io/serviceaccount/token || echo none > {SAY}",
        automountServiceAccountToken=False,
    ),
)
case(
    "two-containers",
    both(says("two", "a"), says("two", "b", "other")),
    pod("two", f"echo a > {SAY}", beside=[beside("other", f"echo b > {SAY}")]),
)
case(
    "node-selector",
    in_phase("selects", "Succeeded"),
    pod("selects", "true", nodeSelector={"sandkube.dev/node": "process"}),
)
case(
    "image-pull-never",
    in_phase("never-pulled", "Succeeded"),
    pod("never-pulled", "true", main={"imagePullPolicy": "Never"}),
)

# -- hooks, messages, rights

case(
    "post-start",
    says("post-start", "hooked"),
    pod(
        "post-start",
        f"while ! test -s /v/x; do sleep 0.1; done; cat /v/x > {SAY}",
        main={
            "lifecycle": {"postStart": running("echo hooked > /v/x")},
            "volumeMounts": AT_V,
        },
        volumes=SCRATCH,
    ),
)
case(
    "post-start-that-fails",
    happened("post-start-fails", "FailedPostStartHook"),
    pod("post-start-fails", FOREVER, main={"lifecycle": {"postStart": running("exit 1")}}),
)
case(
    "pre-stop-comes-before-term",
    says("pre-stop", "before"),
    pod(
        "pre-stop",
        f"trap 'cat /v/x > {SAY}; exit 1' TERM; while :; do sleep 0.1; done",
        main={
            "lifecycle": {"preStop": running("echo before > /v/x")},
            "livenessProbe": probe(initialDelaySeconds=1, **running("false")),
            "volumeMounts": AT_V,
        },
        volumes=SCRATCH,
        restartPolicy="Never",
        terminationGracePeriodSeconds=5,
    ),
)
case(
    "kill-after-grace",
    ended("ignores", 137, "Error"),
    pod(
        "ignores",
        "trap '' TERM; while :; do sleep 0.1; done",
        main={"livenessProbe": probe(**running("false"))},
    ),
)
case("message", says("message", "why"), pod("message", f"echo why > {SAY}; exit 1"))
case(
    "message-elsewhere",
    says("elsewhere", "why"),
    pod("elsewhere", "echo why > /tmp/why", main={"terminationMessagePath": "/tmp/why"}),
)
case(
    "message-from-the-log",
    says("from-log", "last words"),
    pod("from-log", "echo last words; exit 1", main={"terminationMessagePolicy": "FallbackToLogsOnError"}),
)
case(
    "user",
    says("user", "1234"),
    pod("user", f"id -u > {SAY}", securityContext={"runAsUser": 1234}),
)
case(
    "read-only-root",
    says("read-only", "refused"),
    pod(
        "read-only",
        f"touch /x 2>/dev/null || echo refused > {SAY}",
        main={"securityContext": {"readOnlyRootFilesystem": True}},
    ),
)
case(
    "no-capabilities",
    says("powerless", "0000000000000000"),
    pod(
        "powerless",
        f"sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status > {SAY}",
        main={"securityContext": {"capabilities": {"drop": ["ALL"]}}},
    ),
)

# -- workloads

JOB = "batch/v1"


def job(name: str, script: str, **fields: Any) -> Manifest:
    """A Job."""
    pods = template(name, script)["template"]
    return thing("Job", name, JOB, spec={"template": pods, **fields})


case("job", condition("Job", "job", "Complete"), job("job", "true", completions=3, parallelism=2))
case(
    "job-that-fails",
    condition("Job", "job-fails", "Failed", "BackoffLimitExceeded"),
    job("job-fails", "exit 1", backoffLimit=0),
)
case(
    "job-with-a-deadline",
    condition("Job", "job-late", "Failed", "DeadlineExceeded"),
    job("job-late", FOREVER, activeDeadlineSeconds=2),
)


def indexed(seen: Seen) -> None:
    said = [seen.said(one["metadata"]["name"]).strip() for one in seen.pods_of("job-indexed")]
    assert sorted(said) == ["0", "1"]


case(
    "job-with-indexes",
    indexed,
    job(
        "job-indexed",
        f"echo $JOB_COMPLETION_INDEX > {SAY}",
        completions=2,
        parallelism=2,
        completionMode="Indexed",
    ),
)


def in_order(seen: Seen) -> None:
    assert seen.status("ordered", "StatefulSet")["readyReplicas"] == 2
    first, second = seen.status("ordered-0"), seen.objects["Pod", "ordered-1"]
    ready = next(one for one in first["conditions"] if one["type"] == "Ready")
    assert ready["lastTransitionTime"] <= second["metadata"]["creationTimestamp"]


case(
    "stateful-set",
    in_order,
    thing(
        "StatefulSet",
        "ordered",
        "apps/v1",
        spec={"serviceName": "none", "replicas": 2, **template("ordered", FOREVER, restartPolicy="Always")},
    ),
)


def on_each_node(seen: Seen) -> None:
    status = seen.status("everywhere", "DaemonSet")
    assert (status["numberReady"], status["desiredNumberScheduled"]) == (1, 1)


case(
    "daemon-set",
    on_each_node,
    thing("DaemonSet", "everywhere", "apps/v1", spec=template("everywhere", FOREVER, restartPolicy="Always")),
)
case(
    "deployment",
    condition("Deployment", "deployed", "Available"),
    thing(
        "Deployment",
        "deployed",
        "apps/v1",
        spec={"replicas": 2, **template("deployed", FOREVER, restartPolicy="Always")},
    ),
)


@pytest.fixture(scope="module")
def seen(node: Node) -> Seen:
    """Everything is made at once."""
    node.kubectl("create", "namespace", NAMESPACE)
    node.await_account(NAMESPACE)
    text = json.dumps([manifest for one in CASES for manifest in one.manifests])
    node.apply(*json.loads(text.replace(FOLDER, str(node.sandkube.home / "claimed"))))
    return Seen(node)


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.name)
def test_case(seen: Seen, one: Case) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        seen.refresh()
        try:
            one.check(seen)
        except (AssertionError, KeyError, StopIteration):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return
