//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/local"
)

// ourClient is our program, the real one, without a screen.
type ourClient struct {
	s    *comparison
	home string
	p    *process
}

func (s *comparison) ours() *ourClient {
	s.b.Helper()
	c := &ourClient{s: s, home: filepath.Join(s.b.TempDir(), "home")}
	if err := os.MkdirAll(c.home, 0o700); err != nil {
		s.b.Fatal(err)
	}
	c.start()
	return c
}

func (c *ourClient) api() *local.Client { return local.NewClient(local.SocketPath(c.home), "bench") }

func (c *ourClient) start() {
	c.s.b.Helper()
	cmd := exec.Command(c.s.program, "--home", c.home, "agent", "--headless")
	cmd.Env = append(os.Environ(), "DBUS_SESSION_BUS_ADDRESS=") // no keychain
	p, err := start(cmd, filepath.Join(filepath.Dir(c.home), "said"))
	if err != nil {
		c.s.b.Fatal(err)
	}
	c.p = p
	c.s.b.Cleanup(func() { _ = c.quit() })
	c.s.until("an answering agent", func() bool { _, err := c.api().Status(c.s.b.Context()); return err == nil })
}

// begin signs in, which switches cloud mode on.
func (c *ourClient) begin() time.Time {
	b := c.s.b
	b.Helper()
	l, err := c.api().BeginLogin(b.Context(), app.LoginRequest{Server: c.s.cloud.URL})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := c.s.mira.SignIn(l.URL); err != nil {
		b.Fatal(err)
	}
	return time.Now()
}

func (c *ourClient) usage() usage {
	c.s.b.Helper()
	u, err := c.p.usage()
	if err != nil {
		c.s.b.Fatal(err)
	}
	return u
}

func (c *ourClient) file() string { return filepath.Join(c.home, "context.db") }

func (c *ourClient) table(name string) (file, table string) { return c.file(), name }

func (c *ourClient) seen(id, text string) string {
	return fmt.Sprintf("SELECT 1 FROM decisions WHERE id = '%s' AND decision = '%s'", id, text)
}

func (c *ourClient) writer() *lines { return c.s.python("write", c.file()) }

func (c *ourClient) quit() int64 {
	if c.p == nil {
		return 0
	}
	err := c.p.stop()
	if c.p = nil; err != nil {
		c.s.b.Error(err)
	}
	return folderBytes(c.home, "context.db")
}
