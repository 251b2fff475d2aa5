// Command gen writes the page's TypeScript types from the Go types of package app, for `go run ./frontend/gen`.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run("app", "frontend/src/api/types.ts"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir, to string) error {
	text, err := Types(dir, roots)
	if err != nil {
		return err
	}
	return os.WriteFile(to, []byte(text), 0o600)
}

// roots are what goes over the local API; what they need follows.
var roots = []string{
	"Status", "PrefsEdit", "SetupRequest", "SetupResult", "Timeline", "Machine", "RestoreRequest", "RestorePlan",
	"RestoreResult", "Drill", "Finding", "Preview", "Event", "TargetTrial", "Settings", "SettingsEdit", "Error",
	"LoginRequest", "Login", "LogoutRequest", "LogoutResult", "PushRequest", "PushResult", "MoveRequest", "MovePlan",
	"MoveResult", "Proof", "LostItem", "Project", "ShareRequest", "Reader", "Team", "InviteRequest", "Invited", "MemberRequest",
	"RetentionPlan", "RecoveryKey", "Invitation", "WithdrawRequest",
}
