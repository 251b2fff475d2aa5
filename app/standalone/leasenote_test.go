package standalone

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestPrimaryGoesOn(t *testing.T) {
	target, clock := fileTarget(t), newClock()
	note := filepath.Join(t.TempDir(), "lease")
	var first app.Primary
	for run := range 4 {
		m := machineOn(t, target, "m1", clock)
		m.note = note
		mustHold(t, m)
		p, err := target.Primary(t.Context(), twinUser, "l1")
		if err != nil {
			t.Fatal(err)
		}
		if run == 0 {
			first = p
		}
		if p != first {
			t.Errorf("run %d: %+v, want %+v", run, p, first)
		}
		if err := m.remember(2, "never-claimed", m.held.Token); err != nil {
			t.Fatal(err)
		}
		clock.pass(time.Hour)
	}
	m := machineOn(t, target, "m1", clock)
	m.note = note
	mustHold(t, m)
	if err := os.RemoveAll(filepath.Join(target.at.path, filepath.FromSlash(lineageDir(twinUser, "l1")))); err != nil {
		t.Fatal(err)
	}
	clock.pass(time.Hour)
	mustHold(t, m)
}

func TestPrimaryOnAReadOnlyDisk(t *testing.T) {
	target, clock := fileTarget(t), newClock()
	note := filepath.Join(t.TempDir(), "lease")
	run := func() *primary {
		m := machineOn(t, target, "m1", clock)
		m.note = note
		return m
	}
	fails := func(name string, _ []byte) error {
		return &fs.PathError{Op: "open", Path: name, Err: readOnlyErrnos[0]}
	}
	m := run()
	m.write = fails
	if err := m.hold(t.Context()); !isReadOnly(err) {
		t.Errorf("without a lease: %v", err)
	}
	mustHold(t, run())
	m = run()
	m.write = fails
	mustHold(t, m)
	if l, err := target.readLease(t.Context(), twinUser, "l1"); err != nil || l.number != 1 {
		t.Errorf("the lease is %+v, %v", l, err)
	}
	m.write = nil
	mustHold(t, m) // at once
	if l, err := target.readLease(t.Context(), twinUser, "l1"); err != nil || l.number != 2 || l.Token != m.held.Token {
		t.Errorf("the lease is %+v, %v", l, err)
	}
	m = run()
	m.write = fails
	mustHold(t, m)
	clone := machineOn(t, target, "m1", clock)
	mustHold(t, clone)
	mustCode(t, m.hold(t.Context()), app.CodeRefused)
}

func TestANoteWithoutRoom(t *testing.T) {
	dir := t.TempDir()
	note := filepath.Join(dir, "lease")
	if err := errors.Join(writeNote(note, []byte("token")), os.Mkdir(note+tmpSuffix, 0o700), os.WriteFile(filepath.Join(note+tmpSuffix, "x"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := writeNote(note, []byte("next")); err == nil {
		t.Error("no error")
	}
	if text, err := os.ReadFile(note); err != nil || string(text) != "token" {
		t.Errorf("the note is %q, %v", text, err)
	}
}

func TestCloneIsNoticed(t *testing.T) {
	target, clock := fileTarget(t), newClock()
	m1 := machineOn(t, target, "m1", clock)
	mustHold(t, m1)
	clone := machineOn(t, target, "m1", clock)
	content, err := os.ReadFile(m1.note)
	if err == nil {
		err = os.WriteFile(clone.note, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	mustHold(t, clone) // the first of the two to run is the machine
	clock.pass(time.Hour)
	if e := mustCode(t, m1.hold(t.Context()), app.CodeRefused); !strings.Contains(e.Hint, "machine.json") {
		t.Errorf("the other says %q, %q", e.Message, e.Hint)
	}
	next := machineOn(t, target, "m1", clock)
	next.note = m1.note
	mustCode(t, next.hold(t.Context()), app.CodeRefused)
	mustHold(t, clone)
}

func TestAStorageThatWasPutBackIsNoClone(t *testing.T) {
	for name, running := range map[string]bool{"in the same run": true, "in the next run": false} {
		t.Run(name, func(t *testing.T) {
			dir, clock := filepath.Join(t.TempDir(), "copies"), newClock()
			target := openTarget(t, TargetConfig{URL: "file://" + dir})
			m1 := machineOn(t, target, "m1", clock)
			again := func() *primary {
				next := machineOn(t, target, "m1", clock)
				next.note = m1.note
				mustHold(t, next)
				return next
			}
			mustHold(t, m1)
			old := filepath.Join(t.TempDir(), "old")
			if err := os.CopyFS(old, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			for range 3 { // the note remembers none of the old tokens any more
				m1 = again()
			}
			newest := filepath.Join(t.TempDir(), "newest")
			if err := os.Rename(dir, newest); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(dir, os.DirFS(old)); err != nil {
				t.Fatal(err)
			}
			clock.pass(time.Hour)
			if !running {
				m1 = again()
			}
			mustHold(t, m1)
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(newest, dir); err != nil { // what was taken away is put back
				t.Fatal(err)
			}
			clock.pass(time.Hour)
			mustHold(t, m1)
			clone := machineOn(t, target, "m1", clock)
			mustHold(t, clone)
			clock.pass(time.Hour)
			mustCode(t, m1.hold(t.Context()), app.CodeRefused)
			mustHold(t, clone)
		})
	}
}
