package sqlite

import (
	"testing"
)

func TestWhatWasThereBeforeIsFiledOnceAndWhatChangesIsCaptured(t *testing.T) {
	f := enrolledMemory(t, "INSERT INTO messages (id, content, hash) VALUES ('m1', 'before', 'h')", "INSERT INTO projects (id, name) VALUES ('p1', 'one')")
	enrol(t, f) // again: nothing more
	if s := capture(t, f); !s.Enrolled || s.Waiting != 2 || s.Filing || s.Filed != 2 || s.FilingTotal != 2 || s.Since.IsZero() {
		t.Errorf("%+v", s)
	}
	p := startPython(t, f.path)
	p.exec("INSERT INTO messages (id, content, hash) VALUES ('m2', 'a \"b\" \n c', 'h2')")
	p.exec("UPDATE messages SET role = 'user', content = content WHERE id = 'm1'")
	p.exec("DELETE FROM projects WHERE id = 'p1'")
	out := next(t, f)
	wantLines(t, out, `put projects p1 {"name":"one"}`, `put messages m1 {"content":"before","hash":"h"}`,
		`put messages m2 {"content":"a \"b\" \n c","hash":"h2"}`, `patch messages m1 {"role":"user"}`, `delete projects p1`)
	again := next(t, f)
	if string(out.Body("m")) != string(again.Body("m")) {
		t.Errorf("what is sent again is\n%s\nand not\n%s", again.Body("m"), out.Body("m"))
	}
	if s := settle(t, f, out, "applied"); s.Changes != 5 {
		t.Errorf("%+v", s)
	}
	if s := capture(t, f); s.Waiting != 0 || !s.Since.IsZero() {
		t.Errorf("%+v", s)
	}
}
