package apptest_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// TestS3IsARealOne: it keeps objects, verifies who asks, makes an object once, and goes wrong as it is told.
func TestS3IsARealOne(t *testing.T) {
	server := apptest.StartS3(t, "memory")
	server.Setenv(t)
	client := s3Client(t, server.URL)
	put := func(key string, once bool) error {
		in := &s3.PutObjectInput{Bucket: aws.String("memory"), Key: &key, Body: strings.NewReader("content")}
		if once {
			in.IfNoneMatch = aws.String("*")
		}
		_, err := client.PutObject(t.Context(), in)
		return err
	}
	if err := put("a/b.ltx", true); err != nil {
		t.Fatal(err)
	}
	if got := server.Objects("memory", "a/"); len(got) != 1 || got[0] != (apptest.Object{Name: "a/b.ltx", Size: 7}) {
		t.Errorf("it holds %+v", got)
	}
	if got := s3Code(put("a/b.ltx", true)); got != "PreconditionFailed" {
		t.Errorf("a second exclusive write: %q", got)
	}
	lift := server.Fault(apptest.S3Uploads, apptest.Fault{Status: http.StatusForbidden, Reason: "AccessDenied"})
	if got := s3Code(put("c", false)); got != "AccessDenied" {
		t.Errorf("denied: %q", got)
	}
	lift()
	t.Setenv("AWS_SECRET_ACCESS_KEY", "another")
	client = s3Client(t, server.URL)
	if got := s3Code(put("c", false)); got != "SignatureDoesNotMatch" {
		t.Errorf("with a wrong secret: %q", got)
	}
}

func s3Client(t *testing.T, url string) *s3.Client {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("us-east-1"))
	if err != nil {
		t.Fatal(err)
	}
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.BaseEndpoint, o.UsePathStyle, o.RetryMaxAttempts = aws.String(url), true, 1
	})
}

func s3Code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}
