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
	return fmt.Sprintf("Proved just now: %s rows can be restored.", count(d.Rows)), nil
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
