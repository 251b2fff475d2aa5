package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collect is a collector of traces, by OTLP over HTTP.
func collect(t *testing.T) (address string, got chan *spans.Span) {
	t.Helper()
	got = make(chan *spans.Span, 1000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var sent collector.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &sent) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		for _, of := range sent.ResourceSpans {
			for _, scope := range of.ScopeSpans {
				for _, s := range scope.Spans {
					got <- s
				}
			}
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

// TestATraceGoesFromPushToLine: a machine names its trace, and the stream's line is the last step of it.
func TestATraceGoesFromPushToLine(t *testing.T) {
	address, got := collect(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
	c := newCloud(t)
	c.does(t, 0, "tenant", "add", "lumen")
	secret := shown.FindStringSubmatch(c.does(t, 0, "user", "add", "mira@lumen.works", "--tenant", "lumen"))[1]
	c.serves(t)
	mira := c.signIn(t, "mira@lumen.works", secret, "studio")
	lines := c.stream(t, mira["access_token"].(string))
	seen(t, lines, "checkpoint_complete")

	const trace, machine = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	r, err := http.NewRequestWithContext(t.Context(), "POST", c.url+"/v1/push", strings.NewReader(fmt.Sprintf(
		`{"machine_id":"studio","client_id":"c1","schema_version":1,"groups":[{"group":1,"changes":[{"table":"decisions","op":"put","id":"d1","data":{"decision":"followed","user_id":%q}}]}]}`, mira["user_id"])))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+mira["access_token"].(string))
	r.Header.Set("traceparent", "00-"+trace+"-"+machine+"-01")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	seen(t, lines, "followed")

	parent := machine
	steps := map[string]*spans.Span{}
	for _, name := range []string{"POST /v1/push", "push", "log", "line"} {
		s := step(t, got, steps, trace, name)
		if hex.EncodeToString(s.ParentSpanId) != parent {
			t.Errorf("%s is below %x, want %s", name, s.ParentSpanId, parent)
		}
		parent = hex.EncodeToString(s.SpanId)
		if text := s.String(); strings.Contains(text, "followed") || strings.Contains(text, "mira") {
			t.Errorf("%s has a row or a person: %s", name, text)
		}
	}
}

// step waits for a step of a trace.
func step(t *testing.T, got chan *spans.Span, steps map[string]*spans.Span, trace, name string) *spans.Span {
	t.Helper()
	for end := time.After(time.Minute); steps[name] == nil; {
		select {
		case s := <-got:
			if hex.EncodeToString(s.TraceId) == trace {
				steps[s.Name] = s
			}
		case <-end:
			t.Fatalf("no %s came, only %v", name, steps)
		}
	}
	return steps[name]
}
