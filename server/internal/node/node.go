//go:build linux

// Package node is the kubelet of the process node: upstream's own, unpatched, with those of its dependencies replaced that
// need root, cgroups or mounts. Each of these is in a file of its own, with the reason. The containers are the runtime's,
// which is written in Python; bridge.go speaks gRPC for it, and streams.go exec, attach and port-forward.
//
// It is a process apart from the control plane: upstream's kubelet ends its process in many places, sets feature gates and
// limits of the process, and believes some errors only to be harmless inside of a user namespace.
package node

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/pflag"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
	kubeletapp "k8s.io/kubernetes/cmd/kubelet/app"
	"k8s.io/kubernetes/cmd/kubelet/app/options"
	kubeletconfig "k8s.io/kubernetes/pkg/kubelet/apis/config"
	"k8s.io/kubernetes/pkg/kubelet/apis/config/validation"
	"k8s.io/kubernetes/pkg/kubelet/kubeletconfig/configfiles"
	"k8s.io/kubernetes/pkg/util/oom"
	"k8s.io/mount-utils"

	utilfs "k8s.io/kubernetes/pkg/util/filesystem"
)

// Run serves the node until ctx ends.
func Run(ctx context.Context, c *Config, log logsapi.LoggingOptions) error {
	server, err := parse(ctx, c.Kubelet)
	if err != nil {
		return err
	}
	logsapi.ReapplyHandling = logsapi.ReapplyHandlingIgnoreUnchanged
	logs.InitLogs()
	if err := logsapi.ValidateAndApplyWithOptions(&server.Logging, &log, utilfeature.DefaultFeatureGate); err != nil {
		return err
	}
	warnings, err := newWarnings(ctx, server.KubeConfig, server.HostnameOverride)
	if err != nil {
		return err
	}
	runtime := &runtimeClient{path: c.Runtime, warnings: warnings}
	endpoint, stop, err := serveCRI(c.CRI, runtime)
	if err != nil {
		return err
	}
	defer stop()
	server.ContainerRuntimeEndpoint = "unix://" + endpoint
	deps, err := kubeletapp.UnsecuredDependencies(ctx, server, utilfeature.DefaultFeatureGate)
	if err != nil {
		return err
	}
	deps.Mounter = mount.NewFakeMounter(nil) // the runtime mounts, in the containers' own namespaces
	deps.HostUtil = newHostUtil()
	deps.Subpather = subpaths{}
	deps.VolumePlugins = withoutOwners(deps.VolumePlugins)
	deps.OOMAdjuster = oom.NewFakeOOMAdjuster() // who gets killed first is for root to say
	deps.OSInterface = newOS()
	deps.CAdvisorInterface = &machine{folder: server.RootDirectory, name: server.HostnameOverride}
	deps.ContainerManager = newContainerManager()
	if len(server.NodeIP) > 0 && isLoopback(server.NodeIP) {
		deps.Options = append(deps.Options, acceptLoopback)
	}
	return kubeletapp.Run(ctx, server, deps, utilfeature.DefaultFeatureGate)
}

// parse reads upstream's command line as upstream's command does, without what belongs to a command.
func parse(ctx context.Context, arguments []string) (*options.KubeletServer, error) {
	flags := options.NewKubeletFlags()
	configuration, err := options.NewKubeletConfiguration()
	if err != nil {
		return nil, err
	}
	set := pflag.NewFlagSet("kubelet", pflag.ContinueOnError)
	set.SetNormalizeFunc(cliflag.WordSepNormalizeFunc)
	flags.AddFlags(set)
	options.AddKubeletConfigFlags(set, configuration)
	if err := set.Parse(arguments); err != nil {
		return nil, fmt.Errorf("the kubelet's command line: %w", err)
	}
	if set.NArg() > 0 {
		return nil, fmt.Errorf("the kubelet's command line: %q is no flag", set.Arg(0))
	}
	if err := options.ValidateKubeletFlags(flags); err != nil {
		return nil, err
	}
	if flags.KubeletConfigFile != "" {
		if configuration, err = load(ctx, flags.KubeletConfigFile); err != nil {
			return nil, err
		}
	}
	if err := utilfeature.DefaultMutableFeatureGate.SetFromMap(configuration.FeatureGates); err != nil {
		return nil, err
	}
	if err := validation.ValidateKubeletConfiguration(configuration, utilfeature.DefaultFeatureGate); err != nil {
		return nil, err
	}
	return &options.KubeletServer{KubeletFlags: *flags, KubeletConfiguration: *configuration}, nil
}

func load(ctx context.Context, path string) (*kubeletconfig.KubeletConfiguration, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	loader, err := configfiles.NewFsLoader(&utilfs.DefaultFs{}, path)
	if err != nil {
		return nil, err
	}
	return loader.Load(ctx)
}
