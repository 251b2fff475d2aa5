package sqlite

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
)

// peer is another process that has a file open, as programs do that write while we look after it.
type peer struct {
	t    testing.TB
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	ask  func(sql string) string
	read func(*bufio.Reader) ([]string, error)
}

const pythonPeer = `import sqlite3, sys, json
c = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
for line in sys.stdin:
    try:
        rows = c.execute(json.loads(line)).fetchall()
        answer = {"rows": ["|".join("" if v is None else str(v) for v in r) for r in rows]}
    except Exception as e:
        answer = {"error": str(e)}
    print(json.dumps(answer), flush=True)
`

// startPython is a peer on Python's sqlite3 module.
func startPython(t testing.TB, path string) *peer {
	return startJSON(t, exec.Command("python3", "-c", pythonPeer, path))
}

// startBetter is a peer on better-sqlite3, the module that most programs in Node write with.
func startBetter(t testing.TB, path string) *peer {
	node, home := cloudtest.Official(t, filepath.Join("testdata", "better.mjs"))
	return startJSON(t, exec.Command(node, filepath.Join(home, "better.mjs"), path))
}

// startJSON is a peer that takes a statement and answers in a line of JSON each.
func startJSON(t testing.TB, cmd *exec.Cmd) *peer {
	p := &peer{t: t, cmd: cmd}
	p.ask = func(sql string) string {
		line, err := json.Marshal(sql)
		if err != nil {
			t.Fatal(err)
		}
		return string(line)
	}
	p.read = func(r *bufio.Reader) ([]string, error) {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		var answer struct {
			Rows  []string
			Error string
		}
		if err := json.Unmarshal(line, &answer); err != nil || answer.Error == "" {
			return answer.Rows, err
		}
		return nil, errors.New(answer.Error)
	}
	return p.start()
}

// startShell is a peer on the sqlite3 shell.
func startShell(t testing.TB, path string) *peer {
	p := &peer{t: t, cmd: exec.Command("sqlite3", "-batch", "-cmd", ".timeout 30000", path)}
	p.ask = func(sql string) string { return strings.ReplaceAll(sql, "\n", " ") + ";\n.print --end--" }
	p.read = func(r *bufio.Reader) (rows []string, err error) {
		for {
			line, readErr := r.ReadString('\n')
			line = strings.TrimSuffix(line, "\n")
			switch {
			case readErr != nil:
				return nil, readErr
			case line == "--end--":
				return rows, err
			case strings.Contains(line, "rror") && strings.Contains(line, ": "):
				err = errors.New(line)
			default:
				rows = append(rows, line)
			}
		}
	}
	return p.start()
}

func (p *peer) start() *peer {
	p.t.Helper()
	in, err := p.cmd.StdinPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd.Stderr = p.cmd.Stdout
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.in, p.out = in, bufio.NewReader(out)
	p.t.Cleanup(p.stop)
	return p
}

func (p *peer) stop() {
	_ = p.in.Close()
	_ = p.cmd.Wait() // how it ends is its own affair
}

// try runs one statement and returns its rows, columns separated by "|".
// kill ends it in the midst of what it does.
func (p *peer) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	_ = p.cmd.Wait()
}

func (p *peer) try(sql string, args ...any) ([]string, error) {
	p.send(sql, args...)
	return p.read(p.out)
}

// send starts a statement; read takes its answer.
func (p *peer) send(sql string, args ...any) {
	if _, err := fmt.Fprintln(p.in, p.ask(fmt.Sprintf(sql, args...))); err != nil {
		p.t.Error(err)
	}
}

func (p *peer) exec(sql string, args ...any) []string {
	p.t.Helper()
	rows, err := p.try(sql, args...)
	if err != nil {
		p.t.Fatalf("%s: %v", sql, err)
	}
	return rows
}

// peers runs a test against each kind of other program.
func peers(t *testing.T, test func(t *testing.T, start func(testing.TB, string) *peer)) {
	t.Run("python", func(t *testing.T) { test(t, startPython) })
	t.Run("better-sqlite3", func(t *testing.T) { test(t, startBetter) })
	t.Run("shell", func(t *testing.T) { test(t, startShell) })
}
