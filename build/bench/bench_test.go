//go:build linux

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   spread
	}{
		{nil, spread{}},
		{[]float64{9, 1, 2}, spread{2, 1, 9}},
		{[]float64{9, 1, 2, 4}, spread{3, 1, 9}},
	} {
		if got := spreadOf(c.values); got != c.want {
			t.Errorf("of %v %v", c.values, got)
		}
	}
}

// A machine that grows slower with every round must not change the ratio.
func TestRatioIsThatOfThePairs(t *testing.T) {
	f := figures{values: map[string]map[string][]float64{"a": {"ours": {1, 10, 100}, "stock": {2, 20, 200}}}}
	if r, ok := f.ratio("a"); !ok || r != (spread{0.5, 0.5, 0.5}) {
		t.Errorf("%v, %v", r, ok)
	}
	f.add("a", "ours", 1)
	if r, ok := f.ratio("a"); ok {
		t.Errorf("of unequal rounds %v", r)
	}
}

func TestGoals(t *testing.T) {
	for _, c := range []struct {
		goal
		off, ours, stock float64
		want             bool
	}{
		{goal{}, 0, 100, 1, true},
		{goal{ratio: 1}, 0, 5, 5, true},
		{goal{ratio: 1}, 0, 5.1, 5, false},
		{goal{ratio: 1, most: 40}, 0, 45, 50, false},
		{goal{overOff: 2}, 1, 3, 0, true},
		{goal{overOff: 2}, 1, 3.1, 9, false},
	} {
		var f figures
		f.add("", "off", c.off)
		f.add("", "ours", c.ours)
		f.add("", "stock", c.stock)
		if got := c.met(&f); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestReport(t *testing.T) {
	var f figures
	f.add("commit p99", "off", 1)
	f.add("commit p99", "ours", 4)
	f.add("commit p99", "stock", 2)
	f.add("restore", "ours", 3)
	f.add("restore", "ours", 2)
	f.add("restore", "stock", 6)
	f.add("restore", "stock", 8)
	o := options{out: t.TempDir()}
	var out strings.Builder
	if err := f.save(&out, o.out, "bench", f.report(o)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"p99, ms | 1 (1–1) | 4 (4–4) | 2 (2–2) | 2.00 (2.00–2.00) | off + ≤ 2 ms | **no** |",
		"| – | 2.5 (2–3) | 7 (6–8) | 0.38 (0.25–0.50) | ≤ 1.0 × stock | yes |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if kept, err := os.ReadFile(filepath.Join(o.out, "bench.md")); err != nil || string(kept) != out.String() {
		t.Errorf("kept %q, %v", kept, err)
	}
	var raw map[string]map[string][]float64
	if text, err := os.ReadFile(filepath.Join(o.out, "bench.json")); err != nil || json.Unmarshal(text, &raw) != nil || !reflect.DeepEqual(raw, f.values) {
		t.Errorf("kept %v, %v", raw, err)
	}
}

func TestQuickIsASetOfFlags(t *testing.T) {
	o, err := parse([]string{"quick", "-size", "7"})
	if err != nil || o.size != 7 || o.load != 5*time.Second {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := parse([]string{"-size", "7", "quick"}); err == nil {
		t.Error("a word after the flags was taken")
	}
}

func TestTheWriterIsMeasured(t *testing.T) {
	db := filepath.Join(t.TempDir(), "a.db")
	if _, err := python(t.Context(), "fill", db, "1"); err != nil {
		t.Fatal(err)
	}
	if err := copyFile(db, db+".before"); err != nil {
		t.Fatal(err)
	}
	for _, rate := range []int{100, 0} {
		var f figures
		written, err := f.write(t.Context(), options{load: 200 * time.Millisecond}, rate, "off", db)
		if err != nil || written <= 0 || f.spread("commit p99"+paceOf(rate), "off").median <= 0 {
			t.Errorf("%v MiB, %v, %v", written, f.values, err)
		}
	}
	if err := sameRows(t.Context(), db, db+".before"); err == nil {
		t.Error("a file without the new rows passes for the same")
	}
	if err := sameRows(t.Context(), db, db); err != nil {
		t.Error(err)
	}
}

func TestAProcessIsWatched(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	p, err := start(exec.Command("sh", "-c", "trap 'echo ended; exit 0' TERM; echo began; while :; do sleep 0.02; done"), log)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		u, err := p.usage()
		if err != nil || time.Now().After(deadline) {
			t.Fatal(err, u)
		}
		if u.wakes > 2 && u.cpu > 0 && u.rss > 0 && u.pss > 0 && u.pss <= u.rss && u.rss <= u.peak {
			break
		}
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
	if said, err := os.ReadFile(log); err != nil || string(said) != "began\nended\n" {
		t.Errorf("it said %q, %v", said, err)
	}
}

func TestACopyIsNoticed(t *testing.T) {
	s := subject{name: "ours", replica: t.TempDir()}
	dir := filepath.Join(s.replica, "standalone", "bench", "m", "ltx", "0")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"0000000000000002-0000000000000002.ltx": false, "0000000000000001-0000000000000001.ltx.tmp": false,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if found, err := s.hasFirst(); err != nil || found != want {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "0000000000000001-0000000000000001.ltx"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.copied(t.Context(), nil); err != nil {
		t.Error(err)
	}
}
