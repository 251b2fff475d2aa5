package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// pty is a terminal with a program on it.
type pty struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	ended  chan error

	mu   sync.Mutex
	seen strings.Builder
	news chan struct{} // closed when more was seen
}

// onTerminal starts the program with a terminal of its own as stdin, stdout and stderr.
func onTerminal(t *testing.T, columns uint16, home string, args ...string) *pty {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: columns}); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	p := &pty{t: t, master: master, ended: make(chan error, 1), news: make(chan struct{})}
	p.cmd = exec.Command("coditect-sync", args...)
	p.cmd.Env = append(os.Environ(), "CODITECT_HOME="+home, "TERM=xterm", "TZ=UTC", "NO_COLOR=")
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = slave, slave, slave
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read()
	return p
}

// read collects what is shown until the program has gone and the terminal with it.
func (p *pty) read() {
	buf := make([]byte, 4096)
	for {
		n, err := p.master.Read(buf)
		p.mu.Lock()
		p.seen.Write(buf[:n])
		close(p.news)
		p.news = make(chan struct{})
		p.mu.Unlock()
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.EIO) {
				p.t.Errorf("terminal: %v", err)
			}
			p.ended <- p.cmd.Wait()
			return
		}
	}
}

func (p *pty) text() (string, chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.String(), p.news
}

// await returns once the terminal shows text.
func (p *pty) await(text string) {
	p.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		seen, news := p.text()
		if strings.Contains(seen, text) {
			return
		}
		select {
		case <-news:
		case <-timer.C:
			p.t.Fatalf("%q did not come:\n%q", text, seen)
		}
	}
}

func (p *pty) press(keys string) {
	p.t.Helper()
	if _, err := io.WriteString(p.master, keys); err != nil {
		p.t.Fatal(err)
	}
}

// end waits for the program and returns all that was shown and its exit status.
func (p *pty) end() (string, int) {
	p.t.Helper()
	err := <-p.ended
	if err := p.master.Close(); err != nil {
		p.t.Error(err)
	}
	seen, _ := p.text()
	return seen, statusOf(err)
}

// TestOnATerminal is what a person sees: questions, colours, a bar, and Ctrl+C.
func TestOnATerminal(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	dir := t.TempDir()
	db := apptest.MustOpenDB(t, dir)
	db.Write(5)
	t.Cleanup(func() { endAgents(t, filepath.Dir(home)) })

	setup := onTerminal(t, 100, home, "setup")
	setup.await("Which SQLite file is to be kept safe?")
	setup.press(db.Path + "\n")
	setup.await("Where do the copies go")
	setup.press("\n")
	if seen, status := setup.end(); status != 0 || !strings.Contains(seen, "home/copies") || !strings.Contains(seen, "\x1b[33m▲") {
		t.Fatalf("%d, %q", status, seen)
	}
	if seen, status := onTerminal(t, 100, home, "verify").end(); status != 0 || !strings.Contains(seen, "\x1b[32m● Proved") {
		t.Fatalf("%d, %q", status, seen)
	}
	db.Exec(`DELETE FROM items;`)

	no := onTerminal(t, 100, home, "restore")
	no.await("Type yes to go on:")
	no.press("no\n")
	if seen, status := no.end(); status != 1 || !strings.Contains(seen, "Nothing was changed.") {
		t.Errorf("%d, %q", status, seen)
	}
	interrupted := onTerminal(t, 100, home, "restore")
	interrupted.await("Type yes to go on:")
	interrupted.press("\x03")
	if seen, status := interrupted.end(); status != 1 || !strings.Contains(seen, "Canceled. Nothing was changed.") {
		t.Errorf("%d, %q", status, seen)
	}
	if n := db.Rows(); n != 0 {
		t.Fatalf("%d rows", n)
	}

	yes := onTerminal(t, 100, home, "restore")
	yes.await("everything written since then")
	yes.await("Type yes to go on:")
	yes.press("yes\n")
	seen, status := yes.end()
	if status != 0 || !strings.Contains(seen, "Your memory is as it was at") || !strings.Contains(seen, "\r\x1b[K") {
		t.Errorf("%d, %q", status, seen)
	}
	if n := db.Rows(); n != 5 {
		t.Errorf("%d rows", n)
	}
	undo := onTerminal(t, 40, home, "undo")
	undo.await("Go back to the state before it?")
	undo.press("yes\n")
	if seen, status := undo.end(); status != 0 || db.Rows() != 0 {
		t.Errorf("%d, %q", status, seen)
	}
}

// TestSetupAsksHowGoogleLetsIn: of a bucket of Google's that is asked, too.
func TestSetupAsksHowGoogleLetsIn(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	for answer, says := range map[string]string{"\n": "This build has no OAuth client", "/no/such/key.json\n": "There is no key file /no/such/key.json"} {
		setup := onTerminal(t, 300, home, "setup")
		setup.await("Which SQLite file is to be kept safe?")
		setup.press(filepath.Join(t.TempDir(), "memory.db") + "\n")
		setup.await("Where do the copies go")
		setup.press("gs://memory/mira\n")
		setup.await("How does Google let this machine in")
		setup.press(answer)
		if seen, status := setup.end(); status == 0 || !strings.Contains(seen, says) {
			t.Errorf("%q: %d, %q", answer, status, seen)
		}
	}
}

// TestInterruptedRestore: after Ctrl+C what is said is what is so, whether it came in time or not.
func TestInterruptedRestore(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	db := apptest.MustOpenDB(t, t.TempDir())
	db.Write(200_000)
	for _, args := range [][]string{{"setup", "--db", db.Path, "--target", filepath.Join(filepath.Dir(home), "copies")}, {"verify"}} {
		if seen, status := onTerminal(t, 100, home, args...).end(); status != 0 {
			t.Fatalf("%q: %d, %q", args, status, seen)
		}
	}
	for _, at := range []string{"Fetching the copy", "Checking every row", "Copying what is newest", "Restoring"} {
		db.Exec(`DELETE FROM items WHERE id > 5;`)
		restore := onTerminal(t, 100, home, "restore", "--point", "1", "--yes")
		restore.await(at)
		restore.press("\x03")
		seen, status := restore.end()
		switch n := db.Rows(); {
		case status == 0 && n == 200_000:
		case status == 1 && n == 200_000 && strings.Contains(seen, "It was already restored"):
		case status == 1 && n == 5 && strings.Contains(seen, "every row is as it was."):
		default:
			t.Errorf("at %q: %d, %d rows, %q", at, status, n, seen)
		}
	}
}

// TestWatchOnATerminal repaints in place and ends with Ctrl+C.
func TestWatchOnATerminal(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	t.Cleanup(func() { endAgents(t, filepath.Dir(home)) })
	for _, args := range [][]string{{"setup", "--yes"}, {"start"}} {
		if seen, status := onTerminal(t, 100, home, args...).end(); status != 0 {
			t.Fatalf("%q: %d, %q", args, status, seen)
		}
	}
	watch := onTerminal(t, 100, home, "status", "--watch")
	watch.await("\x1b[32m●")
	if seen, status := onTerminal(t, 100, home, "pause").end(); status != 0 {
		t.Fatalf("%d, %q", status, seen)
	}
	watch.await("Paused until you resume.")
	watch.press("\x03")
	seen, status := watch.end()
	if status != 0 || !strings.Contains(seen, "A\x1b[J") {
		t.Errorf("%d, %q", status, seen)
	}
	if seen, status := onTerminal(t, 100, home, "quit").end(); status != 0 {
		t.Errorf("%d, %q", status, seen)
	}
}
