//go:build unix && !darwin

package tray

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
)

// bus is a session bus of the test's own.
type bus struct {
	t       *testing.T
	address string
	cmd     *exec.Cmd
}

// startBus runs a dbus-daemon that listens at the socket path.
func startBus(t *testing.T, path string) *bus {
	t.Helper()
	cmd := exec.Command("dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1", "--address=unix:path="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v (the Debian package dbus-daemon has it)", err)
	}
	b := &bus{t: t, cmd: cmd}
	t.Cleanup(b.stop)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	b.address = strings.TrimSpace(line)
	return b
}

// busPath is a socket path that is short enough, in a folder of its own.
func busPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bus") //nolint:usetesting // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "bus")
}

func (b *bus) stop() { _ = b.cmd.Process.Kill(); _ = b.cmd.Wait() }

func (b *bus) env() string { return busVariable + "=" + b.address }

func (b *bus) connect() *dbus.Conn {
	b.t.Helper()
	conn, err := dbus.Connect(b.address)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// panel is what a desktop's panel is to the tray: the watcher that items register with, and a client of their menus.
type panel struct {
	t     *testing.T
	conn  *dbus.Conn
	items chan item
}

func (b *bus) startPanel() *panel {
	b.t.Helper()
	p := &panel{t: b.t, conn: b.connect(), items: make(chan item, 16)}
	if err := p.conn.Export(p, watcherPath, watcherName); err != nil {
		b.t.Fatal(err)
	}
	if _, err := p.conn.RequestName(watcherName, dbus.NameFlagDoNotQueue); err != nil {
		b.t.Fatal(err)
	}
	return p
}

// RegisterStatusNotifierItem is called by items over the bus.
func (p *panel) RegisterStatusNotifierItem(path string, sender dbus.Sender) *dbus.Error {
	p.items <- item{p.t, p.conn, p.conn.Object(string(sender), dbus.ObjectPath(path))}
	return nil
}

// item waits for one to register.
func (p *panel) item() item {
	p.t.Helper()
	var i item
	eventually(p.t, func() string {
		select {
		case i = <-p.items:
			return ""
		default:
			return "no item has registered"
		}
	})
	return i
}

// item is a StatusNotifierItem as a panel sees it.
type item struct {
	t    *testing.T
	conn *dbus.Conn
	obj  dbus.BusObject
}

func (i item) property(name string) any {
	i.t.Helper()
	v, err := i.obj.GetProperty("org.kde.StatusNotifierItem." + name)
	if err != nil {
		i.t.Fatal(err)
	}
	return v.Value()
}

// tooltip is the text of the item's tooltip.
func (i item) tooltip() string {
	parts, ok := i.property("ToolTip").([]any)
	if !ok || len(parts) != 4 {
		i.t.Fatalf("the tooltip is %v", parts)
	}
	return parts[2].(string)
}

// pixels are the width, the height and the ARGB bytes of the item's picture.
func (i item) pixels() string {
	pictures, ok := i.property("IconPixmap").([][]any)
	if !ok || len(pictures) != 1 {
		i.t.Fatalf("the picture is %v", pictures)
	}
	return fmt.Sprint(pictures[0]...)
}

// row is a line of a menu on the bus.
type row struct {
	id       int32
	label    string
	disabled bool
	checked  bool
	divider  bool
	children []row
}

func (i item) menu() dbus.BusObject {
	return i.conn.Object(i.obj.Destination(), i.property("Menu").(dbus.ObjectPath))
}

// layout reads the whole visible menu.
func (i item) layout() []row {
	i.t.Helper()
	var revision uint32
	var root struct {
		ID         int32
		Properties map[string]dbus.Variant
		Children   []dbus.Variant
	}
	err := i.menu().Call("com.canonical.dbusmenu.GetLayout", 0, int32(0), int32(-1), []string{}).Store(&revision, &root)
	if err != nil {
		i.t.Fatal(err)
	}
	return lines(root.Children)
}

func lines(nodes []dbus.Variant) (out []row) {
	for _, node := range nodes {
		parts := node.Value().([]any)
		properties := parts[1].(map[string]dbus.Variant)
		if visible, ok := properties["visible"].Value().(bool); ok && !visible {
			continue
		}
		l := row{id: parts[0].(int32), divider: properties["type"].Value() == "separator", children: lines(parts[2].([]dbus.Variant))}
		if !l.divider {
			l.label = strings.ReplaceAll(properties["label"].Value().(string), "__", "_")
			l.disabled = properties["enabled"].Value() == false
			l.checked = properties["toggle-state"].Value() == int32(1)
		}
		out = append(out, l)
	}
	return out
}

// text draws lines as checkedText draws a Menu.
func text(lines []row, indent string) string {
	var b strings.Builder
	for _, l := range lines {
		if l.divider {
			fmt.Fprintf(&b, "%s----\n", indent)
			continue
		}
		fmt.Fprintf(&b, "%s%s disabled=%v checked=%v\n", indent, l.label, l.disabled, l.checked)
		b.WriteString(text(l.children, indent+"    "))
	}
	return b.String()
}

// menuText draws the items of a Menu in their places.
func menuText(items []Item, places []place, indent string) string {
	var b strings.Builder
	for _, pl := range places {
		if pl.id == "" {
			fmt.Fprintf(&b, "%s----\n", indent)
			continue
		}
		it := find(items, pl.id)
		if it == nil {
			continue
		}
		label := it.Label
		if it.Reason != "" {
			label += " (" + it.Reason + ")"
		}
		fmt.Fprintf(&b, "%s%s disabled=%v checked=%v\n", indent, label, it.Disabled, it.Checked)
		b.WriteString(menuText(it.Children, pl.children, indent+"    "))
	}
	return b.String()
}

// lineOf finds a line by its label.
func lineOf(lines []row, label string) *row {
	for i := range lines {
		if lines[i].label == label {
			return &lines[i]
		}
		if found := lineOf(lines[i].children, label); found != nil {
			return found
		}
	}
	return nil
}

// click clicks the item with this number, and waits for the tray to have heard it.
func (i item) click(id int32) { i.event(id, "clicked") }

// opened tells the tray that its menu is being looked at.
func (i item) opened() { i.event(0, "opened") }

func (i item) event(id int32, kind string) {
	i.t.Helper()
	call := i.menu().Call("com.canonical.dbusmenu.Event", 0, id, kind, dbus.MakeVariant(int32(0)), uint32(0))
	if call.Err != nil {
		i.t.Fatal(call.Err)
	}
}

// clickLabel waits for a line and clicks it.
func (i item) clickLabel(label string) {
	i.t.Helper()
	var l *row
	eventually(i.t, func() string {
		if l = lineOf(i.layout(), label); l == nil || l.disabled {
			return fmt.Sprintf("%q cannot be clicked in\n%s", label, text(i.layout(), ""))
		}
		return ""
	})
	i.click(l.id)
}
