// The scenarios' program with express-session, connect-redis and passport. Its argument
// is the URL of a Redis; it prints its port.

import { setTimeout as pause } from 'node:timers/promises'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import { createClient } from 'redis'

const client = createClient({ url: process.argv[2] })
await client.connect()

passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((id, done) => done(null, id))

const app = express()
app.use(session({ secret: 'a made-up secret of 32 bytes or more', store: new RedisStore({ client }), resave: false, saveUninitialized: false }))
app.use(passport.session())

const guarded = (req, res, next) => req.isAuthenticated() ? next() : res.sendStatus(401)
const work = req => pause(Number(req.query.hold ?? 0) / 1000)
const answer = (res, next) => err => err ? next(err) : res.send('ok')

app.post('/login', (req, res, next) => req.login(req.query.user, answer(res, next)))
app.post('/logout', (req, res, next) => req.logout(answer(res, next)))
app.get('/me', guarded, (req, res) => res.send(req.user))
app.post('/renew', guarded, (req, res, next) => {
  const kept = { ...req.session }
  delete kept.cookie
  req.session.regenerate(async err => {
    if (err) return next(err)
    Object.assign(req.session, kept)
    await work(req)
    res.send('ok')
  })
})
app.post('/set', guarded, async (req, res) => {
  req.session[req.query.key] = req.query.value
  await work(req)
  res.send('ok')
})
app.post('/add', guarded, async (req, res) => {
  req.session.n = (req.session.n ?? 0) + 1
  await work(req)
  res.send('ok')
})
app.get('/data', guarded, (req, res) => {
  const values = {}
  for (const [key, value] of Object.entries(req.session)) if (key !== 'cookie' && key !== 'passport') values[key] = String(value)
  res.json(values)
})

const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port))
