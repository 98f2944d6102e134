package main_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
)

// TestTelemetry: events become counts, Redis commands are spans of their request's trace, and no span has a session
// id or a record. The blocks of docs/COOKBOOK.md are parts of it, letter by letter.
func TestTelemetry(t *testing.T) {
	for _, pipelined := range []bool{false, true} {
		t.Run(fmt.Sprint("pipeline: ", pipelined), func(t *testing.T) {
			addr := miniredis.RunT(t).Addr()
			spans := tracetest.NewInMemoryExporter()
			traces := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
			reader := sdkmetric.NewManualReader()
			meter := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter("shop")

			outcomes, err := meter.Int64Counter("auth.events")
			cfg := guard.Config{OnEvent: func(ctx context.Context, e guard.Event) { // it must not block
				outcomes.Add(ctx, 1, metric.WithAttributes(
					attribute.String("event", string(e.Name)), attribute.String("outcome", string(e.Outcome))))
			}}
			if err != nil {
				t.Fatal(err)
			}

			client := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true})
			err = redisotel.InstrumentTracing(client, redisotel.WithDBStatement(false), redisotel.WithTracerProvider(traces))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			visit(t, client, cfg, traces, pipelined)

			if got, want := counted(t, reader), "authn_login_success success 1, session_created success 1, session_expired success 1"; got != want {
				t.Errorf("counted: got %s, want %s", got, want)
			}
			requests := map[string]bool{} // by trace
			for _, s := range spans.GetSpans() {
				if s.SpanKind == trace.SpanKindServer {
					requests[s.SpanContext.TraceID().String()] = true
				}
			}
			commands := 0
			for _, s := range spans.GetSpans() {
				if s.Name == "get" || s.Name == "evalsha" || s.Name == "set" {
					if commands++; pipelined && s.Name == "get" {
						continue // a batch has the reads of several requests
					}
					if !requests[s.SpanContext.TraceID().String()] {
						t.Errorf("the span %s is in no request's trace", s.Name)
					}
				}
			}
			if len(requests) != 3 || commands < 3 {
				t.Errorf("got spans of %d requests and %d commands, want 3 requests and at least as many commands", len(requests), commands)
			}
			if found := secrets(spans.GetSpans()); found != "" {
				t.Errorf("a span has %s", found)
			}
		})
	}
}

// TestTelemetry_incorrect shows what redisotel does by default, and that TestTelemetry would find it.
func TestTelemetry_incorrect(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	traces := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	client := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr(), ContextTimeoutEnabled: true})
	defer client.Close()
	if err := redisotel.InstrumentTracing(client, redisotel.WithTracerProvider(traces)); err != nil {
		t.Fatal(err)
	}
	visit(t, client, guard.Config{}, traces, false)
	if secrets(spans.GetSpans()) == "" {
		t.Error("no span has an id or a record: is redisotel.WithDBStatement(false) needed no more?")
	}
}

// visit logs in, opens a page and logs out.
func visit(t *testing.T, client *redis.Client, cfg guard.Config, traces *sdktrace.TracerProvider, pipelined bool) {
	t.Helper()
	rc := store.RedisConfig{Name: "shop"}
	if pipelined {
		pipeline, err := client.AsyncAutoPipeline()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = pipeline.Close() }()
		rc.Reads = pipeline
	}
	shop, err := store.Redis(client, rc)
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	cfg.Logger = quiet
	cfg.Sessions, err = session.New(session.Config{Store: shop.Sessions, InsecureHTTP: true, Logger: quiet, Codec: session.SecureCookie("a secret of 32 bytes for a test!")})
	if err != nil {
		t.Fatal(err)
	}
	users := serializer.ByID(func(id string) string { return id }, func(_ context.Context, id string) (string, error) { return id, nil })
	check := func(context.Context, string, string) (string, error) { return "joe", nil }
	auth, err := guard.New(cfg, users, strategy.NewLocal(check))
	if err != nil {
		t.Fatal(err)
	}
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	mux := http.NewServeMux()
	mux.Handle("POST /login", auth.Authenticate("local")(auth.LogIn(ok)))
	mux.Handle("GET /me", auth.RequireAuth(ok))
	mux.Handle("POST /logout", auth.LogOut(ok))
	server := httptest.NewServer(otelhttp.NewHandler(mux, "shop", otelhttp.WithTracerProvider(traces)))
	defer server.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	form := url.Values{"email": {"joe@shop.example"}, "password": {"Passw0rd!"}}
	for _, ask := range []func() (*http.Response, error){
		func() (*http.Response, error) { return browser.PostForm(server.URL+"/login", form) },
		func() (*http.Response, error) { return browser.Get(server.URL + "/me") },
		func() (*http.Response, error) { return browser.PostForm(server.URL+"/logout", nil) },
	} {
		res, err := ask()
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%s: got %s, want 200", res.Request.URL.Path, res.Status)
		}
	}
}

// secrets says which span has a session's key or record, or a password.
func secrets(spans tracetest.SpanStubs) string {
	for _, s := range spans {
		text := fmt.Sprintf("%s %v %v %v", s.Name, s.Attributes, s.Events, s.Status)
		for _, secret := range []string{"sess:", `"cookie"`, "Passw0rd!"} {
			if strings.Contains(text, secret) {
				return secret + " in " + s.Name
			}
		}
	}
	return ""
}

// counted returns the counts in words.
func counted(t *testing.T, reader *sdkmetric.ManualReader) string {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			sum, _ := m.Data.(metricdata.Sum[int64])
			for _, p := range sum.DataPoints {
				event, _ := p.Attributes.Value("event")
				outcome, _ := p.Attributes.Value("outcome")
				words = append(words, fmt.Sprintf("%s %s %d", event.AsString(), outcome.AsString(), p.Value))
			}
		}
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}
