package plane

import "testing"

func TestTheHeapMayGrowByWhatTwoSecondsAllocate(t *testing.T) {
	const mb = 1 << 20
	for _, one := range []struct {
		allocated, held uint64
		want            int
	}{
		{0, 100 * mb, gcLeast},
		{1 * mb, 100 * mb, gcLeast},
		{20 * mb, 100 * mb, 40},
		{200 * mb, 100 * mb, 100},   // as much as is held
		{200 * mb, 64 * mb, 150},    // 96 MB
		{200 * mb, 10 * mb, gcMost}, // and never more
		{200 * mb, 0, gcMost},       // before the first collection
		{10 << 40, 100 << 20, 100},  // no overflow
	} {
		if got := allowed(one.allocated, one.held); got != one.want {
			t.Errorf("allowed(%d, %d) is %d, not %d", one.allocated, one.held, got, one.want)
		}
	}
}

func TestItFollowsUpAtOnceAndDownAfterARest(t *testing.T) {
	f := &follower{}
	if !f.follow(50) || f.percent != 50 {
		t.Fatalf("%+v does not follow upward", f)
	}
	if f.follow(50) {
		t.Fatalf("%+v tells a change that is none", f)
	}
	for look := range gcRests {
		changed := f.follow(15 + look)
		if last := look == gcRests-1; changed != last {
			t.Fatalf("look %d: changed is %t", look, changed)
		}
	}
	if want := 15 + gcRests - 1; f.percent != want {
		t.Fatalf("it went down to %d, and the most of these looks is %d", f.percent, want)
	}
	for range gcRests - 1 {
		f.follow(gcLeast)
	}
	if f.follow(f.percent); f.rests != 0 {
		t.Fatalf("%+v does not begin its rest again", f)
	}
}
