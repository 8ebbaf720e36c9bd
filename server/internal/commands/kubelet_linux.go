package commands

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	logsapi "k8s.io/component-base/logs/api/v1"

	"github.com/sandkube/sandkube/server/internal/logs"
	"github.com/sandkube/sandkube/server/internal/node"
)

// kubelet serves a node, as its configuration says, until TERM, INT or the end of the keeper's pipe.
func kubelet(args []string, errOut io.Writer) int {
	flags := flag.NewFlagSet("kubelet", flag.ContinueOnError)
	flags.SetOutput(errOut)
	file := flags.String("config", "", "the kubelet.json to serve by")
	if err := flags.Parse(args); err != nil {
		return exitRefused
	}
	if *file == "" || flags.NArg() > 0 {
		return refuse(errOut, "kubelet takes --config FILE and nothing else")
	}
	c, err := node.Load(*file)
	if err != nil {
		return refuse(errOut, "%v", err)
	}
	syscall.Umask(0o077)
	log := logs.Open(c.Log)
	defer log.Close()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if c.ParentFD != nil {
		go func() {
			_, _ = io.Copy(io.Discard, os.NewFile(uintptr(*c.ParentFD), "parent"))
			stop()
		}()
	}
	if err := node.Run(ctx, c, logsapi.LoggingOptions{ErrorStream: log, InfoStream: log}); err != nil && ctx.Err() == nil {
		fmt.Fprintf(errOut, "sandkube-server: %v\n", err)
		return exitFailed
	}
	return exitFine
}
