package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// ProofOf counts and hashes named rows; see backend.Store.
func (s *Store) ProofOf(ctx context.Context, p backend.Principal, q pushapi.ProofQuestion) ([]pushapi.TableHash, error) {
	asked, err := s.lists(q)
	if err != nil {
		return nil, err
	}
	out := make([]pushapi.TableHash, len(q.Lists))
	for i, l := range q.Lists {
		out[i] = pushapi.TableHash{Table: l.Table, Sum: "0000000000000000"}
	}
	err = s.within(ctx, p, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		for _, t := range s.order {
			if err := asked[t].hash(ctx, tx, t, p.Tenant, q.WithoutOwner, out); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && backend.CodeOf(err) == backend.Internal {
		err = backend.Errorf(backend.Unavailable, "The database could not count the rows now.").Wrap(scrub(err))
	}
	return out, err
}

// askedRows are the rows of one table that are asked for, each with the number of its list.
type askedRows struct {
	list []int32
	ids  []string
}

func (s *Store) lists(q pushapi.ProofQuestion) (map[*table]*askedRows, error) {
	asked, ids := map[*table]*askedRows{}, 0
	for n, l := range q.Lists {
		t := s.tables[l.Table]
		if t == nil {
			return nil, backend.Errorf(backend.Invalid, "One of the tables asked for does not exist.")
		}
		if asked[t] == nil {
			asked[t] = &askedRows{}
		}
		for _, id := range l.IDs {
			if strings.IndexByte(id, 0) >= 0 {
				continue // PostgreSQL has no such text, so no such row
			}
			asked[t].list, asked[t].ids = append(asked[t].list, int32(n)), append(asked[t].ids, id)
		}
		ids += len(l.IDs)
	}
	if ids > pushapi.MaxProofIDs || len(q.Lists) > pushapi.MaxProofLists {
		return nil, backend.Errorf(backend.TooLarge, "At most %d ids in %d lists are counted at once.", pushapi.MaxProofIDs, pushapi.MaxProofLists)
	}
	return asked, nil
}

func (a *askedRows) hash(ctx context.Context, tx pgx.Tx, t *table, tenant string, withoutOwner bool, out []pushapi.TableHash) error {
	if a == nil {
		return nil
	}
	sql := t.proofList
	if withoutOwner {
		sql = t.proofListWithoutOwner
	}
	rows, err := tx.Query(ctx, sql, a.list, a.ids, tenant)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var n, count int64
		var sum string
		if err := rows.Scan(&n, &count, &sum); err != nil {
			return err
		}
		out[n].Rows, out[n].Sum = count, sum
	}
	return rows.Err()
}

// proofListOf is the statement that looks rows up by their keys and hashes them list by list. Lists without a row are not in
// its answer.
func proofListOf(t schema.Table, withoutOwner bool) string {
	return fmt.Sprintf(`SELECT asked.list, %s FROM unnest($1::int[], $2::text[]) AS asked(list, asked_id)
		JOIN app.%s ON tenant_id = $3 AND id = asked.asked_id GROUP BY asked.list`, hashed("count(*)", rowText(t, withoutOwner)), t.Name)
}
