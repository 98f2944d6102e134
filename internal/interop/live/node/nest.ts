// The article's Nest application, with sessions in Redis.

import 'reflect-metadata'

import { type CanActivate, Controller, type ExecutionContext, Get, Injectable, Module, Post, Req, Res, UnauthorizedException, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { AuthGuard, PassportModule, PassportSerializer, PassportStrategy } from '@nestjs/passport'
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express'
import flash from 'connect-flash'
import express, { type Response } from 'express'
import passport from 'passport'
import { Strategy } from 'passport-local'

import { inside, outside } from './tools.mjs'
import { byPassword, identities, users } from './users.mjs'

type User = typeof users[number]

@Injectable()
class AuthService {
  validateUser(email: string, password: string): User | null {
    return byPassword(email, password)
  }
}

@Injectable()
class LocalStrategy extends PassportStrategy(Strategy) {
  constructor(private readonly auth: AuthService) {
    super({ usernameField: 'email' })
  }

  async validate(email: string, password: string): Promise<User> {
    const user = this.auth.validateUser(email, password)
    if (!user) throw new UnauthorizedException()
    return user
  }
}

@Injectable()
class SessionSerializer extends PassportSerializer {
  serializeUser(user: User, done: (err: Error | null, id: unknown) => void) {
    done(null, identities.number.write(user))
  }

  deserializeUser(id: unknown, done: (err: Error | null, user: User | false) => void) {
    done(null, identities.number.read(id) ?? false)
  }
}

@Injectable()
class LocalGuard extends AuthGuard('local') {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const result = await super.canActivate(context) as boolean
    await super.logIn(context.switchToHttp().getRequest())
    return result
  }
}

@Injectable()
class LoggedInGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (!context.switchToHttp().getRequest().isAuthenticated()) throw new UnauthorizedException()
    return true
  }
}

@Controller()
class AppController {
  @Get()
  publicRoute() {
    return JSON.stringify('This message is public to all!')
  }

  @UseGuards(LoggedInGuard)
  @Get('protected')
  guardedRoute() {
    return JSON.stringify('You can only see this if you are authenticated')
  }

  @UseGuards(LoggedInGuard)
  @Get('whoami')
  whoAmI(@Req() req: any) {
    return JSON.stringify(req.session.passport.user)
  }
}

@Controller('auth')
class AuthController {
  @UseGuards(LocalGuard)
  @Post('login')
  logIn(@Req() req: any) {
    return req.session
  }

  @Post('logout')
  logOut(@Req() req: any, @Res() res: Response) {
    req.logout((err: Error | undefined) => res.status(err ? 500 : 200).json('done'))
  }
}

@Module({
  imports: [PassportModule.register({ session: true })],
  controllers: [AppController, AuthController],
  providers: [AuthService, LocalStrategy, SessionSerializer],
})
class AppModule {}

export async function nestApp({ session }: any, { store, options, identity }: any) {
  if (identity !== 'number') throw new Error('the Nest application keeps users as numbers')
  const server = express()
  const app = await NestFactory.create<NestExpressApplication>(AppModule, new ExpressAdapter(server), { logger: ['error'] })
  const { router, gates } = outside({ store })
  app.use(router)
  app.use(session({ store, ...options }))
  app.use(passport.initialize())
  app.use(passport.session())
  app.use(flash())
  app.use(express.json())
  app.use(inside({ gates, options }))
  await app.init()
  return server
}
