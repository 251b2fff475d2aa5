package s3

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// TestTrustsTheBundle: a server of one's own has a certificate that only AWS_CA_BUNDLE makes believable.
func TestTrustsTheBundle(t *testing.T) {
	server := apptest.StartS3(t, "memory")
	server.Setenv(t)
	web := httptest.NewTLSServer(server)
	defer web.Close()
	list := func() error {
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		_, err := New(Config{Bucket: "memory", Endpoint: web.URL, Transport: transport}).Dirs(t.Context(), "x")
		return err
	}
	if list() == nil {
		t.Error("a certificate of nobody known was believed")
	}
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	if err := list(); err != nil {
		t.Error(err)
	}
}
