// Command routers shows one small application on net/http, chi, gorilla/mux, echo, gin, huma and connect. The
// tests run one suite of behaviours under each: docs/ROUTERS.md has the table.
//
//	go run ./examples/routers -router chi
//
// The user is joe@example.com, and the password is password1.
package main

import (
	"crypto/rand"
	"flag"
	"log"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/store"
)

// Routers are the ways to mount the application, by name.
var Routers = map[string]func(*App) http.Handler{
	"net/http": NetHTTP, "chi": Chi, "gorilla/mux": Gorilla, "echo": Echo, "gin": Gin, "huma": Huma, "connect": Connect,
}

func main() {
	names := strings.Join(slices.Sorted(maps.Keys(Routers)), ", ")
	name := flag.String("router", "net/http", "one of "+names)
	addr := flag.String("addr", "localhost:3000", "where to listen")
	flag.Parse()
	mount, ok := Routers[*name]
	if !ok {
		log.Fatalf("no router %q: there are %s", *name, names)
	}
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		log.Fatal(err)
	}
	// InsecureHTTP is for loopback. A real application keeps its secret: with another, everyone is logged
	// out.
	app, err := NewApp(Settings{Store: memory.Sessions, Secret: rand.Text() + rand.Text(), Log: slog.Default(),
		Origin: "http://localhost:5173", InsecureHTTP: true})
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("%s on http://%s: POST /app/login, GET /app/me, POST /app/logout", *name, *addr)
	log.Fatal((&http.Server{Addr: *addr, Handler: mount(app), ReadHeaderTimeout: 10 * time.Second}).ListenAndServe())
}
