package config

import (
	"encoding/json"
	"strings"
	"testing"
)

func valid() map[string]any {
	return map[string]any{
		"contract":           1,
		"datastore":          map[string]any{"path": "/c/db/state.db", "socket": "/c/kine.sock", "synchronous": "NORMAL"},
		"listener":           map[string]any{"fd": 3},
		"events":             "/c/events.jsonl",
		"log":                map[string]any{"path": "/c/server.log", "max_megabytes": 20, "backups": 2},
		"api_server":         []string{"--a=b"},
		"controller_manager": []string{},
		"scheduler":          []string{},
	}
}

func parse(t *testing.T, document any) (*Config, error) {
	t.Helper()
	data, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return Parse(data)
}

func TestAValidConfigurationIsRead(t *testing.T) {
	c, err := parse(t, valid())
	if err != nil {
		t.Fatal(err)
	}
	if *c.Listener.FD != 3 || c.ParentFD != nil || c.APIServer[0] != "--a=b" || c.Log.MaxMegabytes != 20 {
		t.Errorf("read as %+v", c)
	}
}

func TestWhatIsNotUnderstoodIsRefused(t *testing.T) {
	set := func(key string, value any) func(map[string]any) { return func(m map[string]any) { m[key] = value } }
	inside := func(object, key string, value any) func(map[string]any) {
		return func(m map[string]any) { m[object].(map[string]any)[key] = value }
	}
	for name, test := range map[string]struct {
		change func(map[string]any)
		says   string
	}{
		"an unknown key":             {set("colour", "red"), "colour"},
		"an unknown key inside":      {inside("datastore", "driver", "x"), "driver"},
		"another contract":           {set("contract", 2), "contract 2"},
		"no contract":                {func(m map[string]any) { delete(m, "contract") }, "missing"},
		"another contract and a key": {func(m map[string]any) { m["contract"] = 7; m["colour"] = 1 }, "contract 7"},
		"a relative path":            {set("events", "events.jsonl"), "absolute"},
		"no datastore":               {func(m map[string]any) { delete(m, "datastore") }, "datastore.path"},
		"a word for synchronous":     {inside("datastore", "synchronous", "fast"), "OFF, NORMAL or FULL"},
		"a long socket":              {inside("datastore", "socket", "/"+strings.Repeat("x", 103)), "103 bytes"},
		"two listeners":              {inside("listener", "address", "127.0.0.1:1"), "either"},
		"no listener":                {set("listener", map[string]any{}), "either"},
		"a template without a CA":    {inside("datastore", "template", "/t.db"), "root_ca_file"},
		"a log without a size":       {inside("log", "max_megabytes", 0), "max_megabytes"},
		"a string where a list is":   {set("scheduler", "--x"), "scheduler"},
	} {
		t.Run(name, func(t *testing.T) {
			document := valid()
			test.change(document)
			_, err := parse(t, document)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("want a sentence with %q, got: %v", test.says, err)
			}
		})
	}
}

func TestNoJSONAndMoreThanOneDocumentAreRefused(t *testing.T) {
	for _, text := range []string{"", "{", "[]", `{"contract":1}{}`} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
	data, _ := json.Marshal(valid())
	if _, err := Parse(append(data, " {}"...)); err == nil {
		t.Error("a second document was accepted")
	}
}
