package datastore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/util/uuid"
	aggregatorscheme "k8s.io/kube-aggregator/pkg/apiserver/scheme"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/controlplane" // registers every API in the scheme

	"github.com/sandkube/sandkube/server/internal/config"
)

// RootCAConfigMap is the ConfigMap that upstream's root-CA controller publishes in every namespace.
const RootCAConfigMap = "kube-root-ca.crt"

// Seed makes the datastore at c.Path as a copy of the template that c names, and gives back whether it did. An existing
// datastore is left alone, and so is everything when no template is named or it is not there.
//
// Every object gets a UID and a creation time of its own, and kube-root-ca.crt the CA of this cluster. The copy gets its
// name when it is complete: a crash before that leaves a file that the next start overwrites.
func Seed(c config.Datastore, now time.Time) (bool, error) {
	if c.Template == "" {
		return false, nil
	}
	if _, err := os.Stat(c.Path); !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	ca, err := os.ReadFile(c.RootCAFile)
	if err != nil {
		return false, fmt.Errorf("reading the CA for the template: %w", err)
	}
	draft := c.Path + ".new"
	if err := copyFile(c.Template, draft); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return false, nil
		}
		return false, fmt.Errorf("copying the template: %w", err)
	}
	if err := personalise(draft, string(ca), now); err != nil {
		return false, fmt.Errorf("making the template this cluster's own: %w", err)
	}
	if err := os.Rename(draft, c.Path); err != nil {
		return false, err
	}
	return true, nil
}

// WillSeed says whether Seed would make a datastore of the template.
func WillSeed(c config.Datastore) bool {
	if c.Template == "" {
		return false
	}
	_, noData := os.Stat(c.Path)
	_, noTemplate := os.Stat(c.Template)
	return errors.Is(noData, os.ErrNotExist) && noTemplate == nil
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(to + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	target, err := os.OpenFile(filepath.Clean(to), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(target, source); err != nil {
		return errors.Join(err, target.Close())
	}
	return target.Close()
}

func personalise(path, ca string, now time.Time) error {
	return rewrite(path, func(object runtime.Object) (bool, error) {
		accessor, err := meta.Accessor(object)
		if err != nil {
			return false, err
		}
		accessor.SetUID(uuid.NewUUID())
		accessor.SetCreationTimestamp(metav1.NewTime(now.UTC().Truncate(time.Second)))
		if cm, ok := object.(*corev1.ConfigMap); ok && cm.Name == RootCAConfigMap {
			cm.Data = map[string]string{"ca.crt": ca}
		}
		return true, nil
	})
}

// rewrite gives every object of the file at path to change, and stores what it says was changed, in one transaction.
func rewrite(path string, change func(runtime.Object) (bool, error)) error {
	db, err := open(path)
	if err != nil {
		return err
	}
	defer db.Close()
	ctx := context.Background()
	// This file is a draft: whether it survives a crash does not matter, and neither does a reader beside us.
	if _, err := db.ExecContext(ctx, "PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY"); err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	rows, err := readRows(ctx, tx)
	if err != nil {
		return err
	}
	update, err := tx.PrepareContext(ctx, "UPDATE kine SET value = ? WHERE id = ?")
	if err != nil {
		return err
	}
	defer update.Close()
	for _, row := range rows {
		value, err := row.changed(change)
		if err != nil {
			return fmt.Errorf("%s: %w", row.name, err)
		}
		if value == nil {
			continue
		}
		if _, err := update.ExecContext(ctx, value, row.id); err != nil {
			return err
		}
	}
	return tx.Commit()
}

type row struct {
	id    int64
	name  string
	value []byte
}

func readRows(ctx context.Context, tx *sql.Tx) ([]row, error) {
	result, err := tx.QueryContext(ctx, "SELECT id, name, value FROM kine WHERE name LIKE '/registry/%' AND value IS NOT NULL")
	if err != nil {
		return nil, err
	}
	defer result.Close()
	var rows []row
	for result.Next() {
		var r row
		if err := result.Scan(&r.id, &r.name, &r.value); err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, result.Err()
}

// changed gives the new bytes of a row, or nil where it stays as it is.
func (r row) changed(change func(runtime.Object) (bool, error)) ([]byte, error) {
	if !isProtobuf(r.value) && !isJSON(r.value) {
		return nil, nil // not an object: the API server's own health probe, for one
	}
	for _, s := range schemes {
		// The universal deserializer does not convert: an object is read and written in the version it was stored in.
		object, gvk, err := s.codecs.UniversalDeserializer().Decode(r.value, nil, nil)
		if runtime.IsNotRegisteredError(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		write, err := change(object)
		if err != nil || !write {
			return nil, err
		}
		object.GetObjectKind().SetGroupVersionKind(*gvk)
		if isProtobuf(r.value) {
			return runtime.Encode(protobuf.NewSerializer(s.scheme, s.scheme), object)
		}
		return runtime.Encode(json.NewSerializerWithOptions(json.DefaultMetaFactory, s.scheme, s.scheme, json.SerializerOptions{}), object)
	}
	return nil, errors.New("no scheme knows this object")
}

// The prefix is that of k8s.io/apimachinery/pkg/runtime/serializer/protobuf.
func isProtobuf(value []byte) bool { return bytes.HasPrefix(value, []byte("k8s\x00")) }

func isJSON(value []byte) bool { return bytes.HasPrefix(value, []byte("{\"")) }

// schemes are upstream's own of all that a control plane stores before anybody uses it.
var schemes = []struct {
	scheme *runtime.Scheme
	codecs serializer.CodecFactory
}{
	{legacyscheme.Scheme, legacyscheme.Codecs},
	{aggregatorscheme.Scheme, aggregatorscheme.Codecs},
}
