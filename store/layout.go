package store

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// maxWalks is how often a walk over a cluster starts, at most, when slots moved during it.
const maxWalks = 8

// errSlotsMove is returned by a walk over a cluster if slots moved during every attempt.
var errSlotsMove = errors.New("slots moved between the cluster's nodes during each of 8 walks: try again when no slots are moving")

// layout describes which slots each master of a cluster has, and which slots are moving. A walk over the
// masters has seen everything if the layout is the same before and after it; otherwise keys may have moved
// from a node that was not asked yet to one that was. moving is true when a slot is moving. The text is
// empty for a client of one server.
func (r *RedisStore) layout(ctx context.Context) (text string, moving bool, err error) {
	if _, ok := r.main.client.(*redis.ClusterClient); !ok {
		return "", false, nil
	}
	nodes, err := r.nodes(ctx)
	if err != nil {
		return "", false, err
	}
	var list []string
	for _, node := range nodes {
		cmd := redis.NewStringCmd(ctx, "cluster", "nodes")
		if err := node.send(ctx, cmd); err != nil {
			return "", false, err
		}
		list = append(list, ownSlots(cmd.Val()))
	}
	slices.Sort(list)
	text = strings.Join(list, "\n")
	return text, strings.Contains(text, "["), nil
}

// ownSlots returns what a node says of itself in CLUSTER NODES: its id, its epoch, and its slots, with
// moving ones in brackets. Only the node itself reports those.
func ownSlots(nodes string) string {
	for line := range strings.Lines(nodes) {
		if f := strings.Fields(line); len(f) >= 8 && strings.Contains(f[2], "myself") {
			return f[0] + " " + f[6] + " " + strings.Join(f[8:], " ")
		}
	}
	return ""
}
