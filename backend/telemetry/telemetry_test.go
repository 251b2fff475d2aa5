package telemetry

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/coditect-ai/coditect-sync/backend"
)

func TestItIsOffUnlessTurnedOn(t *testing.T) {
	for _, test := range []struct {
		environ string
		on      bool
		wrong   string
	}{
		{environ: ""},
		{environ: "OTEL_SERVICE_NAME=x"},
		{environ: "OTEL_TRACES_EXPORTER=otlp", on: true},
		{environ: "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", on: true},
		{environ: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:1/v1/traces", on: true},
		{environ: "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 OTEL_TRACES_EXPORTER=none"},
		{environ: "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 OTEL_SDK_DISABLED=TRUE"},
		{environ: "OTEL_TRACES_EXPORTER=zipkin", wrong: "zipkin"},
		{environ: "OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_PROTOCOL=grpc", wrong: "grpc"},
	} {
		get := func(name string) string {
			for one := range strings.FieldsSeq(test.environ) {
				if value, ok := strings.CutPrefix(one, name+"="); ok {
					return value
				}
			}
			return ""
		}
		tracer, err := New(t.Context(), "1", get)
		if (tracer != nil) != test.on || (err != nil) != (test.wrong != "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
			t.Errorf("%q: %v, %v", test.environ, tracer, err)
		}
		if tracer != nil {
			_ = tracer.Close(t.Context())
		}
	}
}

func recorder() (*Tracer, *tracetest.SpanRecorder) {
	r := tracetest.NewSpanRecorder()
	return with(sdk.NewTracerProvider(sdk.WithSpanProcessor(r))), r
}

func TestWorkGoesOnElsewhere(t *testing.T) {
	one, first := recorder()
	two, second := recorder()
	ctx, end := one.Start(t.Context(), "push")
	carried := one.Carry(ctx)
	_, done := two.Start(two.Join(t.Context(), carried), "log")
	done(nil)
	end(backend.Errorf(backend.Denied, "Row d1 of mira is not yours.").Wrap(errors.New("content")))
	a, b := first.Ended()[0], second.Ended()[0]
	if a.SpanContext().TraceID() != b.SpanContext().TraceID() || b.Parent().SpanID() != a.SpanContext().SpanID() {
		t.Errorf("%v is not below %v", b, a)
	}
	if a.Status().Description != string(backend.Denied) || len(a.Events()) > 0 || len(a.Attributes()) > 0 {
		t.Errorf("%+v %v", a.Status(), a.Events())
	}
	for _, nonsense := range []string{"", "x", carried + "x"} {
		if got := two.Carry(two.Join(t.Context(), nonsense)); got != "" {
			t.Errorf("%q is taken for %q", nonsense, got)
		}
	}
}

func TestRequestsThatAreFollowed(t *testing.T) {
	tracer, r := recorder()
	h := tracer.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, path := range []string{"/v1/push", "/v1/teams/t1/members/mira", "/healthz", "/v1/", "/v1/" + strings.Repeat("x", 100), "/sync/stream"} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", path, nil))
	}
	var names []string
	for _, s := range r.Ended() {
		names = append(names, s.Name())
	}
	if got := strings.Join(names, ", "); got != "POST /v1/push, POST /v1/teams" {
		t.Error(got)
	}
}
