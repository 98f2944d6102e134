// The Express application.

import flash from 'connect-flash'
import express from 'express'
import { Strategy as LocalStrategy } from 'passport-local'

import { inside, outside } from './tools.mjs'
import { byPassword, identities } from './users.mjs'

export function expressApp({ Passport, session, logOutAtOnce }, { store, options, identity }) {
  const { write, read } = identities[identity]
  const passport = new Passport()
  passport.use(new LocalStrategy({ usernameField: 'email' }, (email, password, done) => done(null, byPassword(email, password))))
  passport.serializeUser((user, done) => done(null, write(user)))
  passport.deserializeUser((id, done) => done(null, read(id) ?? false))

  const app = express()
  const { router, gates } = outside({ store })
  app.use(router)
  app.use(session({ store, ...options }))
  app.use(passport.initialize())
  app.use(passport.session())
  app.use(flash())
  app.use(express.json())

  const loggedIn = (req, res, next) => req.isAuthenticated() ? next() : res.status(401).json('Unauthorized')
  app.get('/', (req, res) => res.json('This message is public to all!'))
  app.get('/protected', loggedIn, (req, res) => res.json('You can only see this if you are authenticated'))
  app.get('/whoami', loggedIn, (req, res) => res.json(req.session.passport.user))
  app.post('/auth/login', passport.authenticate('local'), (req, res) => res.json(req.session))
  app.post('/auth/login-and-keep', passport.authenticate('local', { keepSessionInfo: true }), (req, res) => res.json(req.session))
  app.post('/auth/logout', (req, res, next) => {
    const done = err => err ? next(err) : res.json('done')
    if (!logOutAtOnce) return req.logout({ keepSessionInfo: 'keep' in req.query }, done)
    req.logout()
    done()
  })
  app.use(inside({ gates, options }))
  app.use((err, req, res, next) => res.status(err.status ?? 500).json(err.message))
  return app
}
