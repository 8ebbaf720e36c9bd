// Command reference asks two CNI plugins the same things, and says where their answers differ.
//
// One is host-local as the CNI project builds it, the other is sandkube's. Both are run through libcni, as a
// container runtime runs them. Each has a folder of leases of its own; after every step the answers and the
// folders must be the same, unless the difference is one of those in differences.go.
//
//	reference -upstream FOLDER -ours FOLDER [-seed N] [-sequences N]
//
// The folders hold an executable host-local each. The exit status is 1 if a difference is not listed, or if
// one that is listed was not met.
package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

func main() {
	upstream := flag.String("upstream", "", "the folder with the CNI project's host-local")
	ours := flag.String("ours", "", "the folder with sandkube's host-local")
	seed := flag.Uint64("seed", 1, "what the sequences are generated from")
	sequences := flag.Int("sequences", 200, "how many sequences to generate")
	flag.Parse()
	work, err := os.MkdirTemp("", "cni-reference-")
	if err == nil {
		defer os.RemoveAll(work)
		err = run(*upstream, *ours, work, *seed, *sequences)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run goes through all sequences, two at a time, and prints what was met.
func run(upstream, ours, work string, seed uint64, sequences int) error {
	for name, folder := range map[string]string{"upstream": upstream, "ours": ours} {
		fmt.Printf("%s: %s\n", name, about(folder))
	}
	total := newTally()
	var group sync.WaitGroup
	numbers := make(chan int)
	for range 2 {
		group.Go(func() {
			for number := range numbers {
				pair := newPair(upstream, ours, filepath.Join(work, fmt.Sprint(number)))
				steps := corners(pair)
				if number > 0 {
					steps = generate(pair, seed+uint64(number))
				}
				total.add(pair.walk(fmt.Sprintf("sequence %d", number), steps))
			}
		})
	}
	for number := range sequences + 1 {
		numbers <- number
	}
	close(numbers)
	group.Wait()
	return total.print(sequences)
}

// tally counts steps, and the listed differences among them; it keeps the unlisted ones.
type tally struct {
	mutex    sync.Mutex
	steps    int
	runs     int
	codes    map[string]int
	listed   map[string]int
	unlisted []string
}

func newTally() *tally {
	return &tally{codes: map[string]int{}, listed: map[string]int{}}
}

func (t *tally) add(other *tally) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.steps += other.steps
	t.runs += other.runs
	for name, count := range other.listed {
		t.listed[name] += count
	}
	for name, count := range other.codes {
		t.codes[name] += count
	}
	t.unlisted = append(t.unlisted, other.unlisted...)
}

func (t *tally) print(sequences int) error {
	fmt.Printf("%d generated sequences and one of corner cases: %d steps, %d calls of each plugin\n",
		sequences, t.steps, t.runs)
	for _, name := range slices.Sorted(maps.Keys(t.codes)) {
		fmt.Printf("  upstream answered %s: %d times\n", name, t.codes[name])
	}
	var never []string
	for _, one := range differences {
		fmt.Printf("  listed difference, met %d times: %s\n", t.listed[one.name], one.name)
		if t.listed[one.name] == 0 {
			never = append(never, one.name)
		}
	}
	if len(t.unlisted) > 0 {
		shown := t.unlisted[:min(len(t.unlisted), 20)]
		return fmt.Errorf("%d differences are not listed:\n%s", len(t.unlisted), strings.Join(shown, "\n"))
	}
	if len(never) > 0 {
		return fmt.Errorf("listed, but never met: %s", strings.Join(never, "; "))
	}
	return nil
}
