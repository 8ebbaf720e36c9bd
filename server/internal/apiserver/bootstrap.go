package apiserver

import (
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/klog/v2"
	rbacrest "k8s.io/kubernetes/pkg/registry/rbac/rest"
	schedulingrest "k8s.io/kubernetes/pkg/registry/scheduling/rest"
)

// Two of upstream's post-start hooks sleep for a second before their first try, and /healthz, for which the controllers
// wait, waits for them. They are disabled by name, and upstream's own functions run under names of ours:
//
//   - on a datastore that was just made, awaited as upstream does, since nothing works before;
//   - on one that already holds their objects, un-awaited, so that an upgrade still brings what is new in them.
//
// The data is upstream's; only the waiting is ours.

// sleepers gives the hooks, by upstream's names.
func sleepers() (map[string]genericapiserver.PostStartHookFunc, error) {
	hooks := map[string]genericapiserver.PostStartHookFunc{}
	for _, provider := range []genericapiserver.PostStartHookProvider{
		rbacrest.RESTStorageProvider{}, schedulingrest.RESTStorageProvider{},
	} {
		name, hook, err := provider.PostStartHook()
		if err != nil {
			return nil, err
		}
		hooks[name] = hook
	}
	return hooks, nil
}

func disableSleepers(config *genericapiserver.Config) {
	config.DisabledPostStartHooks.Insert(rbacrest.PostStartHookName, schedulingrest.PostStartHookName)
}

func addBootstrap(server *genericapiserver.GenericAPIServer, seeded bool) error {
	hooks, err := sleepers()
	if err != nil {
		return err
	}
	for name, hook := range hooks {
		if seeded {
			hook = unawaited(name, hook)
		}
		if err := server.AddPostStartHook("sandkube/"+name, hook); err != nil {
			return err
		}
	}
	return nil
}

func unawaited(name string, hook genericapiserver.PostStartHookFunc) genericapiserver.PostStartHookFunc {
	return func(hookContext genericapiserver.PostStartHookContext) error {
		go func() {
			if err := hook(hookContext); err != nil {
				klog.ErrorS(err, "Bootstrapping was not completed", "hook", name)
			}
		}()
		return nil
	}
}
