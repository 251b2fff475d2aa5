package sqlite

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/powersync"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

const gateID = "01890000-0000-7000-8000-000000000001"

// pulled gives operations of one bucket and returns the Apply of a whole checkpoint.
func pulled(t testing.TB, f *File, op, written int64, ops ...powersync.Op) powersync.Apply {
	t.Helper()
	buckets, err := f.Buckets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	to := powersync.Bucket{Name: "b"}
	if i := slices.IndexFunc(buckets, func(b powersync.Bucket) bool { return b.Name == "b" }); i >= 0 {
		to = buckets[i]
	}
	for i := range ops {
		ops[i].ID, ops[i].Checksum = op, uint32(op)
		to.Checksum += uint32(op)
	}
	to.Position = op
	if err := f.Store(t.Context(), powersync.Store{To: to, Ops: ops}); err != nil {
		t.Fatal(err)
	}
	return powersync.Apply{LastOp: op, All: true, WriteCheckpoint: written, Listed: []powersync.Listing{{Name: "b", Checksum: to.Checksum, Priority: 3}}}
}

func putOp(id, columns string) powersync.Op {
	return powersync.Op{Kind: powersync.Put, Table: []byte("messages"), Row: []byte(id),
		Document: []byte(`{"id":"` + id + `","created_at":"2026","updated_at":"2026","tenant_id":"t",` + columns + `}`)}
}

func apply(t testing.TB, f *File, a powersync.Apply) powersync.Applied {
	t.Helper()
	out, err := f.Apply(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func wantDone(t testing.TB, out powersync.Applied) {
	t.Helper()
	if !out.Done || out.Shut != powersync.ShutNot {
		t.Fatalf("got %+v", out)
	}
}

func content(t testing.TB, f *File) string {
	t.Helper()
	return ask(t, f.path, "SELECT ifnull((SELECT content || ' ' || ifnull(role, '') FROM messages WHERE id = '"+gateID+"'), 'none')")
}

// What waits here is not undone by what comes: neither before it is pushed nor before the stream has come to it.
func TestTheGateIsShutWhileChangesAreOnTheirWay(t *testing.T) {
	f := enrolledMemory(t)
	now := time.Now()
	f.now = func() time.Time { return now } // however slow the machine is, the gate is not shut for long
	wantDone(t, apply(t, f, pulled(t, f, 1, 0, putOp(gateID, `"content":"first","role":"user"`))))
	if waiting := capture(t, f).Waiting; waiting != 0 {
		t.Fatalf("%d downloaded rows were captured", waiting)
	}
	makeDB(t, f.path, "UPDATE messages SET content = 'mine' WHERE id = '"+gateID+"'")
	a := pulled(t, f, 2, 0, putOp(gateID, `"content":"theirs","role":"user"`))
	if out := apply(t, f, a); out.Shut != powersync.ShutWaiting || content(t, f) != "mine user" {
		t.Fatalf("got %+v, %s", out, content(t, f))
	}
	settle(t, f, next(t, f), pushapi.Applied)
	if out := apply(t, f, a); out.Shut != powersync.ShutUnseen || content(t, f) != "mine user" {
		t.Fatalf("got %+v, %s", out, content(t, f))
	}
	mark, drained, err := f.QueueMark(t.Context())
	if err != nil || !drained {
		t.Fatal(drained, err)
	}
	if ok, err := f.SetTarget(t.Context(), 7, mark); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if out := apply(t, f, a); out.Shut != powersync.ShutUnseen {
		t.Fatalf("got %+v", out)
	}
	b := pulled(t, f, 3, 7, putOp(gateID, `"content":"merged","role":"user"`))
	if out := apply(t, f, a); out.Shut != powersync.ShutVoid {
		t.Fatalf("an older checkpoint: got %+v", out)
	}
	wantDone(t, apply(t, f, b))
	if got := content(t, f); got != "merged user" {
		t.Errorf("got %s", got)
	}
	if lost, err := f.Lost(t.Context()); err != nil || len(lost) != 0 {
		t.Errorf("got %v, %v", lost, err)
	}
}

// A writer that never stops does not keep what others wrote away; and what it wrote stays on top.
func TestConstantWritersDoNotShutTheGateForEver(t *testing.T) {
	f := enrolledMemory(t)
	now := time.Now()
	f.now = func() time.Time { return now }
	const other = "01890000-0000-7000-8000-000000000002"
	wantDone(t, apply(t, f, pulled(t, f, 1, 0, putOp(gateID, `"content":"first","role":"user"`), putOp(other, `"content":"other"`))))
	makeDB(t, f.path, "UPDATE messages SET content = 'mine' WHERE id = '"+gateID+"'", "INSERT INTO messages (content) VALUES ('new')")
	a := pulled(t, f, 2, 0, putOp(gateID, `"content":"theirs","role":"assistant"`), putOp(other, `"content":"changed"`))
	for range 2 {
		if out := apply(t, f, a); out.Shut != powersync.ShutWaiting {
			t.Fatalf("got %+v", out)
		}
		now = now.Add(1500 * time.Millisecond)
	}
	wantDone(t, apply(t, f, a))
	if got := content(t, f); got != "mine assistant" {
		t.Errorf("got %s", got)
	}
	if got := ask(t, f.path, "SELECT group_concat(content, ' ') FROM (SELECT content FROM messages ORDER BY content)"); got != "changed mine new" {
		t.Errorf("got %s", got)
	}
	if s := capture(t, f); s.Waiting != 2 || s.Lost != 0 {
		t.Errorf("got %+v", s)
	}
	// The bucket goes while the change still waits: its row stays, the other one goes.
	makeDB(t, f.path, "UPDATE messages SET role = 'tool' WHERE id = '"+gateID+"'")
	a = powersync.Apply{LastOp: 3, All: true, Listed: []powersync.Listing{}}
	apply(t, f, a)
	now = now.Add(3 * time.Second)
	out := apply(t, f, a)
	if wantDone(t, out); out.Taken != 1 {
		t.Errorf("%d rows were taken away", out.Taken)
	}
	if got := ask(t, f.path, "SELECT group_concat(content, ' ') FROM (SELECT content FROM messages ORDER BY content)"); got != "mine new" {
		t.Errorf("got %s", got)
	}
}

// What somebody changed without being recorded is kept before it is overwritten or removed.
func TestUnrecordedChangesAreKept(t *testing.T) {
	f := enrolledMemory(t)
	const other = "not a uuid"
	wantDone(t, apply(t, f, pulled(t, f, 1, 0, putOp(gateID, `"content":"first","role":"user"`), putOp(other, `"content":"other"`))))
	unrecorded := func(statement string) {
		makeDB(t, f.path, "UPDATE _coditect_capture SET applying = 1", statement, "UPDATE _coditect_capture SET applying = 0")
	}
	unrecorded("UPDATE messages SET content = 'secretly ' || id")
	unrecorded("INSERT INTO messages (id, content) VALUES ('third', 'also here')")
	out := apply(t, f, pulled(t, f, 2, 0, putOp(gateID, `"content":"theirs","role":"user"`), putOp("third", `"content":"there"`),
		powersync.Op{Kind: powersync.Remove, Table: []byte("messages"), Row: []byte(other)}))
	wantDone(t, out)
	lost, err := f.Lost(t.Context())
	if err != nil || out.Kept != 3 || len(lost) != 3 {
		t.Fatalf("got %+v, %v, %v", out, lost, err)
	}
	for _, item := range lost {
		if item.Kind != app.LostLocal || !strings.Contains(string(item.Mine), "secretly "+item.Row) && !strings.Contains(string(item.Mine), "also here") {
			t.Errorf("got %+v", item)
		}
	}
	if got := ask(t, f.path, "SELECT group_concat(content, ' ') FROM (SELECT content FROM messages ORDER BY content)"); got != "theirs there" {
		t.Errorf("got %s", got)
	}
	// The same rows come once more, in another bucket: nothing is to be done, and nothing is lost.
	to := powersync.Bucket{Name: "c", Position: 5, Checksum: 9}
	op := putOp(gateID, `"content":"theirs","role":"user"`)
	op.ID, op.Checksum = 5, 9
	if err := f.Store(t.Context(), powersync.Store{To: to, Ops: []powersync.Op{op}}); err != nil {
		t.Fatal(err)
	}
	out = apply(t, f, powersync.Apply{LastOp: 5, All: true, Listed: []powersync.Listing{{Name: "b"}, {Name: "c"}}})
	if !out.Done || out.Rows != 0 || out.Kept != 0 {
		t.Errorf("got %+v", out)
	}
}

// A newer server sends what this version does not know: it is passed over, and the version that knows it gets it.
func TestWhatIsNotKnownYetComesAgain(t *testing.T) {
	narrow := []schema.Table{{Name: "messages", Columns: []schema.Column{{Name: "id", Type: schema.Text}, {Name: "content", Type: schema.Text}}}}
	wide := []schema.Table{{Name: "messages", Columns: append(slices.Clone(narrow[0].Columns), schema.Column{Name: "role", Type: schema.Text})}}
	k := newClient(t, t.TempDir()+"/context.db", narrow)
	wantDone(t, apply(t, k.f, pulled(t, k.f, 4, 0, putOp(gateID, `"content":"a","role":"user"`))))
	reopened := newClient(t, k.f.path, narrow)
	if got := reopened.connect(); len(got) != 1 || got[0].Position != 4 {
		t.Fatalf("got %+v", got)
	}
	makeDB(t, k.f.path, "ALTER TABLE messages ADD COLUMN role TEXT")
	newer := newClient(t, k.f.path, wide)
	if got := newer.connect(); len(got) != 1 || got[0].Position != 0 || got[0].Checksum != 0 {
		t.Fatalf("got %+v", got)
	}
	wantDone(t, apply(t, newer.f, pulled(t, newer.f, 4, 0, putOp(gateID, `"content":"a","role":"user"`))))
	if got := content(t, newer.f); got != "a user" {
		t.Errorf("got %s", got)
	}
	if got := newClient(t, k.f.path, wide).connect(); len(got) != 1 || got[0].Position != 4 {
		t.Errorf("got %+v", got)
	}
	if n := ask(t, k.f.path, "SELECT count(*) || ' ' || count(DISTINCT bucket) FROM _coditect_rows"); n != "1 1" {
		t.Errorf("got %s", n)
	}
}

// A row that the table's conditions refuse does not stop the others.
func TestRowsThatDoNotFit(t *testing.T) {
	f := enrolledMemory(t)
	project := powersync.Op{Kind: powersync.Put, Table: []byte("projects"), Row: []byte("p"), Document: []byte(`{"id":"p","visibility":"everybody","name":"n"}`)}
	torn := powersync.Op{Kind: powersync.Put, Table: []byte("messages"), Row: []byte("m"), Document: []byte(`{"id":"m","content":"kept","role`)}
	wantDone(t, apply(t, f, pulled(t, f, 1, 0, project, torn, putOp(gateID, `"content":"fine"`))))
	if got := ask(t, f.path, "SELECT id || ' ' || name || ' ' || ifnull(visibility, 'null') || created_at FROM projects"); got != "p n null" {
		t.Errorf("got %s", got)
	}
	if got := ask(t, f.path, "SELECT group_concat(content, ' ') FROM (SELECT content FROM messages ORDER BY content)"); got != "fine kept" {
		t.Errorf("got %s", got)
	}
}

// A file that was set back behind our back is read anew.
func TestAFileThatWasSetBackIsReadAnew(t *testing.T) {
	f := enrolledMemory(t)
	wantDone(t, apply(t, f, pulled(t, f, 4, 0, putOp(gateID, `"content":"a"`))))
	makeDB(t, f.path, "UPDATE _coditect_buckets SET checksum = 1", "UPDATE _coditect_sync SET value = 3 WHERE key IN ('applied_op', 'down_rev')")
	if out := apply(t, f, powersync.Apply{LastOp: 9, All: true, Listed: []powersync.Listing{{Name: "b"}}}); !out.Refetch {
		t.Errorf("got %+v", out)
	}
	buckets, err := f.Buckets(t.Context())
	if err != nil || fmt.Sprint(buckets) != "[{b 3 1 0 0}]" {
		t.Errorf("got %+v, %v", buckets, err)
	}
}
