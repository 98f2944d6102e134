// Express with passport-remember-me, which leaves the tokens to the application: here each is a key in Redis,
// deleted when it is used.

import { randomBytes } from 'node:crypto'

import { byID, byPassword, listen, protectedAnswer, require, sessions } from './common.mjs'

const express = require('express')
const passport = require('passport')
const { Strategy } = require('passport-local')
const { Strategy: RememberMe } = require('passport-remember-me')

const client = require('redis').createClient({ url: process.argv[2] })
await client.connect()

const issue = async user => {
  const token = randomBytes(32).toString('base64url')
  await client.set('remember:' + token, String(user.id), { expiration: { type: 'EX', value: 30 * 24 * 3600 } })
  return token
}

passport.use(new Strategy({ usernameField: 'email' }, (email, password, done) => done(null, byPassword(email, password))))
passport.use(new RememberMe(
  (token, done) => { client.getDel('remember:' + token).then(id => done(null, byID(Number(id))), done) },
  (user, done) => { issue(user).then(token => done(null, token), done) }
))
passport.serializeUser((user, done) => done(null, user.id))
passport.deserializeUser((id, done) => done(null, byID(id)))

const app = express()
app.disable('etag')
app.use(require('cookie-parser')())
app.use(await sessions())
app.use(passport.session())
app.use(passport.authenticate('remember-me'))
app.use(express.urlencoded({ extended: false }))
app.get('/protected', (req, res) => req.isAuthenticated() ? res.send(protectedAnswer) : res.status(401).send('Unauthorized'))
app.post('/login', passport.authenticate('local'), async (req, res) => {
  res.cookie('remember_me', await issue(req.user), { path: '/', httpOnly: true, maxAge: 30 * 24 * 3600 * 1000 })
  res.send('done')
})
listen(app)
