// Package commands is the door of the binary: it decides, by the name it was called with or by the first argument,
// which of its faces answers, and nothing else. Each face is a file of its own.
package commands

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Exit statuses of our own commands; the clients keep those of upstream.
const (
	exitFine    = 0
	exitFailed  = 1 // a component ended by itself
	exitRefused = 2 // a configuration or a command line that cannot be used
)

const usage = `sandkube-server: a Kubernetes control plane in one process

  sandkube-server run --config FILE        serve, as FILE says (contract: internal/config)
  sandkube-server kubelet --config FILE    be a node's kubelet, as FILE says (contract: internal/node)
  sandkube-server template --output FILE   write a bootstrapped datastore that clusters can begin with
  sandkube-server version [-o json]        contract and versions
  sandkube-server kubectl …                kubectl, of the same version
  sandkube-server helm …                   helm

Called by the name kubectl or helm, it is that client.
`

// Main runs the face that args asks for and gives back the exit status of the process.
func Main(args []string) int {
	face, rest := choose(args)
	switch face {
	case "kubectl":
		return kubectl(rest)
	case "helm":
		return helm(rest)
	case "run":
		return run(rest[1:], os.Stderr)
	case "kubelet":
		return kubelet(rest[1:], os.Stderr)
	case "template":
		return makeTemplate(rest[1:], os.Stderr)
	case "version":
		return printVersion(rest[1:], os.Stdout, os.Stderr)
	case "help":
		fmt.Fprint(os.Stdout, usage)
		return exitFine
	}
	return refuse(os.Stderr, "unknown command %q\n\n%s", face, usage)
}

// choose names the face, and gives the arguments as that face would see them: its own name first.
func choose(args []string) (string, []string) {
	name := strings.TrimSuffix(filepath.Base(args[0]), ".exe")
	if name == "kubectl" || name == "helm" {
		return name, args
	}
	if len(args) < 2 {
		return "help", nil
	}
	switch args[1] {
	case "-h", "--help", "help":
		return "help", nil
	case "--version":
		return "version", []string{"version"}
	}
	return args[1], args[1:]
}

func refuse(w io.Writer, format string, a ...any) int {
	fmt.Fprintf(w, "sandkube-server: "+format+"\n", a...)
	return exitRefused
}
