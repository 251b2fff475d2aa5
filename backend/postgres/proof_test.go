package postgres_test

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// texts, wholes and reals are values that a careless hash would mix up. nil is NULL.
var (
	texts  = []any{nil, "", "n", "t1:n", "a longer text that fills more than twelve bytes", "héllo wörld €", "😀\n\t\"'\\", "i1:0", " "}
	wholes = []any{nil, int64(0), int64(-1), int64(math.MaxInt64), int64(math.MinInt64), int64(9007199254740993)}
	reals  = []any{nil, 0.0, math.Copysign(0, -1), 1.5, -1.5, 1.0 / 3, math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64, math.NaN()}
)

// canonical is what pushapi.Proof says, written a second time.
func canonical(v any) string {
	switch v := v.(type) {
	case string:
		return "t" + strconv.Itoa(len(v)) + ":" + v
	case int64:
		text := strconv.FormatInt(v, 10)
		return "i" + strconv.Itoa(len(text)) + ":" + text
	case float64:
		if math.IsNaN(v) {
			return "n"
		}
		if v == 0 {
			v = 0
		}
		return fmt.Sprintf("r16:%016x", math.Float64bits(v))
	}
	return "n"
}

// plant makes n rows of ann's in a table, of all kinds of values, and returns what its proof has to be.
func plant(t *testing.T, conn *pgx.Conn, table schema.Table, n int) pushapi.TableHash {
	t.Helper()
	var sum uint64
	for i := range n {
		names, params, text := "tenant_id", "'acme'", ""
		var values []any
		for k, c := range table.Columns {
			v := oneOf(table, c, i, k)
			values = append(values, v)
			names += ", " + c.Name
			params += ", $" + strconv.Itoa(len(values))
			text += canonical(v)
		}
		if _, err := conn.Exec(t.Context(), "INSERT INTO app."+table.Name+" ("+names+") VALUES ("+params+")", values...); err != nil {
			t.Fatal(err)
		}
		var h int64
		if err := conn.QueryRow(t.Context(), "SELECT hashtextextended($1, 0)", text).Scan(&h); err != nil {
			t.Fatal(err)
		}
		sum += uint64(h)
	}
	return pushapi.TableHash{Table: table.Name, Rows: int64(n), Sum: fmt.Sprintf("%016x", sum)}
}

// oneOf is the value of row i in the column, which is the k-th.
func oneOf(table schema.Table, c schema.Column, i, k int) any {
	switch {
	case c.Name == schema.ID:
		return table.Name + strconv.Itoa(i)
	case c.Name == "user_id":
		return "ann"
	case c.Name == "project_id" || c.Name == "team_id":
		return nil
	case c.Check != "":
		return []any{nil, "private", "team", "org"}[i%4]
	case c.NotNull:
		return texts[1+(i+k)%(len(texts)-1)]
	case c.Type == schema.Integer:
		return wholes[(i+k)%len(wholes)]
	case c.Type == schema.Real:
		return reals[(i+k)%len(reals)]
	}
	return texts[(i+k)%len(texts)]
}

func TestProofIsTheHashOfEveryRow(t *testing.T) {
	c := newCloud(t)
	c.db.Exec(t, "DELETE FROM app.projects")
	var want []pushapi.TableHash
	for _, table := range schema.Tables() {
		want = append(want, plant(t, c.root, table, 40))
	}
	who := c.client(t, "ann").who
	got, err := c.Proof(t.Context(), who, nil)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	some, err := c.Proof(t.Context(), who, []string{"messages", "projects", "messages"})
	if err != nil || fmt.Sprint(some) != fmt.Sprint([]pushapi.TableHash{want[0], want[2]}) {
		t.Errorf("%v %v", some, err)
	}
	if _, err := c.Proof(t.Context(), who, []string{"users"}); backend.CodeOf(err) != backend.Invalid {
		t.Errorf("a table that is none: %v", err)
	}
	for _, change := range []string{"decision = coalesce(decision, '') || ' '", "confidence = 0.25", "tags = NULL", "user_id = 'bob'"} {
		c.db.Exec(t, "UPDATE app.decisions SET "+change+" WHERE id = 'decisions3'")
		again, err := c.Proof(t.Context(), who, []string{"decisions"})
		if err != nil || again[0].Sum == want[3].Sum {
			t.Errorf("%s is not seen: %v", change, err)
		}
		want[3] = again[0]
	}
}

// TestProofSeesWhatThePersonSees: nothing of another person's or tenant's is in the numbers.
func TestProofSeesWhatThePersonSees(t *testing.T) {
	db := pgtest.New(t)
	fillTown(t, db)
	c := cloudOnly(t, db)
	for _, who := range attackers {
		got, err := c.Proof(t.Context(), backend.Principal{Tenant: who.tenant, User: who.user, Machine: "m"}, []string{"messages"})
		if who.tenant == "" || who.user == "" {
			if backend.CodeOf(err) != backend.Unauthenticated {
				t.Errorf("%s: %v", who.name, err)
			}
			continue
		}
		if err != nil || got[0].Rows != int64(len(who.reads)) {
			t.Errorf("%s: %v %v, may see %v", who.name, got, err, who.reads)
		}
		if got[0].Rows == 0 && got[0].Sum != hex.EncodeToString(make([]byte, 8)) {
			t.Errorf("%s: %v", who.name, got)
		}
	}
}

// TestProofIsOfOneMoment: while transactions move a row from one table to another, the tables together always have as many.
func TestProofIsOfOneMoment(t *testing.T) {
	c := newCloud(t)
	who := c.client(t, "ann").who
	c.db.Exec(t, "INSERT INTO app.sessions (tenant_id, id, user_id) SELECT 'acme', i::text, 'ann' FROM generate_series(1, 500) i")
	stop, stopped := make(chan struct{}), make(chan error, 1)
	mover := c.db.Connect(t, "postgres")
	go func() {
		for i := 1; ; i++ {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			_, err := mover.Exec(t.Context(), `WITH gone AS (DELETE FROM app.sessions WHERE id = $1 RETURNING *)
				INSERT INTO app.error_solutions (tenant_id, id, user_id) SELECT tenant_id, id, user_id FROM gone`, strconv.Itoa(i))
			if err != nil {
				stopped <- err
				return
			}
		}
	}()
	for range 30 {
		got, err := c.Proof(t.Context(), who, []string{"sessions", "error_solutions"})
		if err != nil || got[0].Rows+got[1].Rows != 500 {
			t.Errorf("%v %v", got, err)
		}
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// BenchmarkProof hashes 100,000 messages of some 500 bytes, under row-level security.
func BenchmarkProof(b *testing.B) {
	const rows = 100_000
	c := cloudOnly(b, pgtest.New(b))
	c.db.Exec(b, office)
	c.db.Exec(b, `INSERT INTO app.messages (tenant_id, id, user_id, project_id, session_id, hash, role, content, source_type, occurred_at)
		SELECT 'acme', gen_random_uuid()::text, 'ann', 'p', gen_random_uuid()::text, repeat('0123456789abcdef', 4), 'user', repeat('word ', 50), 'jsonl',
		'2026-11-23T05:50:06.980Z' FROM generate_series(1, $1::int)`, rows)
	who := backend.Principal{Tenant: "acme", User: "ann", Machine: "m"}
	for b.Loop() {
		if got, err := c.Proof(b.Context(), who, []string{"messages"}); err != nil || got[0].Rows != rows {
			b.Fatal(got, err)
		}
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
