//go:build linux

package node

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/kubelet/cm"
)

// containerManager stands in for the one that makes cgroups, which a user has no right to. It is upstream's stub, which
// answers everything with nothing, and says that the whole machine is there for pods.
type containerManager struct{ cm.ContainerManager }

func newContainerManager() cm.ContainerManager { return containerManager{cm.NewStubContainerManager()} }

// GetCapacity adds nothing to what the machine has.
func (containerManager) GetCapacity(klog.Logger, bool) v1.ResourceList { return v1.ResourceList{} }
