package commands

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTheFaceIsChosenByNameOrFirstArgument(t *testing.T) {
	for _, test := range []struct {
		args []string
		face string
		rest []string
	}{
		{[]string{"/x/bin/kubectl", "get", "ns"}, "kubectl", []string{"/x/bin/kubectl", "get", "ns"}},
		{[]string{"helm"}, "helm", []string{"helm"}},
		{[]string{"/x/sandkube-server", "kubectl", "get"}, "kubectl", []string{"kubectl", "get"}},
		{[]string{"sandkube-server", "helm", "--help"}, "helm", []string{"helm", "--help"}},
		{[]string{"sandkube-server", "run", "--config", "f"}, "run", []string{"run", "--config", "f"}},
		{[]string{"sandkube-server", "--version"}, "version", []string{"version"}},
		{[]string{"sandkube-server"}, "help", nil},
		{[]string{"sandkube-server", "-h"}, "help", nil},
	} {
		if face, rest := choose(test.args); face != test.face || !slices.Equal(rest, test.rest) {
			t.Errorf("%v: %s %v", test.args, face, rest)
		}
	}
}

func TestTheVersionIsComplete(t *testing.T) {
	var out, errOut bytes.Buffer
	if code := printVersion([]string{"-o", "json"}, &out, &errOut); code != exitFine {
		t.Fatal(code, errOut.String())
	}
	var info map[string]any
	if err := json.Unmarshal(out.Bytes(), &info); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"contract", "version", "kubernetes", "kine", "helm", "go", "platform"} {
		if info[key] == nil || info[key] == "" {
			t.Errorf("%s is missing in %s", key, out.String())
		}
	}
	if code := printVersion([]string{"-o", "yaml"}, &out, &errOut); code != exitRefused {
		t.Errorf("yaml: %d", code)
	}
}

func TestAConfigurationThatCannotBeUsedIsRefusedWithASentence(t *testing.T) {
	folder := t.TempDir()
	write := func(text string) string {
		path := filepath.Join(folder, "server.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"no file named":    {nil, "--config"},
		"no such file":     {[]string{"--config", filepath.Join(folder, "absent")}, "absent"},
		"another contract": {[]string{"--config", write(`{"contract": 99}`)}, "contract 99"},
		"an argument":      {[]string{"--config", "x", "y"}, "nothing else"},
	} {
		var errOut bytes.Buffer
		if code := run(test.args, &errOut); code != exitRefused || !strings.Contains(errOut.String(), test.says) {
			t.Errorf("%s: exit %d, %s", name, code, errOut.String())
		}
	}
}
