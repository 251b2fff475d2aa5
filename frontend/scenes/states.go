package scenes

import (
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

func protected() Scene { return base("protected") }

func fresh() Scene {
	s := base("new")
	s.Status.Mode, s.Status.State, s.Status.Healthy = app.ModeUnset, app.StateNew, false
	s.Status.Standalone = nil
	s.Status.Summary = "Keep what your AI work has learned: choose where the copies go."
	s.Settings.Target, s.Settings.StartAtLogin = "", false
	return s
}

func off() Scene {
	s := unhealthy("off", app.StateOff, "This memory is not protected. If this disk fails, it is lost.")
	s.Status.Mode = app.ModeOff
	s.Status.Standalone.LastReplicatedAt = time.Date(2026, 11, 20, 18, 22, 10, 0, time.UTC)
	s.Status.Standalone.LastDrill = drill(time.Date(2026, 11, 20, 9, 12, 0, 0, time.UTC))
	s.Status.Standalone.NextDrillAt = time.Time{}
	return s
}

func signedOut() Scene {
	s := unhealthy("signed-out", app.StateSignedOut, "Sign in to go on syncing.")
	s.Status.Mode, s.Status.Standalone = app.ModeCloud, nil
	return s
}

func firstCopy() Scene {
	s := unhealthy("first-copy", app.StateStandalone, "First copy under way. Nothing is protected yet.")
	s.Status.Standalone = &app.StandaloneStatus{Target: target, TXID: "0000000000000001", LagBytes: 148_000_000, WaitingSince: at(14, 1, 52)}
	s.Status.Progress = &app.Progress{
		Phase: app.PhaseFirstCopy, Done: 264_000_000, Total: 412_000_000, Rate: 3_000_000, ETASeconds: 49.3, Unit: "bytes", Since: at(14, 1, 52),
	}
	return s
}

func proving() Scene {
	s := unhealthy("proving", app.StateStandalone, "The first copy is there. It is being proved with a test restore.")
	s.Status.Standalone.LastDrill = nil
	s.Status.Progress = &app.Progress{Phase: app.PhaseDrill, Done: 120_000_000, Total: 412_000_000, Unit: "bytes", Since: at(14, 2, 50)}
	return s
}

func syncing() Scene {
	s := base("syncing")
	s.Status.Standalone.LagBytes, s.Status.Standalone.WaitingSince = 23_700_000, at(14, 2, 40)
	s.Status.Standalone.TXID = "0000000000002c48"
	s.Status.Progress = &app.Progress{
		Phase: app.PhaseCopying, Done: 18_200_000, Total: 41_900_000, Rate: 98_000, ETASeconds: 236, Unit: "bytes", Since: at(14, 2, 40),
	}
	return s
}

func paused() Scene {
	s := unhealthy("paused", app.StatePaused, "Paused until 15:27:00. Changes stay on this machine meanwhile.")
	s.Status.PausedUntil = at(15, 27, 0)
	s.Status.Standalone.LastReplicatedAt = at(13, 26, 58)
	s.Status.Standalone.LagBytes, s.Status.Standalone.WaitingSince = 1_240_000, at(13, 27, 9)
	return s
}

func pausedOpen() Scene {
	s := paused()
	s.Name, s.Status.PausedUntil = "paused-open", app.UntilResumed
	s.Status.Summary = "Paused until you resume. Changes stay on this machine meanwhile."
	return s
}

func offline() Scene {
	s := unhealthy("offline", app.StateStandalone, "Offline since 13:20:00. Changes are kept here and go up by themselves. The network is down.")
	s.Status.Standalone.LastReplicatedAt = at(13, 19, 56)
	s.Status.Standalone.LagBytes, s.Status.Standalone.WaitingSince = 4_310_000, at(13, 20, 4)
	s.Status.Progress = &app.Progress{Phase: app.PhaseOffline, Since: at(13, 20, 0), Cause: "The network is down.", NextTry: at(14, 4, 0)}
	return s
}

func stalled() Scene {
	s := unhealthy("stalled", app.StateStandalone, "Changes have been waiting for your storage since 13:59:10.")
	s.Status.Standalone.LastReplicatedAt = at(13, 58, 59)
	s.Status.Standalone.LagBytes, s.Status.Standalone.WaitingSince = 912_000, at(13, 59, 10)
	s.Status.Progress = &app.Progress{
		Phase: app.PhaseCopying, Done: 0, Total: 912_000, Unit: "bytes", Since: at(13, 59, 12),
		Cause: "Your storage accepts the connection but has not answered for 30 s at a time.", NextTry: at(14, 3, 30),
	}
	return s
}

func due() Scene {
	s := unhealthy("due", app.StateStandalone, "The last proof is from 6 Nov 2026 09:12. A new test restore is due.")
	s.Status.Standalone.LastDrill = drill(time.Date(2026, 11, 6, 9, 12, 0, 0, time.UTC))
	return s
}

func attention() Scene {
	s := unhealthy("attention", app.StateError, "Your storage no longer accepts copies.")
	s.Status.Standalone.LastReplicatedAt = at(12, 47, 3)
	s.Status.Standalone.LagBytes, s.Status.Standalone.WaitingSince = 7_700_000, at(12, 47, 9)
	s.Status.Error = app.Errorf(app.CodeDenied, "copy", "Your storage no longer accepts copies.").
		WithHint("Give the key the role Storage Object User on gs://mira-memory-backup, or use another key.")
	return s
}

func drillFailed() Scene {
	s := unhealthy("drill-failed", app.StateStandalone, "The copy of 14:00:00 could not be proved: the table decisions differs in 1 row.")
	s.Status.Standalone.LastDrill.At, s.Status.Standalone.LastDrill.OK = at(14, 0, 0), false
	s.Status.Standalone.LastDrill.Problem = "The table decisions differs in 1 row."
	return s
}

func damaged() Scene {
	s := unhealthy("damaged", app.StateError, "The memory file is damaged. Copying has stopped so that the good copy stays good.")
	s.Status.Standalone.LastReplicatedAt, s.Status.Standalone.LastDrill.At = at(13, 57, 30), at(14, 0, 0)
	s.Status.Error = app.Errorf(app.CodeDamaged, "copy", "The memory file is damaged. Copying has stopped so that the good copy stays good.").
		WithHint("Restore it to 13:57:30. The damaged file is kept aside.")
	return s
}

func restoring() Scene {
	s := unhealthy("restoring", app.StateRestoring, "Restoring. If anything fails, every row stays as it is now.")
	s.Status.Progress = &app.Progress{
		Phase: app.PhaseReplace, Done: 62_000, Total: 100_000, Rate: 9500, ETASeconds: 4, Unit: "pages", Since: at(14, 3, 1),
	}
	return s
}

// Undo is the state before a restore to 11:42:30 that has just happened.
func Undo() *app.UndoPoint {
	until := Now.Add(30 * 24 * time.Hour)
	return &app.UndoPoint{
		Point:      app.RestorePoint{ID: "0000000000002c1f", Time: at(14, 2, 58), Size: 18_000, Kind: app.PointChange, Pinned: until},
		RestoredTo: at(11, 42, 30), RestoredAt: at(14, 2, 59), Until: until,
	}
}

func restored() Scene {
	s := base("restored")
	s.Status.Undo = Undo()
	return s
}

func locked() Scene {
	s := base("locked")
	s.Status.ModeLocked = "standalone"
	s.Settings.Locked = "CODITECT_SYNC_MODE=standalone is set for this session. Unset it and start again to switch here."
	return s
}

func unhealthy(name string, state app.State, summary string) Scene {
	s := base(name)
	s.Status.State, s.Status.Healthy, s.Status.Summary = state, false, summary
	return s
}
