package app

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Retention is for how long each step of the history is kept, by RetentionSteps, finest first. Nothing is kept for
// shorter than what is finer. The zero value is DefaultRetention.
type Retention [4]time.Duration

// Forever is kept without an end.
const Forever = time.Duration(math.MaxInt64)

const (
	day  = 24 * time.Hour
	week = 7 * day
	year = 365 * day
	// leastReach is how far back a history goes at least: a mistake is seldom noticed within hours.
	leastReach = day
)

// RetentionSteps are the distances between the moments that are kept; 0 is every copy that was made.
func RetentionSteps() [4]time.Duration {
	return [...]time.Duration{0, 30 * time.Second, 5 * time.Minute, time.Hour}
}

// preset is a retention that has a name.
type preset struct {
	name string
	keep Retention
}

func presets() []preset {
	return []preset{
		{"short", Retention{time.Hour, 6 * time.Hour, day, week}},
		{"default", DefaultRetention()},
		{"long", Retention{day, week, 30 * day, 90 * day}},
		{"everything", Retention{Forever, Forever, Forever, Forever}},
	}
}

// DefaultRetention is what is kept where nobody said otherwise.
func DefaultRetention() Retention { return Retention{time.Hour, day, week, 30 * day} }

// RetentionNames are the names ParseRetention knows, shortest first.
func RetentionNames() (names []string) {
	for _, p := range presets() {
		names = append(names, p.name)
	}
	return names
}

// OrDefault is r, or the default where nothing was said.
func (r Retention) OrDefault() Retention {
	if r == (Retention{}) {
		return DefaultRetention()
	}
	return r
}

// String is what ParseRetention reads back: a name, or a promise for every step.
func (r Retention) String() string {
	r = r.OrDefault()
	for _, p := range presets() {
		if p.keep == r {
			return p.name
		}
	}
	var out []string
	for i, keep := range r {
		out = append(out, "every "+stepName(i, 0)+" for "+spanInWords(keep))
	}
	return strings.Join(out, ", ")
}

// Promises says what is kept, finest first, where a copy is made every interval. What adds nothing is left out.
func (r Retention) Promises(interval time.Duration) []string {
	var out []string
	for i, keep := range r.OrDefault() {
		if i > 0 && keep == r.OrDefault()[i-1] {
			continue
		}
		length := spanInWords(keep)
		if one, is := strings.CutPrefix(length, "an "); is && i == 0 {
			length = "the last " + one
		}
		out = append(out, "every "+stepName(i, interval)+" for "+length)
	}
	out[0] = "E" + out[0][1:]
	return out
}

// stepName is a step as it is said; interval is how often copies are made, 0 where that is not meant.
func stepName(i int, interval time.Duration) string {
	step := RetentionSteps()[i]
	switch {
	case i == 0 && interval == 0:
		return "copy"
	case i == 0:
		step = interval
	}
	return strings.TrimPrefix(strings.TrimPrefix(spanInWords(step), "an "), "a ")
}

// units are what spans are said in, largest first.
func units() []unit {
	return []unit{{year, "year"}, {week, "week"}, {day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}}
}

type unit struct {
	size time.Duration
	name string
}

func spanInWords(d time.Duration) string {
	if d == Forever {
		return "ever"
	}
	for _, u := range units() {
		switch n := d / u.size; {
		case d%u.size != 0:
		case n == 1 && u.name == "hour":
			return "an hour"
		case n == 1:
			return "a " + u.name
		default:
			return fmt.Sprintf("%d %ss", n, u.name)
		}
	}
	return d.String()
}

// ParseRetention reads a retention as people say it: one of RetentionNames, or promises such as "every hour for 90 days",
// with commas between them. What is not said stays as it is in now. The error is CodeInvalid and one clear sentence.
func ParseRetention(text string, now Retention) (Retention, error) {
	text = strings.Join(strings.Fields(strings.ToLower(text)), " ")
	for _, p := range presets() {
		if p.name == text {
			return p.keep, nil
		}
	}
	r, said := now.OrDefault(), [4]bool{}
	for part := range strings.SplitSeq(strings.ReplaceAll(text, " and ", ","), ",") {
		i, keep, err := parsePromise(strings.TrimSpace(part))
		if err != nil {
			return Retention{}, err
		}
		if said[i] {
			return Retention{}, badRetention("“Every %s” is said twice.", stepName(i, 0))
		}
		r[i], said[i] = keep, true
	}
	return r.inOrder(said)
}

// inOrder keeps coarser steps for as long as finer ones at least, and refuses where the opposite was said.
func (r Retention) inOrder(said [4]bool) (Retention, error) {
	for i := 1; i < len(r); i++ {
		if r[i] >= r[i-1] {
			continue
		}
		if said[i] {
			return Retention{}, badRetention("“Every %s for %s” is less than every %s for %s, which would stay.",
				stepName(i, 0), spanInWords(r[i]), stepName(i-1, 0), spanInWords(r[i-1]))
		}
		r[i] = r[i-1]
	}
	if reach := r[len(r)-1]; reach < leastReach {
		return Retention{}, badRetention("The history would go back only %s; the least is a day.", spanInWords(reach))
	}
	return r, nil
}

// parsePromise reads "every hour for 90 days".
func parsePromise(text string) (step int, keep time.Duration, err error) {
	body, every := strings.CutPrefix(text, "every ")
	what, length, both := strings.Cut(body, " for ")
	if length == "" && both || !both {
		if what, both = strings.CutSuffix(body, " forever"); both {
			length = "ever"
		}
	}
	if !every || !both {
		return 0, 0, badRetention("“%s” is not a promise that can be kept.", text)
	}
	if step = slices.Index(stepWords(), strings.TrimSpace(what)); step < 0 {
		return 0, 0, badRetention("Moments are not kept every %s: the steps are every copy, every 30 seconds, every 5 minutes and every hour.", what)
	}
	step %= len(Retention{})
	keep, ok := parseSpan(length)
	if !ok || keep < time.Minute {
		return 0, 0, badRetention("“%s” is no length of time that something can be kept for.", length)
	}
	return step, keep, nil
}

// stepWords are the ways to say the steps: each row has all of them in order.
func stepWords() []string {
	return []string{
		"copy", "30 seconds", "5 minutes", "hour",
		"change", "half minute", "five minutes", "1 hour",
		"second", "30 s", "5 min", "60 minutes",
		"5 seconds", "thirty seconds", "300 seconds", "an hour",
	}
}

// parseSpan reads "90 days", "a week", "the last hour", "a month" and "ever".
func parseSpan(text string) (time.Duration, bool) {
	if text == "ever" {
		return Forever, true
	}
	words := strings.Fields(strings.TrimPrefix(strings.TrimPrefix(text, "the "), "last "))
	if len(words) == 1 {
		words = []string{"1", words[0]}
	}
	if len(words) != 2 {
		return 0, false
	}
	if words[0] == "a" || words[0] == "an" {
		words[0] = "1"
	}
	n, err := strconv.Atoi(words[0])
	for _, u := range append(units(), unit{30 * day, "month"}) {
		if strings.TrimSuffix(words[1], "s") == u.name && err == nil && n > 0 && n <= 100*int(year/u.size) {
			return time.Duration(n) * u.size, true
		}
	}
	return 0, false
}

func badRetention(format string, args ...any) error {
	return Errorf(CodeInvalid, "retention", format, args...).
		WithHint("Say short, default, long or everything, or a promise such as “every hour for 90 days”.")
}

// RetentionPlan says what a change of the retention would do, before anything is done.
type RetentionPlan struct {
	Wish string   `json:"wish"` // what would be saved
	Now  []string `json:"now"`  // in words, one promise each
	Then []string `json:"then"`
	// Moments that can be restored now, and of them Gone and Bytes that would go. Pinned ones stay.
	Moments int   `json:"moments"`
	Gone    int   `json:"gone"`
	Bytes   int64 `json:"bytes"`
	// Stored is what is there now, StoredThen what it comes to when the history is as long as then promised, or in a year
	// where it has no end, if as much changes as so far. MonthlyCost and MonthlyCostThen are of the two; nil where not known.
	Stored          int64 `json:"stored_bytes"`
	StoredThen      int64 `json:"stored_bytes_then"`
	MonthlyCost     *Cost `json:"monthly_cost,omitempty"`
	MonthlyCostThen *Cost `json:"monthly_cost_then,omitempty"`
	// Oldest is how far back the history goes, OldestThen how far it would.
	Oldest     time.Time `json:"oldest,omitzero"`
	OldestThen time.Time `json:"oldest_then,omitzero"`
}
