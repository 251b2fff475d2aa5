// Command coditect-sync keeps a SQLite file safe and brings back any moment of it. The verbs are in app/cli.
package main

import (
	"os"

	"github.com/coditect-ai/coditect-sync/app/cli"
)

// version is set by the linker.
var version = "dev"

func main() {
	os.Exit(cli.Main(version, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
