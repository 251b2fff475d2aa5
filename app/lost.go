package app

import (
	"context"
	"encoding/json"
	"time"
)

// Finder is lost & found: what was not accepted, and what lost a conflict. Nothing is dropped from it by itself.
type Finder interface {
	// Lost lists the items, newest first.
	Lost(ctx context.Context) ([]LostItem, error)
	// ReapplyLost writes an item's values into the file as an ordinary change, and removes the item.
	ReapplyLost(ctx context.Context, id string) (LostItem, error)
	// KeepBoth writes an item's values as a row of its own beside the version that is in use, and removes the item. CodeRefused
	// where LostItem.Both says that this cannot be.
	KeepBoth(ctx context.Context, id string) (LostItem, error)
	// DiscardLost removes an item for good.
	DiscardLost(ctx context.Context, id string) error
}

// LostItem is one change that did not get its way.
type LostItem struct {
	ID    string    `json:"id"`
	At    time.Time `json:"at"`
	Kind  LostKind  `json:"kind"`
	Table string    `json:"table"`
	Row   string    `json:"row"` // id of the row
	Op    string    `json:"op"`  // put, patch or delete
	// Mine is what was wanted, Theirs the row as the cloud has it now: objects of columns and values, null for no row. Where
	// the code is LostOverwritten it is the other way round: Mine was somebody else's, and this machine's is in use.
	// They are texts of the memory: hostile until shown as plain text.
	Mine   json.RawMessage `json:"mine,omitempty"`
	Theirs json.RawMessage `json:"theirs,omitempty"`
	// Why is one sentence without values of the row, Code what the server called it.
	Why  string `json:"why"`
	Code string `json:"code,omitempty"`
	// By and Machine say whose the other version is, where that is known: the name of a person, empty for this account, and of
	// a machine. Others chose them: hostile until shown as plain text.
	By      string `json:"by,omitempty"`
	Machine string `json:"machine,omitempty"`
	// Reappliable tells that ReapplyLost can do something with it.
	Reappliable bool `json:"reappliable"`
	// Both tells that KeepBoth can.
	Both bool `json:"both"`
}

// LostOverwritten is the code of a value that this machine took the place of without having seen it.
const LostOverwritten = "overwritten"

// LostKind is how something got into lost & found.
type LostKind string

// The kinds of lost items.
const (
	LostRejected LostKind = "rejected" // the cloud did not accept it
	LostConflict LostKind = "conflict" // another version won
	LostLocal    LostKind = "local"    // found on this machine only, when the rows were compared or fetched anew
	LostShare    LostKind = "share"    // the rows are no longer shared with this account
)
