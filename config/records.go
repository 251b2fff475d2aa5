package config

import (
	"maps"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// Records are what the agent must remember between runs about things that happened.
type Records struct {
	// Machine is the id of the machine they are about; empty before the first save.
	Machine string `json:"machine,omitempty"`
	// TargetRecord is of the first target, More are those of the others, by URL.
	TargetRecord
	More map[string]TargetRecord `json:"more,omitempty"`
	Undo *app.UndoPoint          `json:"undo,omitempty"`
	// Pins are the points that retention must keep until their Pinned time.
	Pins []app.RestorePoint `json:"pins,omitempty"`
	// Unfinished is a restore that has not come to its end, nil for none.
	Unfinished *Unfinished `json:"unfinished,omitempty"`
	// Cloud is what is known of the account's side, nil before the first sync.
	Cloud *CloudRecord `json:"cloud,omitempty"`
}

// Unfinished is the image of a restore that is under way or was interrupted.
type Unfinished struct {
	Image string    `json:"image"` // its path
	Of    string    `json:"of"`    // the file, storage, machine and point it is of
	At    time.Time `json:"at"`    // when it was begun or gone on with last
}

// TargetRecord is what is known of one target.
type TargetRecord struct {
	LastDrill *app.Drill `json:"last_drill,omitempty"`
	// FirstCopyAt is when the first full copy was complete; zero before that.
	FirstCopyAt time.Time `json:"first_copy_at,omitzero"`
	// ReplicatedTXID is the newest point known to be at the target, LastReplicatedAt the time up to which every row
	// committed before it is there.
	ReplicatedTXID   string    `json:"replicated_txid,omitempty"`
	LastReplicatedAt time.Time `json:"last_replicated_at,omitzero"`
	// Usage is what was asked of the target, for the estimate of what it costs.
	Usage app.Usage `json:"usage,omitzero"`
}

// Of is what is known of a target that has the URL; first is that of the first one.
func (r Records) Of(target, first string) TargetRecord {
	if target == first {
		return r.TargetRecord
	}
	return r.More[target]
}

// Set notes what is known of a target. A map that was read before stays as it is.
func (r *Records) Set(target, first string, t TargetRecord) {
	if target == first {
		r.TargetRecord = t
		return
	}
	more := maps.Clone(r.More)
	if more == nil {
		more = map[string]TargetRecord{}
	}
	more[target] = t
	r.More = more
}

// CloudRecord is what was known when the engine of cloud mode last said something.
type CloudRecord struct {
	Server       string     `json:"server"`
	User         string     `json:"user"`
	LastProof    *app.Proof `json:"last_proof,omitempty"`
	LastPushedAt time.Time  `json:"last_pushed_at,omitzero"`
	LastSyncedAt time.Time  `json:"last_synced_at,omitzero"`
}

// RecordsFile keeps the Records.
type RecordsFile struct{ Path string }

// Load returns the records, and empty ones where there is no file. A torn or foreign file is moved aside and damaged
// says so.
func (f RecordsFile) Load() (records Records, damaged *app.Error, err error) { return f.store().load() }

// Save replaces the records; they survive a crash or a power cut at any moment.
func (f RecordsFile) Save(records Records) error { return f.store().save(records) }

func (f RecordsFile) store() store[Records] {
	return store[Records]{path: f.Path, kind: "coditect-sync records", version: 1, check: func(Records) error { return nil }}
}
