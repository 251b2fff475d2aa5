package story_test

import (
	"bufio"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// connection is a sqlite3 shell that keeps its connection open between questions, as other programs do.
type connection struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Scanner
}

func openConnection(t *testing.T, path string) *connection {
	t.Helper()
	c := exec.Command("sqlite3", "-cmd", ".timeout 60000", path)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = c.Stdout
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = c.Wait() })
	return &connection{t: t, in: in, out: bufio.NewScanner(out)}
}

// ask runs a question with one line as its answer.
func (c *connection) ask(sql string) string {
	c.t.Helper()
	if _, err := io.WriteString(c.in, sql+";\n.print --\n"); err != nil {
		c.t.Fatal(err)
	}
	var lines []string
	for c.out.Scan() {
		if c.out.Text() == "--" {
			return strings.Join(lines, "\n")
		}
		lines = append(lines, c.out.Text())
	}
	c.t.Fatalf("the connection broke: %v", c.out.Err())
	return ""
}
