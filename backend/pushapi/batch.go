package pushapi

import "encoding/json"

// Limits of a request, after inflating. A single change may be larger than MaxBytes, up to MaxChange, if it comes alone.
const (
	MaxChanges = 1000
	MaxGroups  = 100
	MaxBytes   = 4 << 20
	MaxChange  = 15 << 20
	MaxBody    = MaxChange + 1<<20
	MaxParts   = 1000
	MaxStaged  = 128 << 20 // all parts of one group
	MaxName    = 128       // bytes of the id of a machine or client
	MaxID      = 255       // bytes of the id of a row
)

// SchemaVersion is the version of the tables that this program knows. A server answers retry to a group that it does not
// understand from a client with a higher one.
const SchemaVersion = 1

// Batch is one request.
type Batch struct {
	MachineID     string  `json:"machine_id"`
	ClientID      string  `json:"client_id"`
	SchemaVersion int     `json:"schema_version"`
	After         int64   `json:"after,omitempty"`
	Groups        []Group `json:"groups"`
}

// Group is one group, or a part of one.
type Group struct {
	Number  int64    `json:"group"`
	Part    int      `json:"part,omitempty"` // from 1; 0 in a whole group
	Parts   int      `json:"parts,omitempty"`
	Changes []Change `json:"changes"`

	Raw   []byte `json:"-"` // as received
	Fault string `json:"-"` // why Changes could not be read: a sentence without values
}

// Op is what a change does to its row.
type Op string

// The three of them.
const (
	Put    Op = "put"
	Patch  Op = "patch"
	Delete Op = "delete"
)

// Change is one row's change. Data and Old are objects of column names and values; empty is none.
type Change struct {
	Table string          `json:"table"`
	Op    Op              `json:"op"`
	ID    string          `json:"id"`
	Data  json.RawMessage `json:"data,omitempty"`
	Old   json.RawMessage `json:"old,omitempty"`
	HLC   HLC             `json:"hlc,omitempty"`
}

// Answer is the body of a 200.
type Answer struct {
	Results []Result `json:"results"`
	Time    string   `json:"time"` // the server's clock, RFC 3339 with milliseconds
}

// Status is what became of a group.
type Status string

// See the package documentation.
const (
	Applied   Status = "applied"
	Staged    Status = "staged"
	Duplicate Status = "duplicate"
	Rejected  Status = "rejected"
	Retry     Status = "retry"
)

// Code says why a group was rejected, or is to be sent again.
type Code string

// Codes of rejected groups, and of those to be sent again.
const (
	Malformed   Code = "MALFORMED"    // not the shape of a group
	UnknownName Code = "UNKNOWN_NAME" // no such table or column
	BadValue    Code = "BAD_VALUE"    // the column cannot hold it
	Forbidden   Code = "FORBIDDEN"    // the row or its project may not be written by this account
	NotFound    Code = "NOT_FOUND"    // no such row, or not for this account
	Reused      Code = "GROUP_REUSED" // the number was used for something else: take a new client id
	TooLarge    Code = "TOO_LARGE"    // more than MaxStaged: send it as several groups
	Unknown     Code = "UNKNOWN"      // failed many times for a reason the server does not know

	SchemaAhead Code = "SCHEMA_AHEAD" // the server does not know the client's newer tables yet
	OutOfOrder  Code = "OUT_OF_ORDER" // the group named by after has not been seen
	NotTried    Code = "NOT_TRIED"    // something before it is to be sent again first
	Trouble     Code = "TROUBLE"      // failed for a reason that may pass
)

// Result is what became of one group or part. Message is a sentence without values of the row.
type Result struct {
	Group   int64  `json:"group"`
	Part    int    `json:"part,omitempty"`
	Status  Status `json:"status"`
	Lost    int    `json:"lost,omitempty"`
	Code    Code   `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	Change  *int   `json:"change,omitempty"` // from 0, within the group, when it is known
	Table   string `json:"table,omitempty"`
	ID      string `json:"id,omitempty"`
	Current []Row  `json:"current,omitempty"` // of a rejected group: each of its rows as the server has it
	// Unread is a client's own: the group never came to where it would have been noted as answered.
	Unread bool `json:"-"`
}

// Row is a row as the server has it; Data is null where there is none for this account.
type Row struct {
	Table string          `json:"table"`
	ID    string          `json:"id"`
	Data  json.RawMessage `json:"data"`
}
