//go:build linux

package node

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/volume"
)

// owned are the volumes that upstream gives to a pod's fsGroup with chown, which fails for a user: such a pod would wait for
// ever. Here all of a pod's processes are the same user to the system, and may read what is this user's.
var owned = map[string]bool{
	"kubernetes.io/configmap":    true,
	"kubernetes.io/downward-api": true,
	"kubernetes.io/empty-dir":    true,
	"kubernetes.io/projected":    true,
	"kubernetes.io/secret":       true,
}

func withoutOwners(plugins []volume.VolumePlugin) []volume.VolumePlugin {
	for at, plugin := range plugins {
		if owned[plugin.GetPluginName()] {
			plugins[at] = ownerless{plugin}
		}
	}
	return plugins
}

type ownerless struct{ volume.VolumePlugin }

func (p ownerless) NewMounter(spec *volume.Spec, pod *v1.Pod) (volume.Mounter, error) {
	mounter, err := p.VolumePlugin.NewMounter(spec, pod)
	if err != nil {
		return nil, err
	}
	return ownerlessMounter{mounter}, nil
}

type ownerlessMounter struct{ volume.Mounter }

func (m ownerlessMounter) SetUp(arguments volume.MounterArgs) error {
	return m.Mounter.SetUp(without(arguments))
}

func (m ownerlessMounter) SetUpAt(folder string, arguments volume.MounterArgs) error {
	return m.Mounter.SetUpAt(folder, without(arguments))
}

func without(arguments volume.MounterArgs) volume.MounterArgs {
	arguments.FsGroup, arguments.FsUser = nil, nil
	return arguments
}
