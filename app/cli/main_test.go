package cli

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test binary the program itself when a script calls coditect-sync.
func TestMain(m *testing.M) {
	testscript.Main(withCloud{m}, map[string]func(){
		"coditect-sync": func() { os.Exit(Main("v-test", os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}
