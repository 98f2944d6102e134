package store

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// maxWalks is how often a walk over a cluster begins anew because slots moved.
const maxWalks = 8

// errSlotsMove is returned by walks over a cluster whose slots do not stand still.
var errSlotsMove = errors.New("slots moved between the cluster's nodes during each of 8 walks: try again when they stand still")

// layout describes which master of a cluster has which slots and which are on their
// way. Two walks over the masters with the same layout before and after saw all of
// it: otherwise keys may have moved from a node that was not asked yet to one that
// was. moving is true when a slot is on its way. A client of one server has none.
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

// ownSlots returns what a node says of itself in CLUSTER NODES: its id, its epoch, and
// its slots, those on their way in brackets. Only the node itself tells the latter.
func ownSlots(nodes string) string {
	for line := range strings.Lines(nodes) {
		if f := strings.Fields(line); len(f) >= 8 && strings.Contains(f[2], "myself") {
			return f[0] + " " + f[6] + " " + strings.Join(f[8:], " ")
		}
	}
	return ""
}
