// Program stand is Google's sign-in and a bucket of its storage on loopback, for tests of other languages and to try by hand:
//
//	go run ./app/apptest/stand
//
// It says in one line of JSON where both are and which file the OAuth client is in; set STORAGE_EMULATOR_HOST to the storage.
// A line "revoke ACCOUNT" on stdin takes back what a person has allowed. It ends when stdin does.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// stage stands in for the test that the servers are made for.
type stage struct {
	testing.TB // of which nothing else is used
	ends       []func()
}

func (s *stage) Helper()                  {}
func (s *stage) Context() context.Context { return context.Background() }
func (s *stage) Cleanup(f func())         { s.ends = append(s.ends, f) }
func (s *stage) Fatal(args ...any)        { fmt.Fprintln(os.Stderr, args...); os.Exit(1) }
func (s *stage) Fatalf(f string, a ...any) {
	fmt.Fprintf(os.Stderr, f+"\n", a...)
	os.Exit(1)
}

func main() {
	s := &stage{}
	dir, err := os.MkdirTemp("", "stand-")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = os.RemoveAll(dir) })
	google, storage := apptest.StartGoogle(s), apptest.StartGCS(s, "memory")
	storage.Require(google.Knows)
	where, err := json.Marshal(map[string]string{"google": google.URL, "storage": storage.URL, "client": google.ClientFile(s, dir)})
	if err != nil {
		s.Fatal(err)
	}
	fmt.Println(string(where))
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if account, is := strings.CutPrefix(lines.Text(), "revoke "); is {
			google.Revoke(account)
		}
	}
	for i := len(s.ends) - 1; i >= 0; i-- {
		s.ends[i]()
	}
}
