//go:build unix && !darwin

package tray

import (
	"fmt"
	"image"
	"image/color"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/coditect-ai/coditect-sync/app"
)

// shift moves every time below v by d.
func shift(v reflect.Value, d time.Duration) {
	if at, ok := v.Interface().(time.Time); ok {
		if !at.IsZero() && !at.Equal(app.UntilResumed) {
			v.Set(reflect.ValueOf(at.Add(d)))
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			shift(v.Elem(), d)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				shift(v.Field(i), d)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			shift(v.Index(i), d)
		}
	default:
	}
}

// live is the scene of a case as if it were now, as far as a tray can get into it by orders.
func (c sceneCase) live(target string) Scene {
	s := c.scene()
	d := time.Since(noon)
	shift(reflect.ValueOf(&s.Status).Elem(), d)
	if s.Timeline != nil {
		shift(reflect.ValueOf(s.Timeline), d)
	}
	s.Outcome, s.CanShowLogs = "", true
	if s.Standalone != nil {
		s.Standalone.Target = target // another history, so that the points are listed anew
	}
	if s.Cloud != nil && s.Cloud.User != "" {
		s.Cloud.User = "mira of " + target // else two scenes may look the same and mean something else
	}
	return s
}

func (s Scene) order() order {
	return order{Status: s.Status, Timeline: s.Timeline, NoWindow: s.NoWindow}
}

// differs tells how what a panel sees differs from what View says now.
func differs(i item, s Scene) string {
	lines := i.layout()
	s.Outcome = outcome(lines)
	m := View(s, time.Now())
	if want, got := menuText(m.Items, layout, ""), text(lines, ""); got != want {
		return fmt.Sprintf("the menu is\n%s\nwant\n%s", got, want)
	}
	if got := i.tooltip(); got != m.Tooltip {
		return fmt.Sprintf("the tooltip is %q, want %q", got, m.Tooltip)
	}
	if got, want := i.pixels(), argb(i.t, m.Icon, "dark"); got != want {
		return fmt.Sprintf("the picture is not that of %s", m.Icon)
	}
	return ""
}

// outcome is what a menu still says of the last click.
func outcome(lines []row) string {
	for _, l := range lines {
		for _, said := range []string{"Restored ", "The doctor found ", "Proved just now: "} {
			if strings.HasPrefix(l.label, said) {
				return l.label
			}
		}
	}
	return ""
}

// argb is an icon as it goes over the bus.
func argb(t *testing.T, icon Icon, variant string) string {
	img := picture(t, "icons/"+string(icon)+"-44-"+variant+".png")
	return fmt.Sprint(int32(img.Bounds().Dx()), int32(img.Bounds().Dy()), argbBytes(img))
}

// argbBytes are the opacity and the colours of every pixel, not multiplied by it.
func argbBytes(img image.Image) []byte {
	var out []byte
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			out = append(out, c.A, c.R, c.G, c.B)
		}
	}
	return out
}

// onPanel are the cases that an agent's Status can bring about, and that do not change within seconds.
func onPanel() (cases []sceneCase) {
	for _, c := range sceneCases {
		if c.name != "not-running" && c.name != "protected-busy" && c.name != "cloud-busy" {
			cases = append(cases, c)
		}
	}
	return cases
}

// TestEveryStateOnTheBus shows every state to a panel, which reads icon, tooltip, labels and checks, and clicks every
// item that can be clicked.
func TestEveryStateOnTheBus(t *testing.T) {
	t.Parallel()
	b := startBus(t, busPath(t))
	p := b.startPanel()
	var c *child
	var i item
	for n, sc := range onPanel() {
		s := sc.live(fmt.Sprintf("gs://%d", n))
		if c == nil {
			c = startChild(t, s.order(), b.env())
			i = p.item()
		} else {
			c.show(s.order())
		}
		eventually(t, func() string { i.opened(); return differs(i, s) })
		clickAll(t, c, i, View(s, time.Now()).Items)
	}
	if title, id := i.property("Title"), i.property("Id"); title != "CODITECT Sync" || id != title {
		t.Errorf("the item is %v, %v", title, id)
	}
	c.ends()
}

// clickAll clicks every item but Quit, and wants the call that belongs to each.
func clickAll(t *testing.T, c *child, i item, items []Item) {
	t.Helper()
	for _, it := range items {
		clickAll(t, c, i, it.Children)
		if it.Do.Kind == "" || it.Do.Kind == Quit {
			continue
		}
		i.clickLabel(it.Label)
		c.wants(said(it.Do))
		if l := it.Do.lane(); l.single() {
			c.idle(i, l)
		}
	}
}

// said is what the child says when it does a.
func said(a Action) string {
	switch a.Kind {
	case SetMode:
		return "mode " + string(a.Mode)
	case Sync:
		if a.Mode == app.ModeCloud {
			return "push"
		}
		return "flush"
	case Restore:
		return "restore " + a.Point
	case Open:
		return "window " + a.View
	default:
		return string(a.Kind)
	}
}

// idle waits until the outcome of a restore is shown, and with it the tray ready for the next.
func (c *child) idle(i item, l lane) {
	c.t.Helper()
	if l != laneRestore {
		return
	}
	c.restored++
	eventually(c.t, func() string {
		if want := fmt.Sprintf("Restored %d times.", c.restored); lineOf(i.layout(), want) == nil {
			return "the menu does not say: " + want
		}
		return ""
	})
}

func protectedScene(target string) Scene { return sceneCases[5].live(target) }

func TestQuitFromTheMenu(t *testing.T) {
	t.Parallel()
	b := startBus(t, busPath(t))
	p := b.startPanel()
	c := startChild(t, protectedScene("gs://a").order(), b.env())
	i := p.item()
	var quit *row
	eventually(t, func() string {
		if quit = lineOf(i.layout(), "Quit"); quit == nil {
			return "there is no way to quit"
		}
		return ""
	})
	// The tray may be gone before it has answered.
	i.menu().Go("com.canonical.dbusmenu.Event", dbus.FlagNoReplyExpected, nil, quit.id, "clicked", dbus.MakeVariant(int32(0)), uint32(0))
	c.wants("quit")
	c.wants("ended: <nil>")
	if err := c.wait(); err != nil {
		t.Error(err)
	}
	var owned bool
	name := i.obj.Destination()
	eventually(t, func() string {
		if err := p.conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, name).Store(&owned); err != nil || owned {
			return fmt.Sprintf("the item is still on the bus: %v", err)
		}
		return ""
	})
}

// TestStartedBeforeThePanel: there is a bus and nobody to register with.
func TestStartedBeforeThePanel(t *testing.T) {
	t.Parallel()
	b := startBus(t, busPath(t))
	s := protectedScene("gs://a")
	c := startChild(t, s.order(), b.env())
	watch := b.connect()
	eventually(t, func() string { return onBus(watch, c) })
	p := b.startPanel()
	i := p.item()
	eventually(t, func() string { return differs(i, s) })
	c.ends()
}

// onBus is "" when the child's item is on the bus.
func onBus(conn *dbus.Conn, c *child) string {
	var owned bool
	name := fmt.Sprintf("org.kde.StatusNotifierItem-%d-1", c.cmd.Process.Pid)
	if err := conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, name).Store(&owned); err != nil || !owned {
		return fmt.Sprintf("no %s on the bus: %v", name, err)
	}
	return ""
}

// TestPanelRestart: the panel ends, the state changes, and the next panel finds the icon as it should be.
func TestPanelRestart(t *testing.T) {
	t.Parallel()
	b := startBus(t, busPath(t))
	first := b.startPanel()
	c := startChild(t, protectedScene("gs://a").order(), b.env())
	first.item()
	if err := first.conn.Close(); err != nil {
		t.Fatal(err)
	}
	s := sceneCases[15].live("gs://b")
	c.show(s.order())
	second := b.startPanel()
	i := second.item()
	eventually(t, func() string { return differs(i, s) })
	i.clickLabel("Resume")
	c.wants("resume")
	c.ends()
}

// TestNoPanelEver ends in order though nobody ever took the icon.
func TestNoPanelEver(t *testing.T) {
	t.Parallel()
	b := startBus(t, busPath(t))
	c := startChild(t, protectedScene("gs://a").order(), b.env())
	watch := b.connect()
	eventually(t, func() string { return onBus(watch, c) })
	c.show(sceneCases[15].live("gs://b").order())
	c.ends()
}

// noBus is an environment in which no bus can be found, and in which starting one is noticed.
func noBus(t *testing.T) (env []string, launched func() bool) {
	t.Helper()
	dir := t.TempDir()
	marker := filepath.Join(dir, "launched")
	script := "#!/bin/sh\necho \"$0\" >>" + marker + "\nexit 1\n"
	for _, name := range []string{"dbus-launch", "dbus-daemon"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	env = []string{busVariable + "=", "DISPLAY=", "XDG_RUNTIME_DIR=" + dir, "PATH=" + dir + ":" + os.Getenv("PATH")}
	return env, func() bool { _, err := os.Stat(marker); return err == nil }
}

// TestNoBus: the tray follows the Status, starts no bus, and ends in order.
func TestNoBus(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "autolaunch:", "unix:path=/nowhere/bus", "nonsense"} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			env, launched := noBus(t)
			c := startChild(t, protectedScene("gs://a").order(), append(env, busVariable+"="+address)...)
			c.show(sceneCases[15].live("gs://b").order())
			c.ends()
			if launched() {
				t.Error("it started a bus")
			}
		})
	}
}

// TestBusComesLater: the session bus of $XDG_RUNTIME_DIR appears when the tray has long been waiting.
func TestBusComesLater(t *testing.T) {
	t.Parallel()
	env, launched := noBus(t)
	path := busPath(t)
	s := protectedScene("gs://a")
	c := startChild(t, s.order(), append(env, "XDG_RUNTIME_DIR="+filepath.Dir(path))...)
	b := startBus(t, path)
	i := b.startPanel().item()
	eventually(t, func() string { return differs(i, s) })
	c.ends()
	if launched() {
		t.Error("it started a bus")
	}
}

// TestBusRestart: the bus ends under the tray, and the next one at its place gets the icon.
func TestBusRestart(t *testing.T) {
	t.Parallel()
	path := busPath(t)
	b := startBus(t, path)
	s := protectedScene("gs://a")
	c := startChild(t, s.order(), busVariable+"=unix:path="+path)
	b.startPanel().item()
	for n := range 2 {
		b.stop()
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		s = sceneCases[n].live("gs://b")
		c.show(s.order())
		b = startBus(t, path)
		i := b.startPanel().item()
		eventually(t, func() string { i.opened(); return differs(i, s) })
	}
	c.ends()
}

// TestSilentBus: something takes the connection and never answers.
func TestSilentBus(t *testing.T) {
	t.Parallel()
	path := busPath(t)
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c := startChild(t, protectedScene("gs://a").order(), busVariable+"=unix:path="+path)
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c.ends()
}

// TestFastClicks: two hundred clicks in a burst on each of three items, all of them heard.
func TestFastClicks(t *testing.T) {
	t.Parallel()
	b := startBus(t, busPath(t))
	p := b.startPanel()
	s := protectedScene("gs://a")
	c := startChild(t, s.order(), b.env())
	i := p.item()
	eventually(t, func() string { return differs(i, s) })
	menu, ids := i.menu(), map[string]int32{}
	for _, label := range []string{"For 30 minutes", "Off", "Open CODITECT Sync"} {
		ids[label] = lineOf(i.layout(), label).id
	}
	var calls []*dbus.Call
	const burst = 200
	for range burst {
		for _, id := range ids {
			calls = append(calls, menu.Go("com.canonical.dbusmenu.Event", 0, nil, id, "clicked", dbus.MakeVariant(int32(0)), uint32(0)))
		}
	}
	for _, call := range calls {
		if <-call.Done; call.Err != nil {
			t.Fatal(call.Err)
		}
	}
	heard := map[string]int{}
	for range 3 * burst {
		select {
		case what := <-c.said:
			heard[what]++
		case <-time.After(patience):
			t.Fatalf("only heard %v", heard)
		}
	}
	if want := (map[string]int{"pause": burst, "mode off": burst, "window home": burst}); !reflect.DeepEqual(heard, want) {
		t.Errorf("heard %v", heard)
	}
	c.ends()
}

// TestClickWhileTheMenuChanges: a menu that was opened before a change still means what it said.
func TestClickWhileTheMenuChanges(t *testing.T) {
	t.Parallel()
	b := startBus(t, busPath(t))
	p := b.startPanel()
	s := protectedScene("gs://a")
	c := startChild(t, s.order(), b.env())
	i := p.item()
	eventually(t, func() string { return differs(i, s) })
	seen, old := i.layout(), find(View(s, time.Now()).Items, ItemPoint1)
	s.Timeline.Points = append([]app.RestorePoint{{ID: "00000000000012ff", Time: time.Now().Add(time.Hour)}}, s.Timeline.Points...)
	s.Standalone.Target = "gs://b"
	c.show(s.order())
	newest := View(s, time.Now())
	eventually(t, func() string { return differs(i, s) })
	i.click(lineOf(seen, old.Label).id)
	c.wants("restore " + old.Do.Point)
	c.idle(i, laneRestore)
	i.clickLabel(find(newest.Items, ItemPoint1).Label)
	c.wants("restore 00000000000012ff")
	c.show(sceneCases[2].live("gs://b").order()) // off: no pause any more
	eventually(t, func() string {
		if lineOf(i.layout(), "For 30 minutes") != nil {
			return "the pause is still offered"
		}
		return ""
	})
	i.click(lineOf(seen, "For 30 minutes").id)
	c.wants("pause")
	c.ends()
}

// TestAccessKeys: an underscore in a text is an underscore, not an access key.
func TestAccessKeys(t *testing.T) {
	t.Parallel()
	b := startBus(t, busPath(t))
	p := b.startPanel()
	s := protectedScene("gs://a")
	s.ModeLocked = "standalone"
	c := startChild(t, s.order(), b.env())
	i := p.item()
	var l *row
	eventually(t, func() string {
		if l = lineOf(i.layout(), "Locked by CODITECT_SYNC_MODE=standalone"); l == nil {
			return "not locked"
		}
		return ""
	})
	var label dbus.Variant
	if err := i.menu().Call("com.canonical.dbusmenu.GetProperty", 0, l.id, "label").Store(&label); err != nil {
		t.Fatal(err)
	}
	if got := label.Value(); got != "Locked by CODITECT__SYNC__MODE=standalone" {
		t.Errorf("on the bus it is %q", got)
	}
	c.ends()
}

// TestSceneNumbers keeps the cases that tests above pick by number.
func TestSceneNumbers(t *testing.T) {
	names := []string{sceneCases[0].name, sceneCases[1].name, sceneCases[2].name, sceneCases[5].name, sceneCases[15].name}
	if got := strings.Join(names, " "); got != "new new-without-window off protected paused" {
		t.Error(got)
	}
}
