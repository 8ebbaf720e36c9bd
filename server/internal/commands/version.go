package commands

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"

	"github.com/sandkube/sandkube/server/internal/version"
)

func printVersion(args []string, out, errOut io.Writer) int {
	flags := flag.NewFlagSet("version", flag.ContinueOnError)
	flags.SetOutput(errOut)
	format := flags.String("o", "text", "text or json")
	if err := flags.Parse(args); err != nil {
		return exitRefused
	}
	info := version.Get()
	switch *format {
	case "json":
		if err := json.NewEncoder(out).Encode(info); err != nil {
			return exitFailed
		}
	case "text":
		fmt.Fprintf(out, "sandkube-server %s (contract %d)\nKubernetes %s, kine %s, helm %s, built with %s for %s\n",
			info.Version, info.Contract, info.Kubernetes, info.Kine, info.Helm, info.Go, info.Platform)
	default:
		return refuse(errOut, "-o takes text or json, not %q", *format)
	}
	return exitFine
}
