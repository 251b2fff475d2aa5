package deploy

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"gopkg.in/yaml.v3"
)

// What the tests build once, by build/setup/tool.sh.
const (
	kustomize   = "sigs.k8s.io/kustomize/kustomize/v5@v5.8.2"
	kubeconform = "github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0"
	compose     = "github.com/compose-spec/compose-go/v2/cmd@v2.16.2"
)

var overlays = []string{"gke", "self-hosted"}

// tool is the path of a program.
func tool(t *testing.T, pinned string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "../setup/tool.sh", "../bin/tools", pinned)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", pinned, err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// rendered are those that a test has asked for before.
var rendered sync.Map

// render is an overlay as a cluster gets it.
func render(t *testing.T, overlay string) []byte {
	t.Helper()
	if text, ok := rendered.Load(overlay); ok {
		return text.([]byte)
	}
	cmd := exec.CommandContext(t.Context(), tool(t, kustomize), "build", overlay)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 { // what it warns of is a mistake too
		t.Fatalf("kustomize build %s: %v\n%s", overlay, err, stderr.String())
	}
	rendered.Store(overlay, out)
	return out
}

// object is one of a cluster.
type object map[string]any

func objects(t *testing.T, rendered []byte) (all []object) {
	t.Helper()
	for d := yaml.NewDecoder(bytes.NewReader(rendered)); ; {
		var o object
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
}

// at follows keys; nil where there is nothing.
func (o object) at(path ...string) any {
	var value any = map[string]any(o)
	for _, key := range path {
		m, ok := value.(map[string]any)
		if !ok {
			if m, ok = value.(object); !ok {
				return nil
			}
		}
		value = m[key]
	}
	return value
}

func (o object) text(path ...string) string {
	text, _ := o.at(path...).(string)
	return text
}

func (o object) kind() string { return o.text("kind") }
func (o object) name() string { return o.text("metadata", "name") }

// list is a list of objects.
func (o object) list(path ...string) (all []object) {
	items, _ := o.at(path...).([]any)
	for _, item := range items {
		if m, ok := item.(object); ok {
			all = append(all, m)
		} else if m, ok := item.(map[string]any); ok {
			all = append(all, m)
		}
	}
	return all
}

// pod is what an object starts, nil when it starts nothing.
func (o object) pod() object {
	for _, path := range [][]string{{"spec", "jobTemplate", "spec", "template"}, {"spec", "template"}} {
		switch m := o.at(path...).(type) {
		case object:
			return m
		case map[string]any:
			return m
		}
	}
	return nil
}

func (o object) containers() []object {
	return append(o.list("spec", "initContainers"), o.list("spec", "containers")...)
}

// find is the object of a kind and name.
func find(t *testing.T, all []object, kind, name string) object {
	t.Helper()
	for _, o := range all {
		if o.kind() == kind && (o.name() == name || kind == "ConfigMap" && strings.HasPrefix(o.name(), name+"-")) {
			return o
		}
	}
	t.Fatalf("there is no %s %s", kind, name)
	return nil
}

func write(t *testing.T, dir, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
