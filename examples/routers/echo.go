package main

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"
)

// Echo is the application on echo. Its own echo.WrapMiddleware is the adapter.
func Echo(a *App) http.Handler {
	h := echoHandlers{a}
	e := echo.NewWithConfig(echo.Config{FormParseMaxMemory: uploadMemory})
	e.Logger = a.Log
	// What a guard's function returns keeps its status: 401, 409, 503 and so on.
	e.HTTPErrorHandler = h.failed(echo.DefaultHTTPErrorHandler(false))
	e.Use(middleware.Recover())             // outside of the session's Handler: a panic changes nothing
	e.Use(echo.WrapMiddleware(a.AccessLog)) // and Sessions.Handler
	e.Use(middleware.CORSWithConfig(middleware.CORSConfig{AllowOrigins: []string{a.Origin}, AllowCredentials: true}))
	e.Use(middleware.GzipWithConfig(middleware.GzipConfig{Skipper: func(c *echo.Context) bool { return c.Path() == "/app/events" || c.Path() == "/app/socket" }}))

	wrap := echo.WrapMiddleware
	app := e.Group("/app")
	app.GET("/hello", h.hello, wrap(a.Auth.Restore))
	app.POST("/login", echo.WrapHandler(a.FormLogIn()))
	app.POST("/api/login", h.hello, wrap(a.Auth.Authenticate("local")), wrap(a.Auth.LogIn))
	app.POST("/logout", func(c *echo.Context) error { return c.Redirect(http.StatusSeeOther, "/app/hello") }, wrap(a.Auth.LogOut))

	members := app.Group("", wrap(a.Protect))
	members.GET("/me", h.me)
	members.POST("/note", h.note)
	members.GET("/page", func(c *echo.Context) error { return c.String(http.StatusOK, a.Page()) })
	members.GET("/panic", h.panics)
	members.GET("/slow", h.slow, middleware.ContextTimeout(Limit))
	members.GET("/events", h.events)
	members.GET("/socket", h.socket)
	members.POST("/upload", h.upload)
	return e
}

type echoHandlers struct{ *App }

func (h echoHandlers) failed(next echo.HTTPErrorHandler) echo.HTTPErrorHandler {
	return func(c *echo.Context, err error) {
		var coded echo.HTTPStatusCoder
		var panicked *middleware.PanicStackError
		if errors.As(err, &coded) || errors.As(err, &panicked) {
			next(c, err)
			return
		}
		h.Auth.Error(c.Response(), c.Request(), err)
	}
}

func (h echoHandlers) hello(c *echo.Context) error {
	user, ok := h.Auth.User(c.Request().Context())
	if !ok {
		return c.String(http.StatusOK, "hello stranger\n")
	}
	return c.String(http.StatusOK, "hello "+user.Email+"\n")
}

func (h echoHandlers) me(c *echo.Context) error {
	text, err := h.Me(c.Request().Context())
	if err != nil {
		return err
	}
	return c.String(http.StatusOK, text)
}

func (h echoHandlers) note(c *echo.Context) error {
	text, err := h.Note(c.Request().Context(), c.FormValue("text"))
	if err != nil {
		return err
	}
	return c.String(http.StatusOK, text)
}

func (h echoHandlers) panics(c *echo.Context) error {
	_, _ = h.Note(c.Request().Context(), "lost")
	panic("made up")
}

func (h echoHandlers) slow(c *echo.Context) error {
	ctx := c.Request().Context()
	_, _ = h.Note(ctx, "late")
	<-ctx.Done()
	return ctx.Err()
}

func (h echoHandlers) events(c *echo.Context) error {
	w := c.Response()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	_ = h.Follow(c.Request().Context(), func(text string) error {
		if _, err := fmt.Fprintf(w, "data: %s\n\n", text); err != nil {
			return err
		}
		return http.NewResponseController(w).Flush()
	})
	return nil
}

func (h echoHandlers) socket(c *echo.Context) error {
	handlers(h).socket(c.Response(), c.Request())
	return nil
}

func (h echoHandlers) upload(c *echo.Context) error {
	header, err := c.FormFile("file")
	if err != nil {
		return echo.NewHTTPError(http.StatusBadRequest, "no file")
	}
	file, err := header.Open()
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	text, err := h.stored(c.Request().Context(), file)
	if err != nil {
		return err
	}
	return c.String(http.StatusOK, text)
}
