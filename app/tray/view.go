package tray

import (
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// Scene is what the tray shows: the Status, and what it knows besides.
type Scene struct {
	app.Status
	// Gone is why there is no Status; the rest is then what was true last.
	Gone *app.Error
	// Timeline is what was listed last, nil before that. NoPoints says why it could not be listed.
	Timeline *app.Timeline
	NoPoints string
	// Outcome is what came of the last click, where the Status does not show it.
	Outcome string
	// NoWindow says what to install while no window can be opened. It is short enough to stand behind a label, and empty
	// when there is one.
	NoWindow string
	// CanShowLogs tells that the item for it has something to call.
	CanShowLogs bool
}

// View shows a Scene at now, in now's location. It is pure.
func View(s Scene, now time.Time) Menu {
	icon := IconOf(s.Status, now)
	if s.Gone != nil {
		icon = Stopped
	}
	v := view{Scene: s, icon: icon, now: now, known: points(s)}
	say := v.words()
	m := Menu{Icon: icon, Tooltip: tooltip(say.tip), Stale: v.stale()}
	m.Items = append(m.Items, v.stateItems(say)...)
	m.Items = append(m.Items, v.workItems()...)
	m.Items = append(m.Items, v.modeItems()...)
	m.Items = append(m.Items, v.restoreItems()...)
	m.Items = append(m.Items, v.programItems()...)
	if s.Gone != nil {
		withoutAgent(m.Items)
	}
	return m
}

// view is one look at a Scene.
type view struct {
	Scene
	icon  Icon
	now   time.Time
	known []app.RestorePoint // newest first
}

// withoutAgent disables what asks the agent for something.
func withoutAgent(items []Item) {
	for i := range items {
		switch items[i].Do.Kind {
		case "", Open, Logs, Quit:
		default:
			items[i].Disabled, items[i].Reason, items[i].Do = true, "", Action{}
		}
		withoutAgent(items[i].Children)
	}
}

func info(id ID, label string) Item { return Item{ID: id, Label: label, Disabled: true} }

// opens is an item that opens the window.
func (v view) opens(id ID, label, view string) Item {
	if v.NoWindow != "" {
		return Item{ID: id, Label: label, Disabled: true, Reason: v.NoWindow}
	}
	return Item{ID: id, Label: label, Do: Action{Kind: Open, View: view}}
}

func (v view) stateItems(say words) []Item {
	state := Item{ID: ItemState, Label: line(say.state), Do: Action{Kind: Open, View: ViewHome}}
	if v.NoWindow != "" {
		state = info(ItemState, line(say.state))
	}
	items := []Item{state}
	for i, l := range wrap(say.why, whyLines) {
		items = append(items, info([]ID{ItemWhy, ItemWhy2, ItemWhy3}[i], l))
	}
	if v.Outcome != "" {
		items = append(items, info(ItemOutcome, line(v.Outcome)))
	}
	return items
}

// workItems are what is being done, and what one can do about it.
func (v view) workItems() []Item {
	var items []Item
	if fix, ok := v.fix(); ok {
		items = append(items, fix)
	}
	items = append(items, info(ItemWaiting, v.waiting()))
	if proof := v.proof(); proof != "" {
		items = append(items, info(ItemProof, proof))
	}
	working := v.working()
	if working && !restoring(v.Status) {
		items = append(items, v.sync())
	}
	switch {
	case v.State == app.StatePaused:
		items = append(items, Item{ID: ItemResume, Label: "Resume", Do: Action{Kind: Resume}})
	case working, v.State == app.StateError:
		items = append(items, Item{ID: ItemPause, Label: "Pause", Children: pauses()})
	}
	return items
}

func (v view) working() bool { return v.State == app.StateStandalone || v.State == app.StateCloud }

func pauses() []Item {
	pause := func(id ID, label string, length time.Duration) Item {
		return Item{ID: id, Label: label, Do: Action{Kind: Pause, For: length}}
	}
	return []Item{
		pause(ItemPause30m, "For 30 minutes", 30*time.Minute),
		pause(ItemPause2h, "For 2 hours", 2*time.Hour),
		pause(ItemPauseDay, "Until tomorrow 08:00", UntilTomorrow),
		pause(ItemPauseOpen, "Until I resume", UntilResumed),
	}
}

// sync is disabled while only a person can make it work.
func (v view) sync() Item {
	label := "Copy now"
	if v.Mode == app.ModeCloud {
		label = "Sync now"
	}
	if v.icon.urgent() {
		return info(ItemSync, label)
	}
	do := Action{Kind: Sync}
	if inCloud(v.Status) {
		do.Mode = app.ModeCloud
	}
	return Item{ID: ItemSync, Label: label, Do: do}
}

// fix is the one thing to do about the state, where there is one.
func (v view) fix() (Item, bool) {
	drill := Item{ID: ItemFix, Label: "Run a test restore now", Do: Action{Kind: Verify}}
	if inCloud(v.Status) {
		drill = Item{ID: ItemFix, Label: "Prove it now", Do: Action{Kind: Prove}}
	}
	switch {
	case v.State == app.StateNew && v.NoWindow != "":
		return Item{ID: ItemFix, Label: "Set up", Disabled: true, Reason: setupInTerminal}, true
	case v.State == app.StateNew:
		return v.opens(ItemFix, "Set up…", ViewFirstRun), true
	case v.State == app.StateSignedOut:
		return v.opens(ItemFix, "Sign in…", ViewSignIn), true
	case v.State == app.StateOff && v.signedIn() && v.ModeLocked == "":
		return Item{ID: ItemFix, Label: "Turn sync on again", Do: Action{Kind: SetMode, Mode: app.ModeCloud}}, true
	case v.State == app.StateOff && v.Standalone != nil && v.ModeLocked == "":
		return Item{ID: ItemFix, Label: "Protect it again", Do: Action{Kind: SetMode, Mode: app.ModeStandalone}}, true
	case v.icon.urgent() && v.Error != nil && v.NoWindow == "":
		return v.opens(ItemFix, "Show what to do", ViewHome), true
	case v.icon == Attention && v.Error == nil, v.proofTooOld():
		return drill, true
	}
	return Item{}, false
}

// proofTooOld tells that nothing is wrong but the age of the last proof.
func (v view) proofTooOld() bool {
	return v.icon == Stalled && waited(v.Status, v.now) <= overdue && phase(v.Status) != app.PhaseStalled && !mending(v.Status)
}

func (v view) programItems() []Item {
	help := []Item{v.opens(ItemBundle, "Save diagnostics…", ViewDiagnostics)}
	if v.CanShowLogs {
		help = append(help, Item{ID: ItemLogs, Label: "Show logs", Do: Action{Kind: Logs}})
	}
	doctor := Item{ID: ItemDoctor, Label: "Run doctor", Do: Action{Kind: Doctor}}
	if v.NoWindow == "" {
		doctor.Do = Action{Kind: Open, View: ViewDoctor}
	}
	return []Item{
		v.opens(ItemWindow, "Open CODITECT Sync", ViewHome),
		{ID: ItemHelp, Label: "Help", Children: append(help, doctor)},
		{ID: ItemQuit, Label: "Quit", Do: Action{Kind: Quit}},
	}
}

// stale is the next time at which something in the menu changes though the Scene does not.
func (v view) stale() time.Time {
	next := midnight(v.now)
	at := func(t time.Time) {
		if t.After(v.now) && t.Before(next) {
			next = t
		}
	}
	if v.State == app.StatePaused {
		at(pauseStale(v.PausedUntil, v.now))
	}
	if s := v.Standalone; s != nil && !s.LastReplicatedAt.IsZero() {
		at(agoStale(s.LastReplicatedAt, v.now))
	}
	if t := since(v.Status); !t.IsZero() {
		at(t.Add(syncingAfter + time.Millisecond))
		at(t.Add(overdue + time.Millisecond))
	}
	if p := v.Progress; p != nil && !p.Since.IsZero() {
		at(p.Since.Add(overdue + time.Millisecond))
	}
	return next
}
