package datastore

import (
	"context"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// untemplated are the keys that must not reach a template: secrets, what is tied to a CA, what belongs to one process, and
// what carries an address of the machine that made it. The control plane makes all of it anew.
var untemplated = []string{
	"/registry/secrets/",
	"/registry/configmaps/kube-system/extension-apiserver-authentication",
	"/registry/configmaps/kube-system/kube-apiserver-legacy-service-account-token-tracking",
	"/registry/configmaps/kube-public/cluster-info",
	"/registry/certificatesigningrequests/",
	"/registry/clustertrustbundles/",
	"/registry/leases/",
	"/registry/leasecandidates/",
	"/registry/masterleases/",
	"/registry/events/",
	"/registry/services/specs/default/kubernetes",
	"/registry/services/endpoints/default/kubernetes",
	"/registry/endpointslices/default/",
	"/registry/ipaddresses/",
	"/registry/ranges/",
	"/registry/peerserverleases/",
	"/registry/minions/",
	"/registry/health", // the API server's own probe
}

// WriteTemplate makes a template at target of the stopped datastore at path.
//
// What stays is the newest state of every key that may stay, without its history. The file is written anew by VACUUM INTO, so
// that no deleted page travels along, and gets its name when it is complete.
func WriteTemplate(path, target string) error {
	if err := prune(path); err != nil {
		return fmt.Errorf("pruning the datastore: %w", err)
	}
	err := rewrite(path, func(object runtime.Object) (verdict, error) {
		cm, ok := object.(*corev1.ConfigMap)
		if !ok || cm.Name != RootCAConfigMap {
			return keep, nil
		}
		cm.Data = nil
		return store, nil
	})
	if err != nil {
		return err
	}
	draft := target + ".new"
	if err := os.RemoveAll(draft); err != nil {
		return err
	}
	db, err := Open(path)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(context.Background(), "VACUUM INTO ?", draft); err != nil {
		return fmt.Errorf("writing the template: %w", err)
	}
	return os.Rename(draft, target)
}

func prune(path string) error {
	db, err := Open(path)
	if err != nil {
		return err
	}
	defer db.Close()
	ctx := context.Background()
	statements := []string{
		"DELETE FROM kine WHERE id NOT IN (SELECT MAX(id) FROM kine GROUP BY name)",
		"DELETE FROM kine WHERE deleted != 0",
		"UPDATE kine SET old_value = NULL",
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	for _, prefix := range untemplated {
		if _, err := db.ExecContext(ctx, "DELETE FROM kine WHERE substr(name, 1, length(?)) = ?", prefix, prefix); err != nil {
			return err
		}
	}
	return nil
}
