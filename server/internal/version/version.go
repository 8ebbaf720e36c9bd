// Package version says what this binary is made of.
package version

import (
	"runtime"
	"runtime/debug"
	"sync"

	componentversion "k8s.io/component-base/version"
)

// Contract is the number of the agreement with the Python half: the shape of server.json and of the events.
const Contract = 1

// Version is ours: Kubernetes' version and a build number. The build stamps it.
var Version = "0.0.0.0"

// Info is what `version -o json` prints.
type Info struct {
	Contract   int    `json:"contract"`
	Version    string `json:"version"`
	Kubernetes string `json:"kubernetes"`
	Kine       string `json:"kine"`
	Helm       string `json:"helm"`
	Go         string `json:"go"`
	Platform   string `json:"platform"`
}

// Get gives the versions; those of kine and helm are read from the build information of the binary itself.
func Get() Info {
	return Info{
		Contract:   Contract,
		Version:    Version,
		Kubernetes: componentversion.Get().GitVersion,
		Kine:       module("github.com/k3s-io/kine"),
		Helm:       module("helm.sh/helm/v4"),
		Go:         runtime.Version(),
		Platform:   runtime.GOOS + "/" + runtime.GOARCH,
	}
}

var modules = sync.OnceValue(func() map[string]string {
	found := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			found[dep.Path] = dep.Version
		}
	}
	return found
})

func module(path string) string {
	if v, ok := modules()[path]; ok {
		return v
	}
	return "unknown"
}
