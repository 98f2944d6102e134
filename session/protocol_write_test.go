package session_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// identity returns the fields that must never change under one id: log-ins, labels and birth.
func identity(t *testing.T, record []byte) string {
	t.Helper()
	var r struct {
		Passport json.RawMessage `json:"passport"`
		Admin    json.RawMessage `json:"admin"`
		Go       *struct {
			B int64
			K json.RawMessage
			L json.RawMessage
		} `json:"_go"`
	}
	if err := json.Unmarshal(record, &r); err != nil {
		t.Fatal(err)
	}
	if r.Go == nil {
		return fmt.Sprintf("%s %s", r.Passport, r.Admin)
	}
	return fmt.Sprintf("%s %s %d %s %s", r.Passport, r.Admin, r.Go.B, r.Go.K, r.Go.L)
}

// revision returns the newest revision in a record.
func revision(record string) string {
	_, rest, _ := strings.Cut(record, `"v":"`)
	return rest[:8]
}

func TestS1_NoUpdateChangesIdentity(t *testing.T) {
	st := newScripted()
	updates := 0
	st.after = func(c call) {
		if c.Op == "Update" {
			updates++
			if was, is := identity(t, c.Old), identity(t, c.New); was != is {
				t.Errorf("an Update changed the identity from %s to %s", was, is)
			}
		}
	}
	m := newManager(t, st)
	b := open(t, m)
	for _, ops := range [][]string{
		{"set keep 1"}, {"login 1"}, {"set a 1"}, {"login 2 admin"}, {"set a 2", "inc"}, {"link x"}, {"inc"}, {"renew"}, {"inc"},
		{"login 1"}, {"set b 1"}, {"logout admin"}, {"inc"}, {"login 3"}, {"inc"}, {"unlink x"}, {"flash hi"}, {"flashes"}, {"regenerate n"}, {"inc"}, {"logout"}, {"set c 1"}, {"inc"},
	} {
		b.Get(path(ops...)).Want(t, 200, "")
	}
	// If another request writes in between, log-in and renewal carry its changes over by an Update of the
	// new id.
	for _, ops := range []string{"login 5", "renew", "login 6 admin"} {
		other := browserOf(t, b, newManager(t, st))
		st.hold(t, on("End")).during(
			func() { b.Get(path(ops)).Want(t, 200, "") },
			func() { other.Get(path("set between 1")).Want(t, 200, "") })
	}
	if updates < 10 {
		t.Errorf("only %d Updates were seen", updates)
	}
}

func TestS2_OnlyAnOKOfCreateCounts(t *testing.T) {
	for _, row := range []struct {
		name string
		fate sessiontest.Fate
	}{
		{"a Create that was not executed is not sent again", sessiontest.Fail},
		{"a Create whose answer was lost is given up", sessiontest.LoseReply},
	} {
		t.Run(row.name, func(t *testing.T) {
			st := newScripted()
			tried := map[string]int{}
			st.before = func(_ context.Context, c call) sessiontest.Fate {
				if c.Op == "Create" {
					tried[c.ID]++
					if len(tried) == 1 {
						return row.fate
					}
				}
				return sessiontest.Pass
			}
			m := newManager(t, st)
			b := open(t, m)
			b.Get(path("login 1")).Want(t, 200, "")
			b.Get(path("slot")).Want(t, 200, "")
			if len(tried) != 2 {
				t.Errorf("%d ids were tried, want 2", len(tried))
			}
			for _, n := range tried {
				if n != 1 {
					t.Errorf("an id was created %d times", n)
				}
			}
			if got := len(st.ids()); got != 1 {
				t.Errorf("%d records are left, want 1", got)
			}
		})
	}
}

func TestS2_LogInStuckInTheNetworkCannotRiseAfterLogOut(t *testing.T) {
	st := newScripted()
	var late call
	first := true
	st.before = func(_ context.Context, c call) sessiontest.Fate {
		if c.Op == "Create" && first {
			first, late = false, c
			return sessiontest.Fail // for now
		}
		return sessiontest.Pass
	}
	m := newManager(t, st)
	b := open(t, m)
	b.Get(path("login 1")).Want(t, 200, "")
	before := b.Twin()
	b.Get(path("logout")).Want(t, 200, "")
	st.put(late.ID, string(late.New)) // it arrives at last
	before.Get(path("slot")).Want(t, 503, "nobody is logged in")
}

func TestS3_EveryWriterOfItsOwnKeyIsKept(t *testing.T) {
	st := newScripted()
	// Two managers stand for two processes: their commits meet only in the store.
	managers := []*session.Manager{newManager(t, st), newManager(t, st)}
	b := open(t, managers[0])
	b.Get(path("login 1")).Want(t, 200, "")
	const n = 100
	var wg sync.WaitGroup
	for i := range n {
		h := app(managers[i%2])
		r := b.Request("GET", path(fmt.Sprintf("set k%d %d", i, i)), "")
		wg.Go(func() {
			w := newRecorder()
			h.ServeHTTP(w, r)
			if w.Code != 200 {
				t.Errorf("writer %d: %d %s", i, w.Code, w.Body)
			}
		})
	}
	wg.Wait()
	got := b.Get(path()).Text
	for i := range n {
		if !strings.Contains(got, fmt.Sprintf(`"k%d":"%d"`, i, i)) {
			t.Errorf("the value of writer %d is lost", i)
		}
	}
}

func TestS3_NoIncrementIsLost(t *testing.T) {
	st := newScripted()
	managers := []*session.Manager{newManager(t, st), newManager(t, st)}
	b := open(t, managers[0])
	b.Get(path("login 1")).Want(t, 200, "")
	const n = 100
	var wg sync.WaitGroup
	for i := range n {
		h := app(managers[i%2])
		r := b.Request("GET", path("inc"), "")
		wg.Go(func() {
			w := newRecorder()
			if h.ServeHTTP(w, r); w.Code != 200 {
				t.Errorf("writer %d: %d %s", i, w.Code, w.Body)
			}
		})
	}
	wg.Wait()
	b.Get(path()).Want(t, 200, fmt.Sprintf(`"n":%d`, n))
}

func TestS3_MergeIsByKey(t *testing.T) {
	for _, row := range []struct{ name, before, mine, theirs, want string }{
		{"different keys are both kept", "set a 0", "set b mine", "set c theirs", `"a":"0","c":"theirs","b":"mine"`},
		{"of one key the last commit wins", "set a 0", "set a mine", "set a theirs", `"a":"mine"`},
		{"a delete is a write of absence", "set a 0", "del a", "set a theirs", `"path":"/","sameSite":"lax"},"passport"`},
		{"a deleted key does not come back by another's write", "set a 0", "set b 1", "del a", `"b":"1"`},
		{"an update runs on the new value", "inc", "inc", "inc", `"n":3`},
		{"flash messages add up", "flash a", "flash b", "flash c", `"flash":{"info":["a","c","b"]}`},
		{"a message added while others are taken stays", "flash a", "flashes", "flash b", `"flash":{"info":["b"]}`},
		{"a message taken by two is gone", "flash a", "flashes", "flashes", `"flash":{}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			st := newScripted()
			m := newManager(t, st)
			b := open(t, m)
			b.Get(path("login 1")).Want(t, 200, "")
			b.Get(path(row.before)).Want(t, 200, "")
			other := browserOf(t, b, newManager(t, st))
			st.hold(t, on("Update")).during(
				func() { b.Get(path(row.mine)).Want(t, 200, "") },
				func() { other.Get(path(row.theirs)).Want(t, 200, "") })
			b.Get(path()).Want(t, 200, row.want)
		})
	}
}

func TestS3_NothingDoneAsOneUserLandsInAnothersSession(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)
	b.Get(path("login 1")).Want(t, 200, "")
	id := st.ids()[0]
	// Passport before 0.6 logs in under the same id.
	inPlace := strings.Replace(st.record(id), `"user":1`, `"user":2`, 1)
	st.hold(t, on("Update")).during(
		func() {
			b.Get(path("set mine 1")).Want(t, http.StatusConflict, "Please try again")
		},
		func() { st.put(id, inPlace) })
	if got := st.record(id); got != inPlace {
		t.Errorf("the other user's record became %s", got)
	}
}

func TestS4_ALostReplyIsNotAppliedTwice(t *testing.T) {
	st := newScripted()
	var lost sync.Map
	st.before = func(_ context.Context, c call) sessiontest.Fate {
		if c.Op == "Update" {
			if _, again := lost.LoadOrStore(revision(string(c.New)), true); !again {
				return sessiontest.LoseReply
			}
		}
		return sessiontest.Pass
	}
	managers := []*session.Manager{newManager(t, st), newManager(t, st)}
	b := open(t, managers[0])
	b.Get(path("login 1")).Want(t, 200, "")
	const n = 10
	var acknowledged atomic.Int32
	var wg sync.WaitGroup
	for i := range n {
		h := app(managers[i%2])
		r := b.Request("GET", path("inc"), "")
		wg.Go(func() {
			w := newRecorder()
			if h.ServeHTTP(w, r); w.Code == 200 {
				acknowledged.Add(1)
			}
		})
	}
	wg.Wait()
	if acknowledged.Load() != n {
		t.Errorf("%d of %d increments were acknowledged", acknowledged.Load(), n)
	}
	st.before = nil
	b.Get(path()).Want(t, 200, fmt.Sprintf(`"n":%d`, acknowledged.Load()))
}

func TestS4_AnUpdateThatCannotBeToldApartIsAnOutage(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)
	b.Get(path("login 1")).Want(t, 200, "")
	id := st.ids()[0]
	tries := 0
	st.before = func(_ context.Context, c call) sessiontest.Fate {
		if c.Op != "Update" {
			return sessiontest.Pass
		}
		if tries++; tries == 1 {
			return sessiontest.LoseReply
		}
		return sessiontest.Pass
	}
	st.after = func(c call) {
		if c.Op == "Update" && tries == 1 { // many others write before the second try
			before, rest, _ := strings.Cut(st.record(id), `"v":"`)
			_, after, _ := strings.Cut(rest, `"`)
			st.put(id, before+`"v":"`+strings.Repeat("otherone", 16)+`"`+after)
		}
	}
	b.Get(path("inc")).Want(t, http.StatusServiceUnavailable, "")
}
