package session

import "github.com/seed-6f34412b/passport/internal/protocol"

// EndNotice returns the notice of a Delete or an End with id, old and next that removed a record.
// It contains neither the id nor the user, and does not help an attacker who reads it.
func EndNotice(id string, old []byte, next string) string { return protocol.EndNotice(id, old, next) }

// EndManyNotice is [EndNotice] for each id of an EndMany.
func EndManyNotice(id string) string { return protocol.EndManyNotice(id) }
