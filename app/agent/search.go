package agent

import (
	"context"
	"time"
)

const (
	// searchQuiet is how long nobody must have written before the search index is filled: filling writes too, and a
	// program that does not wait for the write lock would be turned away. searchLatest is when it is filled in any case.
	searchQuiet  = 2 * time.Second
	searchLatest = 30 * time.Second
)

// changed takes note that the file was changed: mark names the change. Run's goroutine only.
func (a *Agent) changed(e *running, mark string) {
	a.core.mark = mark
	a.fillSearch(e.db)
}

// fillSearch runs the full-text filler in the background some time after a change, one at a time. Run's goroutine only.
func (a *Agent) fillSearch(db string) {
	mark := a.core.mark
	if a.core.search || mark == a.core.indexed || mark == "" {
		return
	}
	a.core.search = true
	a.core.wg.Go(func() {
		upTo := a.untilQuiet(mark)
		a.fillNow(db)
		a.tell(func() {
			a.core.search, a.core.indexed = false, upTo
			if e := a.core.engine; e != nil && e.db == db {
				a.fillSearch(db)
			}
		})
	})
}

// untilQuiet returns the newest change once nothing has changed for a while, or it has waited long enough.
func (a *Agent) untilQuiet(mark string) string {
	for end := time.Now().Add(searchLatest); time.Now().Before(end); {
		if !pause(a.life, searchQuiet) {
			return mark
		}
		was := mark
		a.tell(func() { mark = a.core.mark })
		if mark == was {
			return mark
		}
	}
	return mark
}

// pause tells whether it was not cut short.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (a *Agent) fillNow(db string) {
	if a.life.Err() != nil {
		return
	}
	file, err := a.cfg.OpenFile(db)
	n := 0
	if err == nil {
		n, err = file.FillSearch(a.life)
	}
	if err != nil && a.life.Err() == nil {
		a.log.Warn("search index not filled", "error", err)
	} else if n > 0 {
		a.log.Debug("search index filled", "rows", n)
	}
}
