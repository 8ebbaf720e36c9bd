package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// dataDir stands for the folder of leases in what a step sends; each side has its own.
const dataDir = "@DATADIR@"

// step is something that both sides do. Its act gives back what libcni said, if it was asked.
type step struct {
	name string
	act  func(s *side) string
	// What differences.go wants to know of it.
	container string
	requested int
	valid     []string
	bad       string
	raw       bool
}

// observed is what a step did on one side.
type observed struct {
	before, after map[string]file
	calls         []call
	said          string
}

// pair is both sides. Their folders can be exchanged, since each can go on with what the other left.
type pair struct {
	upstream, ours *side
	work           string
}

func newPair(upstream, ours, work string) *pair {
	made := &pair{work: work}
	for name, plugins := range map[**side]string{&made.upstream: upstream, &made.ours: ours} {
		folder := filepath.Join(work, fmt.Sprint(name == &made.ours))
		*name = &side{plugins: plugins, data: filepath.Join(folder, "data"), cache: filepath.Join(folder, "cache")}
		must(os.MkdirAll(folder, 0o755))
	}
	return made
}

// walk does the steps on both sides and compares. After a difference, upstream goes on from our folder.
func (p *pair) walk(title string, steps []step) *tally {
	found := newTally()
	for number, one := range steps {
		theirs, mine := observe(p.upstream, one), observe(p.ours, one)
		found.steps++
		found.runs += len(mine.calls)
		for _, made := range theirs.calls {
			found.codes[fmt.Sprintf("%s with code %d", cmp.Or(made.Command, "no command"), made.code())]++
		}
		what := compare(theirs, mine)
		if what == "" {
			continue
		}
		if name := listed(one, theirs, mine); name != "" {
			found.listed[name]++
		} else {
			found.unlisted = append(found.unlisted,
				fmt.Sprintf("%s, step %d, %s:\n    %s", title, number, one.name, what))
		}
		p.level()
	}
	must(os.RemoveAll(p.work))
	return found
}

func observe(s *side, one step) observed {
	s.calls = nil
	before := s.files()
	said := one.act(s)
	return observed{before, s.files(), s.calls, strings.ReplaceAll(said, s.data, dataDir)}
}

// level gives upstream what we have.
func (p *pair) level() {
	for from, to := range map[string]string{p.ours.data: p.upstream.data, p.ours.cache: p.upstream.cache} {
		must(os.RemoveAll(to))
		if _, err := os.Stat(from); err == nil {
			must(os.CopyFS(to, os.DirFS(from)))
		}
	}
	for name, found := range p.ours.files() {
		must(os.Chmod(filepath.Join(p.upstream.data, name), found.Mode))
	}
}

// compare says what is not the same, or nothing.
func compare(theirs, mine observed) string {
	if len(theirs.calls) != len(mine.calls) {
		return fmt.Sprintf("upstream was called %d times, ours %d times", len(theirs.calls), len(mine.calls))
	}
	for number, a := range theirs.calls {
		b := mine.calls[number]
		equal := a.Exit == b.Exit && a.code() == b.code()
		if a.Exit == 0 {
			equal = equal && reflect.DeepEqual(decoded(a.Stdout), decoded(b.Stdout))
		}
		if !equal {
			return fmt.Sprintf("%s: upstream %d %s, ours %d %s", a.Command, a.Exit, a.Stdout, b.Exit, b.Stdout)
		}
	}
	if theirs.said != mine.said {
		return fmt.Sprintf("libcni says of upstream %s, and of ours %s", theirs.said, mine.said)
	}
	if !reflect.DeepEqual(theirs.after, mine.after) {
		return fmt.Sprintf("the folder of upstream holds %v, ours %v", theirs.after, mine.after)
	}
	return ""
}

func decoded(text string) any {
	var document any
	if json.Unmarshal([]byte(text), &document) != nil {
		return text
	}
	return document
}

// leases are the files whose name is an address, with what they hold.
func leases(files map[string]file) map[string]string {
	found := map[string]string{}
	for name, one := range files {
		if _, err := netip.ParseAddr(filepath.Base(name)); err == nil {
			found[name] = one.Content
		}
	}
	return found
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
