package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gin-contrib/cors"
	"github.com/gin-contrib/gzip"
	"github.com/gin-gonic/gin"

	"github.com/seed-6f34412b/passport/examples/routers/ginwrap"
)

// Gin is the application on gin. Package ginwrap is the adapter; its doc says why not another.
func Gin(a *App) http.Handler {
	h := ginHandlers{a}
	wrap := ginwrap.Middleware
	r := gin.New()
	r.MaxMultipartMemory = uploadMemory
	r.Use(gin.Recovery())    // outside of the session's Handler: a panic changes nothing
	r.Use(wrap(a.AccessLog)) // and Sessions.Handler
	r.Use(cors.New(cors.Config{AllowOrigins: []string{a.Origin}, AllowCredentials: true, AllowMethods: []string{"GET", "POST"}, AllowHeaders: []string{"Content-Type"}}))
	r.Use(gzip.Gzip(gzip.DefaultCompression, gzip.WithExcludedPaths([]string{"/app/events", "/app/socket"})))

	app := r.Group("/app")
	app.GET("/hello", wrap(a.Auth.Restore), h.hello)
	app.POST("/login", gin.WrapH(a.FormLogIn()))
	app.POST("/api/login", wrap(a.Auth.Authenticate("local")), wrap(a.Auth.LogIn), h.hello)
	app.POST("/logout", wrap(a.Auth.LogOut), func(c *gin.Context) { c.Redirect(http.StatusSeeOther, "/app/hello") })

	members := app.Group("", wrap(a.Protect))
	members.GET("/me", h.me)
	members.POST("/note", h.note)
	members.GET("/page", func(c *gin.Context) { c.String(http.StatusOK, a.Page()) })
	members.GET("/panic", h.panics)
	members.GET("/slow", h.slow)
	members.GET("/events", h.events)
	members.GET("/socket", func(c *gin.Context) { handlers{a}.socket(c.Writer, c.Request) })
	members.POST("/upload", h.upload)
	return r
}

type ginHandlers struct{ *App }

func (h ginHandlers) hello(c *gin.Context) {
	if user, ok := h.Auth.User(c.Request.Context()); ok {
		c.String(http.StatusOK, "hello %s\n", user.Email)
		return
	}
	c.String(http.StatusOK, "hello stranger\n")
}

func (h ginHandlers) me(c *gin.Context) {
	text, err := h.Me(c.Request.Context())
	h.answer(c, text, err)
}

func (h ginHandlers) note(c *gin.Context) {
	text, err := h.Note(c.Request.Context(), c.PostForm("text"))
	h.answer(c, text, err)
}

func (h ginHandlers) answer(c *gin.Context, text string, err error) {
	if err != nil {
		h.Auth.Error(c.Writer, c.Request, err)
		return
	}
	c.String(http.StatusOK, text)
}

func (h ginHandlers) panics(c *gin.Context) {
	_, _ = h.Note(c.Request.Context(), "lost")
	panic("made up")
}

// slow limits its own time: gin has no middleware for that.
func (h ginHandlers) slow(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), Limit)
	defer cancel()
	_, _ = h.Note(ctx, "late")
	<-ctx.Done()
	c.AbortWithStatus(http.StatusGatewayTimeout)
}

func (h ginHandlers) events(c *gin.Context) {
	c.Header("Content-Type", "text/event-stream")
	c.Header("Cache-Control", "no-store")
	_ = h.Follow(c.Request.Context(), func(text string) error {
		_, err := fmt.Fprintf(c.Writer, "data: %s\n\n", text)
		c.Writer.Flush()
		return err
	})
}

func (h ginHandlers) upload(c *gin.Context) {
	header, err := c.FormFile("file")
	if err != nil {
		c.String(http.StatusBadRequest, "no file")
		return
	}
	file, err := header.Open()
	if err != nil {
		h.answer(c, "", err)
		return
	}
	defer func() { _ = file.Close() }()
	text, err := h.stored(c.Request.Context(), file)
	h.answer(c, text, err)
}
