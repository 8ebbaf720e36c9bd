package commands

import (
	"flag"
	"fmt"
	"io"

	"github.com/sandkube/sandkube/server/internal/template"
)

func makeTemplate(args []string, errOut io.Writer) int {
	flags := flag.NewFlagSet("template", flag.ContinueOnError)
	flags.SetOutput(errOut)
	output := flags.String("output", "", "the file to write")
	if err := flags.Parse(args); err != nil {
		return exitRefused
	}
	if *output == "" || flags.NArg() > 0 {
		return refuse(errOut, "template takes --output FILE and nothing else")
	}
	if err := template.Make(*output); err != nil {
		fmt.Fprintf(errOut, "sandkube-server: making the template: %v\n", err)
		return exitFailed
	}
	return exitFine
}
