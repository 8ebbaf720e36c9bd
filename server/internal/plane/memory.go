package plane

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// How much the heap may grow, in percent of what is held, before the garbage collector runs.
//
// The start allocates for good, and collecting would only cost time. After it, the heap may grow by what is allocated in
// gcEvery: a collection costs the same however much it finds, so little work gets a small heap, and much work is not spent on
// collecting. More than gcGarbage, or than what is held where that is more, it may not grow: what stays would be scattered over
// pages that can never be given back. For the same reason steady work gets the same heap all the time, however much one second
// differs from the next: the memory never falls far below the highest that the heap ever was. A fixed limit for the memory would
// do none of this: below what is held it keeps a core busy for ever.
const (
	gcWhileStarting = 400
	gcLeast         = 15
	gcMost          = 200
	gcGarbage       = 96 << 20
	gcEvery         = 2 * time.Second
)

const (
	// gcSettles is the time after Ready in which the first commands come that waited for it.
	gcSettles = 2 * time.Second
	// gcLooks is how often is looked how much was allocated.
	gcLooks = time.Second
	// gcWindow is how many looks are taken together.
	gcWindow = 15
)

// tend adapts the garbage collector to what there is to do, until ctx ends.
func tend(ctx context.Context) {
	select {
	case <-time.After(gcSettles):
	case <-ctx.Done():
		return
	}
	// Whoever waited for Ready has work for it.
	following := &follower{}
	following.follow(allowed(gcGarbage, held()))
	debug.SetGCPercent(following.percent)
	looks := time.NewTicker(gcLooks)
	defer looks.Stop()
	before := allocated()
	for {
		select {
		case <-looks.C:
		case <-ctx.Done():
			return
		}
		now := allocated()
		if following.follow(allowed(now-before, held())) {
			debug.SetGCPercent(following.percent)
			if following.percent == gcLeast {
				debug.FreeOSMemory()
			}
		}
		before = now
	}
}

// allowed is how much the heap may grow, in percent of the bytes that are held, where so many are allocated between two looks.
func allowed(allocated, held uint64) int {
	held = max(held, 1)
	most := min(max(100*gcGarbage/held, 100), gcMost)
	wanted := 100 * allocated * uint64(gcEvery/gcLooks) / held
	return int(min(max(wanted, gcLeast), most))
}

// follower follows what is allowed: at once where much more work has come, and otherwise only where a whole window of looks says
// that the work has become another.
type follower struct {
	percent int
	sum     int // of the looks of this window
	looks   int // how many those are
	above   int // how many of the last looks allowed more than twice as much
}

// follow takes what one look allows, and tells whether the percentage is another one now.
func (f *follower) follow(allowed int) bool {
	f.sum += allowed
	f.looks++
	if allowed > 2*f.percent {
		f.above++
	} else {
		f.above = 0
	}
	if f.above == 2 || allowed > 4*f.percent {
		return f.set(allowed)
	}
	if f.looks < gcWindow {
		return false
	}
	switch mean := f.sum / f.looks; {
	case mean < gcLeast+gcLeast/4: // hardly any work
		return f.set(gcLeast)
	case 2*mean > 3*f.percent, 3*mean < 2*f.percent:
		return f.set(mean)
	}
	return f.set(f.percent)
}

// set begins a new window.
func (f *follower) set(percent int) bool {
	changed := percent != f.percent
	*f = follower{percent: percent}
	return changed
}

// held is how many bytes of the heap the last collection found in use.
func held() uint64 { return metric("/gc/heap/live:bytes") }

// allocated is how many bytes have been allocated since the process began.
func allocated() uint64 { return metric("/gc/heap/allocs:bytes") }

func metric(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
