package powersync_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
)

// question is what evaluate.mjs is asked, answer what it says.
type question struct {
	Service *serviceQuestion `json:"service,omitempty"`
	Streams *streamsQuestion `json:"streams,omitempty"`
}

type serviceQuestion struct {
	Text      string            `json:"text"`
	Variables map[string]string `json:"variables"`
}

type streamsQuestion struct {
	Text       string         `json:"text"`
	Tables     []sourceTable  `json:"tables"`
	Rows       []sample       `json:"rows"`
	Access     []columns      `json:"access"`
	Claims     []columns      `json:"claims"`
	Parameters map[string]any `json:"parameters"` // what a client may say of itself
}

type sourceTable struct {
	Name    string         `json:"name"`
	Columns []sourceColumn `json:"columns"`
}

type sourceColumn struct {
	Name string `json:"name"`
	Type string `json:"sqlite_type"`
}

// columns are values by name; nil is NULL.
type columns map[string]any

type sample struct {
	Table string  `json:"table"`
	Row   columns `json:"row"`
}

type answer struct {
	Service struct {
		Errors, Used []string
		Value        map[string]any
	}
	Streams struct {
		Errors       []string
		SourceTables []string `json:"source_tables"`
		Rows         [][]operation
		People       []person
	}
}

type operation struct {
	Bucket, Table, ID string
	Columns           []string
}

type person struct {
	Errors        []string
	Rows, Results int
	Buckets       []struct {
		Bucket, Stream string
		Priority       int
	}
}

// evaluate lets the service's own packages answer.
func evaluate(t *testing.T, q question) answer {
	t.Helper()
	home := installed(t)
	text, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node(home), "evaluate.mjs")
	var out, problems bytes.Buffer
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = home, bytes.NewReader(text), &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("evaluate.mjs: %v\n%s", err, problems.Bytes())
	}
	var a answer
	if err := json.Unmarshal(out.Bytes(), &a); err != nil {
		t.Fatalf("%v in %.500s", err, out.Bytes())
	}
	return a
}

// node is the program in the package of that name: Debian's is too old for the parser.
func node(home string) string {
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	return filepath.Join(home, "node_modules", "node-"+runtime.GOOS+"-"+arch, "bin", "node")
}

// installed is a directory with the packages of the lock file and nothing else.
func installed(t *testing.T) string {
	t.Helper()
	lock, err := os.ReadFile("testdata/service/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(lock)
	cache, err := filepath.Abs("../../build/tmp")
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(cache, "service-"+hex.EncodeToString(sum[:6]))
	if !exists(home) {
		install(t, cache, home)
	}
	script, err := os.ReadFile("testdata/service/evaluate.mjs")
	if err != nil {
		t.Fatal(err)
	}
	// Renamed into place: another test process may be reading it.
	fresh := filepath.Join(home, "evaluate-"+strconv.Itoa(os.Getpid())+".mjs")
	if err := os.WriteFile(fresh, script, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, filepath.Join(home, "evaluate.mjs")); err != nil {
		t.Fatal(err)
	}
	return home
}

func install(t *testing.T, cache, home string) {
	t.Helper()
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	fresh := home + "-" + strconv.Itoa(os.Getpid()) // beside home, so that it can be renamed
	if err := os.CopyFS(fresh, os.DirFS("testdata/service")); err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("../../build/setup/apt.sh")
	if err != nil {
		t.Fatal(err)
	}
	run(t, fresh, script, "npm=npm")
	run(t, fresh, "npm", "ci", "--no-progress")
	run(t, fresh, node(fresh), "--version")                         // npm leaves a package out that is for one system and did not arrive
	if err := os.Rename(fresh, home); err != nil && !exists(home) { // else another test process was faster
		t.Fatal(err)
	}
	_ = os.RemoveAll(fresh)
}

func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
