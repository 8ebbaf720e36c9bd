package plane

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"k8s.io/kubernetes/cmd/kube-controller-manager/names"

	"github.com/sandkube/sandkube/server/internal/datastore"
)

// awaitObjects waits for the objects without which the first pod in `default` would be refused, or would lack its CA; with a
// controller switched off, nobody will make what it makes. Also for the ConfigMap that extension API servers read their
// trust from, which kube-apiserver writes a moment after it serves.
func (p *Plane) awaitObjects(ctx context.Context, loopback *rest.Config) error {
	client, err := clientset.NewForConfig(loopback)
	if err != nil {
		return err
	}
	core := client.CoreV1().RESTClient()
	type object struct {
		resource, namespace, name string
		kind                      runtime.Object
		wanted                    bool
	}
	for _, o := range []object{
		{"serviceaccounts", metav1.NamespaceDefault, "default", &corev1.ServiceAccount{},
			p.controllers.Enabled(names.ServiceAccountController)},
		{"configmaps", metav1.NamespaceDefault, datastore.RootCAConfigMap, &corev1.ConfigMap{},
			p.controllers.Enabled(names.RootCACertificatePublisherController)},
		{"configmaps", metav1.NamespaceSystem, "extension-apiserver-authentication", &corev1.ConfigMap{}, true},
	} {
		if !o.wanted {
			continue
		}
		selected := cache.NewListWatchFromClient(core, o.resource, o.namespace, fields.OneTermEqualSelector("metadata.name", o.name))
		_, err := watchtools.UntilWithSync(ctx, selected, o.kind, nil, func(event watch.Event) (bool, error) {
			return event.Type == watch.Added || event.Type == watch.Modified, nil
		})
		if err != nil {
			return fmt.Errorf("waiting for %s %s/%s: %w", o.resource, o.namespace, o.name, err)
		}
	}
	return nil
}
