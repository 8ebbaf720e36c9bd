//go:build linux

package node

import (
	"os"
	"strings"

	kubecontainer "k8s.io/kubernetes/pkg/kubelet/container"
)

// ownOS is the system without /var/log/containers, a folder of links for log collectors: a user may not make it, and root
// has no need of it. Everything else of the kubelet's lies in folders that it is told of.
type ownOS struct{ kubecontainer.RealOS }

const linksForCollectors = "/var/log/containers"

func newOS() kubecontainer.OSInterface { return ownOS{} }

func (o ownOS) MkdirAll(path string, mode os.FileMode) error {
	if strings.HasPrefix(path, linksForCollectors) {
		return nil
	}
	return o.RealOS.MkdirAll(path, mode)
}

func (o ownOS) Symlink(from, to string) error {
	if strings.HasPrefix(to, linksForCollectors) {
		return nil
	}
	return o.RealOS.Symlink(from, to)
}
