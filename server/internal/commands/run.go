package commands

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/klog/v2"

	"github.com/sandkube/sandkube/server/internal/config"
	"github.com/sandkube/sandkube/server/internal/datastore"
	"github.com/sandkube/sandkube/server/internal/events"
	"github.com/sandkube/sandkube/server/internal/logs"
	"github.com/sandkube/sandkube/server/internal/plane"
	"github.com/sandkube/sandkube/server/internal/version"
)

// begun is close to exec: package variables are set before main.
var begun = time.Now()

func run(args []string, errOut io.Writer) int {
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.SetOutput(errOut)
	file := flags.String("config", "", "the server.json to serve by")
	if err := flags.Parse(args); err != nil {
		return exitRefused
	}
	if *file == "" || flags.NArg() > 0 {
		return refuse(errOut, "run takes --config FILE and nothing else")
	}
	c, err := config.Load(*file)
	if err != nil {
		return refuse(errOut, "%v", err)
	}
	return serve(c, errOut)
}

// serve runs the control plane that c describes, from the first file to the exit status.
func serve(c *config.Config, errOut io.Writer) int {
	syscall.Umask(0o077)
	// The lock comes before the first event: a second server must not write into the story of the first.
	lock, err := datastore.Lock(c.Datastore.Path)
	if err != nil {
		return refuse(errOut, "%v", err)
	}
	recorder, err := events.Open(c.Events, begun)
	if err != nil {
		return refuse(errOut, "%v", err)
	}
	recorder.Starting(version.Version, datastore.WillSeed(c.Datastore))
	log := logs.Open(c.Log)
	defer log.Close()
	end := &ending{recorder: recorder, log: log}
	klog.OsExit = end.fatal

	listener, err := listen(c.Listener)
	if err != nil {
		return end.refused(errOut, err)
	}
	p, err := plane.New(c, listener, logsapi.LoggingOptions{ErrorStream: log, InfoStream: log}, observer{recorder, end})
	if err != nil {
		return end.refused(errOut, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stopWhenAsked(c, recorder, cancel)
	err = p.Run(ctx, lock)
	klog.Flush()
	return end.ran(errOut, err)
}

// observer is told by the plane what happens, and passes it to who needs it.
type observer struct {
	*events.Recorder
	end *ending
}

func (o observer) Unwinding() { o.end.unwinding.Store(true) }

// ending writes the last event, whichever way the process ends; only the first to ask is heard.
type ending struct {
	recorder  *events.Recorder
	log       *logs.Log
	once      sync.Once
	unwinding atomic.Bool
}

func (e *ending) refused(errOut io.Writer, err error) int {
	e.once.Do(func() { e.recorder.Failed("", err.Error()) })
	return refuse(errOut, "%v", err)
}

func (e *ending) ran(errOut io.Writer, err error) int {
	if err == nil {
		e.once.Do(e.recorder.Stopped)
		return exitFine
	}
	e.once.Do(func() {
		var failure *plane.Failure
		if errors.As(err, &failure) {
			e.recorder.Failed(failure.Component, failure.Err.Error())
			return
		}
		e.recorder.Failed("", err.Error())
	})
	fmt.Fprintf(errOut, "sandkube-server: %v\n", err)
	return exitFailed
}

// fatal stands in for os.Exit in klog: upstream ends the process in many places, after it has logged why.
//
// While everything is being stopped, some of those places complain that they were: their goroutine is held, and the stop goes on.
func (e *ending) fatal(int) {
	if e.unwinding.Load() {
		select {}
	}
	e.once.Do(func() {
		reason := e.log.Complaint()
		if reason == "" {
			reason = "a component ended the process without saying why"
		}
		e.recorder.Failed("", reason)
	})
	e.log.Close()
	os.Exit(exitFailed)
}

func listen(l config.Listener) (net.Listener, error) {
	if l.FD == nil {
		listener, err := net.Listen("tcp", l.Address)
		if err != nil {
			return nil, fmt.Errorf("listening: %w", err)
		}
		return listener, nil
	}
	file := os.NewFile(uintptr(*l.FD), "listener")
	defer file.Close()
	listener, err := net.FileListener(file)
	if err != nil {
		return nil, fmt.Errorf("file descriptor %d, which the configuration names, is no listening socket: %w", *l.FD, err)
	}
	return listener, nil
}

// twice is how long after the first signal another one is taken for the same: timeout(1) and terminals signal a process and
// its group.
const twice = time.Second

// stopWhenAsked calls stop at TERM or INT, and at the end of the parent's pipe. Another signal, later, ends the process at once.
func stopWhenAsked(c *config.Config, recorder *events.Recorder, stop context.CancelFunc) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	reasons := make(chan string, 2)
	go func() {
		reasons <- "signal " + (<-signals).String()
		for begun := time.Now(); ; {
			<-signals
			if time.Since(begun) > twice {
				os.Exit(128 + int(syscall.SIGTERM))
			}
		}
	}()
	if c.ParentFD != nil {
		go func() {
			pipe := os.NewFile(uintptr(*c.ParentFD), "parent")
			_, _ = io.Copy(io.Discard, pipe)
			reasons <- "parent ended"
		}()
	}
	go func() {
		recorder.Stopping(<-reasons)
		stop()
	}()
}
