package cloud

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/login"
	"github.com/coditect-ai/coditect-sync/app/sqlite"
	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
)

// A test that kills an engine starts the test binary as a child. This names its home, its machine and the server.
const childOf = "CODITECT_TEST_AGENT"

func TestMain(m *testing.M) {
	if args := os.Getenv(childOf); args != "" {
		if err := agent(strings.Split(args, "\n")); err != nil {
			fmt.Fprintln(os.Stderr, app.CodeOf(err), err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(cloudtest.Run(m))
}

// agent runs the engine of a home until its standard input ends.
func agent(args []string) error {
	d := &desk{home: args[0], name: args[1]}
	s, _, err := login.New(login.Config{Home: d.home, Machine: d.name, MachineName: d.name, NoKeychain: true})
	if err != nil {
		return err
	}
	file, err := sqlite.New(sqlite.Config{Path: args[2]})
	if err != nil {
		return err
	}
	e, err := New(Config{Server: args[3], User: s.Info().User, Machine: d.name, File: file, Tokens: s,
		pace: pace{proofTry: time.Hour, firstWait: time.Hour}})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		defer stop()
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	return e.Run(ctx, func(app.Report) {})
}

// child is an engine in a process of its own.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
}

// forks starts one on the file of the desk.
func (d *desk) forks() *child {
	d.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childOf+"="+strings.Join([]string{d.home, d.name, d.file.Path(), d.config().Server}, "\n"))
	cmd.Stdout, cmd.Stderr = &d.log, &d.log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	c := &child{cmd, stdin}
	d.t.Cleanup(c.kill)
	return c
}

// kill ends it as kill -9 does.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// ends lets it end by itself.
func (c *child) ends() error {
	_ = c.stdin.Close()
	return c.cmd.Wait()
}
