package sqlite

import (
	"slices"

	"github.com/coditect-ai/coditect-sync/app"
)

// maxExamples is how many examples a table gets at most.
const maxExamples = 20

// tally counts the differences of one table and keeps the first examples of each kind.
type tally struct {
	layout                  *layout
	then, now               int64
	added, changed, removed int64
	examples                [3][]app.RowDiff // by kinds
}

// kinds are the kinds of differences, in the order in which examples are listed.
var kinds = [3]app.DiffKind{app.DiffRemoved, app.DiffChanged, app.DiffAdded}

func (t *tally) gone(then *rows) {
	t.removed++
	t.example(0, then, func(d *app.RowDiff) { d.Then = t.layout.speak(then) })
}

func (t *tally) came(now *rows) {
	t.added++
	t.example(2, now, func(d *app.RowDiff) { d.Now = t.layout.speak(now) })
}

// pair takes a row as it was then and as it is now.
func (t *tally) pair(then, now *rows) {
	differ := t.layout.differing(then, now)
	if len(differ) == 0 {
		return
	}
	t.changed++
	t.example(1, now, func(d *app.RowDiff) { d.Then, d.Now = t.layout.speakOf(differ, then, now) })
}

func (t *tally) example(kind int, row *rows, fill func(*app.RowDiff)) {
	if len(t.examples[kind]) == maxExamples {
		return
	}
	d := app.RowDiff{Kind: kinds[kind], ID: t.layout.id(row), At: t.layout.at(row)}
	fill(&d)
	t.examples[kind] = append(t.examples[kind], d)
}

// diff is the result. When there are too many examples the kinds share the room.
func (t *tally) diff(table string) app.TableDiff {
	for excess := t.excess(); excess > 0; excess-- {
		longest := &t.examples[0]
		for i := range t.examples {
			if len(t.examples[i]) >= len(*longest) {
				longest = &t.examples[i]
			}
		}
		*longest = (*longest)[:len(*longest)-1]
	}
	return app.TableDiff{
		Table: plain(table), Then: t.then, Now: t.now, Added: t.added, Changed: t.changed, Removed: t.removed,
		Examples: slices.Concat(t.examples[:]...),
	}
}

func (t *tally) excess() int {
	n := -maxExamples
	for _, list := range t.examples {
		n += len(list)
	}
	return n
}

// differing lists the columns in which two rows differ.
func (l *layout) differing(a, b *rows) (columns []int32) {
	for i := int32(1); int(i) <= len(l.columns); i++ {
		if !same(a, b, i) {
			columns = append(columns, i)
		}
	}
	return columns
}
