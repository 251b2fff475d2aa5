package scenes

import (
	"fmt"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// Timeline is thirty days of work, thinned by age as an agent does it.
func (s Scene) Timeline(machine string) app.Timeline {
	line := app.Timeline{Machine: machine, Points: []app.RestorePoint{}}
	if s.Status.Standalone == nil || s.Status.Standalone.ReplicatedTXID == "" {
		return line
	}
	txid := 11_294
	oldest := time.Date(2026, 10, 24, 14, 0, 0, 0, time.UTC)
	for when := s.Status.Standalone.LastReplicatedAt; when.After(oldest); when = before(when) {
		if size := written(when); size > 0 {
			line.Points = append(line.Points, point(txid, when, size))
			txid--
		}
	}
	line.Oldest = line.Points[len(line.Points)-1].Time
	return line
}

func point(txid int, when time.Time, size int64) app.RestorePoint {
	kind := app.PointMerged
	if Now.Sub(when) < time.Hour {
		kind = app.PointChange
	}
	return app.RestorePoint{ID: fmt.Sprintf("%016x", txid), Time: when, Size: size, Kind: kind}
}

// before is the end of the next older span: points end full spans, as merging by age makes them.
func before(when time.Time) time.Time {
	return when.Add(-time.Nanosecond).Truncate(apart(Now.Sub(when)))
}

// apart is how far points of that age are from each other.
func apart(age time.Duration) time.Duration {
	switch {
	case age < time.Hour:
		return 5 * time.Second
	case age < 24*time.Hour:
		return 30 * time.Second
	case age < 7*24*time.Hour:
		return 5 * time.Minute
	}
	return time.Hour
}

// written is how much was written then: nothing at night, little at weekends, uneven by day.
func written(when time.Time) int64 {
	minute := when.Hour()*60 + when.Minute()
	weekend := when.Weekday() == time.Saturday || when.Weekday() == time.Sunday
	switch {
	case minute < 8*60+24 || minute > 18*60+20:
		return 0
	case minute > 12*60+12 && minute < 12*60+50:
		return 0
	case weekend && (minute < 16*60 || minute > 19*60):
		return 0
	}
	// A fixed scatter: the same moment always gets the same height.
	slot := uint32(when.Unix()/600) * 2654435761 // wraps on purpose
	slot ^= slot >> 15
	slot *= 2246822519
	scatter := int64((slot ^ slot>>13) % 97)
	return int64(apart(Now.Sub(when))/time.Second) * (40 + scatter*scatter/8)
}
