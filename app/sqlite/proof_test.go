package sqlite

import (
	"testing"
)

// Rows are filed by their ids, and no others, whatever an id looks like.
func TestCaptureRowsFilesTheseRows(t *testing.T) {
	f := enrolledMemory(t)
	makeDB(t, f.path, "UPDATE _coditect_capture SET applying = 1",
		"INSERT INTO decisions (id, decision) VALUES ('new', 'made'), ('1', 'one'), ('2', 'two')", "UPDATE _coditect_capture SET applying = 0")
	n, err := f.CaptureRows(t.Context(), "decisions", []string{"new", "1", "gone"})
	if err != nil || n != 2 {
		t.Errorf("%d rows, %v", n, err)
	}
	wantLines(t, next(t, f), `put decisions new {"decision":"made"}`, `put decisions 1 {"decision":"one"}`)
}
