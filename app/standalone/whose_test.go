package standalone

import (
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

// A machine of the past is named as people call it, and never guessed.
func TestMachinesAreFoundByName(t *testing.T) {
	target := fileTarget(t)
	for id, host := range map[string]string{"m-old": "Mira's MacBook", "m-desk": "studio", "m-bed": "twin", "m-attic": "twin", "studio": "cellar"} {
		w := newTwin(t, target, id, 4096)
		w.write(1, 10)
		if err := target.WriteMachine(t.Context(), twinUser, id, app.MachineInfo{Host: host}); err != nil {
			t.Fatal(err)
		}
	}
	r := replicaOf(target, "m-new")
	for name, want := range map[string]string{"m-old": "m-old", "Mira's MacBook": "m-old", "mira's macbook": "m-old", "studio": "studio", "cellar": "studio", "m-new": "m-new"} {
		line, err := r.Timeline(t.Context(), name)
		if err != nil || line.Machine != want || (len(line.Points) == 0) != (want == "m-new") {
			t.Errorf("points of %s: %+v, %v; want those of %s", name, line, err, want)
		}
		if plan, err := r.Plan(t.Context(), name, app.Moment{}); want != "m-new" && (err != nil || plan.Machine != want) {
			t.Errorf("plan of %s: %+v, %v; want %s", name, plan, err, want)
		}
	}
	for name, hint := range map[string]string{"Twin": "twin (m-attic), twin (m-bed)", "": "--machine"} {
		_, err := r.Timeline(t.Context(), name)
		mustCode(t, err, app.CodeInvalid)
		if e := app.AsError("", err); !strings.Contains(e.InShell(), hint) || name == "" && e.Op != opWhich {
			t.Errorf("%q: %v, %s", name, err, e.InShell())
		}
	}
	_, err := r.Timeline(t.Context(), "../studio")
	mustCode(t, err, app.CodeNotFound)
	if e := app.AsError("", err); !strings.Contains(e.Hint, "cellar (studio)") {
		t.Errorf("%v, %s", err, e.Hint)
	}
}
