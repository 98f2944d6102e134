package main

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/danielgtaylor/huma/v2/sse"

	"github.com/seed-6f34412b/passport/guard"
)

// Huma is the application on huma, on http.ServeMux. Its operations get a context and no request. A form and a
// WebSocket are not operations: they are mounted on the mux, beside the API.
func Huma(a *App) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /app/login", a.FormLogIn())
	mux.Handle("GET /app/socket", a.Protect(http.HandlerFunc(handlers{a}.socket)))

	h := humaHandlers{a}
	api := humago.New(mux, huma.DefaultConfig("routers", "1.0.0"))
	open := huma.NewGroup(api, "/app")
	open.UseMiddleware(HumaMiddleware(a.Auth.Restore))
	huma.Get(open, "/hello", h.hello)
	huma.Post(open, "/logout", h.logOut)

	logIn := huma.NewGroup(api, "/app")
	logIn.UseMiddleware(HumaMiddleware(a.Auth.Authenticate("local")), HumaMiddleware(a.Auth.LogIn))
	huma.Post(logIn, "/api/login", h.logIn)

	members := huma.NewGroup(api, "/app")
	members.UseMiddleware(HumaMiddleware(a.Protect))
	huma.Get(members, "/me", h.me)
	huma.Post(members, "/note", h.note)
	huma.Get(members, "/page", func(context.Context, *struct{}) (*text, error) { return plain(a.Page(), nil) })
	huma.Get(members, "/panic", h.panics)
	huma.Get(members, "/slow", h.slow)
	huma.Post(members, "/upload", h.upload)
	sse.Register(members, huma.Operation{OperationID: "events", Method: http.MethodGet, Path: "/events"},
		map[string]any{"message": message{}}, h.events)
	return Around(a, mux)
}

// HumaMiddleware returns m for huma's UseMiddleware, with the adapter humago. The handlers that follow get
// the request and the writer that m passes on.
func HumaMiddleware(m func(http.Handler) http.Handler) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		m(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next(humago.NewContext(ctx.Operation(), r, w))
		})).ServeHTTP(w, r)
	}
}

type humaHandlers struct{ *App }

type text struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

// plain returns s, or err as huma answers it: with the status that the guard would give it.
func plain(s string, err error) (*text, error) {
	if err != nil {
		return nil, huma.NewError(guard.Status(err), http.StatusText(guard.Status(err)))
	}
	return &text{"text/plain; charset=utf-8", []byte(s)}, nil
}

func (h humaHandlers) hello(ctx context.Context, _ *struct{}) (*text, error) {
	if user, ok := h.Auth.User(ctx); ok {
		return plain("hello "+user.Email, nil)
	}
	return plain("hello stranger", nil)
}

type credentials struct {
	Body struct {
		Email    string `json:"email"`
		Password string `json:"password"`
	}
}

// logIn answers a log-in that the middlewares have made. The body is named only for the API's description.
func (h humaHandlers) logIn(ctx context.Context, _ *credentials) (*text, error) {
	return h.hello(ctx, nil)
}

type redirect struct {
	Status   int
	Location string `header:"Location"`
}

func (h humaHandlers) logOut(ctx context.Context, _ *struct{}) (*redirect, error) {
	if err := h.Auth.LogOutContext(ctx); err != nil {
		_, err = plain("", err)
		return nil, err
	}
	return &redirect{http.StatusSeeOther, "/app/hello"}, nil
}

func (h humaHandlers) me(ctx context.Context, _ *struct{}) (*text, error) { return plain(h.Me(ctx)) }

func (h humaHandlers) note(ctx context.Context, in *struct {
	Text string `query:"text"`
}) (*text, error) {
	return plain(h.Note(ctx, in.Text))
}

func (h humaHandlers) panics(ctx context.Context, _ *struct{}) (*text, error) {
	_, _ = h.Note(ctx, "lost")
	panic("made up")
}

func (h humaHandlers) slow(ctx context.Context, _ *struct{}) (*text, error) {
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	_, _ = h.Note(ctx, "late")
	<-ctx.Done()
	return nil, huma.Error504GatewayTimeout("took too long")
}

type message struct {
	Text string `json:"text"`
}

func (h humaHandlers) events(ctx context.Context, _ *struct{}, send sse.Sender) {
	_ = h.Follow(ctx, func(text string) error { return send.Data(message{text}) })
}

type file struct {
	File huma.FormFile `form:"file" required:"true"`
}

func (h humaHandlers) upload(ctx context.Context, in *struct {
	RawBody huma.MultipartFormFiles[file]
}) (*text, error) {
	return plain(h.stored(ctx, in.RawBody.Data().File))
}
