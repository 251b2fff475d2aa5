package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

// TestASecretIsNotShown, in whatever a request with it is put, but for the JSON that carries it.
func TestASecretIsNotShown(t *testing.T) {
	req := app.SetupRequest{DB: "/d", Key: "AGE-SECRET-KEY-1X"}
	var out bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil)} {
		slog.New(h).Info("setup", "key", req.Key, "request", req)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("setup", "key", req.Key)
	fmt.Fprintf(&out, "%v %+v %#v %s %q", req, req, req, req.Key, req.Key)
	if strings.Contains(out.String(), "SECRET-KEY") {
		t.Errorf("shown: %s", &out)
	}
	var back app.SetupRequest
	text, err := json.Marshal(req)
	if err != nil || json.Unmarshal(text, &back) != nil || back.Key.Reveal() != "AGE-SECRET-KEY-1X" {
		t.Errorf("%s, %v", text, err)
	}
}
