package meta

import (
	"bytes"
	"cmp"
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
	for _, b := range []build{
		{goos: "linux"}, {goos: "darwin"}, {goos: "windows"},
		{goos: "linux", tags: "desktop,production,webkit2_41", cgo: "1"}, {goos: "windows", tags: "desktop,production"},
	} {
		t.Run(strings.TrimSpace(b.goos+" "+b.tags), func(t *testing.T) {
			g, standard := load(t, b)
			for _, v := range violations(g, func(p string) bool { return standard[p] }, b.tags != "") {
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

// build is one way the program is built.
type build struct {
	goos, tags string
	cgo        string // "1" where the window needs it
}

// load lists every package of this module, and all they need, without tests. Nothing is compiled.
func load(t *testing.T, b build) (graph, map[string]bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", b.tags, "-json=ImportPath,Imports,ImportMap,Standard", module+"/...")
	cmd.Env = append(os.Environ(), "GOOS="+b.goos, "CGO_ENABLED="+cmp.Or(b.cgo, "0"))
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
		module + "/app/cli":        {module + "/app", module + "/app/standalone", module + "/app/sqlite", "github.com/spf13/cobra"},
		module + "/app/standalone": {module + "/app", "github.com/benbjohnson/litestream/file"},
		module + "/app/sqlite":     {module + "/app", module + "/config/schema", "modernc.org/sqlite"},
		module + "/app/window":     {module + "/app/local"},
		"modernc.org/sqlite":       {"modernc.org/libc"},
	}
	if v := violations(clean, isStandard, false); len(v) != 0 {
		t.Fatalf("the clean graph has %q", v)
	}
	windowed := graph{module: {module + "/app/cli"}, module + "/app/cli": {module + "/app/window"}, module + "/app/window": {webView + "wails/v2"}}
	if v := violations(windowed, isStandard, true); len(v) != 0 {
		t.Fatalf("the program with the window has %q", v)
	}
	for _, c := range []struct {
		name, from, to, want string
		window               bool
	}{
		{"a tool in the words", "/app", "golang.org/x/sys/unix", "app imports golang.org/x/sys/unix: the tool belongs to", false},
		{"the words import an adapter", "/app", module + "/app/sqlite", "app imports " + module + "/app/sqlite: its layer may not", false},
		{"siblings", "/app/standalone", module + "/app/sqlite", "its layer may not", false},
		{"another's tool", "/app/cli", "modernc.org/sqlite", "app/cli imports modernc.org/sqlite: the tool belongs to app/sqlite", false},
		{"a subpackage of another's tool", "/app/cli", "cloud.google.com/go/storage", "the tool belongs to app/standalone", false},
		{"a new tool", "/app/cli", "example.com/tool", "the tool has no owner", false},
		{"a new package", "/app/extra", module + "/app", "the package is not in the table", false},
		{"upwards", "/config", module + "/app/agent", "its layer may not", false},
		{"a web view, far down", "/app/cli", "github.com/wailsapp/wails/v2", "main reaches github.com/wailsapp/: " + module + " → " + module + "/app/cli → github.com/wailsapp/wails/v2", false},
		{"a web view beside the window", "/app/cli", "github.com/wailsapp/wails/v2", "app/cli imports github.com/wailsapp/wails/v2: the tool belongs to app/window", true},
		{"the file in the window", "/app/window", module + "/app/cli", "app/window reaches modernc.org/", true},
		{"the app, from the server", "/backend", module + "/app", "its layer may not", false},
		{"the app, far down", "/backend/postgres", module + "/app/sqlite", "backend/postgres reaches " + module + "/app/", false},
		{"test code, far down", "/app/standalone", module + "/app/apptest", "main reaches app/apptest", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			planted := graph{}
			for pkg, imports := range clean {
				planted[pkg] = imports
			}
			planted[module+c.from] = append(slices.Clone(clean[module+c.from]), c.to)
			found := strings.Join(violations(planted, isStandard, c.window), "\n")
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
