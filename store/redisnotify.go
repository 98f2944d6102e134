package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

// Plain pub/sub, also on a cluster, where each node passes it on to all: a message of sharded
// pub/sub can be sent by a script only if its channel lies in the slot of the record, which would
// be a channel for each slot.

// withNotice adds to the arguments of endScript what it publishes when it removes the record.
func withNotice(args []any, channel, notice string) []any {
	if len(args) == 3 {
		args = append(args, "")
	}
	return append(args, channel, notice)
}

// silence is how long a subscription may say nothing until it is asked whether it is there, and
// then until it counts as broken. go-redis by itself waits for ever for a connection whose other
// end is gone.
const silence = 3 * time.Second

// subscriber is what a client with a master has.
type subscriber interface {
	Subscribe(ctx context.Context, channels ...string) *redis.PubSub
}

// Listen implements [session.Notifier], with RedisConfig.Notify. It holds one connection, and
// returns when that breaks, or says nothing for six seconds.
func (r *RedisStore) Listen(ctx context.Context, tell func(notice string)) error {
	client, ok := r.main.client.(subscriber)
	if !r.cfg.Notify || !ok {
		return fmt.Errorf("store: listen: %w", errNoNotify)
	}
	if err := ctxError(ctx, "listen"); err != nil {
		return err
	}
	sub := client.Subscribe(ctx, r.channel)
	defer func() { _ = sub.Close() }()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()
	for asked := false; ; {
		message, err := sub.ReceiveTimeout(ctx, silence)
		if err != nil && isTimeout(err) && !asked && ctx.Err() == nil {
			asked, err = true, sub.Ping(ctx)
		}
		if err != nil {
			return outage("listen", contextError(ctx, err))
		}
		switch m := message.(type) {
		case nil: // asked now
			continue
		case *redis.Message:
			if m.Payload != "" { // somebody else's: Listen alone says that something may have been missed
				tell(m.Payload)
			}
		case *redis.Subscription:
			tell("")
		}
		asked = false
	}
}

// Notify implements [session.ChangeNotifier], with RedisConfig.Notify. It is one PUBLISH.
func (r *RedisStore) Notify(ctx context.Context, notice string) error {
	if !r.cfg.Notify {
		return fmt.Errorf("store: notify: %w", errNoNotify)
	}
	if err := r.main.send(ctx, redis.NewIntCmd(ctx, "publish", r.channel, notice)); err != nil {
		return outage("notify", err)
	}
	return nil
}

var errNoNotify = fmt.Errorf("RedisConfig.Notify is not set: %w", errors.ErrUnsupported)

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}
