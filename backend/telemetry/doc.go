// Package telemetry is a backend.Tracer by OpenTelemetry. It is off unless the standard environment variables turn it on:
//
//	OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT   where spans go, http://HOST:4318, by OTLP over HTTP
//	OTEL_TRACES_EXPORTER=otlp   to the usual place on this machine; none: off
//	OTEL_SDK_DISABLED=true      off
//
// OTEL_TRACES_SAMPLER, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES and the others mean what they always do.
//
// A trace goes from the request of a machine ("POST /v1/push", a child of the machine's own span where it sends traceparent)
// over the transaction ("push") and the writer of the stream's log ("log", which learns of it by a message in PostgreSQL's own
// log, in the order of the commits) to each stream that the commit concerns ("line", ended when its lines are sent).
package telemetry
