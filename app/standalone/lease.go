package standalone

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// One machine writes a lineage: the history of one file, which a home directory that was copied takes along. The lease
// says which. It is a row of objects, standalone/{user}/lineage/{lineage}/{number}.json, each made only if it is not
// there: that is the one thing that every kind of target can do without a race. The highest number holds. Who made a number
// removes all lower ones before it holds: so its own object, as it wrote it, is all that a holder has to look for. One that
// comes late, and makes a number that was removed meanwhile, finds a higher one in the listing that follows.
//
// Every run takes the next number with a token of its own. So a lost lease is found even where the other installation
// has the same machine id: as a clone of the whole computer.

// leaseEvery is for how long a look at the lease is good while things are written. Nothing is asked while nothing is.
const leaseEvery = 30 * time.Second

// lease is the content of one of its objects.
type lease struct {
	Machine string    `json:"machine"`
	Host    string    `json:"host"`
	Since   time.Time `json:"since"` // from when on the machine is the primary
	Token   string    `json:"token"`
	Taken   bool      `json:"taken,omitempty"` // by a person's word, for the machine to go on from
	number  uint64    // 0 for none
}

func lineageDir(user, lineage string) string { return path.Join(userDir(user), lineageName, lineage) }
func leaseKey(user, lineage string, number uint64) string {
	return path.Join(lineageDir(user, lineage), fmt.Sprintf("%016x.json", number))
}

// errNotPrimary is wrapped by every refusal to write because another machine is the primary.
var errNotPrimary = errors.New("not the primary")

// readLease finds the lease that holds; number 0 where there is none. An unreadable one is held by nobody known.
func (t *Target) readLease(ctx context.Context, user, lineage string) (l lease, err error) {
	for {
		if l.number, err = t.newestLease(ctx, user, lineage); err != nil || l.number == 0 {
			return l, err
		}
		err = t.readJSON(ctx, leaseKey(user, lineage, l.number), &l)
		switch {
		case errors.Is(err, fs.ErrNotExist): // superseded since it was listed
			l = lease{}
		case app.CodeOf(err) == app.CodeDamaged:
			return lease{number: l.number}, nil
		default:
			return l, err
		}
	}
}

func (t *Target) newestLease(ctx context.Context, user, lineage string) (newest uint64, err error) {
	numbers, err := t.leases(ctx, user, lineage)
	for _, n := range numbers {
		newest = max(newest, n)
	}
	return newest, err
}

// leases are the numbers that are there.
func (t *Target) leases(ctx context.Context, user, lineage string) (numbers []uint64, err error) {
	for o, err := range t.store.list(ctx, lineageDir(user, lineage), "") {
		if err != nil {
			return nil, err
		}
		if n, err := strconv.ParseUint(strings.TrimSuffix(o.name, ".json"), 16, 64); err == nil {
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

// claimLease makes the lease that follows was, which holds as soon as endLeases has ended those before it. errClaimed when another
// machine was first.
func (t *Target) claimLease(ctx context.Context, user, lineage string, was, next lease) (lease, error) {
	next.number = was.number + 1
	content, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return lease{}, err
	}
	key := leaseKey(user, lineage, next.number)
	err = t.store.claim(ctx, key, append(content, '\n'))
	if errors.Is(err, errClaimed) { // perhaps by ourselves, with a reply that was lost
		var there lease
		if readErr := t.readJSON(ctx, key, &there); readErr == nil && there.Token == next.Token {
			err = nil
		}
	}
	if err != nil {
		return lease{}, err
	}
	return next, nil
}

// endLeases removes all leases before a number: their holders find them gone. The two before it are not looked for, as a
// listing of some file systems is some seconds old. errClaimed where there is a higher one, after which this one is nobody's.
func (t *Target) endLeases(ctx context.Context, user, lineage string, number uint64) error {
	there, err := t.leases(ctx, user, lineage)
	if err != nil {
		return err
	}
	for n := max(number, 3) - 2; n < number; n++ {
		there = append(there, n)
	}
	if slices.Max(append(there, number)) > number {
		return errors.Join(errClaimed, t.store.remove(ctx, leaseKey(user, lineage, number)))
	}
	slices.Sort(there)
	for _, n := range slices.Compact(there) {
		if n < number {
			err = errors.Join(err, t.store.remove(ctx, leaseKey(user, lineage, n)))
		}
	}
	return err
}

// primary is a machine's hold on its lineage, for one run. Its methods may be called from several goroutines.
type primary struct {
	t             *Target
	user, lineage string
	machine, host string
	note          string // path of the file that remembers the token of the last run
	now           func() time.Time
	write         func(name string, content []byte) error // of the note; nil for writeNote

	mu     sync.Mutex
	held   lease
	made   lease // claimed, while those before it may be there still
	looked time.Time
	lost   error // for good
	gone   atomic.Bool
}

// hold returns nil while this machine is the primary as far as a look not older than leaseEvery says. It takes the lease
// where nobody else has it. Once it was lost, every call fails.
func (p *primary) hold(ctx context.Context) error {
	if p == nil || p.lineage == "" {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost != nil {
		return p.lost
	}
	looked := p.now()
	if p.held.number != 0 && fresh(p.looked, looked) {
		return nil
	}
	var err error
	if p.held.number == 0 {
		err = p.take(ctx)
	} else {
		err = p.look(ctx)
	}
	if errors.Is(err, errNotPrimary) {
		p.lost = err
		p.gone.Store(true)
	}
	if err == nil {
		p.looked = looked
	}
	return err
}

// fresh tells that a look is good still. A machine that slept finds that only the clock on the wall went on, and one whose clock
// was set that only the other did.
func fresh(looked, now time.Time) bool {
	wall := now.Round(0).Sub(looked.Round(0))
	return now.Sub(looked) < leaseEvery && wall >= 0 && wall < leaseEvery
}

// isLost tells that another machine is the primary. It does not wait for the target.
func (p *primary) isLost() bool { return p.gone.Load() }

// take begins a run: with a new lease, or after a lease of this installation's.
func (p *primary) take(ctx context.Context) error {
	for {
		was, err := p.t.readLease(ctx, p.user, p.lineage)
		if err != nil {
			return err
		}
		if was.number != 0 && (was.Machine != p.machine || p.foreign(was)) {
			return p.refuse(was)
		}
		err = p.follow(ctx, was)
		if errors.Is(err, errClaimed) {
			continue // by another; look who
		}
		return err
	}
}

// follow makes the lease after was, or goes on with the one it made before, and holds once all before it are gone.
func (p *primary) follow(ctx context.Context, was lease) (err error) {
	if was.number == 0 || was.Token != p.made.Token {
		since := was.Since
		if since.IsZero() {
			since = p.now().UTC().Truncate(time.Second)
		}
		next := lease{Machine: p.machine, Host: p.host, Since: since, Token: rand.Text()}
		if err := p.remember(was.number+1, next.Token, was.Token); was.number != 0 && isReadOnly(err) {
			return nil // it goes on with its last lease, and takes the next as soon as that can be noted
		} else if err != nil {
			return err
		}
		if p.made, err = p.t.claimLease(ctx, p.user, p.lineage, was, next); err != nil {
			return err
		}
	}
	if err = p.t.endLeases(ctx, p.user, p.lineage, p.made.number); err == nil {
		p.held = p.made
	}
	return cannotEnd(err)
}

// cannotEnd says what it means that a storage forbids deletion: who may not end the lease before its own never holds.
func cannotEnd(err error) error {
	access, ok := errors.AsType[*accessError](err)
	if !ok || access.need != rightDelete {
		return err
	}
	e := classify("replicate", err)
	if e.Code != app.CodeDenied {
		return err
	}
	const why = "Each start deletes there what the start before left, so that one machine writes. "
	say := app.Errorf(e.Code, e.Op, "%s, so nothing is copied.", strings.TrimSuffix(e.Message, ".")).WithHint("%s", why+e.Hint).Wrap(err)
	if e.TypedHint != "" {
		say = say.Typed("%s", why+e.TypedHint)
	}
	return say
}

// look asks whether the lease is there as it was written: whoever took the lineage since then removed it first. One that is
// damaged says nothing, and nothing is written until it does.
func (p *primary) look(ctx context.Context) error {
	key := leaseKey(p.user, p.lineage, p.held.number)
	content, err := p.t.getBytes(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return p.changed(ctx)
	} else if err != nil {
		return err
	}
	var there lease
	if err := json.Unmarshal(content, &there); err != nil {
		return damagedObject(key, err)
	}
	if there.Token != p.held.Token {
		return p.changed(ctx)
	}
	return nil
}

// changed finds out who has the lease now.
func (p *primary) changed(ctx context.Context) error {
	now, err := p.t.readLease(ctx, p.user, p.lineage)
	switch {
	case err != nil:
		return err
	case now.number == 0: // somebody removed all of them
		return p.take(ctx)
	case now.Token == p.held.Token:
		return nil
	case now.Machine == p.machine && !now.Taken && !p.foreign(now): // another copy of the storage was put back
		return p.take(ctx)
	}
	return p.refuse(now)
}

// foreign tells that a lease in this machine's name was taken by another installation: one that has the same id, because
// it is a copy of everything. Where nothing is remembered it counts as our own, and so does one of before the last that is
// remembered: who takes a lease is ahead, so an older copy of the storage was put back.
func (p *primary) foreign(was lease) bool {
	text, err := os.ReadFile(p.note)
	if err != nil || was.Taken || strings.Contains(string(text), was.Token) {
		return false
	}
	var last uint64
	_, err = fmt.Sscanf(string(text), leaseNote, &last)
	return err != nil || was.number >= last // a note of before had no number
}

// leaseNote begins the note with the number of the last lease. The tokens follow.
const leaseNote = "lease %016x\n"

// leaseTokens is how many tokens are remembered: of this run, of the last one, as the new lease may not come about, and of those
// before, as what was put back may be taken away again.
const leaseTokens = 100

// remember keeps the number and the token of this run, and the tokens of the runs before. Where it fails, the note is as it was.
func (p *primary) remember(number uint64, tokens ...string) error {
	if err := os.MkdirAll(filepath.Dir(p.note), 0o700); err != nil {
		return err
	}
	write := p.write
	if write == nil {
		write = writeNote
	}
	text, err := os.ReadFile(p.note)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, old := range strings.Split(string(text), "\n") {
		if !strings.Contains(old, " ") && !slices.Contains(tokens, old) { // the number has a space
			tokens = append(tokens, old)
		}
	}
	return write(p.note, []byte(fmt.Sprintf(leaseNote, number)+strings.Join(tokens[:min(len(tokens), leaseTokens)], "\n")))
}

// writeNote replaces the file as a whole: an empty one, which a full disk would leave, knows no lease as our own.
func writeNote(name string, content []byte) error {
	err := os.WriteFile(name+tmpSuffix, content, 0o600)
	if err == nil {
		err = os.Rename(name+tmpSuffix, name)
	}
	if err != nil {
		_ = os.Remove(name + tmpSuffix) // it is overwritten by the next attempt in any case
	}
	return err
}

func (p *primary) refuse(now lease) error {
	if now.Machine == p.machine {
		return app.Errorf(app.CodeRefused, "replicate", "Another installation with the id of this machine writes the copies.").
			WithHint("One of the two is a clone. Delete machine.json in its home directory and start it again: it goes on under an id of its own.").Wrap(errNotPrimary)
	}
	return app.Errorf(app.CodeRefused, "replicate", "%s", heldBy(now)).
		WithHint("Take over when it is not used any more; else go on beside it with a history of its own.").
		Typed("Take over with `coditect-sync setup --take-over`, or go on beside it with `coditect-sync setup --branch`.").Wrap(errNotPrimary)
}

func heldBy(l lease) string {
	if l.Machine == "" {
		return "Another machine writes the history of this file."
	}
	host := l.Host
	if host == "" {
		host = l.Machine
	}
	return fmt.Sprintf("%s writes the history of this file, since %s.", host, sayTime(l.Since))
}

// Primary is the machine that writes a lineage; zero when there is none.
func (t *Target) Primary(ctx context.Context, user, lineage string) (app.Primary, error) {
	l, err := t.readLease(ctx, user, lineage)
	return app.Primary{Machine: l.Machine, Host: l.Host, Since: l.Since}, asError("machines", err)
}

// TakeOver makes a machine the primary of a lineage, whoever is it now. The former one finds out before it writes again,
// or half a minute later; what it writes until then is in its own folder.
func (t *Target) TakeOver(ctx context.Context, user, lineage, machine, host string) error {
	for {
		was, err := t.readLease(ctx, user, lineage)
		if err != nil {
			return classify("setup", err)
		}
		next := lease{Machine: machine, Host: host, Since: time.Now().UTC().Truncate(time.Second), Token: rand.Text(), Taken: true}
		made, err := t.claimLease(ctx, user, lineage, was, next)
		if err == nil {
			err = t.endLeases(ctx, user, lineage, made.number)
		}
		if !errors.Is(err, errClaimed) {
			return asError("setup", err)
		}
	}
}
