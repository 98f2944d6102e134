package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/pprof"
	"runtime"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/gofiber/fiber/v3"
	"github.com/redis/go-redis/v9"
)

// user is the user type of every stack.
type user struct {
	ID    int
	Email string
}

var joe = &user{ID: 1, Email: "joefoo@test.com"}

func byID(id int) *user {
	if id == joe.ID {
		return joe
	}
	return nil
}

// passphrase is compared as text: the cost of hashing would hide all other costs.
const passphrase = "Passw0rd!"

func byPassword(email, given string) *user {
	if email == joe.Email && given == passphrase {
		return joe
	}
	return nil
}

// secret signs every stack's cookies.
const secret = "a made-up secret of 32 bytes or more"

// The bodies of every stack's answers.
const (
	publicAnswer    = "This message is public to all!"
	protectedAnswer = "You can only see this if you are authenticated"
)

// serve runs one stack until stdin closes. It prints the addresses of the application, of a listener that
// reports the process's allocations, and of HTTP/2 if the stack has it.
func serve(name, source string, stdin io.Reader) {
	app, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	admin, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	inside := http.NewServeMux()
	inside.HandleFunc("/", allocations)
	inside.HandleFunc("/resources", resources)
	inside.HandleFunc("/debug/pprof/", pprof.Index)
	inside.HandleFunc("/debug/pprof/profile", pprof.Profile)
	go func() { log.Fatal(http.Serve(admin, inside)) }()
	options := &redis.Options{Addr: source, ContextTimeoutEnabled: true}
	addresses := []any{app.Addr(), admin.Addr()}
	switch name {
	case "fiber", "fiber-apikey":
		a := fiberKeyApp()
		if name == "fiber" {
			a = fiberApp(source)
		}
		go func() { log.Fatal(a.Listener(app, fiber.ListenConfig{DisableStartupMessage: true})) }()
	default:
		h := sqlHandlerOf(name, source)
		if h == nil {
			h = handlerOf(name, options)
		}
		go func() { log.Fatal(http.Serve(app, h)) }()
		addresses = append(addresses, serveHTTP2(h))
	}
	fmt.Println(addresses...)
	_, _ = io.Copy(io.Discard, stdin)
}

// serveHTTP2 serves h over HTTP/2 without TLS, on a separate address.
func serveHTTP2(h http.Handler) net.Addr {
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	server := &http.Server{Handler: h, Protocols: new(http.Protocols)}
	server.Protocols.SetUnencryptedHTTP2(true)
	go func() { log.Fatal(server.Serve(l)) }()
	return l.Addr()
}

func handlerOf(name string, options *redis.Options) http.Handler {
	switch name {
	case "floor":
		return floor(func(context.Context) error { return nil })
	case "get", "get-headers", "get-pipeline", "get-cache":
		return oneGet(name, options)
	case "scs":
		return scsApp(goredisstore.New(redis.NewClient(options)), false)
	case "scs-idle":
		return scsApp(goredisstore.New(redis.NewClient(options)), true)
	case "rbcervilla", "boj":
		return gorillaApp(name, options)
	case "gin":
		return ginApp(options.Addr)
	case "passport-jwt", "passport-apikey":
		return tokenApp(name)
	case "chi-jwt":
		return chiApp()
	case "gin-jwt":
		return ginTokenApp()
	case "scs-many":
		return scsMany(options)
	case "passport-remember":
		return rememberApp(passportStores("passport", options))
	case "mixed":
		return mixedApp(options)
	case "storm-bounded", "storm-unbounded":
		return stormApp(name, options)
	}
	return passportApp(name, passportStores(name, options).Sessions)
}

// allocations reports how many objects and bytes the process has allocated.
func allocations(w http.ResponseWriter, _ *http.Request) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Fprintln(w, m.Mallocs, m.TotalAlloc)
}

// floor is a server without sessions. It calls work before it serves the guarded page.
func floor(work func(context.Context) error) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /public", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, publicAnswer) })
	mux.HandleFunc("GET /protected", func(w http.ResponseWriter, r *http.Request) {
		if err := work(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, protectedAnswer)
	})
	return mux
}

// guardedHeaders sets the headers that keep caches from giving a user's page to somebody else. They are
// measured because net/http copies the headers once a handler has used them.
func guardedHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Vary"] = []string{"Cookie"}
		w.Header()["Cache-Control"] = []string{"no-store"}
		next.ServeHTTP(w, r)
	})
}

// oneGet sends Redis one GET for a value about as long as a session.
func oneGet(name string, options *redis.Options) http.Handler {
	if name == "get-cache" {
		options.Protocol = 3
		options.ClientSideCacheConfig = &redis.ClientSideCacheConfig{}
	}
	client := redis.NewClient(options)
	const key = "one:0123456789abcdef0123456789abcdef"
	if err := client.Set(context.Background(), key, make([]byte, 250), 0).Err(); err != nil {
		log.Fatal(err)
	}
	get := client.Get
	if name == "get-pipeline" {
		pipeline, err := client.AutoPipeline()
		if err != nil {
			log.Fatal(err)
		}
		get = pipeline.Get
	}
	h := floor(func(ctx context.Context) error { return get(ctx, key).Err() })
	if name == "get-headers" {
		h = guardedHeaders(h)
	}
	return h
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
