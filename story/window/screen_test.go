//go:build window

package window_test

import (
	"bufio"
	"bytes"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// screen is a display that nobody sees, with a window manager.
type screen struct{ display string }

// newScreen returns a display that ends with the test.
func newScreen(t *testing.T) *screen {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "1280x900x24", "-nolisten", "tcp")
	server.ExtraFiles = []*os.File{w}
	start(t, server)
	_ = w.Close()
	number, err := bufio.NewReader(r).ReadString('\n') // when it is ready
	if err != nil {
		t.Fatalf("Xvfb names no display: %v", err)
	}
	s := &screen{display: ":" + strings.TrimSpace(number)}
	s.manage(t)
	return s
}

// manage runs a window manager. It begins again where one ended at once, as it does on a display that is just coming up.
func (s *screen) manage(t *testing.T) {
	t.Helper()
	var ended <-chan struct{}
	eventually(t, "a window manager", func() bool {
		select {
		case <-ended:
			ended = nil
		default:
		}
		if ended == nil {
			manager := exec.Command("openbox")
			manager.Env = append(os.Environ(), "DISPLAY="+s.display)
			ended = start(t, manager)
		}
		_, err := s.run("wmctrl", "-m")
		return err == nil
	})
}

// start starts a program that ends with the test, and says when it has ended.
func start(t *testing.T, cmd *exec.Cmd) <-chan struct{} {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
	})
	return ended
}

func (s *screen) run(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+s.display)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (s *screen) must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := s.run(name, args...)
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return out
}

// windows are the ids of what the window manager shows.
func (s *screen) windows(t *testing.T) []string {
	t.Helper()
	var ids []string
	for line := range strings.Lines(s.must(t, "wmctrl", "-l")) {
		if fields := strings.Fields(line); len(fields) > 0 {
			ids = append(ids, fields[0])
		}
	}
	return ids
}

// look is what can be told about a picture.
type look struct {
	width   int
	colours int
	light   float64 // 0 black to 1 white, on average
	bytes   []byte
	// Where the main button is, the only thing in the colour of actions: 0, 0 without one.
	buttonX, buttonY int
}

// shoot leaves a picture of the only window in build/tmp/shots, and tells what it looks like.
func (s *screen) shoot(t *testing.T, name string) look {
	t.Helper()
	dir, err := filepath.Abs("../../build/tmp/shots")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "window-"+name+".png")
	s.must(t, "import", "-window", s.windows(t)[0], path)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return lookAt(t, raw)
}

func lookAt(t *testing.T, raw []byte) look {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	seen, sum, n := map[[3]uint32]bool{}, 0.0, 0
	blue, blueX, blueY := 0, 0, 0
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y++ {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x++ {
			r, g, b, _ := img.At(x, y).RGBA()
			seen[[3]uint32{r, g, b}] = true
			sum += float64(r+g+b) / (3 * 0xffff)
			n++
			if b > 0xc000 && r < 0x6000 && g < 0x8000 {
				blue, blueX, blueY = blue+1, blueX+x, blueY+y
			}
		}
	}
	l := look{width: img.Bounds().Dx(), colours: len(seen), light: sum / float64(n), bytes: raw}
	if blue > 0 {
		l.buttonX, l.buttonY = blueX/blue, blueY/blue
	}
	return l
}

// settled is shoot once two pictures in a row are the same and are not blank.
func (s *screen) settled(t *testing.T, name string) look {
	t.Helper()
	var before, now look
	eventually(t, "a picture with something in it", func() bool {
		before, now = now, s.shoot(t, name)
		return now.colours > 50 && bytes.Equal(before.bytes, now.bytes)
	})
	return now
}

// eventually waits for a condition; a minute only ends a test that hangs.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("gave up waiting for %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (l look) String() string { return fmt.Sprintf("%d colours, light %.2f", l.colours, l.light) }
