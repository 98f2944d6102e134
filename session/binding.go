package session

import (
	"context"
	"crypto/rand"
)

// bindingKey is where [Binding] keeps its text. The name is not one that an application would choose.
const bindingKey Key[string] = "passport.binding"

// Binding returns a random text that stays the same for the session which [FromContext] finds, and no other
// session has. The first call makes it and saves the session, so that requests at the same time agree; so call
// it before the first byte of the answer. It is for onetime.LinksConfig.Bind, whose links then work only in the
// browser that asked for them (OWASP ASVS 5.0, 6.6.2). It ends with the other values of the session, such as at
// the log-in of a visitor, and at a log-out. Its errors are those of FromContext, [Key.Get], [Key.Update] and
// [Session.Save].
func Binding(ctx context.Context) (string, error) {
	s, err := FromContext(ctx)
	if err != nil {
		return "", err
	}
	text, ok, err := bindingKey.Get(s)
	if err != nil || ok {
		return text, err
	}
	err = bindingKey.Update(s, func(other string) (string, error) {
		if text = other; text == "" { // else a request at the same time has made it
			text = rand.Text()
		}
		return text, nil
	})
	if err == nil {
		err = s.Save(ctx) // which runs Update's function again if it has to
	}
	if err != nil {
		return "", err
	}
	return text, nil
}
