// Package config reads server.json, the contract between the Python half, which decides every flag, file and address,
// and this half, which decides the order in which things start and stop.
//
// An unknown key or another contract number is refused with a sentence: a newer Python half would otherwise believe that
// something it asked for was done.
package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/sandkube/sandkube/server/internal/version"
)

// Config is one server.json.
type Config struct {
	Contract  int       `json:"contract"`
	Datastore Datastore `json:"datastore"`
	Listener  Listener  `json:"listener"`
	// ParentFD is the read end of a pipe whose other end the parent holds; its end of file is an orderly stop. Optional.
	ParentFD *int `json:"parent_fd,omitempty"`
	// Events is the file that events are appended to.
	Events string `json:"events"`
	Log    Log    `json:"log"`
	// Arguments per component, as its own command line would take them.
	APIServer         []string `json:"api_server"`
	ControllerManager []string `json:"controller_manager"`
	Scheduler         []string `json:"scheduler"`
}

// Datastore says where the SQLite file is and how it is kept.
type Datastore struct {
	Path string `json:"path"`
	// Socket is where kine answers; a unix socket, so at most 108 bytes.
	Socket string `json:"socket"`
	// Synchronous is SQLite's: OFF, NORMAL or FULL.
	Synchronous string `json:"synchronous"`
	// Template is the file a new datastore begins as. Optional; unused where Path exists.
	Template string `json:"template,omitempty"`
	// RootCAFile goes into the kube-root-ca.crt of the namespaces that the template brings.
	RootCAFile string `json:"root_ca_file,omitempty"`
}

// Listener is either an inherited file descriptor or an address to bind.
type Listener struct {
	FD      *int   `json:"fd,omitempty"`
	Address string `json:"address,omitempty"`
}

// Log is the one log of the process, rotated by size.
type Log struct {
	Path         string `json:"path"`
	MaxMegabytes int    `json:"max_megabytes"`
	Backups      int    `json:"backups"`
}

// Load reads and checks the file at path.
func Load(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	config, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return config, nil
}

// Parse reads and checks a configuration.
func Parse(data []byte) (*Config, error) {
	// The number comes first: with another one the keys mean something else, and naming one of them would mislead.
	var head struct {
		Contract *int `json:"contract"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("this is no JSON object: %w", err)
	}
	if head.Contract == nil {
		return nil, errors.New(`the key "contract" is missing`)
	}
	if *head.Contract != version.Contract {
		return nil, fmt.Errorf("contract %d is asked for, but this server speaks contract %d: "+
			"sandkube and sandkube-server do not belong together, install versions that do", *head.Contract, version.Contract)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var config Config
	if err := decoder.Decode(&config); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands behind the JSON object")
	}
	return &config, config.check()
}

func (c *Config) check() error {
	var errs []error
	for _, file := range []struct{ key, path string }{
		{"datastore.path", c.Datastore.Path},
		{"datastore.socket", c.Datastore.Socket},
		{"events", c.Events},
		{"log.path", c.Log.Path},
	} {
		if !filepath.IsAbs(file.path) {
			errs = append(errs, fmt.Errorf("%q must be an absolute path, not %q", file.key, file.path))
		}
	}
	// sun_path holds 108 bytes with its closing NUL on Linux, 104 on macOS.
	if len(c.Datastore.Socket) > 103 {
		errs = append(errs, fmt.Errorf(`"datastore.socket" is longer than the 103 bytes that a unix socket may have: %s`, c.Datastore.Socket))
	}
	switch c.Datastore.Synchronous {
	case "OFF", "NORMAL", "FULL":
	default:
		errs = append(errs, fmt.Errorf(`"datastore.synchronous" is OFF, NORMAL or FULL, not %q`, c.Datastore.Synchronous))
	}
	if c.Datastore.Template != "" && c.Datastore.RootCAFile == "" {
		errs = append(errs, errors.New(`"datastore.template" needs "datastore.root_ca_file"`))
	}
	if (c.Listener.FD == nil) == (c.Listener.Address == "") {
		errs = append(errs, errors.New(`"listener" takes either "fd" or "address"`))
	}
	if c.Log.MaxMegabytes <= 0 || c.Log.Backups < 0 {
		errs = append(errs, errors.New(`"log.max_megabytes" must be above 0 and "log.backups" not below`))
	}
	return errors.Join(errs...)
}
