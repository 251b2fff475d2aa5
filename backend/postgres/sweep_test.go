package postgres_test

import (
	"strings"
	"testing"
)

func TestSweepForgetsWhatIsOld(t *testing.T) {
	c := newCloud(t)
	ann := c.client(t, "ann")
	ann.push(decision("a", "1", 1), decision("b", "1", 1))
	parts := ann.inParts(someDecisions(2, 10), 1)
	ann.send(parts[0])
	ann.send(ann.body(put("decisions", "x", `{"confidence":"x"}`, at(1, "n"))))
	if n, done, err := c.Sweep(t.Context()); n != 0 || !done || err != nil {
		t.Errorf("%d of today, %v %v", n, done, err)
	}
	if n, done, err := c.Sweep(t.Context()); n != 0 || done || err != nil {
		t.Errorf("twice a day: %d, %v %v", n, done, err)
	}
	c.db.Exec(t, `UPDATE app.ledger SET at = now() - interval '91 days'; UPDATE app.staged SET at = now() - interval '8 days';
		UPDATE app.rejected SET at = now() - interval '300 days';
		UPDATE app.swept SET at = now() - interval '1 day'; INSERT INTO app.usage SELECT 'acme', d, 'ann', 'c', 1 FROM generate_series(now() - interval '64 days', now(), interval '1 day') d`)
	if n, _, err := c.Sweep(t.Context()); n != 5 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if got := c.value(t, "SELECT count(*) || ' ' || (SELECT count(*) FROM app.staged) || ' ' || (SELECT count(*) FROM app.rejected) FROM app.ledger"); got != "1 0 1" {
		t.Error(got)
	}
	next := strings.Replace(ann.body(decision("c", "1", 1)), `"groups"`, `"after": 4, "groups"`, 1)
	if got := statuses(ann.send(next)); got != "applied" {
		t.Errorf("after a long time: %s", got)
	}
}

// TestOneOfManyProcessesSweeps: all of them try at the same time, one does it.
func TestOneOfManyProcessesSweeps(t *testing.T) {
	c := newCloud(t)
	did := make(chan bool, 6)
	for range cap(did) {
		go func() {
			_, done, err := c.Sweep(t.Context())
			if err != nil {
				t.Error(err)
			}
			did <- done
		}()
	}
	count := 0
	for range cap(did) {
		if <-did {
			count++
		}
	}
	if count != 1 {
		t.Errorf("%d processes did it", count)
	}
}
