// NestJS as in the article: guards on passport, sessions by express-session. The decorators are called as
// plain functions, so that nothing has to be compiled.

import { byID, byPassword, listen, protectedAnswer, publicAnswer, require, sessions } from './common.mjs'

require('reflect-metadata')
const { Controller, Get, Post, HttpCode, Req, UseGuards, Module, UnauthorizedException } = require('@nestjs/common')
const { NestFactory } = require('@nestjs/core')
const { AuthGuard, PassportModule, PassportSerializer, PassportStrategy } = require('@nestjs/passport')
const { ExpressAdapter } = require('@nestjs/platform-express')
const express = require('express')
const passport = require('passport')
const { Strategy } = require('passport-local')

class LocalStrategy extends PassportStrategy(Strategy) {
  constructor() { super({ usernameField: 'email' }) }

  async validate(email, password) {
    const user = byPassword(email, password)
    if (!user) throw new UnauthorizedException()
    return user
  }
}

class SessionSerializer extends PassportSerializer {
  serializeUser(user, done) { done(null, user.id) }

  deserializeUser(id, done) { done(null, byID(id)) }
}

class LocalGuard extends AuthGuard('local') {
  async canActivate(context) {
    const result = await super.canActivate(context)
    await super.logIn(context.switchToHttp().getRequest())
    return result
  }
}

class LoggedInGuard {
  canActivate(context) {
    if (!context.switchToHttp().getRequest().isAuthenticated()) throw new UnauthorizedException()
    return true
  }
}

class AppController {
  publicRoute() { return publicAnswer }

  protectedRoute() { return protectedAnswer }

  logIn() { return 'done' }

  logOut(req) { return new Promise((resolve, reject) => req.logout(err => err ? reject(err) : resolve('done'))) }

  write(req) {
    req.session.cart = req.body.v
    return 'done'
  }
}

const route = (name, ...decorators) => {
  const descriptor = Object.getOwnPropertyDescriptor(AppController.prototype, name)
  for (const decorate of decorators) decorate(AppController.prototype, name, descriptor)
}
route('publicRoute', Get('public'))
route('protectedRoute', UseGuards(LoggedInGuard), Get('protected'))
route('logIn', UseGuards(LocalGuard), Post('login'), HttpCode(200))
route('logOut', Post('logout'), HttpCode(200))
route('write', UseGuards(LoggedInGuard), Post('write'), HttpCode(200))
Req()(AppController.prototype, 'logOut', 0)
Req()(AppController.prototype, 'write', 0)
Controller()(AppController)

class AppModule {}
Module({ imports: [PassportModule.register({ session: true })], controllers: [AppController], providers: [LocalStrategy, SessionSerializer] })(AppModule)

const server = express()
server.disable('etag')
const app = await NestFactory.create(AppModule, new ExpressAdapter(server), { logger: ['error'] })
app.use(await sessions())
app.use(passport.session())
await app.init()
listen(server)
