package sqlite

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

// accepted has the cloud take all that waits, and notes the write checkpoint for it.
func accepted(t *testing.T, f *File, checkpoint int64) {
	t.Helper()
	drainQueue(t, f)
	mark, drained, err := f.QueueMark(t.Context())
	if err != nil || !drained {
		t.Fatal(drained, err)
	}
	if ok, err := f.SetTarget(t.Context(), checkpoint, mark); err != nil || !ok {
		t.Fatal(ok, err)
	}
}

// TestRowsThatTheCloudTookAndDoesNotShow: a project that is taken away just after something was written into it takes that with
// it, though it never came down. What came back stays, and what was changed once more stays until that is shown.
func TestRowsThatTheCloudTookAndDoesNotShow(t *testing.T) {
	const write = "INSERT OR REPLACE INTO messages (id, hash, created_at, updated_at, content) VALUES ('%s', '%[1]s', 'c', 'u', 'one');"
	const uuid = "018f0000-0000-7000-8000-000000000001"
	f := enrolledMemory(t)
	for _, id := range []string{"gone", "back", uuid, "again"} {
		makeDB(t, f.path, fmt.Sprintf(write, id))
	}
	accepted(t, f, 7)
	wantDone(t, apply(t, f, pulled(t, f, 1, 7, ownedOp("back", `"content":"one"`), ownedOp(uuid, `"content":"one"`))))
	makeDB(t, f.path, "UPDATE messages SET source_type = 'x' WHERE id = 'again'")
	next(t, f)
	ids := func() string {
		return ask(t, f.path, "SELECT ifnull(group_concat(id), '') FROM (SELECT id FROM messages ORDER BY id)")
	}
	if got := ids(); got != uuid+",again,back" {
		t.Errorf("there is %s", got)
	}
	lost, err := f.Lost(t.Context())
	if err != nil || len(lost) != 1 || lost[0].Row != "gone" || lost[0].Kind != app.LostShare || !strings.Contains(string(lost[0].Mine), `"one"`) {
		t.Errorf("lost & found has %+v, %v", lost, err)
	}
	accepted(t, f, 8)
	wantDone(t, apply(t, f, pulled(t, f, 2, 8)))
	if out := next(t, f); len(out.Groups) > 0 {
		t.Errorf("what went is sent as deleted: %v", out.Groups)
	}
	if got := ids(); got != uuid+",back" {
		t.Errorf("there is %s", got)
	}
	if n := ask(t, f.path, "SELECT (SELECT count(*) FROM _coditect_queue) + (SELECT count(*) FROM _coditect_groups)"); n != "0" {
		t.Errorf("%s entries are left", n)
	}
	if lost, err := f.Lost(t.Context()); err != nil || len(lost) != 2 {
		t.Errorf("lost & found has %+v, %v", lost, err)
	}
	// Should it come after all, it is shown.
	wantDone(t, apply(t, f, pulled(t, f, 3, 8, ownedOp("gone", `"content":"one"`))))
	if got := ids(); got != uuid+",back,gone" {
		t.Errorf("there is %s", got)
	}
}
