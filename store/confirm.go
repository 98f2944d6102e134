package store

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// confirmTime is how long replicas have to confirm when the context has no deadline.
const confirmTime = time.Second

// maxRedirects is how many redirections (MOVED, ASK) a command follows.
const maxRedirects = 3

// errUnconfirmed is the cause of an outage: the master has executed the command, but too few replicas have
// confirmed that they have it.
var errUnconfirmed = errors.New("too few replicas confirmed the write")

// confirmed runs cmd on the master of key, followed by WAIT in the same round trip and on the same
// connection, since WAIT confirms the writes of its own connection only. The pipeline of a cluster client
// would follow a redirection with cmd alone and leave WAIT on the old node, so redirections are followed
// here.
func (s *sender) confirmed(ctx context.Context, key string, cmd redis.Cmder) error {
	cluster, _ := s.client.(*redis.ClusterClient)
	at, asking := "", false
	for tries := 0; ; tries++ {
		node, err := s.nodeOf(ctx, key, at)
		if err != nil {
			return err
		}
		err = within(ctx, func() error {
			if err := sendConfirmed(ctx, node, s.replicas, asking, cmd); cmd.Err() == nil {
				return err
			}
			return cmd.Err()
		})
		if cluster == nil || tries == maxRedirects || ctx.Err() != nil {
			return err
		}
		if at, asking = redis.IsAskError(err); asking {
			continue
		}
		var moved bool
		if at, moved = redis.IsMovedError(err); !moved {
			return err
		}
		cluster.ReloadState(ctx)
	}
}

// confirmedAll runs cmds on the masters of their keys (keys[i] is the key that cmds[i] writes): one round
// trip to each master, with one WAIT after all. Commands that are redirected are run again one by one.
func (s *sender) confirmedAll(ctx context.Context, keys []string, cmds []redis.Cmder) error {
	parts := map[*redis.Client][]redis.Cmder{}
	for i, cmd := range cmds {
		node, err := s.nodeOf(ctx, keys[i], "")
		if err != nil {
			return err
		}
		parts[node] = append(parts[node], cmd)
	}
	for node, part := range parts {
		if err := within(ctx, func() error { return sendConfirmed(ctx, node, s.replicas, false, part...) }); err != nil {
			return err
		}
	}
	for i, cmd := range cmds {
		_, moved := redis.IsMovedError(cmd.Err())
		_, asked := redis.IsAskError(cmd.Err())
		if !moved && !asked {
			continue
		}
		if err := s.confirmed(ctx, keys[i], cmd); err != nil && !noScript(err) {
			return err
		}
	}
	return nil
}

// nodeOf returns the client for the master of key, or for the node at the address at if that is not empty.
func (s *sender) nodeOf(ctx context.Context, key, at string) (*redis.Client, error) {
	cluster, ok := s.client.(*redis.ClusterClient)
	switch {
	case !ok:
		return s.client.(*redis.Client), nil // RedisConfig.complete has checked the type
	case at == "":
		found := make(chan *redis.Client, 1)
		err := within(ctx, func() error {
			c, err := cluster.MasterForKey(ctx, key)
			found <- c
			return err
		})
		if err != nil {
			return nil, err
		}
		return <-found, nil
	}
	var list nodeList
	if err := within(ctx, func() error { return cluster.ForEachMaster(ctx, list.add) }); err != nil {
		return nil, err
	}
	for _, node := range list.senders() {
		if c := node.client.(*redis.Client); c.Options().Addr == at {
			return c, nil
		}
	}
	return nil, errors.New("the slot is on a node that is not known yet")
}

// sendConfirmed sends cmds and WAIT, whose error it returns. Each command has its own.
func sendConfirmed(ctx context.Context, node *redis.Client, replicas int, asking bool, cmds ...redis.Cmder) error {
	limit := confirmTime
	if deadline, ok := ctx.Deadline(); ok {
		limit = time.Until(deadline) * 9 / 10 // leave time for the answer
	}
	wait := redis.NewIntCmd(ctx, "wait", replicas, max(limit.Milliseconds(), 1)) // 0 would mean for ever
	pipe := node.Pipeline()
	if asking {
		_ = pipe.Process(ctx, redis.NewStatusCmd(ctx, "asking"))
	}
	for _, cmd := range cmds {
		_ = pipe.Process(ctx, cmd)
	}
	_ = pipe.Process(ctx, wait)
	_, _ = pipe.Exec(ctx)
	switch {
	case wait.Err() != nil:
		return wait.Err()
	case wait.Val() < int64(replicas):
		return errUnconfirmed
	}
	return nil
}
