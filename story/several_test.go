package story_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// place is a storage that can be away.
type place struct {
	target string
	away   func()
	back   func()
}

// twoPlaces are a folder of another computer and a bucket of a server that speaks S3, and what a machine needs for both.
func twoPlaces(t *testing.T) (ssh, s3 place, env []string) {
	t.Helper()
	sshd, bucket := apptest.StartSSHD(t), apptest.StartS3(t, "memory-backup")
	ssh = place{sshd.Target("copies"), func() { sshd.SetDown(true); sshd.Drop() }, func() { sshd.SetDown(false) }}
	s3 = place{bucket.Target("memory-backup/mine"), func() { bucket.Fault(apptest.Every, apptest.Unplugged) }, bucket.Heal}
	return ssh, s3, append(sshd.Env(), bucket.Env()...)
}

// at is what a machine says of one of its storages.
func (m *machine) at(target string) (st app.StandaloneStatus) {
	m.t.Helper()
	for _, st = range m.status().Standalone.Targets {
		if st.Target == target {
			return st
		}
	}
	m.t.Fatalf("nothing is said of %s", target)
	return st
}

// copied waits until a storage has more than it had.
func (m *machine) copied(target string) {
	m.t.Helper()
	before := m.at(target).ReplicatedTXID
	m.eventually("a copy at "+target, func() bool { st := m.at(target); return st.ReplicatedTXID > before && st.Error == nil })
}

// TestOtherComputersAsTheSecondStorage: programs write, the agent is killed again and again, and now the one and now the
// other storage is away. What each of them holds at the end is what the file does.
func TestOtherComputersAsTheSecondStorage(t *testing.T) {
	for name, order := range map[string]func(ssh, s3 place) [2]place{
		"SSH second": func(ssh, s3 place) [2]place { return [2]place{s3, ssh} },
		"S3 second":  func(ssh, s3 place) [2]place { return [2]place{ssh, s3} },
	} {
		t.Run(name, func(t *testing.T) {
			ssh, s3, env := twoPlaces(t)
			places := order(ssh, s3)
			db, reference := memory(t)
			m := newMachine(t, env...)
			m.do("setup", "--db", db, "--target", places[0].target, "--target", places[1].target, "--user", "mira")
			w := startWriters(t, db)
			m.start()
			m.healthy()
			for round := range 6 {
				gone, there := places[round%2], places[1-round%2]
				gone.away()
				m.copied(there.target)
				m.eventually("a storage that is away to be said", func() bool {
					p := m.at(gone.target).Progress
					return p != nil && p.Phase == app.PhaseOffline
				})
				m.kill()
				if round%3 == 0 {
					gone.back()
					m.start()
				} else {
					m.start()
					m.copied(there.target)
					gone.back()
				}
				m.copied(gone.target)
			}
			w.stop()
			m.do("verify")
			m.quit()
			var files []string
			for _, from := range places {
				second := newMachine(t, env...)
				second.do("setup", "--db", filepath.Join(t.TempDir(), "other.db"), "--target", from.target, "--user", "mira")
				files = append(files, filepath.Join(t.TempDir(), "restored.db"))
				second.do("restore", "--latest", "--to", files[len(files)-1])
			}
			holdNewest(t, reference, db, files...)
		})
	}
}

// holdNewest asserts that restored files are what the live one is.
func holdNewest(t *testing.T, reference, db string, files ...string) {
	t.Helper()
	newest := shell(t, db, "SELECT max(seq) FROM ledger")
	for _, line := range strings.Split(strings.TrimSpace(ledger(t, append([]string{"check", reference, db}, files...)...)), "\n") {
		if !strings.HasSuffix(line, " "+newest+" ok") {
			t.Errorf("%s; the newest is %s", line, newest)
		}
	}
}

// TestATakeOverWithOneOfTwoStoragesAway: another machine goes on with the history while one storage cannot be asked. Asked for
// both it takes over none; asked for the one that is there it has that, the former machine has the other, and says who writes
// the first. Once both are there it takes over the rest. The agents are killed all the while; what each wrote can be restored.
func TestATakeOverWithOneOfTwoStoragesAway(t *testing.T) {
	for name, which := range map[string]int{"SSH is away": 0, "S3 is away": 1} {
		t.Run(name, func(t *testing.T) {
			ssh, s3, env := twoPlaces(t)
			away, there := [2]place{ssh, s3}[which], [2]place{s3, ssh}[which]
			db, reference := memory(t)
			a := newMachine(t, env...)
			a.do("setup", "--db", db, "--target", ssh.target, "--target", s3.target, "--user", "mira")
			w := startWriters(t, db)
			a.start()
			a.healthy()
			a.quit()
			b := newMachine(t, env...)
			if err := os.CopyFS(b.home, os.DirFS(a.home)); err != nil {
				t.Fatal(err)
			}
			theirs, theirReference := memory(t)
			theirWriters := startWriters(t, theirs)
			a.start()

			away.away()
			if _, errs, code := b.try("setup", "--db", theirs, "--take-over"); code != 1 || !strings.Contains(errs, "does not answer") {
				t.Errorf("a take-over of both: exit %d, %s", code, errs)
			}
			a.copied(there.target)
			b.do("setup", "--db", theirs, "--target", there.target, "--take-over")
			b.start()
			a.refused(there.target)
			a.kill()
			a.start()
			b.copied(there.target)
			b.kill()
			b.start()
			away.back()
			a.copied(away.target)
			a.refused(there.target)
			b.copied(there.target)

			b.do("target", "add", away.target, "--take-over")
			a.eventually("the former machine to stop", func() bool {
				s := a.status()
				return s.State == app.StateError && s.Error != nil && s.Error.Code == app.CodeRefused && !s.Healthy
			})
			b.kill()
			b.start()
			b.healthy()
			w.stop()
			theirWriters.stop()
			b.do("verify")
			if _, errs, code := a.try("verify"); code != 5 || !strings.Contains(errs, "writes the history of this file") {
				t.Errorf("the former machine: exit %d, %s", code, errs)
			}
			first, second := a.status().MachineID, b.status().MachineID
			var left, new []string
			for _, from := range []place{ssh, s3} {
				third := newMachine(t, env...)
				third.do("setup", "--db", filepath.Join(t.TempDir(), "other.db"), "--target", from.target, "--user", "mira")
				restore := func(machine string) string {
					file := filepath.Join(t.TempDir(), "restored.db")
					third.do("restore", "--latest", "--machine", machine, "--to", file)
					return file
				}
				left, new = append(left, restore(first)), append(new, restore(second))
			}
			holdNewest(t, theirReference, theirs, new...)
			for _, line := range strings.Split(strings.TrimSpace(ledger(t, append([]string{"check", reference, db}, left...)...)), "\n") {
				if !strings.HasSuffix(line, " ok") {
					t.Errorf("of the former machine: %s", line)
				}
			}
		})
	}
}

// refused waits until it is said that another machine writes at a storage.
func (m *machine) refused(target string) {
	m.t.Helper()
	m.eventually("who writes there to be said", func() bool {
		e := m.at(target).Error
		return e != nil && e.Code == app.CodeRefused && strings.Contains(e.Message, "writes the history of this file")
	})
}
