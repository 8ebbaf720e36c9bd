//go:build linux

package node

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sandkube/sandkube/server/internal/config"
	"github.com/sandkube/sandkube/server/internal/version"
)

// Config is one kubelet.json: what the Python half decides for the kubelet.
type Config struct {
	Contract int `json:"contract"`
	// Kubelet is upstream's command line; among it --config, the KubeletConfiguration.
	Kubelet []string `json:"kubelet"`
	// CRI is the unix socket at which the kubelet, and whoever else speaks CRI, finds the runtime.
	CRI string `json:"cri"`
	// Runtime is the unix socket at which the runtime answers in JSON.
	Runtime string `json:"runtime"`
	// ParentFD is the read end of a pipe whose other end the keeper holds; its end of file is an orderly stop.
	ParentFD *int       `json:"parent_fd,omitempty"`
	Log      config.Log `json:"log"`
}

// Load reads and checks the file at path.
func Load(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var c Config
	if err := decoder.Decode(&c); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if c.Contract != version.Contract {
		return nil, fmt.Errorf("%s: contract %d is asked for, but this server speaks contract %d", path, c.Contract, version.Contract)
	}
	var errs []error
	for key, path := range map[string]string{"cri": c.CRI, "runtime": c.Runtime, "log.path": c.Log.Path} {
		if !filepath.IsAbs(path) {
			errs = append(errs, fmt.Errorf("%q must be an absolute path, not %q", key, path))
		}
	}
	return &c, errors.Join(errs...)
}
