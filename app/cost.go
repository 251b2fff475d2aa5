package app

import (
	"fmt"
	"strconv"
	"time"
)

// Usage is what an engine asked of a target, as counted.
type Usage struct {
	Since   time.Time `json:"since,omitzero"` // from when on it was counted
	Writes  int64     `json:"writes"`         // requests that write or list
	Reads   int64     `json:"reads"`          // requests that read
	Fetched int64     `json:"fetched_bytes"`  // what test restores and looks read
	Stored  int64     `json:"stored_bytes"`   // what this machine has there now
}

// usageWindow is what a Usage is about: no more than the last month or two.
const usageWindow = 60 * 24 * time.Hour

// Recent forgets the first half of what was counted over more than two months, so that a month long ago does not weigh
// for ever.
func (u Usage) Recent(now time.Time) Usage {
	if u.Since.IsZero() || now.Sub(u.Since) <= usageWindow {
		return u
	}
	u.Since = now.Add(-usageWindow / 2)
	u.Writes, u.Reads, u.Fetched = u.Writes/2, u.Reads/2, u.Fetched/2
	return u
}

// Cost is what a month is estimated to cost at the target, in US dollars, by its parts: what is measured now, a month long.
type Cost struct {
	Total    float64 `json:"usd"`
	Requests float64 `json:"requests_usd"`
	Storage  float64 `json:"storage_usd"`
	Fetching float64 `json:"fetching_usd"` // of test restores, out of the target's network
	// Writes, Reads and Fetched are a month's; Stored is what is there.
	Writes  int64 `json:"writes"`
	Reads   int64 `json:"reads"`
	Fetched int64 `json:"fetched_bytes"`
	Stored  int64 `json:"stored_bytes"`
	// Measured is from when on it was counted, Prices whose prices they are.
	Measured time.Time `json:"measured_since,omitzero"`
	Prices   string    `json:"prices,omitempty"`
	// Unpriced is of a target whose prices are not known: its requests and bytes are, and what they cost is not.
	Unpriced bool `json:"unpriced,omitempty"`
}

// Plus is what two targets cost together; what is not known adds nothing.
func (c *Cost) Plus(more *Cost) *Cost {
	switch {
	case c == nil, c.Unpriced && more != nil:
		return more
	case more == nil, more.Unpriced:
		return c
	}
	sum := *c
	sum.Total, sum.Requests = c.Total+more.Total, c.Requests+more.Requests
	sum.Storage, sum.Fetching = c.Storage+more.Storage, c.Fetching+more.Fetching
	sum.Writes, sum.Reads = c.Writes+more.Writes, c.Reads+more.Reads
	sum.Fetched, sum.Stored = c.Fetched+more.Fetched, c.Stored+more.Stored
	switch {
	case c.Prices == "":
		sum.Prices = more.Prices
	case more.Prices != "" && more.Prices != c.Prices:
		sum.Prices = c.Prices + "; " + more.Prices
	}
	return &sum
}

// InWords is "about $0.04 a month: requests $0.01, 1.2 GB stored $0.02, test restores $0.01.", or that it costs nothing, or what
// there is to be paid for where the prices are not known.
func (c Cost) InWords() string {
	if c.Unpriced {
		return fmt.Sprintf("not known, as the prices there are not: about %s requests that write and %s that read a month, %.1f\u00a0GB stored, %.1f\u00a0GB read by test restores.",
			grouped(c.Writes), grouped(c.Reads), float64(c.Stored)/1e9, float64(c.Fetched)/1e9)
	}
	if c.Prices == "" {
		return "nothing: it is a folder of your own."
	}
	total := fmt.Sprintf("about $%.2f", c.Total)
	if c.Total < 0.005 {
		total = "less than $0.01"
	}
	return fmt.Sprintf("%s a month: requests $%.2f, %.1f\u00a0GB stored $%.2f, test restores $%.2f.",
		total, c.Requests, float64(c.Stored)/1e9, c.Storage, c.Fetching)
}

// grouped is "38,000".
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
