package datastore

import (
	"context"
	"fmt"

	kineserver "github.com/k3s-io/kine/pkg/server"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// acknowledged is a backend that says a write was done only when it was.
//
// kine v0.17.5 takes every failed insert for one that met an existing key, and looks for that key. A create that failed for
// another reason, such as a full disk, finds none and is reported as done, at the current revision; an update finds the very
// revision it asked for and is reported as a conflict, which the API server tries again for ever.
//
// And it takes no more than etcd does by default, so that an object is too large here where it would be elsewhere.
type acknowledged struct{ kineserver.Backend }

// maxRequest is etcd's --max-request-bytes; the API server knows the error.
const maxRequest = 3 << 19 // 1.5 MiB

func tooLarge(key string, value []byte) bool { return len(key)+len(value) > maxRequest }

// Create says at which revision the key was created. For a key that was there before and deleted, kine says what it last knew
// as the current revision, which is another one if anybody else writes: the API server would give out the object with a
// resourceVersion that is not its own.
func (b acknowledged) Create(ctx context.Context, key string, value []byte, lease int64) (int64, error) {
	if tooLarge(key, value) {
		return 0, rpctypes.ErrGRPCRequestTooLarge
	}
	ctx, wrote := telling(ctx)
	revision, err := b.Backend.Create(ctx, key, value, lease)
	if err != nil {
		return revision, err
	}
	if wrote.revision == 0 {
		return 0, notWritten(key)
	}
	return wrote.revision, nil
}

// Update tells a conflict from a write that failed: only a conflict has another revision.
func (b acknowledged) Update(ctx context.Context, key string, value []byte, revision, lease int64) (int64, *kineserver.KeyValue, bool, error) {
	if tooLarge(key, value) {
		return 0, nil, false, rpctypes.ErrGRPCRequestTooLarge
	}
	now, found, updated, err := b.Backend.Update(ctx, key, value, revision, lease)
	if err == nil && !updated && found != nil && found.ModRevision == revision {
		return now, nil, false, notWritten(key)
	}
	return now, found, updated, err
}

// Delete does the same for deletions. Revision 0 asks for none, so there is no conflict to have.
func (b acknowledged) Delete(ctx context.Context, key string, revision int64) (int64, *kineserver.KeyValue, bool, error) {
	now, found, deleted, err := b.Backend.Delete(ctx, key, revision)
	if err == nil && !deleted && found != nil && found.ModRevision == revision {
		return now, nil, false, notWritten(key)
	}
	return now, found, deleted, err
}

func notWritten(key string) error {
	return fmt.Errorf("the database did not take the write of %s; is there space on its disk?", key)
}

// written is what became of the last write that was asked for with a context.
type written struct{ revision int64 }

type writtenKey struct{}

// telling gives a context whose writes are noted, and the note.
func telling(ctx context.Context) (context.Context, *written) {
	w := &written{}
	return context.WithValue(ctx, writtenKey{}, w), w
}

// writtenBy gives the note of a context, nil where there is none.
func writtenBy(ctx context.Context) *written {
	w, _ := ctx.Value(writtenKey{}).(*written)
	return w
}

// committed notes a revision; 0 where a transaction wrote none.
func (w *written) committed(revision int64) {
	if w != nil {
		w.revision = revision
	}
}
