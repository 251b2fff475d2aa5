package oplog

import (
	"context"
	"strings"
)

// Tracer follows the work of a push; a backend.Tracer is one.
type Tracer interface {
	Start(ctx context.Context, step string) (context.Context, func(error))
	Carry(ctx context.Context) string
	Join(ctx context.Context, carried string) context.Context
}

// tracePrefix marks the logical messages that name the trace of the transaction that they are in.
const tracePrefix = "coditect_trace"

// Limits of what is followed at once: a notification has 8,000 bytes.
const (
	mostTraces = 64
	mostTrace  = 100
)

// followed is a trace of a transaction that is being written, and how its step here ends.
type followed struct {
	carried string
	end     func(error)
}

// trace begins the step of the transaction that is being received.
func (h *holder) trace(carried string) {
	if h.config.Trace == nil || h.skip || len(h.traces) >= mostTraces || len(carried) > mostTrace || strings.ContainsAny(carried, " \x00") {
		return
	}
	ctx := h.config.Trace.Join(context.Background(), carried)
	ctx, end := h.config.Trace.Start(ctx, "log")
	if onward := h.config.Trace.Carry(ctx); onward != "" {
		carried = onward
	}
	h.traces = append(h.traces, followed{carried, end})
}

// told ends the steps of what was written, well or with an error, and names them to the servers.
func (h *holder) told(err error) {
	for _, t := range h.traces {
		t.end(err)
	}
	h.traces = nil
}

// payload is what the notification of a commit says.
func (h *holder) payload() string {
	var all []string
	for _, t := range h.traces {
		all = append(all, t.carried)
	}
	return strings.Join(all, " ")
}
