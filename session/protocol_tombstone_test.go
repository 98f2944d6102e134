package session_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// fleet is a Redis that Node programs share, and our store on it.
type fleet struct {
	t      *testing.T
	client *redis.Client
	store  *store.RedisStore
	m      *session.Manager
	prefix string
}

// newFleet returns an empty fleet. Its Redis uses the bubble's clock.
func newFleet(t *testing.T, cfg store.RedisConfig) *fleet {
	t.Helper()
	server := miniredis.NewMiniRedis()
	server.ClockTTL(true)
	client := redis.NewClient(&redis.Options{
		Addr:                  "127.0.0.1:6379", // an address, which needs no DNS look-up
		Dialer:                func(context.Context, string, string) (net.Conn, error) { return server.Dial() },
		ContextTimeoutEnabled: true,
	})
	t.Cleanup(func() {
		client.Close()
		server.Close()
	})
	cfg.Name = "test"
	st, err := store.Redis(client, cfg)
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, client: client, store: st.Sessions, prefix: cfg.Prefix}
	if f.prefix == "" {
		f.prefix = "sess:"
	}
	f.m = newManager(t, st.Sessions, func(c *session.Config) { c.Codec = session.Express(secret) })
	return f
}

// keys lists the keys in Redis except those of the label index.
func (f *fleet) keys() []string {
	f.t.Helper()
	var keys []string
	all, err := f.client.Keys(f.t.Context(), "*").Result()
	if err != nil {
		f.t.Fatal(err)
	}
	for _, k := range all {
		if !strings.HasPrefix(k, "test:label:") {
			keys = append(keys, k)
		}
	}
	return keys
}

// record returns the key and bytes of the only session, as a Node request has loaded it.
func (f *fleet) record() (key, data string) {
	f.t.Helper()
	for _, k := range f.keys() {
		if strings.HasPrefix(k, f.prefix) {
			if key != "" {
				f.t.Fatal("two sessions")
			}
			key = k
		}
	}
	data, err := f.client.Get(f.t.Context(), key).Result()
	if err != nil {
		f.t.Fatalf("the session under %q: %v", key, err)
	}
	return key, data
}

// writeBack does what express-session does at the end of a request: connect-redis's SET key value EX ttl,
// whatever happened since the load.
func (f *fleet) writeBack(key, data string) {
	f.t.Helper()
	if err := f.client.Set(f.t.Context(), key, data, 24*time.Hour).Err(); err != nil {
		f.t.Fatal(err)
	}
}

// byNode stores a session that Node made, and gives b its cookie.
func (f *fleet) byNode(b *browser.Browser, data string) {
	f.t.Helper()
	f.writeBack(f.prefix+"made-by-node", data)
	b.SetCookie("connect.sid", expressValue(f.t, secret, "made-by-node"))
}

const nodesLogIn = `{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"passport":{"user":1}}`

// ways are all ways in which a session's id ends.
var ways = []struct {
	name  string
	begin func(f *fleet, b *browser.Browser)
	end   func(f *fleet, b *browser.Browser)
}{
	{"log-out", logInByGo, ops("logout")},
	{"log-out of a session that Node made", logInByNode, ops("logout")},
	{"destroy", logInByGo, ops("destroy")},
	{"log-in of another user", logInByGo, ops("login 2")},
	{"log-in over a session that Node made", logInByNode, ops("login 2")},
	{"renewal", logInByGo, ops("renew")},
	{"renewal of a session that Node made", logInByNode, ops("renew")},
	{"regeneration", logInByGo, ops("regenerate")},
	{"regeneration of a log-in that is younger than its session", logInAsAdminLater, ops("regenerate")},
	{"a label more", logInByGo, ops("link l")},
	{"log-out of one guard of two", logInAsAdminLater, ops("logout")},
	{"revoked user", logInByGo, ops("revoke")},
	{"revoked user of a session that Node made", logInByNode, ops("revoke")},
	{"log-out everywhere", logInByGo, func(f *fleet, _ *browser.Browser) {
		if n, err := f.m.DestroyLinked(f.t.Context(), "passport:1"); n != 1 || err != nil {
			f.t.Fatalf("DestroyLinked: %d, %v, want 1", n, err)
		}
	}},
}

func ops(list ...string) func(*fleet, *browser.Browser) {
	return func(f *fleet, b *browser.Browser) { b.Get(path(list...)).Want(f.t, http.StatusOK, "") }
}

func logInByGo(f *fleet, b *browser.Browser) { ops("login 1")(f, b) }

func logInByNode(f *fleet, b *browser.Browser) { f.byNode(b, nodesLogIn) }

func logInAsAdminLater(f *fleet, b *browser.Browser) {
	logInByGo(f, b)
	for range 19 { // used once a day, so that the idle timeout does not end it
		time.Sleep(20 * time.Hour)
		ops("slot")(f, b)
	}
	ops("login 9 admin")(f, b)
}

func TestS15_WhatNodeWritesBackIsNoLogIn(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, store.RedisConfig{Tombstones: true})
				b := open(t, f.m)
				way.begin(f, b)
				key, data := f.record()
				late := b.Twin()
				way.end(f, b)
				start := time.Now()
				for _, after := range []time.Duration{0, 25 * time.Hour, 10 * 24 * time.Hour, 29*24*time.Hour + 23*time.Hour, 31 * 24 * time.Hour} {
					if !strings.Contains(data, "_go") && after > 29*24*time.Hour+23*time.Hour {
						continue // the age of a record that only Node wrote is unknown: see the life of notes
					}
					time.Sleep(time.Until(start.Add(after)))
					f.writeBack(key, data)
					late.Get(path("slot", "slot admin")).Want(t, http.StatusServiceUnavailable, "nobody is logged in under passport")
					late.Get(path("slot admin")).Want(t, http.StatusServiceUnavailable, "nobody is logged in under admin")
				}
			})
		})
	}
}

// The rows above would pass if nothing was ever written back.
func TestS15_WithoutTombstonesANodeRequestBringsALogInBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, store.RedisConfig{})
		b := open(t, f.m)
		logInByGo(f, b)
		key, data := f.record()
		late := b.Twin()
		ops("logout")(f, b)
		late.Get(path("slot")).Want(t, http.StatusServiceUnavailable, "nobody")
		f.writeBack(key, data)
		late.Get(path("slot")).Want(t, http.StatusOK, `"user":1`)
	})
}

// TestS15_ALogInEndsWhatWasWrittenBack: the record has a note with the successor.
func TestS15_ALogInEndsWhatWasWrittenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, store.RedisConfig{})
		b := open(t, f.m)
		logInByGo(f, b)
		key, data := f.record()
		late := b.Twin()
		ops("renew")(f, b)
		f.writeBack(key, data)
		owner, thief := b.Twin(), late.Twin()
		thief.Get(path("slot")).Want(t, http.StatusOK, `"user":1`)
		ops("login 2")(f, late)
		thief.Get(path("slot")).Want(t, http.StatusServiceUnavailable, "nobody")
		owner.Get(path("slot")).Want(t, http.StatusServiceUnavailable, "nobody") // its session is now the successor
	})
}

func TestS15_WhatWasWrittenBackIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, store.RedisConfig{Tombstones: true})
		b := open(t, f.m)
		logInByGo(f, b)
		key, data := f.record()
		late := b.Twin()
		ops("logout")(f, b)
		f.writeBack(key, data)
		late.Get(path("slot")).Want(t, http.StatusServiceUnavailable, "nobody")
		if got := f.keys(); len(got) != 1 || got[0] != "test:x:{"+key+"}" {
			t.Errorf("keys are %q, want only the note: Node must not continue with the record", got)
		}
	})
}

// A Go request has loaded the session, another request ends it and Node writes it back: the Go request
// cannot write into the record that came back.
func TestS15_UpdateRefusesWhatWasWrittenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, store.RedisConfig{Tombstones: true})
		b := open(t, f.m)
		logInByGo(f, b)
		key, data := f.record()
		s, err := f.m.Open(t.Context(), strings.TrimPrefix(key, "sess:"))
		if err != nil {
			t.Fatal(err)
		}
		ops("logout")(f, b)
		f.writeBack(key, data)
		if err := text.Set(s, "v"); err != nil {
			t.Fatal(err)
		}
		if got := s.Save(t.Context()); got != session.ErrSessionEnded {
			t.Errorf("Save: %v, want %v", got, session.ErrSessionEnded)
		}
		if _, found := f.record(); found != data {
			t.Errorf("the record is %s, want it as Node wrote it", found)
		}
	})
}

// The note of a renewal contains the successor and is also a tombstone: a log-out with the old cookie ends
// the new session, even a day later.
func TestS15_TheSuccessorOfARenewalIsATombstone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, store.RedisConfig{Tombstones: true})
		b := open(t, f.m)
		logInByGo(f, b)
		late := b.Twin()
		ops("renew")(f, b)
		time.Sleep(23 * time.Hour)
		b.Get(path("slot")).Want(t, http.StatusOK, `"user":1`)
		time.Sleep(2 * time.Hour)
		ops("logout")(f, late)
		b.Get(path("slot")).Want(t, http.StatusServiceUnavailable, "nobody")
	})
}

func TestS15_TheNoteLivesUntilTheRecordsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, store.RedisConfig{Tombstones: true})
		b := open(t, f.m)
		logInByGo(f, b)
		key, _ := f.record()
		time.Sleep(10 * time.Hour)
		ops("logout")(f, b)
		got, err := f.client.PTTL(t.Context(), "test:x:{"+key+"}").Result()
		if want := 30*24*time.Hour - 10*time.Hour; err != nil || got != want {
			t.Errorf("the note lives for %v, %v, want %v", got, err, want)
		}
	})
}

// A Node request that is still running may write back a record that the store no longer has. Only ids with
// our signature leave a note, so that clients cannot fill the store.
func TestS15_EveryVerifiedIdIsNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, store.RedisConfig{Tombstones: true})
		b := open(t, f.m)
		ops("logout")(f, b)
		b.SetCookie("connect.sid", expressValue(t, "another secret of 32 bytes or more", "made-up"))
		ops("logout")(f, b)
		if got := f.keys(); len(got) != 0 {
			t.Errorf("keys are %q, want none: anyone could fill the store", got)
		}
		logInByGo(f, b)
		key, data := f.record()
		late := b.Twin()
		time.Sleep(25 * time.Hour) // the idle timeout
		ops("logout")(f, b)
		f.writeBack(key, data)
		late.Get(path("slot")).Want(t, http.StatusServiceUnavailable, "nobody")
		if got, err := f.client.PTTL(t.Context(), "test:x:{"+key+"}").Result(); err != nil || got != 30*24*time.Hour {
			t.Errorf("the note lives for %v, %v, want as long as a log-in", got, err)
		}
	})
}

// commandNames is a hook that records the commands of a client.
type commandNames struct{ names []string }

func (c *commandNames) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *commandNames) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (c *commandNames) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.names = append(c.names, cmd.Name())
		return next(ctx, cmd)
	}
}

func TestS15_ReadingCostsOneMGET(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, store.RedisConfig{Tombstones: true})
		b := open(t, f.m)
		logInByGo(f, b)
		c := new(commandNames)
		f.client.AddHook(c)
		b.Get(path("slot")).Want(t, http.StatusOK, `"user":1`)
		if got := strings.Join(c.names, " "); got != "mget" {
			t.Errorf("a guarded read sends %q, want one mget", got)
		}
	})
}

func TestS16_TheNoteLiesInTheSlotOfItsRecord(t *testing.T) {
	for _, row := range []struct{ prefix, want string }{
		{"", "test:x:{sess:made-by-node}"},
		{"app:", "test:x:{app:made-by-node}"},
		{"{app}:sess:", "test:x:{app}:sess:made-by-node"},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, store.RedisConfig{Prefix: row.prefix, Tombstones: true})
			b := open(t, f.m)
			f.byNode(b, nodesLogIn)
			ops("logout")(f, b)
			if got := f.keys(); len(got) != 1 || got[0] != row.want {
				t.Errorf("prefix %q: keys are %q, want %q", row.prefix, got, row.want)
			}
		})
	}
}

// A brace in an id would choose the note's cluster slot.
func TestS16_IdsWithBracesAreUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, store.RedisConfig{Tombstones: true})
		for _, id := range []string{"a", "{a}", "a{b", "a}b", "}{"} {
			f.writeBack("sess:"+id, nodesLogIn)
			b := open(t, f.m)
			mac := hmac.New(sha256.New, []byte(secret))
			mac.Write([]byte(id))
			b.SetCookie("connect.sid", "s:"+id+"."+base64.RawStdEncoding.EncodeToString(mac.Sum(nil)))
			if id == "a" { // the signature is valid
				b.Get(path("slot")).Want(t, http.StatusOK, `"user":1`)
				continue
			}
			b.Get(path("slot")).Want(t, http.StatusServiceUnavailable, "nobody")
		}
	})
}

func TestS16_NewRefusesPrefixesThatHaveNoSlot(t *testing.T) {
	for _, cfg := range []store.RedisConfig{
		{NoPrefix: true, Tombstones: true}, {Prefix: "{}sess:"}, {Prefix: "{sess:"}, {Prefix: "sess}:"}, {Prefix: "}{sess:"}, {Prefix: "{a}{b}:"},
	} {
		client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
		cfg.Name = "test"
		if _, err := store.Redis(client, cfg); err == nil {
			t.Errorf("store.Redis accepted %+v", cfg)
		}
		client.Close()
	}
}
