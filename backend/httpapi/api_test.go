package httpapi_test

import (
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

const one = `{"machine_id":"ann-pc","client_id":"c","schema_version":1,"groups":[
	{"group":1,"changes":[{"table":"decisions","op":"put","id":"a","data":{"decision":"x"}}]}]}`

func TestPushOverHTTP(t *testing.T) {
	s := newServer(t, pgtest.New(t), plenty)
	defer func() { t.Log(strings.ReplaceAll(s.logged.String(), "\\n", "\n")) }()
	if a := s.push(t, one); len(a.Results) != 1 || a.Results[0].Status != pushapi.Applied || a.Time == "" {
		t.Errorf("%+v", a)
	}
	if a := s.push(t, one); a.Results[0].Status != pushapi.Duplicate {
		t.Errorf("%+v", a)
	}
}
