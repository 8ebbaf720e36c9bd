// Package flags parses a component's arguments as its own command line would, and keeps two components from wanting
// different things of what a process has only once.
package flags

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/cli/globalflag"
	"k8s.io/component-base/logs"
)

// Parse reads args into the options behind sets. The name is the component's, as its own binary is called.
func Parse(name string, sets cliflag.NamedFlagSets, args []string) error {
	globalflag.AddGlobalFlags(sets.FlagSet("global"), name, logs.SkipLoggingConfigurationFlags())
	all := pflag.NewFlagSet(name, pflag.ContinueOnError)
	all.SetNormalizeFunc(cliflag.WordSepNormalizeFunc)
	all.Usage = func() {}
	for _, set := range sets.FlagSets {
		all.AddFlagSet(set)
	}
	if err := all.Parse(args); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if rest := all.Args(); len(rest) > 0 {
		return fmt.Errorf("%s: %q is no flag", name, rest[0])
	}
	return nil
}

// shared are the flags of which a process has one value: feature gates and emulated version are kept in one registry,
// and there is one klog.
var shared = []string{
	"feature-gates", "emulated-version", "min-compatibility-version", "emulation-forward-compatible",
	"v", "vmodule", "logging-format", "log-flush-frequency",
}

// CheckShared refuses values of shared flags in which two components differ; a component that does not name a flag agrees.
func CheckShared(components map[string][]string) error {
	for _, flag := range shared {
		seenIn, seen := "", ""
		for _, component := range []string{"api_server", "controller_manager", "scheduler"} {
			value := strings.Join(valuesOf(components[component], flag), ",")
			if value == "" {
				continue
			}
			if seenIn != "" && value != seen {
				return fmt.Errorf("--%s is %q for %s and %q for %s, but they are one process: give both the same",
					flag, seen, seenIn, value, component)
			}
			seenIn, seen = component, value
		}
	}
	return nil
}

// valuesOf finds --flag=value, --flag value and, for flags of one letter, -f value; pflag takes _ for -.
func valuesOf(args []string, flag string) []string {
	names := []string{"--" + flag}
	if len(flag) == 1 {
		names = append(names, "-"+flag)
	}
	var values []string
	for i, arg := range args {
		name, value, given := strings.Cut(arg, "=")
		if !slices.Contains(names, strings.ReplaceAll(name, "_", "-")) {
			continue
		}
		if !given && i+1 < len(args) {
			value = args[i+1]
		}
		values = append(values, value)
	}
	return values
}
