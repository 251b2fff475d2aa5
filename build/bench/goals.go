//go:build linux

package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// goal is one row of the report.
type goal struct {
	what, label, unit string
	ratio             float64 // ours / stock at most; 0 = no goal
	most              float64 // ours at most; 0 = no goal
	overOff           float64 // ours - off at most; 0 = no goal
	than              string  // what the other one is, if not the stock program
}

var goals = []goal{
	{what: "commit p50", label: "a writer's commit, median", unit: "ms"},
	{what: "commit p99", label: "a writer's commit, p99", unit: "ms", overOff: 2},
	{what: "commit max", label: "a writer's commit, longest", unit: "ms"},
	{what: "commit p50, flat out", label: "the same flat out, median", unit: "ms"},
	{what: "commit p99, flat out", label: "the same flat out, p99", unit: "ms", overOff: 2},
	{what: "commit max, flat out", label: "the same flat out, longest", unit: "ms"},
	{what: "transactions, flat out", label: "transactions flat out", unit: "1/s"},
	{what: "CPU", label: "CPU per MiB of rows", unit: "ms", ratio: 1},
	{what: "CPU, flat out", label: "the same flat out", unit: "ms", ratio: 1},
	{what: "stored", label: "stored per MiB of rows", unit: "MiB", ratio: 1},
	{what: "stored, flat out", label: "the same flat out", unit: "MiB", ratio: 1},
	{what: "peak memory", label: "most memory (RSS) while rows are written", unit: "MiB"},
	{what: "peak memory, flat out", label: "the same flat out", unit: "MiB"},
	{what: "idle RSS", label: "memory (RSS) while idle", unit: "MiB", ratio: 1, most: 40},
	{what: "idle PSS", label: "memory (PSS) while idle", unit: "MiB", ratio: 1, most: 40},
	{what: "idle CPU", label: "CPU while idle", unit: "ms/min", ratio: 0.5},
	{what: "idle wake-ups", label: "wake-ups while idle", unit: "1/min", ratio: 0.5},
	{what: "requests", label: "requests of a busy hour (2 tx/s) to an object store", unit: "1/h", ratio: 0.25},
	{what: "requests, same interval", label: "the same, stock at our interval of 5 s", unit: "1/h", ratio: 1},
	{what: "requests that write or list", label: "of them those that write or list", unit: "1/h", ratio: 0.25},
	{what: "requests that write or list, same interval", label: "the same, stock at our interval of 5 s", unit: "1/h", ratio: 1},
	{what: "stored, busy", label: "stored on average in that hour, per MiB of its rows", unit: "MiB", ratio: 1},
	{what: "stored, busy, same interval", label: "the same, stock at our interval of 5 s", unit: "MiB", ratio: 1},
	{what: "setup", label: "setup with the large file, which it reads and checks", unit: "s"},
	{what: "first copy", label: "first copy of it, from start until restorable", unit: "s", ratio: 1},
	{what: "first copy CPU", label: "CPU until at rest after that (ours also drills)", unit: "s"},
	{what: "first copy memory", label: "most memory (RSS) of that", unit: "MiB"},
	{what: "RSS after it", label: "memory (RSS) at rest after that", unit: "MiB"},
	{what: "restore", label: "restore into a file (ours checks it, stock does not)", unit: "s", ratio: 1},
	{what: "restore CPU", label: "CPU of that restore", unit: "s"},
	{what: "restore memory", label: "most memory (RSS) of that restore", unit: "MiB", most: 256},
}

// met tells whether ours reaches the goal.
func (g goal) met(f *figures) bool {
	ours := f.spread(g.what, "ours").median
	if g.ratio != 0 {
		if r, ok := f.ratio(g.what); !ok || r.median > g.ratio {
			return false
		}
	}
	return (g.most == 0 || ours <= g.most) && (g.overOff == 0 || ours-f.spread(g.what, "off").median <= g.overOff)
}

func (g goal) String() string {
	var parts []string
	if g.overOff != 0 {
		parts = append(parts, fmt.Sprintf("off + ≤ %g %s", g.overOff, g.unit))
	}
	if g.ratio != 0 {
		parts = append(parts, fmt.Sprintf("≤ %s × %s", ratioText(g.ratio), cmp.Or(g.than, "stock")))
	}
	if g.most != 0 {
		parts = append(parts, fmt.Sprintf("≤ %g %s", g.most, g.unit))
	}
	return strings.Join(parts, ", ")
}

// ratioText shows at least one decimal.
func ratioText(r float64) string {
	text := strconv.FormatFloat(r, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
