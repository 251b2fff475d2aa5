//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// busyRate is how many transactions a second somebody writes who works with several assistants.
const busyRate = 2

// sameInterval is the interval of ours at an object store, which the stock program is given, too.
const sameInterval = "5s"

// The programs of a busy hour beside ours: the stock program as it comes, and with our interval.
const (
	asItComes = "stock"
	asOurs    = "stock, same interval"
)

// requests measures what a busy hour asks of an object store, as its server sees it, and what it leaves there. All programs
// get the same rows at the same pace at the same time. The hour is a part of one (-busy) and multiplied: full copies,
// which are daily, and merges by the hour are in neither's figures.
func requests(ctx context.Context, o options, f *figures) (err error) {
	dir := filepath.Join(o.dir, "busy")
	seed := filepath.Join(o.dir, "busy.db")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if _, err := python(ctx, "fill", seed, "16"); err != nil {
		return err
	}
	server, err := startS3(o.s3server, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	progress(f, "%d tx/s to an object store for %v", busyRate, o.busy)
	var all sync.WaitGroup
	var mu sync.Mutex
	for _, name := range []string{"ours", asItComes, asOurs} {
		all.Go(func() {
			b, e := busyWith(ctx, o, server, name, seed)
			mu.Lock()
			defer mu.Unlock()
			if err = errors.Join(err, e); e == nil {
				b.add(f, o.busy)
			}
		})
	}
	all.Wait()
	return err
}

// busyHour is what one program asked and left.
type busyHour struct {
	who             string
	asked           counts
	stored, written float64 // MiB; stored on average
}

// add puts the figures of an hour beside those of the others.
func (b busyHour) add(f *figures, took time.Duration) {
	hour := float64(time.Hour) / float64(took)
	for _, row := range []struct {
		what  string
		value float64
	}{
		{"requests", float64(b.asked.writes+b.asked.reads) * hour},
		{"requests that write or list", float64(b.asked.writes) * hour},
		{"stored, busy", b.stored / b.written},
	} {
		switch b.who {
		case "ours":
			f.add(row.what, "ours", row.value)
			f.add(row.what+", same interval", "ours", row.value)
		case asItComes:
			f.add(row.what, "stock", row.value)
		default:
			f.add(row.what+", same interval", "stock", row.value)
		}
	}
}

// busyWith lets a program copy a file to a bucket of its own while rows are written.
func busyWith(ctx context.Context, o options, server *s3Server, name, seed string) (b busyHour, err error) {
	b.who = name
	d, err := server.open(map[string]string{"ours": "ours", asItComes: "stock", asOurs: "same"}[name])
	if err != nil {
		return b, err
	}
	defer d.close()
	s, err := busySubject(o, d, name, seed)
	if err != nil {
		return b, err
	}
	p, err := s.ready(ctx)
	if err != nil {
		return b, fmt.Errorf("%s: %w", name, err)
	}
	b.asked, b.written, b.stored, err = busyWatch(ctx, o, s, p, d)
	if err = errors.Join(err, p.stop()); err != nil {
		return b, fmt.Errorf("%s: %w", name, err)
	}
	return b, s.proved(ctx)
}

// busyWatch counts from the moment at which the program is done with its first copy.
func busyWatch(ctx context.Context, o options, s subject, p *process, d *door) (asked counts, written, stored float64, err error) {
	if _, err := p.settle(ctx); err != nil {
		return asked, 0, 0, err
	}
	was := d.counted()
	before, err := s.objects(func(string) {})
	if err != nil {
		return asked, 0, 0, err
	}
	var ignored figures
	o.load = o.busy
	mean := s.watchStored(ctx)
	written, err = ignored.write(ctx, o, busyRate, s.name, s.db)
	now := d.counted()
	held, meanErr := mean()
	return counts{now.writes - was.writes, now.reads - was.reads}, written, mib(held - before), errors.Join(err, meanErr)
}

// storedEvery is how often it is looked at how much is stored.
const storedEvery = 5 * time.Second

// watchStored looks now and then at how much is stored, until mean is called. At one moment it says little: a program that
// merges and then removes has half as much after as before.
func (s subject) watchStored(ctx context.Context) (mean func() (bytes int64, err error)) {
	ctx, stop := context.WithCancel(ctx)
	var sum, looks int64
	var failed error
	var done sync.WaitGroup
	done.Go(func() {
		every := time.NewTicker(storedEvery)
		defer every.Stop()
		for failed == nil {
			var bytes int64
			bytes, failed = s.objects(func(string) {})
			sum, looks = sum+bytes, looks+1
			select {
			case <-every.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return func() (int64, error) {
		stop()
		done.Wait()
		return sum / looks, failed
	}
}

// busySubject is a program with its copy of the file and its bucket.
func busySubject(o options, d *door, name, seed string) (s subject, err error) {
	dir := filepath.Join(o.dir, "busy", d.bucket)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return s, err
	}
	if err := copyFile(seed, filepath.Join(dir, "context.db")); err != nil {
		return s, err
	}
	if name == "ours" {
		s = ours(o.program, dir)
		target := "s3://" + d.bucket + "/memory?endpoint=" + url.QueryEscape(d.url) + "&region=" + s3Region
		s.prepare[len(s.prepare)-3] = target
	} else if s, err = stockOnS3(o.stock, dir, d, name == asOurs); err != nil {
		return s, err
	}
	s.name, s.replica = name, d.dir
	return s, nil
}

// stockOnS3 is litestream with a bucket; its keys are in the environment.
func stockOnS3(program, dir string, d *door, same bool) (subject, error) {
	s, err := stock(program, dir)
	if err != nil {
		return s, err
	}
	often := [2]string{}
	if same {
		often = [2]string{"    monitor-interval: " + sameInterval + "\n", "      sync-interval: " + sameInterval + "\n"}
	}
	text := fmt.Sprintf("dbs:\n  - path: %q\n%s    replica:\n      type: s3\n      bucket: %q\n      path: memory\n      endpoint: %q\n      region: %s\n"+
		"      force-path-style: true\n%s", s.db, often[0], d.bucket, d.url, s3Region, often[1])
	return s, os.WriteFile(filepath.Join(dir, "litestream.yml"), []byte(text), 0o600)
}

// keys are new ones for each run. They are in the environment of every program that is started.
func keys() (access, secret string, err error) {
	access, secret = "bench-"+rand.Text()[:12], rand.Text()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret, "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": s3Region,
		"AWS_PROFILE": "", "AWS_SESSION_TOKEN": "", "AWS_CA_BUNDLE": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		err = errors.Join(err, os.Setenv(name, value))
	}
	return access, secret, err
}
