package keys_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/coditect-ai/coditect-sync/backend/identity"
	"github.com/coditect-ai/coditect-sync/backend/identity/keys"
	"github.com/coditect-ai/coditect-sync/backend/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// clock is a time that tests set.
type clock struct{ now time.Time }

func (c *clock) time() time.Time { return c.now }

func config(t *testing.T, c *clock, secret string) keys.Config {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), pgtest.New(t).DSN("app_identity"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s, err := identity.NewSecret([]byte(secret + "........................................"))
	if err != nil {
		t.Fatal(err)
	}
	return keys.Config{Pool: pool, Secret: s, Purpose: keys.Access, Now: c.time}
}

func rotate(t *testing.T, r *keys.Ring) {
	t.Helper()
	if err := r.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// state is which key signs and which are published.
func state(t *testing.T, r *keys.Ring) (signing string, published []string) {
	t.Helper()
	k, err := r.Signing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	set, err := r.Public(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range set.Keys {
		if !k.IsPublic() || k.Algorithm != string(jose.ES256) || k.Use != "sig" {
			t.Errorf("published is %v", k)
		}
		published = append(published, k.KeyID)
	}
	return k.KeyID, published
}

func TestAKeyIsPublishedBeforeItSignsAndAfter(t *testing.T) {
	c := &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	conf := config(t, c, "a")
	ring, other := keys.New(conf), keys.New(conf) // another process
	if _, err := ring.Signing(t.Context()); err == nil {
		t.Error("there is a key before any was made")
	}
	rotate(t, ring)
	first, published := state(t, ring)
	if !slices.Equal(published, []string{first}) {
		t.Fatalf("published %q", published)
	}
	c.now = c.now.Add(28 * 24 * time.Hour)
	rotate(t, ring)
	if signing, published := state(t, ring); signing != first || len(published) != 1 {
		t.Fatalf("too early: %s signs, published %q", signing, published)
	}
	c.now = c.now.Add(25 * time.Hour)
	rotate(t, ring)
	rotate(t, other)
	signing, published := state(t, other)
	if signing != first || len(published) != 2 {
		t.Fatalf("%s signs, published %q", signing, published)
	}
	second := published[1]
	c.now = c.now.Add(24 * time.Hour)
	rotate(t, other)
	if signing, published := state(t, ring); signing != second || len(published) != 2 {
		t.Fatalf("%s signs, published %q", signing, published)
	}
	c.now = c.now.Add(24 * time.Hour)
	rotate(t, ring)
	if signing, published := state(t, other); signing != second || len(published) != 1 {
		t.Fatalf("%s signs, published %q", signing, published)
	}
}

func TestTwoProcessesMakeOneKey(t *testing.T) {
	c := &clock{time.Now()}
	conf := config(t, c, "a")
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			if err := keys.New(conf).Rotate(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if _, published := state(t, keys.New(conf)); len(published) != 1 {
		t.Errorf("published %q", published)
	}
}

func TestALongSleepDoesNotSkipTheAnnouncement(t *testing.T) {
	c := &clock{time.Now()}
	ring := keys.New(config(t, c, "a"))
	rotate(t, ring)
	first, _ := state(t, ring)
	c.now = c.now.Add(400 * 24 * time.Hour)
	rotate(t, ring)
	if signing, published := state(t, ring); signing != first || len(published) != 2 {
		t.Errorf("%s signs, published %q", signing, published)
	}
}

func TestALeakedKeyIsGoneAtOnce(t *testing.T) {
	c := &clock{time.Now()}
	conf := config(t, c, "a")
	ring, other := keys.New(conf), keys.New(conf)
	rotate(t, ring)
	first, _ := state(t, other)
	if err := ring.Replace(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.now = c.now.Add(time.Minute)
	if signing, published := state(t, other); signing == first || slices.Contains(published, first) {
		t.Errorf("%s signs, published %q", signing, published)
	}
}

func TestACopyOfTheDatabaseSignsNothing(t *testing.T) {
	c := &clock{time.Now()}
	conf := config(t, c, "a")
	rotate(t, keys.New(conf))
	var plain int
	err := conf.Pool.QueryRow(t.Context(), `SELECT count(*) FROM identity.keys WHERE position('"d"'::bytea IN private) > 0
		OR public LIKE '%"d"%'`).Scan(&plain)
	if err != nil || plain > 0 {
		t.Errorf("%d private keys are readable, %v", plain, err)
	}
	conf.Secret, _ = identity.NewSecret([]byte("another secret of thirty-two bytes"))
	if _, err := keys.New(conf).Signing(t.Context()); err == nil {
		t.Error("it signs with another secret")
	}
}
