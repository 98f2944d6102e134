package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// Limit is how long a request may take where the router limits it.
const Limit = 200 * time.Millisecond

// uploadMemory is how much of an upload is kept in memory. The rest goes to temporary files.
const uploadMemory = 1 << 20

// handlers are the application's pages for net/http, as chi and gorilla/mux take them too.
type handlers struct{ *App }

func (h handlers) hello(w http.ResponseWriter, r *http.Request) {
	if user, ok := h.Auth.User(r.Context()); ok {
		fmt.Fprintln(w, "hello", user.Email)
		return
	}
	fmt.Fprintln(w, "hello stranger")
}

func (h handlers) me(w http.ResponseWriter, r *http.Request) {
	text, err := h.Me(r.Context())
	h.answer(w, r, text, err)
}

func (h handlers) note(w http.ResponseWriter, r *http.Request) {
	text, err := h.Note(r.Context(), r.FormValue("text"))
	h.answer(w, r, text, err)
}

func (h handlers) answer(w http.ResponseWriter, r *http.Request, text string, err error) {
	if err != nil {
		h.Auth.Error(w, r, err)
		return
	}
	fmt.Fprintln(w, text)
}

func (h handlers) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, h.Page())
}

func (h handlers) panics(_ http.ResponseWriter, r *http.Request) {
	_, _ = h.Note(r.Context(), "lost")
	panic("made up")
}

// slow keeps a note and takes longer than it may.
func (h handlers) slow(_ http.ResponseWriter, r *http.Request) {
	_, _ = h.Note(r.Context(), "late")
	<-r.Context().Done()
}

func (h handlers) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	stream := http.NewResponseController(w)
	_ = h.Follow(r.Context(), func(text string) error {
		if _, err := fmt.Fprintf(w, "data: %s\n\n", text); err != nil {
			return err
		}
		return stream.Flush()
	})
}

func (h handlers) socket(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = conn.CloseNow() }()
	// net/http does not watch the connection any more: CloseRead's context ends with it.
	ctx := conn.CloseRead(r.Context())
	_ = h.Follow(ctx, func(text string) error { return conn.Write(ctx, websocket.MessageText, []byte(text)) })
	_ = conn.Close(websocket.StatusPolicyViolation, "logged out")
}

func (h handlers) upload(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 32<<20)
	if err := r.ParseMultipartForm(uploadMemory); err != nil { //nolint:gosec // bounded one line above
		http.Error(w, "no form", http.StatusBadRequest)
		return
	}
	// net/http removes the temporary files of the request that it made. chi, gorilla/mux and http.StripPrefix
	// hand on copies of it.
	defer func() { _ = r.MultipartForm.RemoveAll() }()
	file, _, err := r.FormFile("file")
	if err != nil {
		http.Error(w, "no file", http.StatusBadRequest)
		return
	}
	defer func() { _ = file.Close() }()
	text, err := h.stored(r.Context(), file)
	h.answer(w, r, text, err)
}

// stored reads an upload and notes its size.
func (a *App) stored(ctx context.Context, file io.Reader) (string, error) {
	size, err := io.Copy(io.Discard, file)
	if err != nil {
		return "", err
	}
	if _, err := a.Note(ctx, fmt.Sprint(size)); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d bytes", size), nil
}
