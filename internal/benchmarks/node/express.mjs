// Express, express-session, connect-redis and passport.

import { byID, byPassword, listen, protectedAnswer, publicAnswer, require, sessions } from './common.mjs'

const express = require('express')
const passport = require('passport')
const { Strategy } = require('passport-local')

passport.use(new Strategy({ usernameField: 'email' }, (email, password, done) => done(null, byPassword(email, password))))
passport.serializeUser((user, done) => done(null, user.id))
passport.deserializeUser((id, done) => done(null, byID(id)))

const app = express()
app.disable('etag')
app.use(await sessions())
app.use(passport.session())
app.use(express.urlencoded({ extended: false, limit: '1mb' }))

const loggedIn = (req, res, next) => req.isAuthenticated() ? next() : res.status(401).send('Unauthorized')
app.get('/public', (req, res) => res.send(publicAnswer))
app.get('/protected', loggedIn, (req, res) => res.send(protectedAnswer))
app.post('/login', passport.authenticate('local'), (req, res) => res.send('done'))
app.post('/logout', (req, res, next) => req.logout(err => err ? next(err) : res.send('done')))
app.post('/write', loggedIn, (req, res) => {
  req.session.cart = req.body.v
  res.send('done')
})
listen(app)
