package apiserver

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/emicklei/go-restful/v3"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/mux"
	"k8s.io/apiserver/pkg/server/routes"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/handler3"
)

// Building the OpenAPI documents of kube-apiserver takes a quarter of a start and 35 MB, and most runs never ask for them. So
// they are built by upstream's own code at the first request for one.
//
// That must not show. The aggregator asks for /openapi/v3, the list of documents, while the server is put together and
// once a second from then on, and serves a document only if that list has it. The list needs no document: its keys are the
// group versions that are installed, and the hash in its URLs only allows clients to cache a document for ever. Until the
// documents are built the URLs carry no hash. /openapi/v2 is fetched by the aggregator at the first request anyway.

const (
	pathV2 = "/openapi/v2"
	pathV3 = "/openapi/v3"
)

func installOpenAPI(kube *genericapiserver.GenericAPIServer, v2 *common.Config, v3 *common.OpenAPIV3Config) {
	container, target := kube.Handler.GoRestfulContainer, kube.Handler.NonGoRestfulMux
	documentV2 := newLazyHandler(func(m *mux.PathRecorderMux) {
		routes.OpenAPI{Config: v2}.InstallV2(container, m)
	})
	documentsV3 := newLazyHandler(func(m *mux.PathRecorderMux) {
		routes.OpenAPI{V3Config: v3}.InstallV3(container, m)
	})
	target.Handle(pathV2, documentV2)
	target.HandlePrefix(pathV3+"/", documentsV3)
	target.HandleFunc(pathV3, func(w http.ResponseWriter, r *http.Request) {
		if documentsV3.built() {
			documentsV3.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(listV3(container.RegisteredWebServices()))
	})
}

// listV3 is the list of documents, without the documents: one per root path of the services (routes.OpenAPI groups them the
// same way).
func listV3(services []*restful.WebService) handler3.OpenAPIV3Discovery {
	list := handler3.OpenAPIV3Discovery{Paths: map[string]handler3.OpenAPIV3DiscoveryGroupVersion{}}
	for _, service := range services {
		key := strings.TrimPrefix(service.RootPath(), "/")
		list.Paths[key] = handler3.OpenAPIV3DiscoveryGroupVersion{ServerRelativeURL: pathV3 + "/" + key}
	}
	return list
}

// lazyHandler installs its routes at the first request.
type lazyHandler struct {
	mux   func() *mux.PathRecorderMux
	ready atomic.Bool
}

func newLazyHandler(install func(*mux.PathRecorderMux)) *lazyHandler {
	h := &lazyHandler{}
	h.mux = sync.OnceValue(func() *mux.PathRecorderMux {
		m := mux.NewPathRecorderMux("sandkube-openapi")
		install(m)
		h.ready.Store(true)
		return m
	})
	return h
}

func (h *lazyHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux().ServeHTTP(w, r) }

func (h *lazyHandler) built() bool { return h.ready.Load() }
