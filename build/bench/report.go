//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// figures are the measured values by what and by whom, in the order of the rounds.
type figures struct {
	values map[string]map[string][]float64
}

func (f *figures) add(what, who string, value float64) {
	if f.values == nil {
		f.values = map[string]map[string][]float64{}
	}
	if f.values[what] == nil {
		f.values[what] = map[string][]float64{}
	}
	f.values[what][who] = append(f.values[what][who], value)
}

// spread is the middle and the ends of some values. That of none is zero.
type spread struct{ median, least, most float64 }

func spreadOf(values []float64) spread {
	v := slices.Sorted(slices.Values(values))
	if len(v) == 0 {
		return spread{}
	}
	return spread{(v[(len(v)-1)/2] + v[len(v)/2]) / 2, v[0], v[len(v)-1]}
}

func (s spread) String() string { return fmt.Sprintf("%.4g (%.4g–%.4g)", s.median, s.least, s.most) }

func (f *figures) spread(what, who string) spread { return spreadOf(f.values[what][who]) }

// ratio is that of ours to the stock program's, round by round; false where there is none.
func (f *figures) ratio(what string) (spread, bool) {
	ours, stock := f.values[what]["ours"], f.values[what]["stock"]
	if len(ours) == 0 || len(ours) != len(stock) || slices.Contains(stock, 0) {
		return spread{}, false
	}
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = ours[i] / stock[i]
	}
	return spreadOf(ratios), true
}

// save keeps every value as JSON and a report as Markdown in a folder, as NAME.json and NAME.md, and writes the report to w.
func (f *figures) save(w io.Writer, folder, name, text string) error {
	raw, err := json.MarshalIndent(f.values, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, name+".json"), raw, 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, name+".md"), []byte(text), 0o600); err != nil {
		return err
	}
	_, err = io.WriteString(w, text)
	return err
}

// report is what was measured against the stock litestream.
func (f *figures) report(o options) string {
	return fmt.Sprintf("Large file %d MiB; writer %d transactions a second, or as many as it can, for %v; CPU counted until %v later; "+
		"idle %v; %d rounds, %d of idling; the busy hour is %v of one, multiplied. ", o.size, o.rate, o.load, o.tail, o.idle, o.rounds, o.idles, o.busy) + f.table(goals)
}

// table is one in Markdown, a row for each goal of which something was measured.
func (f *figures) table(goals []goal) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Median (least–most); the ratio is that of the pairs. %d cores, load average %v.\n\n",
		runtime.NumCPU(), f.spread("load average", "machine"))
	b.WriteString("| what | off | ours | stock | ours / stock | goal | met |\n|---|---|---|---|---|---|---|\n")
	for _, g := range goals {
		if f.values[g.what] != nil {
			b.WriteString(f.row(g))
		}
	}
	return b.String()
}

func (f *figures) row(g goal) string {
	cell := func(who string) string {
		if len(f.values[g.what][who]) == 0 {
			return "–"
		}
		return f.spread(g.what, who).String()
	}
	ratio, met := "–", ""
	if r, ok := f.ratio(g.what); ok {
		ratio = fmt.Sprintf("%.2f (%.2f–%.2f)", r.median, r.least, r.most)
	}
	if g.String() != "" {
		met = map[bool]string{true: "yes", false: "**no**"}[g.met(f)]
	}
	return fmt.Sprintf("| %s, %s | %s | %s | %s | %s | %s | %s |\n", g.label, g.unit, cell("off"), cell("ours"), cell("stock"), ratio, g, met)
}

// progress says what is being done and notes how busy the machine is.
func progress(f *figures, format string, args ...any) {
	var busy float64
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		if _, err := fmt.Sscan(string(text), &busy); err == nil {
			f.add("load average", "machine", busy)
		}
	}
	fmt.Fprintf(os.Stderr, "bench: "+format+" (load average %.1f)\n", append(args, busy)...)
}
