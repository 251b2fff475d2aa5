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
	// Mine is what was wanted, Theirs the row as the cloud has it now: objects of columns and values, null for no row.
	// They are texts of the memory: hostile until shown as plain text.
	Mine   json.RawMessage `json:"mine,omitempty"`
	Theirs json.RawMessage `json:"theirs,omitempty"`
	// Why is one sentence without values of the row, Code what the server called it.
	Why  string `json:"why"`
	Code string `json:"code,omitempty"`
	// By and Machine say whose version won, where that is known.
	By      string `json:"by,omitempty"`
	Machine string `json:"machine,omitempty"`
	// Reappliable tells that ReapplyLost can do something with it.
	Reappliable bool `json:"reappliable"`
}

// LostKind is how something got into lost & found.
type LostKind string

// The kinds of lost items.
const (
	LostRejected LostKind = "rejected" // the cloud did not accept it
	LostConflict LostKind = "conflict" // another version won
	LostLocal    LostKind = "local"    // found on this machine only, when the rows were compared or fetched anew
	LostShare    LostKind = "share"    // the rows are no longer shared with this account
)
