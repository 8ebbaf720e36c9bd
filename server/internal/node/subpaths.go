//go:build linux

package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/kubernetes/pkg/volume/util/subpath"
)

// subpaths gives the runtime the real path of a subPath. Upstream binds it to a place of its own, so that no pod can put a
// link in its way between the check and the mount; a user cannot bind here. The runtime follows no link on a path that lies in
// the kubelet's folder, which is as good: what was checked here is what is mounted, or nothing.
type subpaths struct{}

func (subpaths) CleanSubPaths(string, string) error { return nil }

func (subpaths) PrepareSafeSubpath(asked subpath.Subpath) (string, func(), error) {
	volume, err := filepath.EvalSymlinks(asked.VolumePath)
	if err != nil {
		return "", nil, err
	}
	path, err := filepath.EvalSymlinks(asked.Path)
	if err != nil {
		return "", nil, err
	}
	if path != volume && !strings.HasPrefix(path, volume+string(filepath.Separator)) {
		return "", nil, fmt.Errorf("subPath %q leads out of the volume %s", asked.Path, asked.VolumeName)
	}
	return path, func() {}, nil
}

// SafeMakeDir makes a folder below base; os.Root follows no link out of it.
func (subpaths) SafeMakeDir(below, base string, mode os.FileMode) error {
	root, err := os.OpenRoot(base)
	if err != nil {
		return err
	}
	defer root.Close()
	return root.MkdirAll(filepath.Clean(below), mode.Perm())
}
