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
// pages that can never be given back. A fixed limit for the memory would do neither: below what is held it keeps a core busy
// for ever.
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
	// gcRests is how many looks have to allow less before the heap may grow less.
	gcRests = 15
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

// follower follows what is allowed: at once upward, and downward to the most of the last looks.
type follower struct {
	percent int
	most    int // of the looks that allowed less, one after the other
	rests   int // how many those are
}

// follow takes what one look allows, and tells whether the percentage is another one now.
func (f *follower) follow(allowed int) bool {
	if allowed >= f.percent {
		changed := allowed > f.percent
		f.percent, f.most, f.rests = allowed, 0, 0
		return changed
	}
	f.most = max(f.most, allowed)
	if f.rests++; f.rests < gcRests {
		return false
	}
	f.percent, f.most, f.rests = f.most, 0, 0
	return true
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
