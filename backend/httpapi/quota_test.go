package httpapi_test

import (
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/postgres"
)

func TestTheLimitOfADayIsTold(t *testing.T) {
	s := newServer(t, pgtest.New(t), plenty)
	limited, err := postgres.Open(t.Context(), postgres.Config{DSN: s.db.DSN("app_api"), MaxConns: 2, Daily: 10, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(limited.Close)
	s.api.Store = limited
	s.push(t, one)
	response, text := s.request(t, "POST", "/v1/push", strings.NewReader(strings.Replace(one, `"group":1`, `"group":2`, 1)))
	wantProblem(t, response, text, 429, "RATE_LIMITED")
	if wait, err := strconv.Atoi(response.Header.Get("Retry-After")); err != nil || wait < 1 || wait > 86400 || !strings.Contains(text, "tomorrow") {
		t.Errorf("Retry-After %d: %s", wait, text)
	}
}
