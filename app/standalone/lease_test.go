package standalone

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// testClock is a clock that a test moves.
type testClock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *testClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func machineOn(t *testing.T, target *Target, machine string, c *testClock) *primary {
	t.Helper()
	return &primary{
		t: target, user: twinUser, lineage: "l1", machine: machine, host: "host-" + machine, now: c.now,
		note: filepath.Join(t.TempDir(), "lease"),
	}
}

func newClock() *testClock { return &testClock{t: time.Now()} }

// TestOnePrimaryOfRaces: of machines that want one lineage at the same moment one has it, and the others say who.
func TestOnePrimaryOfRaces(t *testing.T) {
	eachTarget(t, func(t *testing.T, target *Target) {
		for round := range leaseRaces {
			var machines []*primary
			for i := range 4 {
				m := machineOn(t, target, fmt.Sprintf("m%d", i), newClock())
				m.lineage = fmt.Sprintf("l%d", round)
				machines = append(machines, m)
			}
			ctx := context.WithoutCancel(t.Context())
			owner, errs := oneOf(t, len(machines), func(i int) error { return machines[i].hold(ctx) })
			for _, err := range errs {
				if e := mustCode(t, err, app.CodeRefused); !errors.Is(err, errNotPrimary) || !strings.Contains(e.Message, machines[owner].host) {
					t.Errorf("round %d: %v does not name %s", round, err, machines[owner].host)
				}
			}
		}
	})
}

// oneOf lets so many take the same thing at the same moment, of whom one must get it, and returns which and why the others did
// not.
func oneOf(t *testing.T, n int, take func(i int) error) (owner int, refused []error) {
	t.Helper()
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = take(i) })
	}
	wg.Wait()
	var owners []int
	for i, err := range errs {
		if err == nil {
			owners = append(owners, i)
		} else {
			refused = append(refused, err)
		}
	}
	if len(owners) != 1 {
		t.Fatalf("of %d that took it at the same moment %v have it: %v", n, owners, errs)
	}
	return owners[0], refused
}

// TestPrimaryLooksAgain: a look is good for a while, a lost lease is lost for good, and nothing is asked in between.
func TestPrimaryLooksAgain(t *testing.T) {
	eachTarget(t, func(t *testing.T, target *Target) {
		clock := newClock()
		m1, m2 := machineOn(t, target, "m1", clock), machineOn(t, target, "m2", clock)
		mustHold(t, m1)
		mustCode(t, m2.hold(t.Context()), app.CodeRefused)
		clock.pass(leaseEvery + time.Second)
		mustHold(t, m1)
		if err := target.TakeOver(t.Context(), twinUser, "l1", "m2", "host-m2"); err != nil {
			t.Fatal(err)
		}
		mustHold(t, m1) // within the time that a look is good for
		clock.pass(leaseEvery + time.Second)
		if e := mustCode(t, m1.hold(t.Context()), app.CodeRefused); !strings.Contains(e.Message, "host-m2") {
			t.Errorf("the stale primary says %q", e.Message)
		}
		again := machineOn(t, target, "m2", clock) // its next run
		mustHold(t, again)
		mustCode(t, m1.hold(t.Context()), app.CodeRefused)
		if p, err := target.Primary(t.Context(), twinUser, "l1"); err != nil || p.Machine != "m2" || p.Since.IsZero() {
			t.Errorf("the primary is %+v, %v", p, err)
		}
	})
}

// TestStalePrimaryAfterSeveralTakeOvers: the lease after its own may be gone by the time it wakes up.
func TestStalePrimaryAfterSeveralTakeOvers(t *testing.T) {
	eachTarget(t, func(t *testing.T, target *Target) {
		clock := newClock()
		m1 := machineOn(t, target, "m1", clock)
		mustHold(t, m1)
		for i := range 4 {
			if err := target.TakeOver(t.Context(), twinUser, "l1", fmt.Sprintf("m%d", i+2), "other"); err != nil {
				t.Fatal(err)
			}
		}
		clock.pass(8 * time.Hour)
		mustCode(t, m1.hold(t.Context()), app.CodeRefused)
		if left := names(t, target.store, lineageDir(twinUser, "l1"), ""); len(left) != 1 {
			t.Errorf("%v are left, want the last", left)
		}
	})
}

// TestALookIsOneRequest, and a read: it is what a busy machine asks most often beside its uploads.
func TestALookIsOneRequest(t *testing.T) {
	eachTarget(t, func(t *testing.T, target *Target) {
		var m meter
		clock := newClock()
		p := machineOn(t, target.metered(&m), "m1", clock)
		mustHold(t, p)
		writes, reads := m.writes.Load(), m.reads.Load()
		for range 10 {
			clock.pass(leaseEvery - time.Second)
			mustHold(t, p)
			clock.pass(time.Second)
			mustHold(t, p)
		}
		if w, r := m.writes.Load()-writes, m.reads.Load()-reads; w != 0 || r != 10 {
			t.Errorf("10 looks wrote or listed %d times and read %d times", w, r)
		}
	})
}

// stuckStore fails to do to leases what a test says.
type stuckStore struct {
	store
	before func(what, key string) error
}

func (s *stuckStore) remove(ctx context.Context, key string) error {
	if err := s.before("remove", key); err != nil {
		return err
	}
	return s.store.remove(ctx, key)
}

func (s *stuckStore) claim(ctx context.Context, key string, content []byte) error {
	if err := s.before("claim", key); err != nil {
		return err
	}
	return s.store.claim(ctx, key, content)
}

// through is the target with a stuckStore before its own.
func through(target *Target, before func(what, key string) error) *Target {
	stuck := *target
	stuck.store = &stuckStore{target.store, before}
	return &stuck
}

// TestNobodyHoldsBesideAnother: who took the lease holds it only once the one before is gone, so that of two machines no look
// ever says to both that they may write. What was begun is gone on with, by itself or by the next run.
func TestNobodyHoldsBesideAnother(t *testing.T) {
	target, clock := fileTarget(t), newClock()
	m1 := machineOn(t, target, "m1", clock)
	mustHold(t, m1)
	mustHold(t, machineOn(t, target, "m1", clock)) // the next run of a clone
	if err := target.TakeOver(t.Context(), twinUser, "l1", "m2", "host-m2"); err != nil {
		t.Fatal(err)
	}
	away := errors.New("away")
	broken := true
	m2 := machineOn(t, through(target, func(what, _ string) error {
		if what == "remove" && broken {
			return away
		}
		return nil
	}), "m2", clock)
	for range 3 {
		if err := m2.hold(t.Context()); !errors.Is(err, away) || m2.held.number != 0 {
			t.Fatalf("holds %+v, %v", m2.held, err)
		}
	}
	if there, err := target.leases(t.Context(), twinUser, "l1"); err != nil || len(there) != 2 {
		t.Errorf("each try makes a lease: %v, %v", there, err)
	}
	broken = false
	mustHold(t, m2)
	if there, err := target.leases(t.Context(), twinUser, "l1"); err != nil || len(there) != 1 {
		t.Errorf("left are %v, %v", there, err)
	}
	clock.pass(time.Hour)
	mustHold(t, m2)
	mustCode(t, m1.hold(t.Context()), app.CodeRefused)
}

// TestAStorageThatForbidsDeletion keeps a machine from holding, so nothing is copied: that is said with its cause and the way on,
// whatever the storage. It is over as soon as deletion is allowed.
func TestAStorageThatForbidsDeletion(t *testing.T) {
	deny := apptest.Fault{Status: http.StatusForbidden, Reason: "AccessDenied"}
	google, gcs := gcsTarget(t)
	amazon, s3 := s3Target(t)
	folder := fileTarget(t)
	forbidden := false
	for name, tc := range map[string]struct {
		target *Target
		forbid func() (allow func())
		way    string
	}{
		"folder": {through(folder, func(what, key string) error {
			if what != "remove" || !forbidden {
				return nil
			}
			return &accessError{rightDelete, folder.at.path, key, &fs.PathError{Op: "unlink", Path: key, Err: syscall.EPERM}}
		}), func() func() { forbidden = true; return func() { forbidden = false } }, "Give your user the right to"},
		"gs": {google, func() func() { return gcs.Fault(apptest.Deletes, apptest.Deny) }, "Storage Object User"},
		"retention": {google, func() func() {
			return gcs.Fault(apptest.Deletes, apptest.Fault{Status: 403, Reason: "retentionPolicyNotMet"})
		}, "Take the policy off"},
		"s3": {amazon, func() func() { return s3.Fault(apptest.Deletes, deny) }, "s3:DeleteObject"},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newClock()
			run := func() *primary {
				m := machineOn(t, tc.target, "m1", clock)
				m.lineage = "l-" + name
				return m
			}
			mustHold(t, run())
			allow := tc.forbid()
			m := run()
			for range 2 {
				e := mustCode(t, m.hold(t.Context()), app.CodeDenied)
				if e.Op != "replicate" || !strings.HasSuffix(e.Message, ", so nothing is copied.") || !strings.Contains(e.Hint, "so that one machine writes") || !strings.Contains(e.Hint, tc.way) {
					t.Errorf("%q %q", e.Message, e.Hint)
				}
			}
			allow()
			mustHold(t, m)
		})
	}
}

// TestATakeOverThatWasCutOff: a claim whose maker was gone before it ended the lease before it holds nothing. The next run
// ends both, however many such there were.
func TestATakeOverThatWasCutOff(t *testing.T) {
	target, clock := fileTarget(t), newClock()
	m1 := machineOn(t, target, "m1", clock)
	mustHold(t, m1)
	was := m1.held
	for range 4 {
		made, err := target.claimLease(t.Context(), twinUser, "l1", was, lease{Machine: "m2", Host: "host-m2", Token: "cut", Taken: true})
		if err != nil {
			t.Fatal(err)
		}
		was = made
	}
	clock.pass(time.Hour)
	mustHold(t, m1) // nobody else writes
	mustHold(t, machineOn(t, target, "m2", clock))
	clock.pass(time.Hour)
	mustCode(t, m1.hold(t.Context()), app.CodeRefused)
}

// TestALateClaimHoldsNothing: a machine that slept between its look and its claim makes a lease that was ended meanwhile. It
// finds the higher one, and whose number that was is told by what is in it.
func TestALateClaimHoldsNothing(t *testing.T) {
	target, clock := fileTarget(t), newClock()
	m2, m3 := machineOn(t, target, "m2", clock), machineOn(t, target, "m3", clock)
	once := true
	m1 := machineOn(t, through(target, func(what, _ string) error {
		if what == "claim" && once { // it sleeps
			once = false
			mustHold(t, m2)
			if err := target.TakeOver(t.Context(), twinUser, "l1", "m3", "host-m3"); err != nil {
				t.Fatal(err)
			}
			mustHold(t, m3)
		}
		return nil
	}), "m1", clock)
	if e := mustCode(t, m1.hold(t.Context()), app.CodeRefused); !strings.Contains(e.Message, "host-m3") {
		t.Errorf("the late one says %q", e.Message)
	}
	mustPut(t, target.store, leaseKey(twinUser, "l1", m2.held.number), time.Time{}, []byte(`{"machine":"m1","token":"late"}`))
	clock.pass(time.Hour)
	mustHold(t, m3)
	mustCode(t, m2.hold(t.Context()), app.CodeRefused)
}

// TestLeasesRemovedByHand: who finds its own gone asks who came after, whatever number that has.
func TestLeasesRemovedByHand(t *testing.T) {
	target, clock := fileTarget(t), newClock()
	m1 := machineOn(t, target, "m1", clock)
	mustHold(t, m1)
	mustHold(t, machineOn(t, target, "m1", clock))
	m1 = machineOn(t, target, "m1", clock)
	mustHold(t, m1)
	if err := os.RemoveAll(filepath.Join(target.at.path, filepath.FromSlash(lineageDir(twinUser, "l1")))); err != nil {
		t.Fatal(err)
	}
	mustHold(t, machineOn(t, target, "m2", clock))
	clock.pass(leaseEvery)
	mustCode(t, m1.hold(t.Context()), app.CodeRefused)
}

// TestALookIsGoodForAWhile by both clocks: one stands still while the machine sleeps, the other may be set.
func TestALookIsGoodForAWhile(t *testing.T) {
	now := time.Now()
	for d, want := range map[time.Duration]bool{
		0: true, leaseEvery - time.Second: true, leaseEvery: false, 8 * time.Hour: false, -time.Second: false,
	} {
		if got := fresh(now, now.Round(0).Add(d)); got != want {
			t.Errorf("the clock moved by %s: good = %v", d, got)
		}
		if got := fresh(now, now.Add(d)); got != want {
			t.Errorf("%s later: good = %v", d, got)
		}
	}
}

// TestPrimaryGoesOn: every run takes a new lease after its own, since the time of the first; also where one run ended
// before its lease came about, or all leases were removed.
// TestPrimaryOnAReadOnlyDisk: a lease of its own is good without a note of the next, which is taken once it can be noted; a
// clone that was faster is still found. Where there is none, nothing is claimed.
// TestANoteWithoutRoom leaves the one before as it was: an empty one would know no lease as our own.
// TestCloneIsNoticed: two installations with one machine id are told apart by what each remembers.
// TestAStorageThatWasPutBackIsNoClone: an older copy of a storage has an older lease of this machine's. Nobody else has its
// id: it goes on, in the same run and in the next one. A clone, which is always ahead, is still found.
// TestDamagedLease: what cannot be read is held by somebody, until a person takes over.
func TestDamagedLease(t *testing.T) {
	target := fileTarget(t)
	mustPut(t, target.store, leaseKey(twinUser, "l1", 1), time.Time{}, []byte(`{"mach`))
	mustCode(t, machineOn(t, target, "m1", newClock()).hold(t.Context()), app.CodeRefused)
	if err := target.TakeOver(t.Context(), twinUser, "l1", "m1", "here"); err != nil {
		t.Fatal(err)
	}
	mustHold(t, machineOn(t, target, "m1", newClock()))
}

// TestTakenOverSessionEnds: replication stops for good, with who took over, and both histories can be restored.
func TestTakenOverSessionEnds(t *testing.T) {
	s, other := openedSession(t)
	clock := newClock()
	s.primary = machineOn(t, s.k.cfg.Target, "m1", clock)
	s.index.allowed = s.primary.hold
	insert(t, other, 1, 10)
	mustCapture(t, s)
	allThere(t, s, 1+10)
	if err := s.k.cfg.Target.TakeOver(t.Context(), twinUser, "l1", "m2", "host-m2"); err != nil {
		t.Fatal(err)
	}
	clock.pass(time.Hour) // it slept
	insert(t, other, 1, 10)
	ended := make(chan error, 1)
	go func() { ended <- s.run(context.WithoutCancel(t.Context())) }()
	if err := <-ended; !errors.Is(err, errNotPrimary) || app.CodeOf(err) != app.CodeRefused {
		t.Errorf("the session ended with %v", err)
	}
	if got := restoredNotes(t, s); got != 1+10 {
		t.Errorf("%d rows of the former primary at the target, want 11", got)
	}
}

// TestOneEngineOfAFile: of two home directories that name the same file one copies it, the other says why not.
func TestOneEngineOfAFile(t *testing.T) {
	meta := filepath.Join(t.TempDir(), ".memory.db-litestream")
	for range leaseRaces {
		releases := make([]func(), 4)
		owner, errs := oneOf(t, len(releases), func(i int) (err error) {
			releases[i], err = lockWriter(meta)
			return err
		})
		for _, err := range errs {
			mustCode(t, err, app.CodeBusy)
		}
		releases[owner]()
	}
}

func mustHold(t *testing.T, p *primary) {
	t.Helper()
	if err := p.hold(t.Context()); err != nil {
		t.Fatalf("%s: %v", p.machine, err)
	}
}
