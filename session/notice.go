package session

import "github.com/seed-6f34412b/passport/internal/protocol"

// EndNotice returns what a [Notifier] tells of a Delete or an End that was given id, old and next,
// and that removed a record. It has neither the id nor the user in it, and whoever reads it can use
// it for nothing.
func EndNotice(id string, old []byte, next string) string { return protocol.EndNotice(id, old, next) }

// EndManyNotice is [EndNotice] for each id of an EndMany.
func EndManyNotice(id string) string { return protocol.EndManyNotice(id) }
