package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/invoke"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"
)

// call is one run of a plugin: what it was asked, how it ended, what it printed.
type call struct {
	Command string
	Exit    int
	Stdout  string
}

// code is the code of the CNI error that the plugin answered, 0 for none.
func (c call) code() uint {
	var said types.Error
	if c.Exit == 0 || json.Unmarshal([]byte(c.Stdout), &said) != nil {
		return 0
	}
	return said.Code
}

// side is a plugin with a folder of leases, and what libcni keeps of its results.
type side struct {
	plugins string
	data    string
	cache   string
	calls   []call
}

func (s *side) cni() *libcni.CNIConfig {
	return libcni.NewCNIConfigWithCacheDir([]string{s.plugins}, s.cache, s)
}

// ExecPlugin runs the plugin for libcni, and remembers the call.
func (s *side) ExecPlugin(ctx context.Context, path string, stdin []byte, environ []string) ([]byte, error) {
	command := exec.CommandContext(ctx, path)
	command.Env = environ
	command.Stdin = bytes.NewReader(stdin)
	stdout, err := command.Output()
	made := call{Exit: command.ProcessState.ExitCode(), Stdout: string(stdout)}
	for _, variable := range environ {
		if value, found := strings.CutPrefix(variable, "CNI_COMMAND="); found {
			made.Command = value
		}
	}
	s.calls = append(s.calls, made)
	if err == nil {
		return stdout, nil
	}
	said := &types.Error{}
	if json.Unmarshal(stdout, said) != nil {
		return nil, err
	}
	return nil, said
}

// FindInPath finds the plugin for libcni.
func (s *side) FindInPath(plugin string, paths []string) (string, error) {
	return invoke.FindInPath(plugin, paths)
}

// Decode reads the answer to VERSION for libcni.
func (s *side) Decode(data []byte) (version.PluginInfo, error) {
	return (&version.PluginDecoder{}).Decode(data)
}

// raw runs the plugin without libcni, which would refuse some of what a plugin must refuse.
func (s *side) raw(environ map[string]string, stdin string) {
	variables := []string{"PATH=" + os.Getenv("PATH")}
	for name, value := range environ {
		variables = append(variables, name+"="+value)
	}
	stdin = strings.ReplaceAll(stdin, dataDir, s.data)
	_, _ = s.ExecPlugin(context.Background(), filepath.Join(s.plugins, "host-local"), []byte(stdin), variables)
}

// about is the line with which a plugin says what it is.
func about(folder string) string {
	command := exec.Command(filepath.Join(folder, "host-local"))
	said, err := command.CombinedOutput()
	if err != nil {
		return err.Error()
	}
	line, _, _ := strings.Cut(string(said), "\n")
	return line
}

// file is what lies in a folder of leases.
type file struct {
	Mode    fs.FileMode
	Content string
}

// files is a folder of leases, with everything below it.
func (s *side) files() map[string]file {
	found := map[string]file{}
	err := filepath.WalkDir(s.data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(s.data, path)
		var content []byte
		if !entry.IsDir() {
			content, err = os.ReadFile(path)
		}
		found[name] = file{info.Mode(), string(content)}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		panic(err)
	}
	return found
}
