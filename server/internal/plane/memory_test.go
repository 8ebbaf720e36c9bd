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

func TestMuchMoreWorkIsFollowedAtOnce(t *testing.T) {
	f := &follower{}
	if !f.follow(20) || f.percent != 20 {
		t.Fatalf("%+v does not begin with the first look", f)
	}
	if f.follow(60) {
		t.Fatalf("%+v follows a single look", f)
	}
	if !f.follow(50) || f.percent != 50 {
		t.Fatalf("%+v does not follow two in a row that allow more than twice as much", f)
	}
	if f.follow(101); f.follow(90) || f.follow(101) {
		t.Fatalf("%+v follows two that are not in a row", f)
	}
	if !f.follow(201) || f.percent != 201 {
		t.Fatalf("%+v does not follow one that allows more than four times as much", f)
	}
}

func TestSteadyWorkGetsTheSameHeap(t *testing.T) {
	f := &follower{percent: 40}
	for look := range 10 * gcWindow {
		if f.follow(30 + 25*(look%2)) {
			t.Fatalf("look %d: %+v followed", look, f)
		}
	}
}

func TestLessWorkIsFollowedAfterAWindow(t *testing.T) {
	f := &follower{percent: 40}
	for look := range gcWindow {
		if last := look == gcWindow-1; f.follow(20+look%2) != last {
			t.Fatalf("look %d: %+v", look, f)
		}
	}
	if f.percent != 20 {
		t.Fatalf("%+v has not the mean of the window", f)
	}
	for range gcWindow { // near the least it is the least, and the memory is given back
		f.follow(gcLeast)
	}
	if f.percent != gcLeast {
		t.Fatalf("%+v does not come to rest", f)
	}
}
