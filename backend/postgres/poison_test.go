package postgres_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// poisons are changes that can never be applied, by name, and the code of their rejection. Each is pushed between two good
// groups.
var poisons = []struct{ name, changes, code string }{
	{"unknown table", put("pg_authid", "x", `{"rolname":"x"}`, at(1, "n")), "UNKNOWN_NAME"},
	{"table with a schema", put("app.decisions", "x", `{"decision":"x"}`, at(1, "n")), "UNKNOWN_NAME"},
	{"table of the server's", put("ledger", "x", `{"code":"x"}`, at(1, "n")), "UNKNOWN_NAME"},
	{"SQL as a table", put(`decisions; DROP TABLE app.decisions; --`, "x", `{"decision":"x"}`, at(1, "n")), "UNKNOWN_NAME"},
	{"SQL as a column", put("decisions", "x", `{"decision\") VALUES (1); --":"x"}`, at(1, "n")), "UNKNOWN_NAME"},
	{"column of the server's", put("decisions", "x", `{"hlc":"ffff"}`, at(1, "n")), "UNKNOWN_NAME"},
	{"the tenant", put("decisions", "x", `{"tenant_id":"evil"}`, at(1, "n")), "UNKNOWN_NAME"},
	{"write access of members", put("projects", "x", `{"members_can_write":true}`, at(1, "n")), "UNKNOWN_NAME"},
	{"unknown column", put("decisions", "x", `{"mood":"good"}`, at(1, "n")), "UNKNOWN_NAME"},
	{"column in other letters", put("decisions", "x", `{"Decision":"x"}`, at(1, "n")), "UNKNOWN_NAME"},
	{"NUL", put("decisions", "x", `{"decision":"a\u0000b"}`, at(1, "n")), "BAD_VALUE"},
	{"half a surrogate pair", put("decisions", "x", `{"decision":"\ud83d"}`, at(1, "n")), "BAD_VALUE"},
	{"the other half", put("decisions", "x", `{"decision":"\ude00\ud83d"}`, at(1, "n")), "BAD_VALUE"},
	{"no UTF-8", put("decisions", "x", "{\"decision\":\"\xff\xfe\"}", at(1, "n")), "MALFORMED"},
	{"a number for text", put("decisions", "x", `{"decision":1}`, at(1, "n")), "BAD_VALUE"},
	{"a truth for text", put("decisions", "x", `{"decision":true}`, at(1, "n")), "BAD_VALUE"},
	{"an object for text", put("decisions", "x", `{"decision":{"a":1}}`, at(1, "n")), "BAD_VALUE"},
	{"an array for text", put("decisions", "x", `{"tags":["a"]}`, at(1, "n")), "BAD_VALUE"},
	{"text for a number", put("decisions", "x", `{"confidence":"high"}`, at(1, "n")), "BAD_VALUE"},
	{"a number in quotes", put("error_solutions", "x", `{"success_count":"1"}`, at(1, "n")), "BAD_VALUE"},
	{"a number beyond 64 bits", put("error_solutions", "x", `{"success_count":9223372036854775808}`, at(1, "n")), "BAD_VALUE"},
	{"a fraction", put("error_solutions", "x", `{"success_count":1.5}`, at(1, "n")), "BAD_VALUE"},
	{"a real beyond its range", put("decisions", "x", `{"confidence":1e999}`, at(1, "n")), "BAD_VALUE"},
	{"a deep value", put("decisions", "x", `{"decision":`+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)+`}`, at(1, "n")), "BAD_VALUE"},
	{"null where there must be something", put("decisions", "x", `{"created_at":null}`, at(1, "n")), "BAD_VALUE"},
	{"a value against the rule", put("projects", "x", `{"visibility":"everybody"}`, at(1, "n")), "BAD_VALUE"},
	{"a patch against the rule", put("projects", "y", `{}`, at(1, "n")) + "," + patch("projects", "y", `{"visibility":"all"}`, "null", at(1, "n")), "BAD_VALUE"},
	{"a team that one is not in", put("projects", "x", `{"team_id":"strangers","visibility":"team"}`, at(1, "n")), "FORBIDDEN"},
	{"a project that one may not write", put("decisions", "x", `{"project_id":"bobs"}`, at(1, "n")), "FORBIDDEN"},
	{"a project that is not there", put("decisions", "x", `{"project_id":"nowhere"}`, at(1, "n")), "FORBIDDEN"},
	{"somebody else's row", patch("decisions", "bobs", `{"decision":"mine"}`, "null", at(9, "n")), "NOT_FOUND"},
	{"somebody else's id", put("decisions", "bobs", `{"decision":"mine"}`, at(9, "n")), "FORBIDDEN"},
	{"somebody else's project", put("projects", "bobs", `{"name":"mine"}`, at(9, "n")), "FORBIDDEN"},
	{"a patch of nothing", patch("decisions", "nowhere", `{"decision":"x"}`, "null", at(1, "n")), "NOT_FOUND"},
	{"no op", `{"table":"decisions","id":"x","data":{}}`, "MALFORMED"},
	{"another op", `{"table":"decisions","op":"truncate","id":"x","data":{}}`, "MALFORMED"},
	{"no id", `{"table":"decisions","op":"put","data":{}}`, "MALFORMED"},
	{"an empty id", `{"table":"decisions","op":"put","id":"","data":{}}`, "MALFORMED"},
	{"a long id", put("decisions", strings.Repeat("x", 3000), `{"decision":"x"}`, at(1, "n")), "MALFORMED"},
	{"a number as id", `{"table":"decisions","op":"put","id":7,"data":{}}`, "MALFORMED"},
	{"an id with NUL", `{"table":"decisions","op":"put","id":"a\u0000","data":{}}`, "MALFORMED"},
	{"no data", `{"table":"decisions","op":"put","id":"x"}`, "MALFORMED"},
	{"data that is no object", `{"table":"decisions","op":"put","id":"x","data":"decision"}`, "MALFORMED"},
	{"no clock at all", put("decisions", "x", `{"decision":"x"}`, "yesterday"), "MALFORMED"},
	{"a change that is none", `7`, "MALFORMED"},
}

func TestPoisonedGroupsStayAlone(t *testing.T) {
	c := newCloud(t)
	c.db.Exec(t, `INSERT INTO app.projects (tenant_id, id, user_id) VALUES ('acme', 'bobs', 'bob');
		INSERT INTO app.decisions (tenant_id, id, user_id, decision) VALUES ('acme', 'bobs', 'bob', 'secret of bob''s')`)
	ann := c.client(t, "ann")
	for i, poison := range poisons {
		t.Run(poison.name, func(t *testing.T) {
			before, after := fmt.Sprint("before", i), fmt.Sprint("after", i)
			body := ann.body(decision(before, "good", 1), poison.changes, decision(after, "good", 1))
			results := ann.send(body)
			if got := statuses(results); got != "applied rejected/"+poison.code+" applied" {
				t.Error(got)
			}
			if text, _ := json.Marshal(results); strings.Contains(string(text), "secret of bob") {
				t.Errorf("the answer shows what ann must not see: %s", text)
			}
			if got := c.value(t, "SELECT count(*) FROM app.decisions WHERE id IN ($1, $2)", before, after); got != "2" {
				t.Errorf("%s of the good neighbours arrived", got)
			}
			if again := statuses(ann.send(body)); again != "duplicate rejected/"+poison.code+" duplicate" {
				t.Errorf("again: %s", again)
			}
			var raw []byte
			if err := c.root.QueryRow(t.Context(), "SELECT raw FROM app.rejected WHERE group_no = $1", results[1].Group).Scan(&raw); err != nil ||
				!strings.Contains(string(raw), poison.changes) {
				t.Errorf("kept is %q (%v)", cut(string(raw)), err)
			}
		})
	}
	if got := c.value(t, "SELECT string_agg(id, ' ') FROM app.decisions WHERE id NOT LIKE 'before%' AND id NOT LIKE 'after%'"); got != "bobs" {
		t.Errorf("there are %s", got)
	}
	if got := c.value(t, "SELECT decision FROM app.decisions WHERE id = 'bobs'"); got != "secret of bob's" {
		t.Error(got)
	}
}

func TestARejectionCarriesTheRowsOfTheServer(t *testing.T) {
	c := newCloud(t)
	ann := c.client(t, "ann")
	ann.push(decision("a", "as it is", 1))
	results := ann.send(ann.body(patch("decisions", "a", `{"decision":"new"}`, "null", at(2, "n")) + "," + remove("decisions", "gone", at(2, "n")) + "," +
		put("decisions", "bad", `{"confidence":"x"}`, at(2, "n"))))
	r := results[0]
	if r.Status != pushapi.Rejected || len(r.Current) != 3 || *r.Change != 2 || r.Table != "decisions" || r.ID != "bad" {
		t.Fatalf("%+v", r)
	}
	var row map[string]any
	if err := json.Unmarshal(r.Current[0].Data, &row); err != nil || row["decision"] != "as it is" || row["user_id"] != "ann" || row["confidence"] != nil {
		t.Errorf("%s %v", r.Current[0].Data, err)
	}
	if _, there := row["hlc"]; there || string(r.Current[1].Data) != "null" {
		t.Errorf("%s", r.Current)
	}
}

// TestATroubleThatNobodyKnows makes every write to a table fail with a state of no known class.
func TestATroubleThatNobodyKnows(t *testing.T) {
	c := newCloud(t)
	c.db.Exec(t, `CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'XX123'; END $$;
		CREATE TRIGGER fail BEFORE INSERT ON app.sessions FOR EACH ROW EXECUTE FUNCTION public.fail()`)
	ann := c.client(t, "ann")
	body := ann.body(decision("a", "1", 1), put("sessions", "s", `{"title":"t"}`, at(1, "n")), decision("b", "1", 1))
	for i := range 5 {
		want := "duplicate retry/TROUBLE retry/NOT_TRIED"
		switch i {
		case 0:
			want = "applied retry/TROUBLE retry/NOT_TRIED"
		case 4:
			want = "duplicate rejected/UNKNOWN applied"
		}
		if got := statuses(ann.send(body)); got != want {
			t.Errorf("%d: %s, want %s", i, got, want)
		}
	}
}

func TestATroubleThatPassesRejectsNothing(t *testing.T) {
	c := newCloud(t)
	c.db.Exec(t, `CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '53100'; END $$;
		CREATE TRIGGER fail BEFORE INSERT ON app.sessions FOR EACH ROW EXECUTE FUNCTION public.fail()`)
	ann := c.client(t, "ann")
	body := ann.body(decision("a", "1", 1), put("sessions", "s", `{"title":"t"}`, at(1, "n")))
	for range 3 {
		if results, err := ann.trySend(body); err == nil {
			t.Errorf("%+v", results)
		}
	}
	c.db.Exec(t, "DROP TRIGGER fail ON app.sessions")
	if got := statuses(ann.send(body)); got != "applied applied" {
		t.Error(got)
	}
}
