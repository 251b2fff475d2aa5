# Every target does its own set-up: on a machine with Go, Node and apt, `make run` and `make test` are all one needs.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

GO      ?= go
BIN     := build/bin
TOOLS   := $(CURDIR)/$(BIN)/tools
PROGRAM := $(BIN)/coditect-sync
SERVER  := $(BIN)/coditect-sync-server
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
# The OAuth client that a release signs people in to Google with, for gs:// storages. Without one people name their own.
ifdef GOOGLE_CLIENT_ID
LDFLAGS += -X github.com/coditect-ai/coditect-sync/app/login.googleClientID=$(GOOGLE_CLIENT_ID) \
	-X github.com/coditect-ai/coditect-sync/app/login.googleClientSecret=$(GOOGLE_CLIENT_SECRET)
endif
# Leaves out what only the gRPC transport of the Google client needs, which nobody here uses: 30 % of the program's size
# and 7 MiB of the memory of an idle agent.
TAGS    := disable_grpc_modules
# The race detector watches all but SQLite's own code, which is C turned into Go, keeps its memory under its own locks, and is
# five times slower when watched. That package alone: one that shares generic code with ours must be watched, or ours is
# reported for what it does.
RACE    := -race '-gcflags=modernc.org/sqlite/lib=-race=false'

# The packages whose tests wait most begin first, and one more at a time than two cores would compute.
ORDER   := -p 3 ./story ./app/standalone ./app/cloud ./...

GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOTESTSUM := gotest.tools/gotestsum@v1.13.0
WAILS := github.com/wailsapp/wails/v2/cmd/wails@v2.15.0
S3SERVER := github.com/versity/versitygw/cmd/versitygw@v1.8.0
LITESTREAM := github.com/benbjohnson/litestream/cmd/litestream@v0.5.18

# The program with the window is the same main.go with Wails' tags.
WINDOW      := $(BIN)/coditect-sync-window
WINDOW_TAGS := desktop,production,webkit2_41,$(TAGS)
# What it is compiled and linked with.
WINDOW_NEEDS := gcc=gcc,libc6-dev pkg-config=pkg-config /usr/include/gtk-3.0/gtk/gtk.h=libgtk-3-dev \
	/usr/include/webkitgtk-4.1/webkit2/webkit2.h=libwebkit2gtk-4.1-dev

# What the tests run besides Go (and sshd, and a server that speaks S3): a C compiler for the race detector, other people's SQLite and a database that others
# made, a session bus for the tray, a keychain, and a reader of application entries.
TEST_NEEDS := gcc=gcc,libc6-dev sqlite3=sqlite3 python3=python3 git=git dbus-daemon=dbus desktop-file-validate=desktop-file-utils \
  gio=libglib2.0-bin gnome-keyring-daemon=gnome-keyring /usr/share/proj/proj.db=proj-data

.PHONY: help
help: ## show the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: run
run: build ## build, protect the default file in a local folder, and show the first test restore pass
	@build/setup/run.sh $(PROGRAM)

.PHONY: build
build: ## build/bin/coditect-sync
	@mkdir -p $(BIN)
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -tags '$(TAGS)' -ldflags '$(LDFLAGS)' -o $(PROGRAM) .

PREFIX ?= $(HOME)/.local
.PHONY: install
install: build ## for you: the program, CODITECT Sync among your applications, its icon (PREFIX=~/.local)
	@build/setup/install.sh '$(PREFIX)' $(PROGRAM) $(PROGRAM)-window

.PHONY: uninstall
uninstall: ## take that away again; your memory and its copies stay
	@build/setup/install.sh --remove '$(PREFIX)'

.PHONY: server
server: ## build/bin/coditect-sync-server, the cloud side
	@mkdir -p $(BIN)
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o $(SERVER) ./backend/cmd/coditect-sync-server

.PHONY: cloud
cloud: server ## a whole cloud on this machine, on loopback: PostgreSQL, the server, a demo account
	@build/setup/cloud.sh start $(SERVER)

.PHONY: cloud-stop
cloud-stop: ## stop it; the data stays
	@build/setup/cloud.sh stop

.PHONY: page
page: ## frontend/dist, the window's page: checked, built and weighed; a program built afterwards has it
	@build/setup/node.sh
	cd frontend && npm ci && npm run check && npm run build

.PHONY: page-test
page-test: page ## the page's own tests, and the page in a real browser (pictures in build/tmp/shots)
	@build/setup/apt.sh chromium=chromium,fonts-inter,fonts-dejavu-core
	cd frontend && npm test && npm run e2e

.PHONY: window
window: page ## build/bin/coditect-sync-window, the window; what it links is installed
	@build/setup/apt.sh $(WINDOW_NEEDS)
	@mkdir -p $(BIN)
	CGO_ENABLED=1 $(GO) build -trimpath -buildvcs=false -tags '$(WINDOW_TAGS)' -ldflags '$(LDFLAGS)' -o $(WINDOW) .

.PHONY: window-test
window-test: build window ## the real window on a display that nobody sees (pictures in build/tmp/shots)
	@build/setup/apt.sh Xvfb=xvfb openbox=openbox wmctrl=wmctrl xdotool=xdotool import=imagemagick xmessage=x11-utils \
		sqlite3=sqlite3 /usr/share/icons/Adwaita/index.theme=adwaita-icon-theme,fonts-inter,fonts-dejavu-core
	$(GO) test -tags window -count=1 -v ./story/window

.PHONY: wails
wails: page ## the same through Wails' own tool and wails.json
	@build/setup/apt.sh $(WINDOW_NEEDS)
	"$$(build/setup/tool.sh $(TOOLS) $(WAILS))" build -m -nosyncgomod -s -tags '$(WINDOW_TAGS)' -trimpath -ldflags '$(LDFLAGS)'

.PHONY: test
test: lint cross page-test window-test ## everything a change must pass, in half an hour: rules, other systems, page, window, program
	@build/setup/apt.sh $(TEST_NEEDS)
	@build/setup/sshd.sh
	@build/setup/tool.sh $(TOOLS) $(S3SERVER) >/dev/null
	"$$(build/setup/tool.sh $(TOOLS) $(GOTESTSUM))" --format pkgname -- $(RACE) -tags '$(TAGS)' -timeout 40m $(ORDER)

.PHONY: long
long: ## the long suite: more rows, more kills, ten idle minutes
	@build/setup/apt.sh $(TEST_NEEDS)
	@build/setup/sshd.sh
	@build/setup/tool.sh $(TOOLS) $(S3SERVER) >/dev/null
	"$$(build/setup/tool.sh $(TOOLS) $(GOTESTSUM))" --format pkgname -- $(RACE) -tags 'long,$(TAGS)' -timeout 6h ./...

.PHONY: soak
soak: ## engines of cloud mode for an hour or so: bad networks, kills, a writer that never stops
	@build/setup/apt.sh gcc=gcc,libc6-dev
	build/setup/postgres.sh need
	$(GO) test $(RACE) -tags 'long,$(TAGS)' -timeout 3h -v -run 'TestFaults|TestKills|TestAConstantWriter|TestAnUpload' ./app/cloud

.PHONY: bench
bench: build ## measure against the stock litestream, the official client and COPY, an hour; BENCH=quick for a look of two (or its flags)
	@build/setup/apt.sh python3=python3
	$(GO) run ./build/bench $(BENCH) -stock "$$(build/setup/tool.sh $(TOOLS) $(LITESTREAM))" -s3server "$$(build/setup/tool.sh $(TOOLS) $(S3SERVER))"
	@$(MAKE) --no-print-directory bench-restore bench-client bench-server

.PHONY: bench-restore
bench-restore: build ## measure restores: with 10,000 changes against a full copy alone, and against litestream; some minutes
	@build/setup/apt.sh python3=python3
	@mkdir -p build/tmp
	STOCK_LITESTREAM="$$(build/setup/tool.sh $(TOOLS) $(LITESTREAM))" $(GO) test -tags '$(TAGS)' -run '^$$' -bench '^BenchmarkHistory$$' -benchtime 1x -timeout 1h ./build/bench
	$(GO) test -tags '$(TAGS)' -run '^$$' -bench '^Benchmark(Increments|Fetch)$$' -benchtime 15x -timeout 1h ./app/standalone

# How many rows an account has, and how many wait in the longest queue.
ROWS    ?= 100000
WAITING ?= 1000000
.PHONY: bench-client
bench-client: ## measure beside the official client on our server, and what recording costs; ten minutes; ROWS=1000000 for more
	@build/setup/apt.sh python3=python3
	build/setup/postgres.sh need
	BENCH_ROWS=$(ROWS) BENCH_WAITING=$(WAITING) $(GO) test -tags '$(TAGS)' -run '^$$' -bench '^BenchmarkClients$$' -benchtime 1x -timeout 3h ./build/bench

.PHONY: bench-server
bench-server: ## measure the server: push against COPY, first sync, COMMIT to line, streams, proof; some minutes
	build/setup/postgres.sh need
	$(GO) test -tags '$(TAGS)' -run '^$$' -bench '^BenchmarkPush$$' -benchtime 100x ./backend/httpapi
	$(GO) test -tags '$(TAGS)' -run '^$$' -bench '^BenchmarkPushInParts$$' -benchtime 5x ./backend/httpapi
	$(GO) test -tags '$(TAGS)' -run '^$$' -bench '^BenchmarkInitialSync$$' -benchtime 5x ./backend/stream
	$(GO) test -tags '$(TAGS)' -run '^$$' -bench '^BenchmarkLatency$$' -benchtime 200x ./backend/stream
	$(GO) test -tags '$(TAGS)' -run '^$$' -bench '^Benchmark(IdleStreams|FanOut)$$' -benchtime 3s ./backend/stream
	$(GO) test -tags '$(TAGS)' -run '^$$' -bench '^BenchmarkProof$$' -benchtime 5x ./backend/postgres

.PHONY: lint
lint: ## golangci-lint with the rules of .golangci.yml
	CGO_ENABLED=0 "$$(build/setup/tool.sh $(TOOLS) $(GOLANGCI))" run ./...

.PHONY: cross
cross: ## compile for the systems this one is not
	CGO_ENABLED=0 GOOS=windows $(GO) build ./...
	CGO_ENABLED=0 GOOS=windows $(GO) build -tags 'desktop,production,$(TAGS)' -ldflags '-H windowsgui' -o /dev/null .
	CGO_ENABLED=0 GOOS=darwin $(GO) vet ./...

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BIN) build/tmp
