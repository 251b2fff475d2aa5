package app_test

import (
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestCounted(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 128431: "128,431", -5: "-5", -999: "-999", -1234567: "-1,234,567"} {
		if got := app.Counted(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// Nobody holds “the same 0 rows”.
func TestWhatIsProvedOfNothing(t *testing.T) {
	for rows, want := range map[int64][2]string{
		0:      {"are both empty", "the file, which is empty"},
		1:      {"hold the same 1 row", "its one row"},
		128431: {"hold the same 128,431 rows", "all 128,431 rows"},
	} {
		if held, gave := (app.Proof{Rows: rows}).Held(), (app.Drill{Rows: rows}).Gave(); held != want[0] || gave != want[1] {
			t.Errorf("%d rows: %q, %q", rows, held, gave)
		}
	}
}
