package sqlite

import "testing"

// TestStamp tells a commit of ours from one of another program, also from one that follows at once.
func TestStamp(t *testing.T) {
	f := enrolledMemory(t)
	p := startPython(t, f.path)
	p.exec("INSERT INTO decisions (id, decision) VALUES ('d1', 'one')")
	if now, own := f.Stamp(); now == own {
		t.Error("another program's commit is taken for ours")
	}
	next(t, f) // which writes down how it divides what waits
	now, own := f.Stamp()
	if now != own {
		t.Errorf("our commit is taken for another program's: %+v %+v", now, own)
	}
	if again, _ := f.Stamp(); again != now {
		t.Error("two stamps without a commit differ")
	}
	p.exec("INSERT INTO decisions (id, decision) VALUES ('d2', 'two')")
	if now, own := f.Stamp(); now == own {
		t.Error("another program's second commit is taken for ours")
	}
	f.step = func(what string) {
		if what == "stamp" {
			p.exec("INSERT INTO decisions (id, decision) VALUES ('d3', 'three')")
			f.step = func(string) {}
		}
	}
	next(t, f)
	if now, own := f.Stamp(); now == own {
		t.Error("a commit that followed ours at once is taken for ours")
	}
}
