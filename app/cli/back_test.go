package cli

import (
	"context"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

// Whom rows reach is said, also that it cannot be told: nobody agrees to what he is not told.
func TestRowsThatComeBackSayWhomTheyReach(t *testing.T) {
	for want, reach := range map[string]*app.Reach{
		"cannot be told now":                          {},
		"3 people: everyone who sees billing-service": {People: 3, Projects: []string{"billing-service"}},
		"3 people on 5 machines: everyone who sees":   {People: 3, Machines: 5, Projects: []string{"billing-service"}},
		"stay as they are":                            nil,
	} {
		f := serving(protected())
		f.PlanRestoreFunc = func(context.Context, app.RestoreRequest) (app.RestorePlan, error) {
			return app.RestorePlan{Back: &app.Back{Tables: []app.TableBack{{Table: "decisions", Again: 1}}, Reach: reach}}, nil
		}
		got := call(t, f, terminal{}, "restore", "--table", "decisions", "--dry-run")
		contains(t, got.out, want, "1 row that was gone, 0 that changed")
	}
}
