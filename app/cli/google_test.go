package cli

import (
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// TestGoogleScripts runs testdata/google against a stand-in for Google's sign-in, and a storage that lets nobody in without a
// token of it. Besides the commands of testscript and of TestScripts there are
//
//	person EMAIL ARGS...      runs coditect-sync ARGS and signs in as EMAIL when asked to; its output is in out and err
//	unticked EMAIL ARGS...    the same, without allowing access to the storage
//	google revoke EMAIL       takes back what a person has allowed
//	google grants N           so many sign-ins last
func TestGoogleScripts(t *testing.T) {
	google, gcs := apptest.StartGoogle(t), apptest.StartGCS(t, "memory")
	gcs.Require(google.Knows)
	client := google.ClientFile(t, t.TempDir())
	as := func(p apptest.GooglePerson) func(*testscript.TestScript, bool, []string) {
		return func(ts *testscript.TestScript, neg bool, args []string) {
			p.Account = args[0]
			asPerson(ts, neg, func(open, _ string) error { _, err := p.SignIn(open); return err }, args[1:])
		}
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/google",
		Setup: func(env *testscript.Env) error {
			ownHome(env)
			env.Setenv("STORAGE_EMULATOR_HOST", gcs.URL)
			env.Setenv("CLIENT", client)
			env.Setenv("SECRET", google.Secret())
			env.Defer(func() { endAgents(t, env.WorkDir) })
			return noBrowser(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "await": await, "person": as(apptest.GooglePerson{}), "unticked": as(apptest.GooglePerson{Unticked: true}),
			"google": func(ts *testscript.TestScript, _ bool, args []string) {
				switch args[0] {
				case "revoke":
					google.Revoke(args[1])
				case "grants":
					if got := google.Grants(); strconv.Itoa(got) != args[1] {
						ts.Fatalf("%d sign-ins last, want %s", got, args[1])
					}
				}
			},
		},
	})
}
