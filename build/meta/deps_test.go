package meta

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// listed is what `go list` says about one package.
type listed struct {
	ImportPath string
	Imports    []string
	ImportMap  map[string]string // source import path → the package it is
	Standard   bool
}

// TestDependencies holds the tree, as built for each system, against the rules.
func TestDependencies(t *testing.T) {
	seen := graph{}
	for _, goos := range []string{"linux", "darwin", "windows"} {
		t.Run(goos, func(t *testing.T) {
			g, standard := load(t, goos)
			for _, v := range violations(g, func(p string) bool { return standard[p] }) {
				t.Error(v)
			}
			for pkg := range g {
				seen[pkg] = nil
			}
		})
	}
	for _, pkg := range unused(seen) {
		t.Errorf("the table of who may import whom names %s, which is not there", pkg)
	}
}

// load lists every package of this module, and all they need, without tests and without cgo.
func load(t *testing.T, goos string) (graph, map[string]bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Imports,ImportMap,Standard", module+"/...")
	cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, stderr.String())
	}
	g, standard := graph{}, map[string]bool{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return g, standard
		} else if err != nil {
			t.Fatal(err)
		}
		g[p.ImportPath], standard[p.ImportPath] = p.resolved(), p.Standard
	}
}

func (p listed) resolved() []string {
	var imports []string
	for _, path := range p.Imports {
		if real, mapped := p.ImportMap[path]; mapped {
			path = real
		}
		imports = append(imports, path)
	}
	return imports
}

// TestRulesCatch plants one violation at a time into a small graph that breaks none.
func TestRulesCatch(t *testing.T) {
	clean := graph{
		module:                     {module + "/app/cli"},
		module + "/app":            {"errors"},
		module + "/app/cli":        {module + "/app", module + "/app/standalone", "github.com/spf13/cobra"},
		module + "/app/standalone": {module + "/app", "github.com/benbjohnson/litestream/file"},
		module + "/app/sqlite":     {module + "/app", module + "/config/schema", "modernc.org/sqlite"},
		"modernc.org/sqlite":       {"modernc.org/libc"},
	}
	if v := violations(clean, isStandard); len(v) != 0 {
		t.Fatalf("the clean graph has %q", v)
	}
	for _, c := range []struct{ name, from, to, want string }{
		{"a tool in the words", "/app", "golang.org/x/sys/unix", "app imports golang.org/x/sys/unix: the tool belongs to"},
		{"the words import an adapter", "/app", module + "/app/sqlite", "app imports " + module + "/app/sqlite: its layer may not"},
		{"siblings", "/app/standalone", module + "/app/sqlite", "its layer may not"},
		{"another's tool", "/app/cli", "modernc.org/sqlite", "app/cli imports modernc.org/sqlite: the tool belongs to app/sqlite"},
		{"a subpackage of another's tool", "/app/cli", "cloud.google.com/go/storage", "the tool belongs to app/standalone"},
		{"a new tool", "/app/cli", "example.com/tool", "the tool has no owner"},
		{"a new package", "/app/extra", module + "/app", "the package is not in the table"},
		{"upwards", "/config", module + "/app/agent", "its layer may not"},
		{"a web view, far down", "/app/cli", "github.com/wailsapp/wails/v2", "main reaches github.com/wailsapp/: " + module + " → " + module + "/app/cli → github.com/wailsapp/wails/v2"},
		{"the app, from the server", "/backend", module + "/app", "its layer may not"},
		{"the app, far down", "/backend/postgres", module + "/app/sqlite", "backend/postgres reaches " + module + "/app/"},
		{"test code, far down", "/app/standalone", module + "/app/apptest", "main reaches app/apptest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			planted := graph{}
			for pkg, imports := range clean {
				planted[pkg] = imports
			}
			planted[module+c.from] = append(slices.Clone(clean[module+c.from]), c.to)
			found := strings.Join(violations(planted, isStandard), "\n")
			if !strings.Contains(found, c.want) {
				t.Errorf("found %q, want %q", found, c.want)
			}
		})
	}
}

func isStandard(pkg string) bool {
	first, _, _ := strings.Cut(pkg, "/")
	return !strings.Contains(first, ".")
}

func TestUnusedRules(t *testing.T) {
	left := unused(graph{module: nil, module + "/app": nil})
	if slices.Contains(left, "app") || slices.Contains(left, "") || !slices.Contains(left, "app/cli") {
		t.Errorf("left over: %q", left)
	}
}
