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

// fillSearch runs the full-text filler in the background some time after something was captured, one at a time. Run's
// goroutine only.
func (a *Agent) fillSearch(e *running, txid string) {
	if a.core.search || txid == a.core.indexed || txid == "" {
		return
	}
	a.core.search = true
	db := e.db // e belongs to Run
	a.core.wg.Go(func() {
		upTo := a.untilQuiet(txid)
		a.fillNow(db)
		a.tell(func() {
			a.core.search, a.core.indexed = false, upTo
			if st := a.core.report.Standalone; st != nil && a.core.engine == e {
				a.fillSearch(e, st.TXID)
			}
		})
	})
}

// untilQuiet returns the newest change once nothing has changed for a while, or it has waited long enough.
func (a *Agent) untilQuiet(txid string) string {
	for end := time.Now().Add(searchLatest); time.Now().Before(end); {
		if !pause(a.life, searchQuiet) {
			return txid
		}
		s, _ := a.board.read()
		if s.Standalone == nil || s.Standalone.TXID == txid {
			return txid
		}
		txid = s.Standalone.TXID
	}
	return txid
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
