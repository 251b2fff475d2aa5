package scenes

import (
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

const (
	// Server is the cloud's server of the scenes.
	Server = "https://sync.lumen.works"
	// Account is who is signed in.
	Account = "mira@lumen.works"
)

// clouds are the scenes of cloud mode.
func clouds() []Scene {
	list := []Scene{freshCloud(), firstUpload(), firstSync(), firstProof(), synced(), uploading(), catchingUp(), cloudProving()}
	list = append(list, cloudOffline(), cloudStalled(), cloudAttention(), unequal(), mending(), cloudPaused(), expired(), cloudOff())
	return append(list, cloudDamaged(), moved(), alone(), joined(), moving(), hostileCloud())
}

// Prove is a proof of the scenes' tables.
func Prove(when time.Time) *app.Proof {
	p := app.Proof{At: when, Equal: true, Took: 2600 * time.Millisecond}
	for _, t := range Tables() {
		p.Rows += t.Rows
		p.Tables = append(p.Tables, app.TableProof{Table: t.Table, Here: t, There: t, Equal: true})
	}
	return &p
}

// account is cloud mode with everything in its place.
func account(name string) Scene {
	s := base(name)
	s.Status.Mode, s.Status.State, s.Status.Standalone = app.ModeCloud, app.StateCloud, nil
	s.Status.Summary = "This machine and the cloud hold the same 128,206 rows."
	s.Status.Cloud = &app.CloudStatus{
		Server: Server, SignedIn: true, User: Account, Tenant: "Lumen Works", Recording: true, Connected: true,
		LastPushedAt: at(14, 1, 58), LastSyncedAt: at(14, 2, 51), LastProof: Prove(at(14, 2, 0)), NextProofAt: at(14, 2, 0).Add(24 * time.Hour),
	}
	s.Settings.Target = ""
	s.Fleet = fleet()
	s.Projects, s.Readers, s.Teams = projects(), readers(), teams()
	return s
}

func unwell(name, summary string) Scene {
	s := account(name)
	s.Status.Healthy, s.Status.Summary = false, summary
	return s
}

func freshCloud() Scene {
	s := fresh()
	s.Name, s.Status.Cloud = "cloud-new", &app.CloudStatus{Server: Server}
	return s
}

func firstUpload() Scene {
	s := unwell("cloud-first-upload", "First copy to the cloud under way. Not everything is there yet.")
	c := s.Status.Cloud
	c.LastProof, c.LastSyncedAt, c.LastPushedAt = nil, time.Time{}, at(14, 3, 2)
	c.PendingUploads, c.WaitingSince = 46_198, at(14, 1, 52)
	s.Status.Progress = &app.Progress{Phase: app.PhaseUploading, Done: 82_008, Total: 128_206, Rate: 940, ETASeconds: 49.2, Unit: "rows", Since: at(14, 1, 52)}
	return s
}

func firstSync() Scene {
	s := unwell("cloud-first-sync", "The rows of your account are coming to this machine.")
	c := s.Status.Cloud
	c.LastProof, c.LastSyncedAt, c.LastPushedAt = nil, time.Time{}, time.Time{}
	s.Status.Progress = &app.Progress{Phase: app.PhaseFirstSync, Done: 31_200, Total: 128_206, Rate: 3_960, ETASeconds: 24.5, Unit: "rows", Since: at(14, 2, 55)}
	return s
}

func firstProof() Scene {
	s := unwell("cloud-first-proof", "Every row is in the cloud and is being compared.")
	c := s.Status.Cloud
	c.LastProof, c.LastSyncedAt = nil, at(14, 2, 58)
	s.Status.Progress = &app.Progress{Phase: app.PhaseProof, Done: 3, Total: 5, ETASeconds: 2, Unit: "tables", Since: at(14, 3, 0)}
	return s
}

func synced() Scene {
	s := account("cloud-synced")
	s.Lost = Lost()
	s.Status.Cloud.Rejected = int64(len(s.Lost))
	return s
}

func uploading() Scene {
	s := account("cloud-syncing")
	s.Status.Cloud.PendingUploads, s.Status.Cloud.WaitingSince = 12, at(14, 2, 40)
	s.Status.Progress = &app.Progress{Phase: app.PhaseUploading, Done: 0, Total: 12, Unit: "rows", Since: at(14, 2, 56)}
	return s
}

func catchingUp() Scene {
	s := unwell("cloud-catching-up", "Catching up. You can keep working.")
	friday := time.Date(2026, 11, 20, 18, 22, 10, 0, time.UTC)
	c := s.Status.Cloud
	c.LastProof, c.LastSyncedAt = Prove(friday.Add(-2*time.Minute)), friday
	c.PendingUploads, c.WaitingSince = 12, at(14, 2, 40)
	s.Status.Progress = &app.Progress{Phase: app.PhaseCatchingUp, Done: 18_240, Total: 41_902, Rate: 98, ETASeconds: 236, Unit: "rows", Since: at(14, 0, 0)}
	return s
}

func cloudProving() Scene {
	s := unwell("cloud-proving", "Every row is being compared with the cloud.")
	s.Status.Cloud.LastProof = Prove(time.Date(2026, 11, 20, 18, 20, 10, 0, time.UTC))
	s.Status.Progress = &app.Progress{Phase: app.PhaseProof, Done: 3, Total: 5, ETASeconds: 2, Unit: "tables", Since: at(14, 3, 0)}
	return s
}

func cloudOffline() Scene {
	s := unwell("cloud-offline", "Offline since 13:20:00. 214 changes go up by themselves.")
	c := s.Status.Cloud
	c.Connected, c.PendingUploads, c.WaitingSince = false, 214, at(13, 20, 4)
	c.LastPushedAt, c.LastSyncedAt, c.LastProof = at(13, 19, 40), at(13, 19, 56), Prove(at(13, 18, 0))
	s.Status.Progress = &app.Progress{Phase: app.PhaseOffline, Since: at(13, 20, 0), Cause: "The network is down.", NextTry: at(14, 4, 0)}
	return s
}

func cloudStalled() Scene {
	s := unwell("cloud-stalled", "42 changes have not been confirmed since 13:59:10.")
	c := s.Status.Cloud
	c.PendingUploads, c.WaitingSince, c.LastProof, c.LastSyncedAt = 42, at(13, 59, 10), Prove(at(13, 58, 0)), at(13, 58, 59)
	c.LastPushedAt = at(13, 58, 40)
	c.Steps = []app.CureStep{
		{Text: "Reconnected", Done: true, At: at(14, 0, 2)}, {Text: "Fetched a new sign-in key", Done: true, At: at(14, 1, 2)},
		{Text: "Starting a new session", At: at(14, 2, 2)}, {Text: "Download everything again, your waiting changes kept", At: at(14, 6, 0)},
	}
	s.Status.Progress = &app.Progress{
		Phase: app.PhaseStalled, Since: at(13, 59, 40), NextTry: at(14, 3, 30),
		Cause: "sync.lumen.works accepts the connection but has not answered for 30 s at a time, 6 tries in a row.",
	}
	return s
}

func cloudAttention() Scene {
	s := unwell("cloud-attention", "The table decisions in this file has another shape.")
	s.Status.State = app.StateError
	s.Status.Error = app.Errorf(app.CodeRefused, "enrol", "The table “decisions” in this file has another shape. It was left as it is.").
		WithHint("Update the program that made it, or use standalone mode.")
	s.Status.Cloud.PendingUploads, s.Status.Cloud.WaitingSince = 386, at(12, 47, 9)
	return s
}

// differing is a proof that does not hold.
func differing(cure string) *app.Proof {
	p := Prove(at(14, 0, 0))
	p.Equal, p.Problem, p.Cure = false, "The table decisions differs in 1 row.", cure
	p.Tables[2].Equal, p.Tables[2].There.Rows, p.Tables[2].There.Sum = false, 2412, "0000000000000000"
	return p
}

func unequal() Scene {
	s := unwell("cloud-unequal", "This machine and the cloud do not hold the same rows.")
	s.Status.Cloud.LastProof = differing("")
	return s
}

func mending() Scene {
	s := unwell("cloud-mending", "This machine and the cloud do not hold the same rows. They are being fetched again.")
	s.Status.Cloud.LastProof = differing("The row is kept in lost & found. The table is being fetched again.")
	s.Lost = Lost()[2:]
	s.Status.Cloud.Rejected = int64(len(s.Lost))
	return s
}

func cloudPaused() Scene {
	s := unwell("cloud-paused", "Paused until 15:27:00. Changes stay on this machine meanwhile.")
	s.Status.State, s.Status.PausedUntil = app.StatePaused, at(15, 27, 0)
	c := s.Status.Cloud
	c.Connected, c.PendingUploads, c.WaitingSince, c.LastProof, c.LastSyncedAt = false, 57, at(13, 27, 9), Prove(at(13, 26, 0)), at(13, 26, 58)
	return s
}

func expired() Scene {
	s := unwell("cloud-signed-out", "Sign in again to go on syncing. 88 changes are recorded here.")
	s.Status.State = app.StateSignedOut
	c := s.Status.Cloud
	c.SignedIn, c.Connected, c.PendingUploads, c.WaitingSince = false, false, 88, at(13, 31, 9)
	c.LastProof, c.LastSyncedAt, c.LastPushedAt = Prove(at(13, 30, 0)), at(13, 30, 58), at(13, 30, 40)
	return s
}

func cloudOff() Scene {
	s := off()
	s.Name, s.Status.Cloud = "cloud-off", &app.CloudStatus{Server: Server}
	return s
}

func cloudDamaged() Scene {
	s := unwell("cloud-damaged", "The memory file is damaged. Syncing has stopped so that the good copy stays good.")
	s.Status.State = app.StateError
	s.Status.Error = app.Errorf(app.CodeDamaged, "file", "The memory file is damaged. Syncing has stopped so that the good copy stays good.").
		WithHint("Download everything again. The damaged file is kept aside.")
	s.Status.Cloud.PendingUploads, s.Status.Cloud.WaitingSince = 3, at(13, 58, 0)
	return s
}

// moved is cloud mode after a move: the storage and its history are still there.
func moved() Scene {
	s := account("cloud-moved")
	st := copying()
	st.LastReplicatedAt, st.NextDrillAt = at(14, 1, 0), time.Time{}
	s.Status.Standalone, s.Settings.Target = &st, target
	return s
}

// joined is standalone mode with somebody signed in, ready to move.
func joined() Scene {
	s := base("standalone-joined")
	s.Status.Cloud = &app.CloudStatus{Server: Server, SignedIn: true, User: Account, Tenant: "Lumen Works"}
	return s
}

// moving is a move that was begun elsewhere.
func moving() Scene {
	s := joined()
	s.Name = "standalone-moving"
	s.Status.Move = &app.MoveStatus{From: app.ModeStandalone, To: app.ModeCloud, Steps: []app.MoveStep{
		{ID: "upload", Text: "Record every row and send it to the cloud"}, {ID: "switch", Text: "Stop copying to your storage; its moments stay"},
		{ID: "stream", Text: "Get what your other machines have"}, {ID: "prove", Text: "Prove that this machine and the cloud hold the same rows"},
	}}
	s.Status.Progress = &app.Progress{Phase: app.PhaseMoving, Done: 82_008, Total: 128_206, Rate: 940, ETASeconds: 49.2, Unit: "rows", Since: at(14, 1, 52)}
	return s
}
