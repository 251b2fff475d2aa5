package sqlite

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	lib "modernc.org/sqlite/lib"
)

// maxText is how long a text of an example may be, in runes.
const maxText = 200

// maxBytes is how much of one value is looked at for an example: enough for more than maxText runes of any length.
const maxBytes = utf8.UTFMax * (maxText + 1)

// speak is the row in short: its texts and numbers, without the columns that say nothing to a person.
func (l *layout) speak(row *rows) string {
	var all, telling []string
	for i := int32(1); int(i) <= len(l.columns); i++ {
		value := l.value(row, i, 0)
		if value == "" {
			continue
		}
		all = append(all, value)
		if !l.dull(i) {
			telling = append(telling, value)
		}
	}
	if len(telling) == 0 {
		telling = all
	}
	return clip(strings.Join(telling, " · "))
}

// dull columns link rows or note their making. They are only shown where there is nothing else.
func (l *layout) dull(i int32) bool {
	name := strings.ToLower(l.columns[i-1])
	return slices.Contains(l.key, i) || slices.Contains(times, name) || name == "hash" ||
		strings.HasSuffix(name, "_id") || strings.HasSuffix(name, "_at") || strings.HasSuffix(name, "_hash")
}

// speakOf shows what differs between two rows, from a little before the first difference of each value on.
func (l *layout) speakOf(differ []int32, then, now *rows) (was, is string) {
	telling := slices.DeleteFunc(slices.Clone(differ), l.dull)
	if len(telling) == 0 {
		telling = differ
	}
	var before, after []string
	for _, i := range telling {
		name := ""
		if len(telling) > 1 {
			name = plain(l.columns[i-1]) + ": "
		}
		from := common(then, now, i)
		before = append(before, name+orNothing(l.value(then, i, from)))
		after = append(after, name+orNothing(l.value(now, i, from)))
	}
	return clip(strings.Join(before, " · ")), clip(strings.Join(after, " · "))
}

func orNothing(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// lead is how many bytes are shown before the first difference of two long texts.
const lead = 40

// common is from which byte on two texts are worth showing.
func common(a, b *rows, i int32) int {
	if a.kind(i) != lib.SQLITE_TEXT || b.kind(i) != lib.SQLITE_TEXT {
		return 0
	}
	x, y := a.bytes(i), b.bytes(i)
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	if n < 2*lead {
		return 0
	}
	for n -= lead; n > 0 && !utf8.RuneStart(x[n]); {
		n--
	}
	return n
}

// value shows one value, a text from a byte on. NULL and an empty text are nothing.
func (l *layout) value(row *rows, i int32, from int) string {
	switch row.kind(i) {
	case lib.SQLITE_INTEGER:
		return strconv.FormatInt(row.integer(i), 10)
	case lib.SQLITE_FLOAT:
		return strconv.FormatFloat(row.real(i), 'g', -1, 64)
	case lib.SQLITE_TEXT:
		text := row.bytes(i)[from:]
		shown := plain(string(text[:min(len(text), maxBytes)]))
		if from > 0 {
			shown = "…" + shown
		}
		return shown
	case lib.SQLITE_BLOB:
		return fmt.Sprintf("(%d bytes)", len(row.bytes(i)))
	}
	return ""
}

// id shows the key of the row.
func (l *layout) id(row *rows) string {
	var parts []string
	for _, i := range l.key {
		parts = append(parts, l.value(row, i, 0))
	}
	if len(parts) == 0 && l.rowid || slices.ContainsFunc(l.key, func(i int32) bool { return row.kind(i) == lib.SQLITE_NULL }) {
		parts = []string{l.value(row, 0, 0)}
	}
	return clip(strings.Join(parts, " · "))
}

// plain makes a text of anybody harmless: it has neither invalid UTF-8 nor anything that moves a cursor, hides itself or
// turns the direction of what follows.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return utf8.RuneError
		}
		return r
	}, s) // which takes invalid bytes for RuneError too
	return strings.Join(strings.Fields(s), " ")
}

// clip shortens a text to maxText runes.
func clip(s string) string {
	if utf8.RuneCountInString(s) <= maxText {
		return s
	}
	return string([]rune(s)[:maxText-1]) + "…"
}

// times are the columns that say when a row was last written, the best first.
var times = []string{"updated_at", "modified_at", "last_modified", "updated", "modified", "mtime", "created_at", "created",
	"occurred_at", "timestamp", "time", "date"}

// at is when the row says it was last written.
func (l *layout) at(row *rows) time.Time {
	for _, name := range times {
		i := l.index(name)
		if i < 0 {
			continue
		}
		if at := moment(row, i); at.Year() > 1980 && at.Year() < 2200 {
			return at
		}
	}
	return time.Time{}
}

// layouts are how programs write times as text, read as UTC where they name no zone.
var layouts = []string{time.RFC3339Nano, "2006-01-02 15:04:05Z07:00", time.DateTime, "2006-01-02T15:04:05", time.DateOnly}

func moment(row *rows, i int32) time.Time {
	switch row.kind(i) {
	case lib.SQLITE_INTEGER, lib.SQLITE_FLOAT:
		return sinceEpoch(row.real(i))
	case lib.SQLITE_TEXT:
		text := string(bytes.TrimSpace(row.bytes(i)[:min(len(row.bytes(i)), 64)]))
		for _, layout := range layouts {
			if at, err := time.Parse(layout, text); err == nil {
				return at.UTC()
			}
		}
		if v, err := strconv.ParseFloat(text, 64); err == nil {
			return sinceEpoch(v)
		}
	}
	return time.Time{}
}

// sinceEpoch takes seconds, milliseconds, microseconds or nanoseconds since 1970: whichever of them is in our time.
func sinceEpoch(v float64) time.Time {
	const year2200 = 7_258_118_400
	for unit := 1.0; unit <= 1e9; unit *= 1000 {
		if s := v / unit; s < year2200 {
			return time.UnixMicro(int64(s * 1e6)).UTC()
		}
	}
	return time.Time{}
}
