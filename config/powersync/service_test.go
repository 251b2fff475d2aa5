package powersync_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/backend/identity"
	"github.com/coditect-ai/coditect-sync/config/powersync"
)

// variables are what service.yaml says it takes.
var variables = map[string]string{
	"PS_SOURCE_URI": "postgresql://powersync:secret@source:5432/memory", "PS_SOURCE_SSLMODE": "verify-full",
	"PS_STORAGE_URI": "postgresql://storage:secret@storage:5432/buckets", "PS_STORAGE_SSLMODE": "disable",
	"PS_JWKS_URI": "https://sync.example.com/.well-known/jwks.json", "PS_PORT": "8080",
}

func TestServiceIsValid(t *testing.T) {
	got := evaluate(t, question{Service: &serviceQuestion{string(powersync.Service), variables}}).Service
	if len(got.Errors) > 0 {
		t.Fatalf("%q", got.Errors)
	}
	for name := range variables {
		if !slices.Contains(got.Used, name) || !strings.Contains(string(powersync.Service), "\n#   "+name+" ") {
			t.Errorf("%s is not used, or not described", name)
		}
	}
	for path, want := range map[string]any{
		"replication connections 0 type":      "postgresql",
		"replication connections 0 uri":       variables["PS_SOURCE_URI"],
		"replication connections 0 sslmode":   "verify-full",
		"storage type":                        "postgresql",
		"storage uri":                         variables["PS_STORAGE_URI"],
		"storage sslmode":                     "disable",
		"port":                                "8080",
		"sync_config path":                    "sync-streams.yaml",
		"client_auth jwks_uri":                variables["PS_JWKS_URI"],
		"client_auth audience":                []any{identity.AudienceStream},
		"client_auth jwks":                    nil,
		"telemetry disable_telemetry_sharing": true,
	} {
		if value := at(got.Value, path); fmt.Sprint(value) != fmt.Sprint(want) {
			t.Errorf("%s is %v, want %v", path, value, want)
		}
	}
	if len(got.Used) != len(variables) {
		t.Errorf("it uses %q", got.Used)
	}
}

func TestMistakesInServiceAreFound(t *testing.T) {
	good := string(powersync.Service)
	for what, spoilt := range map[string]string{
		"a misspelt key":       strings.Replace(good, "max_buckets_per_connection", "max_bucket_per_connection", 1),
		"a key too deep":       strings.Replace(good, "  audience:", "  audiences:", 1),
		"a number as a word":   strings.Replace(good, "max_parameter_query_results: 10000", "max_parameter_query_results: many", 1),
		"no mode of TLS":       strings.Replace(good, "!env PS_SOURCE_SSLMODE", "require", 1),
		"a key twice":          good + "\nport: 1\n",
		"a tag nobody knows":   strings.Replace(good, "!env PS_PORT", "!envv PS_PORT", 1),
		"a setting of storage": strings.Replace(good, "\n  uri: !env PS_STORAGE_URI", "\n  url: !env PS_STORAGE_URI", 1),
	} {
		got := evaluate(t, question{Service: &serviceQuestion{spoilt, variables}}).Service
		if spoilt == good || len(got.Errors) == 0 {
			t.Errorf("%s: nobody noticed", what)
		}
	}
}

// TestTwoThousandProjects: the limits let a person through who has that many.
func TestTwoThousandProjects(t *testing.T) {
	const projects = 2000
	q := world(string(powersync.SyncStreams))
	q.Rows, q.Access, q.Claims = []sample{}, nil, []columns{{"tenant_id": "acme", "sub": "mira"}}
	for i := range projects {
		q.Access = append(q.Access, access("acme", "mira", fmt.Sprintf("0199a4b2-7c1e-7000-8000-%012d", i)))
	}
	got := evaluate(t, question{Service: &serviceQuestion{string(powersync.Service), variables}, Streams: &q})
	if len(got.Streams.People) != 1 || len(got.Streams.People[0].Errors) > 0 {
		t.Fatalf("%q, %v", got.Streams.Errors, got.Streams.People)
	}
	mira := got.Streams.People[0]
	names := map[string]bool{}
	for _, b := range mira.Buckets {
		names[plain(b.Bucket)] = true
	}
	t.Logf("%d buckets from %d results and %d rows of access", len(names), mira.Results, mira.Rows)
	if want := 3*projects + 3; len(names) != want {
		t.Errorf("%d buckets, want %d", len(names), want)
	}
	limits := at(got.Service.Value, "api parameters").(map[string]any)
	if limit := limits["max_buckets_per_connection"].(float64); float64(mira.Results) > limit {
		t.Errorf("%d buckets are over the limit of %v", mira.Results, limit)
	}
	if limit := limits["max_parameter_query_results"].(float64); float64(max(mira.Results, mira.Rows)) > limit {
		t.Errorf("%d results of %d rows are over the limit of %v", mira.Results, mira.Rows, limit)
	}
}

// at follows a path of keys and indexes; nil where it ends.
func at(value any, path string) any {
	for step := range strings.FieldsSeq(path) {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			var i int
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}
