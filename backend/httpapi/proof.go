package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// proofLimits are limits of their own, because a proof reads every row: one machine may ask only so often, and only so many
// go on at the same time, so that they leave connections to everybody else.
type proofLimits struct {
	every           time.Duration
	machines        *limiter
	tenants, server *gate
}

func newProofLimits(l Limits) proofLimits {
	return proofLimits{l.ProofEvery, newLimiter(1/l.ProofEvery.Seconds(), l.ProofBurst), newGate(l.TenantProofs), newGate(l.Proofs)}
}

// enter reports whether a proof may begin; then leave must follow.
func (l *proofLimits) enter(p backend.Principal, now time.Time) bool {
	if !l.machines.allow(p.Tenant+" "+p.Machine, now) || !l.tenants.enter(p.Tenant) {
		return false
	}
	if !l.server.enter("") {
		l.tenants.leave(p.Tenant)
		return false
	}
	return true
}

func (l *proofLimits) leave(p backend.Principal) {
	l.server.leave("")
	l.tenants.leave(p.Tenant)
}

func (a *API) registerProof(api huma.API, signedIn huma.Middlewares) {
	huma.Register(api, huma.Operation{
		OperationID: "proof", Method: http.MethodGet, Path: "/v1/proof", Summary: "Count and hash rows",
		Description: "Says how many rows of each table the account may see and what their hash is, all as of one moment.",
		Middlewares: append(signedIn, a.fewProofs), Responses: problems(api.OpenAPI().Components.Schemas, 401, 403, 422, 429, 503),
	}, a.proof)
	huma.Register(api, huma.Operation{
		OperationID: "proofOf", Method: http.MethodPost, Path: "/v1/proof", Summary: "Count and hash named rows",
		Description: "Says of each list of ids how many of the rows the account may see and what their hash is, all as of one moment.",
		Middlewares: append(signedIn, a.fewAtOnce, a.withBody), Responses: problems(api.OpenAPI().Components.Schemas, 401, 403, 413, 422, 429, 503),
	}, a.proofOf)
	takes[pushapi.ProofQuestion](api, api.OpenAPI().Paths["/v1/proof"].Post, "ProofQuestion")
}

// fewProofs holds requests against the limits.
func (a *API) fewProofs(ctx huma.Context, next func(huma.Context)) {
	p, _ := ctx.Context().Value(principalKey{}).(backend.Principal)
	if !a.proofs.enter(p, a.Now()) {
		a.refuse(ctx, backend.Errorf(backend.RateLimited, "Rows are counted too often.").In(a.proofs.every))
		return
	}
	defer a.proofs.leave(p)
	next(ctx)
}

type proofChoice struct {
	Tables []string `query:"table,explode" doc:"Only these tables; all when none is said."`
}

func (a *API) proof(ctx context.Context, in *proofChoice) (*answer[pushapi.Proof], error) {
	p, _ := ctx.Value(principalKey{}).(backend.Principal)
	at := a.timeText()
	tables, err := a.Store.Proof(ctx, p, in.Tables)
	if err != nil {
		return nil, a.fail(ctx, err)
	}
	return &answer[pushapi.Proof]{pushapi.Proof{Time: at, Tables: tables}}, nil
}

func (a *API) proofOf(ctx context.Context, _ *struct{}) (*answer[pushapi.ProofAnswer], error) {
	p, _ := ctx.Value(principalKey{}).(backend.Principal)
	question, err := small[pushapi.ProofQuestion](ctx)
	at := a.timeText()
	var lists []pushapi.TableHash
	if err == nil {
		lists, err = a.Store.ProofOf(ctx, p, question)
	}
	if err != nil {
		return nil, a.fail(ctx, err)
	}
	return &answer[pushapi.ProofAnswer]{pushapi.ProofAnswer{Time: at, Lists: lists}}, nil
}

// timeText is now as the API writes it.
func (a *API) timeText() string { return a.Now().UTC().Format("2006-01-02T15:04:05.000Z") }
