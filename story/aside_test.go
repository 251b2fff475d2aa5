package story_test

import (
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// TestForeignCheckpointsCostNoFullCopies: while another program checkpoints in every mode, changes stay changes. A whole
// file for each checkpoint would fill the disk and the storage. At a bucket, where changes are copied every few seconds,
// more happens between two of them than at a folder.
func TestForeignCheckpointsCostNoFullCopies(t *testing.T) {
	gcs := apptest.StartGCS(t, "memory-backup")
	db, _ := largeMemory(t, asideRows)
	m := newMachine(t, "STORAGE_EMULATOR_HOST="+gcs.URL)
	m.do("setup", "--db", db, "--target", "gs://memory-backup", "--user", "mira")
	m.start()
	m.healthy()
	begin := m.points()[0].ID
	w := startWriters(t, db)
	time.Sleep(checkpointsFor) // many checkpoints are the subject
	w.stop()
	m.do("verify")
	size := m.status().DB.Bytes
	changes, full := 0, 0
	for _, p := range m.points() {
		if p.ID <= begin || p.Kind != app.PointChange {
			continue
		}
		if changes++; p.Size > size/2 {
			full++
		}
	}
	t.Logf("%d changes, %d of them as large as the file", changes, full)
	if changes < 5 {
		t.Fatalf("only %d changes: that proves nothing", changes)
	}
	if most := 1 + changes/20; full > most {
		t.Errorf("%d of %d changes hold the whole file, want at most %d", full, changes, most)
	}
}
