package pushapi

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// EnvelopeError says what is wrong with a request as a whole: nothing in it can be answered one by one. It has no values of
// rows.
type EnvelopeError struct {
	Where   string // e.g. "groups[3].group"
	Message string
	Large   bool // it is over a limit
}

func (e *EnvelopeError) Error() string {
	if e.Where == "" {
		return e.Message
	}
	return e.Where + ": " + e.Message
}

// Decode reads and validates a request. Its error is an *EnvelopeError. A group that cannot be read, but numbered, is in the
// batch with its Fault. Raw and the values of changes share body's memory.
func Decode(body []byte) (Batch, error) {
	if len(body) > MaxBody {
		return Batch{}, &EnvelopeError{Message: "The request is too large.", Large: true}
	}
	if !json.Valid(body) {
		return Batch{}, &EnvelopeError{Message: "The body is no JSON."}
	}
	if open(body, '{') == nil {
		return Batch{}, &EnvelopeError{Message: "The body is no object."}
	}
	var b Batch
	for name, raw := range Members(body) {
		if err := b.member(name, raw); err != nil {
			return Batch{}, err
		}
	}
	err := b.validate(len(body))
	return b, err
}

func (b *Batch) member(name string, raw []byte) error {
	var ok bool
	switch name {
	case "machine_id":
		b.MachineID, ok = shortName(raw)
	case "client_id":
		b.ClientID, ok = shortName(raw)
	case "schema_version":
		b.SchemaVersion, ok = number(raw)
	case "after":
		b.After, ok = integer(raw)
	case "groups":
		return b.groups(raw)
	default:
		ok = true
	}
	if !ok {
		return &EnvelopeError{Where: name, Message: "This is not what belongs here."}
	}
	return nil
}

func (b *Batch) groups(array []byte) error {
	for raw := range elements(array) {
		g := DecodeGroup(raw)
		if g.Number <= 0 {
			return &EnvelopeError{Where: fmt.Sprintf("groups[%d].group", len(b.Groups)), Message: "A group needs a number from 1 on."}
		}
		b.Groups = append(b.Groups, g)
	}
	return nil
}

// DecodeGroup reads a group, or a part of one, from the Raw of a decoded one.
func DecodeGroup(raw []byte) Group {
	g := Group{Raw: raw}
	for name, v := range Members(raw) {
		g.member(name, v)
	}
	if !utf8.Valid(raw) {
		g.Fault = "The text is not UTF-8."
	}
	return g
}

func (g *Group) member(name string, raw []byte) {
	ok := true
	switch name {
	case "group":
		g.Number, _ = integer(raw)
	case "part":
		g.Part, ok = number(raw)
	case "parts":
		g.Parts, ok = number(raw)
	case "changes":
		ok = g.changes(raw)
	}
	if !ok && g.Fault == "" {
		g.Fault = "The member " + name + " cannot be read."
	}
}

func (g *Group) changes(array []byte) bool {
	if raw := space(array); len(raw) == 0 || raw[0] != '[' {
		return false
	}
	for raw := range elements(array) {
		c, fault := change(raw)
		if fault != "" && g.Fault == "" {
			g.Fault = fmt.Sprintf("Change %d: %s", len(g.Changes), fault)
		}
		g.Changes = append(g.Changes, c)
	}
	return true
}

// change reads one change; fault is a sentence, "" for none.
func change(object []byte) (c Change, fault string) {
	if raw := space(object); raw[0] != '{' {
		return c, "It is no object."
	}
	for name, raw := range Members(object) {
		ok := true
		switch name {
		case "table":
			c.Table, ok = shortText(raw, MaxName)
		case "op":
			c.Op, ok = op(raw)
		case "id":
			c.ID, ok = shortText(raw, MaxID)
		case "data":
			c.Data, ok = objectOrNull(raw)
		case "old":
			c.Old, ok = objectOrNull(raw)
		case "hlc":
			c.HLC, ok = clock(raw)
		}
		if !ok {
			return c, "Its member " + name + " cannot be read."
		}
	}
	if c.Table == "" || c.ID == "" || c.Op == "" {
		return c, "It needs a table, an op and an id."
	}
	if c.Op != Delete && c.Data == nil {
		return c, "It needs data."
	}
	return c, ""
}

func op(raw []byte) (Op, bool) {
	s, err := Text(raw)
	return Op(s), err == nil && (Op(s) == Put || Op(s) == Patch || Op(s) == Delete)
}

func clock(raw []byte) (HLC, bool) {
	if string(raw) == "null" {
		return "", true
	}
	s, err := Text(raw)
	return HLC(s), err == nil && HLC(s).Valid()
}

func objectOrNull(raw []byte) (json.RawMessage, bool) {
	if string(raw) == "null" {
		return nil, true
	}
	return raw, raw[0] == '{'
}

func shortText(raw []byte, limit int) (string, bool) {
	s, err := Text(raw)
	return s, err == nil && s != "" && len(s) <= limit
}

func shortName(raw []byte) (string, bool) {
	s, err := Text(raw)
	return s, err == nil && isName(s)
}

func integer(raw []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(raw), 10, 64)
	return n, err == nil && n >= 0
}

func number(raw []byte) (int, bool) {
	n, ok := integer(raw)
	return int(n), ok && n < 1<<31
}
