package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

func decision(id, text string, second int) string {
	return put("decisions", id, fmt.Sprintf(`{"decision":%q}`, text), at(second, "n"))
}

func TestReplaysTakeEffectOnce(t *testing.T) {
	c := newCloud(t)
	ann := c.client(t, "ann")
	body := ann.body(decision("a", "1", 1), patch("decisions", "a", `{"decision":"2"}`, `{"decision":"1"}`, at(2, "n")),
		patch("decisions", "nowhere", `{"decision":"x"}`, "null", at(1, "n")))
	if got := statuses(ann.send(body)); got != "applied applied rejected/NOT_FOUND" {
		t.Fatal(got)
	}
	c.db.Exec(t, "UPDATE app.decisions SET decision = 'touched since'")
	for range 3 {
		if got := statuses(ann.send(body)); got != "duplicate duplicate rejected/NOT_FOUND" {
			t.Error(got)
		}
	}
	if got := c.value(t, "SELECT decision FROM app.decisions"); got != "touched since" {
		t.Error(got)
	}
	if got := c.value(t, "SELECT count(*) FROM app.rejected"); got != "1" {
		t.Errorf("%s copies of the rejected group", got)
	}
}

func TestAReusedNumberIsKeptToo(t *testing.T) {
	c := newCloud(t)
	ann := c.client(t, "ann")
	ann.push(decision("a", "1", 1))
	other := ann.envelope(`{"group": 1, "changes": [` + decision("b", "the laptop was restored from a backup", 5) + `]}`)
	for range 2 {
		if got := statuses(ann.send(other)); got != "rejected/GROUP_REUSED" {
			t.Error(got)
		}
	}
	kept, err := c.Rejected(t.Context(), ann.who, 0, 10)
	if err != nil || len(kept) != 1 || !strings.Contains(string(kept[0].Raw), "restored from a backup") || kept[0].Machine != "ann-pc" {
		t.Errorf("%+v %v", kept, err)
	}
	if got := c.value(t, "SELECT string_agg(id, ' ') FROM app.decisions"); got != "a" {
		t.Error(got)
	}
}

func TestTheLedgerIsPerUserAndClient(t *testing.T) {
	c := newCloud(t)
	ann, bob := c.client(t, "ann"), c.client(t, "bob")
	bob.id = ann.id
	ann.push(decision("a", "ann's", 1))
	bob.push(decision("b", "bob's", 1))
	ann.id, ann.group = "another", 0
	ann.push(decision("c", "ann's", 1))
}

func TestConcurrentDuplicates(t *testing.T) {
	c := newCloud(t)
	ann := c.client(t, "ann")
	for round := range 5 {
		body := ann.body(decision(fmt.Sprint("a", round), "1", 1), decision(fmt.Sprint("b", round), "1", 1))
		all := make([]string, 8)
		var wg sync.WaitGroup
		for i := range all {
			wg.Go(func() {
				results, err := ann.trySend(body)
				if err != nil {
					t.Error(err)
				}
				all[i] = statuses(results)
			})
		}
		wg.Wait()
		if got := strings.Join(all, " "); strings.Count(got, "applied") != 2 || strings.Count(got, "duplicate") != 14 {
			t.Error(got)
		}
	}
}

// TestOvertakingRequests sends requests that name the one before them in a random order, again and again, as a client with a
// bad network does: in the end each is applied, in order.
func TestOvertakingRequests(t *testing.T) {
	c := newCloud(t)
	ann := c.client(t, "ann")
	const n = 20
	bodies := make([]string, n)
	for i := range bodies {
		change := patch("decisions", "a", fmt.Sprintf(`{"decision":"%d"}`, i), fmt.Sprintf(`{"decision":"%d"}`, i-1), at(i, "n"))
		if i == 0 {
			change = decision("a", "0", 0)
		}
		ann.group++
		bodies[i] = strings.Replace(ann.envelope(fmt.Sprintf(`{"group": %d, "changes": [%s]}`, ann.group, change)),
			`"groups"`, fmt.Sprintf(`"after": %d, "groups"`, ann.group-1), 1)
	}
	left := rand.Perm(n)
	for len(left) > 0 {
		var again []int
		for _, i := range left {
			switch got := statuses(ann.send(bodies[i])); got {
			case "retry/OUT_OF_ORDER":
				again = append(again, i)
			case "applied":
			default:
				t.Fatal(got)
			}
		}
		if len(again) == len(left) {
			t.Fatal("nothing is accepted any more")
		}
		left = again
	}
	if got := c.value(t, "SELECT decision FROM app.decisions"); got != "19" {
		t.Error(got)
	}
	if got := ann.lostLines(); got != "" {
		t.Error(got)
	}
}

// TestManyClientsAtOnce lets clients write the same rows at the same time, and wants the newest value in each.
func TestManyClientsAtOnce(t *testing.T) {
	c := newCloud(t)
	seed := c.client(t, "ann")
	var rows []string
	for i := range 50 {
		rows = append(rows, put("decisions", fmt.Sprint("r", i), `{"decision":"d"}`, at(0, "seed")))
	}
	seed.push(strings.Join(rows, ","))
	var wg sync.WaitGroup
	for w := range 4 {
		client := c.client(t, "ann")
		client.id = fmt.Sprint("client", w)
		wg.Go(func() {
			for round := range 10 {
				var changes []string
				for _, i := range rand.Perm(50) {
					changes = append(changes, patch("decisions", fmt.Sprint("r", i), fmt.Sprintf(`{"decision":"%d of %d"}`, round, w), "null", at(round*4+w+1, client.id)))
				}
				client.push(strings.Join(changes, ","))
			}
		})
	}
	wg.Wait()
	if got := c.value(t, "SELECT string_agg(DISTINCT decision, ',') FROM app.decisions"); got != "9 of 3" {
		t.Error(got)
	}
}

func TestANewerClientWaits(t *testing.T) {
	c := newCloud(t)
	ann := c.client(t, "ann")
	body := strings.Replace(ann.body(decision("a", "1", 1), put("inventions", "x", `{"a":1}`, at(1, "n")), decision("b", "1", 1)),
		`"schema_version": 1`, `"schema_version": 2`, 1)
	for range 2 {
		if got := statuses(ann.send(body)); got != "applied retry/SCHEMA_AHEAD retry/NOT_TRIED" && got != "duplicate retry/SCHEMA_AHEAD retry/NOT_TRIED" {
			t.Error(got)
		}
	}
	column := strings.Replace(ann.body(put("decisions", "x", `{"mood":"good"}`, at(1, "n"))), `"schema_version": 1`, `"schema_version": 2`, 1)
	if got := statuses(ann.send(column)); got != "retry/SCHEMA_AHEAD" {
		t.Error(got)
	}
	if got := c.value(t, "SELECT count(*) FROM app.rejected"); got != "0" {
		t.Error(got)
	}
}

func TestWhoMayPush(t *testing.T) {
	c := newCloud(t)
	ann := c.client(t, "ann")
	body := ann.body(decision("a", "1", 1))
	c.db.Exec(t, "INSERT INTO app.machines (tenant_id, id, user_id, revoked_at) VALUES ('acme', 'lost-pc', 'ann', now())")
	for name, who := range map[string]struct{ tenant, user, machine string }{
		"another machine": {"acme", "ann", "other-pc"}, "another tenant": {"evil", "ann", "ann-pc"}, "nobody": {"acme", "", "ann-pc"},
		"no tenant": {"", "ann", "ann-pc"}, "a stranger": {"acme", "zed", "ann-pc"},
	} {
		p := ann.who
		p.Tenant, p.User, p.Machine = who.tenant, who.user, who.machine
		batch, err := pushapi.Decode([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if results, err := c.Push(context.Background(), p, batch); err == nil {
			t.Errorf("%s: %+v", name, results)
		}
	}
	ann.who.Machine = "lost-pc"
	if _, err := ann.trySend(ann.body(decision("a", "1", 1))); err == nil {
		t.Error("a revoked machine may push")
	}
	ann.who.Machine = "ann-pc"
	c.db.Exec(t, "UPDATE app.users SET disabled_at = now() WHERE id = 'ann'")
	if _, err := ann.trySend(body); err == nil {
		t.Error("a disabled user may push")
	}
	if got := c.value(t, "SELECT count(*) FROM app.decisions"); got != "0" {
		t.Error(got)
	}
}

// TestManyClientsMakeTheSameRows puts the same new rows from several clients, each in an order of its own: nobody waits for
// somebody who waits for him.
func TestManyClientsMakeTheSameRows(t *testing.T) {
	c := newCloud(t)
	var wg sync.WaitGroup
	for w := range 4 {
		client := c.client(t, "ann")
		client.id = fmt.Sprint("client", w)
		wg.Go(func() {
			for round := range 5 {
				var changes []string
				for _, i := range rand.Perm(1000) {
					changes = append(changes, put("decisions", fmt.Sprintf("%d-%d", round, i), fmt.Sprintf(`{"decision":"%d"}`, w), at(w, client.id)))
				}
				if _, err := client.trySend(client.body(strings.Join(changes, ","))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := c.value(t, "SELECT count(*) || ' ' || string_agg(DISTINCT decision, ',') FROM app.decisions"); got != "5000 3" {
		t.Error(got)
	}
}
