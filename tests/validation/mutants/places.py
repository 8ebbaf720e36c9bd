"""Which fields of the seeds can be given which fault: patterns of shapes, and what is written there.

A shape is an object's kind and a field's path without numbers, ``Pod:spec.containers[].image``; patterns
match the whole of it. Values are YAML, as they are to stand in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Mappings whose keys anybody may choose: no key in them is a typo.
FREE = re.compile(
    r".*[:.](labels|annotations|matchLabels|nodeSelector)"
    r"|.*\.resources\.(limits|requests)"
    r"|LimitRange:spec\.limits\[\]\.(default|defaultRequest|max|min)"
    r"|ResourceQuota:spec\.hard"
    r"|PersistentVolume:spec\.(capacity|csi\.volumeAttributes)"
    r"|(StorageClass|VolumeAttributesClass):parameters"
    r"|(ConfigMap|Secret):(data|binaryData)"
    r"|RuntimeClass:overhead\.podFixed"
    r"|(Service|ReplicationController):spec\.selector"
    r"|CustomResourceDefinition:.*\.properties"
    r"|Orchard:spec\.notes"
    r"|ResourceSlice:spec\.devices\[\]\.(attributes|capacity)"
)

# What may hold anything at all: whatever is written there, below it too, is no fault.
ANYTHING = re.compile(
    r"ControllerRevision:data(\..*)?"
    r"|DeviceClass:.*\.opaque\.parameters(\..*)?"
    r"|CustomResourceDefinition:.*\.(default|enum(\[\])?)"
)

# Go types with a decoder of their own: the server's strict decoding does not look for unknown keys below.
BLIND = re.compile(r"CustomResourceDefinition:.*\.(items|additionalProperties)(\..*)?")

# Judged by the schema of a definition, not by a Go type.
CUSTOM = re.compile(r"(Orchard|Beehive):spec(\..*)?")

INT_OR_STRING = re.compile(
    r".*\.(httpGet|tcpSocket)\.port"
    r"|Service:spec\.ports\[\]\.targetPort"
    r"|NetworkPolicy:.*\.ports\[\]\.port"
    r"|.*\.(maxSurge|maxUnavailable|minAvailable)"
)

_COMPUTE = r".*\.resources\.(limits|requests)\..+"

QUANTITY = re.compile(
    _COMPUTE + r"|LimitRange:spec\.limits\[\]\.(default|defaultRequest|max|min)\..+"
    r"|ResourceQuota:spec\.hard\..+"
    r"|PersistentVolume:spec\.capacity\..+"
    r"|RuntimeClass:overhead\.podFixed\..+"
    r"|.*\.emptyDir\.sizeLimit"
    r"|.*\.resourceFieldRef\.divisor"
    r"|HorizontalPodAutoscaler:.*\.target\.(averageValue|value)"
    r"|CSIStorageCapacity:(capacity|maximumVolumeSize)"
    r"|ResourceSlice:.*\.capacity\..+\.value"
)

# Quantities that may not be negative, each by a rule of its own.
NOT_NEGATIVE = re.compile(
    _COMPUTE + r"|ResourceQuota:spec\.hard\..+|PersistentVolume:spec\.capacity\..+|.*\.emptyDir\.sizeLimit"
)

BAD_QUANTITIES = ("12XB", "1.5.0Gi", "ten", "64 Mi", "100mm", '"0x10"')

# Labels, and selectors of them, whose values the server looks at. It looks neither at the labels of a
# StatefulSet's claim templates and of a CronJob's job template, nor at the selector of a metric.
LABEL = re.compile(
    r"(?!StatefulSet:spec\.volumeClaimTemplates|CronJob:spec\.jobTemplate\.metadata)"
    r"(.*[:.]labels|(?!HorizontalPodAutoscaler:).*\.matchLabels|.*\.nodeSelector"
    r"|(Service|ReplicationController):spec\.selector)\..+"
)

BAD_LABELS = ("-dash-first", "two words", "slash/inside", "dot-last.", "x" * 64, '"{{ .Values.app }}"')

# Keys of labels, where no selector knows them.
LABEL_KEY = re.compile(r"\w+:metadata\.labels\..+")

BAD_LABEL_KEYS = ("two words", "a/b/c", "-dash-first", "k" * 64)

BAD_SCHEDULES = (
    "61 * * * *",
    "0 25 * * *",
    "0 0 32 1 *",
    "0 0 * 13 *",
    "0 0 * * 8",
    "30-10 * * * *",
    "* * * *",
    "*/0 * * * *",
    "0 0 * * * * *",
    "@fortnightly",
    "every day at noon",
    "TZ=UTC 0 3 * * *",
)

BAD_TIME_ZONES = ("Mars/Olympus", "Local", "UTC+2")

_Places = tuple[tuple[str, tuple[str, ...]], ...]

_JOB = r"(Job:spec|CronJob:spec\.jobTemplate\.spec)"
_WORKLOAD = r"(Deployment|StatefulSet|DaemonSet|ReplicaSet|ReplicationController)"

OUT_OF_RANGE: _Places = (
    (r"(Deployment|StatefulSet|ReplicaSet|ReplicationController):spec\.replicas", ("-1", "-3")),
    (_WORKLOAD + r":spec\.minReadySeconds", ("-5",)),
    (r"(Deployment|DaemonSet):spec\.revisionHistoryLimit", ("-1",)),
    (r"Deployment:spec\.progressDeadlineSeconds", ("-1", "2")),
    (r"Deployment:.*\.rollingUpdate\.(maxSurge|maxUnavailable)", ("-1",)),
    (r"Deployment:.*\.rollingUpdate\.maxUnavailable", ("150%",)),
    (r"DaemonSet:.*\.rollingUpdate\.maxUnavailable", ("110%", "-2")),
    (r"StatefulSet:.*\.(ordinals\.start|rollingUpdate\.partition)", ("-1",)),
    (_JOB + r"\.(parallelism|completions|backoffLimit|ttlSecondsAfterFinished)", ("-1",)),
    (_JOB + r"\.activeDeadlineSeconds", ("-1",)),
    (r"Job:spec\.backoffLimitPerIndex", ("-1",)),
    (r"Job:spec\.maxFailedIndexes", ("9", "-1")),
    (r"Job:spec\.successPolicy\..*\.succeededCount", ("20", "-1")),
    (r"Job:spec\.podFailurePolicy\..*\.values\[\]", ("0",)),
    (r"CronJob:spec\.(startingDeadlineSeconds|(successful|failed)JobsHistoryLimit)", ("-1",)),
    (r"Pod:spec\.activeDeadlineSeconds", ("0", "-1")),
    (r".*Probe\.(initialDelaySeconds|timeoutSeconds|periodSeconds|failureThreshold)", ("-1",)),
    (r".*Probe\.successThreshold", ("-1",)),
    (r".*Probe\.terminationGracePeriodSeconds", ("0", "-1")),
    (r".*\.securityContext\.(runAsUser|runAsGroup|fsGroup)", ("-1", "2147483648")),
    (r".*Affinity\..*\.weight", ("0", "101")),
    (r".*\.topologySpreadConstraints\[\]\.maxSkew", ("0", "-1")),
    (r".*\.topologySpreadConstraints\[\]\.minDomains", ("0",)),
    (r".*\.volumes\[\]\..*\.(defaultMode|mode)", ("512", "1000", "-1")),
    (r".*\.serviceAccountToken\.expirationSeconds", ("599", "60")),
    (r"Service:.*\.clientIP\.timeoutSeconds", ("0", "86401")),
    (r"HorizontalPodAutoscaler:spec\.minReplicas", ("-1",)),
    (r"HorizontalPodAutoscaler:spec\.maxReplicas", ("0", "1", "-1")),
    (r"HorizontalPodAutoscaler:.*\.averageUtilization", ("0", "-10")),
    (r"HorizontalPodAutoscaler:.*\.stabilizationWindowSeconds", ("-1", "3601")),
    (r"HorizontalPodAutoscaler:.*\.policies\[\]\.value", ("0",)),
    (r"HorizontalPodAutoscaler:.*\.policies\[\]\.periodSeconds", ("0", "1801")),
    (r"PodDisruptionBudget:spec\.minAvailable", ("-1", "160%")),
    (r"Pod:spec\.(dnsConfig\.nameservers\[\]|hostAliases\[\]\.ip)", ("192.0.2.300",)),
    (r"NetworkPolicy:.*\.ipBlock\.cidr", ("10.0.0.0/40", "10.0.0.256/8")),
    (r"NetworkPolicy:.*\.ipBlock\.except\[\]", ("172.16.0.0/16",)),
    (r"EndpointSlice:endpoints\[\]\.addresses\[\]", ("192.0.2.300",)),
    (r"PriorityClass:value", ("2000000000",)),
    (r"Lease:spec\.leaseDurationSeconds", ("0", "-15")),
    (r"Lease:spec\.leaseTransitions", ("-1",)),
    (r"FlowSchema:spec\.matchingPrecedence", ("0", "10001", "1")),
    (r"PriorityLevelConfiguration:.*\.(nominalConcurrencyShares|borrowingLimitPercent)", ("-1",)),
    (r"PriorityLevelConfiguration:.*\.lendablePercent", ("101", "-1")),
    (r"PriorityLevelConfiguration:.*\.(queues|queueLengthLimit)", ("0",)),
    (r"PriorityLevelConfiguration:.*\.handSize", ("0", "17")),
    (r"\w+WebhookConfiguration:.*\.timeoutSeconds", ("0", "31")),
    (r"CertificateSigningRequest:spec\.expirationSeconds", ("599",)),
    (r"CSIDriver:.*\.expirationSeconds", ("599",)),
    (r"ControllerRevision:revision", ("-1",)),
    (r"ResourceClaim(Template)?:.*\.count", ("-1",)),
    (r"ResourceSlice:spec\.pool\.resourceSliceCount", ("0",)),
    (r"ResourceSlice:spec\.pool\.generation", ("-1",)),
)

BAD_PORT: _Places = (
    (r".*\.containers\[\]\.ports\[\]\.containerPort", ("0", "65536", "-80", "808080")),
    (r".*\.initContainers\[\]\.ports\[\]\.containerPort", ("0", "65536")),
    (r".*\.ports\[\]\.hostPort", ("70000", "-1")),
    (r".*\.(httpGet|tcpSocket)\.port", ("0", "70000", "Not_A_Port", '"8080/tcp"')),
    (r".*\.grpc\.port", ("0", "70000")),
    (r".*\.containers\[\]\.ports\[\]\.name", ("a-name-that-is-too-long", "two words", "http--web", '"8080"')),
    (r".*\.containers\[\]\.ports\[\]\.protocol", ("HTTP", "tcp")),
    (r"Service:spec\.ports\[\]\.port", ("0", "65536", "-1")),
    (r"Service:spec\.ports\[\]\.targetPort", ("70000", "Not_A_Port", "a-name-that-is-too-long")),
    (r"Service:spec\.ports\[\]\.nodePort", ("80", "70000")),
    (r"Service:spec\.ports\[\]\.protocol", ("HTTP",)),
    (r"Service:spec\.ports\[\]\.name", ("Not_A_Label",)),
    (r"NetworkPolicy:.*\.ports\[\]\.port", ("0", "70000", "Not_A_Port")),
    (r"NetworkPolicy:.*\.ports\[\]\.endPort", ("70000", "7000")),
    (r"NetworkPolicy:.*\.ports\[\]\.protocol", ("HTTP",)),
    (r"Ingress:.*\.port\.number", ("70000", "-1")),
    (r"Ingress:.*\.port\.name", ("Not_A_Port",)),
    (r"ValidatingWebhookConfiguration:.*\.service\.port", ("0", "70000")),
    (r"EndpointSlice:ports\[\]\.protocol", ("HTTP",)),
    (r"EndpointSlice:ports\[\]\.name", ("Not_A_Label",)),
)

# Selectors of workloads, which have to match the labels of the template below.
WORKLOAD_SELECTOR = re.compile(
    r"(Deployment|StatefulSet|DaemonSet|ReplicaSet):spec\.selector\.matchLabels\..+"
    r"|ReplicationController:spec\.selector\..+"
)

OPERATOR = re.compile(r".*\.matchExpressions\[\]\.operator")

# Operators that allow no values, where there are some; a quota's scopes and nodes have them too.
NO_VALUES = ("Exists", "DoesNotExist")

UNKNOWN_OPERATORS = ("Like", "in", "Equals")

REQUIRED: tuple[str, ...] = (
    r"\w+:metadata\.name",
    r".*ontainers\[\]\.(name|image)",
    r".*\.containers\[\]\.ports\[\]\.containerPort",
    r".*\.env\[\]\.name",
    r".*\.volumeMounts\[\]\.(name|mountPath)",
    r".*\.volumes\[\]\.name",
    r".*\.httpGet\.port",
    r".*\.fieldRef\.fieldPath",
    r".*\.secretKeyRef\.key",
    r".*\.sources\[\]\.secret\.items\[\]\.(key|path)",
    r".*\.serviceAccountToken\.path",
    r".*\.resourceFieldRef\.resource",
    r".*\.downwardAPI\.items\[\]\.path",
    r".*\.hostPath\.path",
    r".*\.topologySpreadConstraints\[\]\.(maxSkew|topologyKey|whenUnsatisfiable)",
    r".*\.podAffinityTerm\.topologyKey",
    r".*\.podAntiAffinity\..*\.topologyKey",
    r".*Affinity\..*\.weight",
    r"(?!ResourceQuota:).*\.matchExpressions\[\]\.(key|operator)",
    r"Pod:spec\.containers",
    r"(Deployment|StatefulSet|ReplicaSet):spec\.selector",
    r"(Deployment|StatefulSet|DaemonSet|ReplicaSet|ReplicationController|Job):spec\.template",
    r"StatefulSet:.*\.volumeClaimTemplates\[\]\.spec\.(accessModes|resources)",
    r"Deployment:.*\.volumeClaimTemplate\.spec\.(accessModes|resources)",
    r"Job:spec\.completions",
    r"Job:.*\.onExitCodes\.(operator|values)",
    r"Job:.*\.podFailurePolicy\.rules\[\]\.action",
    r"(Job|CronJob):.*\.template\.spec\.restartPolicy",
    r"CronJob:spec\.schedule",
    r"CronJob:spec\.jobTemplate",
    r"HorizontalPodAutoscaler:spec\.(scaleTargetRef|maxReplicas)",
    r"HorizontalPodAutoscaler:.*\.(scaleTargetRef|describedObject)\.(kind|name)",
    r"HorizontalPodAutoscaler:.*\.metrics\[\]\.type",
    r"HorizontalPodAutoscaler:.*\.(resource|metric)\.name",
    r"HorizontalPodAutoscaler:.*\.target\.type",
    r"HorizontalPodAutoscaler:.*\.policies\[\]\.(type|value|periodSeconds)",
    r"Service:spec\.ports",
    r"Service:spec\.ports\[\]\.port",
    r"PersistentVolumeClaim:spec\.(accessModes|resources)",
    r"PersistentVolume:spec\.(capacity|accessModes|csi|csi\.(driver|volumeHandle))",
    r"StorageClass:provisioner",
    r"VolumeAttributesClass:(driverName|parameters)",
    r"CSIStorageCapacity:storageClassName",
    r"Ingress:.*\.paths\[\]\.(pathType|backend)",
    r"Ingress:.*\.service\.(name|port)",
    r"IngressClass:spec\.controller",
    r"IngressClass:spec\.parameters\.(kind|name|namespace)",
    r"NetworkPolicy:.*\.ipBlock\.cidr",
    r"(Cluster)?Role:rules\[\]\.(verbs|resources|apiGroups|nonResourceURLs)",
    r"(Cluster)?RoleBinding:roleRef\.name",
    r"ClusterRoleBinding:subjects\[\]\.namespace",
    r"(Cluster)?RoleBinding:subjects\[\]\.(kind|name)",
    r"RuntimeClass:handler",
    r"EndpointSlice:(addressType|endpoints\[\]\.addresses)",
    r"Event:(reason|action|reportingController|reportingInstance|eventTime|type)",
    r"LimitRange:spec\.limits\[\]\.type",
    r"ResourceQuota:.*\.(scopeName|operator)",
    r"CertificateSigningRequest:spec\.(signerName|request|usages)",
    r"\w+WebhookConfiguration:webhooks\[\]\.(name|sideEffects|admissionReviewVersions|clientConfig)",
    r"\w+WebhookConfiguration:.*\.service\.(name|namespace)",
    r"\w+WebhookConfiguration:.*\.rules\[\]\.(operations|apiGroups|apiVersions|resources)",
    r"(\w+WebhookConfiguration|\w+AdmissionPolicy):.*\.matchConditions\[\]\.(name|expression)",
    r"\w+AdmissionPolicy:spec\.matchConstraints",
    r"\w+AdmissionPolicy:.*\.resourceRules\[\]\.(operations|apiGroups|apiVersions|resources)",
    r"\w+AdmissionPolicy:spec\.variables\[\]\.(name|expression)",
    r"\w+AdmissionPolicy:spec\.validations\[\]\.expression",
    r"\w+AdmissionPolicy:spec\.auditAnnotations\[\]\.(key|valueExpression)",
    r"MutatingAdmissionPolicy:spec\.(mutations|mutations\[\]\.(patchType|jsonPatch))",
    r"\w+AdmissionPolicyBinding:spec\.policyName",
    r"ValidatingAdmissionPolicyBinding:spec\.validationActions",
    r"CustomResourceDefinition:spec\.(group|scope|names|names\.(plural|kind)|versions)",
    r"CustomResourceDefinition:spec\.versions\[\]\.(name|schema)",
    r"CustomResourceDefinition:.*\.additionalPrinterColumns\[\]\.(name|type|jsonPath)",
    r"CustomResourceDefinition:.*\.properties\.(size|owner|plot|least|name|frames|year|born)\.type",
    r"FlowSchema:spec\.(priorityLevelConfiguration|rules\[\]\.subjects)",
    r"FlowSchema:.*\.subjects\[\]\.(group|serviceAccount)",
    r"FlowSchema:.*\.subjects\[\]\.serviceAccount\.(name|namespace)",
    r"FlowSchema:.*esourceRules\[\]\.(verbs|apiGroups|resources|namespaces|nonResourceURLs)",
    r"PriorityLevelConfiguration:spec\.(type|limited)",
    r"PriorityLevelConfiguration:.*\.limitResponse\.(type|queuing)",
    r"DeviceClass:.*\.opaque\.(driver|parameters)",
    r"ResourceClaim(Template)?:.*\.requests\[\]\.(name|exactly|firstAvailable)",
    r"ResourceClaim(Template)?:.*\.(exactly|firstAvailable\[\])\.deviceClassName",
    r"ResourceClaim:.*\.constraints\[\]\.matchAttribute",
    r"ResourceSlice:spec\.(driver|pool|allNodes|pool\.(name|resourceSliceCount)|devices\[\]\.name)",
)

# Versions that a kind was once served in, or, where it never had another, that were there before it.
REMOVED: dict[str, tuple[str, ...]] = {
    "Deployment": ("extensions/v1beta1", "apps/v1beta1", "apps/v1beta2"),
    "DaemonSet": ("extensions/v1beta1", "apps/v1beta2"),
    "ReplicaSet": ("extensions/v1beta1", "apps/v1beta2"),
    "StatefulSet": ("apps/v1beta1", "apps/v1beta2"),
    "ControllerRevision": ("apps/v1beta1", "apps/v1beta2"),
    "CronJob": ("batch/v1beta1", "batch/v2alpha1"),
    "HorizontalPodAutoscaler": ("autoscaling/v2beta1", "autoscaling/v2beta2"),
    "PodDisruptionBudget": ("policy/v1beta1",),
    "Ingress": ("extensions/v1beta1", "networking.k8s.io/v1beta1"),
    "IngressClass": ("networking.k8s.io/v1beta1",),
    "NetworkPolicy": ("extensions/v1beta1",),
    "Role": ("rbac.authorization.k8s.io/v1beta1", "rbac.authorization.k8s.io/v1alpha1"),
    "RoleBinding": ("rbac.authorization.k8s.io/v1beta1",),
    "ClusterRole": ("rbac.authorization.k8s.io/v1beta1",),
    "ClusterRoleBinding": ("rbac.authorization.k8s.io/v1alpha1",),
    "StorageClass": ("storage.k8s.io/v1beta1",),
    "CSIDriver": ("storage.k8s.io/v1beta1",),
    "CSIStorageCapacity": ("storage.k8s.io/v1beta1",),
    "PriorityClass": ("scheduling.k8s.io/v1beta1", "scheduling.k8s.io/v1alpha1"),
    "RuntimeClass": ("node.k8s.io/v1beta1",),
    "Lease": ("coordination.k8s.io/v1beta1",),
    "EndpointSlice": ("discovery.k8s.io/v1beta1",),
    "Event": ("events.k8s.io/v1beta1",),
    "CustomResourceDefinition": ("apiextensions.k8s.io/v1beta1",),
    "ValidatingWebhookConfiguration": ("admissionregistration.k8s.io/v1beta1",),
    "MutatingWebhookConfiguration": ("admissionregistration.k8s.io/v1beta1",),
    "FlowSchema": ("flowcontrol.apiserver.k8s.io/v1beta2", "flowcontrol.apiserver.k8s.io/v1beta3"),
    "PriorityLevelConfiguration": ("flowcontrol.apiserver.k8s.io/v1beta3",),
    "CertificateSigningRequest": ("certificates.k8s.io/v1beta1",),
    "ResourceClaim": ("resource.k8s.io/v1alpha2",),
    "Pod": ("v1beta3",),
    "Service": ("v1beta3",),
    "ReplicationController": ("v1beta3",),
    "Orchard": ("garden.example.com/v1alpha1",),
    "Beehive": ("garden.example.com/v1beta2",),
}

BROKEN_EXPRESSIONS: _Places = (
    (
        r"CustomResourceDefinition:.*\.x-kubernetes-validations\[\]\.rule",
        ('"self >"', '"size(self"', '"self.nosuch == 1"', '"1 + 1"'),
    ),
    (r"\w+AdmissionPolicy:spec\.validations\[\]\.expression", ('"object.spec.count <="', '"1 + 1"')),
    (r"\w+AdmissionPolicy:spec\.variables\[\]\.expression", ('"5 +"', '"nosuch(5)"')),
    (
        r"(\w+AdmissionPolicy:spec|\w+WebhookConfiguration:.*)\.matchConditions\[\]\.expression",
        ('"request.userInfo.username =="', '"1 + 1"'),
    ),
    (r"\w+AdmissionPolicy:.*\.messageExpression", ('"1 + 1"',)),
    (r"(DeviceClass|ResourceClaim):.*\.cel\.expression", ('"device.driver =="', '"1 + 1"')),
)

BROKEN_RULES: _Places = (
    (r"Orchard:spec\.watering\.least", ("10", "90")),
    (r"Orchard:spec\.watering\.most", ("1",)),
    (r"Orchard:spec\.size", ("1",)),
    (r"Beehive:spec\.frames", ("2",)),
    (r"Beehive:spec\.harvest\[\]\.kilos", ("0", "-1.5")),
)

AGAINST_SCHEMA: _Places = (
    (r"Orchard:spec\.size", ('"12"', "twelve", "0", "101", "1.5", "true")),
    (r"Orchard:spec\.owner", ("Alice Cooper", "a", "averyveryverylongname", "7", "true")),
    (r"Orchard:spec\.fruit", ("plum", "Pear", "3")),
    (r"Orchard:spec\.plot", ("12",)),
    (r"Orchard:spec\.notes\..+", ("7", "true")),
    (r"Orchard:spec\.watering\.least", ("-1", "some")),
    (r"Orchard:spec\.watering\.from", ("tomorrow", '"2026-13-01"', "20260401")),
    (r"Orchard:spec\.trees\[\]\.height", ("0.1", "tall")),
    (r"Orchard:spec\.trees\[\]\.name", ("longer-than-twelve", "3")),
    (r"Orchard:spec\.trees\[\]\.pruned", ('"yes"', "1")),
    (r"Beehive:spec\.frames", ("5", "22", "0", '"10"')),
    (r"Beehive:spec\.colour", ("black", "true")),
    (r"Beehive:spec\.port", ("true", "1.5")),
    (r"Beehive:spec\.queen\.name", ("M", "2025")),
    (r"Beehive:spec\.queen\.born", ("1999", "lately")),
    (r"Beehive:spec\.harvest\[\]\.year", ('"2025"', "2025.5")),
    (r"Beehive:spec\.harvest\[\]\.kilos", ("100", "many")),
)

REQUIRED_BY_SCHEMA: tuple[str, ...] = (
    r"Orchard:spec\.(size|owner|watering\.least|trees\[\]\.name)",
    r"Beehive:spec\.(frames|harvest\[\]\.year)",
)

# Fields that may not change once the object is there, and what they are changed to.
IMMUTABLE: _Places = (
    (r"Pod:spec\.restartPolicy", ("Never",)),
    (r"Pod:spec\.containers\[\]\.workingDir", ("/opt",)),
    (r"StatefulSet:spec\.serviceName", ("other",)),
    (r"StatefulSet:spec\.podManagementPolicy", ("OrderedReady",)),
    (r"StatefulSet:spec\.volumeClaimTemplates\[\]\.spec\.storageClassName", ("fast",)),
    (r"StatefulSet:spec\.volumeClaimTemplates\[\]\..*\.storage", ("30Gi",)),
    (r"Job:spec\.completions", ("7",)),
    (r"Job:spec\.backoffLimitPerIndex", ("1",)),
    (r"Job:.*\.succeededCount", ("2",)),
    (r"Job:.*\.containers\[\]\.image", ("example.com/render:8",)),
    (r"ConfigMap:immutable", ("false",)),
    (r"ConfigMap:data\.colour", ("red",)),
    (r"Secret:immutable", ("false",)),
    (r"Secret:type", ("Opaque",)),
    (r"Secret:data\.password", ("b3RoZXI=",)),
    (r"PersistentVolume:spec\.csi\.(driver|volumeHandle)", ("other.example.com",)),
    (r"PersistentVolume:spec\.volumeMode", ("Block",)),
    (r"PersistentVolumeClaim:spec\.storageClassName", ("fast",)),
    (r"PersistentVolumeClaim:spec\.volumeMode", ("Block",)),
    (r"PersistentVolumeClaim:spec\.accessModes\[\]", ("ReadWriteMany",)),
    (r"PersistentVolumeClaim:spec\.resources\.requests\.storage", ("6Gi", "1Gi")),
    (r"StorageClass:provisioner", ("disk.example.com",)),
    (r"StorageClass:parameters\.reel", ("17",)),
    (r"StorageClass:reclaimPolicy", ("Delete",)),
    (r"StorageClass:volumeBindingMode", ("Immediate",)),
    (r"VolumeAttributesClass:driverName", ("disk.example.com",)),
    (r"VolumeAttributesClass:parameters\.iops", ('"5000"',)),
    (r"CSIDriver:spec\.attachRequired", ("true",)),
    (r"CSIStorageCapacity:storageClassName", ("fast",)),
    (r"CSIStorageCapacity:nodeTopology\.matchLabels\..+", ("south",)),
    (r"PriorityClass:value", ("200000",)),
    (r"PriorityClass:preemptionPolicy", ("PreemptLowerPriority",)),
    (r"RuntimeClass:handler", ("kata",)),
    (r"(Cluster)?RoleBinding:roleRef\.name", ("edit",)),
    (r"IngressClass:spec\.controller", ("example.com/back",)),
    (r"ControllerRevision:data\.spec\.template\.image", ("postgres:18",)),
    (r"EndpointSlice:addressType", ("FQDN",)),
    (r"Event:(reason|type)", ("Warning",)),
    (r"ResourceClaim:.*\.count", ("3",)),
    (r"ResourceClaimTemplate:.*\.count", ("3",)),
    (r"ResourceSlice:spec\.driver", ("other.example.com",)),
    (r"ResourceSlice:spec\.pool\.name", ("cellar",)),
    (r"CustomResourceDefinition:spec\.names\.kind", ("Other",)),
    (r"Orchard:spec\.plot", ("elsewhere",)),
)

# The selectors of workloads may not change either; here the template's labels change along.
IMMUTABLE_SELECTOR = re.compile(
    r"(Deployment|StatefulSet|DaemonSet|ReplicaSet):spec\.selector\.matchLabels\.app"
)

# Other values that are as good, and may be given to an object that is there already.
AS_GOOD: _Places = (
    (r"(Deployment|StatefulSet|ReplicaSet|ReplicationController):spec\.replicas", ("0", "1", "5")),
    (r"(Deployment|DaemonSet):.*\.containers\[\]\.image", ("registry.example.com:5000/team/other:9.9",)),
    (r"Deployment:.*\.rollingUpdate\.maxSurge", ("2", "50%")),
    (r"(Deployment|DaemonSet|StatefulSet):.*\.env\[\]\.value", ('"8080"', '"yes"', '""', "http://a:b@c/d")),
    (r"(Deployment|StatefulSet):.*\.requests\.cpu", ("0.1", "1e-1", '"1"', "1500m")),
    (r"(Deployment|StatefulSet):.*\.requests\.memory", ("1e8", "64M", "0.125Gi", '"1"')),
    (r"CronJob:spec\.schedule", ('"@hourly"', '"0 0 29 2 *"', '"5,35 0-6/2 * JAN-MAR SUN"')),
    (r"HorizontalPodAutoscaler:spec\.maxReplicas", ("2", "500")),
    (r"HorizontalPodAutoscaler:.*\.averageUtilization", ("1", "150")),
    (r"PodDisruptionBudget:spec\.minAvailable", ("2", "0%", "100%")),
    (r"NetworkPolicy:.*\.ports\[\]\.endPort", ("65535", "8000")),
    (r"Ingress:.*\.rules\[\]\.host", ('"*.example.com"', "other.example.com")),
    (r"ResourceQuota:spec\.hard\.pods", ("0", "1k", "500")),
    (r"Lease:spec\.leaseDurationSeconds", ("1", "2147483647")),
    (r"FlowSchema:spec\.matchingPrecedence", ("2", "10000")),
    (r"PriorityLevelConfiguration:.*\.lendablePercent", ("0", "100")),
    (r"\w+WebhookConfiguration:.*\.timeoutSeconds", ("1", "30")),
    (r"Orchard:spec\.fruit", ("apple", "cherry")),
    (r"Orchard:spec\.watering\.most", ("2", "100")),
    (r"Beehive:spec\.frames", ("4", "20")),
    (r"Beehive:spec\.port", ("8080", '"8080"')),
)


def values(places: _Places, shape: str) -> Iterator[str]:
    """What may be written into a field of this shape, by these places."""
    for pattern, written in places:
        if re.fullmatch(pattern, shape):
            yield from written


def among(patterns: tuple[str, ...], shape: str) -> bool:
    """Whether one of the patterns is this shape's."""
    return any(re.fullmatch(pattern, shape) for pattern in patterns)
