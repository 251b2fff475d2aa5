//go:build linux

package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
)

//go:embed writer.py
var writerScript string

// write runs the writer for a while, adds what it noticed and returns the MiB it wrote.
func (f *figures) write(ctx context.Context, o options, rate int, name, db string) (float64, error) {
	out, err := python(ctx, "write", db, strconv.Itoa(rate), strconv.FormatFloat(o.load.Seconds(), 'f', 3, 64))
	if err != nil {
		return 0, err
	}
	var said struct {
		Latencies []float64 `json:"latencies_us"`
		Bytes     int64     `json:"bytes"`
	}
	if err := json.Unmarshal(out, &said); err != nil {
		return 0, err
	}
	if len(said.Latencies) == 0 {
		return 0, errors.New("the writer wrote nothing")
	}
	slices.Sort(said.Latencies)
	n, pace := len(said.Latencies), paceOf(rate)
	f.add("commit p50"+pace, name, said.Latencies[n/2]/1000)
	f.add("commit p99"+pace, name, said.Latencies[n*99/100]/1000)
	f.add("commit max"+pace, name, said.Latencies[n-1]/1000)
	f.add("transactions"+pace, name, float64(n)/o.load.Seconds())
	return mib(said.Bytes), nil
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// paceOf tells the figures of one pace from those of the other.
func paceOf(rate int) string {
	if rate == 0 {
		return ", flat out"
	}
	return ""
}

// sameRows compares two files by what a query over all rows says.
func sameRows(ctx context.Context, live, restored string) error {
	want, err := python(ctx, "count", live)
	if err != nil {
		return err
	}
	got, err := python(ctx, "count", restored)
	if err != nil {
		return err
	}
	if string(want) != string(got) {
		return fmt.Errorf("the restored file holds %sinstead of %s", got, want)
	}
	return nil
}

func python(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "python3", append([]string{"-c", writerScript}, args...)...)
	cmd.Stderr = os.Stderr
	return cmd.Output()
}
