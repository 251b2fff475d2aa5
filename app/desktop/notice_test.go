package desktop

import (
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/frontend/scenes"
)

var all = app.Notify{Needs: true, Well: true, Restored: true}

func scene(t *testing.T, name string) app.Status {
	t.Helper()
	s, ok := scenes.Find(name)
	if !ok {
		t.Fatalf("there is no scene %q", name)
	}
	return s.Status
}

// kinds are the kinds of notices with their views, one word each.
func kinds(notices []Notice) string {
	var words []string
	for _, n := range notices {
		words = append(words, string(n.Kind)+":"+n.View)
	}
	return strings.Join(words, " ")
}

// TestNoticesOfEveryScene goes from protection into every scene and back. A scene that is missing here tells nothing.
func TestNoticesOfEveryScene(t *testing.T) {
	there := map[string]string{
		"attention": "needs:home", "damaged": "needs:home", "drill-failed": "needs:activity", "keyless": "needs:home", "google-ended": "needs:home", "restored": "restored:restore",
		"cloud-attention": "needs:home", "cloud-damaged": "needs:home", "cloud-unequal": "needs:home", "cloud-signed-out": "needs:sign-in",
	}
	back := map[string]string{
		"attention": "well:home", "damaged": "well:home", "drill-failed": "well:home", "keyless": "well:home", "google-ended": "well:home",
		"cloud-attention": "well:home", "cloud-damaged": "well:home", "cloud-unequal": "well:home", "cloud-signed-out": "well:home",
	}
	protected := scene(t, "protected")
	for _, s := range scenes.All() {
		if s.Hostile {
			continue
		}
		if got := kinds(Notices(protected, s.Status, all)); got != there[s.Name] {
			t.Errorf("into %s: %q, want %q", s.Name, got, there[s.Name])
		}
		if got := kinds(Notices(s.Status, protected, all)); got != back[s.Name] {
			t.Errorf("out of %s: %q, want %q", s.Name, got, back[s.Name])
		}
		if got := kinds(Notices(s.Status, s.Status, all)); got != "" {
			t.Errorf("within %s: %q", s.Name, got)
		}
		if got := kinds(Notices(protected, s.Status, app.Notify{})); got != "" {
			t.Errorf("into %s, unwanted: %q", s.Name, got)
		}
	}
}

// local is a time of the scenes' day as it is told here.
func local(hour, minute, second int) string {
	return time.Date(2026, 11, 23, hour, minute, second, 0, time.UTC).Local().Format("15:04:05 on 2 Jan")
}

func TestNoticeWords(t *testing.T) {
	protected := scene(t, "protected")
	for name, want := range map[string]Notice{
		"attention": {Kind: Needs, View: "home", Title: "CODITECT Sync needs you", Body: "Your storage no longer accepts copies."},
		"damaged": {
			Kind: Needs, View: "home", Urgent: true, Title: "CODITECT Sync has stopped",
			Body: "The memory file is damaged. Copying has stopped so that the good copy stays good.",
		},
		"drill-failed": {
			Kind: Needs, View: "activity", Title: "CODITECT Sync needs you",
			Body: "The test restore of " + local(14, 0, 0) + " failed. Copies go on, but they are not proved.",
		},
		"cloud-signed-out": {
			Kind: Needs, View: "sign-in", Title: "CODITECT Sync needs you", Body: "Sign in again to go on syncing. Changes are recorded here meanwhile.",
		},
		"cloud-unequal": {
			Kind: Needs, View: "home", Title: "CODITECT Sync needs you",
			Body: "This machine and the cloud do not hold the same rows. The table decisions differs in 1 row.",
		},
		"restored": {
			Kind: Restored, View: "restore", Title: "Restored",
			Body: "Your memory is as it was at " + local(11, 42, 30) + ". You can undo this until " + scenes.Undo().Until.Local().Format("2 Jan") + ".",
		},
	} {
		if got := Notices(protected, scene(t, name), all); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %+v\nwant %+v", name, got, want)
		}
	}
	same := Notice{Kind: Well, View: "home", Title: "In sync again", Body: "This machine and the cloud hold the same rows, proved at " + local(14, 2, 0) + "."}
	if got := Notices(scene(t, "cloud-signed-out"), scene(t, "cloud-synced"), all); len(got) != 1 || got[0] != same {
		t.Errorf("%+v\nwant %+v", got, same)
	}
	again := Notice{Kind: Well, View: "home", Title: "You are protected again", Body: "You can go back to any moment up to " + local(14, 2, 51) + "."}
	if got := Notices(scene(t, "attention"), protected, all); len(got) != 1 || got[0] != again {
		t.Errorf("%+v\nwant %+v", got, again)
	}
}

// TestWhatCuresItself is never told, also where it stands as an error.
// TestRowsThatAreNoLongerShared: it is told once, and names nothing.
func TestRowsThatAreNoLongerShared(t *testing.T) {
	before := scene(t, "cloud-synced")
	after, cloud := before, *before.Cloud
	after.Cloud, cloud.Unshared = &cloud, &app.Unshared{At: time.Now(), Rows: 3}
	got := Notices(before, after, all)
	if len(got) != 1 || got[0].Kind != Unshared || got[0].Title != "No longer shared with you" || got[0].View != "activity" {
		t.Errorf("%+v", got)
	}
	if got := Notices(after, after, all); len(got) != 0 {
		t.Errorf("once more: %+v", got)
	}
	if got := Notices(before, after, app.Notify{}); len(got) != 0 {
		t.Errorf("though it is not wanted: %+v", got)
	}
}

func TestWhatCuresItself(t *testing.T) {
	for _, code := range []app.Code{app.CodeUnreachable, app.CodeBusy, app.CodeCanceled} {
		st := scene(t, "attention")
		st.Error = app.Errorf(code, "replicate", "It waits.")
		if got := kinds(Notices(scene(t, "protected"), st, all)); got != "" {
			t.Errorf("%s: %q", code, got)
		}
	}
}

// TestSameCauseOtherWords: a sentence with other figures in it is the same cause, another code is another.
func TestSameCauseOtherWords(t *testing.T) {
	was, is := scene(t, "attention"), scene(t, "attention")
	is.Error = app.Errorf(was.Error.Code, was.Error.Op, "This disk has 89 MB left.")
	if got := kinds(Notices(was, is, all)); got != "" {
		t.Errorf("told again: %q", got)
	}
	is.Error = app.Errorf(app.CodeNoSpace, was.Error.Op, "This disk is full.")
	if got := kinds(Notices(was, is, all)); got != "needs:home" {
		t.Errorf("another cause: %q", got)
	}
}

// TestHostileTexts: nothing that comes from elsewhere changes how a notice reads.
func TestHostileTexts(t *testing.T) {
	st := scene(t, "attention")
	st.Error = app.Errorf(app.CodeDenied, "copy", "a\u202ec\nd\x1b[31m %s", strings.Repeat("x", 500))
	n := Notices(scene(t, "protected"), st, all)[0]
	if !strings.HasPrefix(n.Body, "ac d[31m xx") || len([]rune(n.Body)) != longest {
		t.Errorf("%q", n.Body)
	}
}

// happens is what holds from a moment on, in seconds.
type happens struct {
	at int
	st app.Status
}

// tell runs statuses through a settler as Notify does, until the second end, and returns what is told with its second.
func tell(statuses []happens, end int) (told []string) {
	var s settler
	begin := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	look := func(st app.Status, now time.Time) time.Time {
		before, after, again := s.next(st, now)
		for _, n := range Notices(before, after, all) {
			told = append(told, now.Sub(begin).String()+" "+string(n.Kind))
		}
		return again
	}
	for i, h := range statuses {
		until := begin.Add(time.Duration(end) * time.Second)
		if i+1 < len(statuses) {
			until = begin.Add(time.Duration(statuses[i+1].at) * time.Second)
		}
		for now := begin.Add(time.Duration(h.at) * time.Second); !now.IsZero() && now.Before(until); {
			again := look(h.st, now)
			if !again.IsZero() && !again.After(now) {
				return append(told, "it spins")
			}
			now = again
		}
	}
	return told
}

func TestSequences(t *testing.T) {
	get := func(name string) app.Status { return scene(t, name) }
	var flapping, slow []happens
	for i := range 100 {
		flapping = append(flapping, happens{6 * i, get("attention")}, happens{6*i + 5, get("protected")})
		slow = append(slow, happens{60 * i, get("attention")}, happens{60*i + 15, get("protected")})
	}
	flapping = append(flapping, happens{600, get("protected")})
	for _, c := range []struct {
		name     string
		statuses []happens
		want     string
	}{
		{"nothing happens", []happens{{0, get("protected")}}, ""},
		{"an old undo", []happens{{0, get("restored")}}, ""},
		{"it stands when we begin", []happens{{0, get("attention")}, {30, get("protected")}}, "10s needs, 1m30s well"},
		{"it is over at once", []happens{{0, get("protected")}, {10, get("attention")}, {19, get("protected")}}, ""},
		{"cured by copying", []happens{{0, get("attention")}, {20, get("syncing")}, {60, get("proving")}, {90, get("protected")}}, "10s needs, 2m30s well"},
		{"flapping", flapping, "10s needs, 10m59s well"},
		{"flapping slowly", slow[:len(slow)-1], "10s needs"},
		{"two causes", []happens{{0, get("attention")}, {20, get("damaged")}, {40, get("attention")}}, "10s needs, 20s needs, 40s needs"},
		{"a pause hides nothing", []happens{{0, get("drill-failed")}, {20, get("paused")}, {40, get("drill-failed")}}, "10s needs"},
		{"switched off by a person", []happens{{0, get("attention")}, {20, get("off")}, {40, get("protected")}}, "10s needs"},
		{"again after that", []happens{{0, get("attention")}, {20, get("off")}, {40, get("attention")}}, "10s needs, 50s needs"},
		{"a restore", []happens{{0, get("protected")}, {5, get("restoring")}, {9, get("restored")}}, "9s restored"},
		{"a restore cures", []happens{{0, get("damaged")}, {20, get("restoring")}, {30, get("restored")}}, "10s needs, 30s restored, 1m30s well"},
		{"offline", []happens{{0, get("protected")}, {5, get("offline")}, {500, get("stalled")}, {1000, get("protected")}}, ""},
	} {
		if got := strings.Join(tell(c.statuses, 3600), ", "); got != c.want {
			t.Errorf("%s: told %q, want %q", c.name, got, c.want)
		}
	}
}
