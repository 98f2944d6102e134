package main

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/wneessen/go-mail"
)

// letter is a mail in plain text.
type letter struct {
	To, Subject string
	Lines       []string // /outbox makes links of those that are URLs
	At          time.Time
}

// letters has the text of each mail. The first line is the subject.
var letters = template.Must(template.ParseFS(files, "mails/mails.txt"))

// send queues the mail of that name; token is that of its link, or "". It is sent later, so that the time of
// an answer does not tell whether a mail was sent.
func (a *app) send(to, name, token string) {
	var b strings.Builder
	must(0, letters.ExecuteTemplate(&b, name, map[string]string{"Token": token, "URL": a.url}))
	lines := strings.Split(b.String()+"\n\n— "+siteName, "\n")
	a.mail(letter{to, lines[0], lines[1:], time.Now()})
}

// outbox keeps the last 50 mails, the newest first, for /outbox.
type outbox struct {
	mu   sync.Mutex
	list []letter
}

func (b *outbox) add(l letter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.list = append([]letter{l}, b.list[:min(len(b.list), 49)]...)
}

func (b *outbox) All() []letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.list // add makes a new list
}

// newMailer returns a function that queues mails for the server of -smtp. They are sent one by one. Those
// that wait when the program ends are lost: a real application stores them in a table.
func newMailer(ctx context.Context, o options) func(letter) {
	u, err := url.Parse(o.smtp)
	if err != nil || u.Scheme != "smtp" || u.Port() == "" || // err may quote the password
		strings.Trim(u.Path, "/")+u.RawQuery+u.Fragment != "" { // a part of the password
		must(0, errors.New("-smtp is not like smtp://user:password@host:587"))
	}
	port, _ := strconv.Atoi(u.Port())
	opts := []mail.Option{
		mail.WithPort(port), mail.WithTimeout(o.mailTime), mail.WithTLSPolicy(mail.TLSOpportunistic),
	}
	if secret, ok := u.User.Password(); ok {
		opts = append(opts, mail.WithTLSPolicy(mail.TLSMandatory), mail.WithUsername(u.User.Username()),
			mail.WithPassword(secret), mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover))
	}
	client := must(mail.NewClient(u.Hostname(), opts...))
	queue := make(chan letter, 1000)
	go func() {
		for l := range queue {
			msg := mail.NewMsg()
			msg.Subject(l.Subject)
			msg.SetDateWithValue(l.At)
			msg.SetBodyString(mail.TypeTextPlain, strings.Join(l.Lines, "\n"))
			err := errors.Join(msg.From(o.from), msg.To(l.To), client.DialAndSendWithContext(ctx, msg))
			if err != nil {
				slog.Error("a mail was not sent", "error", err)
			}
		}
	}()
	return func(l letter) {
		select {
		case queue <- l:
		default:
			slog.Error("a mail was dropped: too many wait")
		}
	}
}
