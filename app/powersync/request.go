package powersync

import (
	"encoding/json"
	"strconv"
)

// Subscription asks for a stream that is not sent unasked.
type Subscription struct {
	Stream     string         `json:"stream"`
	Parameters map[string]any `json:"parameters"`
	Priority   *int           `json:"override_priority"`
}

type request struct {
	Buckets         []position        `json:"buckets"`
	IncludeChecksum bool              `json:"include_checksum"`
	RawData         bool              `json:"raw_data"`
	ClientID        string            `json:"client_id"`
	Parameters      map[string]any    `json:"parameters"`
	AppMetadata     map[string]string `json:"app_metadata,omitempty"`
	Streams         asked             `json:"streams"`
}

type position struct {
	Name  string `json:"name"`
	After string `json:"after"`
}

type asked struct {
	IncludeDefaults bool           `json:"include_defaults"`
	Subscriptions   []Subscription `json:"subscriptions"`
}

// Request is the body of the POST that opens the stream: application/json.
func (m *Machine) Request() ([]byte, error) {
	r := request{
		Buckets: []position{}, IncludeChecksum: true, RawData: true, ClientID: m.cfg.ClientID,
		Parameters: map[string]any{}, AppMetadata: m.cfg.Metadata, Streams: asked{true, m.cfg.Subscriptions},
	}
	if r.Streams.Subscriptions == nil {
		r.Streams.Subscriptions = []Subscription{}
	}
	for _, b := range m.cfg.Buckets {
		r.Buckets = append(r.Buckets, position{b.Name, strconv.FormatInt(b.Position, 10)})
	}
	return json.Marshal(r)
}
