//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// large measures the first copy of a large file, what the programs hold after it, and restoring the file.
func large(ctx context.Context, o options, f *figures) error {
	dir := filepath.Join(o.dir, "large")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	seed := filepath.Join(dir, "seed.db")
	progress(f, "making a file of %d MiB", o.size)
	if _, err := python(ctx, "fill", seed, strconv.Itoa(o.size)); err != nil {
		return err
	}
	var both []subject
	for round := range o.rounds {
		var err error
		if both, err = subjects(o, dir, seed, round); err != nil {
			return err
		}
		for _, s := range both {
			progress(f, "first copy with %s, round %d of %d", s.name, round+1, o.rounds)
			if err := firstCopy(ctx, f, s); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	if err := os.Remove(seed); err != nil {
		return err
	}
	return restores(ctx, o, f, both)
}

func firstCopy(ctx context.Context, f *figures, s subject) error {
	syscall.Sync()
	setUp, err := s.setUp(ctx)
	if err != nil {
		return err
	}
	if s.prepare != nil {
		f.add("setup", s.name, setUp.Seconds())
	}
	began := time.Now()
	p, err := s.start()
	if err != nil {
		return err
	}
	at, err := s.copied(ctx, p)
	var rest usage
	if err == nil {
		rest, err = p.settle(ctx)
	}
	f.add("first copy", s.name, at.Sub(began).Seconds())
	f.add("first copy CPU", s.name, rest.cpu.Seconds())
	f.add("first copy memory", s.name, mib(rest.peak))
	f.add("RSS after it", s.name, mib(rest.rss))
	return errors.Join(err, p.stop())
}

// restores brings back the large file from both replicas in turns; once for each, what came back is held against it.
func restores(ctx context.Context, o options, f *figures, both []subject) error {
	to := filepath.Join(o.dir, "large", "restored.db")
	for round := range o.rounds {
		for i := range both {
			s := both[(i+round)%len(both)]
			progress(f, "restoring with %s, round %d of %d", s.name, round+1, o.rounds)
			used, err := s.bring(ctx, to)
			if err == nil && round == 0 {
				err = sameRows(ctx, s.db, to)
			}
			if err = errors.Join(err, os.Remove(to)); err != nil {
				return err
			}
			f.add("restore", s.name, used.took.Seconds())
			f.add("restore CPU", s.name, used.cpu.Seconds())
			f.add("restore memory", s.name, mib(used.rss))
		}
	}
	return nil
}
