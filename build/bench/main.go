//go:build linux

package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// options are the command line. Sizes are in MiB.
type options struct {
	program, stock, dir, out  string
	s3server                  string
	size, rounds, rate, idles int
	load, tail, idle, busy    time.Duration
	only                      string
}

// quick sets what makes a look of some two minutes: the figures are rough, the idle ones above all.
var quick = map[string]string{"size": "100", "rounds": "2", "load": "5s", "tail": "5s", "idle": "15s", "idles": "1", "busy": "40s"}

func main() {
	if err := bench(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, o)
}

// parse reads the flags; the word quick before them stands for a set of them.
func parse(args []string) (options, error) {
	var o options
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.StringVar(&o.program, "program", "build/bin/coditect-sync", "our program")
	fs.StringVar(&o.stock, "stock", "", "the stock litestream")
	fs.StringVar(&o.s3server, "s3server", "", "versitygw, a server of object storage")
	fs.StringVar(&o.dir, "dir", "build/tmp/bench", "where files go; emptied first")
	fs.StringVar(&o.out, "out", "build/tmp", "where bench.md and bench.json go")
	fs.StringVar(&o.only, "only", "", "one part: large, load or requests")
	fs.IntVar(&o.size, "size", 1024, "MiB of the large file")
	fs.IntVar(&o.rounds, "rounds", 5, "rounds of what is repeated")
	fs.IntVar(&o.rate, "rate", 500, "transactions a second of the writer")
	fs.IntVar(&o.idles, "idles", 3, "rounds of idling")
	fs.DurationVar(&o.load, "load", 15*time.Second, "how long the writer writes in one round")
	fs.DurationVar(&o.tail, "tail", 35*time.Second, "how long the programs are given after that to merge what was written")
	fs.DurationVar(&o.idle, "idle", time.Minute, "how long one round of idling is")
	fs.DurationVar(&o.busy, "busy", 12*time.Minute, "how much of a busy hour is measured")
	if len(args) > 0 && args[0] == "quick" {
		args = args[1:]
		for name, value := range quick {
			if err := fs.Set(name, value); err != nil {
				return o, err
			}
		}
	}
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if fs.NArg() > 0 {
		return o, fmt.Errorf("%q is neither a flag nor the word quick", fs.Arg(0))
	}
	err := o.absolute()
	return o, err
}

func (o *options) absolute() error {
	for _, path := range []*string{&o.program, &o.stock, &o.s3server, &o.dir, &o.out} {
		abs, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = abs
	}
	return nil
}

func run(ctx context.Context, o options) error {
	if err := os.RemoveAll(o.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	var f figures
	parts := map[string]func(context.Context, options, *figures) error{"load": load, "large": large, "requests": requests}
	for _, name := range []string{"load", "large", "requests"} {
		if o.only != "" && o.only != name {
			continue
		}
		if err := parts[name](ctx, o, &f); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(o.dir); err != nil {
		return err
	}
	return f.save(os.Stdout, o.out, "bench", f.report(o))
}
