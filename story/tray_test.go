//go:build linux

package story_test

import (
	"context"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
	"github.com/coditect-ai/coditect-sync/app/local"
)

// TestTray is the program as a person starts it, without a verb: its icon is on the panel, its tooltip tells the state,
// its menu does what it says, and Quit ends it in order.
func TestTray(t *testing.T) {
	address := apptest.StartBus(t)
	p := startPanel(t, address)
	m := newMachine(t, "DISPLAY=", "DBUS_SESSION_BUS_ADDRESS="+address, "XDG_CONFIG_HOME="+t.TempDir())
	t.Cleanup(func() { _ = m.command(context.Background(), "quit").Run() }) // whatever this test left running
	m.do("setup", "--yes")
	m.do("start")
	i := p.item()
	m.healthy()
	m.eventually("a tooltip that claims protection", func() bool { return strings.HasPrefix(i.tooltip(), "Protected, last copy ") })

	m.eventually("the pause in the menu", func() bool { return i.click("For 30 minutes") })
	m.eventually("a paused agent", func() bool { return m.status().State == app.StatePaused })
	m.eventually("a tooltip that says so", func() bool { return strings.HasPrefix(i.tooltip(), "Paused for another ") })
	m.eventually("the resumption in the menu", func() bool { return i.click("Resume") })
	m.healthy()
	m.do("quit")
	p.gone(i)

	foreground := m.begin() // the same in the foreground, where its exit status is seen
	i = p.item()
	m.eventually("an answering agent", func() bool { _, _, code := m.try("status"); return code == 0 })
	m.eventually("the way to quit", func() bool { return i.click("Quit") })
	if err := <-foreground; err != nil {
		t.Errorf("it ended with %v\n%s", err, m.log())
	}
	if _, _, code := m.try("status"); code != app.CodeNotRunning.ExitStatus() {
		t.Errorf("status exits with %d after the end", code)
	}
}

// TestTrayWithoutDesktop: where there is no bus, none that answers, or no panel, the program runs on and says so in its log.
func TestTrayWithoutDesktop(t *testing.T) {
	for name, env := range map[string]string{
		"no bus": "", "a bus that is gone": "unix:path=/nowhere/bus", "no panel": apptest.StartBus(t),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, "DISPLAY=", "DBUS_SESSION_BUS_ADDRESS="+env, "XDG_RUNTIME_DIR="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
			m.do("setup", "--yes")
			ended := m.begin()
			m.eventually("an answering agent", func() bool { _, _, code := m.try("status"); return code == 0 })
			m.healthy()
			said := map[string]string{"no panel": "failed to register"}[name]
			if said == "" {
				said = "no session bus for the tray icon"
			}
			m.eventually("one line in the log", func() bool { return strings.Count(m.log(), said) == 1 })
			m.do("quit")
			if err := <-ended; err != nil {
				t.Errorf("it ended with %v\n%s", err, m.log())
			}
		})
	}
}

// TestStartAtLogin switches it on as the settings do, and has the desktop's own launcher start what was written.
func TestStartAtLogin(t *testing.T) {
	config := t.TempDir()
	m := newMachine(t, "DISPLAY=", "DBUS_SESSION_BUS_ADDRESS=", "XDG_RUNTIME_DIR="+t.TempDir(), "XDG_CONFIG_HOME="+config)
	t.Cleanup(func() { _ = m.command(context.Background(), "quit").Run() })
	m.start()
	client := local.NewClient(local.SocketPath(m.home), "story")
	for _, on := range []bool{false, true} {
		got, err := client.EditSettings(t.Context(), app.SettingsEdit{StartAtLogin: &on})
		if err != nil || got.StartAtLogin != on {
			t.Fatalf("start at login is %v, %v, want %v", got.StartAtLogin, err, on)
		}
	}
	m.quit()
	entry := filepath.Join(config, "autostart", "coditect-sync.desktop")
	login := exec.CommandContext(t.Context(), "gio", "launch", entry)
	login.Env = m.command(t.Context()).Env
	if err := login.Run(); err != nil { // its output is the agent's too, so nobody may wait for its end
		t.Fatalf("gio launch (Debian package libglib2.0-bin): %v", err)
	}
	m.eventually("an agent after the login", func() bool { _, _, code := m.try("status"); return code == 0 })
}

// begin runs the program without a verb as a child of the test, and gives its end.
func (m *machine) begin() (ended <-chan error) {
	m.t.Helper()
	m.proc = m.command(context.Background())
	m.proc.Stdout, m.proc.Stderr = io.Discard, io.Discard
	if err := m.proc.Start(); err != nil {
		m.t.Fatal(err)
	}
	end := make(chan error, 1)
	go func() { end <- m.proc.Wait() }()
	m.t.Cleanup(func() { _ = m.proc.Process.Kill(); m.proc = nil })
	return end
}

const watcherName = "org.kde.StatusNotifierWatcher"

// panel is what a desktop's panel is to the program: who icons register with, and a client of their menus.
type panel struct {
	t     *testing.T
	conn  *dbus.Conn
	items chan item
}

func startPanel(t *testing.T, address string) *panel {
	t.Helper()
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	p := &panel{t: t, conn: conn, items: make(chan item, 16)}
	if err := conn.Export(p, "/StatusNotifierWatcher", watcherName); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.RequestName(watcherName, dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	return p
}

// RegisterStatusNotifierItem is called by icons over the bus.
func (p *panel) RegisterStatusNotifierItem(path string, sender dbus.Sender) *dbus.Error {
	p.items <- item{p.t, p.conn, string(sender), p.conn.Object(string(sender), dbus.ObjectPath(path))}
	return nil
}

// item waits for an icon.
func (p *panel) item() item {
	p.t.Helper()
	select {
	case i := <-p.items:
		return i
	case <-time.After(time.Minute):
		p.t.Fatal("no icon has registered")
		return item{}
	}
}

// gone waits for an icon's end, and forgets that it registered twice.
func (p *panel) gone(i item) {
	p.t.Helper()
	for owned := true; owned; time.Sleep(20 * time.Millisecond) {
		if err := p.conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, i.sender).Store(&owned); err != nil {
			p.t.Fatal(err)
		}
	}
	for len(p.items) > 0 {
		<-p.items
	}
}

// item is an icon as a panel sees it.
type item struct {
	t      *testing.T
	conn   *dbus.Conn
	sender string
	obj    dbus.BusObject
}

func (i item) tooltip() string {
	v, err := i.obj.GetProperty("org.kde.StatusNotifierItem.ToolTip")
	if err != nil {
		i.t.Fatal(err)
	}
	return v.Value().([]any)[2].(string)
}

// click clicks the visible line of the menu with this label, if there is one.
func (i item) click(label string) bool {
	path, err := i.obj.GetProperty("org.kde.StatusNotifierItem.Menu")
	if err != nil {
		i.t.Fatal(err)
	}
	menu := i.conn.Object(i.sender, path.Value().(dbus.ObjectPath))
	var revision uint32
	var root struct {
		ID         int32
		Properties map[string]dbus.Variant
		Children   []dbus.Variant
	}
	if err := menu.Call("com.canonical.dbusmenu.GetLayout", 0, int32(0), int32(-1), []string{}).Store(&revision, &root); err != nil {
		i.t.Fatal(err)
	}
	id, found := labelled(root.Children, label)
	if found { // the program may be gone before it has answered
		menu.Go("com.canonical.dbusmenu.Event", dbus.FlagNoReplyExpected, nil, id, "clicked", dbus.MakeVariant(int32(0)), uint32(0))
	}
	return found
}

func labelled(nodes []dbus.Variant, label string) (id int32, found bool) {
	for _, node := range nodes {
		parts := node.Value().([]any)
		properties := parts[1].(map[string]dbus.Variant)
		visible, set := properties["visible"].Value().(bool)
		if set && !visible {
			continue
		}
		if properties["label"].Value() == label {
			return parts[0].(int32), true
		}
		if id, found := labelled(parts[2].([]dbus.Variant), label); found {
			return id, true
		}
	}
	return 0, false
}
