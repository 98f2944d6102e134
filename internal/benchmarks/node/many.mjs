// Express with numbered users. To find the sessions of one user it reads the sessions of all.

import { promisify } from 'node:util'

import { listen, require, sessions } from './common.mjs'

const express = require('express')
const passport = require('passport')
const { Strategy } = require('passport-local')

passport.use(new Strategy({ usernameField: 'email' }, (email, password, done) => done(null, password === 'Passw0rd!' && { id: Number(email) })))
passport.serializeUser((user, done) => done(null, user.id))
passport.deserializeUser((id, done) => done(null, { id }))

const app = express()
app.disable('etag')
app.use(await sessions())
app.use(passport.session())
app.use(express.urlencoded({ extended: false }))

const ofUser = async req => {
  const all = promisify(req.sessionStore.all.bind(req.sessionStore))
  return (await all()).filter(s => s.passport?.user === req.user.id)
}
const loggedIn = (req, res, next) => req.isAuthenticated() ? next() : res.status(401).send('Unauthorized')
app.post('/login', passport.authenticate('local'), (req, res) => res.send('done'))
app.get('/devices', loggedIn, async (req, res) => res.send(String((await ofUser(req)).length)))
app.post('/everywhere', loggedIn, async (req, res) => {
  const list = await ofUser(req)
  const destroy = promisify(req.sessionStore.destroy.bind(req.sessionStore))
  await Promise.all(list.map(s => destroy(s.id)))
  res.send(String(list.length))
})
listen(app)
