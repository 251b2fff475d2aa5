package sqlite

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// ours is the account of the tests.
func ours() app.Enrolment {
	return app.Enrolment{Server: "https://cloud.example", User: "mira", Machine: "machine-1"}
}

// enrolledMemory is a context memory that is enrolled, after the statements.
func enrolledMemory(t testing.TB, statements ...string) *File {
	t.Helper()
	f := newFile(t)
	if err := f.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(statements) > 0 {
		makeDB(t, f.path, statements...)
	}
	enrol(t, f)
	return f
}

func enrol(t testing.TB, f *File) {
	t.Helper()
	if err := f.Enrol(t.Context(), ours(), nil); err != nil {
		t.Fatal(err)
	}
}

func capture(t testing.TB, f *File) app.Capture {
	t.Helper()
	s, err := f.Capture(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func next(t testing.TB, f *File) pushapi.Outbox {
	t.Helper()
	out, err := f.NextGroups(t.Context(), pushapi.MaxChanges, pushapi.MaxBytes-1024)
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Groups) > 0 {
		if _, err := pushapi.Decode(out.Body("machine-1")); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// decoded are the changes of an outbox, as the server reads them.
func decoded(t testing.TB, out pushapi.Outbox) []pushapi.Change {
	t.Helper()
	var list []pushapi.Change
	if len(out.Groups) == 0 {
		return nil
	}
	b, err := pushapi.Decode(out.Body("machine-1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range b.Groups {
		if g.Fault != "" {
			t.Fatalf("group %d: %s", g.Number, g.Fault)
		}
		list = append(list, g.Changes...)
	}
	return list
}

// lines are changes as "put messages m1 {…}", without clocks.
func lines(t testing.TB, out pushapi.Outbox) []string {
	t.Helper()
	var list []string
	for _, c := range decoded(t, out) {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", c.Op, c.Table, c.ID, short(t, c.Data))))
	}
	return list
}

// short is an object without its NULLs and times.
func short(t testing.TB, object json.RawMessage) string {
	t.Helper()
	if object == nil {
		return ""
	}
	var values map[string]any
	if err := json.Unmarshal(object, &values); err != nil {
		t.Fatal(err)
	}
	for name, v := range values {
		if v == nil || name == "created_at" || name == "updated_at" {
			delete(values, name)
		}
	}
	text, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func wantLines(t testing.TB, out pushapi.Outbox, want ...string) {
	t.Helper()
	if got := lines(t, out); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// settle answers every group of an outbox alike; one that goes up in parts is in effect with its last part.
func settle(t testing.TB, f *File, out pushapi.Outbox, status pushapi.Status) app.Settled {
	t.Helper()
	var answer pushapi.Answer
	for _, g := range out.Groups {
		r := pushapi.Result{Group: g.Number, Part: g.Part, Status: status}
		if status == pushapi.Applied && g.Part < g.Parts {
			r.Status = pushapi.Staged
		}
		answer.Results = append(answer.Results, r)
	}
	s, err := f.Settle(t.Context(), out.ClientID, answer)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// drain pushes everything to a server that takes all.
func drainQueue(t testing.TB, f *File) (changes int) {
	t.Helper()
	for {
		out := next(t, f)
		if len(out.Groups) == 0 {
			return changes
		}
		changes += out.Changes
		var answer pushapi.Answer
		for _, g := range out.Groups {
			r := pushapi.Result{Group: g.Number, Part: g.Part, Status: pushapi.Applied}
			if g.Part < g.Parts {
				r.Status = pushapi.Staged
			}
			answer.Results = append(answer.Results, r)
		}
		if _, err := f.Settle(t.Context(), out.ClientID, answer); err != nil {
			t.Fatal(err)
		}
	}
}
