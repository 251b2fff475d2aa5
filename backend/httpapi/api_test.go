package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/backend/httpapi"
	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

const one = `{"machine_id":"ann-pc","client_id":"c","schema_version":1,"groups":[
	{"group":1,"changes":[{"table":"decisions","op":"put","id":"a","data":{"decision":"x"}}]}]}`

func TestPushOverHTTP(t *testing.T) {
	s := newServer(t, pgtest.New(t), plenty)
	if a := s.push(t, one); len(a.Results) != 1 || a.Results[0].Status != pushapi.Applied || a.Time == "" {
		t.Errorf("%+v", a)
	}
	if a := s.push(t, one); a.Results[0].Status != pushapi.Duplicate {
		t.Errorf("%+v", a)
	}
	older := strings.ReplaceAll(one, `"group":1`, `"group":2`)
	older = strings.ReplaceAll(older, `{"decision":"x"}`, `{"decision":"older"},"hlc":"000000000001-0000-other"`)
	if a := s.push(t, older); a.Results[0].Lost != 1 {
		t.Errorf("%+v", a)
	}
	if _, text := s.request(t, "GET", "/v1/lost", nil); !strings.Contains(text, `"value":"older"`) || !strings.Contains(text, `"kind":"older"`) {
		t.Error(text)
	}
	poison := strings.ReplaceAll(strings.ReplaceAll(one, `"group":1`, `"group":3`), `"x"`, "7")
	if a := s.push(t, poison); a.Results[0].Status != pushapi.Rejected || len(a.Results[0].Current) != 1 {
		t.Errorf("%+v", a)
	}
	if _, text := s.request(t, "GET", "/v1/rejected?limit=1", nil); !strings.Contains(text, `"code":"BAD_VALUE"`) {
		t.Error(text)
	}
}

// secret is in every request that fails below: no answer and no log line may have it.
const secret = "the-content-of-a-row"

func TestProblemsSayWhatIsWrongAndQuoteNothing(t *testing.T) {
	s := newServer(t, pgtest.New(t), plenty)
	change := `{"table":"decisions","op":"put","id":"` + secret + `","data":{"decision":"` + secret + `"}}`
	many := strings.Repeat(change+",", 1000) + change
	for _, x := range []struct {
		name, body string
		status     int
		code       string
	}{
		{"nothing", "", 422, "INVALID"},
		{"no JSON", secret, 422, "INVALID"},
		{"half of it", one[:50] + secret, 422, "INVALID"},
		{"a list", `["` + secret + `"]`, 422, "INVALID"},
		{"no machine", `{"client_id":"` + secret + `"}`, 422, "INVALID"},
		{"a machine that is a number", `{"machine_id":7,"client_id":"` + secret + `"}`, 422, "INVALID"},
		{"a machine with a space", `{"machine_id":"` + secret + ` "}`, 422, "INVALID"},
		{"no groups", `{"machine_id":"ann-pc","client_id":"` + secret + `","schema_version":1,"groups":[]}`, 422, "INVALID"},
		{"groups that are none", `{"machine_id":"ann-pc","client_id":"c","schema_version":1,"groups":"` + secret + `"}`, 422, "INVALID"},
		{"no version", `{"machine_id":"ann-pc","client_id":"` + secret + `","groups":[{"group":1,"changes":[]}]}`, 422, "INVALID"},
		{"no number", groups(`{"changes":[` + change + `]}`), 422, "INVALID"},
		{"numbers that do not grow", groups(`{"group":2,"changes":[` + change + `]},{"group":2,"changes":[]}`), 422, "INVALID"},
		{"a part of nothing", groups(`{"group":2,"part":1,"changes":[` + change + `]}`), 422, "INVALID"},
		{"a part too many", groups(`{"group":2,"part":3,"parts":2,"changes":[` + change + `]}`), 422, "INVALID"},
		{"1001 changes", groups(`{"group":1,"changes":[` + many + `]}`), 413, "TOO_LARGE"},
		{"101 groups", groups(numbered(101)), 413, "TOO_LARGE"},
		{"5 MiB in two changes", groups(`{"group":1,"changes":[` + change + `,` + strings.Replace(change, `"decision":"`, `"decision":"`+strings.Repeat("x", 5<<20), 1) + `]}`), 413, "TOO_LARGE"},
		{"17 MiB", groups(`{"group":1,"changes":[` + strings.Replace(change, `"decision":"`, `"decision":"`+strings.Repeat("x", 17<<20), 1) + `]}`), 413, "TOO_LARGE"},
		{"another machine", strings.ReplaceAll(one, "ann-pc", "bob-pc"), 403, "DENIED"},
	} {
		t.Run(x.name, func(t *testing.T) {
			response, text := s.request(t, "POST", "/v1/push", strings.NewReader(x.body))
			wantProblem(t, response, text, x.status, x.code)
			if strings.Contains(text, secret) {
				t.Errorf("it quotes: %s", text)
			}
		})
	}
	// A value that only PostgreSQL refuses, and one that it quotes in its message.
	s.push(t, groups(`{"group":1,"changes":[{"table":"projects","op":"put","id":"p","data":{"visibility":"`+secret+`"}}]}`))
	if strings.Contains(s.logged.String(), secret) {
		t.Errorf("the log quotes: %s", s.logged)
	}
}

func groups(list string) string {
	return `{"machine_id":"ann-pc","client_id":"c","schema_version":1,"groups":[` + list + `]}`
}

func numbered(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`{"group":%d,"changes":[]}`, i+1))
	}
	return strings.Join(all, ",")
}

// wantProblem checks the form of a problem document.
func wantProblem(t *testing.T, response *http.Response, text string, status int, code string) {
	t.Helper()
	var p httpapi.Problem
	err := json.Unmarshal([]byte(text), &p)
	if err != nil || response.StatusCode != status || p.Status != status || string(p.Code) != code || p.Title == "" || p.Detail == "" {
		t.Errorf("%d %s, want %d %s (%v)", response.StatusCode, text, status, code, err)
	}
	if got := response.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type %s", got)
	}
	if id := response.Header.Get("X-Request-Id"); id == "" || id != p.RequestID {
		t.Errorf("request id %q, %q", id, p.RequestID)
	}
}

func TestWithoutAToken(t *testing.T) {
	s := newServer(t, pgtest.New(t), plenty)
	for _, path := range []string{"POST /v1/push", "GET /v1/lost", "GET /v1/rejected"} {
		for _, header := range []string{"", "Bearer", "Bearer x", "Basic YTpi", "Bearer " + s.token(t, "ann") + "x"} {
			method, path, _ := strings.Cut(path, " ")
			response, text := s.request(t, method, path, strings.NewReader(one), "Authorization", header)
			wantProblem(t, response, text, 401, "UNAUTHENTICATED")
			if response.Header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s: %v", path, response.Header)
			}
		}
	}
	if response, text := s.request(t, "POST", "/v1/push", strings.NewReader(one), "Authorization", "Token "+s.token(t, "ann")); response.StatusCode != 200 {
		t.Error(text)
	}
}

func TestPagesThatAreNone(t *testing.T) {
	s := newServer(t, pgtest.New(t), plenty)
	for _, query := range []string{"limit=0", "limit=1001", "limit=x", "before=-1", "before=" + secret} {
		response, text := s.request(t, "GET", "/v1/lost?"+query, nil)
		wantProblem(t, response, text, 422, "INVALID")
		if strings.Contains(text, secret) {
			t.Error(text)
		}
	}
	if _, text := s.request(t, "GET", "/v1/rejected", nil); text != "{\"rejected\":[]}\n" {
		t.Errorf("%q", text)
	}
}

func TestNothingElseIsThere(t *testing.T) {
	s := newServer(t, pgtest.New(t), plenty)
	for _, path := range []string{"/", "/v1", "/v1/push/", "/metrics", "/debug/pprof/", "/docs", "/schemas/Batch.json", "/v1/push"} {
		response, text := s.request(t, "GET", path, nil)
		wantProblem(t, response, text, 404, "INVALID")
	}
}

func TestTheContractIsPublished(t *testing.T) {
	s := newServer(t, pgtest.New(t), plenty)
	_, text := s.request(t, "GET", "/openapi.json", nil)
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			RequestBody json.RawMessage
			Responses   map[string]json.RawMessage
		}
		Components struct{ Schemas map[string]json.RawMessage }
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil || doc.OpenAPI != "3.1.0" {
		t.Fatal(err, text)
	}
	push := doc.Paths["/v1/push"]["post"]
	if !strings.Contains(string(push.RequestBody), "/Batch") || push.Responses["200"] == nil || !strings.Contains(string(push.Responses["413"]), "problem+json") {
		t.Errorf("%s %s", push.RequestBody, push.Responses)
	}
	for schema, want := range map[string]string{"Batch": `"machine_id"`, "Change": `"hlc"`, "Result": `"current"`, "Problem": `"request_id"`, "Lost": `"winner_hlc"`} {
		if !strings.Contains(string(doc.Components.Schemas[schema]), want) {
			t.Errorf("%s: %s", schema, doc.Components.Schemas[schema])
		}
	}
}

func TestMetricsNameNobody(t *testing.T) {
	s := newServer(t, pgtest.New(t), plenty)
	s.push(t, one)
	s.request(t, "GET", "/nowhere", nil)
	w := httptest.NewRecorder()
	s.api.Metrics().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	text := w.Body.String()
	for _, want := range []string{`coditect_push_groups_total{code="",status="applied"} 1`, "coditect_push_changes_total 1",
		`coditect_http_request_seconds_count{route="POST /v1/push",status="200"} 1`, `route="/",status="404"`} {
		if !strings.Contains(text, want) {
			t.Errorf("without %s", want)
		}
	}
	for _, never := range []string{"acme", "ann", "nowhere"} {
		if strings.Contains(text, never) {
			t.Errorf("it has %s", never)
		}
	}
}
