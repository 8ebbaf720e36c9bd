package logs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/sandkube/sandkube/server/internal/config"
)

func open(t *testing.T) (*Log, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "server.log")
	l := Open(config.Log{Path: path, MaxMegabytes: 1, Backups: 1})
	t.Cleanup(l.Close)
	return l, path
}

func write(t *testing.T, l *Log, record string) {
	t.Helper()
	if n, err := l.Write([]byte(record)); err != nil || n != len(record) {
		t.Fatalf("wrote %d of %d: %v", n, len(record), err)
	}
}

func TestTheLastComplaintIsKept(t *testing.T) {
	l, _ := open(t)
	write(t, l, "I1124 10:00:00.000000       1 a.go:1] fine\n")
	if got := l.Complaint(); got != "" {
		t.Errorf("complaint %q before there was one", got)
	}
	write(t, l, "E1124 10:00:00.000000       1 a.go:1] \"first\" err=\"x\"\n")
	write(t, l, "F1124 10:00:01.000000   12345 namespaced_resources_deleter.go:166] Unable to get preferred resources\nstack\n")
	write(t, l, "Even this is no record of klog's\n")
	if got, want := l.Complaint(), "Unable to get preferred resources"; got != want {
		t.Errorf("complaint %q, want %q", got, want)
	}
}

func TestKineLooksLikeTheOthers(t *testing.T) {
	l, path := open(t)
	logrus.WithField("rows", 3).Error("compaction stopped")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !header.Match(data) || !strings.Contains(string(data), "compaction stopped rows=3") {
		t.Errorf("%q has no header of klog's", data)
	}
	if l.Complaint() == "" {
		t.Error("an error of kine's is no complaint")
	}
}

func TestTheChatterOfGRPCIsDropped(t *testing.T) {
	l, path := open(t)
	write(t, l, "W1124 10:00:00.000000       1 logging.go:55] [core] [Server #1] grpc: transport is closing\n")
	write(t, l, "I1124 10:00:00.000000       1 a.go:1] kept\n")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "grpc") || !strings.Contains(string(data), "kept") {
		t.Errorf("log: %s", data)
	}
}

func TestTheLogIsRotatedAndPrivate(t *testing.T) {
	l, path := open(t)
	record := "I1124 10:00:00.000000       1 a.go:1] " + strings.Repeat("x", 1000) + "\n"
	for range 3 * 1100 {
		write(t, l, record)
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "server*.log"))
	if err != nil || len(files) < 2 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			continue // a backup too many, on its way out
		}
		if info.Mode().Perm() != 0o600 || info.Size() > 1<<20 {
			t.Errorf("%s: mode %o, %d bytes", file, info.Mode().Perm(), info.Size())
		}
	}
}

func TestNoObjectIsQuoted(t *testing.T) {
	if got := withoutRequest(`error in txn success:{request_put:{value:"a: secret"}}: disk is full`); got != "error in txn (…): disk is full" {
		t.Errorf("%q", got)
	}
	if got := withoutRequest("Closing database: now"); got != "Closing database: now" {
		t.Errorf("%q", got)
	}
}
