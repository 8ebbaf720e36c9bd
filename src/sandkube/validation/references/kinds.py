"""The kinds that references lead to, and what is known of kinds: which lie in no namespace, for one."""

from __future__ import annotations

from typing import Final, NamedTuple


class Kind(NamedTuple):
    """A kind of object, without a version: references outlive versions."""

    group: str
    name: str

    @property
    def missing(self) -> str:
        """The code for a reference to one that is not there."""
        return f"missing-{self.name.lower()}"


CONFIG_MAP: Final = Kind("", "ConfigMap")
ENDPOINTS: Final = Kind("", "Endpoints")
LIMIT_RANGE: Final = Kind("", "LimitRange")
NAMESPACE: Final = Kind("", "Namespace")
POD: Final = Kind("", "Pod")
REPLICATION_CONTROLLER: Final = Kind("", "ReplicationController")
SECRET: Final = Kind("", "Secret")
SERVICE: Final = Kind("", "Service")
SERVICE_ACCOUNT: Final = Kind("", "ServiceAccount")
VOLUME: Final = Kind("", "PersistentVolume")
VOLUME_CLAIM: Final = Kind("", "PersistentVolumeClaim")
DAEMON_SET: Final = Kind("apps", "DaemonSet")
DEPLOYMENT: Final = Kind("apps", "Deployment")
REPLICA_SET: Final = Kind("apps", "ReplicaSet")
STATEFUL_SET: Final = Kind("apps", "StatefulSet")
CRON_JOB: Final = Kind("batch", "CronJob")
JOB: Final = Kind("batch", "Job")
AUTOSCALER: Final = Kind("autoscaling", "HorizontalPodAutoscaler")
DISRUPTION_BUDGET: Final = Kind("policy", "PodDisruptionBudget")
ENDPOINT_SLICE: Final = Kind("discovery.k8s.io", "EndpointSlice")
INGRESS: Final = Kind("networking.k8s.io", "Ingress")
INGRESS_CLASS: Final = Kind("networking.k8s.io", "IngressClass")
RUNTIME_CLASS: Final = Kind("node.k8s.io", "RuntimeClass")
CLUSTER_ROLE: Final = Kind("rbac.authorization.k8s.io", "ClusterRole")
CLUSTER_ROLE_BINDING: Final = Kind("rbac.authorization.k8s.io", "ClusterRoleBinding")
ROLE: Final = Kind("rbac.authorization.k8s.io", "Role")
ROLE_BINDING: Final = Kind("rbac.authorization.k8s.io", "RoleBinding")
RESOURCE_CLAIM: Final = Kind("resource.k8s.io", "ResourceClaim")
RESOURCE_CLAIM_TEMPLATE: Final = Kind("resource.k8s.io", "ResourceClaimTemplate")
PRIORITY_CLASS: Final = Kind("scheduling.k8s.io", "PriorityClass")
STORAGE_CLASS: Final = Kind("storage.k8s.io", "StorageClass")
VOLUME_ATTRIBUTES_CLASS: Final = Kind("storage.k8s.io", "VolumeAttributesClass")
MUTATING_POLICY: Final = Kind("admissionregistration.k8s.io", "MutatingAdmissionPolicy")
MUTATING_POLICY_BINDING: Final = Kind("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding")
MUTATING_WEBHOOKS: Final = Kind("admissionregistration.k8s.io", "MutatingWebhookConfiguration")
VALIDATING_POLICY: Final = Kind("admissionregistration.k8s.io", "ValidatingAdmissionPolicy")
VALIDATING_POLICY_BINDING: Final = Kind("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding")
VALIDATING_WEBHOOKS: Final = Kind("admissionregistration.k8s.io", "ValidatingWebhookConfiguration")
API_SERVICE: Final = Kind("apiregistration.k8s.io", "APIService")
CUSTOM_RESOURCE_DEFINITION: Final = Kind("apiextensions.k8s.io", "CustomResourceDefinition")
GATEWAY: Final = Kind("gateway.networking.k8s.io", "Gateway")
GATEWAY_CLASS: Final = Kind("gateway.networking.k8s.io", "GatewayClass")
VOLUME_SNAPSHOT: Final = Kind("snapshot.storage.k8s.io", "VolumeSnapshot")

ROUTES: Final = tuple(
    Kind("gateway.networking.k8s.io", name)
    for name in ("GRPCRoute", "HTTPRoute", "TCPRoute", "TLSRoute", "UDPRoute")
)

# What Kubernetes 1.37 has without a namespace, and what is widely added to it. Of others, a definition in the
# set tells.
CLUSTER_SCOPED: Final = frozenset(
    {
        Kind("", "ComponentStatus"),
        NAMESPACE,
        Kind("", "Node"),
        VOLUME,
        MUTATING_POLICY,
        MUTATING_POLICY_BINDING,
        MUTATING_WEBHOOKS,
        VALIDATING_POLICY,
        VALIDATING_POLICY_BINDING,
        VALIDATING_WEBHOOKS,
        CUSTOM_RESOURCE_DEFINITION,
        API_SERVICE,
        Kind("certificates.k8s.io", "CertificateSigningRequest"),
        Kind("certificates.k8s.io", "ClusterTrustBundle"),
        Kind("flowcontrol.apiserver.k8s.io", "FlowSchema"),
        Kind("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
        INGRESS_CLASS,
        Kind("networking.k8s.io", "IPAddress"),
        Kind("networking.k8s.io", "ServiceCIDR"),
        RUNTIME_CLASS,
        CLUSTER_ROLE,
        CLUSTER_ROLE_BINDING,
        Kind("resource.k8s.io", "DeviceClass"),
        Kind("resource.k8s.io", "DeviceTaintRule"),
        Kind("resource.k8s.io", "ResourceSlice"),
        PRIORITY_CLASS,
        Kind("storage.k8s.io", "CSIDriver"),
        Kind("storage.k8s.io", "CSINode"),
        STORAGE_CLASS,
        Kind("storage.k8s.io", "VolumeAttachment"),
        VOLUME_ATTRIBUTES_CLASS,
        Kind("storagemigration.k8s.io", "StorageVersionMigration"),
        GATEWAY_CLASS,
        Kind("cert-manager.io", "ClusterIssuer"),
        Kind("external-secrets.io", "ClusterExternalSecret"),
        Kind("external-secrets.io", "ClusterSecretStore"),
        Kind("kyverno.io", "ClusterPolicy"),
        Kind("snapshot.storage.k8s.io", "VolumeSnapshotClass"),
        Kind("snapshot.storage.k8s.io", "VolumeSnapshotContent"),
        Kind("trust.cert-manager.io", "Bundle"),
    }
)

# The groups that the API server has by itself. What controllers make of objects of other groups is their own
# affair.
BUILT_IN_GROUPS: Final = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io",
        "lifecycle.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    }
)

# What RBAC calls the kinds that a program may make for others to use.
RESOURCES: Final = {
    CONFIG_MAP: "configmaps",
    POD: "pods",
    SECRET: "secrets",
    SERVICE: "services",
    SERVICE_ACCOUNT: "serviceaccounts",
    VOLUME_CLAIM: "persistentvolumeclaims",
    DAEMON_SET: "daemonsets",
    DEPLOYMENT: "deployments",
    JOB: "jobs",
    REPLICA_SET: "replicasets",
    STATEFUL_SET: "statefulsets",
}
