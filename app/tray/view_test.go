package tray

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

var update = flag.Bool("update", false, "write the golden files anew")

// noon is Monday 24 November 2025, 14:03:03, one hour east of Greenwich.
var noon = time.Date(2025, 11, 24, 14, 3, 3, 0, time.FixedZone("", 3600))

// before is a time before noon as the agent reports it.
func before(d time.Duration) time.Time { return noon.Add(-d).UTC() }

const day = 24 * time.Hour

// healthy is a Status of standalone mode with nothing to complain about.
func healthy() app.Status {
	return app.Status{
		Version: "1.2.3", Rev: 7, MachineID: "m1", Machine: "host", Mode: app.ModeStandalone, State: app.StateStandalone, Healthy: true,
		Summary: "You are protected. You can go back to any moment up to 14:02:51.",
		DB:      app.DBStatus{Path: "/home/mira/context.db", Bytes: 412e6, SQLiteVersion: "3.51.3"},
		Standalone: &app.StandaloneStatus{
			Target: "gs://mira", TXID: "00000000000012ab", ReplicatedTXID: "00000000000012ab", LastReplicatedAt: before(12 * time.Second),
			LastDrill: &app.Drill{At: before(4*time.Hour + 51*time.Minute), OK: true, TXID: "0000000000001200", Rows: 128431},
		},
	}
}

// timeline has points of today, yesterday and three days ago.
func timeline() *app.Timeline {
	tl := &app.Timeline{Machine: "m1"}
	for i, d := range []time.Duration{12 * time.Second, 14 * time.Second, 44 * time.Second, 5 * time.Minute, 61 * time.Minute, 5 * time.Hour, 20 * time.Hour, 3 * day} {
		tl.Points = append(tl.Points, app.RestorePoint{ID: fmt.Sprintf("%016x", 0x12ab-i), Time: before(d)})
	}
	tl.Oldest = tl.Points[len(tl.Points)-1].Time
	return tl
}

// twoStorages gives a Status a second storage, which is worse off.
func twoStorages(s *Scene, harm func(*app.StandaloneStatus)) {
	well, other := *s.Standalone, *s.Standalone
	well.Target, well.Healthy, other.Healthy = "file:///nas", true, true
	harm(&other)
	worst := other
	worst.Targets = []app.StandaloneStatus{well, other}
	s.Standalone, s.Healthy, s.Progress = &worst, other.Healthy, other.Progress
}

// inTheCloud makes a healthy Status one of cloud mode.
func inTheCloud(s *Scene) {
	s.Mode, s.State, s.Standalone, s.Timeline = app.ModeCloud, app.StateCloud, nil, nil
	s.Cloud = &app.CloudStatus{
		Server: "https://sync.example.org", SignedIn: true, User: "mira@example.org", Recording: true, Connected: true,
		LastPushedAt: before(40 * time.Second), LastSyncedAt: before(4 * time.Second),
		LastProof: &app.Proof{At: before(63 * time.Second), Equal: true, Rows: 128_431},
	}
}

// differing makes the last proof one that did not hold.
func differing(s *Scene, cure string) {
	s.Healthy, s.Cloud.LastProof.Equal = false, false
	s.Cloud.LastProof.Problem, s.Cloud.LastProof.Cure = "The table decisions differs in 1 row.", cure
}

type sceneCase struct {
	name string
	icon Icon
	with func(*Scene)
}

var sceneCases = []sceneCase{
	{"new", New, func(s *Scene) { s.Status = app.Status{State: app.StateNew}; s.Timeline = nil }},
	{"new-without-window", New, func(s *Scene) {
		s.Status, s.Timeline = app.Status{State: app.StateNew}, nil
		s.NoWindow = "install coditect-sync-window"
	}},
	{"off", Off, func(s *Scene) {
		s.Mode, s.State, s.Healthy = app.ModeOff, app.StateOff, false
		s.Standalone.LastReplicatedAt = before(20 * time.Hour)
	}},
	{"off-never-set-up", Off, func(s *Scene) { s.Status = app.Status{Mode: app.ModeOff, State: app.StateOff}; s.Timeline = nil }},
	{"signed-out", SignedOut, func(s *Scene) {
		s.Mode, s.State, s.Healthy, s.Standalone, s.Timeline = app.ModeCloud, app.StateSignedOut, false, nil, nil
	}},
	{"protected", Protected, func(*Scene) {}},
	{"protected-busy", Protected, func(s *Scene) { s.Standalone.WaitingSince, s.Standalone.LagBytes = before(3*time.Second), 4096 }},
	{"protected-points-unknown", Protected, func(s *Scene) { s.Timeline = nil }},
	{"protected-young-history", Protected, func(s *Scene) { s.Timeline.Points = s.Timeline.Points[:3] }},
	{"protected-locked", Protected, func(s *Scene) { s.ModeLocked = "standalone" }},
	{"protected-without-window", Protected, func(s *Scene) { s.NoWindow, s.CanShowLogs = "install coditect-sync-window", false }},
	{"protected-restored", Protected, func(s *Scene) {
		s.Undo = &app.UndoPoint{RestoredTo: before(2*time.Hour + 20*time.Minute), RestoredAt: before(time.Minute), Until: noon.Add(30 * day)}
		s.Outcome = "Your memory is as it was at 11:43:03."
	}},
	{"syncing", Syncing, func(s *Scene) {
		s.Standalone.WaitingSince, s.Standalone.LagBytes = before(33*time.Second), 1_200_000
		s.Progress = &app.Progress{Phase: app.PhaseCopying, Done: 18e6, Total: 41e6, Unit: "bytes", Rate: 1e5, ETASeconds: 230, Since: before(30 * time.Second)}
	}},
	{"first-copy", Syncing, func(s *Scene) {
		s.Healthy, s.Timeline = false, nil
		s.Standalone.LastDrill, s.Standalone.ReplicatedTXID, s.Standalone.LastReplicatedAt = nil, "", time.Time{}
		s.Standalone.WaitingSince, s.Standalone.LagBytes = before(10*time.Second), 412e6
		s.Progress = &app.Progress{Phase: app.PhaseFirstCopy, Done: 31e6, Total: 412e6, Unit: "bytes", ETASeconds: 48, Since: before(10 * time.Second)}
	}},
	{"proving", Syncing, func(s *Scene) {
		s.Healthy, s.Standalone.LastDrill = false, nil
		s.Progress = &app.Progress{Phase: app.PhaseDrill, Since: before(2 * time.Second)}
	}},
	{"paused", Paused, func(s *Scene) {
		s.State, s.Healthy, s.PausedUntil = app.StatePaused, false, noon.Add(84*time.Minute)
	}},
	{"paused-open", Paused, func(s *Scene) { s.State, s.Healthy, s.PausedUntil = app.StatePaused, false, app.UntilResumed }},
	{"offline", Offline, func(s *Scene) {
		s.Standalone.WaitingSince, s.Standalone.LagBytes = before(43*time.Minute), 214e3
		s.Healthy = false
		s.Progress = &app.Progress{Phase: app.PhaseOffline, Since: before(43 * time.Minute), Cause: "Your storage does not answer.", NextTry: noon.Add(time.Minute)}
	}},
	{"needs-attention", Attention, func(s *Scene) {
		s.State, s.Healthy = app.StateError, false
		s.Error = app.Errorf(app.CodeDenied, "copy", "This key may write but not read.").WithHint("Give it the role Storage Object User, then test again.")
		s.Standalone.WaitingSince, s.Standalone.LagBytes = before(76*time.Minute), 386e3
	}},
	{"needs-attention-drill", Attention, func(s *Scene) {
		s.Healthy = false
		s.Standalone.LastDrill = &app.Drill{At: before(3 * time.Minute), Problem: "The table decisions differs."}
	}},
	{"stalled", Stalled, func(s *Scene) {
		s.Healthy = false
		s.Standalone.WaitingSince, s.Standalone.LagBytes = before(4*time.Minute), 42e3
	}},
	{"stalled-proof-old", Stalled, func(s *Scene) { s.Healthy, s.Standalone.LastDrill.At = false, before(15*day) }},
	{"restoring", Restoring, func(s *Scene) {
		s.State, s.Healthy = app.StateRestoring, false
		s.Undo = &app.UndoPoint{RestoredTo: before(26 * time.Hour), Until: noon.Add(day)}
		s.Progress = &app.Progress{Phase: app.PhaseReplace, Done: 10, Total: 100, ETASeconds: 3.5, Since: before(time.Second)}
	}},
	{"error", Stopped, func(s *Scene) {
		s.State, s.Healthy = app.StateError, false
		s.Error = app.Errorf(app.CodeDamaged, "copy", "The memory file is damaged. Copying has stopped so that the good copy stays good.").WithHint("Restore the last good moment.")
	}},
	{"not-running", Stopped, func(s *Scene) { s.Gone = app.Errorf(app.CodeNotRunning, "tray", "CODITECT Sync is not running.") }},
	{"protected-newer-than-the-list", Protected, func(s *Scene) {
		s.Standalone.ReplicatedTXID, s.Standalone.LastReplicatedAt = "00000000000012ac", before(2*time.Second)
	}},
	{"cloud-new", New, func(s *Scene) {
		s.Status, s.Timeline = app.Status{State: app.StateNew, Cloud: &app.CloudStatus{Server: "https://sync.example.org"}}, nil
	}},
	{"cloud-synced", Protected, func(s *Scene) { inTheCloud(s); s.Cloud.Rejected = 3 }},
	{"cloud-synced-without-window", Protected, func(s *Scene) { inTheCloud(s); s.NoWindow = "install coditect-sync-window" }},
	{"cloud-synced-with-storage", Protected, func(s *Scene) { st := s.Standalone; inTheCloud(s); s.Standalone = st }},
	{"cloud-busy", Protected, func(s *Scene) { inTheCloud(s); s.Cloud.PendingUploads, s.Cloud.WaitingSince = 2, before(2*time.Second) }},
	{"cloud-first-upload", Syncing, func(s *Scene) {
		inTheCloud(s)
		s.Healthy, s.Cloud.LastProof, s.Cloud.PendingUploads, s.Cloud.WaitingSince = false, nil, 46_198, before(time.Minute)
		s.Progress = &app.Progress{Phase: app.PhaseUploading, Done: 82_008, Total: 128_206, Unit: "rows", Rate: 940, ETASeconds: 49, Since: before(70 * time.Second)}
	}},
	{"cloud-first-proof", Syncing, func(s *Scene) {
		inTheCloud(s)
		s.Healthy, s.Cloud.LastProof = false, nil
		s.Progress = &app.Progress{Phase: app.PhaseProof, Done: 3, Total: 5, Unit: "tables", ETASeconds: 2, Since: before(2 * time.Second)}
	}},
	{"cloud-catching-up", Syncing, func(s *Scene) {
		inTheCloud(s)
		s.Cloud.LastProof.At, s.Cloud.PendingUploads, s.Cloud.WaitingSince = before(3*day), 12, before(20*time.Second)
		s.Progress = &app.Progress{Phase: app.PhaseCatchingUp, Done: 18_240, Total: 41_902, Unit: "rows", Rate: 98, ETASeconds: 236, Since: before(3 * time.Minute)}
	}},
	{"cloud-syncing", Syncing, func(s *Scene) {
		inTheCloud(s)
		s.Cloud.PendingUploads, s.Cloud.WaitingSince = 12, before(30*time.Second)
	}},
	{"cloud-offline", Offline, func(s *Scene) {
		inTheCloud(s)
		s.Healthy, s.Cloud.PendingUploads, s.Cloud.WaitingSince = false, 214, before(43*time.Minute)
		s.Progress = &app.Progress{Phase: app.PhaseOffline, Since: before(43 * time.Minute), Cause: "The network is down."}
	}},
	{"cloud-stalled", Stalled, func(s *Scene) {
		inTheCloud(s)
		s.Healthy, s.Cloud.PendingUploads, s.Cloud.WaitingSince = false, 42, before(4*time.Minute)
		s.Cloud.Steps = []app.CureStep{{Text: "Reconnected", Done: true}, {Text: "Starting a new session"}}
		s.Progress = &app.Progress{Phase: app.PhaseStalled, Since: before(3 * time.Minute), Cause: "The server accepts the connection but does not answer."}
	}},
	{"cloud-proof-old", Stalled, func(s *Scene) { inTheCloud(s); s.Healthy, s.Cloud.LastProof.At = false, before(9*day) }},
	{"cloud-unequal", Attention, func(s *Scene) { inTheCloud(s); differing(s, "") }},
	{"cloud-mending", Stalled, func(s *Scene) { inTheCloud(s); differing(s, "The table is being fetched again.") }},
	{"cloud-needs-you", Attention, func(s *Scene) {
		inTheCloud(s)
		s.State, s.Healthy, s.Cloud.PendingUploads, s.Cloud.WaitingSince = app.StateError, false, 1, before(time.Hour)
		s.Error = app.Errorf(app.CodeRefused, "enrol", "The table decisions has another shape.").WithHint("Update the program that made it.")
	}},
	{"cloud-paused", Paused, func(s *Scene) {
		inTheCloud(s)
		s.State, s.Healthy, s.PausedUntil, s.Cloud.PendingUploads, s.Cloud.WaitingSince = app.StatePaused, false, noon.Add(84*time.Minute), 57, before(36*time.Minute)
	}},
	{"cloud-signed-out", SignedOut, func(s *Scene) {
		inTheCloud(s)
		s.State, s.Healthy, s.Cloud.SignedIn, s.Cloud.PendingUploads, s.Cloud.WaitingSince = app.StateSignedOut, false, false, 88, before(32*time.Minute)
	}},
	{"cloud-off", Off, func(s *Scene) { inTheCloud(s); s.Mode, s.State, s.Healthy = app.ModeOff, app.StateOff, false }},
	{"standalone-signed-in", Protected, func(s *Scene) { st := s.Status; inTheCloud(s); st.Cloud = s.Cloud; s.Status = st }},
	{"cloud-hostile", Protected, func(s *Scene) {
		inTheCloud(s)
		s.Cloud.User = "a_b & <b>c</b>\r\n\x1b[31m" + strings.Repeat("long ", 200)
	}},
	{"hostile", Attention, func(s *Scene) {
		s.Error = app.Errorf(app.CodeInvalid, "setup", "a_b & <b>c</b>\r\n\x1b[31m\u202egnp.exe %s", strings.Repeat("long ", 200))
		s.ModeLocked = "standalone\nQuit"
	}},
	{"several-protected", Protected, func(s *Scene) { twoStorages(s, func(*app.StandaloneStatus) {}) }},
	{"several-offline", Offline, func(s *Scene) {
		twoStorages(s, func(st *app.StandaloneStatus) {
			st.Healthy, st.Progress = false, &app.Progress{Phase: app.PhaseOffline, Since: before(42 * time.Minute), Cause: "The storage does not answer."}
		})
	}},
	{"several-first-copy", Syncing, func(s *Scene) {
		twoStorages(s, func(st *app.StandaloneStatus) {
			*st = app.StandaloneStatus{Target: st.Target, Progress: &app.Progress{Phase: app.PhaseFirstCopy, Since: before(time.Minute)}}
		})
	}},
}

func (c sceneCase) scene() Scene {
	s := Scene{Status: healthy(), Timeline: timeline(), CanShowLogs: true}
	c.with(&s)
	return s
}

// TestView holds the whole menu of every state against what was looked at once.
func TestView(t *testing.T) {
	for _, c := range sceneCases {
		t.Run(c.name, func(t *testing.T) {
			m := View(c.scene(), noon)
			if m.Icon != c.icon {
				t.Errorf("icon %s, want %s", m.Icon, c.icon)
			}
			golden(t, c.name, render(m))
			checkOrder(t, m.Items, layout)
			checkItems(t, m.Items)
			if n := len([]rune(m.Tooltip)); n == 0 || n > tipRunes {
				t.Errorf("a tooltip of %d runes", n)
			}
			if !m.Stale.After(noon) {
				t.Errorf("stale at %v", m.Stale)
			}
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// render draws a menu as text.
func render(m Menu) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[%s] %s\n", m.Icon, m.Tooltip)
	if !m.Stale.IsZero() {
		fmt.Fprintf(&b, "until %s\n", m.Stale.In(noon.Location()).Format("Mon 15:04:05.000"))
	}
	renderItems(&b, m.Items, layout, "")
	return b.String()
}

func renderItems(b *strings.Builder, items []Item, places []place, indent string) {
	for _, pl := range places {
		if pl.id == "" {
			fmt.Fprintf(b, "%s----\n", indent)
			continue
		}
		i := slices.IndexFunc(items, func(item Item) bool { return item.ID == pl.id })
		if i < 0 {
			continue
		}
		renderItem(b, items[i], indent)
		renderItems(b, items[i].Children, pl.children, indent+"        ")
	}
}

func renderItem(b *strings.Builder, item Item, indent string) {
	check, label := " ", item.Label
	if item.Checked {
		check = "✓"
	}
	if item.Disabled {
		label = "‹" + label + "›"
	}
	if item.Reason != "" {
		label += " (" + item.Reason + ")"
	}
	if item.Do != (Action{}) {
		label += "   → " + describe(item.Do)
	}
	fmt.Fprintf(b, "%s%s %s\n", indent, check, label)
}

func describe(a Action) string {
	s := string(a.Kind)
	for _, part := range []string{string(a.Mode), a.Point, a.View} {
		if part != "" {
			s += " " + part
		}
	}
	switch {
	case a.For != 0:
		s += " " + a.For.String()
	case a.Ago != 0:
		s += " " + a.Ago.String() + " ago"
	case a.Yesterday:
		s += " end of yesterday"
	}
	return s
}

// checkOrder: the items stand in the order of layout, none is unknown, and no group at the top is empty.
func checkOrder(t *testing.T, items []Item, places []place) {
	t.Helper()
	at, inGroup := 0, 0
	for _, pl := range places {
		if pl.id == "" {
			if inGroup == 0 {
				t.Errorf("an empty group before item %d", at)
			}
			inGroup = 0
			continue
		}
		if at < len(items) && items[at].ID == pl.id {
			if len(items[at].Children) > 0 {
				checkOrder(t, items[at].Children, pl.children)
			}
			at++
			inGroup++
		}
	}
	if at != len(items) || inGroup == 0 {
		t.Errorf("item %d of %d is not in its place", at, len(items))
	}
}

// checkItems: each label is one printable line, what is disabled does nothing, and what can be clicked does something.
func checkItems(t *testing.T, items []Item) {
	t.Helper()
	for _, item := range items {
		if item.Label == "" || item.Label != clean(item.Label) || len([]rune(item.Label)) > lineRunes {
			t.Errorf("%s has the label %q", item.ID, item.Label)
		}
		if idle := item.Do == (Action{}); idle != (item.Disabled || len(item.Children) > 0) {
			t.Errorf("%s: disabled %v, does %+v", item.ID, item.Disabled, item.Do)
		}
		checkItems(t, item.Children)
	}
}

// TestViewIsPure: the same scene gives the same menu, and stays as it was.
func TestViewIsPure(t *testing.T) {
	for _, c := range sceneCases {
		s := c.scene()
		first := render(View(s, noon))
		if again := render(View(s, noon)); again != first {
			t.Errorf("%s: first\n%s\nthen\n%s", c.name, first, again)
		}
		if fresh := render(View(c.scene(), noon)); fresh != first {
			t.Errorf("%s was changed by looking", c.name)
		}
	}
}

// TestStaleIsKept: until the time that a menu names, looking again changes nothing.
func TestStaleIsKept(t *testing.T) {
	strip := func(m Menu) string { m.Stale = time.Time{}; return withoutPoints(render(m)) }
	for _, c := range sceneCases {
		m := View(c.scene(), noon)
		if late := View(c.scene(), m.Stale.Add(-time.Millisecond).In(noon.Location())); strip(late) != strip(m) {
			t.Errorf("%s: before %v it became\n%s", c.name, m.Stale, strip(late))
		}
	}
}

// withoutPoints drops the line whose meaning moves on with the clock: an hour ago.
func withoutPoints(menu string) string {
	lines := slices.DeleteFunc(strings.Split(menu, "\n"), func(l string) bool { return strings.Contains(l, "1 hour ago") })
	return strings.Join(lines, "\n")
}
