package deploy

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// check is what kubeconform says to a document, and whether it is content.
func check(t *testing.T, schemas string, rendered []byte) (string, bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tool(t, kubeconform), "-strict", "-summary", "-kubernetes-version", "1.35.0",
		"-schema-location", schemas+"/{{.ResourceKind}}{{.KindSuffix}}.json")
	cmd.Stdin = bytes.NewReader(rendered)
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

func TestOverlaysAreValid(t *testing.T) {
	dir, all := schemas(t), map[string][]byte{}
	for _, overlay := range overlays {
		all[overlay] = render(t, overlay)
		said, ok := check(t, dir, all[overlay])
		if !ok || !strings.Contains(said, "Invalid: 0, Errors: 0, Skipped: 0") {
			t.Errorf("%s: %s", overlay, said)
		}
		t.Logf("%s: %s", overlay, said)
	}
	for _, m := range mistakes {
		rendered := all[m.overlay]
		spoilt := bytes.Replace(rendered, []byte(m.good), []byte(m.bad), 1)
		if bytes.Equal(rendered, spoilt) {
			t.Errorf("%s: %s has no %q", m.what, m.overlay, m.good)
		}
		if said, ok := check(t, dir, spoilt); ok {
			t.Errorf("%s: nobody noticed: %s", m.what, said)
		}
	}
}

// mistakes are what people make: each is found.
var mistakes = []struct{ what, overlay, good, bad string }{
	{"a misspelt key", "gke", "minReplicas: 2", "minReplicass: 2"},
	{"a key at the wrong depth", "gke", "    spec:\n      automountServiceAccountToken", "    spec:\n      readOnlyRootFilesystem: true\n      automountServiceAccountToken"},
	{"a word for a number", "gke", "containerPort: 8321", "containerPort: http"},
	{"no selector", "gke", "  selector:\n    matchLabels:\n      app.kubernetes.io/name: coditect-sync-server\n  strategy:", "  strategy:"},
	{"a kind nobody knows", "gke", "kind: PodDisruptionBudget", "kind: PodDisruptBudget"},
	{"a group of old", "gke", "apiVersion: policy/v1\n", "apiVersion: policy/v1beta1\n"},
	{"a key in a route", "gke", "hostnames:", "hosts:"},
	{"a gateway's listener without protocol", "gke", "    protocol: HTTPS\n", ""},
	{"a policy of a backend", "gke", "timeoutSec: 3600", "timeoutSeconds: 3600"},
	{"a health check", "gke", "requestPath:", "path:"},
	{"what is scraped", "gke", "interval: 30s\n    port: metrics", "intervall: 30s\n    port: metrics"},
	{"a rule without expression", "gke", "      expr: max(coditect_slots_lost) > 0\n", ""},
	{"a rule, self-hosted", "self-hosted", "        severity: page", "        severity: [page]"},
	{"what is scraped, self-hosted", "self-hosted", "podMetricsEndpoints:", "podMetricEndpoints:"},
	{"the database", "self-hosted", "instances: 2", "instance: 2"},
	{"a role of the database", "self-hosted", "passwordSecret:", "password:"},
	{"a parameter that is no word", "self-hosted", `max_connections: "200"`, `max_connections: 200`},
	{"an ingress", "self-hosted", "pathType: Prefix", "pathTyp: Prefix"},
}
