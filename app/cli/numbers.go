package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// grouped is 128,431.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return sign + b.String()
}

// count is "1 row" or "128,431 rows".
func count(n int64, noun string) string {
	if n == 1 {
		return "1" + nbsp + noun
	}
	return grouped(n) + nbsp + noun + "s"
}

// amount is a number of bytes: 412 MB.
func amount(n int64) string {
	unit, div := unitFor(n)
	return inUnit(n, div) + nbsp + unit
}

// progressed is "31 of 412 MB", both in the unit of the whole.
func progressed(done, total int64) string {
	unit, div := unitFor(total)
	return inUnit(done, div) + " of " + inUnit(total, div) + nbsp + unit
}

func unitFor(n int64) (string, int64) {
	switch {
	case n >= 1e9:
		return "GB", 1e9
	case n >= 1e6:
		return "MB", 1e6
	case n >= 1e3:
		return "kB", 1e3
	}
	return "bytes", 1
}

// inUnit has one decimal below ten, but for bytes.
func inUnit(n, div int64) string {
	v := float64(n) / float64(div)
	if div > 1 && v < 9.95 && v != math.Trunc(v) {
		return fmt.Sprintf("%.1f", v)
	}
	return grouped(int64(math.Round(v)))
}

// lasting is a duration in words, rounded up: 4 s, 5 min, 1 h 24 min, 3 days.
func lasting(d time.Duration) string {
	switch {
	case d <= 10*time.Second:
		return fmt.Sprintf("%d%ss", max(1, ceil(d, time.Second)), nbsp)
	case d <= 55*time.Second:
		return fmt.Sprintf("%d%ss", 5*ceil(d, 5*time.Second), nbsp)
	case d <= time.Hour:
		return fmt.Sprintf("%d%smin", ceil(d, time.Minute), nbsp)
	case d <= 24*time.Hour:
		return hours(ceil(d, time.Minute))
	}
	return count(ceil(d, 24*time.Hour), "day")
}

func hours(minutes int64) string {
	h, m := minutes/60, minutes%60
	if m == 0 {
		return fmt.Sprintf("%d%sh", h, nbsp)
	}
	return fmt.Sprintf("%d%sh%s%d%smin", h, nbsp, nbsp, m, nbsp)
}

func ceil(d, unit time.Duration) int64 { return int64((d + unit - 1) / unit) }

// measured is a duration that has passed, exact: 340 ms, 2.4 s, 3 min 20 s.
func measured(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d%sms", d.Milliseconds(), nbsp)
	case d < time.Minute:
		return fmt.Sprintf("%.1f%ss", d.Seconds(), nbsp)
	}
	d = d.Round(time.Second)
	return fmt.Sprintf("%d%smin%s%d%ss", d/time.Minute, nbsp, nbsp, d%time.Minute/time.Second, nbsp)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
