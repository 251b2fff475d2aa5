package wire

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
)

// Request is what a client says when it opens a stream. Keys that are not here are ignored.
type Request struct {
	Positions map[string]int64 // per bucket the last operation the client has
	ClientID  string
	Raw       bool           // documents as strings, as they were summed; else as nested objects
	Defaults  bool           // the streams that are sent unasked
	Asked     []Subscription // the others
}

// Subscription asks for one stream by its name.
type Subscription struct {
	Stream   string
	Priority *int // instead of the stream's own
}

type requestJSON struct {
	Buckets []struct {
		Name  *string `json:"name"`
		After *string `json:"after"`
	} `json:"buckets"`
	ClientID string `json:"client_id"`
	RawData  bool   `json:"raw_data"`
	Streams  *struct {
		IncludeDefaults *bool `json:"include_defaults"`
		Subscriptions   []struct {
			Stream   string `json:"stream"`
			Priority *int   `json:"override_priority"`
		} `json:"subscriptions"`
	} `json:"streams"`
}

// ParseRequest reads the body of a request. The error says what is wrong with it, without repeating a value.
func ParseRequest(body []byte) (Request, error) {
	r := Request{Positions: map[string]int64{}, Defaults: true}
	var in requestJSON
	if strings.HasPrefix(strings.TrimSpace(string(body)), "[") {
		return r, nil // recorded: an array is taken for an empty request
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return r, fmt.Errorf("the body does not have the shape of a request: %w", shape(err))
	}
	for i, b := range in.Buckets {
		if b.Name == nil || b.After == nil {
			return r, fmt.Errorf("/buckets/%d must have a name and a position after", i)
		}
		after, ok := position(*b.After)
		if !ok {
			return r, fmt.Errorf("/buckets/%d/after must be a number", i)
		}
		r.Positions[*b.Name] = after
	}
	r.ClientID, r.Raw = in.ClientID, in.RawData
	if s := in.Streams; s != nil {
		r.Defaults = s.IncludeDefaults == nil || *s.IncludeDefaults
		for _, asked := range s.Subscriptions {
			r.Asked = append(r.Asked, Subscription(asked))
		}
	}
	return r, nil
}

// position reads a position; one outside of what can be is as far as can be.
func position(text string) (int64, bool) {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return 0, false
	}
	if n.Sign() < 0 {
		return 0, true
	}
	if !n.IsInt64() {
		return 1<<63 - 1, true
	}
	return n.Int64(), true
}

// shape drops what encoding/json quotes of the body.
func shape(err error) error {
	var wrong *json.UnmarshalTypeError
	if ok := asType(err, &wrong); ok {
		return fmt.Errorf("/%s must not be a %s", strings.ReplaceAll(wrong.Field, ".", "/"), wrong.Value)
	}
	return ErrNotJSON
}
