package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// style is a meaning; what it looks like is decided by the screen.
type style int

const (
	plain style = iota
	strong
	quiet
	proved
	working
	waits
	wrong
)

// sgr is what each style is on a terminal. The colours are the sixteen that people choose to be readable.
var sgr = map[style]string{strong: "1", quiet: "2", proved: "32", working: "94", waits: "33", wrong: "31"}

// span is a piece of text in one style.
type span struct {
	style
	text string
}

// of formats text; it is made harmless when it is written.
func (s style) of(format string, args ...any) span { return span{s, fmt.Sprintf(format, args...)} }

// narrowBelow is where labels get a line of their own, in columns.
const narrowBelow = 60

// labelWidth is the column where values begin.
const labelWidth = 16

// screen writes text for people to one stream. All text passes through clean.
type screen struct {
	w     io.Writer
	tty   bool
	color bool
	off   *bool      // --no-color
	width func() int // columns of a terminal
	lines int        // rows written since the count was last reset
}

func newScreen(w io.Writer, getenv func(string) string, off *bool) *screen {
	s := &screen{w: w, off: off, width: func() int { return 80 }}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || getenv("TERM") == "dumb" {
		return s
	}
	s.tty = true
	s.color = getenv("NO_COLOR") == ""
	s.width = func() int {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			return w
		}
		return 80
	}
	return s
}

func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// paint is text in its style, safe to write.
func (s *screen) paint(style style, text string) string {
	code := sgr[style]
	if !s.color || *s.off || code == "" || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// line writes spans one after the other, broken between words where the terminal ends.
func (s *screen) line(spans ...span) { s.block(0, 0, spans...) }

// gap writes an empty line.
func (s *screen) gap() { s.raw("\n") }

// field writes a labelled value; on a narrow terminal the label stands above it.
func (s *screen) field(label string, spans ...span) {
	if s.tty && s.width() < narrowBelow {
		s.block(2, 2, quiet.of("%s", label))
		s.block(4, 4, spans...)
		return
	}
	label = clean(label)
	s.raw("  " + s.paint(quiet, label) + strings.Repeat(" ", max(1, labelWidth-2-utf8.RuneCountInString(label))))
	s.wrap(labelWidth, labelWidth, spans)
}

// block writes spans with the first line indented by first columns and the others by hang.
func (s *screen) block(first, hang int, spans ...span) {
	s.raw(strings.Repeat(" ", first))
	s.wrap(first, hang, spans)
}

// wrap writes the words of spans from column at on and ends the line.
func (s *screen) wrap(at, hang int, spans []span) {
	limit := 1 << 30
	if s.tty {
		limit = max(s.width(), hang+20)
	}
	var out strings.Builder
	col, start := at, true
	for _, sp := range spans {
		run := "" // what is in this style and on this row
		for i, word := range strings.Split(clean(sp.text), " ") {
			n := utf8.RuneCountInString(word)
			switch {
			case i > 0 && !start && col+1+n > limit:
				out.WriteString(s.paint(sp.style, run) + "\n" + strings.Repeat(" ", hang))
				col, start, run = hang, true, ""
			case i > 0:
				run += " "
				col++
			}
			run += strings.ReplaceAll(word, nbsp, " ")
			col += n
			start = start && n == 0
		}
		out.WriteString(s.paint(sp.style, run))
	}
	s.raw(out.String() + "\n")
	if s.tty && col > s.width() { // a word that the terminal breaks itself
		s.lines += (col - 1) / s.width()
	}
}

// raw writes text that is harmless already.
func (s *screen) raw(text string) {
	s.lines += strings.Count(text, "\n")
	_, _ = io.WriteString(s.w, text) // a stream that is gone leaves nobody to tell
}

// erase takes back the lines written since the last call, on a terminal.
func (s *screen) erase() {
	if s.tty && s.lines > 0 {
		s.raw(fmt.Sprintf("\x1b[%dA\x1b[J", s.lines))
	}
	s.lines = 0
}
