package tray

import (
	"context"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// The least times between two looks at the restore points, which cost a request: when somebody opens the menu, and when
// nobody has asked, where a request costs nothing and where it may.
const (
	listEvery       = 10 * time.Second
	relistFileEvery = time.Minute
	relistEvery     = 15 * time.Minute
)

// setStatus forgets the points of another history: their ids mean something else in this one.
func (t *tray) setStatus(st app.Status) {
	if history(st) != history(t.scene.Status) {
		t.scene.Timeline, t.scene.NoPoints, t.listed = nil, "", time.Time{}
	}
	t.scene.Status, t.scene.Gone = st, nil
}

// history tells one file's copies from another's.
func history(st app.Status) [3]string {
	if st.Standalone == nil {
		return [3]string{st.MachineID, st.DB.Path}
	}
	return [3]string{st.MachineID, st.DB.Path, strings.Join(targets(st.Standalone), " ")}
}

// newestThere is the newest change that any storage holds, "" for none.
func newestThere(s *app.StandaloneStatus) string {
	if s == nil {
		return ""
	}
	newest := s.ReplicatedTXID
	for _, t := range s.Targets {
		newest = max(newest, t.ReplicatedTXID)
	}
	return newest
}

// targets are the URLs of all storages.
func targets(s *app.StandaloneStatus) []string {
	if len(s.Targets) == 0 {
		return []string{s.Target}
	}
	var all []string
	for _, t := range s.Targets {
		all = append(all, t.Target)
	}
	return all
}

// opened is called when somebody looks at the menu; not every panel tells.
func (t *tray) opened(ctx context.Context) {
	t.painted = time.Time{}
	if wallClock().Sub(t.listed) >= listEvery {
		t.list(ctx)
	}
}

// wantsPoints tells that the list of points is missing, or old though there are new ones. While nothing changes nothing
// is asked, because at some targets a question costs money.
func (t *tray) wantsPoints(now time.Time) bool {
	s := t.scene.Standalone
	if t.scene.Gone != nil || newestThere(s) == "" {
		return false
	}
	every := relistFileEvery
	for _, target := range targets(s) {
		if !strings.HasPrefix(target, "file:") {
			every = relistEvery
		}
	}
	return t.listed.IsZero() || newestThere(s) != t.listedTXID && now.Sub(t.listed) >= every
}

// list asks for the points. It is false when the last question is still open.
func (t *tray) list(ctx context.Context) bool {
	s := t.scene.Standalone
	if newestThere(s) == "" {
		return true
	}
	if !t.occupy(lanePoints) {
		return false
	}
	t.listed, t.listedTXID = wallClock(), newestThere(s)
	of := history(t.scene.Status)
	t.lanes.run(lanePoints, func() {
		timeline, err := t.cfg.Service.Points(ctx, "")
		t.post(ctx, func() { t.setPoints(of, timeline, err) })
	})
	return true
}

func (t *tray) setPoints(of [3]string, timeline app.Timeline, err error) {
	t.busy[lanePoints] = false
	if of != history(t.scene.Status) {
		return
	}
	if err != nil {
		t.cfg.Logger.Debug("restore points not listed", "error", err)
		t.scene.NoPoints = app.AsError("points", err).Message
		return
	}
	t.scene.Timeline, t.scene.NoPoints = &timeline, ""
}
