package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

func (s *server) proof(t *testing.T, query string) pushapi.Proof {
	t.Helper()
	response, text := s.request(t, "GET", "/v1/proof"+query, nil)
	var p pushapi.Proof
	if err := json.Unmarshal([]byte(text), &p); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", response.StatusCode, text)
	}
	return p
}

func TestProofOverHTTP(t *testing.T) {
	s := newServer(t, pgtest.New(t), plenty)
	empty := s.proof(t, "")
	if _, err := time.Parse(time.RFC3339Nano, empty.Time); err != nil || len(empty.Tables) != 6 {
		t.Errorf("%+v %v", empty, err)
	}
	for _, h := range empty.Tables {
		if h.Rows != 0 || h.Sum != "0000000000000000" {
			t.Errorf("%+v", h)
		}
	}
	s.push(t, one)
	if p := s.proof(t, "?table=decisions&table=messages"); len(p.Tables) != 2 || p.Tables[0].Table != "messages" || p.Tables[1].Rows != 1 {
		t.Errorf("%+v", p)
	}
	response, text := s.request(t, "GET", "/v1/proof?table="+secret, nil)
	wantProblem(t, response, text, 422, "INVALID")
	response, text = s.request(t, "GET", "/v1/proof", nil, "Authorization", "Bearer none")
	wantProblem(t, response, text, 401, "UNAUTHENTICATED")
}

// TestProofsAreRare: they have a limit of their own, which leaves everything else alone.
func TestProofsAreRare(t *testing.T) {
	limits := plenty
	limits.ProofEvery, limits.ProofBurst = 1000*time.Second, 3
	s := newServer(t, pgtest.New(t), limits)
	for range 3 {
		s.proof(t, "")
	}
	response, text := s.request(t, "GET", "/v1/proof", nil)
	wantProblem(t, response, text, 429, "RATE_LIMITED")
	if wait := response.Header.Get("Retry-After"); wait != "1000" {
		t.Errorf("Retry-After %q", wait)
	}
	s.push(t, one)
	if response, text := s.request(t, "GET", "/v1/proof", nil, "Authorization", "Bearer "+s.token(t, "bob")); response.StatusCode != http.StatusOK {
		t.Error(text)
	}
}

// TestFewProofsAtOnce holds one up in the database: with a limit of one, no other begins, and the next one may when it is over.
func TestFewProofsAtOnce(t *testing.T) {
	limits := plenty
	limits.TenantProofs, limits.Proofs = 1, 1
	s := newServer(t, pgtest.New(t), limits)
	conn := s.db.Connect(t, "postgres")
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK app.messages"); err != nil {
		t.Fatal(err)
	}
	first := make(chan pushapi.Proof, 1)
	go func() { first <- s.proof(t, "") }()
	watcher := s.db.Connect(t, "postgres")
	waitFor(t, func() bool {
		var waits bool
		err := watcher.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'app.messages'::regclass AND NOT granted)").Scan(&waits)
		return err == nil && waits
	})
	response, text := s.request(t, "GET", "/v1/proof", nil, "Authorization", "Bearer "+s.token(t, "bob"))
	wantProblem(t, response, text, 429, "RATE_LIMITED")
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p := <-first; len(p.Tables) != 6 {
		t.Errorf("%+v", p)
	}
	s.proof(t, "")
}

// TestProofOfNamedRows: every list by itself, only what one sees, and nothing said about what was asked wrongly.
func TestProofOfNamedRows(t *testing.T) {
	s := newServer(t, pgtest.New(t), plenty)
	s.db.Exec(t, `INSERT INTO app.decisions (tenant_id, id, user_id, decision) SELECT 'acme', 'a' || g, 'ann', 'x' || g FROM generate_series(1, 50) g;
		INSERT INTO app.decisions (tenant_id, id, user_id, decision) VALUES ('acme', 'bobs', 'bob', 'y')`)
	ask := func(body string, headers ...string) pushapi.ProofAnswer {
		t.Helper()
		response, text := s.request(t, "POST", "/v1/proof", strings.NewReader(body), headers...)
		var a pushapi.ProofAnswer
		if err := json.Unmarshal([]byte(text), &a); err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", response.StatusCode, text)
		}
		return a
	}
	all := make([]string, 50)
	for i := range all {
		all[i] = `"a` + strconv.Itoa(i+1) + `"`
	}
	a := ask(`{"lists":[{"table":"decisions","ids":[` + strings.Join(all, ",") + `,"bobs","no\u0000ne","none"]},{"table":"messages","ids":["a1"]},
		{"table":"decisions","ids":["a7"]},{"table":"decisions","ids":[]}]}`)
	whole := s.proof(t, "?table=decisions").Tables[0]
	if len(a.Lists) != 4 || a.Lists[0] != whole || a.Lists[1].Rows != 0 || a.Lists[2].Rows != 1 || a.Lists[2].Sum == whole.Sum || a.Lists[3].Sum != "0000000000000000" {
		t.Errorf("%+v, want %+v first", a, whole)
	}
	before := ask(`{"without_owner":true,"lists":[{"table":"decisions","ids":["a7"]}]}`).Lists[0]
	s.db.Exec(t, "UPDATE app.decisions SET user_id = 'bob', project_id = NULL WHERE id = 'a7'; UPDATE app.decisions SET user_id = 'ann' WHERE id = 'a7'")
	if after := ask(`{"without_owner":true,"lists":[{"table":"decisions","ids":["a7"]}]}`).Lists[0]; after != before || before.Sum == a.Lists[2].Sum {
		t.Errorf("%+v, %+v", before, after)
	}
	for body, status := range map[string]int{`{"lists":[{"table":"` + secret + `","ids":["x"]}]}`: 422, secret: 422,
		`{"lists":[{"table":"decisions","ids":[` + strings.Repeat(`"x",`, pushapi.MaxProofIDs) + `"x"]}]}`: 413} {
		response, text := s.request(t, "POST", "/v1/proof", strings.NewReader(body))
		if response.StatusCode != status || strings.Contains(text, secret) {
			t.Errorf("%d %s", response.StatusCode, text)
		}
	}
}
