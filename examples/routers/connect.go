package main

import (
	"context"
	"errors"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-6f34412b/passport/guard"
)

// Service is the path of the procedures. The messages are protobuf's well-known types, so that there is no
// generated code here; with a service of one's own, its NewHandler returns the path and the handler.
const Service = "/app.v1.App/"

// Connect is the application on connect: its protocol, gRPC and gRPC-Web at once. Procedures get a context
// and no request. Pages, forms and WebSockets are mounted on the mux, beside the service.
func Connect(a *App) http.Handler {
	h := rpc{a}
	members := http.NewServeMux()
	members.Handle(Service+"Me", connect.NewUnaryHandler(Service+"Me", h.me))
	members.Handle(Service+"Note", connect.NewUnaryHandler(Service+"Note", h.note))
	members.Handle(Service+"Page", connect.NewUnaryHandler(Service+"Page", h.page))
	members.Handle(Service+"Panic", connect.NewUnaryHandler(Service+"Panic", h.panics))
	members.Handle(Service+"Slow", connect.NewUnaryHandler(Service+"Slow", h.slow))
	members.Handle(Service+"Events", connect.NewServerStreamHandler(Service+"Events", h.events))

	mux := http.NewServeMux()
	public(a, mux)
	mux.Handle("GET /app/socket", a.Protect(http.HandlerFunc(handlers{a}.socket)))
	mux.Handle("POST /app/upload", a.Protect(http.HandlerFunc(handlers{a}.upload)))
	mux.Handle(Service, a.Protect(members))
	logIn := connect.NewUnaryHandler(Service+"LogIn", h.hello)
	mux.Handle(Service+"LogIn", a.Auth.Authenticate("local")(a.Auth.LogIn(logIn)))
	mux.Handle(Service+"LogOut", connect.NewUnaryHandler(Service+"LogOut", h.logOut))
	return Around(a, mux)
}

type rpc struct{ *App }

// failed returns err as an error of connect, with the code that fits the guard's status.
func failed(err error) error {
	codes := map[int]connect.Code{
		http.StatusBadRequest: connect.CodeInvalidArgument, http.StatusUnauthorized: connect.CodeUnauthenticated,
		http.StatusForbidden: connect.CodePermissionDenied, http.StatusConflict: connect.CodeAborted,
		http.StatusTooManyRequests: connect.CodeResourceExhausted, http.StatusServiceUnavailable: connect.CodeUnavailable,
	}
	code, ok := codes[guard.Status(err)]
	if !ok {
		code = connect.CodeInternal
	}
	return connect.NewError(code, errors.New(http.StatusText(guard.Status(err)))) // the cause is for the log
}

func reply(text string, err error) (*connect.Response[wrapperspb.StringValue], error) {
	if err != nil {
		return nil, failed(err)
	}
	return connect.NewResponse(wrapperspb.String(text)), nil
}

// hello answers a log-in that the middlewares have made. They read credentials only from JSON: programs that
// speak gRPC send a key or a token with each call.
func (h rpc) hello(ctx context.Context, _ *connect.Request[structpb.Struct]) (*connect.Response[wrapperspb.StringValue], error) {
	user, _ := h.Auth.User(ctx)
	return reply("hello "+user.Email, nil)
}

func (h rpc) logOut(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[wrapperspb.StringValue], error) {
	return reply("goodbye", h.Auth.LogOutContext(ctx))
}

func (h rpc) me(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[wrapperspb.StringValue], error) {
	return reply(h.Me(ctx))
}

func (h rpc) note(ctx context.Context, in *connect.Request[wrapperspb.StringValue]) (*connect.Response[wrapperspb.StringValue], error) {
	return reply(h.Note(ctx, in.Msg.GetValue()))
}

func (h rpc) page(context.Context, *connect.Request[emptypb.Empty]) (*connect.Response[wrapperspb.StringValue], error) {
	return reply(h.Page(), nil)
}

func (h rpc) panics(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[wrapperspb.StringValue], error) {
	_, _ = h.Note(ctx, "lost")
	panic("made up")
}

// slow ends when the client's own time limit is over, which connect puts into the context.
func (h rpc) slow(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[wrapperspb.StringValue], error) {
	_, _ = h.Note(ctx, "late")
	<-ctx.Done()
	return nil, connect.NewError(connect.CodeDeadlineExceeded, ctx.Err())
}

func (h rpc) events(ctx context.Context, _ *connect.Request[emptypb.Empty], out *connect.ServerStream[wrapperspb.StringValue]) error {
	err := h.Follow(ctx, func(text string) error { return out.Send(wrapperspb.String(text)) })
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return failed(err)
}
