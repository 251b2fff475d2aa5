package telemetry

import (
	"context"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/coditect-ai/coditect-sync/backend"
)

// name is the service's where OTEL_SERVICE_NAME says no other, and the instrumentation's.
const name = "coditect-sync-server"

// parent is the header that names a trace, and all that is carried of one.
const parent = "traceparent"

// Tracer is a backend.Tracer.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	format   propagation.TraceContext
}

// New returns a Tracer, or nil where the environment, asked by get, does not turn it on. Close ends it.
func New(ctx context.Context, version string, get func(string) string) (*Tracer, error) {
	exporter := get("OTEL_TRACES_EXPORTER")
	asked := exporter != "" || get("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
	if !asked || exporter == "none" || strings.EqualFold(get("OTEL_SDK_DISABLED"), "true") {
		return nil, nil
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if p := get(name); p != "" && p != "http/protobuf" {
			return nil, backend.Errorf(backend.Invalid, "%s is %q; traces go by http/protobuf.", name, p)
		}
	}
	if exporter != "" && exporter != "otlp" {
		return nil, backend.Errorf(backend.Invalid, "OTEL_TRACES_EXPORTER is %q; traces go by otlp, or none do.", exporter)
	}
	to, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, backend.Errorf(backend.Invalid, "Traces cannot be sent.").Wrap(err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", name), attribute.String("service.version", version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, backend.Errorf(backend.Invalid, "OTEL_RESOURCE_ATTRIBUTES cannot be read.").Wrap(err)
	}
	return with(sdk.NewTracerProvider(sdk.WithBatcher(to), sdk.WithResource(about))), nil
}

func with(provider *sdk.TracerProvider) *Tracer {
	return &Tracer{provider: provider, tracer: provider.Tracer(name)}
}

// Close sends what is left, until ctx ends.
func (t *Tracer) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// Start begins a span. Of an error it keeps the code alone.
func (t *Tracer) Start(ctx context.Context, step string) (context.Context, func(error)) {
	ctx, span := t.tracer.Start(ctx, step)
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, string(backend.CodeOf(err)))
		}
		span.End()
	}
}

// Carry is the traceparent of ctx, if its trace is kept.
func (t *Tracer) Carry(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	t.format.Inject(ctx, carrier)
	return carrier[parent]
}

// Join is ctx under a traceparent.
func (t *Tracer) Join(ctx context.Context, carried string) context.Context {
	return t.format.Extract(ctx, propagation.MapCarrier{parent: carried})
}

// Handler follows requests to the API, under the trace that a client names.
func (t *Tracer) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		step, ok := stepOf(r)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		ctx, span := t.tracer.Start(t.Join(r.Context(), r.Header.Get(parent)), step, trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// stepOf is how a request is called: what comes after its second part may be somebody's name.
func stepOf(r *http.Request) (string, bool) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/v1/")
	first, _, _ := strings.Cut(rest, "/")
	if !ok || first == "" || len(first) > 20 {
		return "", false
	}
	return r.Method + " /v1/" + first, true
}
