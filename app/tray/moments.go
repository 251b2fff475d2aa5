package tray

import (
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// apart is the least distance of the moments offered by their time: a second more or less is no choice.
const apart = 30 * time.Second

// restoreItems are the ways back.
func (v view) restoreItems() []Item {
	running := restoring(v.Status)
	var items []Item
	if v.Undo != nil {
		undo := Item{ID: ItemUndo, Label: "Undo restore of " + moment(v.Undo.RestoredTo, v.now, secondsOf), Disabled: running}
		if !running {
			undo.Do = Action{Kind: Undo}
		}
		items = append(items, undo)
	}
	restore := Item{ID: ItemRestore, Label: "Restore"}
	switch {
	case running:
		restore.Disabled, restore.Reason = true, "one is running"
	case v.Mode == app.ModeCloud:
		restore.Disabled, restore.Reason = true, "switch the mode to Off first"
	case newestThere(v.Standalone) == "":
		restore.Disabled, restore.Reason = true, "the first point appears with the first copy"
	default:
		restore.Children = v.moments()
	}
	return append(items, restore)
}

// moments are offered as relative ones and as points. What is known is restored by its point, so that the click does
// what the label said.
func (v view) moments() []Item {
	items := []Item{
		v.relative(ItemHourAgo, "1 hour ago", v.now.Add(-time.Hour), Action{Kind: Restore, Ago: time.Hour}),
		v.relative(ItemYesterday, "Yesterday", endOfYesterday(v.now), Action{Kind: Restore, Yesterday: true}),
	}
	points := v.lastPoints()
	for i, p := range points {
		id := []ID{ItemPoint1, ItemPoint2, ItemPoint3}[i]
		items = append(items, Item{ID: id, Label: dayAndTime(p.Time, v.now), Do: Action{Kind: Restore, Point: p.ID}})
	}
	if len(points) == 0 {
		items = append(items, info(ItemNoPoints, v.noPoints()))
	}
	return append(items, v.opens(ItemChoose, "Choose a moment…", ViewRestore))
}

// relative is a moment that is named by its distance, with the point that would be restored when it is known.
func (v view) relative(id ID, label string, at time.Time, unknown Action) Item {
	if v.Timeline == nil {
		return Item{ID: id, Label: label, Do: unknown}
	}
	for _, p := range v.known {
		if !p.Time.After(at) {
			when := strings.TrimPrefix(moment(p.Time, v.now, clockOf), strings.ToLower(label)+" ")
			return Item{ID: id, Label: label + " · " + when, Do: Action{Kind: Restore, Point: p.ID}}
		}
	}
	item := Item{ID: id, Label: label, Disabled: true}
	if n := len(v.known); n > 0 {
		item.Reason = "the history begins at " + moment(v.known[n-1].Time, v.now, clockOf)
	}
	return item
}

// points are the listed ones, newest first, and the newest of all, which the Status knows before a list does.
func points(s Scene) []app.RestorePoint {
	if s.Timeline == nil || s.Standalone == nil {
		return nil
	}
	return withNewest(s.Standalone, s.Timeline.Points)
}

func withNewest(s *app.StandaloneStatus, listed []app.RestorePoint) []app.RestorePoint {
	if s.LastReplicatedAt.IsZero() || len(listed) > 0 && (s.ReplicatedTXID <= listed[0].ID || !s.LastReplicatedAt.After(listed[0].Time)) {
		return listed
	}
	return append([]app.RestorePoint{{ID: s.ReplicatedTXID, Time: s.LastReplicatedAt}}, listed...)
}

// lastPoints are the newest points, a little apart.
func (v view) lastPoints() []app.RestorePoint {
	var last []app.RestorePoint
	for _, p := range v.known {
		if n := len(last); n == 0 || last[n-1].Time.Sub(p.Time) >= apart {
			last = append(last, p)
		}
		if len(last) == 3 {
			break
		}
	}
	return last
}

func (v view) noPoints() string {
	switch {
	case v.NoPoints != "":
		return line(v.NoPoints)
	case v.Timeline == nil:
		return "Looking for the last moments…"
	}
	return "No moments yet"
}

// dayAndTime is a moment of a list: "Today 14:02:30", "Yesterday 18:22:01", "Fri 17:45:00".
func dayAndTime(t, now time.Time) string {
	s := moment(t, now, secondsOf)
	switch daysBetween(t.In(now.Location()), now) {
	case 0:
		return "Today " + s
	case 1:
		return "Y" + s[1:]
	}
	return s
}
