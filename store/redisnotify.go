package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

// Notices use plain pub/sub, also in a cluster, where each node passes a message on to all others. In
// sharded pub/sub, a script can publish only to a channel in the slot of the record, which would need one
// channel for each slot.

// silence is how long a subscription may be silent before it gets a PING, and how long the answer may take
// before the connection counts as broken. Without it, go-redis waits for ever on a connection whose other
// end is gone.
const silence = 3 * time.Second

// subscriber is a client that can subscribe.
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
		case nil: // the PING is sent
			continue
		case *redis.Message:
			// tell("") says that notices may have been missed, so an empty message of somebody else is ignored.
			if m.Payload != "" {
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
