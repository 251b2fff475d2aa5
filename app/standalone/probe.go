package standalone

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// Probe checks a target by using it as the engine will: it writes a small object, reads it back, finds it in a
// listing, sees that it is not made a second time, and deletes it. It returns the steps done, also when a later one fails.
func (t *Target) Probe(ctx context.Context) ([]app.TrialStep, error) {
	p := &probe{t: t, since: time.Now(), key: probeKey(rand.Text()), content: []byte(rand.Text())}
	defer p.leave(ctx)
	for _, step := range []func(context.Context) error{p.write, p.read, p.find, p.claim, p.remove} {
		if err := step(ctx); err != nil {
			return p.done, asError("probe", err)
		}
	}
	return p.done, nil
}

type probe struct {
	t       *Target
	key     string
	content []byte
	written bool
	done    []app.TrialStep
	since   time.Time // when the step under way began
}

func (p *probe) say(format string, args ...any) {
	now := time.Now()
	p.done = append(p.done, app.TrialStep{Text: fmt.Sprintf(format, args...), Took: now.Sub(p.since)})
	p.since = now
}

func (p *probe) write(ctx context.Context) error {
	if err := p.t.putBytes(ctx, p.key, p.content); err != nil {
		return err
	}
	p.written = true
	p.say("Wrote a test object to %s.", p.t.at.name())
	return nil
}

func (p *probe) read(ctx context.Context) error {
	got, err := p.t.getBytes(ctx, p.key)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, p.content) {
		return app.Errorf(app.CodeDamaged, "probe", "%s gave back something else than was written.", p.t.at.name()).
			WithHint("Choose another storage: copies in this one could not be trusted.")
	}
	p.say("Read it back: it is the same.")
	return nil
}

func (p *probe) find(ctx context.Context) error {
	name := p.key[len(layoutRoot)+1:]
	for o, err := range p.t.store.list(ctx, layoutRoot, name) {
		if err != nil {
			return err
		}
		if o.name == name {
			p.say("Found it in the listing.")
			return nil
		}
	}
	return app.Errorf(app.CodeDamaged, "probe", "%s does not list what was just written.", p.t.at.name()).
		WithHint("Choose another storage: it must show at once what it holds.")
}

// claim makes what is there, which must be refused: nothing else keeps two machines from writing one history.
func (p *probe) claim(ctx context.Context) error {
	switch err := p.t.store.claim(ctx, p.key, p.content); {
	case err == nil:
		return app.Errorf(app.CodeRefused, "probe", "%s cannot keep two machines apart: it makes an object anew that was to be made only if it is not there.", capital(p.t.at.name())).
			WithHint("Choose another storage, or update the server: it must know If-None-Match, as Amazon S3 does.")
	case !errors.Is(err, errClaimed):
		return err
	}
	p.say("Saw that it is not made twice, so that one machine writes.")
	return nil
}

func (p *probe) remove(ctx context.Context) error {
	if err := p.t.store.remove(ctx, p.key); err != nil {
		return err
	}
	p.written = false
	p.say("Deleted it again.")
	return nil
}

// leave takes the object away after a step failed, also when ctx ended.
func (p *probe) leave(ctx context.Context) {
	if !p.written {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), idleTimeout)
	defer cancel()
	if err := p.t.store.remove(ctx, p.key); err != nil {
		p.t.log.Warn("test object left behind", "key", p.key, "error", err)
	}
}

func (t *Target) putBytes(ctx context.Context, key string, content []byte) error {
	_, err := t.store.put(ctx, key, time.Time{}, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
	return err
}

// maxRecord bounds what is read into memory of machine.json and the like.
const maxRecord = 1 << 20

func (t *Target) getBytes(ctx context.Context, key string) ([]byte, error) {
	r, err := t.store.open(ctx, key, 0, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // only read
	return io.ReadAll(io.LimitReader(r, maxRecord))
}

// SamePlace tells that another target is this one by another name: a link, another name of the server. It writes a small object
// here, looks for it there, and removes it.
func (t *Target) SamePlace(ctx context.Context, other *Target) (bool, error) {
	here, there := t.plainly(), other.plainly()
	p := &probe{t: here, key: probeKey(rand.Text()), content: []byte(rand.Text())}
	defer p.leave(ctx)
	if err := p.write(ctx); err != nil {
		return false, asError("probe", err)
	}
	got, err := there.getBytes(ctx, p.key)
	if errors.Is(err, fs.ErrNotExist) || app.CodeOf(err) == app.CodeNotFound {
		return false, asError("probe", p.remove(ctx))
	} else if err != nil {
		return false, asError("probe", err)
	}
	return bytes.Equal(got, p.content), asError("probe", p.remove(ctx))
}

// plainly is the target with its objects as they are.
func (t *Target) plainly() *Target {
	plain := *t
	plain.store = plainStore(t.store)
	return &plain
}
