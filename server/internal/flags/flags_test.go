package flags

import (
	"strings"
	"testing"

	cliflag "k8s.io/component-base/cli/flag"
)

func TestParseReadsAndRefuses(t *testing.T) {
	var sets cliflag.NamedFlagSets
	value := sets.FlagSet("x").String("some-flag", "", "")
	if err := Parse("thing", sets, []string{"--some-flag=a", "--some_flag", "b"}); err != nil || *value != "b" {
		t.Errorf("value %q, %v", *value, err)
	}
	for args, says := range map[string]string{"--nonsense": "nonsense", "stray": "stray"} {
		var sets cliflag.NamedFlagSets
		err := Parse("thing", sets, []string{args})
		if err == nil || !strings.Contains(err.Error(), says) || !strings.HasPrefix(err.Error(), "thing: ") {
			t.Errorf("%s: %v", args, err)
		}
	}
}

func TestSharedFlagsMustAgree(t *testing.T) {
	for _, test := range []struct {
		api, manager []string
		refused      string
	}{
		{[]string{"--feature-gates=A=true"}, nil, ""},
		{[]string{"--feature-gates=A=true"}, []string{"--feature-gates=A=true"}, ""},
		{[]string{"--feature-gates", "A=true"}, []string{"--feature-gates=A=true"}, ""},
		{[]string{"--feature-gates=A=true"}, []string{"--feature-gates=A=false"}, "feature-gates"},
		{[]string{"--feature_gates=A=true"}, []string{"--feature-gates=A=false"}, "feature-gates"},
		{[]string{"-v=2"}, []string{"--v=4"}, "--v"},
		{[]string{"--emulated-version=kube=1.36"}, []string{"--emulated-version=kube=1.35"}, "emulated-version"},
		{[]string{"--profiling=true"}, []string{"--profiling=false"}, ""},
	} {
		err := CheckShared(map[string][]string{"api_server": test.api, "controller_manager": test.manager})
		if test.refused == "" && err != nil {
			t.Errorf("%v and %v: %v", test.api, test.manager, err)
		}
		if test.refused != "" && (err == nil || !strings.Contains(err.Error(), test.refused)) {
			t.Errorf("%v and %v were accepted: %v", test.api, test.manager, err)
		}
	}
}
