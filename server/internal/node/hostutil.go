//go:build linux

package node

import "k8s.io/kubernetes/pkg/volume/util/hostutil"

// hostUtil does not make the kubelet's folder a shared mount: what a container mounts nobody else is to see, and a user
// cannot mount here at all.
type hostUtil struct{ hostutil.HostUtils }

func newHostUtil() hostutil.HostUtils { return hostUtil{hostutil.NewHostUtil()} }

func (hostUtil) MakeRShared(string) error { return nil }
