package datastore

import (
	"context"
	"errors"
	"testing"

	kineserver "github.com/k3s-io/kine/pkg/server"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// lying is kine as it is when its database takes nothing: key is at revision 7, and the newest revision is 9.
type lying struct{ kineserver.Backend }

func (lying) Get(_ context.Context, key string, _ int64, _ bool) (int64, *kineserver.KeyValue, error) {
	if key == "there" {
		return 9, &kineserver.KeyValue{Key: key, ModRevision: 7}, nil
	}
	return 9, nil, nil
}

func (lying) Create(context.Context, string, []byte, int64) (int64, error) { return 9, nil }

func (b lying) Update(ctx context.Context, key string, _ []byte, _, _ int64) (int64, *kineserver.KeyValue, bool, error) {
	now, found, err := b.Get(ctx, key, 0, false)
	return now, found, false, err
}

func (b lying) Delete(ctx context.Context, key string, _ int64) (int64, *kineserver.KeyValue, bool, error) {
	now, found, err := b.Get(ctx, key, 0, false)
	return now, found, false, err
}

func TestAWriteThatWasNotDoneIsNotAcknowledged(t *testing.T) {
	ctx, b := context.Background(), acknowledged{lying{}}
	if revision, err := b.Create(ctx, "new", nil, 0); err == nil {
		t.Errorf("created at %d", revision)
	}
	if _, _, _, err := b.Update(ctx, "there", nil, 7, 0); err == nil {
		t.Error("an update that failed is taken for a conflict")
	}
	if _, _, _, err := b.Delete(ctx, "there", 7); err == nil {
		t.Error("a deletion that failed is taken for a conflict")
	}
}

// anew is kine that created a key anew at revision 8, and says the current one.
type anew struct{ lying }

func (anew) Create(ctx context.Context, _ string, _ []byte, _ int64) (int64, error) {
	writtenBy(ctx).committed(8)
	return 9, nil
}

func TestACreateSaysItsOwnRevision(t *testing.T) {
	if revision, err := (acknowledged{anew{}}).Create(context.Background(), "again", nil, 0); err != nil || revision != 8 {
		t.Errorf("created at %d: %v", revision, err)
	}
}

func TestAConflictStaysOne(t *testing.T) {
	ctx, b := context.Background(), acknowledged{lying{}}
	if _, found, updated, err := b.Update(ctx, "there", nil, 5, 0); err != nil || updated || found.ModRevision != 7 {
		t.Errorf("update: %v %v %v", found, updated, err)
	}
	if _, found, deleted, err := b.Delete(ctx, "there", 5); err != nil || deleted || found.ModRevision != 7 {
		t.Errorf("delete: %v %v %v", found, deleted, err)
	}
	if _, _, updated, err := b.Update(ctx, "absent", nil, 5, 0); err != nil || updated {
		t.Errorf("update of what is not there: %v %v", updated, err)
	}
}

func TestWhatIsTooLargeForEtcdIsTooLarge(t *testing.T) {
	ctx, b, value := context.Background(), acknowledged{lying{}}, make([]byte, maxRequest)
	if _, err := b.Create(ctx, "new", value, 0); !errors.Is(err, rpctypes.ErrGRPCRequestTooLarge) {
		t.Errorf("create: %v", err)
	}
	if _, _, _, err := b.Update(ctx, "there", value, 5, 0); !errors.Is(err, rpctypes.ErrGRPCRequestTooLarge) {
		t.Errorf("update: %v", err)
	}
}
