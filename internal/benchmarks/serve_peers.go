package main

import (
	"context"
	"encoding/gob"
	"io"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	boj "github.com/boj/redistore"
	ginsessions "github.com/gin-contrib/sessions"
	ginredis "github.com/gin-contrib/sessions/redis"
	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v3"
	fibersession "github.com/gofiber/fiber/v3/middleware/session"
	fiberredis "github.com/gofiber/storage/redis/v3"
	"github.com/gorilla/sessions"
	"github.com/rbcervilla/redisstore/v9"
	"github.com/redis/go-redis/v9"
)

type userKey struct{}

// found puts the user into the request's context, as a guard would, and writes the page.
func found(w http.ResponseWriter, r *http.Request, id int) {
	u := byID(id)
	if u == nil {
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
		return
	}
	r = r.WithContext(context.WithValue(r.Context(), userKey{}, u))
	if u, ok := r.Context().Value(userKey{}).(*user); !ok || u.ID != joe.ID {
		http.Error(w, "nobody", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, protectedAnswer)
}

func scsApp(st scs.Store, idle bool) http.Handler {
	m := scs.New()
	m.Store = st
	if idle {
		m.IdleTimeout = 24 * time.Hour
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /public", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, publicAnswer) })
	mux.HandleFunc("GET /protected", func(w http.ResponseWriter, r *http.Request) { found(w, r, m.GetInt(r.Context(), "user")) })
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		u := byPassword(r.PostFormValue("email"), r.PostFormValue("password"))
		if u == nil || m.RenewToken(r.Context()) != nil {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		m.Put(r.Context(), "user", u.ID)
		_, _ = io.WriteString(w, "done")
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := m.Destroy(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "done")
	})
	mux.HandleFunc("POST /write", func(w http.ResponseWriter, r *http.Request) {
		if byID(m.GetInt(r.Context(), "user")) == nil {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		m.Put(r.Context(), "cart", r.PostFormValue("v"))
		_, _ = io.WriteString(w, "done")
	})
	return m.LoadAndSave(mux)
}

func gorillaApp(name string, options *redis.Options) http.Handler {
	gob.Register(0)
	var st sessions.Store
	if name == "boj" {
		s := must(boj.NewRediStore(10, "tcp", options.Addr, "", "", []byte(secret)))
		s.SetMaxLength(1 << 20)
		st = s
	} else {
		st = must(redisstore.NewRedisStore(context.Background(), redis.NewClient(options)))
	}
	load := func(w http.ResponseWriter, r *http.Request) (*sessions.Session, int) {
		s, err := st.Get(r, "sid")
		if err != nil {
			return s, 0
		}
		id, _ := s.Values["user"].(int)
		return s, id
	}
	save := func(w http.ResponseWriter, r *http.Request, s *sessions.Session) {
		if err := s.Save(r, w); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "done")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /public", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, publicAnswer) })
	mux.HandleFunc("GET /protected", func(w http.ResponseWriter, r *http.Request) {
		_, id := load(w, r)
		found(w, r, id)
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		u := byPassword(r.PostFormValue("email"), r.PostFormValue("password"))
		if u == nil {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		s, _ := load(w, r)
		s.Values["user"] = u.ID
		save(w, r, s)
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		s, _ := load(w, r)
		s.Options.MaxAge = -1
		save(w, r, s)
	})
	mux.HandleFunc("POST /write", func(w http.ResponseWriter, r *http.Request) {
		s, id := load(w, r)
		if byID(id) == nil {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		s.Values["cart"] = r.PostFormValue("v")
		save(w, r, s)
	})
	return mux
}

func ginApp(addr string) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	st := must(ginredis.NewStore(10, "tcp", addr, "", "", []byte(secret)))
	must(ginredis.GetRedisStore(st)).SetMaxLength(1 << 20)
	e.Use(ginsessions.Sessions("sid", st))
	save := func(c *gin.Context, s ginsessions.Session) {
		if err := s.Save(); err != nil {
			c.String(http.StatusServiceUnavailable, err.Error())
			return
		}
		c.String(http.StatusOK, "done")
	}
	e.GET("/public", func(c *gin.Context) { c.String(http.StatusOK, publicAnswer) })
	e.GET("/protected", func(c *gin.Context) {
		id, _ := ginsessions.Default(c).Get("user").(int)
		found(c.Writer, c.Request, id)
	})
	e.POST("/login", func(c *gin.Context) {
		u := byPassword(c.PostForm("email"), c.PostForm("password"))
		if u == nil {
			c.String(http.StatusUnauthorized, "Unauthorized")
			return
		}
		s := ginsessions.Default(c)
		s.Set("user", u.ID)
		save(c, s)
	})
	e.POST("/logout", func(c *gin.Context) {
		s := ginsessions.Default(c)
		s.Clear()
		s.Options(ginsessions.Options{MaxAge: -1})
		save(c, s)
	})
	e.POST("/write", func(c *gin.Context) {
		s := ginsessions.Default(c)
		if id, _ := s.Get("user").(int); byID(id) == nil {
			c.String(http.StatusUnauthorized, "Unauthorized")
			return
		}
		s.Set("cart", c.PostForm("v"))
		save(c, s)
	})
	return e
}

func fiberApp(redisAddr string) *fiber.App {
	app := fiber.New()
	app.Use(fibersession.New(fibersession.Config{
		Storage:     fiberredis.NewFromConnection(redis.NewClient(&redis.Options{Addr: redisAddr})),
		IdleTimeout: 24 * time.Hour,
	}))
	id := func(c fiber.Ctx) int {
		n, _ := fibersession.FromContext(c).Get("user").(int)
		return n
	}
	app.Get("/public", func(c fiber.Ctx) error { return c.SendString(publicAnswer) })
	app.Get("/protected", func(c fiber.Ctx) error {
		u := byID(id(c))
		if u == nil {
			return c.SendStatus(http.StatusUnauthorized)
		}
		c.Locals(userKey{}, u)
		c.Set("Cache-Control", "no-store")
		return c.SendString(protectedAnswer)
	})
	app.Post("/login", func(c fiber.Ctx) error {
		u := byPassword(c.FormValue("email"), c.FormValue("password"))
		if u == nil {
			return c.SendStatus(http.StatusUnauthorized)
		}
		s := fibersession.FromContext(c)
		if err := s.Regenerate(); err != nil {
			return err
		}
		s.Set("user", u.ID)
		return c.SendString("done")
	})
	app.Post("/logout", func(c fiber.Ctx) error {
		if err := fibersession.FromContext(c).Destroy(); err != nil {
			return err
		}
		return c.SendString("done")
	})
	app.Post("/write", func(c fiber.Ctx) error {
		if byID(id(c)) == nil {
			return c.SendStatus(http.StatusUnauthorized)
		}
		fibersession.FromContext(c).Set("cart", string([]byte(c.FormValue("v"))))
		return c.SendString("done")
	})
	return app
}
