package agent

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// at is a status of standalone mode with so many changes at the target.
func at(txid string) app.Status {
	return app.Status{
		Mode: app.ModeStandalone, State: app.StateStandalone, DB: app.DBStatus{Path: "/db"},
		Standalone: &app.StandaloneStatus{Target: "file:///t", ReplicatedTXID: txid},
	}
}

func newJournal(t *testing.T) *journal {
	return openJournal(filepath.Join(t.TempDir(), "activity.jsonl"), slog.New(slog.DiscardHandler))
}

func wantTexts(t *testing.T, j *journal, want ...string) {
	t.Helper()
	list := j.list(0)
	var got []string
	for _, e := range list {
		got = append(got, e.Text)
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.Local)

func TestCopiesAreSummedUp(t *testing.T) {
	j := newJournal(t)
	last := at("0000000000000001")
	copied := func(txid string, sent int64, now time.Time) {
		next := at(txid)
		j.saw(last, next, traffic{sent: sent}, now)
		last = next
	}
	copied("0000000000000002", 100, noon)
	wantTexts(t, j, "1 change went up")
	copied("0000000000000012", 350, noon.Add(time.Minute))
	wantTexts(t, j, "17 changes went up")
	if e := j.list(0)[0]; e.Bytes != 350 || !e.At.Equal(noon) || !e.Until.Equal(noon.Add(time.Minute)) || e.Detail != "between 12:00 and 12:01, 2 times" {
		t.Errorf("%+v", e)
	}
	copied("0000000000000013", 360, noon.Add(sumUp+time.Minute))
	wantTexts(t, j, "1 change went up", "17 changes went up")
	copied("0000000000000014", 10, noon.Add(sumUp+2*time.Minute)) // another engine counts from 0
	if e := j.list(0)[0]; e.Count != 2 || e.Bytes != 20 {
		t.Errorf("%+v", e)
	}
}

func TestFirstCopyIsTold(t *testing.T) {
	j := newJournal(t)
	j.saw(at(""), at("0000000000000001"), traffic{sent: 5000}, noon)
	wantTexts(t, j, "The first copy is complete")
}

func TestProblemsAndTheirCures(t *testing.T) {
	j := newJournal(t)
	good, bad := at("0000000000000001"), at("0000000000000001")
	bad.Error = app.Errorf(app.CodeNoSpace, "copy", "The disk is full.").WithHint("Free some space.")
	j.saw(good, bad, traffic{}, noon)
	j.saw(bad, bad, traffic{}, noon.Add(time.Second))
	wantTexts(t, j, "The disk is full.")
	if e := j.list(0)[0]; !e.Bad || e.Detail != "Free some space." {
		t.Errorf("%+v", e)
	}
	j.saw(bad, good, traffic{}, noon.Add(3*time.Minute))
	wantTexts(t, j, "It works again after 3 min", "The disk is full.")
	if e := j.list(0)[0]; !e.Cured || e.Detail != "The disk is full." {
		t.Errorf("%+v", e)
	}
}

func TestWaitingIsAProblemAfterAMinute(t *testing.T) {
	j := newJournal(t)
	waiting := at("0000000000000001")
	waiting.Standalone.WaitingSince = noon
	waiting.Progress = &app.Progress{Phase: app.PhaseOffline, Cause: "The network is down."}
	j.saw(at("0000000000000001"), waiting, traffic{}, noon.Add(59*time.Second))
	wantTexts(t, j)
	j.saw(waiting, waiting, traffic{}, noon.Add(61*time.Second))
	wantTexts(t, j, "Changes have been waiting for your storage since "+clock(noon, noon))
	j.saw(waiting, at("0000000000000009"), traffic{}, noon.Add(5*time.Minute))
	wantTexts(t, j, "It works again after 5 min", "8 changes went up", "Changes have been waiting for your storage since "+clock(noon, noon))
}

func TestSwitchedOffIsNoCure(t *testing.T) {
	j := newJournal(t)
	bad, off := at("0000000000000001"), at("0000000000000001")
	bad.Error = app.Errorf(app.CodeDenied, "copy", "No.")
	off.Mode, off.State = app.ModeOff, app.StateOff
	j.saw(at("0000000000000001"), bad, traffic{}, noon)
	j.saw(bad, off, traffic{}, noon.Add(time.Minute))
	wantTexts(t, j, "Protection was switched off", "No.")
}

func TestDecisionsAndProofs(t *testing.T) {
	j := newJournal(t)
	fresh := app.Status{State: app.StateNew}
	set := at("")
	j.saw(fresh, set, traffic{}, noon)
	wantTexts(t, j, "Standalone was switched on", "The copies go to file:///t", "The file that is kept safe is /db")
	paused := set
	paused.State, paused.PausedUntil = app.StatePaused, app.UntilResumed
	j.saw(set, paused, traffic{}, noon)
	j.saw(paused, set, traffic{}, noon)
	if got := j.list(2); got[0].Text != "Went on after a pause" || got[1].Text != "Paused until resumed" {
		t.Errorf("%+v", got)
	}
	for _, d := range []app.Drill{
		{At: noon, OK: true, Rows: 7, Tables: make([]app.TableHash, 2)}, {At: noon.Add(time.Hour), Problem: "Table messages differs."},
	} {
		next := at("0000000000000001")
		next.Standalone.LastDrill = &d
		j.saw(set, next, traffic{}, d.At)
		set = next
	}
	got := j.list(2)
	if got[0].Text != "A test restore did not hold" || !got[0].Bad || got[0].Detail != "Table messages differs." {
		t.Errorf("%+v", got[0])
	}
	if got[1].Text != "Proved: a test restore gave back all 7 rows" || got[1].Detail != "2 of 2 tables equal" {
		t.Errorf("%+v", got[1])
	}
}

func TestJournalGoesOnAfterARestartAndStaysShort(t *testing.T) {
	j := newJournal(t)
	for i := range mostEvents + 10 {
		j.add(app.Event{At: noon.Add(time.Duration(i) * time.Second), Kind: app.EventSetting, Text: "x"})
	}
	again := openJournal(j.file.Path, j.log)
	if n := len(again.events); n != keepEvents+10 || n != len(j.events) || !again.events[n-1].At.Equal(j.events[n-1].At) {
		t.Errorf("%d events after a restart, %d before", len(again.events), len(j.events))
	}
}

// In cloud mode it is the cloud's acknowledgements that are summed up, and the comparisons with it that are told.
func TestTheCloudIsTold(t *testing.T) {
	j := newJournal(t)
	in := app.Status{Mode: app.ModeCloud, State: app.StateCloud, Cloud: &app.CloudStatus{SignedIn: true}}
	j.saw(in, in, traffic{100, 2}, noon)
	j.saw(in, in, traffic{150, 5}, noon.Add(time.Minute))
	wantTexts(t, j, "5 changes went up")
	if e := j.list(0)[0]; e.Kind != app.EventSync || e.Count != 5 || e.Bytes != 150 {
		t.Errorf("%+v", e)
	}
	equal, red, waits := in, in, in
	equal.Cloud = &app.CloudStatus{LastProof: &app.Proof{At: noon, Equal: true, Rows: 5, Tables: make([]app.TableProof, 6)}}
	red.Cloud = &app.CloudStatus{LastProof: &app.Proof{At: noon.Add(time.Hour), Problem: "One row differs."}}
	waits.Cloud = &app.CloudStatus{LastProof: red.Cloud.LastProof, WaitingSince: noon.Add(time.Hour)}
	j.saw(in, equal, traffic{150, 5}, noon.Add(2*time.Minute))
	j.saw(equal, red, traffic{150, 5}, noon.Add(time.Hour))
	j.saw(red, waits, traffic{150, 5}, noon.Add(2*time.Hour))
	j.saw(waits, red, traffic{10, 1}, noon.Add(3*time.Hour)) // another engine counts from 0
	wantTexts(t, j, "It works again after 2 hours", "1 change went up", "Changes have been waiting for the cloud since "+clock(noon.Add(time.Hour), noon),
		"A comparison with the cloud did not hold", "Proved: this machine and the cloud hold the same 5 rows", "5 changes went up")
}
