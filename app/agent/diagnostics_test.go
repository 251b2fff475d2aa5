package agent_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestDiagnosticsHoldNoSecret(t *testing.T) {
	secretWords := []string{
		"hunter2", "ya29.AbCdEf", "eyJhbGciOi.eyJzdWIiOi", "MIIEvQIBADANB", "thinkpad", "mira@example.org", "s3cr3t",
		"AIzaSyA1234567890123456789012345678901", "copies-of-mira", "GOCSPX-aBcD", "1//0eXyZ",
	}
	h := newHome(t)
	h.cfg.Host = "thinkpad"
	a := h.start()
	if _, err := a.Setup(t.Context(), app.SetupRequest{DB: h.world.Path, Target: "file://" + t.TempDir() + "/copies-of-mira"}); err != nil {
		t.Fatal(err)
	}
	log := `{"level":"ERROR","msg":"x","error":"Get https://mira:hunter2@host/p?access_token=s3cr3t&x=1","host":"thinkpad"}
{"msg":"Authorization: Bearer ya29.AbCdEf-123","body":"{\"refresh_token\": \"s3cr3t\", \"private_key\": \"-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANB\\n-----END PRIVATE KEY-----\\n\"}"}
google GOCSPX-aBcD1234 and 1//0eXyZ-abc123
jwt eyJhbGciOi.eyJzdWIiOi.c2ln by mira@example.org with AIzaSyA1234567890123456789012345678901
`
	if err := os.WriteFile(h.cfg.Layout.Log, []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := a.Diagnostics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		for _, word := range secretWords {
			if strings.Contains(text, word) {
				t.Errorf("%s holds %s:\n%s", name, word, text)
			}
		}
		if strings.HasSuffix(name, ".json") && !json.Valid([]byte(text)) {
			t.Errorf("%s is no JSON any more:\n%s", name, text)
		}
	}
	want := []string{"about.json", "activity.json", "agent.log", "doctor.json", "prefs.json", "status.json"}
	if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, want) || !strings.Contains(files["agent.log"], "[secret]") {
		t.Errorf("%q\n%s", got, files["agent.log"])
	}
}
