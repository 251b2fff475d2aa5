package pushapi

// Proof is the body of a 200 of GET /v1/proof: what the account may see of each table, counted and hashed in one moment, to be
// held against a machine's own file. The parameter table, which may be repeated, asks for some tables only.
//
// Sum is, in 16 hex digits, the sum modulo 2^64 of the rows' hashes; a row's hash is PostgreSQL's hashtextextended(text, 0) of
// the columns of config/schema, in table order, each written as
//
//	n                    NULL; also NaN, which SQLite stores as NULL
//	i<len>:<decimal>     an integer
//	r<len>:<16 hex>      a real: the bits of its IEEE 754 form, -0 taken as 0
//	t<len>:<bytes>       a text
//
// where len counts the bytes after the colon.
type Proof struct {
	Time   string      `json:"time"` // the server's clock, RFC 3339 with milliseconds, when it began to read
	Tables []TableHash `json:"tables"`
}

// TableHash is what Proof says of one table.
type TableHash struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"`
	Sum   string `json:"sum"`
}

// Limits of a POST /v1/proof.
const (
	MaxProofIDs   = 10_000 // of all lists
	MaxProofLists = 1000
)

// ProofQuestion is the body of POST /v1/proof: lists of rows to be counted and hashed, each by itself, so that a machine can
// hold its own rows against the cloud's although others have rows there too, and can find the very row that differs.
type ProofQuestion struct {
	Lists []ProofList `json:"lists"`
	// WithoutOwner takes user_id for NULL in every row. The server says whose a row is, whatever a program wrote there, so a
	// machine that has not got its own rows back yet cannot know it.
	WithoutOwner bool `json:"without_owner,omitempty"`
}

// ProofList is some rows of a table, by their ids. An id that is named twice counts twice.
type ProofList struct {
	Table string   `json:"table"`
	IDs   []string `json:"ids"`
}

// ProofAnswer is the body of a 200 of POST /v1/proof: for each list, in order, how many of its rows the account sees, and their
// sum, as in Proof; all as of one moment.
type ProofAnswer struct {
	Time  string      `json:"time"`
	Lists []TableHash `json:"lists"`
}
