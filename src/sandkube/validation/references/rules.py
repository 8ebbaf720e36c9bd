"""Every code of this package, and what it means."""

from __future__ import annotations

from typing import Final

from sandkube.reports.finding import Rule


def _rule(code: str, title: str, meaning: str) -> Rule:
    return Rule(code, "warning", title, meaning)


# One for each code that `dangling` gives.
RULES: Final[tuple[Rule, ...]] = (
    _rule(
        "missing-configmap",
        "ConfigMap is not there",
        "A pod whose volume, variable or `envFrom` needs a ConfigMap that is not there does not start: its "
        "containers wait for it. Add the ConfigMap, mend the name, or mark the reference `optional: true`.",
    ),
    _rule(
        "missing-secret",
        "Secret is not there",
        "A pod whose volume, variable or `envFrom` needs a Secret that is not there does not start; an "
        "Ingress or a Gateway has no certificate to show. Add the Secret, mend the name, or mark the "
        "reference `optional: true`. Where it is made by hand, switch the code off.",
    ),
    _rule(
        "missing-key",
        "Key is not in the ConfigMap or Secret",
        "A container whose variable or volume asks for a key that is not there does not start. Mend the "
        "key, or mark the reference `optional: true`.",
    ),
    _rule(
        "missing-image-pull-secret",
        "Secret for pulling images is not there",
        "The kubelet goes on without it. Images of a registry that asks for a password cannot be pulled "
        "then. Add a Secret of type `kubernetes.io/dockerconfigjson`, or mend the name.",
    ),
    _rule(
        "missing-serviceaccount",
        "ServiceAccount is not there",
        "Pods that run as a ServiceAccount which is not there are refused, and a binding to one gives "
        "nobody anything. Add the ServiceAccount, or mend the name or the namespace.",
    ),
    _rule(
        "missing-namespace",
        "Namespace is not there",
        "A binding names a ServiceAccount in a namespace that neither the set nor the cluster has, so it "
        "gives nobody anything. Mend the namespace.",
    ),
    _rule(
        "missing-persistentvolumeclaim",
        "PersistentVolumeClaim is not there",
        "A pod stays Pending until the claim that its volume names is there. Add the claim, or mend the "
        "name.",
    ),
    _rule(
        "missing-persistentvolume",
        "PersistentVolume is not there",
        "A claim that asks for a certain volume stays Pending until that volume is there. Add the volume, "
        "or leave `volumeName` out.",
    ),
    _rule(
        "missing-storageclass",
        "StorageClass is not there",
        "Nothing makes a volume for a claim of a class that is not there, and no volume of the set has that "
        "class: the claim stays Pending, and so do its pods. Mend the name, or leave it out to use the "
        "cluster's default class.",
    ),
    _rule(
        "missing-volumeattributesclass",
        "VolumeAttributesClass is not there",
        "A claim stays Pending until the VolumeAttributesClass that it names is there. Add it, or leave it "
        "out.",
    ),
    _rule(
        "missing-volumesnapshot",
        "VolumeSnapshot is not there",
        "A claim that is to be filled from a snapshot stays Pending until the snapshot is there. Mend the "
        "name.",
    ),
    _rule(
        "missing-priorityclass",
        "PriorityClass is not there",
        "Pods of a PriorityClass that is not there are refused. Add the class, mend the name, or leave it "
        "out.",
    ),
    _rule(
        "missing-runtimeclass",
        "RuntimeClass is not there",
        "Pods of a RuntimeClass that is not there are refused. Add the class, mend the name, or leave it "
        "out.",
    ),
    _rule(
        "missing-resourceclaim",
        "ResourceClaim is not there",
        "A pod is not scheduled until the ResourceClaim that it names is there. Add it, or mend the name.",
    ),
    _rule(
        "missing-resourceclaimtemplate",
        "ResourceClaimTemplate is not there",
        "No ResourceClaim can be made for a pod whose template of one is not there, and the pod is not "
        "scheduled. Add the template, or mend the name.",
    ),
    _rule(
        "missing-role",
        "Role is not there",
        "A binding to a Role that is not there gives nothing. A RoleBinding looks for a Role in its own "
        "namespace. Add the Role, or mend the name.",
    ),
    _rule(
        "missing-clusterrole",
        "ClusterRole is not there",
        "A binding to a ClusterRole that is not there gives nothing. Add the ClusterRole, or mend the name.",
    ),
    _rule(
        "missing-service",
        "Service is not there",
        "What leads to a Service that is not there answers with an error: an Ingress or a route with 503, a "
        "webhook with a refusal (or, with `failurePolicy: Ignore`, with nothing). Add the Service, or mend "
        "the name or the namespace.",
    ),
    _rule(
        "missing-service-port",
        "Service has no such port",
        "The Service is there, but not that port of it, so nothing is sent. What counts is the Service's "
        "own `port`, or its name; its `targetPort` is the port of the pods.",
    ),
    _rule(
        "missing-backend",
        "Backend of an Ingress is not there",
        "The object that an Ingress leads to is not there, so its paths answer with an error. Mend the "
        "name, the kind or the group.",
    ),
    _rule(
        "missing-target-port",
        "No container has a port of that name",
        "A `targetPort` that is a name is looked up among the ports of the selected pods' containers, "
        "together with its protocol. Where no container has it, the Service has no endpoint for that port. "
        "Name the port in the container, or write its number.",
    ),
    _rule(
        "missing-ingressclass",
        "IngressClass is not there",
        "No controller takes up an Ingress whose class is not there. Mend the name, or add the "
        "IngressClass. Where the cluster that the set goes to has it, switch the code off.",
    ),
    _rule(
        "missing-gatewayclass",
        "GatewayClass is not there",
        "No controller takes up a Gateway whose class is not there. Mend the name, or add the GatewayClass. "
        "Where the cluster that the set goes to has it, switch the code off.",
    ),
    _rule(
        "missing-scale-target",
        "What is to be scaled is not there",
        "A HorizontalPodAutoscaler scales nothing until its target is there: same namespace, kind, name, "
        "and the group that `apiVersion` says. Mend `scaleTargetRef`.",
    ),
    _rule(
        "missing-metric-object",
        "What is to be measured is not there",
        "A metric of an object that is not there has no value, and while it has none the autoscaler does "
        "not scale down. Mend `describedObject`.",
    ),
    _rule(
        "missing-resource-request",
        "Nothing is requested that could be utilized",
        "Utilization is a share of what containers request. Where one container requests none of the "
        "resource, the metric fails for the whole pod. Add the request, or use a target of type "
        "`AverageValue`.",
    ),
    _rule(
        "missing-validatingadmissionpolicy",
        "ValidatingAdmissionPolicy is not there",
        "A binding without its policy forbids nothing. Add the policy, or mend the name.",
    ),
    _rule(
        "missing-mutatingadmissionpolicy",
        "MutatingAdmissionPolicy is not there",
        "A binding without its policy changes nothing. Add the policy, or mend the name.",
    ),
    _rule(
        "service-without-pods",
        "Service selects no pod",
        "A Service sends to pods of its own namespace that have every label of its selector. None of the "
        "set or of the cluster has them, so it has no endpoint, and refuses connections. Mend the selector "
        "or the labels of the pod template.",
    ),
    _rule(
        "budget-without-pods",
        "PodDisruptionBudget covers no pod",
        "No pod of the set or of the cluster, in the budget's namespace, has the labels that it selects, so "
        "it protects nothing. Mend the selector.",
    ),
    _rule(
        "empty-selector",
        "Selector is empty",
        "An empty selector means different things: in a Service it selects no pod, in a PodDisruptionBudget "
        "every pod of the namespace, and a budget without one covers none. Write the labels that are meant.",
    ),
)
