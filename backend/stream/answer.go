package stream

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/coditect-ai/coditect-sync/backend/stream/oplog"
)

// failure is the body of an answer that is no stream, in the shape that clients of the protocol know.
type failure struct {
	Code        string `json:"code"`
	Status      int    `json:"status"`
	Description string `json:"description"`
	Details     string `json:"details,omitempty"`
	Name        string `json:"name"`
}

// Error is the description.
func (f *failure) Error() string { return f.Description }

// The failures. What went wrong inside is logged, never answered.
var (
	errMissing    = &failure{CodeTokenMissing, http.StatusUnauthorized, "Authentication required", "", "AuthorizationError"}
	errNotJSON    = &failure{"PSYNC_S2001", http.StatusBadRequest, "Body is not valid JSON", "", "ValidationError"}
	errMediaType  = &failure{"PSYNC_S2001", http.StatusUnsupportedMediaType, "Unsupported Media Type", "", "ValidationError"}
	errNotFound   = &failure{"PSYNC_S2002", http.StatusNotFound, "The path does not exist on this server", "", "RouteNotFound"}
	errTooLarge   = &failure{"PSYNC_S2001", http.StatusRequestEntityTooLarge, "The body is too large", "", "ValidationError"}
	errInside     = &failure{"PSYNC_S2001", http.StatusInternalServerError, "Something went wrong", "", "InternalServerError"}
	errNotReady   = &failure{"PSYNC_S2302", http.StatusServiceUnavailable, "The stream is not ready yet", "", "ServiceError"}
	errCannotTell = &failure{"PSYNC_S2003", http.StatusServiceUnavailable, "Tokens cannot be checked now", "", "ServiceError"}
	errEnding     = &failure{"PSYNC_S2003", http.StatusServiceUnavailable, "The service is shutting down", "", "ServiceError"}
	errStreams    = &failure{"PSYNC_S2304", http.StatusTooManyRequests, "Too many open streams", "", "ServiceError"}
	errBuckets    = &failure{"PSYNC_S2305", http.StatusInternalServerError, "Too many buckets", "", "ServiceError"}
)

func invalid(details string) *failure {
	return &failure{"PSYNC_S2001", http.StatusBadRequest, "Validation failed", details, "ValidationError"}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client has gone
}

// fail answers with a failure; anything else becomes one that tells nothing.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var f *failure
	var refused *AuthError
	switch {
	case errors.As(err, &refused):
		f = &failure{refused.Code, http.StatusUnauthorized, refused.Description, "", "AuthorizationError"}
	case !errors.As(err, &f) && oplog.Unreachable(err):
		s.config.Log.Warn("a request could not be answered yet", "path", r.URL.Path, "error", err)
		f = errNotReady
	case f == nil:
		s.config.Log.Error("a request failed", "path", r.URL.Path, "error", err)
		f = errInside
	}
	answer(w, f.Status, map[string]*failure{"error": f})
}
