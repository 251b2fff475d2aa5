package cli

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// column is one column of a table with its cells.
type column struct {
	title string
	right bool // aligned to the right
	opt   bool // dropped where nothing stands in it, or the terminal is too narrow
	cells []span
}

// table is a list of columns of the same length.
type table []column

// row adds one cell to each column.
func (t table) row(cells ...span) {
	for i, c := range cells {
		c.text = strings.ReplaceAll(clean(c.text), nbsp, " ")
		t[i].cells = append(t[i].cells, c)
	}
}

func (c column) width() int {
	w := utf8.RuneCountInString(c.title)
	for _, cell := range c.cells {
		w = max(w, utf8.RuneCountInString(cell.text))
	}
	return w
}

// table writes the columns side by side under their titles. Nothing is cut off: what is too wide after the optional
// columns are gone is left to the terminal.
func (s *screen) table(t table) {
	t = s.fitting(t)
	titles := make([]span, len(t))
	for i, c := range t {
		titles[i] = quiet.of("%s", c.title)
	}
	s.cells(t, titles)
	for r := range t[0].cells {
		cells := make([]span, len(t))
		for i, c := range t {
			cells[i] = c.cells[r]
		}
		s.cells(t, cells)
	}
}

func (s *screen) cells(t table, cells []span) {
	var b strings.Builder
	for i, c := range cells {
		fill := strings.Repeat(" ", t[i].width()-utf8.RuneCountInString(c.text))
		b.WriteString("  ")
		if t[i].right {
			b.WriteString(fill + s.paint(c.style, c.text))
		} else {
			b.WriteString(s.paint(c.style, c.text) + fill)
		}
	}
	s.raw(strings.TrimRight(b.String(), " ") + "\n")
}

func (c column) empty() bool {
	return !slices.ContainsFunc(c.cells, func(cell span) bool { return cell.text != "" })
}

// fitting drops the optional columns in which nothing stands, then others, the last one first, until the rest fits.
func (s *screen) fitting(t table) table {
	t = slices.DeleteFunc(slices.Clone(t), func(c column) bool { return c.opt && c.empty() })
	if !s.tty {
		return t
	}
	for {
		total, last := 0, -1
		for i, c := range t {
			total += c.width() + 2
			if c.opt {
				last = i
			}
		}
		if total <= s.width() || last < 0 {
			return t
		}
		t = append(t[:last:last], t[last+1:]...)
	}
}
