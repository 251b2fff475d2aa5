package stream

import (
	"context"
	"fmt"
	"time"
)

// Principal is whom a token stands for.
type Principal struct {
	Subject string            // whose write checkpoints: with the client's id, the key of them
	Claims  map[string]string // what the rules ask for, sub among them
	Expires time.Time
}

// Verifier checks tokens. Verify returns an AuthError for a token that is not accepted, and another error where it
// cannot tell. It may accept a token that expired a moment ago; the stream then ends with its first line.
type Verifier interface {
	Verify(ctx context.Context, token string) (Principal, error)
}

// AuthError says why a token is not accepted, in the terms that clients of the protocol know.
type AuthError struct {
	Code        string // such as PSYNC_S2101
	Description string // one sentence; never holds the token
}

// Error is the code and the description.
func (e *AuthError) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Description) }

// The codes of refused tokens.
const (
	CodeBadToken     = "PSYNC_S2101"
	CodeExpired      = "PSYNC_S2103"
	CodeTooLong      = "PSYNC_S2104"
	CodeBadAudience  = "PSYNC_S2105"
	CodeTokenMissing = "PSYNC_S2106"
)
