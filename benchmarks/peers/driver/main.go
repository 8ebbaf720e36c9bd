// Command driver asks an API server as many clients at once, and says how long it waited for the answers.
//
// It is written in Go, with net/http alone, because it runs on the machine that it measures: a request costs it about a tenth of
// what it costs Python, no answer is decoded that need not be, and no client-side limit stands in the way. What it used of the
// processor is in its report, to be judged beside the server's. Each client has a connection of its own, as it has in life.
//
//	driver -server URL -ca FILE -cert FILE -key FILE fill     -objects N
//	driver …                                         latency  -clients N -seconds S
//	driver …                                         load     -clients N -seconds S -rate R
//	driver …                                         soak     -clients N -seconds S -rate R -seed S -history FILE
//
// On standard output is one JSON object, and with soak one a line every ten seconds.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options are what all commands take; each uses its part.
type options struct {
	access
	clients int
	seconds float64
	rate    float64
	objects int
	seed    int64
	history string
}

func (o *options) duration() time.Duration { return time.Duration(o.seconds * float64(time.Second)) }

var commands = map[string]func(context.Context, *options) error{
	"fill":    fill,
	"latency": latency,
	"load":    load,
	"soak":    soak,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
		os.Exit(2)
	}
}

func run(ctx context.Context, args []string) error {
	o := &options{}
	common := flag.NewFlagSet("driver", flag.ContinueOnError)
	common.StringVar(&o.server, "server", "", "URL of the API server")
	common.StringVar(&o.ca, "ca", "", "certificate that it is checked by")
	common.StringVar(&o.cert, "cert", "", "the client's certificate")
	common.StringVar(&o.key, "key", "", "its key")
	if err := common.Parse(args); err != nil {
		return err
	}
	command, known := commands[common.Arg(0)]
	if !known {
		return errors.New("a command is needed: fill, latency, load or soak")
	}
	own := flag.NewFlagSet(common.Arg(0), flag.ContinueOnError)
	own.IntVar(&o.clients, "clients", 1, "how many at once")
	own.Float64Var(&o.seconds, "seconds", 5, "how long; with latency: for each operation")
	own.Float64Var(&o.rate, "rate", 50, "requests a second, of all clients together")
	own.IntVar(&o.objects, "objects", 1000, "how many objects there are to be")
	own.Int64Var(&o.seed, "seed", 1, "what the mix is drawn from")
	own.StringVar(&o.history, "history", "", "file that every write and watch event is recorded in")
	if err := own.Parse(common.Args()[1:]); err != nil {
		return err
	}
	return command(ctx, o)
}

// say prints one line of the report.
func say(document any) error { return json.NewEncoder(os.Stdout).Encode(document) }

// cpuSeconds is what this process has used of the processor.
func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}
