package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
)

const (
	startBehindEnd   = `"subnet": "10.6.0.0/30", "rangeStart": "10.6.0.3"`
	mappedWithPrefix = `"args": {"cni": {"ips": ["::ffff:10.5.0.99/120"]}}`
	addressAsName    = "10.1.0.2"
)

// unused are keys that upstream's plugin looks at without using them.
var unused = []string{
	`{"subnet": "10.5.0.0/24", "type": 5}`, `{"subnet": "10.5.0.0/24", "name": 5}`,
	`{"rangeStart": "x", "ranges": [[{"subnet": "10.5.0.0/24"}]]}`,
}

// bad is a call that goes wrong: what it sends, and what it changes in the environment ("" takes away).
type bad struct {
	stdin   string
	environ map[string]string
	which   string // of those that differences.go knows
}

func environment(command string) map[string]string {
	return map[string]string{
		"CNI_COMMAND": command, "CNI_CONTAINERID": "raw", "CNI_NETNS": "/nowhere/raw",
		"CNI_IFNAME": "eth0", "CNI_PATH": "/nowhere",
	}
}

func (b bad) step(command string, p *pair) step {
	environ := environment(command)
	maps.Copy(environ, b.environ)
	maps.DeleteFunc(environ, func(_, value string) bool { return value == "" })
	stdin := strings.ReplaceAll(b.stdin, "@NOTHING@", filepath.Join(p.work, "nothing"))
	return step{
		name: fmt.Sprintf("%s %s %v", command, b.stdin, b.environ),
		act:  func(s *side) string { s.raw(environ, stdin); return "" },
		bad:  b.which,
		raw:  true,
	}
}

// ipam is a network around the JSON of its `ipam`.
func ipam(text string) string {
	return network(`"ipam": ` + text)
}

// network is a network with these keys. Whatever is bad in it, its leases go to the folder of the test.
func network(text string) string {
	text = strings.Replace(text, `"ipam": {"`, `"ipam": {"dataDir": "@DATADIR@", "`, 1)
	return fmt.Sprintf(`{"cniVersion": "1.1.0", "name": "raw", %s}`, text)
}

// good is a network that nothing is wrong with.
var good = ipam(`{"ranges": [[{"subnet": "10.5.0.0/24"}]]}`)

// badNetworks are calls of which most must fail.
func badNetworks() []bad {
	var made []bad
	for _, stdin := range []string{
		``, `{`, `[]`, `null`, `"x"`, `{"name": 5}`, `{"name": ""}`, `{"name": null}`, `{"name": "../x"}`, `{"name": "a b"}`,
		good + `x`, strings.Replace(good, `"1.1.0"`, `NaN`, 1), "\xef\xbb\xbf" + good, strings.Repeat("[", 20000),
		`{"name": "raw", "cniVersion": 5}`, `{"name": "raw"}`, network(`"ipam": null`), network(`"type": "x"`),
		network(`"args": 5, "ipam": {"subnet": "10.5.0.0/24"}`),
		network(`"args": {"cni": []}, "ipam": {"subnet": "10.5.0.0/24"}`),
		network(`"runtimeConfig": [], "ipam": {"subnet": "10.5.0.0/24"}`),
	} {
		made = append(made, bad{stdin: stdin})
	}
	for _, version := range []string{"", "abc", "0.5.0", "1.2.0", "9.9.9", "1.2.3.4", "1", "1.1", "0.2.0", "0.3.1", "v1.0.0"} {
		made = append(made, bad{stdin: strings.Replace(good, "1.1.0", version, 1)})
	}
	for _, text := range []string{
		`"x"`, `[]`, `{}`, `{"ranges": []}`, `{"ranges": {}}`, `{"ranges": [[]]}`, `{"ranges": [null]}`, `{"ranges": [[null]]}`,
		`{"ranges": [[{}]]}`, `{"ranges": [{"subnet": "10.5.0.0/24"}]}`, `{"ranges": [["10.5.0.0/24"]]}`,
		`{"subnet": null}`, `{"subnet": ""}`, `{"subnet": 10}`, `{"subnet": "x"}`, `{"subnet": "10.5.0.0"}`,
		`{"subnet": "10.5.0.0/33"}`, `{"subnet": "10.5.0.0/-1"}`, `{"subnet": "10.5.0.0/255.255.255.0"}`, `{"subnet": "10.5.0.0/"}`,
		`{"subnet": "10.5.0.1/24"}`, `{"subnet": "10.5.0.0/31"}`, `{"subnet": "10.5.0.0/32"}`, `{"subnet": "10.05.0.0/24"}`,
		`{"subnet": "fd00::/127"}`, `{"subnet": "fd00::1/64"}`, `{"subnet": "::ffff:10.5.0.0/120"}`, `{"subnet": "fe80::%eth0/64"}`,
		`{"subnet": "10.5.0.0/24", "rangeStart": "10.6.0.1"}`, `{"subnet": "10.5.0.0/24", "rangeEnd": "10.6.0.1"}`,
		`{"subnet": "10.5.0.0/24", "rangeStart": "fd00::1"}`, `{"subnet": "10.5.0.0/24", "rangeStart": "x"}`,
		`{"subnet": "10.5.0.0/24", "rangeStart": "10.5.0.9", "rangeEnd": "10.5.0.3"}`, `{"subnet": "10.5.0.0/24", "rangeEnd": 7}`,
		`{"subnet": "10.5.0.0/24", "gateway": "x"}`, `{"subnet": "10.5.0.0/24", "gateway": []}`,
		`{"subnet": "10.5.0.0/24", "dataDir": 5}`,
		`{"subnet": "10.5.0.0/24", "routes": {}}`, `{"subnet": "10.5.0.0/24", "routes": ["0.0.0.0/0"]}`,
		`{"subnet": "10.5.0.0/24", "routes": [{"dst": "x"}]}`, `{"subnet": "10.5.0.0/24", "routes": [{"dst": "0.0.0.0/0", "gw": "x"}]}`,
		`{"subnet": "10.5.0.0/24", "routes": [{"dst": "0.0.0.0/0", "mtu": "x"}]}`,
		`{"subnet": "10.5.0.0/24", "routes": [{"dst": ""}]}`, `{"subnet": "10.5.0.0/24", "routes": [{"dst": null}]}`,
		`{"subnet": "10.5.0.0/24", "routes": [{"dst": "0.0.0.0/0", "mtu": 12345678901234567890}]}`,
		`{"subnet": "10.5.0.0/24", "routes": [{"dst": "0.0.0.0/0", "table": 1.5}]}`,
		`{"subnet": "10.5.0.0/24", "resolvConf": 5}`, `{"subnet": "10.5.0.0/24", "resolvConf": "@NOTHING@"}`,
		`{"ranges": [[{"subnet": "10.5.0.0/24"}, {"subnet": "fd00::/64"}]]}`,
		`{"ranges": [[{"subnet": "10.5.0.0/24"}, {"subnet": "10.5.0.0/16"}]]}`,
		`{"ranges": [[{"subnet": "10.5.0.0/24"}], [{"subnet": "10.5.0.128/25"}]]}`,
	} {
		made = append(made, bad{stdin: ipam(text)})
	}
	for _, text := range unused {
		made = append(made, bad{stdin: ipam(text), which: text})
	}
	for _, text := range []string{
		`"args": {"cni": {"ips": ["x"]}}`, `"args": {"cni": {"ips": [""]}}`, `"args": {"cni": {"ips": [5]}}`, `"args": {"cni": {"ips": "10.5.0.9"}}`,
		`"runtimeConfig": {"ips": ["10.5.0.9/99"]}`, `"runtimeConfig": {"ips": ["10.6.0.1"]}`, `"runtimeConfig": {"ipRanges": [5]}`,
		`"runtimeConfig": {"ips": null, "ipRanges": null}, "args": {"cni": null}`,
	} {
		made = append(made, bad{stdin: strings.Replace(good, `"ipam"`, text+`, "ipam"`, 1)})
	}
	for _, environ := range []map[string]string{
		{"CNI_COMMAND": "FOO"}, {"CNI_COMMAND": "add"}, {"CNI_COMMAND": ""}, {"CNI_CONTAINERID": ""}, {"CNI_NETNS": ""}, {"CNI_IFNAME": ""},
		{"CNI_PATH": ""}, {"CNI_CONTAINERID": "-a"}, {"CNI_CONTAINERID": "a/b"}, {"CNI_CONTAINERID": "a\n"}, {"CNI_IFNAME": "a b"},
		{"CNI_IFNAME": "a/b"}, {"CNI_IFNAME": "a:b"}, {"CNI_IFNAME": ".."}, {"CNI_IFNAME": "sixteen-letters!"}, {"CNI_IFNAME": "äääääääö"},
		{"CNI_ARGS": "IP"}, {"CNI_ARGS": "IP=x"}, {"CNI_ARGS": "IP="}, {"CNI_ARGS": "IP=10.5.0.77;"}, {"CNI_ARGS": "IP=10.5.0.77=1"},
		{"CNI_ARGS": ";"}, {"CNI_ARGS": "A=1"}, {"CNI_ARGS": "A=1;IgnoreUnknown=0"}, {"CNI_ARGS": "A=1;IgnoreUnknown=yes"},
		{"CNI_ARGS": "A=1;IgnoreUnknown=True"}, {"CNI_ARGS": "IP=10.5.0.78/8"}, {"CNI_ARGS": "IP=10.5.0.1"}, {"CNI_ARGS": "ip=10.5.0.79"},
		{"CNI_ARGS": "IP=fe80::1%lo"}, {"CNI_ARGS": "IP=010.5.0.80"},
	} {
		made = append(made, bad{stdin: good, environ: environ})
	}
	return made
}

// corners are all bad calls, and what a generator meets too rarely.
func corners(p *pair) []step {
	steps := make([]step, 0, 1000)
	for _, one := range badNetworks() {
		steps = append(steps, one.step("ADD", p), one.step("CHECK", p), one.step("STATUS", p), one.step("DEL", p))
	}
	raw := func(command, stdin string, environ map[string]string) {
		steps = append(steps, bad{stdin: stdin, environ: environ}.step(command, p))
	}
	known := func(stdin, which string) {
		steps = append(steps, bad{stdin: stdin, which: which}.step("ADD", p))
	}
	prepare := func(name, content string) {
		steps = append(steps, step{name: "a file is written", act: func(s *side) string {
			must(os.MkdirAll(filepath.Dir(filepath.Join(s.data, name)), 0o755))
			return said(os.WriteFile(filepath.Join(s.data, name), []byte(content), 0o600))
		}})
	}

	// Keys in any case, null for nothing, characters that are escaped.
	raw("ADD", strings.NewReplacer("name", "NAME", "subnet", "SubNet", "ipam", "IPAM").Replace(good), nil)
	raw("DEL", strings.Replace(good, "10.5.0.0/24", `10.5.0.0\u002f24`, 1), nil)
	raw("ADD", ipam(`{"subnet": "10.5.0.0/24", "routes": null, "gateway": null, "rangeEnd": ""}`), nil)
	raw("DEL", good, map[string]string{"CNI_NETNS": ""})

	// The plugin's own namespace, with and without being told that it may be.
	own := map[string]string{"CNI_NETNS": "/proc/self/ns/net"}
	raw("ADD", good, own)
	raw("ADD", good, map[string]string{"CNI_NETNS": "/proc/self/ns/net", "CNI_NETNS_OVERRIDE": "true"})
	raw("DEL", good, own)
	raw("DEL", good, map[string]string{"CNI_NETNS": "/dev/null"})

	raw("ADD", strings.Replace(good, `"ipam"`, `"args": {"cni": {"ips": [null]}}, "ipam"`, 1), nil)
	for _, command := range []string{"ADD", "DEL"} {
		raw(command, ipam(`{"subnet": "10.5.0.0/24", "routes": [{"gw": "10.5.0.1"}]}`), nil)
	}
	raw("DEL", good, nil)
	known(strings.Replace(good, `"ipam"`, mappedWithPrefix+`, "ipam"`, 1), mappedWithPrefix)
	known(ipam("{"+startBehindEnd+"}"), startBehindEnd)
	raw("CHECK", ipam("{"+startBehindEnd+"}"), nil)
	raw("DEL", ipam("{"+startBehindEnd+"}"), nil)
	raw("DEL", good, nil)

	// Attachments that are valid: not said, none, one.
	raw("GC", ipam(`{"subnet": "10.5.0.0"}`), nil)
	raw("ADD", good, nil)
	raw("ADD", good, map[string]string{"CNI_IFNAME": "eth1"})
	for _, valid := range []string{`null`, `[{"containerID": "raw", "ifname": "eth1"}]`, `[]`} {
		raw("GC", strings.Replace(good, `"ipam"`, `"cni.dev/valid-attachments": `+valid+`, "ipam"`, 1), nil)
		steps[len(steps)-1].valid = []string{}
		if strings.Contains(valid, "raw") {
			steps[len(steps)-1].valid = []string{"raw", "raw\r\neth1"}
		}
	}

	// A reservation that was cut off, in a range with one address.
	small := strings.Replace(good, "10.5.0.0/24", "10.7.0.0/30", 1)
	prepare("raw/10.7.0.2", "")
	raw("ADD", small, nil)
	raw("ADD", small, map[string]string{"CNI_CONTAINERID": "other"})
	raw("DEL", small, nil)

	// An ADD that fails after it reserved, of a container that has an address.
	dual := strings.Replace(good, `[[`, `[[{"subnet": "10.8.0.0/24"}], [`, 1)
	raw("ADD", dual, nil)
	raw("ADD", dual, map[string]string{"CNI_ARGS": "IP=10.8.0.9"})
	steps[len(steps)-1].container = "raw\r\neth0"
	raw("DEL", dual, nil)

	// Eight requested addresses of one set. Upstream takes any, so it may take the first.
	eight := make([]string, 8)
	for number := range eight {
		eight[number] = fmt.Sprintf(`"10.5.0.%d"`, 30+number)
	}
	asked := fmt.Sprintf(`"args": {"cni": {"ips": [%s]}}, "ipam"`, strings.Join(eight, ", "))
	for range 10 {
		raw("ADD", strings.Replace(good, `"ipam"`, asked, 1), nil)
		steps[len(steps)-1].requested = 8
	}
	both := strings.Replace(dual, `"ipam"`, `"args": {"cni": {"ips": ["10.5.0.30", "10.8.0.31"]}}, "ipam"`, 1)
	raw("ADD", both, nil)
	raw("DEL", both, nil)

	// A container with the name of an address.
	named := map[string]string{"CNI_CONTAINERID": addressAsName}
	prepare("raw/last_reserved_ip.0", addressAsName)
	raw("DEL", good, named)

	// A lease of long ago, which names no interface.
	prepare("raw/10.5.0.40", "raw\n")
	raw("CHECK", good, map[string]string{"CNI_IFNAME": "any"})
	raw("ADD", good, nil)
	raw("DEL", good, map[string]string{"CNI_IFNAME": "any"})

	// One besides new ones: no second address in its set; DEL goes through the sets, and gets to it in the second.
	prepare("raw/10.5.0.41", "raw")
	raw("ADD", dual, nil)
	raw("ADD", dual, map[string]string{"CNI_ARGS": "IP=10.5.0.42"})
	raw("DEL", good, nil)
	raw("ADD", dual, map[string]string{"CNI_ARGS": "IP=10.5.0.42"})
	raw("DEL", dual, nil)

	// Files that nobody expects, and a folder that cannot be made.
	prepare("raw/10.5.0.2", "somebody")
	prepare("raw/notes", "raw\r\neth1")
	prepare("raw/last_reserved_ip.0", "nonsense")
	raw("ADD", good, nil)
	raw("DEL", good, nil)
	prepare("file", "")
	blocked := strings.Replace(good, dataDir, dataDir+"/file", 1)
	raw("ADD", blocked, nil)
	raw("DEL", blocked, nil)
	raw("STATUS", blocked, nil)
	return steps
}
