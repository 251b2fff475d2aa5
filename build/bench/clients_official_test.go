//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/coditect-ai/coditect-sync/app/login"
	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// officialClient is @powersync/node, unmodified, driven by testdata/official.mjs.
type officialClient struct {
	*lines
	s   *comparison
	dir string
	p   process
}

// official starts one; with search it has a full-text index of the same columns as ours.
func (s *comparison) official(search bool) *officialClient {
	s.b.Helper()
	node, home := cloudtest.Official(s.b, "testdata/official.mjs")
	c := &officialClient{s: s, dir: s.b.TempDir()}
	machine := fmt.Sprintf("official-%d", time.Now().UnixNano())
	cmd := exec.Command(node, "official.mjs", s.cloud.URL, c.dir, tables(), machine, s.token(machine))
	cmd.Dir = home
	c.lines = startLines(s.b, cmd, func(args []any) any { return args[0] })
	c.p = process{cmd: cmd, log: os.Stderr}
	s.b.Cleanup(func() { c.quit() })
	c.answered()
	if search {
		c.do(map[string]any{"do": "search"})
	}
	return c
}

// token signs mira in on a machine.
func (s *comparison) token(machine string) string {
	s.b.Helper()
	session, _, err := login.New(login.Config{Home: s.b.TempDir(), Machine: machine, MachineName: machine, NoKeychain: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		s.b.Fatal(err)
	}
	a, err := session.Begin(s.b.Context(), s.cloud.URL)
	if err == nil {
		_, err = s.mira.SignIn(a.URL)
	}
	if err != nil {
		s.b.Fatal(err)
	}
	if <-a.Done(); a.Err() != nil {
		s.b.Fatal(a.Err())
	}
	token, err := session.Token(s.b.Context())
	if err != nil {
		s.b.Fatal(err)
	}
	return token
}

// tables describes the context memory to the driver.
func tables() string {
	type column struct {
		Name   string      `json:"name"`
		Type   schema.Type `json:"type"`
		Search bool        `json:"search"`
	}
	type table struct {
		Name    string   `json:"name"`
		Columns []column `json:"columns"`
	}
	var all []table
	for _, one := range schema.Tables() {
		next := table{Name: one.Name}
		for _, c := range one.Columns[1:] {
			next.Columns = append(next.Columns, column{c.Name, c.Type, slices.Contains(one.SearchColumns(), c.Name)})
		}
		all = append(all, next)
	}
	text, _ := json.Marshal(all)
	return string(text)
}

func (c *officialClient) do(command map[string]any) {
	c.s.b.Helper()
	c.tell(command)
	c.answered()
}

// begin connects. The pause between two uploads is the shortest that still gathers anything, not the usual second.
func (c *officialClient) begin() time.Time {
	c.s.b.Helper()
	began := time.Now()
	c.do(map[string]any{"do": "connect", "throttle": 10})
	return began
}

func (c *officialClient) usage() usage {
	c.s.b.Helper()
	u, err := c.p.usage()
	if err != nil {
		c.s.b.Fatal(err)
	}
	return u
}

func (c *officialClient) table(name string) (file, table string) {
	return filepath.Join(c.dir, "client.db"), "ps_data__" + name
}

func (c *officialClient) seen(id, text string) string {
	return fmt.Sprintf("SELECT 1 FROM ps_data__decisions WHERE id = '%s' AND json_extract(data, '$.decision') = '%s'", id, text)
}

func (c *officialClient) writer() *lines {
	w := *c.lines
	w.form = func(args []any) any { return map[string]any{"do": "execute", "sql": args[0], "args": args[1:]} }
	return &w
}

func (c *officialClient) quit() int64 {
	if c.p.cmd != nil {
		c.tell(map[string]any{"do": "close"})
		c.ends()
		c.p.cmd = nil
	}
	return folderBytes(c.dir, "client.db")
}
