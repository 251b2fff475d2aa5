package pushapi

import (
	"encoding/json"
	"strconv"
)

// Outbox is what a client has to send now. Its groups have their Raw bytes and no Changes: what is sent again is the same
// bytes.
type Outbox struct {
	ClientID string
	After    int64 // the last group that was answered, 0 for none
	Groups   []Group
	Changes  int   // in Groups
	More     bool  // there is more than this
	Mark     int64 // the newest change that was recorded when this was read: it is among these, was answered, or there is More
}

// Body is the request as a whole.
func (o Outbox) Body(machine string) []byte {
	size := 200 + 2*MaxName
	for _, g := range o.Groups {
		size += len(g.Raw) + 1
	}
	b := append(make([]byte, 0, size), `{"machine_id":`...)
	b = append(appendName(b, machine), `,"client_id":`...)
	b = append(appendName(b, o.ClientID), `,"schema_version":`...)
	b = strconv.AppendInt(b, SchemaVersion, 10)
	if o.After > 0 {
		b = strconv.AppendInt(append(b, `,"after":`...), o.After, 10)
	}
	b = append(b, `,"groups":[`...)
	for i, g := range o.Groups {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, g.Raw...)
	}
	return append(b, "]}"...)
}

// appendName appends a text as JSON.
func appendName(b []byte, name string) []byte {
	text, err := json.Marshal(name)
	if err != nil {
		return append(b, `""`...) // a text alone cannot fail
	}
	return append(b, text...)
}
