package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
)

type object = map[string]any

var versions = []string{"0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0", "1.1.0", "1.1.0"}

// shape is a network to generate steps for: its configuration, and addresses to ask for.
type shape struct {
	version   string
	ipam      object
	runtime   object
	addresses []string
}

// generator makes the steps of one sequence.
type generator struct {
	*rand.Rand
	pair    *pair
	network shape
}

// generate makes a sequence from its seed.
func generate(p *pair, seed uint64) []step {
	g := &generator{rand.New(rand.NewPCG(seed, 0)), p, shape{}}
	g.network = g.shape()
	steps := make([]step, 0, 20)
	for range 8 + g.IntN(12) {
		steps = append(steps, g.step())
	}
	return steps
}

// pick is one of the choices.
func pick[T any](g *generator, choices ...T) T {
	return choices[g.IntN(len(choices))]
}

// shape draws a network: one or two families, one or more ranges and sets, small enough to be used up.
func (g *generator) shape() shape {
	made := shape{version: pick(g, versions...), ipam: object{"type": "host-local", "dataDir": dataDir}}
	four := []object{
		{"subnet": "10.1.0.0/29"},
		{"subnet": "10.1.0.0/30"},
		{"subnet": "10.1.0.0/24", "rangeStart": "10.1.0.7", "rangeEnd": "10.1.0.9"},
		{"subnet": "10.1.0.0/24", "rangeStart": "10.1.0.250", "gateway": "10.1.0.252"},
		{"subnet": "10.1.0.0/16", "rangeEnd": "10.1.0.4", "gateway": "10.1.0.3"},
		{"subnet": "10.1.0.0/24", "rangeStart": "10.1.0.0", "rangeEnd": "10.1.0.2", "gateway": "10.1.0.254"},
	}
	six := []object{
		{"subnet": "2001:db8::/125"},
		{"subnet": "2001:DB8:0::/64", "rangeStart": "2001:db8::fffe", "rangeEnd": "2001:db8::1:1"},
		{"subnet": "fd00::/126", "gateway": "fd00::2"},
		{"subnet": "fd00:0:0:1::/64", "rangeEnd": "fd00:0:0:1::3"},
	}
	more := []object{{"subnet": "10.3.0.0/30"}, {"subnet": "10.3.1.0/29", "rangeEnd": "10.3.1.3"}}
	made.addresses = []string{"10.1.0.1", "10.1.0.2", "10.1.0.2", "10.1.0.3", "10.1.0.8", "10.1.0.8/24", "::ffff:10.1.0.2",
		"10.1.0.251", "10.3.0.2", "10.3.1.2", "10.9.9.9", "2001:db8::2", "2001:db8:0:0::3/64", "2001:db8::ffff", "fd00::1"}
	second := four[0]["subnet"]
	switch g.IntN(8) {
	case 0:
		maps.Copy(made.ipam, pick(g, four...))
	case 1:
		maps.Copy(made.ipam, pick(g, six...))
	case 2:
		made.ipam["ranges"] = [][]object{{pick(g, four...)}}
	case 3:
		made.ipam["ranges"] = [][]object{{pick(g, four...)}, {pick(g, six...)}}
	case 4:
		made.ipam["ranges"] = [][]object{{pick(g, four...), more[0], more[1]}}
	case 5:
		made.ipam["ranges"] = [][]object{{pick(g, six...)}, {more[1]}, {pick(g, four...)}}
	case 6:
		maps.Copy(made.ipam, pick(g, four...))
		made.ipam["ranges"] = [][]object{{pick(g, six...)}}
	case 7:
		made.runtime = object{"ipRanges": [][]object{{{"subnet": second}}, {pick(g, six...)}}}
		if g.IntN(2) == 0 {
			made.ipam["ranges"] = [][]object{{more[0]}}
		}
	}
	if g.IntN(2) == 0 {
		made.ipam["routes"] = pick(g,
			[]object{{"dst": "0.0.0.0/0"}},
			[]object{{"dst": "::/0", "gw": "fd00::9"}, {"dst": "10.2.3.4/16", "gw": "10.1.0.1", "mtu": 1400}},
			[]object{{"dst": "192.168.0.0/16", "advmss": 1, "priority": 0, "table": 0, "scope": 253}},
		)
	}
	if g.IntN(3) == 0 {
		made.ipam["resolvConf"] = g.pair.write("resolv.conf", pick(g, "nameserver 10.0.0.1\nnameserver 10.0.0.2\n",
			"# nothing\n;\n\nsearch a.example b.example\nsearch c\n domain d \ndomain e\noptions ndots:5\nsortlist x\n"))
	}
	return made
}

// write puts a file beside the folders, for both sides.
func (p *pair) write(name, content string) string {
	path := filepath.Join(p.work, name)
	must(os.MkdirAll(p.work, 0o755))
	must(os.WriteFile(path, []byte(content), 0o600))
	return path
}

func (g *generator) step() step {
	container, interfaceName := fmt.Sprintf("c%d", g.IntN(6)), pick(g, "eth0", "eth0", "net1")
	switch draw := g.IntN(100); {
	case draw < 42:
		return g.libcni("ADD", container, interfaceName, nil)
	case draw < 57:
		return g.libcni("DEL", container, interfaceName, nil)
	case draw < 65:
		return g.libcni("CHECK", container, interfaceName, nil)
	case draw < 78:
		asked := []string{pick(g, g.network.addresses...)}
		for g.IntN(4) == 0 {
			asked = append(asked, pick(g, g.network.addresses...))
		}
		return g.libcni("ADD", container, interfaceName, asked)
	case draw < 81:
		return g.garbage()
	case draw < 83:
		return step{name: "STATUS", act: func(s *side) string {
			return said(s.cni().GetStatusNetworkList(context.Background(), s.list(g.network, nil)))
		}}
	case draw < 84:
		return step{name: "VERSION", act: func(s *side) string {
			found, err := s.cni().GetVersionInfo(context.Background(), "host-local")
			return fmt.Sprint(found, err)
		}}
	case draw < 88:
		return g.exchange()
	case draw < 90:
		return step{name: "the runtime forgets", act: func(s *side) string { return said(os.RemoveAll(s.cache)) }}
	case draw < 92:
		return step{name: "a reservation is cut off", act: cutOff}
	case draw < 94:
		return g.oldLease()
	default:
		bad := pick(g, badNetworks()...)
		return bad.step(pick(g, "ADD", "DEL", "CHECK", "GC", "STATUS"), g.pair)
	}
}

// list is the network as libcni takes it.
func (s *side) list(network shape, args object) *libcni.NetworkConfigList {
	plugin := object{
		"type": "host-local", "ipam": network.ipam,
		"capabilities": object{"ipRanges": true, "ips": true},
	}
	if args != nil {
		plugin["args"] = object{"cni": args}
	}
	text, err := json.Marshal(object{"name": "net", "cniVersion": network.version, "plugins": []object{plugin}})
	must(err)
	made, err := libcni.ConfListFromBytes([]byte(strings.ReplaceAll(string(text), dataDir, s.data)))
	must(err)
	return made
}

// libcni has a container runtime's library ask; the addresses go one of the three ways there are.
func (g *generator) libcni(command, container, interfaceName string, asked []string) step {
	network := g.network
	runtime := &libcni.RuntimeConf{
		ContainerID: container, IfName: interfaceName, NetNS: "/nowhere/" + container,
		CapabilityArgs: maps.Clone(network.runtime),
	}
	var args object
	if asked != nil {
		switch way := g.IntN(3); {
		case way == 0 && len(asked) == 1:
			runtime.Args = [][2]string{{"IP", asked[0]}, {"IgnoreUnknown", pick(g, "1", "TRUE")}, {"K8S", "x"}}
		case way == 1:
			args = object{"ips": asked}
		default:
			runtime.CapabilityArgs = maps.Clone(network.runtime)
			if runtime.CapabilityArgs == nil {
				runtime.CapabilityArgs = object{}
			}
			runtime.CapabilityArgs["ips"] = asked
		}
	}
	act := func(s *side) string {
		list, cni := s.list(network, args), s.cni()
		switch command {
		case "ADD":
			result, err := cni.AddNetworkList(context.Background(), list, runtime)
			if err != nil {
				return said(err)
			}
			text, err := json.Marshal(result)
			must(err)
			return string(text)
		case "DEL":
			return said(cni.DelNetworkList(context.Background(), list, runtime))
		default:
			return said(cni.CheckNetworkList(context.Background(), list, runtime))
		}
	}
	return step{
		name: fmt.Sprintf("%s %s %s %v of %v", command, container, interfaceName, asked, network),
		act:  act, container: container + "\r\n" + interfaceName, requested: len(asked),
	}
}

// said is what libcni says, without the plugin's own words: those are compared by their code.
func said(err error) string {
	var answered *types.Error
	if errors.As(err, &answered) {
		return fmt.Sprintf("code %d", answered.Code)
	}
	return fmt.Sprint(err)
}

// garbage has the runtime name some attachments that are still valid.
func (g *generator) garbage() step {
	args := &libcni.GCArgs{}
	valid := []string{}
	for number := range 6 {
		for _, interfaceName := range []string{"eth0", "net1"} {
			if g.IntN(3) == 0 {
				one := types.GCAttachment{ContainerID: fmt.Sprintf("c%d", number), IfName: interfaceName}
				args.ValidAttachments = append(args.ValidAttachments, one)
				valid = append(valid, one.ContainerID, one.ContainerID+"\r\n"+one.IfName)
			}
		}
	}
	network := g.network
	return step{name: "GC " + strings.Join(valid, " "), valid: valid, act: func(s *side) string {
		if len(valid) == 0 {
			args = nil
		}
		return said(s.cni().GCNetworkList(context.Background(), s.list(network, nil), args))
	}}
}

// exchange gives each side the folder of the other; done when the second is asked.
func (g *generator) exchange() step {
	return step{name: "folders are exchanged", act: func(s *side) string {
		if s == g.pair.ours {
			spare := filepath.Join(g.pair.work, "spare")
			_, theirs := os.Stat(g.pair.upstream.data)
			if theirs == nil {
				must(os.Rename(g.pair.upstream.data, spare))
				must(os.Rename(g.pair.ours.data, g.pair.upstream.data))
				must(os.Rename(spare, g.pair.ours.data))
			}
		}
		return ""
	}}
}

// cutOff empties the first lease, as if whoever wrote it had been killed before.
func cutOff(s *side) string {
	names := slices.Sorted(maps.Keys(leases(s.files())))
	if len(names) > 0 {
		must(os.Truncate(filepath.Join(s.data, names[0]), 0))
	}
	return ""
}

// oldLease writes a lease that names no interface, as versions of long ago did.
func (g *generator) oldLease() step {
	address := pick(g, "10.1.0.2", "10.1.0.8", "2001:db8::2")
	container := fmt.Sprintf("c%d", g.IntN(6))
	return step{name: "an old lease", act: func(s *side) string {
		path := filepath.Join(s.data, "net", address)
		if _, err := os.Stat(path); err == nil || len(leases(s.files())) > 0 {
			return ""
		}
		must(os.MkdirAll(filepath.Dir(path), 0o755))
		return said(os.WriteFile(path, []byte(container), 0o600))
	}}
}
