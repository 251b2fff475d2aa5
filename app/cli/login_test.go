package cli

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
)

// withCloud runs the tests of this package, and removes the cloud that they may have needed.
type withCloud struct{ m *testing.M }

func (w withCloud) Run() int { return cloudtest.Run(w.m) }

// TestAccountScripts runs testdata/account against the real server. Besides the commands of testscript and of TestScripts
// there is
//
//	person EMAIL ARGS...    runs coditect-sync ARGS and does what it asks for in a browser; its output is in out and err
func TestAccountScripts(t *testing.T) {
	cloud := cloudtest.New(t, "INVITATIONS=on")
	people := map[string]cloudtest.Person{}
	for _, email := range []string{"mira@lumen.works", "jo@lumen.works", "eva@lumen.works", "ana@lumen.works"} {
		people[email] = cloudtest.Person{Email: email, Password: cloud.Add(t, "lumen", email)}
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/account",
		Setup: func(env *testscript.Env) error {
			ownHome(env)
			env.Setenv("CLOUD", cloud.URL)
			if err := noBrowser(env); err != nil {
				return err
			}
			env.Defer(func() { endAgents(t, env.WorkDir) })
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "await": await,
			"person": func(ts *testscript.TestScript, neg bool, args []string) {
				p := people[args[0]]
				asPerson(ts, neg, func(open, code string) (err error) {
					if code != "" {
						_, err = p.TypeCode(open, code, false)
					} else {
						_, err = p.SignIn(open)
					}
					return err
				}, args[1:])
			},
		},
	})
}

// noBrowser lets no browser of this machine open.
func noBrowser(env *testscript.Env) error {
	bin := filepath.Join(env.WorkDir, "bin")
	env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
	return errors.Join(os.Mkdir(bin, 0o700), os.WriteFile(filepath.Join(bin, "xdg-open"), []byte("#!/bin/sh\nexit 3\n"), 0o700))
}

var (
	shownURL  = regexp.MustCompile(`(?m)(http://\S+/(?:sign-in/\S+|id/device))(?:$| on any)`)
	shownCode = regexp.MustCompile(`the code (\S+)`)
)

// asPerson runs the program and answers it: signIn opens an address, and types the code if there is one.
func asPerson(ts *testscript.TestScript, neg bool, signIn func(open, code string) error, args []string) {
	r, w, err := os.Pipe()
	ts.Check(err)
	cmd := exec.Command("coditect-sync", args...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "CODITECT_HOME", "HOME", "TZ", "DBUS_SESSION_BUS_ADDRESS", "STORAGE_EMULATOR_HOST"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, w
	ts.Check(cmd.Start())
	ts.Check(w.Close())
	ended := false
	defer func() {
		if !ended { // else its agent would hold the home
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}()
	var said strings.Builder
	answered := false
	for lines := bufio.NewReader(io.TeeReader(r, &said)); ; {
		if _, err := lines.ReadString('\n'); err != nil {
			break
		}
		url := shownURL.FindStringSubmatch(said.String())
		if answered || url == nil {
			continue
		}
		answered = true
		code := append(shownCode.FindStringSubmatch(said.String()), "", "")
		ts.Check(signIn(url[1], code[1]))
	}
	err, ended = cmd.Wait(), true
	ts.Check(os.WriteFile(ts.MkAbs("out"), out.Bytes(), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("err"), []byte(said.String()), 0o600))
	if (err != nil) != neg {
		ts.Fatalf("%v: %v\n%s%s", args, err, out.String(), said.String())
	}
}
