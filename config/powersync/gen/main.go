// Command gen writes sync-streams.yaml into the directory it runs in, which go generate makes config/powersync.
package main

import (
	"fmt"
	"os"

	"github.com/coditect-ai/coditect-sync/config/powersync"
)

func main() {
	if err := os.WriteFile("sync-streams.yaml", powersync.Generate(), 0o644); err != nil { //nolint:gosec // everybody may read it
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
