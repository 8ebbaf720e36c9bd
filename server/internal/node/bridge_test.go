//go:build linux

package node

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// answering is a runtime that answers each method with lines, and closes the connection.
func answering(t *testing.T, lines map[string][]string) string {
	t.Helper()
	// longer than a socket's path may be
	path := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(path, "runtime.sock")
	short, _, err := shortened(path)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", short)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			var asked struct{ Method string }
			line, _ := bufio.NewReader(connection).ReadBytes('\n')
			_ = json.Unmarshal(line, &asked)
			for _, answer := range lines[asked.Method] {
				fmt.Fprintln(connection, answer)
			}
			connection.Close()
		}
	}()
	return path
}

func bridged(t *testing.T, lines map[string][]string) (context.Context, runtimeapi.RuntimeServiceClient) {
	t.Helper()
	runtime := answering(t, lines)
	path, stop, err := serveCRI(filepath.Join(filepath.Dir(runtime), "cri.sock"), &runtimeClient{path: runtime})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	connection, err := grpc.NewClient("unix://"+path, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx, runtimeapi.NewRuntimeServiceClient(connection)
}

func TestCallsArePassedOn(t *testing.T) {
	ctx, client := bridged(t, map[string][]string{
		"Version":         {`{"response": {"runtime_name": "ours", "not_known": 1}}`},
		"StopContainer":   {`{"error": {"code": 5, "message": "there is none"}}`},
		"RemoveContainer": {},
	})
	version, err := client.Version(ctx, &runtimeapi.VersionRequest{})
	if err != nil || version.GetRuntimeName() != "ours" {
		t.Errorf("Version: %v %v", version, err)
	}
	_, err = client.StopContainer(ctx, &runtimeapi.StopContainerRequest{ContainerId: "x"})
	if status.Code(err) != codes.NotFound || !strings.Contains(err.Error(), "there is none") {
		t.Errorf("StopContainer: %v", err)
	}
	if _, err = client.RemoveContainer(ctx, &runtimeapi.RemoveContainerRequest{}); status.Code(err) != codes.Unavailable {
		t.Errorf("a runtime that ends in between: %v", err)
	}
}

func TestStreamsArePassedOn(t *testing.T) {
	ctx, client := bridged(t, map[string][]string{"GetContainerEvents": {
		`{"response": {"container_id": "a", "container_event_type": "CONTAINER_STARTED_EVENT"}}`,
		`{"response": {"container_id": "b"}}`,
	}})
	stream, err := client.GetContainerEvents(ctx, &runtimeapi.GetEventsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b"} {
		event, err := stream.Recv()
		if err != nil || event.GetContainerId() != id {
			t.Fatalf("%s: %v %v", id, event, err)
		}
	}
	if _, err := stream.Recv(); err != io.EOF {
		t.Errorf("after the last: %v", err)
	}
}
