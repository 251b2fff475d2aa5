package main

import (
	"context"

	"github.com/coditect-ai/coditect-sync/backend/httpapi"
	"github.com/coditect-ai/coditect-sync/backend/postgres"
)

// slotGauges tell how those are who follow the database's log, the built-in stream or another: what is not followed fills
// the database's disk. Every server tells the same, so alerts take the greatest.
func slotGauges(store *postgres.Store) []httpapi.Gauge {
	gauge := func(name, help string, of func(postgres.Slots) float64) httpapi.Gauge {
		return httpapi.Gauge{Name: name, Help: help, Read: func(ctx context.Context) (float64, error) {
			slots, err := store.Slots(ctx)
			return of(slots), err
		}}
	}
	return []httpapi.Gauge{
		gauge("coditect_slot_behind_bytes", "Bytes of the database's log that the last of those who follow it has not confirmed.",
			func(s postgres.Slots) float64 { return float64(s.Behind) }),
		gauge("coditect_slots_idle", "Replication slots that nobody reads.", func(s postgres.Slots) float64 { return float64(s.Idle) }),
		gauge("coditect_slots_lost", "Replication slots that the database has given up.", func(s postgres.Slots) float64 { return float64(s.Lost) }),
	}
}
