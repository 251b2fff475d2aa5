package meta

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	module  = "github.com/coditect-ai/coditect-sync"
	webView = "github.com/wailsapp/"
)

// graph is what production code imports directly, by import path. Packages without an entry are leaves.
type graph map[string][]string

// mayImport says which packages of this module a package may import. A package that is not here may not be.
var mayImport = map[string][]string{
	"":                     {"app/cli"},
	"app":                  {},
	"app/agent":            {"app", "config"},
	"app/apptest":          {"app"},
	"app/apptest/stand":    {"app/apptest"},
	"app/cloud":            {"app", "app/powersync", "backend/pushapi"}, // what comes down, and what goes up
	"app/cli":              {"app", "app/agent", "app/cloud", "app/desktop", "app/local", "app/login", "app/sqlite", "app/standalone", "app/tray", "app/window", "config"},
	"app/desktop":          {"app", "config"}, // config replaces small files so that a crash leaves one of the two
	"app/local":            {"app"},
	"app/login":            {"app", "config"},
	"app/powersync":        {}, // pure, like a word
	"app/sqlite":           {"app", "app/powersync", "backend/pushapi", "config/schema"},
	"app/standalone":       {"app", "app/standalone/crypt", "app/standalone/s3", "app/standalone/sftp"},
	"app/standalone/sftp":  {}, // a folder, and nothing of what is in it
	"app/standalone/crypt": {}, // objects, and nothing of what is in them
	"app/standalone/s3":    {}, // a bucket, and nothing of what is in it
	"app/tray":             {"app"},
	"app/window":           {"app", "app/local", "build/icons/app", "config", "frontend"},
	"build/bench":          {},
	// The icon, which a window must bring.
	"build/icons/app": {},
	"build/deploy":    {},
	"build/meta":      {},
	"config":          {"app"},
	"config/schema":   {},
	// The server. It never imports the app: what both know is the push contract and the schema.
	"backend":          {"backend/pushapi"},
	"backend/pushapi":  {},
	"backend/postgres": {"backend", "backend/pushapi", "config/schema"},
	"backend/httpapi":  {"backend", "backend/pushapi"},
	"backend/identity": {"backend"},
	// Sign-in: the packages below identity use it and each other as their docs say, and none of the server's other parts.
	"backend/identity/accounts": {"backend", "backend/identity/letters", "backend/identity/password"},
	"backend/identity/keys":     {"backend/identity"},
	"backend/identity/letters":  {"backend"},
	"backend/identity/password": {"backend"},
	"backend/identity/provider": {"backend", "backend/identity", "backend/identity/keys", "backend/identity/letters", "backend/identity/password", "backend/identity/refresh"},
	"backend/identity/refresh":  {},
	"backend/identity/session":  {"backend", "backend/identity", "backend/identity/keys", "backend/identity/refresh"},
	// The one place where the server is put together.
	"backend/cmd/coditect-sync-server": {"backend", "backend/httpapi", "backend/identity", "backend/identity/accounts", "backend/identity/keys",
		"backend/identity/letters", "backend/identity/password", "backend/identity/provider", "backend/identity/session", "backend/mail", "backend/postgres", "backend/stream", "backend/stream/oplog", "backend/telemetry"},
	"backend/mail":      {"backend"},
	"backend/telemetry": {"backend"},
	"backend/pgtest":    {"backend/postgres"},
	"backend/cloudtest": {"backend/pgtest"}, // a whole cloud for tests, also of the app's
	// The built-in stream: rules, row and wire are pure, oplog owns what is stored.
	"backend/stream":       {"backend", "backend/stream/oplog", "backend/stream/rules", "backend/stream/wire", "config/schema"},
	"backend/stream/oplog": {"backend/stream/row", "backend/stream/rules", "backend/stream/wire"},
	"backend/stream/row":   {},
	"backend/stream/rules": {},
	"backend/stream/wire":  {"backend/stream/row"},
	// The configuration of a PowerSync Service, made from the schema.
	"config/powersync":     {"config/schema"},
	"config/powersync/gen": {"config/powersync"},
	// The page: its build, its types, and what it is shown with on a developer's machine.
	"frontend":           {},
	"frontend/devserver": {"app", "app/local", "frontend", "frontend/scenes"},
	"frontend/gen":       {},
	"frontend/scenes":    {"app"},
	// Tests alone, which may see everything.
	"story": {},
}

// tools says which packages import a third-party module in production code. The longest prefix counts; a module that
// is not here may not be imported.
var tools = map[string][]string{
	"modernc.org/":                       {"app/sqlite"},
	"github.com/benbjohnson/litestream":  {"app/standalone"},
	"github.com/superfly/ltx":            {"app/standalone"},
	"github.com/pierrec/lz4/":            {"app/standalone"},
	"cloud.google.com/go/":               {"app/standalone"},
	"github.com/googleapis/gax-go/":      {"app/standalone"},
	"google.golang.org/api/":             {"app/standalone"},
	"github.com/aws/":                    {"app/standalone/s3"},
	"filippo.io/age":                     {"app/standalone/crypt"},
	"golang.org/x/oauth2":                {"app/login", "app/standalone"}, // signing in, and the credentials of storage
	"github.com/zalando/go-keyring":      {"app/login"},
	"github.com/fsnotify/fsnotify":       {"app/cloud", "app/standalone"},
	"github.com/spf13/cobra":             {"app/cli", "backend/cmd/coditect-sync-server"},
	"golang.org/x/term":                  {"app/cli"},
	"gopkg.in/natefinch/lumberjack.v2":   {"app/cli"},
	"github.com/Microsoft/go-winio":      {"app/local"},
	"fyne.io/systray":                    {"app/tray"},
	"github.com/godbus/dbus/v5":          {"app/desktop", "app/login", "app/tray"}, // notifications, the keychain and the icon
	"github.com/fsouza/fake-gcs-server/": {"app/apptest"},
	webView:                              {"app/window"},
	"github.com/jackc/pgx/v5": {"backend/postgres", "backend/pgtest", "backend/cloudtest", "backend/stream/oplog", "backend/identity/accounts", "backend/identity/keys",
		"backend/identity/provider", "backend/identity/refresh", "backend/identity/session", "backend/cmd/coditect-sync-server"},
	"github.com/pressly/goose/v3":      {"backend/postgres"},
	"github.com/danielgtaylor/huma/v2": {"backend/httpapi"},
	"github.com/go-jose/go-jose/v4":    {"app/apptest", "backend/identity", "backend/identity/keys", "backend/identity/provider", "backend/identity/session"},
	"github.com/coreos/go-oidc/v3":     {"app/login", "backend/identity/session"}, // both ends verify ID tokens
	"github.com/zitadel/oidc/v3":       {"backend/identity/provider"},
	"github.com/pkg/sftp":              {"app/standalone/sftp"},
	"golang.org/x/crypto/ssh":          {"app/standalone/sftp"},
	"golang.org/x/crypto/":             {"backend/identity/password"},
	"github.com/klauspost/compress/":   {"app/cloud", "backend/httpapi", "backend/stream"},
	"github.com/prometheus/":           {"backend/httpapi"},
	"github.com/wneessen/go-mail":      {"backend/mail"},
	"go.opentelemetry.io/otel":         {"backend/telemetry"},
	"golang.org/x/time/":               {"backend/httpapi"},
	// No tool of one package: the system's calls, and ids.
	"golang.org/x/sys/":      {"app/agent", "app/cli", "app/desktop", "app/local", "app/login", "app/sqlite", "app/standalone", "app/tray", "config"},
	"github.com/google/uuid": {"app/agent", "app/sqlite", "app/standalone", "app/tray", "config"},
}

// neverReaches says what a package must not pull in, however far down. An entry ending in / is a prefix.
var neverReaches = map[string][]string{
	"": { // the agent: no web view (but see violations), nothing made for tests
		webView, "testing", "net/http/httptest", "app/apptest", "github.com/fsouza/", "github.com/rogpeppe/",
		"gopkg.in/yaml.v3",
	},
	"app":                              {"net/http", "database/sql", "os/exec"},
	"app/desktop":                      {"net/http", "database/sql", "fyne.io/systray"},
	"app/local":                        {"database/sql", "github.com/benbjohnson/", "modernc.org/"},
	"app/login":                        {"database/sql", "github.com/benbjohnson/", "modernc.org/", "cloud.google.com/"},
	"app/tray":                         {"net/http", "database/sql"},
	"app/window":                       {"database/sql", "github.com/benbjohnson/", "modernc.org/", "app/agent", "cloud.google.com/"},
	"app/powersync":                    {"net/http", "database/sql", "os/exec", "context"},
	"app/sqlite":                       {"net/http", "github.com/benbjohnson/", "cloud.google.com/"},
	"config":                           {"net/http", "database/sql"},
	"config/schema":                    {"net/http", "database/sql", "os"},
	"backend":                          {"net/http", "database/sql", "os/exec", "app", module + "/app/"},
	"backend/postgres":                 {"testing", "app", module + "/app/"},
	"backend/httpapi":                  {"testing", "app", module + "/app/"},
	"backend/identity":                 {"net/http", "testing", "app", module + "/app/"},
	"backend/cmd/coditect-sync-server": {"testing", "app", module + "/app/", "config", "modernc.org/", "github.com/benbjohnson/"},
	"backend/pushapi":                  {"net/http", "database/sql"},
	"backend/stream":                   {"testing", "app", module + "/app/"},
	// Pure: no connection, clock or file.
	"backend/stream/row":   {"net/http", "database/sql", "os/exec", "context"},
	"backend/stream/rules": {"net/http", "database/sql", "os/exec", "context"},
	"backend/stream/wire":  {"net/http", "database/sql", "os/exec", "context"},
}

// violations are the sentences about everything in g that breaks a rule, sorted. The program with the window is the same
// main.go with other tags; it alone may reach the web view.
func violations(g graph, standard func(string) bool, window bool) []string {
	var found []string
	for pkg, imports := range g {
		own, ours := local(pkg)
		if !ours {
			continue
		}
		for _, imported := range imports {
			if why := forbidden(own, imported, standard); why != "" {
				found = append(found, fmt.Sprintf("%s imports %s: %s", name(own), imported, why))
			}
		}
		for _, target := range neverReaches[own] {
			if own == "" && target == webView && window {
				continue
			}
			if path := g.path(pkg, matcher(target)); path != nil {
				found = append(found, fmt.Sprintf("%s reaches %s: %s", name(own), target, strings.Join(path, " → ")))
			}
		}
	}
	slices.Sort(found)
	return found
}

// forbidden says why a package of ours may not import another one directly, or "".
func forbidden(own, imported string, standard func(string) bool) string {
	allowed, known := mayImport[own]
	if !known {
		return "the package is not in the table of who may import whom"
	}
	if target, ours := local(imported); ours {
		if !slices.Contains(allowed, target) {
			return "its layer may not"
		}
		return ""
	}
	if standard(imported) {
		return ""
	}
	owners := ownersOf(imported)
	if owners == nil {
		return "the tool has no owner in the table"
	}
	if !slices.Contains(owners, own) {
		return "the tool belongs to " + strings.Join(owners, ", ")
	}
	return ""
}

func ownersOf(imported string) []string {
	longest := ""
	for prefix := range tools {
		if strings.HasPrefix(imported, prefix) && len(prefix) > len(longest) {
			longest = prefix
		}
	}
	return tools[longest]
}

// path is the shortest way from a package to one that matches, nil when there is none.
func (g graph) path(from string, match func(string) bool) []string {
	came := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, next := range g[queue[0]] {
			if _, seen := came[next]; seen {
				continue
			}
			came[next] = queue[0]
			if match(next) {
				return trace(came, next)
			}
			queue = append(queue, next)
		}
	}
	return nil
}

func trace(came map[string]string, at string) []string {
	var path []string
	for ; at != ""; at = came[at] {
		path = append(path, at)
	}
	slices.Reverse(path)
	return path
}

// matcher takes a package of ours by its short name, any other by its import path, and a prefix that ends in /.
func matcher(target string) func(string) bool {
	if _, ours := mayImport[target]; ours {
		target = module + "/" + target
	}
	return func(pkg string) bool {
		return pkg == target || strings.HasSuffix(target, "/") && strings.HasPrefix(pkg, target)
	}
}

// local is a package's path below the module, "" for its root.
func local(pkg string) (string, bool) {
	if pkg == module {
		return "", true
	}
	return strings.CutPrefix(pkg, module+"/")
}

func name(own string) string {
	if own == "" {
		return "main"
	}
	return own
}

// unused are the packages in mayImport that g does not have.
func unused(g graph) []string {
	have := maps.Clone(mayImport)
	for pkg := range g {
		if own, ours := local(pkg); ours {
			delete(have, own)
		}
	}
	return slices.Sorted(maps.Keys(have))
}
