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
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
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

// Identity is what makes a copy of the template a cluster of its own.
type Identity struct {
	// Created is the creation time of every object.
	Created time.Time
	// ServiceRange is what --service-cluster-ip-range says.
	ServiceRange string
}

// Seed makes the datastore at c.Path as a copy of the template that c names, and gives back whether it did. An existing
// datastore is left alone, and so is everything when no template is named or it is not there.
//
// Every object gets a UID and a creation time of its own, and kube-root-ca.crt the CA of this cluster. The copy gets its
// name when it is complete: a crash before that leaves a file that the next start overwrites.
func Seed(c config.Datastore, identity Identity) (bool, error) {
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
	if err := personalise(draft, string(ca), identity); err != nil {
		return false, fmt.Errorf("making the template this cluster's own: %w", err)
	}
	return true, place(draft, c.Path, c.Synchronous != "OFF")
}

// place gives a finished draft its name; lasting, over a power cut too, since what is acknowledged from now on stands on it. A
// write-ahead log that was left beside a database which somebody removed would be replayed over this one.
func place(draft, path string, lasting bool) error {
	for _, suffix := range leftovers {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if !lasting {
		return os.Rename(draft, path)
	}
	if err := toDisk(draft); err != nil {
		return err
	}
	if err := os.Rename(draft, path); err != nil {
		return err
	}
	return toDisk(filepath.Dir(path))
}

// leftovers are the files that SQLite keeps beside a database.
var leftovers = []string{"-wal", "-shm", "-journal"}

// toDisk has the system write out a file, or the entries of a folder.
func toDisk(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
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
	for _, suffix := range append([]string{""}, leftovers...) {
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

func personalise(path, ca string, identity Identity) error {
	created := metav1.NewTime(identity.Created.UTC().Truncate(time.Second))
	return rewrite(path, func(object runtime.Object) (verdict, error) {
		accessor, err := meta.Accessor(object)
		if err != nil {
			return keep, err
		}
		accessor.SetUID(uuid.NewUUID())
		accessor.SetCreationTimestamp(created)
		switch o := object.(type) {
		case *corev1.ConfigMap:
			if o.Name == RootCAConfigMap {
				o.Data = map[string]string{"ca.crt": ca}
			}
		case *networkingv1.ServiceCIDR:
			// The API server makes it of its own flag; a copy of it saves a fifth of a second, if it is the same.
			if strings.Join(o.Spec.CIDRs, ",") != identity.ServiceRange {
				return drop, nil
			}
		}
		return store, nil
	})
}

// verdict says what becomes of an object.
type verdict int

const (
	keep verdict = iota
	store
	drop
)

// rewrite gives every object of the file at path to judge, which may change it, and does what it says, in one transaction.
func rewrite(path string, judge func(runtime.Object) (verdict, error)) error {
	db, err := Open(path)
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
	for _, row := range rows {
		value, what, err := row.judged(judge)
		if err != nil {
			return fmt.Errorf("%s: %w", row.name, err)
		}
		switch what {
		case store:
			_, err = tx.ExecContext(ctx, "UPDATE kine SET value = ? WHERE id = ?", value, row.id)
		case drop:
			_, err = tx.ExecContext(ctx, "DELETE FROM kine WHERE id = ?", row.id)
		}
		if err != nil {
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

// judged gives what becomes of a row, and its new bytes if it is stored.
func (r row) judged(judge func(runtime.Object) (verdict, error)) ([]byte, verdict, error) {
	if !isProtobuf(r.value) && !isJSON(r.value) {
		return nil, keep, nil // not an object
	}
	for _, s := range schemes {
		// The universal deserializer does not convert: an object is read and written in the version it was stored in.
		object, gvk, err := s.codecs.UniversalDeserializer().Decode(r.value, nil, nil)
		if runtime.IsNotRegisteredError(err) {
			continue
		}
		if err != nil {
			return nil, keep, err
		}
		what, err := judge(object)
		if err != nil || what != store {
			return nil, what, err
		}
		object.GetObjectKind().SetGroupVersionKind(*gvk)
		value, err := runtime.Encode(s.encoder(r.value), object)
		return value, store, err
	}
	return nil, keep, errors.New("no scheme knows this object")
}

// The prefix is that of k8s.io/apimachinery/pkg/runtime/serializer/protobuf.
func isProtobuf(value []byte) bool { return bytes.HasPrefix(value, []byte("k8s\x00")) }

func isJSON(value []byte) bool { return bytes.HasPrefix(value, []byte("{\"")) }

type knownScheme struct {
	scheme *runtime.Scheme
	codecs serializer.CodecFactory
}

// schemes are upstream's own of all that a control plane stores before anybody uses it.
var schemes = []knownScheme{
	{legacyscheme.Scheme, legacyscheme.Codecs},
	{aggregatorscheme.Scheme, aggregatorscheme.Codecs},
}

// encoder writes in the format in which like was stored.
func (s knownScheme) encoder(like []byte) runtime.Encoder {
	if isProtobuf(like) {
		return protobuf.NewSerializer(s.scheme, s.scheme)
	}
	return json.NewSerializerWithOptions(json.DefaultMetaFactory, s.scheme, s.scheme, json.SerializerOptions{})
}
