package postgres

import (
	"bytes"
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// stage keeps a part of a group. It reports whether the group is whole now: then p has all of it. The parts stay until the
// group is decided.
func (q *push) stage(ctx context.Context, i int, g *pushapi.Group, p *pending) (bool, error) {
	own := p.parts[0]
	tag, err := q.tx.Exec(ctx, `INSERT INTO app.staged (tenant_id, user_id, client_id, group_no, part, parts, digest, raw)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
		q.p.Tenant, q.p.User, q.batch.ClientID, g.Number, g.Part, g.Parts, own.digest, own.raw)
	if err != nil {
		return false, err
	}
	staged, err := q.stagedSoFar(ctx, g)
	if err != nil {
		return false, err
	}
	if why := staged.wrong(g, own, tag.RowsAffected() == 0); why != nil {
		return false, q.refuseParts(ctx, p, why, own)
	}
	if staged.count < g.Parts {
		q.results[i].Status = pushapi.Staged
		return false, nil
	}
	return true, q.collect(ctx, p)
}

// staged is what is known about the parts of a group.
type staged struct {
	count  int
	bytes  int64
	parts  int // the fewest and the most that its parts say there are
	most   int
	digest []byte // of the part in question
}

func (q *push) stagedSoFar(ctx context.Context, g *pushapi.Group) (staged, error) {
	var s staged
	err := q.tx.QueryRow(ctx, `SELECT count(*), sum(length(raw)), min(parts), max(parts),
			(array_agg(digest) FILTER (WHERE part = $5))[1]
		FROM app.staged WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3 AND group_no = $4`,
		q.p.Tenant, q.p.User, q.batch.ClientID, g.Number, g.Part).Scan(&s.count, &s.bytes, &s.parts, &s.most, &s.digest)
	return s, err
}

func (s staged) wrong(g *pushapi.Group, own part, before bool) *rejection {
	switch {
	case before && !bytes.Equal(s.digest, own.digest):
		return &rejection{code: pushapi.Reused, message: "The part was sent before with another content.", change: -1}
	case s.parts != g.Parts || s.most != g.Parts:
		return &rejection{code: pushapi.Reused, message: "The group was begun with another number of parts.", change: -1}
	case s.bytes > pushapi.MaxStaged:
		return &rejection{code: pushapi.TooLarge, message: "The group is larger than the server takes at once.", change: -1}
	}
	return nil
}

// refuseParts decides a group that cannot be put together: all that came of it is kept as rejected.
func (q *push) refuseParts(ctx context.Context, p *pending, why *rejection, own part) error {
	if err := q.collect(ctx, p); err != nil {
		return err
	}
	p.why, p.changes = why, nil
	if !hasPart(p.parts, own) {
		p.parts = append(p.parts, own)
	}
	q.pending = append(q.pending, p)
	q.known[p.number] = &entry{digests: p.digests, why: why}
	return nil
}

func hasPart(parts []part, own part) bool {
	for _, p := range parts {
		if bytes.Equal(p.digest, own.digest) {
			return true
		}
	}
	return false
}

// collect reads the parts of a group, in order.
func (q *push) collect(ctx context.Context, p *pending) error {
	rows, err := q.tx.Query(ctx, `SELECT part, digest, raw FROM app.staged
		WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3 AND group_no = $4 ORDER BY part`,
		q.p.Tenant, q.p.User, q.batch.ClientID, p.number)
	if err != nil {
		return err
	}
	p.parts, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (part, error) {
		var one part
		return one, row.Scan(&one.number, &one.digest, &one.raw)
	})
	p.digests = nil
	for _, one := range p.parts {
		p.digests = append(p.digests, one.digest...)
		g := pushapi.DecodeGroup(one.raw)
		p.read(q.reader, &g)
	}
	return err
}

// unstage forgets the parts of a decided group.
func (q *push) unstage(ctx context.Context, p *pending) error {
	if q.batch.Groups[p.index].Parts == 0 {
		return nil
	}
	_, err := q.tx.Exec(ctx, "DELETE FROM app.staged WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3 AND group_no = $4",
		q.p.Tenant, q.p.User, q.batch.ClientID, p.number)
	return err
}
