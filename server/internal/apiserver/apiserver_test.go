package apiserver

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/emicklei/go-restful/v3"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/mux"
)

func TestUpstreamsSleepingHooksAreKnownByTheseNames(t *testing.T) {
	hooks, err := sleepers()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"rbac/bootstrap-roles", "scheduling/bootstrap-system-priority-classes"} {
		if hooks[name] == nil {
			t.Errorf("%s is not among %v: what is disabled by that name would be missing", name, hooks)
		}
	}
	if len(hooks) != 2 {
		t.Errorf("%d hooks", len(hooks))
	}
}

func TestAnUnawaitedHookRuns(t *testing.T) {
	ran, release := make(chan struct{}), make(chan struct{})
	hook := unawaited("x", func(genericapiserver.PostStartHookContext) error {
		<-release
		close(ran)
		return nil
	})
	if err := hook(genericapiserver.PostStartHookContext{}); err != nil { // it would hang here if it were awaited
		t.Fatal(err)
	}
	close(release)
	<-ran
}

func TestTheListOfDocumentsNeedsNone(t *testing.T) {
	var services []*restful.WebService
	for _, path := range []string{"/api/v1", "/apis/apps/v1", "/version"} {
		services = append(services, new(restful.WebService).Path(path))
	}
	list := listV3(services)
	if len(list.Paths) != 3 || list.Paths["apis/apps/v1"].ServerRelativeURL != "/openapi/v3/apis/apps/v1" {
		t.Errorf("list %v", list)
	}
}

func TestALazyHandlerIsBuiltOnce(t *testing.T) {
	var built atomic.Int32
	handler := newLazyHandler(func(m *mux.PathRecorderMux) {
		built.Add(1)
		m.HandleFunc("/openapi/v2", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	})
	if handler.built() {
		t.Error("it is built before anybody asked")
	}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/openapi/v2", nil))
			if answer.Code != http.StatusOK {
				t.Errorf("status %d", answer.Code)
			}
		})
	}
	wg.Wait()
	if built.Load() != 1 || !handler.built() {
		t.Errorf("built %d times", built.Load())
	}
}
