package cli

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coditect-ai/coditect-sync/app"
)

// following calls work and shows the progress of the agent on stderr until it returns.
func (p *program) following(ctx context.Context, s app.Watcher, work func() error) error {
	watch, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.followProgress(watch, s)
	}()
	err := work()
	stop()
	<-done
	return err
}

func (p *program) followProgress(ctx context.Context, s app.Watcher) {
	m := &meter{screen: p.err, now: p.now, silent: p.json && !p.err.tty}
	defer m.clear()
	for rev := uint64(0); ctx.Err() == nil; {
		st, err := s.Watch(ctx, rev)
		if err != nil {
			return
		}
		if !ofFailure(st.Progress, st.Error) {
			m.show(st.Progress)
		}
		rev = st.Rev
	}
}

// ofFailure tells that nothing is done because of a failure, which is said by itself.
func ofFailure(now *app.Progress, failed *app.Error) bool {
	return now != nil && failed != nil && now.Phase == app.PhaseOffline && now.Cause == failed.Message
}

// meter shows one Progress: a line that is painted over on a terminal, else a line for each phase.
type meter struct {
	*screen
	now    func() time.Time
	silent bool
	phase  app.Phase
	left   string // remaining time as shown
	leftAt time.Time
	dirty  bool
}

// etaEvery keeps the remaining time steady.
const etaEvery = 5 * time.Second

func (m *meter) show(pr *app.Progress) {
	if pr == nil || m.silent {
		return
	}
	if pr.Phase != m.phase {
		m.left = ""
	}
	if !m.tty {
		if pr.Phase != m.phase {
			m.line(plain.of("%s.", phaseName(pr.Phase)))
		}
		m.phase = pr.Phase
		return
	}
	m.phase = pr.Phase
	m.raw("\r\x1b[K" + m.paint(working, m.picture(*pr)))
	m.dirty = true
}

// clear removes the line from a terminal.
func (m *meter) clear() {
	if m.dirty {
		m.raw("\r\x1b[K")
	}
}

// picture is one row: phase, bar, numbers. The bar gives way first where there is little room.
func (m *meter) picture(pr app.Progress) string {
	text := strings.ReplaceAll(strings.TrimLeft(strings.Join(m.facts(pr), ", ")+"  "+pr.Cause, " "), nbsp, " ")
	head := phaseName(pr.Phase)
	room := m.width() - 1 - utf8.RuneCountInString(head) - utf8.RuneCountInString(text) - 4
	if pr.Total > 0 && room >= 8 {
		head += "  " + bar(pr.Done, pr.Total, min(room, 30))
	}
	row := []rune(clean(strings.TrimRight(head+"  "+text, " ")))
	return string(row[:min(len(row), max(1, m.width()-1))])
}

func (m *meter) facts(pr app.Progress) []string {
	var facts []string
	if pr.Total > 0 {
		facts = append(facts, numbers(pr))
	}
	if pr.Rate > 0 && pr.Unit == "bytes" {
		facts = append(facts, amount(int64(pr.Rate))+" a second")
	}
	if left := m.remaining(pr); left != "" {
		facts = append(facts, left)
	}
	return facts
}

func numbers(pr app.Progress) string {
	if pr.Unit == "bytes" {
		return progressed(pr.Done, pr.Total)
	}
	return fmt.Sprintf("%d%s%%", min(100, 100*pr.Done/pr.Total), nbsp)
}

// remaining changes at most every few seconds.
func (m *meter) remaining(pr app.Progress) string {
	if pr.ETASeconds <= 0 {
		return ""
	}
	if now := m.now(); m.left == "" || now.Sub(m.leftAt) >= etaEvery {
		m.left, m.leftAt = "about "+lasting(seconds(pr.ETASeconds))+" left", now
	}
	return m.left
}

func bar(done, total int64, width int) string {
	full := int(min(max(done, 0), total) * int64(width) / total)
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}

// phaseName is what is being done, in the words people read.
func phaseName(ph app.Phase) string {
	switch ph {
	case app.PhaseFirstCopy:
		return "First copy"
	case app.PhaseCopying:
		return "Copying"
	case app.PhaseOffline:
		return "Offline"
	case app.PhaseDrill:
		return "Test restore"
	case app.PhaseFetch:
		return "Fetching the copy"
	case app.PhaseCheck:
		return "Checking every row"
	case app.PhaseReplace:
		return "Restoring"
	case app.PhaseFlush:
		return "Copying what is newest"
	case app.PhaseEnrol:
		return "Recording the rows that are here"
	case app.PhaseConnecting:
		return "Connecting"
	case app.PhaseUploading:
		return "Going up"
	case app.PhaseFirstSync:
		return "Rows of your account come down"
	case app.PhaseCatchingUp:
		return "Catching up"
	case app.PhaseStalled:
		return "Stalled"
	case app.PhaseProof:
		return "Comparing every row"
	case app.PhaseMoving:
		return "Moving"
	}
	return string(ph)
}
