package main

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// difference is something in which our plugin is not like upstream's, on purpose. Each is argued in
// docs/reference/cni-plugin.md under its name. Its explains says whether this, exactly, was met.
type difference struct {
	name     string
	explains func(one step, theirs, mine observed) bool
}

var differences = []difference{
	{
		"GC gives back what no valid attachment has; upstream's does nothing",
		func(one step, theirs, mine observed) bool {
			left := leases(theirs.after)
			maps.DeleteFunc(left, func(_, holder string) bool { return !slices.Contains(one.valid, holder) })
			return last(theirs).Command == "GC" && ended(theirs, 0) && ended(mine, 0) &&
				one.valid != nil && maps.Equal(leases(mine.after), left)
		},
	},
	{
		"GC reads the configuration and fails where it is bad; upstream's succeeds",
		func(one step, theirs, mine observed) bool {
			return one.raw && last(theirs).Command == "GC" && ended(theirs, 0) && ended(mine, 999)
		},
	},
	{
		"STATUS fails where ADD would: bad configuration, unusable folder; upstream's succeeds",
		func(one step, theirs, mine observed) bool {
			refused := ended(mine, 999) || ended(mine, 50)
			return one.raw && last(theirs).Command == "STATUS" && ended(theirs, 0) && refused
		},
	},
	{
		"an empty lease, left by a plugin that was killed, is free; to upstream it is taken for ever",
		func(_ step, theirs, mine observed) bool {
			for name, holder := range leases(mine.after) {
				if before, found := mine.before[name]; found && before.Content == "" && holder != "" {
					return ended(mine, 0) && strings.Contains(last(mine).Stdout, `"`+filepath.Base(name)+"/")
				}
			}
			// Reserved, and given back since an address of another set could not be had.
			for name, holder := range leases(theirs.after) {
				if _, found := mine.after[name]; !found && holder == "" {
					return last(mine).Command == "ADD" && ended(theirs, 999) && ended(mine, 999)
				}
			}
			return false
		},
	},
	{
		"an ADD that fails gives back what it reserved; upstream's takes all that the container had",
		func(one step, theirs, mine observed) bool {
			left := leases(theirs.before)
			maps.DeleteFunc(left, func(_, holder string) bool { return holder == one.container })
			return last(theirs).Command == "ADD" && ended(theirs, 999) && ended(mine, 999) &&
				len(left) < len(leases(theirs.before)) && maps.Equal(leases(theirs.after), left) && maps.Equal(leases(mine.after), leases(mine.before))
		},
	},
	{
		"ADD in the plugin's own namespace reserves nothing; upstream's prints a result and an error",
		func(_ step, theirs, mine observed) bool {
			return last(theirs).Exit == 1 && strings.HasPrefix(last(theirs).Stdout, "{\n    \"cniVersion\"") &&
				ended(mine, 8) && maps.Equal(leases(mine.after), leases(mine.before))
		},
	},
	{
		"null among the requested addresses is an error; upstream's ends with a Go panic",
		func(_ step, theirs, mine observed) bool {
			return last(theirs).Exit == 2 && last(theirs).Stdout == "" && ended(mine, 999)
		},
	},
	{
		"a route without dst is an error; upstream's answers with the destination <nil>",
		func(_ step, theirs, mine observed) bool {
			return ended(theirs, 0) && strings.Contains(last(theirs).Stdout, `"dst": "\u003cnil\u003e"`) && ended(mine, 999)
		},
	},
	{
		"a range that starts behind its end is an error; upstream's gives addresses outside of it",
		func(one step, theirs, mine observed) bool {
			return one.bad == startBehindEnd && ended(theirs, 0) && ended(mine, 999)
		},
	},
	{
		"what is not used is not looked at: ipam.name, ipam.type, the old form's keys without subnet",
		func(one step, theirs, mine observed) bool {
			// A CHECK may fail in both: ours then looked for a lease, and made the folder.
			checked := last(mine).Command == "CHECK" && ended(mine, 999) &&
				maps.Equal(leases(theirs.after), leases(mine.after))
			return slices.Contains(unused, one.bad) && ended(theirs, 999) && (ended(mine, 0) || checked)
		},
	},
	{
		"an IPv4 address in IPv6's form has no prefix length; upstream's takes one for a requested address",
		func(one step, theirs, mine observed) bool {
			return one.bad == mappedWithPrefix && ended(theirs, 0) && ended(mine, 999)
		},
	},
	{
		"of two addresses requested in one set the first is tried; upstream's tries any",
		func(one step, theirs, mine observed) bool {
			return one.requested > 1 && ended(theirs, 999) && ended(mine, 999) &&
				maps.Equal(leases(theirs.after), leases(mine.after))
		},
	},
	{
		"a container whose name is an address has no lease in last_reserved_ip; to upstream it may",
		func(_ step, theirs, mine observed) bool {
			for name, one := range theirs.before {
				if _, found := theirs.after[name]; !found {
					return strings.HasPrefix(filepath.Base(name), "last_reserved_ip.") &&
						one.Content == addressAsName && ended(mine, 0)
				}
			}
			return false
		},
	},
}

// listed is the name of the difference that explains what was met, if there is one.
func listed(one step, theirs, mine observed) string {
	if len(theirs.calls) == 0 || len(mine.calls) != len(theirs.calls) {
		return ""
	}
	for _, known := range differences {
		if known.explains(one, theirs, mine) {
			return known.name
		}
	}
	return ""
}

func last(seen observed) call {
	return seen.calls[len(seen.calls)-1]
}

// ended says whether the last call answered with this error code; 0 is success.
func ended(seen observed, code uint) bool {
	if code == 0 {
		return last(seen).Exit == 0
	}
	return last(seen).Exit == 1 && last(seen).code() == code
}
