//go:build window

// Package window_test has the tests that package window tells of.
package window_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestWindow opens the window, opens it again for another view, and closes it, in a light and a dark session, and in one
// without a language.
func TestWindow(t *testing.T) {
	for _, c := range []struct {
		name string
		env  []string
		dark bool
	}{
		{name: "light"},
		{name: "dark", env: []string{"GTK_THEME=Adwaita:dark"}, dark: true},
		{name: "c-locale", env: []string{"LANG=C"}},
		{name: "c-locale-for-all", env: []string{"LC_ALL=C"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t, c.env...)
			m.protected()
			m.open("home")
			home := m.screen.settled(t, c.name+"-home")
			if c.dark != (home.light < 0.4) {
				t.Errorf("home: %v, in a session that is dark: %v", home, c.dark)
			}
			before := m.web()
			for _, view := range []string{"restore", "activity", "diagnostics"} {
				m.open(view)
				if shown := m.screen.settled(t, c.name+"-"+view); bytes.Equal(shown.bytes, home.bytes) {
					t.Errorf("%s is not shown", view)
				}
			}
			if after := m.web(); !slices.Equal(before, after) || len(m.screen.windows(t)) != 1 {
				t.Errorf("processes %v became %v, windows %v", before, after, m.screen.windows(t))
			}
			m.close()
		})
	}
}

// TestRaise brings a window to the front that another one covers, and one that is put away.
func TestRaise(t *testing.T) {
	m := newMachine(t)
	m.protected()
	m.open("home")
	own := m.screen.windows(t)[0]
	cover := exec.Command("xmessage", "-geometry", "1200x800+0+0", "in front")
	cover.Env = m.env
	start(t, cover)
	active := func() string { out, _ := m.screen.run("xdotool", "getactivewindow"); return out }
	number := strings.TrimSpace(m.screen.must(t, "printf", "%d", own))
	eventually(t, "the cover", func() bool {
		for _, id := range m.screen.windows(t) {
			if id != own {
				m.screen.must(t, "wmctrl", "-i", "-a", id)
			}
		}
		return len(m.screen.windows(t)) == 2 && active() != number && active() != ""
	})
	m.open("")
	eventually(t, "the window in front", func() bool { return active() == number })
	m.screen.must(t, "xdotool", "windowminimize", own)
	eventually(t, "the window put away", func() bool { return active() != number })
	m.open("")
	eventually(t, "the window back", func() bool { return active() == number })
}

// TestSize is kept, from one window to the next.
func TestSize(t *testing.T) {
	m := newMachine(t)
	m.protected()
	m.open("home")
	size := func() string {
		_, geometry, _ := strings.Cut(m.screen.must(t, "xdotool", "getwindowgeometry", m.screen.windows(t)[0]), "Geometry: ")
		return geometry
	}
	if got := size(); got != "760x560" {
		t.Errorf("at first %s", got)
	}
	before := m.screen.settled(t, "narrow")
	m.screen.must(t, "xdotool", "windowsize", "--sync", m.screen.windows(t)[0], "360", "640")
	eventually(t, "the page in the new size", func() bool {
		now := m.screen.settled(t, "narrow")
		return now.light > 0.8 && now.width != before.width
	})
	m.close()
	m.open("home")
	if got := size(); got != "360x640" {
		t.Errorf("the second time %s", got)
	}
}

// TestAgentThatDoesNotRun is started when the window opens; when it is ended meanwhile the page says so, and its button
// starts it.
func TestAgentThatDoesNotRun(t *testing.T) {
	m := newMachine(t)
	m.do("mode", "standalone")
	m.open("home")
	m.do("status") // exit status 0: an agent answers
	m.screen.settled(t, "agent-started")
	m.do("quit")
	var gone look
	eventually(t, "the page to offer a start", func() bool {
		gone = m.screen.settled(t, "agent-gone")
		return gone.buttonX > 0
	})
	m.screen.must(t, "xdotool", "mousemove", "--window", m.screen.windows(t)[0], fmt.Sprint(gone.buttonX), fmt.Sprint(gone.buttonY), "click", "1")
	eventually(t, "an agent", func() bool { return m.command("status").Run() == nil })
	m.close()
}

// TestFirstRun is what a person sees who opens the window for the first time.
func TestFirstRun(t *testing.T) {
	for name, env := range map[string][]string{"light": nil, "dark": {"GTK_THEME=Adwaita:dark"}} {
		t.Run(name, func(t *testing.T) {
			m := freshMachine(t, env...)
			m.open("")
			if shown := m.screen.settled(t, name+"-first-run"); (name == "dark") != (shown.light < 0.4) {
				t.Errorf("a session that is %s shows %v", name, shown)
			}
			m.open("first-run/storage")
			m.screen.settled(t, name+"-first-run-storage")
			m.close()
		})
	}
}

// TestKilledWindow leaves nothing behind that is in the way of the next.
func TestKilledWindow(t *testing.T) {
	m := newMachine(t)
	m.protected()
	m.open("home")
	for _, pid := range m.processes("coditect-sync-window") {
		if out, err := exec.Command("kill", "-9", pid).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	eventually(t, "the end of the web processes", func() bool { return len(m.web()) == 0 })
	m.open("restore")
	m.screen.settled(t, "after-kill")
	m.close()
}

// TestEndedBySignal is how a session ends programs.
func TestEndedBySignal(t *testing.T) {
	m := newMachine(t)
	m.protected()
	m.open("home")
	for _, pid := range m.processes("coditect-sync-window") {
		if out, err := exec.Command("kill", pid).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	eventually(t, "the end of the window", func() bool { return len(m.web()) == 0 })
}

// TestOpensQuickly prints how long it takes from the verb to a page with content: the status is there, and the view that
// shows it has asked for what else it needs. It fails on no time.
func TestOpensQuickly(t *testing.T) {
	m := newMachine(t)
	m.protected()
	var took []time.Duration
	for range 10 {
		from := time.Now()
		m.open("home")
		var shown time.Time
		eventually(t, "content", func() bool { shown = m.content(from); return !shown.IsZero() })
		took = append(took, shown.Sub(from).Round(time.Millisecond))
		m.close()
	}
	slices.Sort(took)
	t.Logf("window open to content: median %v of %v", took[len(took)/2], took)
}

// content is when the page, with a status, asked for something else; zero until then.
func (m *machine) content(from time.Time) time.Time {
	status := false
	for _, l := range m.since(from) {
		status = status || l.Msg == "page has a status"
		if status && l.Msg == "page asks" && l.Path != "/v1/status" {
			return l.Time
		}
	}
	return time.Time{}
}
