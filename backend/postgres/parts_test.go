package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// inParts is one group cut into parts of size changes, each a request of its own.
func (c *client) inParts(changes []string, size int) []string {
	c.group++
	parts := (len(changes) + size - 1) / size
	var bodies []string
	for i := range parts {
		some := changes[i*size : min(len(changes), (i+1)*size)]
		bodies = append(bodies, c.envelope(fmt.Sprintf(`{"group": %d, "part": %d, "parts": %d, "changes": [%s]}`,
			c.group, i+1, parts, strings.Join(some, ","))))
	}
	return bodies
}

func someDecisions(n, length int) []string {
	text := strings.Repeat("x", length)
	changes := make([]string, n)
	for i := range changes {
		changes[i] = decision(fmt.Sprintf("d%05d", i), text, 1)
	}
	return changes
}

func TestALargeGroupIsAppliedAtOnce(t *testing.T) {
	for _, x := range []struct {
		name               string
		rows, length, size int
	}{{"5,000 rows", 5000, 20, 1000}, {"10 MiB", 10, 1 << 20, 3}} {
		t.Run(x.name, func(t *testing.T) {
			c := newCloud(t)
			ann := c.client(t, "ann")
			bodies := ann.inParts(someDecisions(x.rows, x.length), x.size)
			for i, n := range rand.Perm(len(bodies)) {
				want, rows := "staged", "0"
				if i == len(bodies)-1 {
					want, rows = "applied", fmt.Sprint(x.rows)
				}
				if got := statuses(ann.send(bodies[n])); got != want {
					t.Fatalf("part %d: %s", n, got)
				}
				if got := c.value(t, "SELECT count(*) FROM app.decisions"); got != rows {
					t.Fatalf("%s rows after %d parts", got, i+1)
				}
			}
			for _, body := range bodies {
				if got := statuses(ann.send(body)); got != "duplicate" {
					t.Error(got)
				}
			}
			if got := c.value(t, "SELECT count(*) FROM app.staged"); got != "0" {
				t.Errorf("%s parts are left", got)
			}
		})
	}
}

func TestOneLargeChange(t *testing.T) {
	c := newCloud(t)
	ann := c.client(t, "ann")
	ann.push(decision("a", strings.Repeat("y", 14<<20), 1))
	if got := c.value(t, "SELECT length(decision) FROM app.decisions"); got != fmt.Sprint(14<<20) {
		t.Error(got)
	}
}

func TestPartsThatDoNotFit(t *testing.T) {
	c := newCloud(t)
	ann := c.client(t, "ann")
	bodies := ann.inParts(someDecisions(6, 10), 2)
	for range 2 {
		if got := statuses(ann.send(bodies[0])); got != "staged" {
			t.Fatal(got)
		}
	}
	other := strings.Replace(bodies[0], "xxxxxxxxxx", "another content", 1)
	if got := statuses(ann.send(other)); got != "rejected/GROUP_REUSED" {
		t.Error(got)
	}
	if got := statuses(ann.send(bodies[1])); got != "rejected/GROUP_REUSED" {
		t.Error(got)
	}
	// All three that came are kept, and none is left waiting.
	if got := c.value(t, "SELECT count(*) || ' ' || (SELECT count(*) FROM app.staged) FROM app.rejected"); got != "3 0" {
		t.Error(got)
	}
	longer := ann.inParts(someDecisions(6, 10), 2)
	ann.send(longer[0])
	if got := statuses(ann.send(strings.Replace(longer[1], `"parts": 3`, `"parts": 4`, 1))); got != "rejected/GROUP_REUSED" {
		t.Error(got)
	}
}

func TestAPoisonedPartRejectsTheGroup(t *testing.T) {
	c := newCloud(t)
	ann := c.client(t, "ann")
	bodies := ann.inParts(append(someDecisions(4, 10), put("decisions", "bad", `{"confidence":"high"}`, at(1, "n"))), 2)
	first, second, third := ann.send(bodies[0]), ann.send(bodies[1]), ann.send(bodies[2])
	if got := statuses(append(append(first, second...), third...)); got != "staged staged rejected/BAD_VALUE" {
		t.Error(got)
	}
	if len(third[0].Current) != 5 {
		t.Errorf("%d rows of the server's for a group of 5", len(third[0].Current))
	}
	last := ann.send(bodies[2])
	if last[0].Status != pushapi.Rejected || *last[0].Change != 4 {
		t.Errorf("%+v", last[0])
	}
	if got := c.value(t, "SELECT count(*) || ' ' || (SELECT count(*) FROM app.decisions) FROM app.rejected"); got != "3 0" {
		t.Error(got)
	}
}

func TestANewerClientsPartsWait(t *testing.T) {
	c := newCloud(t)
	ann := c.client(t, "ann")
	bodies := ann.inParts([]string{decision("a", "1", 1), put("inventions", "x", `{"a":1}`, at(1, "n"))}, 1)
	for i := range bodies {
		bodies[i] = strings.Replace(bodies[i], `"schema_version": 1`, `"schema_version": 2`, 1)
	}
	for i, want := range []string{"staged", "retry/SCHEMA_AHEAD", "retry/SCHEMA_AHEAD"} {
		if got := statuses(ann.send(bodies[min(i, 1)])); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := c.value(t, "SELECT count(*) FROM app.staged"); got != "2" {
		t.Errorf("%s parts are kept", got)
	}
}
