package guard

import (
	"errors"
	"net/http"
)

// Handle returns h as a handler that may return an error instead of an answer: an error of this package, of a
// session or of a users table, which is answered as the middlewares answer it, by Config.Error or
// [Guard.Error]. Nil means that h has answered.
//
//	mux.Handle("GET /orders", auth.RequireAuth(auth.Handle(func(w http.ResponseWriter, r *http.Request) error {
//		list, err := orders.Of(r.Context())
//		if err != nil {
//			return err // 503, and an EventError
//		}
//		return page.Execute(w, list)
//	})))
//
// The status is that of [Status], and the event that of a refusal: EventForbidden for [ErrForbidden], say. An
// error after the response has started is an event alone. It panics if h is nil.
func (g *Guard[U]) Handle(h func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	if h == nil {
		panic("guard: Handle: the function is nil")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.handle(w, r, nil, h)
	})
}

// handle calls h, and answers its error unless h has begun an answer. told is a refusal whose event was sent
// before, or nil; it is answered if h does nothing, since it must not be answered with 200.
func (g *Guard[U]) handle(
	w http.ResponseWriter, r *http.Request, told error, h func(w http.ResponseWriter, r *http.Request) error,
) {
	watched := &startWatcher{ResponseWriter: w}
	err := h(watched, r)
	if err == nil && !watched.started {
		err = told
	}
	if err == nil {
		return
	}
	if !errors.Is(err, told) {
		g.emitRefusal(r, err)
	}
	if !watched.started {
		g.answerRefused(w, r, err)
	}
}
