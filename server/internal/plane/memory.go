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
// the processor, and one that is left to grow scatters what stays over pages that can never be given back: garbage may add
// gcGarbage, or as much as is held where that is more. With nobody there, what a control plane holds changes little: small it
// is, and the collector runs about twice a minute. A fixed limit for the memory would do neither: below what is held it keeps a
// core busy for ever.
const (
	gcWhileStarting = 400
	gcWhenBusyLeast = 100
	gcWhenBusyMost  = 200
	gcWhenIdle      = 15
	gcGarbage       = 96 << 20
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
	debug.SetGCPercent(whenBusy(held()))
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
			fallthrough
		case much:
			debug.SetGCPercent(whenBusy(held()))
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

// whenBusy is how much the heap may grow under load, in percent of the bytes that are held.
func whenBusy(held uint64) int {
	return int(min(max(100*gcGarbage/max(held, 1), gcWhenBusyLeast), gcWhenBusyMost))
}

// held is how many bytes of the heap the last collection found in use.
func held() uint64 { return metric("/gc/heap/live:bytes") }

// collections is how often the collector has run.
func collections() uint64 { return metric("/gc/cycles/total:gc-cycles") }

func metric(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
