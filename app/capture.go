package app

import "time"

// Enrolment says in which account's cloud a file is enrolled. A file belongs to one account at a time.
type Enrolment struct {
	Server  string `json:"server"`  // URL, as the person gave it
	User    string `json:"user"`    // the account's id
	Machine string `json:"machine"` // the machine id, which is kept outside the file
}

// Capture says how recording a file's changes for the cloud stands.
type Capture struct {
	// Enrolled tells that every change is recorded, in the transaction that makes it.
	Enrolled bool `json:"enrolled"`
	Enrolment
	// ClientID names this state of this file to the server. It is another one after every restore, copy or rebuild.
	ClientID string `json:"client_id,omitempty"`
	// Filing tells that rows that were there before are still being filed; Filed of FilingTotal are.
	Filing      bool  `json:"filing,omitempty"`
	Filed       int64 `json:"filed,omitempty"`
	FilingTotal int64 `json:"filing_total,omitempty"`
	// Waiting is how many changes are not acknowledged by the cloud, Since when the oldest of them was made.
	Waiting int64     `json:"waiting"`
	Since   time.Time `json:"since,omitzero"`
	// Lost is how many items are in lost & found.
	Lost int64 `json:"lost"`
	// Problems are tables whose changes are not all recorded, one for each.
	Problems []Error `json:"problems,omitempty"`
}

// Settled says what a server's answer came to.
type Settled struct {
	Applied  int // groups that are in effect, now or before
	Changes  int // in them
	Rejected int // rows that went to lost & found
	Lost     int // values that lost a conflict in the cloud, which lists them
	// Renewed tells that the file has a new client id, under which all that waits is sent again.
	Renewed bool
	// Drained tells that nothing waited when the answer was taken, and Mark is the newest change there had been then.
	Drained bool
	Mark    int64
}
