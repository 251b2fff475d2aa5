package stream

import (
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
)

const (
	tenant = "00000000-0000-0000-0000-0000000000aa"
	ada    = "00000000-0000-0000-0000-0000000000a1"
	bob    = "00000000-0000-0000-0000-0000000000b2"
)

func TestPlainSQLIsStreamed(t *testing.T) {
	s := recorded(t, pgtest.New(t))
	conn := s.source(t)
	exec(t, conn, "INSERT INTO messages (id, tenant_id, user_id, content) SELECT gen_random_uuid(), $1, $2, 'm' || g FROM generate_series(1, 5) g", tenant, ada)
	s.write(t)
	url, _ := s.serve(t)
	c := connect(t, url, person(tenant, ada), request("c", nil))
	for _, l := range c.until("checkpoint_complete") {
		t.Logf("%s", l.raw)
	}
	exec(t, conn, "UPDATE messages SET content = 'new' WHERE content = 'm1'")
	for _, l := range c.until("checkpoint_complete") {
		t.Logf("%s", l.raw)
	}
	exec(t, conn, "DELETE FROM messages WHERE content = 'm2'")
	for _, l := range c.until("checkpoint_complete") {
		t.Logf("%s", l.raw)
	}
	if got := get(t, url+"/write-checkpoint2.json?client_id=c", person(tenant, ada)); !strings.Contains(got, `"1"`) {
		t.Error(got)
	}
	for _, l := range c.until("checkpoint_complete") {
		t.Logf("%s", l.raw)
	}
}
