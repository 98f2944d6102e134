package session

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/cookies"
	"github.com/seed-6f34412b/passport/internal/devicebound"
	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// DeviceBound returns the handler for the requests of browsers that bind sessions
// ([Config].DeviceBound), and the path to mount it at. It needs neither a guard nor a session
// Handler around it. Do not redirect its requests, nor ask them for a CSRF token. It panics
// where Config.DeviceBound is not set.
//
//	mux.Handle(sessions.DeviceBound())
func (m *Manager) DeviceBound() (path string, h http.Handler) {
	if m.bound == nil {
		panic("session: DeviceBound: Config.DeviceBound.Lifetime is not set, and no session is bound")
	}
	return m.bound.Path, &boundHandler{m, m.Handler(http.HandlerFunc(m.register))}
}

// The headers of the protocol.
const (
	headerSession   = "Sec-Secure-Session-Id"
	headerResponse  = "Secure-Session-Response"
	headerChallenge = "Secure-Session-Challenge"
)

// boundHandler answers the registrations and refreshes of device-bound sessions.
type boundHandler struct {
	m        *Manager
	register http.Handler
}

func (h *boundHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	name, asked := fieldText(r.Header[headerSession])
	switch token, shown := fieldText(r.Header[headerResponse]); {
	case r.Method != http.MethodPost:
		header.Set("Allow", http.MethodPost)
		h.m.bound.refuse(w, http.StatusMethodNotAllowed)
	case asked:
		h.m.refreshProof(w, r, name, token)
	case shown:
		h.register.ServeHTTP(w, r)
	default:
		h.m.bound.refuse(w, http.StatusBadRequest)
	}
}

// fieldText returns the only value of a header field, which browsers send bare or as a string of a
// structured field (RFC 9651 §3.3.3). ok is false if there is none.
func fieldText(lines []string) (text string, ok bool) {
	if len(lines) != 1 || lines[0] == "" {
		return "", false
	}
	text = strings.Trim(lines[0], " \t")
	if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
		text = text[1 : len(text)-1]
	}
	return text, text != ""
}

// refuse writes a response without a body.
func (*bound) refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}

// challenge answers 403 with a challenge for the session called name: the browser signs it and asks again.
// An old challenge is answered in the same way: it comes from a race, not from an attack.
func (b *bound) challenge(w http.ResponseWriter, challenge, name string) {
	w.Header().Set(headerChallenge, challengeField(challenge, name))
	b.refuse(w, http.StatusForbidden)
}

func challengeField(challenge, name string) string {
	if name == "" {
		return `"` + challenge + `"`
	}
	return `"` + challenge + `";id="` + name + `"`
}

// instructions tell a browser how to keep a session's proof valid.
type instructions struct {
	Name        string       `json:"session_identifier"`
	Continue    *bool        `json:"continue,omitempty"`
	RefreshURL  string       `json:"refresh_url,omitempty"`
	Scope       *scope       `json:"scope,omitempty"`
	Credentials []credential `json:"credentials,omitempty"`
	Initiators  []string     `json:"allowed_refresh_initiators,omitempty"`
}

type scope struct {
	Origin        string   `json:"origin"`
	IncludeSite   bool     `json:"include_site"`
	Specification []string `json:"scope_specification"`
}

type credential struct {
	Type       string `json:"type"`
	Name       string `json:"name"`
	Attributes string `json:"attributes"`
}

// instruct answers with the instructions for the session that to binds.
func (b *bound) instruct(w http.ResponseWriter, r *http.Request, to devicebound.Binding) {
	origin := b.Origin
	if origin == "" {
		origin = "https://" + r.Host
	}
	i := &instructions{
		Name: to.Name(), RefreshURL: b.Path, Scope: &scope{Origin: origin, Specification: []string{}},
		Credentials: []credential{{"cookie", b.cookie(to), b.attribute}},
	}
	if b.sameSite == http.SameSiteNoneMode { // pages of other sites may embed pages of this one
		i.Initiators = []string{"*"}
	}
	b.answer(w, i)
}

func (*bound) answer(w http.ResponseWriter, i *instructions) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(i) // an error only means that the browser has gone
}

// register binds the request's session to the key that the browser registers.
func (m *Manager) register(w http.ResponseWriter, r *http.Request) {
	token, _ := fieldText(r.Header[headerResponse])
	s := (*Session)(reqstate.Of(r.Context(), m).Slots.(*slots))
	status, to, challenge := s.register(r.Context(), token)
	switch {
	case challenge != "":
		m.bound.challenge(w, challenge, "")
	case status != http.StatusOK:
		m.bound.refuse(w, status)
	default:
		m.bound.instruct(w, r, to)
	}
}

// register is Manager.register without HTTP. status 403 comes with a challenge.
func (s *Session) register(ctx context.Context, token string) (status int, to devicebound.Binding, challenge string) {
	s.lock()
	defer s.mu.Unlock()
	b, now := s.m.bound, time.Now()
	refused := func(reason string) (int, devicebound.Binding, string) {
		s.log(ctx, slog.LevelWarn, "session: the registration of a device's key was refused", slog.String("session", refOf(s.visit.ID)), slog.String("reason", reason))
		return http.StatusBadRequest, "", ""
	}
	if err := s.load(ctx); err != nil {
		return http.StatusServiceUnavailable, "", ""
	}
	if err := s.visit.LookAgain(ctx); err != nil {
		return http.StatusServiceUnavailable, "", ""
	}
	id := s.visit.ID
	switch {
	case s.visit.Suspect, devicebound.Of(id) != "":
		return refused("the session is bound already")
	case id == "", len(s.visit.Record().LogIns(s.m.cfg.AbsoluteTimeout, now)) == 0:
		return refused("nobody is logged in")
	}
	key, signed, err := devicebound.Registration(token)
	if err != nil {
		return refused(err.Error())
	}
	if !b.sealer.Offered(signed, id, now, b.challenges()) {
		return http.StatusForbidden, "", b.sealer.Offer(id, now)
	}
	to = devicebound.New(key, now)
	line, err := b.proof(to, now)
	if err == nil {
		err = s.visit.Bind(to)
	}
	if err == nil {
		err = s.commit(ctx, now)
	}
	switch {
	case drops(err):
		return http.StatusConflict, "", "" // renewed or ended meanwhile; a renewal offers a registration itself
	case err != nil:
		s.log(ctx, slog.LevelError, "session: the key of a device was not registered", slog.String("session", refOf(id)), slog.Any("error", err))
		s.visit.Discard()
		return http.StatusServiceUnavailable, "", ""
	}
	s.req.setCookie(b.line(to), line)
	return http.StatusOK, to, ""
}

// refreshProof gives a browser that has the key of the session called name a new proof. It does not read
// the store: a proof belongs to a key, and is useless without the cookie of a live session. So neither an
// outage nor a request that raced with a renewal ends a session. A browser that presents no session with
// that key is told that the session is over, and forgets the key: it has logged out, or logged in again.
func (m *Manager) refreshProof(w http.ResponseWriter, r *http.Request, name, token string) {
	b, now := m.bound, time.Now()
	id, to := m.presentedAs(r, name)
	if to == "" {
		over := false
		b.answer(w, &instructions{Name: name, Continue: &over})
		return
	}
	challenge := b.sealer.Challenge(to, now)
	if token == "" {
		b.challenge(w, challenge, name)
		return
	}
	var signed, line string
	key, err := to.Key()
	if err == nil {
		signed, err = key.Refresh(token)
	}
	if err == nil {
		line, err = b.proof(to, now)
	}
	switch {
	case err != nil:
		m.newSession().log(r.Context(), slog.LevelWarn, "session: the proof of a device was refused", slog.String("session", refOf(id)), slog.Any("error", err))
		b.challenge(w, challenge, name)
	case !b.sealer.Challenged(signed, to, now, b.challenges()):
		b.challenge(w, challenge, name)
	default:
		w.Header().Add("Set-Cookie", line)
		w.Header().Set(headerChallenge, challengeField(challenge, name))
		b.instruct(w, r, to)
	}
}

// presentedAs returns the id of a bound session called name that r presents, and its binding; "" if there
// is none.
func (m *Manager) presentedAs(r *http.Request, name string) (id string, to devicebound.Binding) {
	header := strings.Join(r.Header["Cookie"], ";")
	for via := range m.accept {
		for value := range cookies.Values(header, m.accept[via].name) {
			id, ok := m.accept[via].codec.Decode(m.accept[via].name, value)
			if to := devicebound.Of(id); ok && to != "" && to.Name() == name {
				return id, to
			}
		}
	}
	return "", ""
}
