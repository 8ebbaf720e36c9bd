// Command sandkube-server is a whole Kubernetes control plane in one process, and its clients in the same file:
// called as kubectl or helm (by name or by first argument) it is that client.
package main

import (
	"os"
	_ "time/tzdata" // the zones of CronJobs, on machines that have none, as upstream's programs bring them along

	"github.com/sandkube/sandkube/server/internal/commands"
)

func main() {
	os.Exit(commands.Main(os.Args))
}
