package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// kubectl stands in for the real one: it notes what it is asked, renders with kustomize, and fails where it is told to.
const kubectl = `#!/usr/bin/env bash
echo "$*" >>"$NOTES"
case "$1" in
kustomize) exec "$KUSTOMIZE" build "$2" ;;
esac
[[ " $* " != *" $FAILS "* ]]
`

func rollout(t *testing.T, fails string) (asked []string, err error) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "kubectl")
	if err := os.WriteFile(path, []byte(kubectl), 0o700); err != nil {
		t.Fatal(err)
	}
	notes := filepath.Join(dir, "notes")
	cmd := exec.CommandContext(t.Context(), "./rollout.sh", "gke", "--context", "here")
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "NOTES="+notes, "KUSTOMIZE="+tool(t, kustomize), "FAILS="+fails)
	out, err := cmd.CombinedOutput()
	text, missing := os.ReadFile(notes)
	if missing != nil {
		t.Fatalf("%v: %s", missing, out)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n"), err
}

// TestRolloutMigratesFirst: nothing that serves is touched before the migrations are through, and not at all when they fail.
func TestRolloutMigratesFirst(t *testing.T) {
	asked, err := rollout(t, "nothing")
	if err != nil {
		t.Fatalf("%v: %q", err, asked)
	}
	var steps []string
	for _, line := range asked {
		switch {
		case strings.Contains(line, "delete job"):
			steps = append(steps, "delete")
		case strings.Contains(line, "apply") && strings.Contains(line, "notin (coditect-sync-server,"):
			steps = append(steps, "prepare")
		case strings.Contains(line, "wait job"):
			steps = append(steps, "wait")
		case strings.Contains(line, "apply"):
			steps = append(steps, "all")
		}
		if !strings.HasPrefix(line, "kustomize") && !strings.HasSuffix(line, "--context here") {
			t.Errorf("another cluster: %s", line)
		}
	}
	if got := strings.Join(steps, " "); got != "delete prepare wait all" {
		t.Errorf("%s: %q", got, asked)
	}
	asked, err = rollout(t, "wait")
	if last := asked[len(asked)-1]; err == nil || !strings.Contains(last, " wait job ") {
		t.Errorf("the migrations failed: %v, and then %q", err, asked)
	}
}

// TestRolloutLeavesOutWhatServes: the labels that the script leaves out are those of everything that serves.
func TestRolloutLeavesOutWhatServes(t *testing.T) {
	script, err := os.ReadFile("rollout.sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, overlay := range overlays {
		for _, o := range objects(t, render(t, overlay)) {
			label := o.text("metadata", "labels", "app.kubernetes.io/name")
			if o.pod() == nil || o.kind() == "Job" {
				continue
			}
			if label == "" || !strings.Contains(string(script), label) {
				t.Errorf("%s: %s %s would be rolled out before the migrations", overlay, o.kind(), o.name())
			}
		}
	}
}
