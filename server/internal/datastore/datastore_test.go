package datastore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/kubernetes/pkg/api/legacyscheme"

	"github.com/sandkube/sandkube/server/internal/config"
)

func TestMain(m *testing.M) {
	logrus.SetOutput(io.Discard)
	os.Exit(m.Run())
}

func settings(t *testing.T, path string) config.Datastore {
	t.Helper()
	// t.TempDir() is too long for a socket.
	short, err := os.MkdirTemp("", "sk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(short) })
	return config.Datastore{Path: path, Socket: filepath.Join(short, "kine.sock"), Synchronous: "OFF"}
}

// running starts a datastore and gives a client of it, and a function that stops both.
func running(t *testing.T, c config.Datastore) (*clientv3.Client, func()) {
	t.Helper()
	lock, err := Lock(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Start(c, lock)
	if err != nil {
		t.Fatal(err)
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{d.Endpoint()}, DialTimeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return client, func() {
		_ = client.Close()
		d.Stop()
	}
}

// create writes as the API server does: kine takes no other kind of transaction.
func create(t *testing.T, client *clientv3.Client, key, value string) {
	t.Helper()
	answer, err := client.Txn(context.Background()).
		If(clientv3.Compare(clientv3.ModRevision(key), "=", 0)).
		Then(clientv3.OpPut(key, value)).
		Else(clientv3.OpGet(key)).Commit()
	if err != nil || !answer.Succeeded {
		t.Fatalf("creating %s: %v %v", key, answer, err)
	}
}

func encoded(t *testing.T, object runtime.Object) string {
	t.Helper()
	gvks, _, err := legacyscheme.Scheme.ObjectKinds(object)
	if err != nil {
		t.Fatal(err)
	}
	object.GetObjectKind().SetGroupVersionKind(gvks[0])
	data, err := runtime.Encode(protobuf.NewSerializer(legacyscheme.Scheme, legacyscheme.Scheme), object)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestWhatWasWrittenIsThereAfterAStop(t *testing.T) {
	for _, folder := range []string{"plain", "with spaces, 100% #odd?", strings.Repeat("long", 40)} {
		path := filepath.Join(t.TempDir(), folder, "state.db")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		c := settings(t, path)
		client, stop := running(t, c)
		create(t, client, "/registry/a", "b")
		stop()
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s: the database is elsewhere: %v", folder, err)
		}
		if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
			t.Errorf("%s: the log was not written back", folder)
		}
		client, stop = running(t, c)
		answer, err := client.Get(context.Background(), "/registry/a")
		if err != nil || len(answer.Kvs) != 1 || string(answer.Kvs[0].Value) != "b" {
			t.Errorf("%s: %v, %v", folder, answer, err)
		}
		stop()
	}
}

// A name that is deleted and created again, while others write: each answer has the revision of its own write.
func TestACreatedAgainKeyHasItsOwnRevision(t *testing.T) {
	client, stop := running(t, settings(t, filepath.Join(t.TempDir(), "state.db")))
	defer stop()
	ctx, done := context.WithCancel(context.Background())
	defer done()
	for _, other := range []string{"/a", "/b"} {
		go again(ctx, client, other, nil)
	}
	ctx, stopHere := context.WithTimeout(ctx, time.Minute)
	defer stopHere()
	for range 100 {
		again(ctx, client, "/again", func(created int64) {
			found, err := client.Get(ctx, "/again")
			if err != nil || len(found.Kvs) != 1 {
				t.Fatalf("it is not there: %v %v", found, err)
			}
			if own := found.Kvs[0].ModRevision; own != created {
				t.Fatalf("created at %d, and told %d", own, created)
			}
		})
	}
}

// again creates and deletes a key as the API server does: once with a look in between, or until the end without.
func again(ctx context.Context, client *clientv3.Client, key string, look func(created int64)) {
	for ctx.Err() == nil {
		made, err := client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(key), "=", 0)).
			Then(clientv3.OpPut(key, "x")).Else(clientv3.OpGet(key)).Commit()
		if err != nil || !made.Succeeded {
			if look != nil {
				panic(err)
			}
			continue
		}
		created := made.Header.Revision
		if look != nil {
			look(created)
		}
		_, _ = client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(key), "=", created)).
			Then(clientv3.OpDelete(key)).Else(clientv3.OpGet(key)).Commit()
		if look != nil {
			return
		}
	}
}

func TestFilesAndSocketArePrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	c := settings(t, path)
	_, stop := running(t, c)
	defer stop()
	info, err := os.Stat(c.Socket)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v, %v", info.Mode(), err)
	}
}

func TestASecondServerIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	lock, err := Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(path); !errors.Is(err, ErrInUse) {
		t.Errorf("the second got: %v", err)
	}
	_ = lock.Close()
	if _, err := Lock(path); err != nil {
		t.Errorf("the lock outlives its holder: %v", err)
	}
}

func TestAFileThatIsNoDatabaseIsRefusedAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("this is no database ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	c := settings(t, path)
	lock, err := Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Start(c, lock); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got: %v", err)
	}
	if _, err := Bootstrapped(path); err == nil {
		t.Error("it was taken for bootstrapped, or for empty")
	}
}

func TestADamagedDatabaseIsFoundAfterACrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	c := settings(t, path)
	client, stop := running(t, c)
	for _, key := range []string{"a", "b", "c"} {
		create(t, client, "/registry/"+key, strings.Repeat("x", 100_000))
	}
	stop()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4096; i < len(data); i++ {
		data[i] ^= 0x5a
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+"-wal", []byte("left"), 0o600); err != nil { // as after a crash
		t.Fatal(err)
	}
	if err := check(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got: %v", err)
	}
}

const secretText = "this must not travel"

// bootstrapped makes a datastore like that of a control plane that has just become Ready, with what must not be kept.
func bootstrapped(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.db")
	client, stop := running(t, settings(t, path))
	defer stop()
	system := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "old", CreationTimestamp: metav1.Unix(1, 0)}}
	create(t, client, "/registry/namespaces/kube-system", encoded(t, system))
	ca := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: RootCAConfigMap, Namespace: "default"}, Data: map[string]string{"ca.crt": secretText}}
	create(t, client, "/registry/configmaps/default/kube-root-ca.crt", encoded(t, ca))
	cidr := &networkingv1.ServiceCIDR{ObjectMeta: metav1.ObjectMeta{Name: "kubernetes"}, Spec: networkingv1.ServiceCIDRSpec{CIDRs: []string{"10.96.0.0/16"}}}
	create(t, client, "/registry/servicecidrs/kubernetes", encoded(t, cidr))
	for _, key := range []string{"/registry/secrets/default/s", "/registry/leases/kube-system/l", "/registry/events/default/e",
		"/registry/masterleases/192.0.2.1", "/registry/services/specs/default/kubernetes",
		"/registry/configmaps/kube-system/extension-apiserver-authentication"} {
		create(t, client, key, secretText)
	}
	return path
}

func template(t *testing.T) string {
	t.Helper()
	target := filepath.Join(t.TempDir(), "template.db")
	if err := WriteTemplate(bootstrapped(t), target); err != nil {
		t.Fatal(err)
	}
	return target
}

func TestATemplateHoldsNothingThatIsSecretOrTiedToACA(t *testing.T) {
	data, err := os.ReadFile(template(t))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), secretText) {
		t.Error("a page of the template still holds it")
	}
	if !strings.Contains(string(data), "kube-system") {
		t.Error("nothing is left in the template")
	}
}

// objects reads what a datastore holds, by key.
func objects(t *testing.T, path string) map[string]runtime.Object {
	t.Helper()
	found := map[string]runtime.Object{}
	err := rewrite(path, func(object runtime.Object) (verdict, error) {
		accessor, err := meta.Accessor(object)
		if err != nil {
			return keep, err
		}
		found[accessor.GetNamespace()+"/"+accessor.GetName()] = object
		return keep, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func seedAt(t *testing.T, from string, now time.Time) (config.Datastore, map[string]runtime.Object) {
	t.Helper()
	folder := t.TempDir()
	ca := filepath.Join(folder, "ca.crt")
	if err := os.WriteFile(ca, []byte("CA of "+folder), 0o600); err != nil {
		t.Fatal(err)
	}
	c := config.Datastore{Path: filepath.Join(folder, "state.db"), Template: from, RootCAFile: ca}
	if !WillSeed(c) {
		t.Error("it does not say that it will seed")
	}
	if done, err := Seed(c, Identity{Created: now, ServiceRange: "10.96.0.0/16"}); err != nil || !done {
		t.Fatalf("seeded %v, %v", done, err)
	}
	return c, objects(t, c.Path)
}

func TestEveryClusterIsItsOwn(t *testing.T) {
	from, now := template(t), time.Now()
	oneConfig, one := seedAt(t, from, now)
	_, two := seedAt(t, from, now)
	a, b := one["/kube-system"].(*corev1.Namespace), two["/kube-system"].(*corev1.Namespace)
	if a.UID == "old" || a.UID == "" || a.UID == b.UID {
		t.Errorf("UIDs %q and %q", a.UID, b.UID)
	}
	if a.CreationTimestamp.Unix() != now.Unix() {
		t.Errorf("created %s, not now", a.CreationTimestamp)
	}
	ca := one["default/"+RootCAConfigMap].(*corev1.ConfigMap)
	if ca.Data["ca.crt"] != "CA of "+filepath.Dir(oneConfig.Path) {
		t.Errorf("the CA is %q", ca.Data["ca.crt"])
	}
	info, err := os.Stat(oneConfig.Path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestTheServiceRangeIsKeptWhereItIsTheSame(t *testing.T) {
	from := template(t)
	_, same := seedAt(t, from, time.Now())
	if same["/kubernetes"] == nil {
		t.Error("the ServiceCIDR was dropped")
	}
	c := config.Datastore{Path: filepath.Join(t.TempDir(), "state.db"), Template: from, RootCAFile: os.DevNull}
	if _, err := Seed(c, Identity{Created: time.Now(), ServiceRange: "10.43.0.0/16"}); err != nil {
		t.Fatal(err)
	}
	if objects(t, c.Path)["/kubernetes"] != nil {
		t.Error("a ServiceCIDR of another range was kept")
	}
}

func TestAnExistingDatastoreIsLeftAlone(t *testing.T) {
	from := template(t)
	c, before := seedAt(t, from, time.Now())
	if WillSeed(c) {
		t.Error("it says that it would seed again")
	}
	if done, err := Seed(c, Identity{Created: time.Now()}); err != nil || done {
		t.Errorf("seeded again: %v, %v", done, err)
	}
	after := objects(t, c.Path)
	if before["/kube-system"].(*corev1.Namespace).UID != after["/kube-system"].(*corev1.Namespace).UID {
		t.Error("it was changed")
	}
}

func TestAHalfMadeCopyIsMadeAnew(t *testing.T) {
	from := template(t)
	folder := t.TempDir()
	for _, leftover := range []string{"state.db.new", "state.db.new-journal"} {
		if err := os.WriteFile(filepath.Join(folder, leftover), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ca := filepath.Join(folder, "ca.crt")
	if err := os.WriteFile(ca, []byte("CA"), 0o600); err != nil {
		t.Fatal(err)
	}
	if done, err := Seed(config.Datastore{Path: filepath.Join(folder, "state.db"), Template: from, RootCAFile: ca}, Identity{Created: time.Now()}); err != nil || !done {
		t.Errorf("seeded %v, %v", done, err)
	}
}

func TestALogOfAnotherDatabaseIsNotReplayed(t *testing.T) {
	from := template(t)
	folder := t.TempDir()
	path := filepath.Join(folder, "state.db")
	for _, suffix := range leftovers {
		if err := os.WriteFile(path+suffix, []byte("of a database that is gone"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := config.Datastore{Path: path, Template: from, RootCAFile: os.DevNull}
	if done, err := Seed(c, Identity{Created: time.Now()}); err != nil || !done {
		t.Fatalf("seeded %v, %v", done, err)
	}
	for _, suffix := range leftovers {
		if _, err := os.Stat(path + suffix); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there", suffix)
		}
	}
}

func TestWithoutATemplateNothingIsSeeded(t *testing.T) {
	folder := t.TempDir()
	ca := filepath.Join(folder, "ca.crt")
	if err := os.WriteFile(ca, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"", filepath.Join(folder, "absent.db")} {
		c := config.Datastore{Path: filepath.Join(folder, "state.db"), Template: from, RootCAFile: ca}
		if done, err := Seed(c, Identity{Created: time.Now()}); err != nil || done || WillSeed(c) {
			t.Errorf("%q: %v, %v", from, done, err)
		}
	}
}

func TestALogOfAnotherDatabaseIsRefusedAgainAndAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	client, stop := running(t, settings(t, path))
	create(t, client, "/registry/kept", "kept")
	stop()
	saved, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	client, stop = running(t, settings(t, path))
	for i := range 60 {
		create(t, client, fmt.Sprintf("/registry/later-%d", i), strings.Repeat("x", 20_000))
	}
	stop()
	client, stop = running(t, settings(t, path))
	defer stop()
	for i := range 60 {
		create(t, client, fmt.Sprintf("/registry/last-%d", i), strings.Repeat("x", 20_000))
	}
	log, err := os.ReadFile(path + "-wal") // as a crash leaves it
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "state.db")
	if err := errors.Join(os.WriteFile(other, saved, 0o600), os.WriteFile(other+"-wal", log, 0o600)); err != nil {
		t.Fatal(err)
	}
	for attempt := range 3 {
		if err := check(other); err == nil || !strings.Contains(err.Error(), other) {
			t.Fatalf("attempt %d: %v", attempt, err)
		}
	}
	now, err := os.ReadFile(other)
	if err != nil || string(now) != string(saved) {
		t.Errorf("looking changed the database: %v", err)
	}
}

// leftBy gives the path of a copy of a database that is in use, with the log beside it: what a crash leaves.
func leftBy(t *testing.T, path, log string) string {
	t.Helper()
	left := filepath.Join(t.TempDir(), "state.db")
	for _, suffix := range []string{"", log} {
		content, err := os.ReadFile(path + suffix)
		if err == nil {
			err = os.WriteFile(left+suffix, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return left
}

// What a crash leaves, without the file that SQLite makes anew: it is whole, and has to pass.
func TestALogWithoutItsIndexIsReplayed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	client, stop := running(t, settings(t, path))
	defer stop()
	create(t, client, "/registry/kept", "kept")
	left := leftBy(t, path, "-wal")
	if err := check(left); err != nil {
		t.Fatal(err)
	}
	again, stopAgain := running(t, settings(t, left))
	defer stopAgain()
	found, err := again.Get(context.Background(), "/registry/kept")
	if err != nil || len(found.Kvs) != 1 {
		t.Errorf("%v %v", found, err)
	}
}

// What a kill leaves that comes while the file is made, before it has a write-ahead log: what was begun is taken back.
func TestWhatWasBegunIsTakenBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	begin := "CREATE TABLE kept (x); INSERT INTO kept VALUES ('whole'); PRAGMA cache_size=1; BEGIN; " +
		"UPDATE kept SET x = 'half'; CREATE TABLE other (x)"
	if _, err := db.Exec(begin); err != nil {
		t.Fatal(err)
	}
	for range 50 { // more than stays in memory: the file is changed before the end
		if _, err := db.Exec("INSERT INTO other VALUES (?)", strings.Repeat("x", 10_000)); err != nil {
			t.Fatal(err)
		}
	}
	left := leftBy(t, path, "-journal")
	if err := check(left); err != nil {
		t.Fatal(err)
	}
	if answer, err := ask(Open, left, "SELECT x FROM kept"); err != nil || answer != "whole" {
		t.Errorf("%q %v", answer, err)
	}
}
