package apptest

import (
	"net/http"
	"strings"
)

// Class is how Google bills a request.
type Class string

// The classes. An upload's further parts and deletes cost nothing.
const (
	ClassA    Class = "A"    // insert, copy, compose, update, list, create a bucket
	ClassB    Class = "B"    // get: content or metadata of an object, metadata of a bucket
	ClassFree Class = "free" // delete, and the parts of an upload after its first request
)

// ClassOf sorts a request of the JSON API, or a download of the XML API.
func ClassOf(r *http.Request) Class {
	switch r.Method {
	case http.MethodDelete:
		return ClassFree
	case http.MethodPut, http.MethodPost:
		if strings.HasPrefix(r.URL.Path, "/upload/") && r.URL.Query().Has("upload_id") {
			return ClassFree
		}
		return ClassA
	case http.MethodGet, http.MethodHead:
		if isList(r.URL.Path) {
			return ClassA
		}
		return ClassB
	}
	return ClassA
}

// isList knows …/b (buckets) and …/b/NAME/o (objects).
func isList(path string) bool {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(path, "/"), "/storage/v1/b")
	if !ok {
		return false
	}
	parts := strings.Split(strings.TrimPrefix(rest, "/"), "/")
	return rest == "" || len(parts) == 2 && parts[1] == "o"
}
