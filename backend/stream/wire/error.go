package wire

import (
	"encoding/json"
	"errors"
)

// ErrNotJSON is wrapped by the error of a body that is no JSON at all.
var ErrNotJSON = errors.New("it is no JSON")

func asType(err error, target **json.UnmarshalTypeError) bool { return errors.As(err, target) }
