package archtest

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/subprocess"
)

// arrows has what each package of the library may import besides the standard library: our own packages,
// and other modules.
var arrows = map[string]struct{ ours, modules []string }{
	"serializer":            {ours: []string{"internal/norows", "internal/rawjson"}},
	"session":               {ours: []string{"internal/cookies", "internal/devicebound", "internal/protocol", "internal/record", "internal/reqstate", "internal/rawjson"}},
	"store":                 {ours: []string{"session", "store/internal/contract", "store/internal/together"}, modules: []string{"github.com/redis/go-redis/v9"}},
	"store/sqlstore":        {ours: []string{"session", "store/internal/contract", "store/internal/together"}},
	"store/sqlstore/schema": {ours: []string{"store/sqlstore"}},
	"guard":                 {ours: []string{"strategy", "strategy/remember", "serializer", "session", "internal/cookienames", "internal/reqstate", "internal/rawjson"}},
	"guard/guardtest":       {ours: []string{"guard", "internal/reqstate"}},
	"session/sessiontest":   {ours: []string{"internal/punctual", "session"}},
	"strategy/strategytest": {ours: []string{"internal/punctual", "strategy", "strategy/internal/combined"}},
	"internal/cookies":      {modules: []string{"github.com/gorilla/securecookie"}},
	"internal/reqstate":     {ours: []string{"internal/record"}},
	"internal/rawjson":      {},
	"internal/record":       {ours: []string{"internal/rawjson"}},
	"internal/devicebound":  {ours: []string{"internal/rawjson"}},
	"internal/protocol":     {ours: []string{"internal/devicebound", "internal/record", "internal/rawjson"}},

	"strategy":                 {ours: []string{"internal/cookienames", "internal/norows", "strategy/internal/body"}},
	"strategy/password":        {ours: []string{"internal/norows", "strategy", "strategy/password/limit"}, modules: []string{"golang.org/x/crypto"}},
	"strategy/password/limit":  {ours: []string{"strategy"}},
	"strategy/password/policy": {},
	"strategy/throttle":        {ours: []string{"strategy", "strategy/internal/bounded", "strategy/internal/signed", "strategy/internal/token"}},
	"strategy/totp":            {ours: []string{"internal/norows", "strategy", "strategy/internal/bounded", "strategy/internal/body", "strategy/internal/sqltable", "strategy/internal/token"}},
	"strategy/onetime":         {ours: []string{"internal/norows", "serializer", "strategy", "strategy/internal/bounded", "strategy/internal/body", "strategy/internal/token"}},
	"strategy/apikey":          {ours: []string{"internal/norows", "serializer", "strategy", "strategy/internal/sqltable"}},
	"strategy/remember":        {ours: []string{"strategy", "strategy/internal/bounded", "strategy/internal/rotating", "strategy/internal/signed"}},

	"store/internal/contract":      {ours: []string{"session"}},                                               // arguments that all stores refuse
	"store/internal/together":      {},                                                                        // calls of one moment
	"internal/norows":              {},                                                                        // errors of look-ups
	"internal/cookienames":         {},                                                                        // of strategies
	"internal/punctual":            {},                                                                        // kits on a busy machine
	"strategy/internal/bounded":    {ours: []string{"strategy", "strategy/internal/combined"}},                // the time limit of calls to a store
	"strategy/internal/combined":   {},                                                                        // several cells in one trip
	"strategy/internal/body":       {},                                                                        // bodies that several strategies read
	"strategy/internal/token":      {},                                                                        // random secrets
	"strategy/internal/signed":     {},                                                                        // signed cookies
	"strategy/internal/cached":     {},                                                                        // key sets that modules below strategy fetch
	"strategy/internal/strictjson": {},                                                                        // JSON of tokens
	"strategy/internal/sqltable":   {},                                                                        // tables in the application's database
	"strategy/internal/rotating":   {ours: []string{"strategy/internal/combined", "strategy/internal/token"}}, // tokens that are replaced at each use
}

// TestArrowsPointOneWay: dependencies go from examples to guard, then to strategy, serializer and session,
// and never back.
func TestArrowsPointOneWay(t *testing.T) {
	_, files := sources(t)
	for _, f := range files {
		if f.test || tool(f.pkg) {
			continue
		}
		allowed, known := arrows[f.pkg]
		if !known {
			t.Errorf("%s: package %q is not in the table of arrows: add it, and to ARCHITECTURE.md", f.path, f.pkg)
			continue
		}
		ours, others := f.imports(t)
		for _, path := range ours {
			if !slices.Contains(allowed.ours, path) {
				t.Errorf("%s imports %s, which package %s may not import", f.path, path, f.pkg)
			}
		}
		for _, path := range others {
			if !slices.ContainsFunc(allowed.modules, func(m string) bool { return path == m || strings.HasPrefix(path, m+"/") }) {
				t.Errorf("%s imports %s, which package %s may not import", f.path, path, f.pkg)
			}
		}
	}
}

// TestTheProtocolKnowsNoHTTP: the packages below session are tested, explored and read without it.
func TestTheProtocolKnowsNoHTTP(t *testing.T) {
	_, files := sources(t)
	for _, f := range files {
		if f.pkg != "internal/protocol" && f.pkg != "internal/record" {
			continue
		}
		for _, spec := range f.ast.Imports {
			if path, err := strconv.Unquote(spec.Path.Value); err != nil || path == "net/http" || path == "log/slog" {
				t.Errorf("%s imports %s", f.path, spec.Path.Value)
			}
		}
	}
}

func TestTheTableOfArrowsHasNoCycle(t *testing.T) {
	var visit func(pkg string, path []string)
	visit = func(pkg string, path []string) {
		if slices.Contains(path, pkg) {
			t.Fatalf("cycle: %s", strings.Join(append(path, pkg), " -> "))
		}
		for _, next := range arrows[pkg].ours {
			visit(next, append(path, pkg))
		}
	}
	for pkg := range arrows {
		visit(pkg, nil)
	}
}

func TestGuardDoesNotPullInRedis(t *testing.T) {
	cmd := subprocess.Command(t, 0, "go", "list", "-deps", "./guard")
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, module+"/session") {
		t.Fatalf("go list printed no session among %d packages", len(deps))
	}
	for _, dep := range deps {
		if strings.Contains(dep, "redis") || dep == module+"/store" {
			t.Errorf("guard depends on %s", dep)
		}
	}
}

// TestTheCoreRequiresFourModules directly. A further one needs a sentence in ARCHITECTURE.md, and a line
// here.
func TestTheCoreRequiresFourModules(t *testing.T) {
	allowed := []string{
		"github.com/redis/go-redis/v9",
		"golang.org/x/crypto",
		"github.com/gorilla/securecookie",
		"github.com/alicebob/miniredis/v2", // tests and examples
	}
	text, err := os.ReadFile(root + "/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	block := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "require (":
			block = true
			continue
		case line == ")":
			block = false
		}
		single, isSingle := strings.CutPrefix(line, "require ")
		if !block && !isSingle || strings.HasSuffix(line, "// indirect") {
			continue
		}
		if name, _, _ := strings.Cut(single, " "); name != "" && !slices.Contains(allowed, name) {
			t.Errorf("go.mod requires %s", name)
		}
	}
	_, files := sources(t)
	for _, f := range files {
		_, others := f.imports(t)
		for _, path := range others {
			if !slices.ContainsFunc(allowed, func(m string) bool { return path == m || strings.HasPrefix(path, m+"/") }) {
				t.Errorf("%s imports %s, which is in no module that the core requires", f.path, path)
			}
		}
	}
}
