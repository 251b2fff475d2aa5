package deploy

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// Where schemas come from: the sources of those who made the kinds, as modules. Only files are read from them.
const (
	kubernetes    = "k8s.io/kubernetes@v1.35.0"
	cloudNativePG = "github.com/cloudnative-pg/cloudnative-pg@v1.27.0"
	gatewayAPI    = "sigs.k8s.io/gateway-api@v1.4.0"
)

// module is the directory of a module, downloaded where it is not there yet.
func module(t *testing.T, pinned string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", pinned)
	cmd.Dir = t.TempDir() // outside of this module, which has nothing to do with it
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod")
	out, err := cmd.Output()
	var found struct{ Dir, Error string }
	if json.Unmarshal(out, &found) != nil || err != nil || found.Error != "" {
		t.Fatalf("go mod download %s: %v %s", pinned, err, found.Error)
	}
	return found.Dir
}

// schema is a JSON schema.
type schema = map[string]any

// schemas makes a directory of strict schemas, one per kind, as kubeconform looks for them.
func schemas(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	fromKubernetes(t, dir)
	for pinned, files := range map[string][]string{
		cloudNativePG: {"config/crd/bases/postgresql.cnpg.io_clusters.yaml"},
		gatewayAPI:    {"config/crd/standard/gateway.networking.k8s.io_gateways.yaml", "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"},
	} {
		root := module(t, pinned)
		for _, file := range files {
			fromDefinition(t, dir, filepath.Join(root, file))
		}
	}
	if err := os.CopyFS(dir, os.DirFS("testdata/schemas")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// fileName is how kubeconform calls the schema of a kind.
func fileName(group, version, kind string) string {
	first, _, _ := strings.Cut(group, ".")
	if first != "" {
		first += "-"
	}
	return strings.ToLower(kind + "-" + first + version + ".json")
}

func put(t *testing.T, dir, name string, s schema) {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, name, text)
}

// fromKubernetes makes those of all kinds that Kubernetes has, from its OpenAPI document.
func fromKubernetes(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(module(t, kubernetes), "api/openapi-spec/swagger.json"))
	if err != nil {
		t.Fatal(err)
	}
	var document struct{ Definitions map[string]schema }
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	for name, s := range document.Definitions {
		tighten(s)
		switch name { // which the document calls strings
		case "io.k8s.apimachinery.pkg.util.intstr.IntOrString", "io.k8s.apimachinery.pkg.api.resource.Quantity":
			s["type"] = []string{"string", "number"}
		}
	}
	for name, s := range document.Definitions {
		kinds, _ := s["x-kubernetes-group-version-kind"].([]any)
		if len(kinds) != 1 || !strings.HasPrefix(name, "io.k8s.api.") {
			continue
		}
		kind := kinds[0].(map[string]any)
		group, version := kind["group"].(string), kind["version"].(string)
		needed := map[string]schema{}
		need(document.Definitions, s, needed)
		whole := maps.Clone(s)
		whole["definitions"], whole["required"] = needed, []string{"apiVersion", "kind", "metadata"}
		put(t, dir, fileName(group, version, kind["kind"].(string)), whole)
	}
}

// need collects the definitions that a schema refers to, however far down.
func need(all map[string]schema, value any, needed map[string]schema) {
	switch v := value.(type) {
	case schema:
		if ref, ok := v["$ref"].(string); ok {
			name := strings.TrimPrefix(ref, "#/definitions/")
			if needed[name] == nil {
				needed[name] = all[name]
				need(all, all[name], needed)
			}
		}
		for _, inner := range v {
			need(all, inner, needed)
		}
	case []any:
		for _, inner := range v {
			need(all, inner, needed)
		}
	}
}

// fromDefinition makes those of a CustomResourceDefinition.
func fromDefinition(t *testing.T, dir, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var definition struct {
		Spec struct {
			Group    string
			Names    struct{ Kind string }
			Versions []struct {
				Name   string
				Schema struct {
					OpenAPIV3Schema schema `yaml:"openAPIV3Schema"`
				}
			}
		}
	}
	if err := yaml.Unmarshal(text, &definition); err != nil {
		t.Fatal(err)
	}
	for _, v := range definition.Spec.Versions {
		tighten(v.Schema.OpenAPIV3Schema)
		put(t, dir, fileName(definition.Spec.Group, v.Name, definition.Spec.Names.Kind), v.Schema.OpenAPIV3Schema)
	}
}

// tighten forbids what no schema names, but where it says that anything may be there, and takes out what JSON Schema does
// not have.
func tighten(value any) {
	switch v := value.(type) {
	case schema:
		_, named := v["properties"].(schema)
		open := v["additionalProperties"] != nil || v["x-kubernetes-preserve-unknown-fields"] == true || v["x-kubernetes-embedded-resource"] == true
		if named && !open {
			v["additionalProperties"] = false
		}
		if v["x-kubernetes-int-or-string"] == true {
			delete(v, "anyOf")
			v["type"] = []string{"string", "integer"}
		}
		if format, ok := v["format"].(string); ok && !slices.Contains([]string{"date-time", "uri"}, format) {
			delete(v, "format")
		}
		for key, inner := range v {
			if !slices.Contains([]string{"oneOf", "anyOf", "allOf", "not"}, key) { // which have parts only of what they are in
				tighten(inner)
			}
		}
	case []any:
		for _, inner := range v {
			tighten(inner)
		}
	}
}
