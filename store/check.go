package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/session"
)

// checkTime is the time to live of what Check stores, in case Check cannot remove it.
const checkTime = time.Minute

// Check tries every command that the stores need, on keys of its own, and reads each server's INFO. It is
// for a program's start: it sends some forty commands. The error joins everything that is wrong: a right
// that the Redis user lacks, with the command's name; a server that is a replica, is full, is older than
// 6.2, or evicts keys; a node of a cluster behind a client for one server; several servers behind a proxy
// that does not refuse scripts with keys on different servers. An INFO that the user may not read is
// skipped. An outage is one error, and so is a server that refuses every command, such as one with another
// password.
func (s *RedisStores) Check(ctx context.Context) error {
	err := s.Sessions.main.send(ctx, redis.NewStringCmd(ctx, "get", s.Sessions.cfg.Prefix+"check"))
	if err != nil && (isOutage(err) || redis.IsAuthError(err) || redis.IsLoadingError(err) || redis.IsMaxClientsError(err)) {
		return fmt.Errorf("store: check: %w", plain(err))
	}
	return errors.Join(append(s.checkServers(ctx), s.checkCommands(ctx)...)...)
}

// isOutage reports whether err is something other than an error reply of a server.
func isOutage(err error) bool {
	_, answered := errors.AsType[redis.Error](err)
	return !answered
}

// checkCommands runs every operation once, on keys that nothing else uses. It begins with the commands that
// scripts use, one by one, since an error of a script does not name the command that the user may not run.
func (s *RedisStores) checkCommands(ctx context.Context) (errs []error) {
	id, next := "check-"+rand.Text(), "check-"+rand.Text()
	r := s.Sessions
	key := r.cfg.own("count:") + id
	for _, args := range [][]any{
		{"get", key}, {"mget", key}, {"exists", key}, {"set", key, "1"}, {"incrby", key, 1}, {"pexpire", key, checkTime.Milliseconds()}, {"pttl", key}, {"del", key},
		{"zadd", key, 1, id}, {"zrange", key, 0, -1}, {"zrangebyscore", key, 1, 2}, {"zremrangebyscore", key, 1, 2}, {"zrem", key, id}, {"getdel", key},
	} {
		if err := r.main.send(ctx, redis.NewCmd(ctx, args...)); err != nil && !errors.Is(err, redis.Nil) {
			errs = append(errs, fmt.Errorf("store: check: %s: %w", strings.ToUpper(args[0].(string)), plain(err)))
		}
	}
	old, changed := []byte(`{"cookie":{},"check":1}`), []byte(`{"cookie":{},"check":2}`)
	for _, call := range []func() error{
		func() error { return r.Create(ctx, id, old, checkTime) },
		func() error { _, err := r.Get(ctx, id); return err },
		func() error { return r.Update(ctx, id, old, changed, checkTime) },
		func() error { _, err := r.GetPrimary(ctx, id); return err },
		func() error { _, err := r.GetMany(ctx, []string{id, next}); return err },
		func() error { _, err := r.End(ctx, id, changed, next, checkTime); return err },
		func() error { _, err := r.EndMany(ctx, []string{id, next}, 0); return err },
		func() error { return r.Delete(ctx, id, nil) },
		func() error { return r.main.send(ctx, redis.NewIntCmd(ctx, "del", r.note(r.cfg.Prefix+id))) },
		func() error { return r.AddLabel(ctx, id, id, time.Now().Add(checkTime)) },
		func() error { _, err := r.Labelled(ctx, id); return err },
		func() error { return r.RemoveLabel(ctx, id, id) },
		func() error {
			n := session.NewRecord{ID: next, Data: old, TTL: checkTime, Labels: []string{id}, Deadline: time.Now().Add(checkTime), OldID: id, OldData: old}
			if _, err := r.CreateIndexed(ctx, n); err != nil {
				return err
			}
			listed, err := r.Labelled(ctx, id)
			if err == nil && !slices.Contains(listed, next) {
				return errApart
			}
			return err
		},
		func() error { _, err := r.EndIndexed(ctx, next, 0, []string{id}); return err },
		func() error { _, _, err := s.Counter.Add(ctx, id, 1, checkTime); return err },
		func() error { return s.Tokens.Put(ctx, id, old, checkTime) },
		func() error { _, _, err := s.Tokens.Take(ctx, id); return err },
		func() error { _, _, err := s.Cells.Swap(ctx, id, nil, old, checkTime); return err },
		func() error { _, err := s.Cells.Load(ctx, id); return err },
		func() error { _, _, err := s.Cells.Swap(ctx, id, old, nil, checkTime); return err },
	} {
		err := call()
		follows := errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrConflict) || // from a step that failed
			errors.Is(err, errors.ErrUnsupported)
		if err != nil && !follows {
			errs = append(errs, err)
		}
	}
	return append(errs, r.checkNotices(ctx)...)
}

// errApart reports servers on which a log-out everywhere would miss sessions: the new session is not in the
// list of its label.
var errApart = errors.New("store: check: the label of a new session is not found again: several servers are behind a proxy, " +
	"which sends a script to the server of its first key: put a hash tag into RedisConfig.Prefix")

// checkNotices publishes and subscribes once.
func (r *RedisStore) checkNotices(ctx context.Context) (errs []error) {
	if !r.cfg.Notify {
		return nil
	}
	if err := r.main.send(ctx, redis.NewIntCmd(ctx, "publish", r.channel, "check")); err != nil {
		errs = append(errs, fmt.Errorf("store: check: PUBLISH: %w", plain(err)))
	}
	ctx, heard := context.WithCancel(ctx)
	defer heard()
	if err := r.Listen(ctx, func(string) { heard() }); !errors.Is(err, context.Canceled) {
		errs = append(errs, err)
	}
	return errs
}

// checkServers reads the INFO of every server.
func (s *RedisStores) checkServers(ctx context.Context) (errs []error) {
	nodes, err := s.Sessions.nodes(ctx)
	if err != nil {
		return []error{fmt.Errorf("store: check: %w", plain(err))}
	}
	one := oneServer(s.Sessions.main.client)
	for i, node := range nodes {
		cmd := redis.NewStringCmd(ctx, "info")
		if err := node.send(ctx, cmd); err != nil {
			if isOutage(err) {
				errs = append(errs, fmt.Errorf("store: check: %w", plain(err)))
			}
			continue
		}
		for _, text := range mistakesOf(infoOf(cmd.Val()), one) {
			errs = append(errs, fmt.Errorf("store: check: server %d of %d %s", i+1, len(nodes), text))
		}
	}
	return errs
}

// infoOf parses the reply of INFO: lines of a name, a colon and a value.
func infoOf(text string) map[string]string {
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	return info
}

// mistakesOf says what is wrong with a server, by its INFO.
func mistakesOf(info map[string]string, one bool) (list []string) {
	version := info["redis_version"]
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	x, _ := strconv.Atoi(major)
	y, _ := strconv.Atoi(minor)
	if version != "" && (x < 6 || x == 6 && y < 2) {
		list = append(list, fmt.Sprintf("is Redis %s: 6.2 is the first with GETDEL", version))
	}
	if info["role"] == "slave" {
		list = append(list, "is a replica: give the master's address, or a client that finds it")
	}
	if policy := info["maxmemory_policy"]; policy != "" && policy != "noeviction" && info["maxmemory"] != "0" {
		list = append(list, fmt.Sprintf("evicts keys when it is full (maxmemory-policy %s), which logs users out and makes used codes good again: set noeviction", policy))
	}
	if info["cluster_enabled"] == "1" && one {
		list = append(list, "is a node of a cluster: give a redis.ClusterClient")
	}
	return list
}
