package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func spaced(s string) string { return strings.ReplaceAll(s, nbsp, " ") }

func TestNumbers(t *testing.T) {
	for want, got := range map[string]string{
		"0": grouped(0), "999": grouped(999), "1,000": grouped(1000), "128,431": grouped(128431), "-1,234,567": grouped(-1234567),
		"1 row": count(1, "row"), "0 rows": count(0, "row"), "128,431 rows": count(128431, "row"),
		"0 bytes": amount(0), "999 bytes": amount(999), "1 kB": amount(1000), "4.2 kB": amount(4200), "10 kB": amount(9999),
		"412 MB": amount(412e6), "1.2 GB": amount(1.2e9), "1,234 GB": amount(1234e9),
		"31 of 412 MB": progressed(31e6, 412e6), "0 of 4.2 MB": progressed(0, 4.2e6),
	} {
		if spaced(got) != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestDurations(t *testing.T) {
	for _, c := range []struct {
		d    time.Duration
		want string
	}{
		{0, "1 s"}, {3100 * time.Millisecond, "4 s"}, {11 * time.Second, "15 s"}, {50 * time.Second, "50 s"}, {56 * time.Second, "1 min"},
		{61 * time.Second, "2 min"}, {time.Hour, "60 min"}, {84 * time.Minute, "1 h 24 min"}, {2 * time.Hour, "2 h"}, {25 * time.Hour, "2 days"},
	} {
		if got := spaced(lasting(c.d)); got != c.want {
			t.Errorf("lasting %v: %q, want %q", c.d, got, c.want)
		}
	}
	for _, c := range []struct {
		d    time.Duration
		want string
	}{{340 * time.Millisecond, "340 ms"}, {2400 * time.Millisecond, "2.4 s"}, {200 * time.Second, "3 min 20 s"}} {
		if got := spaced(measured(c.d)); got != c.want {
			t.Errorf("measured %v: %q, want %q", c.d, got, c.want)
		}
	}
}

func TestAges(t *testing.T) {
	for _, c := range []struct {
		back time.Duration
		want string
	}{
		{time.Second, "just now"}, {12 * time.Second, "12 s ago"}, {5 * time.Minute, "5 min ago"}, {3 * time.Hour, "11:02"},
		{20 * time.Hour, "yesterday 18:02"}, {3 * 24 * time.Hour, "Tue 14:02"}, {27 * 24 * time.Hour, "24 Oct 15:02"},
		{400 * 24 * time.Hour, "16 Oct 2025 15:02"}, {-time.Hour, "15:02"}, {-24 * time.Hour, "tomorrow 14:02"},
	} {
		if got := spaced(age(now.Add(-c.back), now)); got != c.want {
			t.Errorf("%v ago: %q, want %q", c.back, got, c.want)
		}
	}
}

// hostileText is what a host or a table could be called.
const hostileText = "a\x1b[2J\x1b]0;owned\x07b\r\nc\x9b31md\u202egpj.exe\u2066\u200b\xff\u2028\U000e0041"

func TestCleanShowsWhatIsHidden(t *testing.T) {
	want := `a\x1b[2J\x1b]0;owned\x07b\x0d\nc\x9b31md\u202egpj.exe\u2066\u200b\xff\u2028\U000e0041`
	if got := clean(hostileText); got != want {
		t.Errorf("%q", got)
	}
	if plain := "Größe, 日本語 – é, 🙂"; clean(plain) != plain {
		t.Errorf("%q", clean(plain))
	}
}

func TestJSONIsHarmlessAndTheSame(t *testing.T) {
	in := map[string]string{"name": strings.ToValidUTF8(hostileText, "?")}
	var out bytes.Buffer
	p := newProgram("", nil, &out, &bytes.Buffer{})
	p.writeJSON(in)
	if harmful(out.String()) {
		t.Errorf("%q", out.String())
	}
	var back map[string]string
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back["name"] != in["name"] {
		t.Errorf("%q, %v", back, err)
	}
}

// harmful tells whether text does anything but show characters in lines.
func harmful(text string) bool {
	return !utf8.ValidString(text) || strings.ContainsFunc(strings.ReplaceAll(text, "\n", ""), hostile)
}

func FuzzClean(f *testing.F) {
	f.Add(hostileText)
	f.Fuzz(func(t *testing.T, text string) {
		if got := clean(text); harmful(got) || strings.Contains(got, "\n") {
			t.Errorf("%q became %q", text, got)
		}
	})
}

func testScreen(out *bytes.Buffer, width int, color bool) *screen {
	off := false
	return &screen{w: out, tty: width > 0, color: color, off: &off, width: func() int { return width }}
}

func TestLinesBreakBetweenWords(t *testing.T) {
	var out bytes.Buffer
	s := testScreen(&out, 30, false)
	s.block(0, 2, plain.of("● "), plain.of("You can go back to any moment up to 14:02:51, 412%sMB.", nbsp))
	want := "● You can go back to any\n  moment up to 14:02:51,\n  412 MB.\n"
	if out.String() != want || s.lines != 3 {
		t.Errorf("%q, %d lines", out.String(), s.lines)
	}
}

func TestLongWordsCountAsTheRowsTheyTake(t *testing.T) {
	var out bytes.Buffer
	s := testScreen(&out, 30, false)
	s.line(plain.of("%s", strings.Repeat("x", 70)))
	if s.lines != 3 {
		t.Errorf("%d rows", s.lines)
	}
	s.erase()
	if !strings.HasSuffix(out.String(), "\x1b[3A\x1b[J") || s.lines != 0 {
		t.Errorf("%q", out.String())
	}
}

func TestTablesLoseWhatIsOptional(t *testing.T) {
	show := func(width int) string {
		var out bytes.Buffer
		tab := table{{title: "name"}, {title: "rows", right: true}, {title: "file", opt: true}}
		tab.row(strong.of("thinkpad"), plain.of("7"), plain.of("/home/mira/context.db"))
		testScreen(&out, width, false).table(tab)
		return out.String()
	}
	if got, want := show(0), "  name      rows  file\n  thinkpad     7  /home/mira/context.db\n"; got != want {
		t.Errorf("%q", got)
	}
	if got, want := show(30), "  name      rows\n  thinkpad     7\n"; got != want {
		t.Errorf("%q", got)
	}
}
