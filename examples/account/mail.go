package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
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
	To, Subject, Text string
	At                time.Time
}

// Lines returns the lines of the text, for /outbox, which turns URLs into links.
func (l letter) Lines() []string { return strings.Split(l.Text, "\n") }

//go:embed mails
var mailTexts embed.FS

// letters has the text of each mail. The first line is the subject.
var letters = template.Must(template.ParseFS(mailTexts, "mails/mails.txt"))

// send queues the mail of that name; link may be "". It is sent later, so that the time of an answer does not
// tell whether a mail was sent.
func (a *app) send(to, name, link string) {
	var b strings.Builder
	if err := letters.ExecuteTemplate(&b, name, map[string]string{"Link": link, "URL": a.url}); err != nil {
		slog.Error("a mail has no text", "mail", name, "error", err)
		return
	}
	subject, text, _ := strings.Cut(strings.TrimSpace(b.String()), "\n")
	a.mail(letter{to, subject, strings.TrimSpace(text) + "\n\n— " + siteName, time.Now()})
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

func (b *outbox) all() []letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.list // add makes a new list
}

// newMailer returns a function that queues mails for the server of -smtp. They are sent one by one until ctx
// ends. Mails that are still in the queue then are lost: a real application stores them in a table.
func newMailer(ctx context.Context, o options) (func(letter), error) {
	u, err := url.Parse(o.smtp)
	if err != nil || u.Scheme != "smtp" || u.Port() == "" {
		return nil, errors.New("-smtp is not like smtp://user:password@host:587") // err may quote it
	}
	port, _ := strconv.Atoi(u.Port())
	options := []mail.Option{mail.WithPort(port), mail.WithTimeout(o.mailTime),
		mail.WithTLSPolicy(mail.TLSOpportunistic)}
	if secret, ok := u.User.Password(); ok {
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory), mail.WithUsername(u.User.Username()),
			mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithPassword(secret))
	}
	client, err := mail.NewClient(u.Hostname(), options...)
	if err != nil {
		return nil, fmt.Errorf("-smtp: %w", err)
	}
	queue := make(chan letter, 1000)
	go func() {
		for l := range queue {
			if err := deliver(ctx, client, o, l); err != nil {
				slog.Error("a mail could not be sent", "error", err)
			}
		}
	}()
	return func(l letter) {
		select {
		case queue <- l:
		default:
			slog.Error("a mail was dropped: too many wait")
		}
	}, nil
}

// deliver sends one mail. Its time limit keeps a server that does not answer from blocking the queue.
func deliver(ctx context.Context, client *mail.Client, o options, l letter) error {
	ctx, stop := context.WithTimeout(ctx, o.mailTime)
	defer stop()
	msg := mail.NewMsg()
	if err := errors.Join(msg.From(o.from), msg.To(l.To)); err != nil {
		return err
	}
	msg.SetDateWithValue(l.At)
	msg.Subject(l.Subject)
	msg.SetBodyString(mail.TypeTextPlain, l.Text)
	return client.DialAndSendWithContext(ctx, msg)
}
