package pushapi

import (
	"fmt"
	"strconv"
	"time"
)

// HLC is a hybrid logical clock: twelve hexadecimal digits of milliseconds since 1970, four of a counter, and the client id
// that breaks ties: "0193f0c0a1b2-0001-CLIENT". Its order is the order of its bytes. The empty one is older than any other.
type HLC string

const clockLen = 12 + 1 + 4 + 1

// NewHLC is the clock of a moment.
func NewHLC(at time.Time, counter uint16, node string) HLC {
	return HLC(fmt.Sprintf("%012x-%04x-%s", max(at.UnixMilli(), 0), counter, node))
}

// Valid reports whether h has the form of a clock.
func (h HLC) Valid() bool {
	if len(h) <= clockLen || len(h) > clockLen+MaxName || h[12] != '-' || h[17] != '-' {
		return false
	}
	return isHex(h[:12]) && isHex(h[13:17]) && isName(string(h[clockLen:]))
}

// Time is the moment, to the millisecond. The zero time when h is not valid.
func (h HLC) Time() time.Time {
	if !h.Valid() {
		return time.Time{}
	}
	ms, err := strconv.ParseInt(string(h[:12]), 16, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// Node is the client that wrote it, "" when h is not valid.
func (h HLC) Node() string {
	if len(h) <= clockLen {
		return ""
	}
	return string(h[clockLen:])
}

// AtMost is h, or the same counter and node at the limit when h is later.
func (h HLC) AtMost(limit time.Time) HLC {
	if at := fmt.Sprintf("%012x", max(limit.UnixMilli(), 0)); string(h[:12]) > at {
		return HLC(at) + h[12:]
	}
	return h
}

func isHex(s HLC) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// isName reports whether s may name a machine or a client: printable ASCII without a space, so that it is the same
// thing in every log, file and collation.
func isName(s string) bool {
	if s == "" || len(s) > MaxName {
		return false
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}
