package standalone

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

// # Several targets
//
// A file is captured once, into one row of local change files, and any number of targets are kept up to date from it. Of
// each there is an outlet, from one end of the engine's run to the other: its lease, its status, its test restores. A session
// has a shipper for each: what is at the target, what is on its way, when it is tried again, what is due there. Shippers
// share nothing that one could hold while it waits for its target; what is shared is the local row, of which the slowest
// says how much is kept, within bounds (see spare).

// outlet is a target of a Keeper, and what is known of it from session to session.
type outlet struct {
	target  *Target
	replica app.Replica
	primary *primary
	status  statusKeeper
	steady  *steady
	drill   sync.Mutex  // one test restore at a time
	swept   time.Time   // when it is looked for unfinished uploads next; guarded by the shipper's shipping
	ahead   atomic.Bool // it holds later changes than those captured here: the next session goes on from there
}

func newOutlet(cfg *KeeperConfig, target *Target, known app.StandaloneStatus) *outlet {
	p := &outlet{}
	p.target = target.metered(&p.status.meter)
	p.replica = NewReplica(ReplicaConfig{Target: p.target, User: cfg.User, Machine: cfg.Machine, Logger: cfg.Logger})
	p.primary = &primary{
		t: p.target, user: cfg.User, lineage: cfg.Lineage, machine: cfg.Machine, host: cfg.Host,
		note: p.note(cfg.File.Path(), "lease"), now: cfg.Now,
	}
	p.steady = steadyOf(cfg, known.LastReplicatedAt)
	p.status.now = cfg.Now
	p.status.init(known, target.URL())
	return p
}

// keptDir is where merged files are kept for the next merge, where reading them back is paid.
func (p *outlet) keptDir(db string) string {
	if !p.target.Paid() {
		return ""
	}
	return p.note(db, "merged")
}

// note is a file beside the local changes that remembers something of this target.
func (p *outlet) note(db, what string) string {
	return filepath.Join(metaDir(db), what+"-"+p.short())
}

// short tells targets apart in the names of files.
func (p *outlet) short() string {
	sum := sha256.Sum256([]byte(p.target.URL()))
	return hex.EncodeToString(sum[:6])
}

// shipper keeps one target up to date while a session lasts.
type shipper struct {
	*session
	*outlet

	index     *index
	rebaseFor string
	joined    bool          // what was captured here follows what is there; guarded by shipping
	newest    atomic.Uint64 // the newest change that was sent, 0 for none in this session
	shipping  sync.Mutex    // one upload at a time
	shipWake  chan struct{}
	drillWake chan struct{}
	thinnedAt time.Time
	thinnedTo []age       // the retention it went by
	kept      *keptMerges // for the next merge
	infoAt    time.Time   // when machine.json was brought up to date
	announced bool        // machine.json is known to be at the target
	reachSeen atomic.Bool // all that was copied is known to be there

	telling    sync.Mutex    // one machine.json is written at a time
	newestTold atomic.Uint64 // the change it names

	// Guarded by local.
	sending ltx.TXID // the change that is being sent, 0 for none
	base    ltx.TXID // from where on changes are needed by a full copy under way, 0 for none
	dropped bool     // it fell so far behind that what it needs next is gone from here
}

func newShipper(s *session, p *outlet, rebase string) *shipper {
	client := p.target.ReplicaClient(s.k.cfg.User, s.k.cfg.Machine)
	client.SetLogger(s.litestreamLog)
	sh := &shipper{
		session: s, outlet: p, index: newIndex(client, p.status.replicated(), p.status.sent), rebaseFor: rebase,
		shipWake: make(chan struct{}, 1), drillWake: make(chan struct{}, 1), thinnedAt: s.k.cfg.Now(),
		kept: newKeptMerges(p.keptDir(s.k.cfg.File.Path()), keptMost),
	}
	s.logRemove(os.Remove(p.spoolPath(s.k.cfg.File.Path()))) // of an agent that was killed
	sh.index.trust, sh.index.allowed = &s.trust, sh.mayWrite
	return sh
}

// at notes that the changes up to txid are at the target.
func (s *shipper) at(txid ltx.TXID) { s.newest.Store(uint64(txid)) }

// sentUpTo is the newest change that is known to be at the target.
func (s *shipper) sentUpTo() ltx.TXID { return max(s.status.replicated(), ltx.TXID(s.newest.Load())) }

// wake has every target looked after.
func (s *session) wake() {
	for _, sh := range s.ships {
		poke(sh.shipWake)
	}
}

// flush captures, and returns once that is at a target: of several the first, while the others go on by themselves.
func (s *session) flush(ctx context.Context) (app.RestorePoint, error) {
	if len(s.ships) == 1 {
		return s.ships[0].flush(ctx)
	}
	if err := s.capture(ctx); err != nil {
		return app.RestorePoint{}, err
	}
	type answer struct {
		point app.RestorePoint
		err   error
	}
	answers := make(chan answer, len(s.ships))
	for _, sh := range s.ships {
		if !s.begin() {
			return app.RestorePoint{}, errAside
		}
		go func() {
			defer s.flushes.Done()
			point, err := sh.send(s.life)
			answers <- answer{point, err}
		}()
	}
	var failed error
	for range s.ships {
		select {
		case <-ctx.Done():
			return app.RestorePoint{}, classify("flush", ctx.Err())
		case a := <-answers:
			if a.err == nil {
				return a.point, nil
			}
			if failed == nil || errors.Is(a.err, errAside) || errors.Is(a.err, errUnproved) {
				failed = a.err
			}
		}
	}
	return app.RestorePoint{}, failed
}

// begin counts a flush that outlives its caller; false once the session is ending.
func (s *session) begin() bool {
	s.local.Lock()
	defer s.local.Unlock()
	if s.life.Err() != nil {
		return false
	}
	s.flushes.Add(1)
	return true
}

// endFlushes ends those that still wait for their target.
func (s *session) endFlushes() {
	s.local.Lock()
	s.die()
	s.local.Unlock()
	s.flushes.Wait()
}

// flushAll captures and gives every target until ctx ends to take it.
func (s *session) flushAll(ctx context.Context) error {
	if err := s.capture(ctx); err != nil {
		return err
	}
	return s.shipAll(ctx)
}

// shipAll gives every target until ctx ends to take what is captured.
func (s *session) shipAll(ctx context.Context) error {
	errs := make([]error, len(s.ships))
	var wg sync.WaitGroup
	for i, sh := range s.ships {
		wg.Go(func() { errs[i] = sh.ship(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
