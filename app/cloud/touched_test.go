package cloud

import (
	"testing"

	"github.com/coditect-ai/coditect-sync/app/powersync"
)

// TestTouchedUntilShown: what is stored when a comparison begins, and shown while it goes on, came during it.
func TestTouchedUntilShown(t *testing.T) {
	came := touched{tables: map[string]int{}}
	ops := func(table string) []powersync.Op { return []powersync.Op{{Table: []byte(table)}} }
	came.add(ops("messages"))
	first := came.stored()
	came.add(ops("decisions"))
	came.take() // a comparison begins
	came.show(first)
	if got := came.take(); !got["messages"] || !got["decisions"] {
		t.Errorf("of what was shown, or is to be, %v came", got)
	}
	if got := came.take(); got["messages"] || !got["decisions"] {
		t.Errorf("what is not shown yet is to come: %v", got)
	}
	came.show(came.stored())
	came.take()
	if got := came.take(); len(got) != 0 {
		t.Errorf("%v came, though nothing did", got)
	}
}
