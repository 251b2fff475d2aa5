package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metricsql"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"
)

// expressions are those of the alerts and of the dashboard, by what they are called.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	read := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join("..", "..", "..", "build", "deploy", "watch", name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	var rules struct {
		Spec struct {
			Groups []struct {
				Rules []struct{ Alert, Expr string }
			}
		}
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := yaml.Unmarshal(read("rules.yaml"), &rules); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(read("dashboard.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, g := range rules.Spec.Groups {
		for _, r := range g.Rules {
			all["alert "+r.Alert] = r.Expr
		}
	}
	for _, p := range dashboard.Panels {
		for i, target := range p.Targets {
			all[fmt.Sprintf("panel %s %d", p.Title, i)] = target.Expr
		}
	}
	if len(all) < 18 {
		t.Fatalf("only %d expressions", len(all))
	}
	return all
}

// TestWhatIsWatchedIsExported holds the alerts and the dashboard against the metrics of a server that has done something:
// a metric or label that is renamed would silence an alert for ever.
func TestWhatIsWatchedIsExported(t *testing.T) {
	exported := exports(t)
	for name, expression := range expressions(t) {
		for _, problem := range unexported(expression, exported) {
			t.Errorf("%s: %s", name, problem)
		}
	}
	for _, wrong := range []string{"coditect_stream", "sum(rate(coditect_push_lost[5m]))", `coditect_http_request_seconds_count{route="POST /v2/push"}`,
		`coditect_http_request_seconds_bucket{code="200"}`, "max(coditect_streams", ""} {
		if len(unexported(wrong, exported)) == 0 {
			t.Errorf("nobody noticed %s", wrong)
		}
	}
}

// exports are the metrics of a server, by name, after a push, a request that failed, and a stream.
func exports(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	c := newCloud(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	c.environ = append(c.environ, prefix+"METRICS="+free.Addr().String())
	c.does(t, 0, "tenant", "add", "lumen")
	secret := shown.FindStringSubmatch(c.does(t, 0, "user", "add", "mira@lumen.works", "--tenant", "lumen"))[1]
	c.serves(t)
	mira := c.signIn(t, "mira@lumen.works", secret, "studio")
	access := mira["access_token"].(string)
	c.pushes(t, access, "studio", 1, fmt.Sprintf(`{"table":"decisions","op":"put","id":"d1","data":{"decision":"watch","user_id":%q}}`, mira["user_id"]), "applied")
	c.pushes(t, access, "studio", 2, `{"table":"no_such_table","op":"put","id":"x","data":{}}`, "rejected")
	seen(t, c.stream(t, access), "checkpoint_complete")
	response, err := http.Get("http://" + free.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if streams := families["coditect_streams"]; streams == nil || streams.Metric[0].GetGauge().GetValue() != 1 {
		t.Errorf("one stream is open: %v", streams)
	}
	return families
}

// unexported says what an expression asks for that is not there. job and pod are given by whoever scrapes.
func unexported(expression string, exported map[string]*dto.MetricFamily) (problems []string) {
	parsed, err := metricsql.Parse(expression)
	if err != nil {
		return []string{err.Error()}
	}
	asked := 0
	metricsql.VisitAll(parsed, func(e metricsql.Expr) {
		m, ok := e.(*metricsql.MetricExpr)
		if !ok {
			return
		}
		asked++
		for _, filters := range m.LabelFilterss {
			problems = append(problems, missing(filters, exported)...)
		}
	})
	if asked == 0 {
		problems = append(problems, "it asks for no metric")
	}
	return problems
}

func missing(filters []metricsql.LabelFilter, exported map[string]*dto.MetricFamily) (problems []string) {
	name := filters[0].Value
	family, part := exported[name], ""
	for _, suffix := range []string{"_bucket", "_count", "_sum"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && exported[base] != nil && exported[base].GetType() == dto.MetricType_HISTOGRAM {
			family, part = exported[base], suffix
		}
	}
	if family == nil || family.GetType() == dto.MetricType_HISTOGRAM && part == "" {
		return []string{"there is no metric " + name}
	}
	for _, f := range filters[1:] {
		if f.Label == "job" || f.Label == "pod" {
			continue
		}
		if !slices.ContainsFunc(family.Metric, func(m *dto.Metric) bool {
			return slices.ContainsFunc(m.Label, func(l *dto.LabelPair) bool { return l.GetName() == f.Label && (f.IsRegexp || l.GetValue() == f.Value) })
		}) {
			problems = append(problems, fmt.Sprintf("%s has no %s %q", name, f.Label, f.Value))
		}
	}
	return problems
}
