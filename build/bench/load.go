//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// load measures what a writer notices and what replicating its rows costs, at a steady rate and as fast as it can; then
// what both programs cost when there is nothing to do any more.
func load(ctx context.Context, o options, f *figures) error {
	seed := filepath.Join(o.dir, "small.db")
	if _, err := python(ctx, "fill", seed, "16"); err != nil {
		return err
	}
	for round := range o.rounds {
		for _, rate := range []int{o.rate, 0} {
			if err := loadRound(ctx, o, f, seed, round, rate); err != nil {
				return err
			}
		}
	}
	return idle(ctx, o, f, seed)
}

func loadRound(ctx context.Context, o options, f *figures, seed string, round, rate int) error {
	dir := filepath.Join(o.dir, "load")
	both, err := subjects(o, dir, seed, round)
	if err != nil {
		return err
	}
	progress(f, "writing %s tx/s for %v, round %d of %d", rateText(rate), o.load, round+1, o.rounds)
	off := filepath.Join(dir, "off.db")
	if err := copyFile(seed, off); err != nil {
		return err
	}
	if _, err := f.write(ctx, o, rate, "off", off); err != nil {
		return err
	}
	for _, s := range both {
		if err := loaded(ctx, o, f, s, rate); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return os.RemoveAll(dir)
}

func rateText(rate int) string {
	if rate == 0 {
		return "all possible"
	}
	return strconv.Itoa(rate)
}

func loaded(ctx context.Context, o options, f *figures, s subject, rate int) error {
	p, err := s.ready(ctx)
	if err != nil {
		return err
	}
	err = underLoad(ctx, o, f, s, p, rate)
	if err = errors.Join(err, p.stop()); err != nil {
		return err
	}
	return s.proved(ctx)
}

// ready sets a program up, starts it and waits for its first copy.
func (s subject) ready(ctx context.Context) (*process, error) {
	if _, err := s.setUp(ctx); err != nil {
		return nil, err
	}
	p, err := s.start()
	if err != nil {
		return nil, err
	}
	if _, err := s.copied(ctx, p); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

func underLoad(ctx context.Context, o options, f *figures, s subject, p *process, rate int) error {
	before, err := p.settle(ctx)
	if err != nil {
		return err
	}
	written, err := f.write(ctx, o, rate, s.name, s.db)
	if err != nil {
		return err
	}
	if err := pause(ctx, o.tail); err != nil {
		return err
	}
	after, err := p.settle(ctx)
	if err != nil {
		return err
	}
	stored, err := s.objects(func(string) {})
	pace := paceOf(rate)
	f.add("CPU"+pace, s.name, ms(after.cpu-before.cpu)/written)
	f.add("peak memory"+pace, s.name, mib(after.peak))
	f.add("stored"+pace, s.name, mib(stored)/written)
	return err
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// idle lets both programs replicate some rows, and then watches them side by side while nothing happens.
func idle(ctx context.Context, o options, f *figures, seed string) (err error) {
	both, err := subjects(o, filepath.Join(o.dir, "idle"), seed, 0)
	if err != nil {
		return err
	}
	running := map[string]*process{}
	defer func() {
		for _, p := range running {
			err = errors.Join(err, p.stop())
		}
	}()
	var ignored figures
	for _, s := range both {
		if running[s.name], err = s.ready(ctx); err != nil {
			delete(running, s.name)
			return err
		}
		if _, err := ignored.write(ctx, o, o.rate, s.name, s.db); err != nil {
			return err
		}
	}
	if err := pause(ctx, o.tail); err != nil {
		return err
	}
	for name, p := range running {
		if _, err := p.settle(ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for round := range o.idles {
		progress(f, "idling for %v, round %d of %d", o.idle, round+1, o.idles)
		if err := idleRound(ctx, o, f, running); err != nil {
			return err
		}
	}
	return nil
}

func idleRound(ctx context.Context, o options, f *figures, running map[string]*process) error {
	before := map[string]usage{}
	for name, p := range running {
		var err error
		if before[name], err = p.usage(); err != nil {
			return err
		}
	}
	if err := pause(ctx, o.idle); err != nil {
		return err
	}
	for name, p := range running {
		now, err := p.usage()
		if err != nil {
			return err
		}
		minutes := now.at.Sub(before[name].at).Minutes()
		f.add("idle RSS", name, mib(now.rss))
		f.add("idle PSS", name, mib(now.pss))
		f.add("idle CPU", name, ms(now.cpu-before[name].cpu)/minutes)
		f.add("idle wake-ups", name, float64(now.wakes-before[name].wakes)/minutes)
	}
	return nil
}
