//go:build panel && linux

package tray

import (
	"bufio"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// This is the tray on a real panel, xfce4-panel on a display of its own. It takes pictures of every state's icon and of
// the open menus for a person to look at, and finds each icon in them pixel by pixel.

// panelConfig is a panel with little but the notification area, at the top of the screen.
const panelConfig = "../../build/tray-shots/panel.xml"

// desktop is a display with a bus.
type desktop struct {
	t   *testing.T
	bus *bus
	dir string // where pictures go
}

func startDesktop(t *testing.T) *desktop {
	t.Helper()
	home := t.TempDir()
	config := filepath.Join(home, ".config/xfce4/xfconf/xfce-perchannel-xml")
	if err := os.MkdirAll(config, 0o700); err != nil {
		t.Fatal(err)
	}
	xml, err := os.ReadFile(panelConfig)
	if err == nil {
		err = os.WriteFile(filepath.Join(config, "xfce4-panel.xml"), xml, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	t.Setenv("XDG_RUNTIME_DIR", home)
	t.Setenv("LANG", "C.UTF-8")
	t.Setenv("GTK_THEME", "Adwaita:dark")
	t.Setenv("NO_AT_BRIDGE", "1")
	t.Setenv("DISPLAY", startDisplay(t))
	b := startBus(t, busPath(t))
	t.Setenv(busVariable, b.address)
	dir := os.Getenv("TRAY_SHOTS")
	if dir == "" {
		dir = t.TempDir()
	}
	return &desktop{t, b, dir}
}

// startDisplay runs an X server on a display that it chooses.
func startDisplay(t *testing.T) string {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "900x640x24", "-nolisten", "tcp")
	cmd.ExtraFiles = []*os.File{write}
	start(t, cmd)
	_ = write.Close()
	number, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return ":" + strings.TrimSpace(number)
}

// start runs cmd until the test ends, or until the returned function is called.
func start(t *testing.T, cmd *exec.Cmd) (stop func()) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	t.Cleanup(stop)
	return stop
}

func (d *desktop) startPanel() (stop func()) {
	return start(d.t, exec.Command("xfce4-panel", "--disable-wm-check"))
}

func (d *desktop) run(name string, args ...string) string {
	d.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		d.t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return strings.TrimSpace(string(out))
}

// shot takes a picture of the screen and keeps it under a name.
func (d *desktop) shot(name string) image.Image {
	d.t.Helper()
	path := filepath.Join(d.dir, name+".png")
	d.run("import", "-silent", "-window", "root", "-depth", "8", path)
	f, err := os.Open(path)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		d.t.Fatal(err)
	}
	return img
}

// find waits until an icon is on the screen and returns its middle.
func (d *desktop) find(name string, icon Icon) (middle image.Point) {
	d.t.Helper()
	eventually(d.t, func() string {
		at, off := search(d.shot(name), picture(d.t, fmt.Sprintf("icons/%s-22-dark.png", icon)))
		if off > 0.3 {
			return fmt.Sprintf("%s is not on the panel: at best at %v, off by %.0f %%", icon, at, 100*off)
		}
		d.t.Logf("%s is at %v, off by %.0f %%", icon, at, 100*off)
		middle = at.Add(image.Pt(11, 11))
		return ""
	})
	return middle
}

// search finds the place at the top left of the screen where a picture fits best, and which part of it is missing there.
func search(screen, icon image.Image) (best image.Point, off float64) {
	off = 1
	b := icon.Bounds()
	for y := range 40 - b.Dy() {
		for x := range 200 - b.Dx() {
			if o := offAt(screen, icon, x, y); o < off {
				best, off = image.Pt(x, y), o
			}
		}
	}
	return best, off
}

// offAt is what a picture should change at a place and does not, and the other way round, as a part of what it should.
func offAt(screen, icon image.Image, x0, y0 int) float64 {
	background := gray(screen.At(x0, y0)) // every picture leaves its corners free
	b := icon.Bounds()
	wrong, change := 0.0, 1.0
	for y := range b.Dy() {
		for x := range b.Dx() {
			a := alpha(icon, x, y)
			c := color.NRGBAModel.Convert(icon.At(x, y)).(color.NRGBA)
			c.A = 255
			want := a*gray(c) + (1-a)*background
			change += abs(want - background)
			wrong += abs(want - gray(screen.At(x0+x, y0+y)))
		}
	}
	return wrong / change
}

func gray(c color.Color) float64 { return float64(color.GrayModel.Convert(c).(color.Gray).Y) }

func abs(x float64) float64 { return max(x, -x) }

// open clicks at a place and waits for a menu.
func (d *desktop) open(at image.Point) {
	d.t.Helper()
	d.run("xdotool", "mousemove", fmt.Sprint(at.X), fmt.Sprint(at.Y), "click", "1")
	eventually(d.t, func() string {
		if !d.menuOpen() {
			return "no menu has opened"
		}
		return ""
	})
}

// leave closes the menu and takes the mouse away.
func (d *desktop) leave() {
	d.t.Helper()
	d.keys("Escape")
	d.run("xdotool", "mousemove", "700", "600")
	eventually(d.t, func() string {
		if d.menuOpen() {
			return "the menu does not close"
		}
		return ""
	})
}

// menuOpen tells whether the panel's plugin has a large window below the panel.
func (d *desktop) menuOpen() bool {
	out, _ := exec.Command("xdotool", "search", "--onlyvisible", "--class", "wrapper").Output()
	for _, id := range strings.Fields(string(out)) {
		geometry, err := exec.Command("xdotool", "getwindowgeometry", "--shell", id).Output()
		var window, x, y, width, height int
		if err == nil {
			_, _ = fmt.Sscanf(string(geometry), "WINDOW=%d\nX=%d\nY=%d\nWIDTH=%d\nHEIGHT=%d", &window, &x, &y, &width, &height)
		}
		if width > 100 && height > 100 {
			return true
		}
	}
	return false
}

func (d *desktop) keys(keys ...string) {
	for _, key := range keys {
		d.run("xdotool", "key", key)
		time.Sleep(50 * time.Millisecond) // a toolkit drops keys that come faster than it opens menus
	}
}

// settle waits until two pictures in a row are the same.
func (d *desktop) settle(name string) {
	d.t.Helper()
	last := ""
	eventually(d.t, func() string {
		d.shot(name)
		data, err := os.ReadFile(filepath.Join(d.dir, name+".png"))
		if err != nil {
			return err.Error()
		}
		same := string(data) == last
		last = string(data)
		time.Sleep(100 * time.Millisecond)
		if !same {
			return "the screen does not come to rest"
		}
		return ""
	})
}

// TestRealPanel shows every state on a real panel, opens its menu, and survives the panel's restart.
func TestRealPanel(t *testing.T) {
	d := startDesktop(t)
	s := protectedScene("gs://0")
	c := startChild(t, s.order(), d.bus.env()) // before the panel
	stop := d.startPanel()
	d.find("00-started", Protected)
	for n, sc := range onPanel() {
		s = sc.live(fmt.Sprintf("gs://%d", n+1))
		c.show(s.order())
		name := fmt.Sprintf("%02d-%s", n+1, sc.name)
		d.open(d.find(name, sc.icon))
		d.settle(name)
		d.leave()
	}
	c.show(protectedScene("gs://a").order())
	d.open(d.find("50-submenu", Protected))
	d.keys("Up", "Up", "Up", "Up", "Right")
	d.settle("50-submenu-restore")
	d.keys("Down", "Down", "Return")
	said := <-c.said
	if !strings.HasPrefix(said, "restore ") {
		t.Errorf("a click on a moment said %q", said)
	}
	stop()
	again := d.startPanel()
	d.find("60-panel-restarted", Protected)
	again()
	c.ends()
}
