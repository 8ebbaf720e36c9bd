//go:build linux

package node

import (
	"context"
	"encoding/json"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedv1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/record"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// warnings makes events of what the runtime warns of when it makes a container: the CRI has no way to say it.
type warnings struct{ recorder record.EventRecorder }

// newWarnings records events with the node's own credential.
func newWarnings(ctx context.Context, kubeconfig, node string) (*warnings, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kubeconfig, err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	broadcaster.StartRecordingToSink(&typedv1.EventSinkImpl{Interface: client.CoreV1().Events("")})
	return &warnings{broadcaster.NewRecorder(scheme.Scheme, v1.EventSource{Component: "sandkube", Host: node})}, nil
}

// record takes the warnings out of the answer to a request.
func (w *warnings) record(request *runtimeapi.CreateContainerRequest, answer json.RawMessage) {
	var told struct {
		Warnings []struct {
			Reason  string `json:"reason"`
			Message string `json:"message"`
		} `json:"warnings"`
	}
	pod := request.GetSandboxConfig().GetMetadata()
	if json.Unmarshal(answer, &told) != nil || pod == nil {
		return
	}
	about := &v1.ObjectReference{
		APIVersion: "v1",
		Kind:       "Pod",
		Namespace:  pod.GetNamespace(),
		Name:       pod.GetName(),
		UID:        types.UID(pod.GetUid()),
		FieldPath:  fmt.Sprintf("spec.containers{%s}", request.GetConfig().GetMetadata().GetName()),
	}
	for _, one := range told.Warnings {
		w.recorder.Event(about, v1.EventTypeWarning, one.Reason, one.Message)
	}
}
