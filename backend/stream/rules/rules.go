package rules

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Definition is everything the stream must know about the data it serves.
type Definition struct {
	Tables  []Table  // only tables of which not every column is sent, or whose identity is not the column id
	Lookups []Lookup // tables that grant keys to people
	Streams []Stream
}

// Table says what of a table's rows is sent.
type Table struct {
	Name    string
	Columns []string // the columns of the document, in the order of the table; empty = all
}

// Lookup is a table whose rows grant keys to people: who is the value of its columns Who, compared with the claims.
type Lookup struct {
	Name   string
	Table  string
	Where  []Condition
	Who    []string // columns
	Claims []string // the claims of the token that Who must equal, in the same order
	Key    []string // columns: what is granted
}

// Stream is a family of buckets that differ by their key.
type Stream struct {
	Name     string
	Priority int  // 0 to 3, the smaller the sooner
	Default  bool // sent to clients that do not name streams
	Claims   []string
	Lookup   string // name of the lookup that grants the keys; empty = the key is the value of Claims
	Sources  []Source
}

// Source is a table whose rows go into a stream's buckets.
type Source struct {
	Table string
	Where []Condition
	Key   []string // columns; a row with one of them NULL is in no bucket
}

// Test is what a condition asks of a column.
type Test string

// The tests.
const (
	Equal   Test = "="
	Null    Test = "is null"
	NotNull Test = "is not null"
)

// Condition is a test of one column.
type Condition struct {
	Column string
	Test   Test
	Value  string // of Equal
}

// Hash tells definitions apart. A log built by another definition must be built anew.
func (d Definition) Hash() []byte {
	text, _ := json.Marshal(d) // strings, numbers and booleans: it cannot fail
	sum := sha256.Sum256(text)
	return sum[:]
}

// TableNames are the tables that the definition reads, sorted, each once.
func (d Definition) TableNames() []string {
	var names []string
	for _, l := range d.Lookups {
		names = append(names, l.Table)
	}
	for _, s := range d.Streams {
		for _, source := range s.Sources {
			names = append(names, source.Table)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Validate returns one sentence per mistake, joined, or nil.
func (d Definition) Validate() error {
	var all []error
	lookups, streams := map[string]Lookup{}, map[string]bool{}
	for _, l := range d.Lookups {
		lookups[l.Name] = l
		if len(l.Who) == 0 || len(l.Who) != len(l.Claims) || len(l.Key) == 0 {
			all = append(all, fmt.Errorf("lookup %s needs as many claims as columns of who, and a key", l.Name))
		}
	}
	for _, s := range d.Streams {
		if streams[s.Name] {
			all = append(all, fmt.Errorf("there are two streams of the name %s", s.Name))
		}
		streams[s.Name] = true
		all = append(all, s.validate(lookups))
	}
	return errors.Join(all...)
}

func (s Stream) validate(lookups map[string]Lookup) error {
	if s.Name == "" || s.Priority < 0 || s.Priority > 3 {
		return fmt.Errorf("stream %q needs a name and a priority from 0 to 3", s.Name)
	}
	width := len(s.Claims)
	if s.Lookup != "" {
		lookup, ok := lookups[s.Lookup]
		if !ok || len(s.Claims) > 0 {
			return fmt.Errorf("stream %s needs a lookup that exists, or claims, not both", s.Name)
		}
		width = len(lookup.Key)
	}
	for _, source := range s.Sources {
		if len(source.Key) != width || width == 0 {
			return fmt.Errorf("stream %s has %d values in a key, its source %s has %d", s.Name, width, source.Table, len(source.Key))
		}
	}
	return nil
}

// Key is the text form of some values, as it stands in bucket names.
func Key(values []string) string {
	text, _ := json.Marshal(values) // strings cannot fail
	return string(text)
}
