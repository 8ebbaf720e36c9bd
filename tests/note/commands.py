"""A use of every command that `kubectl --help` lists, in an order in which each finds what it needs."""

from __future__ import annotations

# The Node is a name without a machine: nothing is put there but what says so, and nothing runs there.
NODE = """\
apiVersion: v1
kind: Node
metadata: {{name: {name}}}
spec: {{taints: [{{key: for-one-test, effect: NoSchedule}}]}}
"""

COMMANDS = (
    # Basic
    ("create", "deployment", "web", "--image=nginx"),
    ("expose", "deployment", "web", "--port=80"),
    ("run", "alone", "--image=nginx"),
    ("set", "image", "deployment/web", "nginx=nginx:1"),
    ("explain", "deployment.spec.template"),
    ("get", "deployment", "web"),
    ("edit", "deployment", "web"),
    ("delete", "pod", "alone"),
    # Deploy
    ("rollout", "history", "deployment/web"),
    ("scale", "deployment/web", "--replicas=2"),
    ("autoscale", "deployment/web", "--max=3"),
    # Cluster management
    ("certificate", "approve", "{name}"),
    ("cluster-info",),
    ("cordon", "{name}"),
    ("uncordon", "{name}"),
    ("drain", "{name}"),
    ("taint", "node", "{name}", "another=one:NoSchedule"),
    # Troubleshooting and debugging
    ("describe", "deployment", "web"),
    ("proxy", "--help"),  # serves until it is stopped
    ("auth", "can-i", "create", "pods"),
    ("events",),
    # Advanced
    ("apply", "--filename={deployment}"),
    ("diff", "--filename={deployment}"),
    ("patch", "deployment", "web", '--patch={{"spec": {{"paused": true}}}}'),
    ("replace", "--filename={deployment}", "--force"),
    ("wait", "--for=jsonpath={{.spec.replicas}}=2", "deployment/web", "--timeout=60s"),
    ("kustomize", "{kustomization}"),
    # Settings
    ("label", "deployment", "web", "tried=yes"),
    ("annotate", "deployment", "web", "tried=yes"),
    ("completion", "bash"),
    # Other
    ("api-resources",),
    ("api-versions",),
    ("config", "current-context"),
    ("kuberc", "--help"),  # writes to the user's settings
    ("plugin", "--help"),  # `plugin list` fails where there is none
    ("version",),
)

# What the note says does not work, and its kin: test_not_working.py.
NEED_A_NODE = ("attach", "cp", "debug", "exec", "logs", "port-forward", "top")


def listed(text: str) -> set[str]:
    """The commands that the text of `kubectl --help` lists."""
    lines = text.partition("Usage:")[0].splitlines()
    words = [line.split() for line in lines if line.startswith("  ") and line[2:3].isalpha()]
    return {found[0] for found in words}
