// An ordinary Express application with sessions in Redis. It has no code for Go.

import { readFileSync } from 'node:fs'

import bcrypt from 'bcryptjs'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import { Strategy } from 'passport-local'
import { createClient } from 'redis'

const { REDIS_URL, SESSION_SECRET, PORT } = process.env
const users = JSON.parse(readFileSync(new URL('../users.json', import.meta.url)))

passport.use(new Strategy({ usernameField: 'email' }, async (email, password, done) => {
  const user = users.find(user => user.email === email)
  const right = await bcrypt.compare(password, user?.hash ?? users[0].hash)
  done(null, user && right ? user : false)
}))
passport.serializeUser((user, done) => done(null, user.id))
passport.deserializeUser((id, done) => done(null, users.find(user => user.id === id) ?? false))

const client = createClient({ url: REDIS_URL })
await client.connect()

const app = express()
app.use(session({ store: new RedisStore({ client }), secret: SESSION_SECRET, resave: false, saveUninitialized: false }))
app.use(passport.session())
app.use(express.urlencoded())

app.post('/auth/login', passport.authenticate('local'), (req, res) => res.send(`Express: hello ${req.user.name}\n`))
app.post('/auth/logout', (req, res, next) => req.logout(err => err ? next(err) : res.send('Express: you are logged out\n')))
app.get('/whoami', (req, res) => {
  if (!req.user) return res.status(401).send('Express: I do not know you\n')
  req.session.visits = (req.session.visits ?? 0) + 1
  res.send(`Express: you are ${req.user.name}, visit ${req.session.visits}\n`)
})

const server = app.listen(PORT, 'localhost', err => {
  if (err) throw err
  console.log(server.address().port) // read by the Go program, which started this one and ends with it
})
process.stdin.on('end', () => process.exit()).resume()
