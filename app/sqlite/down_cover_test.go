package sqlite

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app/powersync"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// What a change of this machine covered is shown when the stream has come to the change, also where nothing of the row comes
// any more: here the checkpoint had the change all along, and somebody else's later one.
func TestWhatWasCoveredIsShown(t *testing.T) {
	for name, way := range map[string]struct{ statement, covered, want string }{
		"a row that was made here":    {"INSERT INTO messages (id, content) VALUES ('" + gateID + "', 'mine')", "mine ", "theirs user"},
		"a row that was removed here": {"DELETE FROM messages WHERE id = '" + gateID + "'", "none", "theirs user"},
		"a row that was changed here": {"UPDATE messages SET content = 'mine' WHERE id = '" + gateID + "'", "mine user", "theirs user"},
	} {
		t.Run(name, func(t *testing.T) {
			f := enrolledMemory(t)
			now := time.Now()
			f.now = func() time.Time { return now }
			if !strings.HasPrefix(way.statement, "INSERT") {
				wantDone(t, apply(t, f, pulled(t, f, 1, 0, putOp(gateID, `"content":"first","role":"user"`))))
			}
			makeDB(t, f.path, way.statement)
			settle(t, f, next(t, f), pushapi.Applied)
			a := pulled(t, f, 2, 0, putOp(gateID, `"content":"theirs","role":"user"`))
			apply(t, f, a)
			now = now.Add(3 * time.Second)
			wantDone(t, apply(t, f, a))
			if got := content(t, f); got != way.covered {
				t.Fatalf("under the change: %s", got)
			}
			mark, _, err := f.QueueMark(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if ok, err := f.SetTarget(t.Context(), 7, mark); err != nil || !ok {
				t.Fatal(ok, err)
			}
			wantDone(t, apply(t, f, pulled(t, f, 3, 7)))
			if got := content(t, f); got != way.want {
				t.Errorf("got %s", got)
			}
			if lost, err := f.Lost(t.Context()); err != nil || len(lost) != 0 {
				t.Errorf("got %+v, %v", lost, err)
			}
			next(t, f)
			if got := ask(t, f.path, "SELECT (SELECT count(*) FROM _coditect_covered) || (SELECT count(*) FROM _coditect_docs) || (SELECT count(*) FROM _coditect_groups)"); got != "000" {
				t.Errorf("left: %s", got)
			}
		})
	}
}

// coverRun is a machine whose programs write, beside a server where others write too and some of what it pushes loses.
type coverRun struct {
	t       *testing.T
	rnd     *rand.Rand
	f       *File
	now     time.Time
	rows    map[string]string // the server's, documents by id
	ops     []powersync.Op    // not sent yet
	head    int64
	reached int64
	n       int
	bucket  powersync.Bucket
	stored  powersync.Apply
}

func (r *coverRun) id() string {
	return fmt.Sprintf("01890000-0000-7000-8000-%012d", r.rnd.IntN(6))
}

// write does something that a program on this machine does.
func (r *coverRun) write() {
	r.n++
	id := r.id()
	makeDB(r.t, r.f.path, []string{
		fmt.Sprintf("INSERT INTO decisions (id, decision) VALUES ('%s', 'mine %d') ON CONFLICT (id) DO UPDATE SET decision = excluded.decision", id, r.n),
		fmt.Sprintf("UPDATE decisions SET rationale = 'mine %d' WHERE id = '%s'", r.n, id),
		fmt.Sprintf("DELETE FROM decisions WHERE id = '%s'", id),
	}[r.rnd.IntN(3)])
}

// set makes a row on the server, "" removes it.
func (r *coverRun) set(id, document string) {
	r.head++
	op := powersync.Op{ID: r.head, Kind: powersync.Put, Table: []byte("decisions"), Row: []byte(id), Document: []byte(document), Checksum: r.rnd.Uint32()}
	if r.rows[id] = document; document == "" {
		op.Kind, op.Document = powersync.Remove, nil
		delete(r.rows, id)
	}
	r.ops = append(r.ops, op)
}

func (r *coverRun) merged(id string, values map[string]any) string {
	row := map[string]any{"id": id}
	if text, is := r.rows[id]; is {
		_ = json.Unmarshal([]byte(text), &row)
	}
	for name, v := range values {
		row[name] = v
	}
	text, err := json.Marshal(row)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

// push sends what waits. The server takes what was changed, or says its own row again: the change has lost.
func (r *coverRun) push() {
	for {
		out := next(r.t, r.f)
		if len(out.Groups) == 0 {
			break
		}
		for _, c := range decoded(r.t, out) {
			var values map[string]any
			if len(c.Data) > 0 {
				if err := json.Unmarshal(c.Data, &values); err != nil {
					r.t.Fatal(err)
				}
			}
			_, there := r.rows[c.ID]
			switch {
			case r.rnd.IntN(4) == 0 && there:
				r.set(c.ID, r.rows[c.ID])
			case c.Op == "delete":
				if there {
					r.set(c.ID, "")
				}
			case c.Op == "patch" && !there: // a row that was deleted stays so
			default:
				r.set(c.ID, r.merged(c.ID, values))
			}
		}
		settle(r.t, r.f, out, pushapi.Applied)
	}
	mark, drained, err := r.f.QueueMark(r.t.Context())
	if err != nil || !drained {
		r.t.Fatal(drained, err)
	}
	if _, err := r.f.SetTarget(r.t.Context(), int64(r.n)<<32|r.head, mark); err != nil {
		r.t.Fatal(err)
	}
	r.reached = max(r.reached, int64(r.n)<<32|r.head)
}

// pull sends a checkpoint with all that the server has.
func (r *coverRun) pull() {
	if len(r.ops) > 0 {
		r.bucket.Name, r.bucket.Position = "b", r.head
		for _, o := range r.ops {
			r.bucket.Checksum += o.Checksum
		}
		if err := r.f.Store(r.t.Context(), powersync.Store{To: r.bucket, Ops: r.ops}); err != nil {
			r.t.Fatal(err)
		}
		r.ops = nil
	}
	r.stored = powersync.Apply{LastOp: r.head, All: true, WriteCheckpoint: r.reached,
		Listed: []powersync.Listing{{Name: "b", Checksum: r.bucket.Checksum, Priority: 3}}}
	apply(r.t, r.f, r.stored)
}

func (r *coverRun) shown() map[string]string {
	var rows []map[string]any
	text := ask(r.t, r.f.path, "SELECT json_group_array(json_object('id', id, 'decision', decision, 'rationale', rationale)) FROM decisions")
	if err := json.Unmarshal([]byte(text), &rows); err != nil {
		r.t.Fatal(err)
	}
	all := map[string]string{}
	for _, row := range rows {
		all[row["id"].(string)] = fmt.Sprint(row["decision"], row["rationale"])
	}
	return all
}

func (r *coverRun) wanted() map[string]string {
	all := map[string]string{}
	for id, text := range r.rows {
		var row map[string]any
		if err := json.Unmarshal([]byte(text), &row); err != nil {
			r.t.Fatal(err)
		}
		all[id] = fmt.Sprint(row["decision"], row["rationale"])
	}
	return all
}

// Whatever is written here and there, pushed and shown in whatever order, and however long the gate is shut: in the end the
// machine shows what the server has, and nothing was taken for a change that nobody recorded.
func TestCoveredRowsLikeTheServers(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := &coverRun{t: t, rnd: rand.New(rand.NewPCG(seed, 3)), f: enrolledMemory(t), now: time.Now(), rows: map[string]string{}}
			r.f.now = func() time.Time { return r.now }
			for range 60 {
				switch r.rnd.IntN(6) {
				case 0, 1:
					r.write()
				case 2:
					id := r.id()
					if r.n++; r.rnd.IntN(4) == 0 && r.rows[id] != "" {
						r.set(id, "")
					} else {
						r.set(id, r.merged(id, map[string]any{[]string{"decision", "rationale"}[r.rnd.IntN(2)]: fmt.Sprint("theirs ", r.n)}))
					}
				case 3:
					r.push()
				case 4:
					r.pull()
				case 5:
					r.now = r.now.Add(1500 * time.Millisecond)
					if r.stored.All {
						apply(t, r.f, r.stored)
					}
				}
			}
			for range 2 { // the second sends what the first found
				r.n++
				r.push()
				r.pull()
			}
			if got, want := fmt.Sprint(r.shown()), fmt.Sprint(r.wanted()); got != want {
				t.Errorf("shown\n%s\nwanted\n%s", got, want)
			}
			if lost, err := r.f.Lost(t.Context()); err != nil || len(lost) != 0 {
				t.Errorf("lost: %+v, %v", lost, err)
			}
		})
	}
}

// A change that nobody recorded is kept also where the queue still has what was recorded of the row before, and is shown.
func TestAnUnrecordedChangeAfterARecordedOneIsKept(t *testing.T) {
	f := enrolledMemory(t)
	makeDB(t, f.path, "INSERT INTO messages (id, content) VALUES ('"+gateID+"', 'recorded')")
	settle(t, f, next(t, f), pushapi.Applied)
	mark, _, err := f.QueueMark(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := f.SetTarget(t.Context(), 7, mark); err != nil || !ok {
		t.Fatal(ok, err)
	}
	wantDone(t, apply(t, f, pulled(t, f, 1, 7, putOp(gateID, `"content":"recorded"`))))
	makeDB(t, f.path, "UPDATE _coditect_capture SET applying = 1", "UPDATE messages SET content = 'secretly'", "UPDATE _coditect_capture SET applying = 0")
	wantDone(t, apply(t, f, pulled(t, f, 2, 7, putOp(gateID, `"content":"theirs"`))))
	if lost, err := f.Lost(t.Context()); err != nil || len(lost) != 1 || !strings.Contains(string(lost[0].Mine), "secretly") {
		t.Errorf("got %+v, %v", lost, err)
	}
}
