package pushapi

import (
	"encoding/json"
	"fmt"
)

// Validate checks a batch before it is sent, as the server will. Its error is an *EnvelopeError, or one of encoding/json.
func (b Batch) Validate() error {
	body, err := json.Marshal(b)
	if err != nil {
		return err
	}
	back, err := Decode(body)
	if err != nil {
		return err
	}
	for i, g := range back.Groups {
		if g.Fault != "" {
			return &EnvelopeError{Where: fmt.Sprintf("groups[%d]", i), Message: g.Fault}
		}
	}
	return nil
}

// validate checks the envelope of a request of size bytes.
func (b *Batch) validate(size int) error {
	switch {
	case b.MachineID == "":
		return &EnvelopeError{Where: "machine_id", Message: "It is missing."}
	case b.ClientID == "":
		return &EnvelopeError{Where: "client_id", Message: "It is missing."}
	case b.SchemaVersion == 0:
		return &EnvelopeError{Where: "schema_version", Message: "It is missing."}
	case len(b.Groups) == 0:
		return &EnvelopeError{Where: "groups", Message: "There are none."}
	case len(b.Groups) > MaxGroups:
		return &EnvelopeError{Where: "groups", Message: fmt.Sprintf("There are more than %d.", MaxGroups), Large: true}
	}
	if err := b.limits(size); err != nil {
		return err
	}
	return b.order()
}

func (b *Batch) limits(size int) error {
	changes := 0
	for i := range b.Groups {
		changes += len(b.Groups[i].Changes)
	}
	if changes > MaxChanges {
		return &EnvelopeError{Where: "groups", Message: fmt.Sprintf("There are more than %d changes.", MaxChanges), Large: true}
	}
	if size > MaxBytes && changes > 1 {
		return &EnvelopeError{Message: fmt.Sprintf("More than %d bytes are taken only with a single change.", MaxBytes), Large: true}
	}
	return nil
}

// order wants numbers that grow, and the parts of a group in order beside each other.
func (b *Batch) order() error {
	var last Group
	for i, g := range b.Groups {
		where := fmt.Sprintf("groups[%d]", i)
		if g.Part < 0 || g.Part > g.Parts || (g.Part == 0) != (g.Parts == 0) || g.Parts > MaxParts {
			return &EnvelopeError{Where: where + ".part", Message: "It is not one of its parts."}
		}
		after := g.Number > last.Number || g.Number == last.Number && g.Part > last.Part && g.Parts == last.Parts
		if !after {
			return &EnvelopeError{Where: where + ".group", Message: "The numbers do not grow."}
		}
		last = g
	}
	return nil
}
