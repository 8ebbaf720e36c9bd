package commands

import (
	"errors"
	"log/slog"
	"os"

	helmcmd "helm.sh/helm/v4/pkg/cmd"
	"helm.sh/helm/v4/pkg/kube"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // the auth providers a user's kubeconfig may name
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	kubectlcmd "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
)

// kubectl is upstream's kubectl: its command tree reads os.Args, so these are set to what it would have been called with.
func kubectl(args []string) int {
	os.Args = args
	// Plugins and .kuberc are handled while the command is built, before its flags are parsed.
	_, _ = logs.GlogSetter(kubectlcmd.GetLogVerbosity(os.Args))
	if err := cli.RunNoErrOutput(kubectlcmd.NewDefaultKubectlCommand()); err != nil {
		kubectlutil.CheckErr(err) // prints and exits with kubectl's own status
	}
	return exitFine
}

// helm is upstream's helm; the field manager is named as the original binary names it, whatever ours is called.
func helm(args []string) int {
	os.Args = args
	kube.ManagedFieldsManager = "helm"
	command, err := helmcmd.NewRootCmd(os.Stdout, args[1:], helmcmd.SetupLogging)
	if err != nil {
		slog.Error("helm could not start", "error", err)
		return exitFailed
	}
	if err := command.Execute(); err != nil {
		var status helmcmd.CommandError
		if errors.As(err, &status) {
			return status.ExitCode
		}
		return exitFailed
	}
	return exitFine
}
