package standalone

import (
	"slices"
	"testing"
)

func TestRetentionInWords(t *testing.T) {
	for url, first := range map[string]string{
		"file:///mnt/copies": "Every second for the last hour", "gs://bucket": "Every 5 seconds for the last hour",
	} {
		want := []string{first, "every 30 seconds for a day", "every 5 minutes for a week", "every hour for 30 days"}
		if got := Retention(url); !slices.Equal(got, want) {
			t.Errorf("%s: %q", url, got)
		}
	}
}
