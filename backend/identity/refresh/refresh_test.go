package refresh_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/coditect-ai/coditect-sync/backend/identity/refresh"
	"github.com/coditect-ai/coditect-sync/backend/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

type fixture struct {
	*refresh.Store
	pool *pgxpool.Pool
	now  time.Time
}

func store(t *testing.T) *fixture {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), pgtest.New(t).DSN("app_identity"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	f := &fixture{pool: pool, now: time.Now()}
	f.Store = refresh.New(refresh.Config{Pool: pool, Kind: refresh.Session, Now: func() time.Time { return f.now }})
	return f
}

func (f *fixture) start(t *testing.T, machine string) string {
	t.Helper()
	token, _, err := f.Start(t.Context(), f.pool, refresh.Family{Tenant: "acme", Subject: "ann", Machine: machine, SignedInAt: f.now})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (f *fixture) rotate(t *testing.T, token string) string {
	t.Helper()
	next, family, err := f.Rotate(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if family.Tenant != "acme" || family.Subject != "ann" || next == token {
		t.Fatalf("%+v", family)
	}
	return next
}

func (f *fixture) refused(t *testing.T, token string, want error) {
	t.Helper()
	if _, _, err := f.Rotate(t.Context(), token); !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

func TestAReuseEndsTheFamily(t *testing.T) {
	f := store(t)
	first := f.start(t, "m1")
	second := f.rotate(t, first)
	third := f.rotate(t, second)
	f.now = f.now.Add(21 * time.Second)
	f.refused(t, first, refresh.ErrReused)
	f.refused(t, third, refresh.ErrInvalid)
	if _, err := f.Peek(t.Context(), third); !errors.Is(err, refresh.ErrInvalid) {
		t.Error(err)
	}
}

func TestAnotherFamilyGoesOn(t *testing.T) {
	f := store(t)
	stolen, other := f.start(t, "m1"), f.start(t, "m2")
	f.rotate(t, stolen)
	f.now = f.now.Add(time.Minute)
	f.refused(t, stolen, refresh.ErrReused)
	f.rotate(t, other)
}

func TestARaceIsNoTheft(t *testing.T) {
	f := store(t)
	token := f.start(t, "m1")
	got := make([]string, 4)
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() {
			next, _, err := f.Rotate(t.Context(), token)
			if err != nil {
				t.Error(err)
			}
			got[i] = next
		})
	}
	all.Wait()
	f.now = f.now.Add(time.Minute)
	for _, next := range got {
		f.rotate(t, next)
	}
}

func TestTheGraceIsNoSupply(t *testing.T) {
	f := store(t)
	token := f.start(t, "m1")
	var last string
	for range 5 {
		last = f.rotate(t, token)
	}
	f.refused(t, token, refresh.ErrReused)
	f.refused(t, last, refresh.ErrInvalid)
}

func TestTokensThatNeverWere(t *testing.T) {
	f := store(t)
	token := f.start(t, "m1")
	for _, wrong := range []string{"", "csr_", token + "A", strings.ToLower(token), token[:len(token)-1], "' OR true --", strings.Repeat("x", 1<<20)} {
		f.refused(t, wrong, refresh.ErrInvalid)
	}
	other := refresh.New(refresh.Config{Pool: f.pool, Kind: refresh.Provider})
	if _, _, err := other.Rotate(t.Context(), token); !errors.Is(err, refresh.ErrInvalid) {
		t.Errorf("the token is good at the provider: %v", err)
	}
	f.rotate(t, token)
}

func TestAFamilyThatRestsTooLongIsOver(t *testing.T) {
	f := store(t)
	token := f.start(t, "m1")
	for range 4 { // used now and then it lives on
		f.now = f.now.Add(179 * 24 * time.Hour)
		token = f.rotate(t, token)
	}
	f.now = f.now.Add(181 * 24 * time.Hour)
	f.refused(t, token, refresh.ErrInvalid)
}

func TestEndings(t *testing.T) {
	f := store(t)
	one, two, three := f.start(t, "m1"), f.start(t, "m1"), f.start(t, "m2")
	if family, err := f.End(t.Context(), one, "signed out"); err != nil || family.Machine != "m1" {
		t.Fatal(family, err)
	}
	f.refused(t, one, refresh.ErrInvalid)
	two = f.rotate(t, two)
	if err := f.EndMachine(t.Context(), f.pool, "acme", "m1", "revoked"); err != nil {
		t.Fatal(err)
	}
	f.refused(t, two, refresh.ErrInvalid)
	if err := f.EndMachine(t.Context(), f.pool, "other", "m2", "revoked"); err != nil {
		t.Fatal(err)
	}
	f.rotate(t, three)
	if _, err := f.End(t.Context(), "csr_x", "signed out"); !errors.Is(err, refresh.ErrInvalid) {
		t.Error(err)
	}
}

func TestOnlyDigestsAreKept(t *testing.T) {
	f := store(t)
	token := f.start(t, "m1")
	var found int
	err := f.pool.QueryRow(t.Context(), `SELECT count(*) FROM identity.refresh_tokens t WHERE position($1::bytea IN digest) > 0
		OR t::text LIKE '%' || $2 || '%'`, []byte(token), token).Scan(&found)
	if err != nil || found > 0 {
		t.Errorf("%d, %v", found, err)
	}
}

func TestSweepingForgetsWhatIsLongOver(t *testing.T) {
	f := store(t)
	ended, living := f.start(t, "m1"), f.start(t, "m2")
	if _, err := f.End(t.Context(), ended, "signed out"); err != nil {
		t.Fatal(err)
	}
	f.now = f.now.Add(31 * 24 * time.Hour)
	if err := f.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	var left int
	if err := f.pool.QueryRow(t.Context(), "SELECT count(*) FROM identity.families").Scan(&left); err != nil || left != 1 {
		t.Errorf("%d families are left, %v", left, err)
	}
	f.rotate(t, living)
}
