package plane

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// How much the heap may grow, in percent, before the garbage collector runs.
//
// The start allocates for good, and collecting would only cost time. Under load a heap that is kept small costs a good part of
// the processor. With nobody there, what a control plane holds changes little: small it is, and the collector runs about
// twice a minute. A fixed limit for the memory would do neither: below what is held it keeps a core busy for ever.
const (
	gcWhileStarting = 400
	gcWhenBusy      = 200
	gcWhenIdle      = 15
)

const (
	// gcSettles is the time after Ready in which the first commands come that waited for it.
	gcSettles = 2 * time.Second
	// gcLooks is how often is looked whether the collector has much to do.
	gcLooks = time.Second
	// gcRests is how many looks without much to do make an idle time.
	gcRests = 15
	// gcMuch is how many collections between two looks are much.
	gcMuch = 2
)

// tend adapts the garbage collector to what there is to do, until ctx ends.
func tend(ctx context.Context) {
	select {
	case <-time.After(gcSettles):
	case <-ctx.Done():
		return
	}
	// Whoever waited for Ready has work for it.
	debug.SetGCPercent(gcWhenBusy)
	looks := time.NewTicker(gcLooks)
	defer looks.Stop()
	busy, quiet, before := true, 0, collections()
	for {
		select {
		case <-looks.C:
		case <-ctx.Done():
			return
		}
		now := collections()
		switch much := now-before >= gcMuch; {
		case much && !busy:
			busy = true
			debug.SetGCPercent(gcWhenBusy)
			fallthrough
		case much:
			quiet = 0
		case busy:
			if quiet++; quiet == gcRests {
				busy, quiet = false, 0
				idle()
				now = collections()
			}
		}
		before = now
	}
}

// idle gives back what is not held.
func idle() {
	debug.SetGCPercent(gcWhenIdle)
	debug.FreeOSMemory()
}

// collections is how often the collector has run.
func collections() uint64 {
	sample := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
