package postgres

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend"
)

// Invite adds a person to the principal's tenant and a team of which the principal is an admin. digest is that of the link
// with which the person begins. The answer is invited, joined (he was here already), denied, or taken.
func (s *Store) Invite(ctx context.Context, p backend.Principal, i backend.Invitation, digest []byte, until time.Time) (answer string, err error) {
	if strings.ContainsRune(i.Name+i.Team, 0) || len(i.Name) > 200 || len(i.Team) > 255 {
		return "", backend.Errorf(backend.Invalid, "A name has at most 200 characters.")
	}
	err = s.WithTenant(ctx, p, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "SELECT app.invite($1, $2, $3, $4, $5, $6)", newID(), i.Email, i.Name, i.Team, digest, until).Scan(&answer)
	})
	return answer, unavailable("invite a person", err)
}

// kept are the tables besides the synced ones that have something of a person's, and how one line of each is his.
var kept = []struct{ table, row, his string }{
	{"users", "row_to_json(x)::text", "x.id = $1"},
	{"machines", "row_to_json(x)::text", "x.user_id = $1"},
	{"memberships", "row_to_json(x)::text", "x.user_id = $1"},
	{"access", "row_to_json(x)::text", "x.user_id = $1"},
	{"lost", "row_to_json(x)::text", "x.user_id = $1"},
	{"tombstones", "row_to_json(x)::text", "x.user_id = $1"},
	{"rejected", "(to_jsonb(x) || jsonb_build_object('raw', encode(x.raw, 'base64'), 'digest', encode(x.digest, 'hex')))::text", "x.user_id = $1"},
	{"staged", "(to_jsonb(x) || jsonb_build_object('raw', encode(x.raw, 'base64'), 'digest', encode(x.digest, 'hex')))::text", "x.user_id = $1"},
}

// Export writes all that is kept about the principal and by him, as of one moment: what is somebody else's is not his, though
// he may read it.
func (s *Store) Export(ctx context.Context, p backend.Principal, write func(line []byte) error) error {
	return s.WithTenant(ctx, p, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL statement_timeout = 0"); err != nil {
			return unavailable("export an account", err)
		}
		for _, k := range kept {
			if err := exportTable(ctx, tx, k.table, k.row, k.his, p.User, write); err != nil {
				return err
			}
		}
		for _, t := range s.order {
			if err := exportTable(ctx, tx, t.name, "row_to_json(x)::text", "x.user_id = $1", p.User, write); err != nil {
				return err
			}
		}
		return nil
	})
}

func exportTable(ctx context.Context, tx pgx.Tx, table, row, his, user string, write func([]byte) error) error {
	rows, err := tx.Query(ctx, "SELECT "+row+" FROM "+pgx.Identifier{"app", table}.Sanitize()+" x WHERE "+his, user)
	if err != nil {
		return unavailable("export an account", err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return unavailable("export an account", err)
		}
		line, err := json.Marshal(struct {
			Table string          `json:"table"`
			Row   json.RawMessage `json:"row"`
		}{table, json.RawMessage(text)})
		if err != nil {
			return err
		}
		if err := write(append(line, '\n')); err != nil {
			return err
		}
	}
	return unavailable("export an account", rows.Err())
}

// Erase deletes the principal for good, with everything that he has written, if email is his address: nobody does this by a
// slip.
func (s *Store) Erase(ctx context.Context, p backend.Principal, email string) error {
	var refused error
	err := s.WithTenant(ctx, p, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL statement_timeout = 0"); err != nil {
			return err
		}
		var known bool
		if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM app.users WHERE id = $1 AND lower(email) = lower($2))", p.User, email).Scan(&known); err != nil {
			return err
		}
		if !known {
			refused = backend.Errorf(backend.Invalid, "The address is not that of the account, so nothing is erased.")
			return nil
		}
		_, err := tx.Exec(ctx, "SELECT app.erase_me()")
		return err
	})
	if err == nil {
		err = refused
		return err
	}
	return unavailable("erase an account", err)
}
