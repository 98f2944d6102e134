package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/v2"
	"github.com/redis/go-redis/v9"
)

// manyRow is what it costs one stack to list and to end all sessions of one user.
type manyRow struct {
	title                  string
	list, out              []time.Duration
	listCommands, commands int64
}

const (
	manySessions = 1_000  // of one user
	manyOthers   = 10_000 // sessions of other users
	manyRounds   = 5
)

// measureMany lists all sessions of a user who has many, and then ends them all.
func (r *run) measureMany() error {
	for _, s := range []stack{
		{name: "mixed", title: "**this**"},
		{name: "scs-many", title: "scs + goredisstore, `Iterate` and `Destroy`"},
		{name: "express-many", title: "Express, express-session, connect-redis, `all` and `destroy`", node: "many.mjs"},
	} {
		if !wants(r.only, s.name) {
			continue
		}
		p, err := start(s, r.redis.addr)
		if err != nil {
			return err
		}
		row, err := r.many(p)
		p.stop()
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		r.manyRows = append(r.manyRows, row)
	}
	return nil
}

func (r *run) many(p *process) (manyRow, error) {
	row := manyRow{title: p.title}
	if err := r.redis.client.FlushAll(context.Background()).Err(); err != nil {
		return row, err
	}
	if err := r.others(p); err != nil {
		return row, err
	}
	for round := range manyRounds {
		cookie := ""
		for range manySessions {
			var err error
			if cookie, err = logInAs(p, "1"); err != nil {
				return row, err
			}
		}
		ask := func(method, path string) (took time.Duration, commands int64, err error) {
			before, err := r.redis.traffic()
			if err != nil {
				return 0, 0, err
			}
			began := time.Now()
			answer, err := sendWith(cookie, method, "http://"+p.addr+path)
			if err != nil {
				return 0, 0, err
			}
			defer answer.Body.Close()
			text, err := io.ReadAll(answer.Body)
			took = time.Since(began)
			if n, _ := strconv.Atoi(string(text)); err != nil || n != manySessions {
				return 0, 0, fmt.Errorf("%s %s: status %d, %q sessions and not %d: %v", method, path, answer.StatusCode, text, manySessions, err)
			}
			after, err := r.redis.traffic()
			return took, after.commands - before.commands - 1, err // without the INFO itself
		}
		list, listCommands, err := ask("GET", "/devices")
		if err != nil {
			return row, err
		}
		out, commands, err := ask("POST", "/everywhere")
		if err != nil {
			return row, err
		}
		if round == 0 {
			row.listCommands, row.commands = listCommands, commands
		}
		row.list, row.out = append(row.list, list), append(row.out, out)
	}
	slices.Sort(row.list)
	slices.Sort(row.out)
	return row, nil
}

// others makes one session of another user and copies it under other ids.
func (r *run) others(p *process) error {
	ctx := context.Background()
	if _, err := logInAs(p, "2"); err != nil {
		return err
	}
	keys, err := r.redis.client.Keys(ctx, "*").Result()
	if err != nil {
		return err
	}
	for _, key := range keys {
		if r.redis.client.Type(ctx, key).Val() != "string" {
			continue
		}
		value, err := r.redis.client.Get(ctx, key).Result()
		if err != nil {
			return err
		}
		prefix := key[:strings.LastIndexByte(key, ':')+1]
		_, err = r.redis.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for i := range manyOthers - 1 {
				pipe.Set(ctx, fmt.Sprintf("%s%032d", prefix, i), value, time.Hour)
			}
			return nil
		})
		return err
	}
	return fmt.Errorf("no session among the keys %q", keys)
}

// logInAs logs a user in by number and returns the Cookie line.
func logInAs(p *process, user string) (string, error) {
	return cookieAfter(p, "", request("POST", "/login", "email="+user+"&password="+passphrase))
}

// scsMany is scs with numbered users. To find the sessions of one user it iterates over the sessions of all.
func scsMany(options *redis.Options) http.Handler {
	m := scs.New()
	m.Store = goredisstore.New(redis.NewClient(options))
	each := func(do func(ctx context.Context) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			user, n := m.GetInt(r.Context(), "user"), 0
			err := m.Iterate(r.Context(), func(ctx context.Context) error {
				if m.GetInt(ctx, "user") != user {
					return nil
				}
				n++
				return do(ctx)
			})
			if err != nil || user == 0 {
				http.Error(w, fmt.Sprint("user ", user, ": ", err), http.StatusServiceUnavailable)
				return
			}
			fmt.Fprint(w, n)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		user, err := strconv.Atoi(r.PostFormValue("email"))
		if err != nil || r.PostFormValue("password") != passphrase || m.RenewToken(r.Context()) != nil {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		m.Put(r.Context(), "user", user)
		fmt.Fprint(w, "done")
	})
	mux.Handle("GET /devices", each(func(context.Context) error { return nil }))
	mux.Handle("POST /everywhere", each(m.Destroy))
	return m.LoadAndSave(mux)
}
