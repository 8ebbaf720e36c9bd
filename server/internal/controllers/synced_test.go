package controllers

import (
	"context"
	"testing"

	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

type speaker struct{}

func (speaker) Run(ctx context.Context) { cache.WaitForNamedCacheSyncWithContext(ctx) }

type other struct{}

func (other) Run(ctx context.Context) { cache.WaitForNamedCacheSyncWithContext(ctx) }

const here = "github.com/sandkube/sandkube/server/internal/controllers."

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestEveryPlaceMustBeHeard(t *testing.T) {
	w := newSyncWatch([]string{here + "speaker.Run", here + "other.Run"})
	ctx := w.into(context.Background())
	speaker{}.Run(ctx)
	speaker{}.Run(ctx) // twice is once
	if closed(w.done) {
		t.Fatal("one of two was enough")
	}
	// Controllers are free to name their logger and to add values to it.
	logger := klog.LoggerWithValues(klog.LoggerWithName(klog.FromContext(ctx), "name"), "key", "value")
	other{}.Run(klog.NewContext(ctx, logger))
	if !closed(w.done) {
		t.Error("the second was not heard")
	}
}

func TestNothingToWaitForIsDone(t *testing.T) {
	if !closed(newSyncWatch(nil).done) {
		t.Error("it waits for nobody for ever")
	}
}

func TestADisabledControllerIsNotAwaited(t *testing.T) {
	for flag, enabled := range map[string]bool{
		"*": true, "*,-garbage-collector-controller": false, "*,-garbagecollector": false, "namespace-controller": false, "garbagecollector": true,
	} {
		o, err := NewOptions([]string{"--controllers=" + flag})
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Parse(); err != nil {
			t.Fatal(err)
		}
		if got := o.Enabled("garbage-collector-controller"); got != enabled {
			t.Errorf("--controllers=%s: enabled %v", flag, got)
		}
	}
}
