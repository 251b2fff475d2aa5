package apptest_test

import (
	"testing"

	"github.com/coditect-ai/coditect-sync/app/apptest"
)

func TestDB(t *testing.T) {
	db := apptest.MustOpenDB(t, t.TempDir())
	db.Write(3)
	db.Write(4)
	if n := db.Rows(); n != 7 {
		t.Errorf("%d rows, want 7", n)
	}
	if mode := db.Exec("PRAGMA journal_mode;"); mode != "wal" {
		t.Errorf("journal mode %q", mode)
	}
	if _, err := db.TryExec("SELECT * FROM nowhere;"); err == nil {
		t.Error("a table that is not there was read")
	}
}
