package httpapi

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// metrics never have a tenant, user, machine or row among their labels.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	groups   *prometheus.CounterVec
	changes  prometheus.Counter
	bytes    prometheus.Counter
	lost     prometheus.Counter
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "coditect_http_request_seconds",
			Help: "How long requests took.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 15)}, []string{"route", "status"}),
		groups: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "coditect_push_groups_total",
			Help: "Pushed groups by what became of them."}, []string{"status", "code"}),
		changes: prometheus.NewCounter(prometheus.CounterOpts{Name: "coditect_push_changes_total", Help: "Changes received."}),
		bytes:   prometheus.NewCounter(prometheus.CounterOpts{Name: "coditect_push_bytes_total", Help: "Bytes received, inflated."}),
		lost:    prometheus.NewCounter(prometheus.CounterOpts{Name: "coditect_push_lost_total", Help: "Values that lost a conflict."}),
	}
	m.registry.MustRegister(m.requests, m.groups, m.changes, m.bytes, m.lost, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) received(size int, b pushapi.Batch) {
	m.bytes.Add(float64(size))
	for i := range b.Groups {
		m.changes.Add(float64(len(b.Groups[i].Changes)))
	}
}

func (m *metrics) decided(results []pushapi.Result) {
	for _, r := range results {
		m.groups.WithLabelValues(string(r.Status), string(r.Code)).Inc()
		m.lost.Add(float64(r.Lost))
	}
}

func (m *metrics) answered(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Observe(took.Seconds())
}

// Metrics is the handler for Prometheus. It belongs on a listener that only the operator reaches.
func (a *API) Metrics() http.Handler {
	return promhttp.HandlerFor(a.metrics.registry, promhttp.HandlerOpts{})
}
