package fieldmanager

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// userAgentOf gives what a server sees of a client with this configuration.
func userAgentOf(t *testing.T, change func(*rest.Config)) string {
	t.Helper()
	seen := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.UserAgent()
		w.WriteHeader(http.StatusNotFound)
	}))
	defer server.Close()
	config := &rest.Config{Host: server.URL}
	change(config)
	client, err := clientset.NewForConfig(rest.AddUserAgent(config, "some-controller"))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = client.CoreV1().Namespaces().Get(context.Background(), "x", metav1.GetOptions{})
	return <-seen
}

func TestAComponentIsKnownByItsName(t *testing.T) {
	got := userAgentOf(t, func(c *rest.Config) {
		c.AuthProvider = &clientcmdapi.AuthProviderConfig{Name: Provider, Config: map[string]string{Component: "kube-scheduler"}}
	})
	if !strings.HasPrefix(got, "kube-scheduler/") || !strings.HasSuffix(got, "/some-controller") {
		t.Errorf("User-Agent %q", got)
	}
}

func TestTheProcessIsKnownAsTheControllerManager(t *testing.T) {
	before := os.Args[0]
	t.Cleanup(func() { os.Args[0] = before })
	Assume()
	if got := userAgentOf(t, func(*rest.Config) {}); !strings.HasPrefix(got, "kube-controller-manager/") {
		t.Errorf("User-Agent %q", got)
	}
	if got := userAgentOf(t, Wrap); !strings.HasPrefix(got, "kube-apiserver/") {
		t.Errorf("User-Agent %q of the API server", got)
	}
}

func TestWhatIsNotUnderstoodStays(t *testing.T) {
	for was, component := range map[string]string{"odd": "kube-scheduler", "a/b": ""} {
		if got := (named{component: component}).userAgent(was); got != was {
			t.Errorf("%q became %q", was, got)
		}
	}
}
