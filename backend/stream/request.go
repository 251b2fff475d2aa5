package stream

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/coditect-ai/coditect-sync/backend/stream/wire"
)

// maxBody is enough for the positions of some ten thousand buckets.
const maxBody = 10 << 20

// principal verifies the token of a request.
func (s *Server) principal(r *http.Request) (Principal, error) {
	token, err := tokenOf(r)
	if err != nil {
		return Principal{}, err
	}
	return s.config.Verifier.Verify(r.Context(), token)
}

func tokenOf(r *http.Request) (string, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if token = strings.TrimSpace(token); token == "" || scheme != "Token" && scheme != "Bearer" {
		return "", errMissing
	}
	return token, nil
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && kind != "text/plain" {
		return nil, errMediaType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, errTooLarge
	}
	if err != nil {
		return nil, errNotJSON
	}
	return body, nil
}

func parseRequest(body []byte) (wire.Request, error) {
	request, err := wire.ParseRequest(body)
	if errors.Is(err, wire.ErrNotJSON) {
		return request, errNotJSON
	}
	if err != nil {
		return request, invalid(err.Error())
	}
	return request, nil
}

// serveWriteCheckpoint gives out the next write checkpoint of a client.
func (s *Server) serveWriteCheckpoint(w http.ResponseWriter, r *http.Request) {
	who, err := s.principal(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	value, err := s.store.Request(r.Context(), who.Subject, r.URL.Query().Get("client_id"), 0)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, map[string]any{"data": map[string]string{"write_checkpoint": strconv.FormatInt(value, 10)}})
}

// serveCheckpointRequest takes a number that the client chose, so that a lost answer can be asked for again.
func (s *Server) serveCheckpointRequest(w http.ResponseWriter, r *http.Request) {
	who, err := s.principal(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	client, value, err := checkpointRequest(w, r)
	if err == nil {
		value, err = s.store.Request(r.Context(), who.Subject, client, value)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, map[string]any{"data": map[string]string{"checkpoint_request_id": strconv.FormatInt(value, 10)}})
}

func checkpointRequest(w http.ResponseWriter, r *http.Request) (client string, value int64, err error) {
	body, err := readBody(w, r)
	if err != nil {
		return "", 0, err
	}
	var in struct {
		Client *string         `json:"client_id"`
		Value  json.RawMessage `json:"checkpoint_request_id"`
	}
	if json.Unmarshal(body, &in) != nil {
		return "", 0, errNotJSON
	}
	if in.Client == nil {
		return "", 0, invalid("must have required property 'client_id'")
	}
	if in.Value == nil {
		return "", 0, invalid("must have required property 'checkpoint_request_id'")
	}
	value, err = strconv.ParseInt(strings.Trim(string(in.Value), `"`), 10, 64)
	if err != nil || value < 1 {
		return "", 0, invalid("Expected checkpoint_request_id between 1 and 9223372036854775807")
	}
	return *in.Client, value, nil
}
