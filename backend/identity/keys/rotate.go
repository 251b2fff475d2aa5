package keys

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/jackc/pgx/v5"
)

// Rotate makes the key that is due, if one is, and deletes those whose last token has ended. It is to be called at the start
// and then every hour or so; several processes may.
func (r *Ring) Rotate(ctx context.Context) error { return r.rotate(ctx, false) }

// Replace makes a key that signs at once, for when the present one may have leaked: that one is published no longer, so its
// tokens end within a minute, in every process.
func (r *Ring) Replace(ctx context.Context) error { return r.rotate(ctx, true) }

func (r *Ring) rotate(ctx context.Context, leaked bool) error {
	defer r.forget()
	return pgx.BeginFunc(ctx, r.c.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('identity.keys ' || $1, 0))", r.c.Purpose); err != nil {
			return fmt.Errorf("lock the signing keys: %w", err)
		}
		now := r.c.Now()
		if _, err := tx.Exec(ctx, "DELETE FROM identity.keys WHERE purpose = $1 AND ($3 OR ends_at <= $2)", r.c.Purpose, now, leaked); err != nil {
			return fmt.Errorf("delete old signing keys: %w", err)
		}
		keys, err := r.load(ctx, tx)
		if err != nil {
			return err
		}
		if from, due := r.due(keys, now); due {
			return r.add(ctx, tx, now, from)
		}
		return nil
	})
}

// due says whether a new key is, and from when it signs.
func (r *Ring) due(keys []key, now time.Time) (from time.Time, due bool) {
	if len(keys) == 0 {
		return now, true
	}
	next := keys[len(keys)-1].signsFrom.Add(r.c.Period)
	if now.Before(next.Add(-r.c.Ahead)) {
		return from, false
	}
	if soonest := now.Add(r.c.Ahead); next.Before(soonest) { // nobody rotated for a while
		next = soonest
	}
	return next, true
}

func (r *Ring) add(ctx context.Context, tx pgx.Tx, now, from time.Time) error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	k := jose.JSONWebKey{Key: private, KeyID: rand.Text(), Algorithm: string(jose.ES256), Use: "sig"}
	text, err := k.MarshalJSON()
	if err != nil {
		return err
	}
	sealed, err := r.c.Secret.Seal(r.sealName(k.KeyID), text)
	if err != nil {
		return err
	}
	public := k.Public()
	publicText, err := public.MarshalJSON()
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "UPDATE identity.keys SET ends_at = $2 WHERE purpose = $1 AND ends_at IS NULL", r.c.Purpose, from.Add(r.c.Keeps)); err != nil {
		return fmt.Errorf("let the old signing key end: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO identity.keys (kid, purpose, public, private, created_at, signs_from) VALUES ($1, $2, $3, $4, $5, $6)`,
		k.KeyID, r.c.Purpose, string(publicText), sealed, now, from)
	if err != nil {
		return fmt.Errorf("keep a new signing key: %w", err)
	}
	return nil
}
