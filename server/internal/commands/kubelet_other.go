//go:build !linux

package commands

import "io"

// kubelet needs Linux: its containers are made of namespaces.
func kubelet(_ []string, errOut io.Writer) int {
	return refuse(errOut, "a kubelet needs Linux")
}
