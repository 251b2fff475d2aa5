package tray

import (
	"fmt"

	"github.com/coditect-ai/coditect-sync/app"
)

// restored says what a restore did.
func (d deed) restored(res app.RestoreResult, err error) (string, error) {
	if err != nil {
		return "", err
	}
	if res.Note != "" {
		return res.Note, nil
	}
	return "Your memory is as it was at " + moment(res.Point.Time, d.now(), secondsOf) + ".", nil
}

// proved says what a test restore found.
func proved(d app.Drill, err error) (string, error) {
	if err != nil {
		return "", err
	}
	if !d.OK {
		return "The test restore failed: " + d.Problem, nil
	}
	return "Proved just now: a test restore gave back " + d.Gave() + ".", nil
}

// same says what a proof of cloud mode found.
func same(p app.Proof, err error) (string, error) {
	switch {
	case err != nil:
		return "", err
	case p.Equal:
		return "Proved just now: this machine and the cloud " + p.Held() + ".", nil
	case p.Cure != "":
		return p.Problem + " " + p.Cure, nil
	}
	return "Not the same: " + p.Problem, nil
}

// pushed speaks only of what was not accepted: the rest shows in the Status.
func pushed(res app.PushResult, err error) (string, error) {
	if err != nil || res.Rejected == 0 {
		return "", err
	}
	return fmt.Sprintf("%s of %s changes were not accepted; they are in lost & found.", count(res.Rejected), count(res.Rejected+res.Pushed)), nil
}

// found says what the doctor found: the worst of it, since there is one line.
func found(findings []app.Finding, err error) (string, error) {
	if err != nil {
		return "", err
	}
	var worst *app.Finding
	wrong := 0
	for i, f := range findings {
		if f.Level == app.LevelOK {
			continue
		}
		wrong++
		if worst == nil || worst.Level == app.LevelWarn && f.Level == app.LevelBad {
			worst = &findings[i]
		}
	}
	if worst == nil {
		return "The doctor found nothing wrong.", nil
	}
	return fmt.Sprintf("The doctor found %d of %d: %s", wrong, len(findings), worst.Detail), nil
}
