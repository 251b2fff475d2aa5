package standalone

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

// TestMomentsOfThirtyDays lets 30 days pass by a clock of its own, with pauses of every length between changes, merged and
// thinned as the engine does. Then 200 random moments are restored: each exactly as it was at the moment that is reported,
// and that moment no further away than promised.
func TestMomentsOfThirtyDays(t *testing.T) {
	t.Parallel()
	m := newMonth(t)
	m.live(28*24*time.Hour, 2*time.Minute, 40*time.Minute)
	m.live(46*time.Hour, 5*time.Second, 4*time.Minute)
	m.live(2*time.Hour, 5*time.Second, 40*time.Second)
	rnd := rand.New(rand.NewPCG(30, 200))
	for i := range 200 {
		back := time.Duration(rnd.Int64N(int64(29*24*time.Hour + 12*time.Hour)))
		if i%2 == 0 { // half of them of the last day, where more is promised
			back = time.Duration(rnd.Int64N(int64(24 * time.Hour)))
		}
		m.holds(back)
	}
	left := 0
	for level := range levels {
		files, err := m.s.index.list(t.Context(), level)
		if err != nil {
			t.Fatal(err)
		}
		left += len(files)
	}
	t.Logf("%d changes, %d objects are left", len(m.history), left)
}

// holds restores the moment that was back ago: exactly what was there at the moment that is reported, which is no further
// away than promised.
func (m *month) holds(back time.Duration) {
	m.t.Helper()
	at := m.clock.now().Add(-back)
	image, plan := fetch(m.t, m.replica(), "m1", app.Moment{At: at})
	txid := m.equal(image, plan)
	// What was restored stood until the next change; that is how far away it is from the moment asked for.
	if int(txid) < len(m.history) {
		if off := at.Sub(m.history[txid].at); off >= m.promised(back) {
			m.t.Errorf("%s back: restored is what was %s before, promised are %s", back, off, m.promised(back))
		}
	}
}

// equal compares a restored image, which it removes, with what was there at the point that is reported.
func (m *month) equal(image string, plan app.RestorePlan) ltx.TXID {
	m.t.Helper()
	got, err := os.ReadFile(image)
	if err != nil {
		m.t.Fatal(err)
	}
	_ = os.Remove(image)
	txid, err := ltx.ParseTXID(plan.Point.ID)
	if err != nil {
		m.t.Fatal(err)
	}
	was := m.history[txid-1]
	if !bytes.Equal(got, was.image) || !plan.Point.Time.Equal(was.at) {
		m.t.Errorf("the image of %s, of %s, is not what was there at %s", plan.Point.ID, plan.Point.Time, was.at)
	}
	return txid
}

// promised is how far from a moment the restored one may be.
func (m *month) promised(back time.Duration) time.Duration {
	ages := agesOf(m.keep)
	for _, a := range ages[:3] {
		if back < a.keep {
			return max(a.every, time.Nanosecond)
		}
	}
	return ages[3].every
}

func (m *month) replica() *Replica {
	return NewReplica(ReplicaConfig{Target: m.s.k.cfg.Target, User: twinUser, Machine: "m1", Now: m.clock.now})
}

// month is a file of a few pages that changes, without SQLite, and the upkeep of its copies.
type month struct {
	t       *testing.T
	s       *shipper
	clock   *testClock
	rnd     *rand.Rand
	image   []byte
	history []moment // by TXID
	keep    app.Retention
	pins    []app.RestorePoint
}

type moment struct {
	at    time.Time
	image []byte
}

const (
	monthPages = 16
	monthPage  = 512
)

func newMonth(t *testing.T) *month {
	t.Helper()
	m := &month{t: t, clock: &testClock{t: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}, rnd: rand.New(rand.NewPCG(7, 8)), image: make([]byte, monthPages*monthPage)}
	target := &Target{at: location{kind: kindGCS}, url: "gs://memory", store: &memoryStore{files: map[string]memoryFile{}}, log: slog.New(slog.DiscardHandler)}
	k := NewKeeper(KeeperConfig{
		File: plainFile{filepath.Join(t.TempDir(), "none.db")}, Target: target, User: twinUser, Machine: "m1",
		Logger: slog.New(slog.DiscardHandler), Now: m.clock.now,
		Retention: func() app.Retention { return m.keep }, Pins: func() []app.RestorePoint { return m.pins },
	})
	s := &session{k: k, log: k.cfg.Logger, litestreamLog: k.cfg.Logger}
	m.s = &shipper{session: s, outlet: k.outlets[0], index: newIndex(target.ReplicaClient(twinUser, "m1"), 0, nil), kept: newKeptMerges("", 0)}
	s.ships = []*shipper{m.s}
	m.s.openDB()
	return m
}

// live makes changes with random pauses between them, until d has passed.
func (m *month) live(d, least, most time.Duration) {
	m.t.Helper()
	for end := m.clock.now().Add(d); m.clock.now().Before(end); {
		m.clock.pass((least + time.Duration(m.rnd.Int64N(int64(most-least)))).Truncate(time.Millisecond))
		m.change()
		if err := m.upkeep(); err != nil {
			m.t.Fatal(err)
		}
	}
}

func (m *month) change() {
	pgno := m.rnd.IntN(monthPages)
	page := m.image[pgno*monthPage : (pgno+1)*monthPage]
	for i := range 8 {
		page[i] = byte(m.rnd.Uint32())
	}
	m.history = append(m.history, moment{m.clock.now(), bytes.Clone(m.image)})
	txid := ltx.TXID(len(m.history))
	if txid == 1 {
		m.put(0, 1, txid)
	} else {
		m.put(0, txid, txid, pgno)
	}
}

// put writes an object with the given pages of the newest state, all of them when none is given.
func (m *month) put(level int, from, to ltx.TXID, pages ...int) {
	m.t.Helper()
	if len(pages) == 0 {
		for p := range monthPages {
			pages = append(pages, p)
		}
	}
	var b bytes.Buffer
	enc, err := ltx.NewEncoder(&b)
	if err == nil {
		err = enc.EncodeHeader(ltx.Header{
			Version: ltx.Version, Flags: ltx.HeaderFlagNoChecksum, PageSize: monthPage, Commit: monthPages, MinTXID: from, MaxTXID: to,
			Timestamp: m.clock.now().UnixMilli(),
		})
	}
	for _, p := range pages {
		if err == nil {
			err = enc.EncodePage(ltx.PageHeader{Pgno: uint32(p + 1)}, m.image[p*monthPage:(p+1)*monthPage])
		}
	}
	if err = cmp.Or(err, enc.Close()); err == nil {
		_, err = m.s.index.WriteLTXFile(m.t.Context(), level, from, to, &b)
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// upkeep is the session's, but for the full copy, which it would read from a database.
func (m *month) upkeep() error {
	ctx := m.t.Context()
	full, err := m.s.index.list(ctx, snapshotLevel)
	if err != nil {
		return err
	}
	if fullDue(full, m.clock.now()) {
		m.put(snapshotLevel, 1, ltx.TXID(len(m.history)))
	}
	ages := m.s.k.ages()
	for _, a := range ages[1:] {
		if err := m.s.merge(ctx, a); err != nil {
			return err
		}
	}
	return m.s.thinIfDue(ctx, ages)
}

// memoryStore is a target in memory, for what would take a disk hours. It lies in this: it never fails, and whoever reads
// an object sees it as it was when it was opened.
type memoryStore struct {
	mu    sync.Mutex
	files map[string]memoryFile
}

type memoryFile struct {
	content []byte
	at      time.Time
}

func (s *memoryStore) put(_ context.Context, key string, at time.Time, write func(io.Writer) error) (int64, error) {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[key] = memoryFile{b.Bytes(), at}
	return int64(b.Len()), nil
}

func (s *memoryStore) claim(ctx context.Context, key string, content []byte) error {
	if _, err := s.open(ctx, key, 0, 0); err == nil {
		return errClaimed
	}
	_, err := s.put(ctx, key, time.Time{}, writeAll(content))
	return err
}

func (s *memoryStore) open(_ context.Context, key string, offset, size int64) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.files[key]
	if !ok {
		return nil, &accessError{need: rightRead, place: "memory", key: key, err: fs.ErrNotExist}
	}
	content := f.content[offset:]
	if size > 0 {
		content = content[:min(size, int64(len(content)))]
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

func (s *memoryStore) list(_ context.Context, dir, from string) iter.Seq2[object, error] {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []object
	for key, f := range s.files {
		if name := path.Base(key); path.Dir(key) == dir && name >= from {
			found = append(found, object{name: name, size: int64(len(f.content)), at: f.at})
		}
	}
	slices.SortFunc(found, func(a, b object) int { return strings.Compare(a.name, b.name) })
	return func(yield func(object, error) bool) {
		for _, o := range found {
			if !yield(o, nil) {
				return
			}
		}
	}
}

func (s *memoryStore) remove(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, key)
	return nil
}

func (s *memoryStore) dirs(context.Context, string) ([]string, error)  { return []string{"m1"}, nil }
func (s *memoryStore) duplicate(context.Context, string, string) error { return nil }
func (s *memoryStore) create(context.Context) error                    { return nil }
func (s *memoryStore) close() error                                    { return nil }
