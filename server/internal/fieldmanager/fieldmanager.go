// Package fieldmanager lets the components be known by their own names in metadata.managedFields.
//
// The API server takes the name of whoever changes an object from the User-Agent, and client-go begins that with the name of
// the program: upstream's three programs are told apart by it, and tools that leave alone what a controller owns go by it.
// Here they are one program, and each is given its name where client-go lets it be:
//
//   - kube-controller-manager makes a client per controller, from a copy of its configuration that keeps nothing of ours. So the
//     process goes by its name (Assume).
//   - kube-apiserver's clients to itself are made of one configuration, which is wrapped (Wrap).
//   - kube-scheduler makes its client out of reach, of a kubeconfig. That names an auth provider which exists only in this
//     program: it adds no credentials, but is asked for every client.
package fieldmanager

import (
	"net/http"
	"os"
	"strings"

	"k8s.io/client-go/rest"
)

const (
	// Provider is the name of the auth provider in a kubeconfig.
	Provider = "sandkube-component"
	// Component is the key of its configuration that holds the component's name.
	Component = "component"

	apiServer         = "kube-apiserver"
	controllerManager = "kube-controller-manager"
)

func init() {
	if err := rest.RegisterAuthProviderPlugin(Provider, newProvider); err != nil {
		panic(err) // only if two packages took one name
	}
}

// Assume has every client that is not told otherwise go by kube-controller-manager's name. Call it before the first one is made.
func Assume() { os.Args[0] = controllerManager }

// Wrap has the clients that will be made of c go by kube-apiserver's name.
func Wrap(c *rest.Config) { c.Wrap(provider{apiServer}.WrapTransport) }

type provider struct{ component string }

func newProvider(_ string, config map[string]string, _ rest.AuthProviderConfigPersister) (rest.AuthProvider, error) {
	return provider{config[Component]}, nil
}

func (p provider) Login() error { return nil }

func (p provider) WrapTransport(next http.RoundTripper) http.RoundTripper {
	return named{next: next, component: p.component}
}

type named struct {
	next      http.RoundTripper
	component string
}

func (n named) RoundTrip(request *http.Request) (*http.Response, error) {
	own := request.Clone(request.Context()) // a RoundTripper may not change what it is given
	own.Header.Set("User-Agent", n.userAgent(request.UserAgent()))
	return n.next.RoundTrip(own)
}

// userAgent puts the component in the place of the program: program/version (platform) …
func (n named) userAgent(was string) string {
	_, rest, found := strings.Cut(was, "/")
	if n.component == "" || !found {
		return was
	}
	return n.component + "/" + rest
}

// WrappedRoundTripper lets client-go find what is inside.
func (n named) WrappedRoundTripper() http.RoundTripper { return n.next }
