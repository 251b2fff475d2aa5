package backend

import "context"

// Tracer follows a piece of work through the server: from a push over the database's log to the lines of streams. What it is
// told has no content of rows and names nobody.
type Tracer interface {
	// Start begins a step of the work that ctx is part of, or new work. The step lasts until end is called, once.
	Start(ctx context.Context, step string) (_ context.Context, end func(error))

	// Carry is what another process needs to go on with the work of ctx; empty where nobody follows it.
	Carry(ctx context.Context) string

	// Join is ctx as part of the work that Carry named. What is no such name changes nothing.
	Join(ctx context.Context, carried string) context.Context
}

// Untraced follows nothing.
type Untraced struct{}

// Start begins nothing.
func (Untraced) Start(ctx context.Context, _ string) (context.Context, func(error)) {
	return ctx, func(error) {}
}

// Carry is empty.
func (Untraced) Carry(context.Context) string { return "" }

// Join is ctx.
func (Untraced) Join(ctx context.Context, _ string) context.Context { return ctx }
