package sqlite

import (
	"strconv"
	"testing"

	"github.com/coditect-ai/coditect-sync/app/powersync"
)

// ownedOp is a row as the cloud has it, which says whose it is.
func ownedOp(id, columns string) powersync.Op {
	return powersync.Op{Kind: powersync.Put, Table: []byte("messages"), Row: []byte(id),
		Document: []byte(`{"id":"` + id + `","user_id":"mira","created_at":"c","updated_at":"u","hash":"` + id + `",` + columns + `}`)}
}

func removeOp(id string) powersync.Op {
	return powersync.Op{Kind: powersync.Remove, Table: []byte("messages"), Row: []byte(id)}
}

func wantNothingLost(t testing.TB, f *File, out powersync.Applied) {
	t.Helper()
	wantDone(t, out)
	lost, err := f.Lost(t.Context())
	if err != nil || len(lost) != 0 || out.Kept != 0 {
		t.Errorf("%d were kept, %v", out.Kept, err)
	}
	for _, item := range lost {
		t.Errorf("%s %s: %s", item.Row, item.Mine, item.Why)
	}
}

// Rows that this machine pushed come back with an owner, whatever a program wrote there. Nothing of them is lost: neither of
// rows that were there before, nor of rows that were edited or removed elsewhere before they came.
func TestPushedRowsThatComeBackAreNotLost(t *testing.T) {
	const columns = "INSERT OR REPLACE INTO messages (id, user_id, hash, created_at, updated_at, content) VALUES "
	f := enrolledMemory(t, columns+"('m1', NULL, 'm1', 'c', 'u', 'one'), ('m2', 'whoever', 'm2', 'c', 'u', 'two'), ('m3', NULL, 'm3', 'c', 'u', 'three'), ('m4', NULL, 'm4', 'c', 'u', 'four')")
	drainQueue(t, f)
	makeDB(t, f.path, columns+"('m5', NULL, 'm5', 'c', 'u', 'five')")
	drainQueue(t, f)
	if err := f.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantNothingLost(t, f, apply(t, f, pulled(t, f, 1, 0, ownedOp("m1", `"content":"one"`), ownedOp("m2", `"content":"two"`),
		ownedOp("m3", `"content":"three"`), ownedOp("m3", `"content":"edited"`), ownedOp("m4", `"content":"four"`), removeOp("m4"),
		ownedOp("m5", `"content":"five"`))))
	const all = "SELECT group_concat(id || ' ' || user_id || ' ' || content) FROM (SELECT * FROM messages ORDER BY id)"
	if got := ask(t, f.path, all); got != "m1 mira one,m2 mira two,m3 mira edited,m5 mira five" {
		t.Errorf("got %s", got)
	}
	// A program writes them anew, without an owner; that is pushed, and they are edited and removed elsewhere.
	makeDB(t, f.path, columns+"('m1', NULL, 'm1', 'c', 'u', 'one'), ('m2', NULL, 'm2', 'c', 'u', 'two')")
	drainQueue(t, f)
	if err := f.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantNothingLost(t, f, apply(t, f, pulled(t, f, 2, 0, ownedOp("m1", `"content":"edited"`), removeOp("m2"))))
	if got := ask(t, f.path, all); got != "m1 mira edited,m3 mira edited,m5 mira five" {
		t.Errorf("got %s", got)
	}
}

// A large push comes back in slices. None of them looks through the whole queue: twenty thousand rows would take minutes.
func TestALargePushComesBackWithoutALookAtTheQueue(t *testing.T) {
	f := enrolledMemory(t)
	var ops []powersync.Op
	for i := range 100 {
		id := "m" + strconv.Itoa(i)
		makeDB(t, f.path, "INSERT INTO messages (id, hash, created_at, updated_at, content) VALUES ('"+id+"', '"+id+"', 'c', 'u', 'one')")
		ops = append(ops, ownedOp(id, `"content":"one"`))
	}
	drainQueue(t, f)
	mark, drained, err := f.QueueMark(t.Context())
	if err != nil || !drained {
		t.Fatal(drained, err)
	}
	if ok, err := f.SetTarget(t.Context(), 1, mark); err != nil || !ok {
		t.Fatal(ok, err)
	}
	f.down.live = 1
	looks := 0
	f.step = func(step string) {
		if step == "queue" {
			looks++
		}
	}
	a := pulled(t, f, 1, 1, ops...)
	out := apply(t, f, a)
	for out.More {
		out = apply(t, f, a)
	}
	wantNothingLost(t, f, out)
	if got := ask(t, f.path, "SELECT count(*) FROM messages WHERE user_id = 'mira'"); got != "100" || looks > 0 {
		t.Errorf("%s rows have their owner after %d looks at the queue", got, looks)
	}
}

// What was removed elsewhere stays where this machine has another version of it than the one that came.
func TestRemovedElsewhereAndAnotherVersionHere(t *testing.T) {
	f := enrolledMemory(t, "INSERT INTO messages (id, hash, created_at, updated_at, content) VALUES ('m1', 'm1', 'c', 'u', 'mine')")
	drainQueue(t, f)
	if err := f.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantNothingLost(t, f, apply(t, f, pulled(t, f, 2, 0, ownedOp("m1", `"content":"theirs"`), removeOp("m1"))))
	if got := ask(t, f.path, "SELECT content FROM messages"); got != "mine" {
		t.Errorf("got %s", got)
	}
}
