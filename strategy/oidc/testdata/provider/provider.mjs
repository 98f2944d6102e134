// Runs oidc-provider, a certified OpenID provider, on a free port of the loopback. The
// argument is JSON: {"port": 0, "clients": [...], "keys": [...]}, with clients as oidc-provider
// takes them and private keys as JWKs. Prints its issuer, and ends with its standard input.
//
// It makes no keys itself: Node 20 can deadlock with its garbage collector when it exports a new key
// as a JWK.
import { createServer } from 'node:http'
import { randomBytes } from 'node:crypto'
import Provider from 'oidc-provider'

const config = JSON.parse(process.argv[2])

const server = createServer()
await new Promise((resolve) => server.listen(config.port, '127.0.0.1', resolve))
const issuer = `http://127.0.0.1:${server.address().port}`

const provider = new Provider(issuer, {
  clients: config.clients,
  jwks: { keys: config.keys },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => { ctx.body = `<!doctype html>${form}<button form="op.logoutForm" name="logout" value="yes">Log out</button>` },
    },
  },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: `Name of ${id}`, preferred_username: id, email: `${id}@op.example`, email_verified: true }),
  }),
  // The library refuses to call the loopback, which these tests use.
  fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
})

const callback = provider.callback()
const page = (body) => `<!doctype html><meta charset="utf-8"><title>provider</title>${body}`

// interact serves the provider's pages: the log-in and the consent.
async function interact(req, res) {
  const { uid, prompt, params, session } = await provider.interactionDetails(req, res)
  if (req.method === 'GET') {
    const field = prompt.name === 'login' ? '<input name="login" required>' : ''
    res.setHeader('content-type', 'text/html')
    res.end(page(`<form method="post" action="/interaction/${uid}">${field}<button name="answer" value="yes">${prompt.name}</button><button name="answer" value="no" formnovalidate>cancel</button></form>`))
    return
  }
  let body = ''
  for await (const chunk of req) body += chunk
  const form = new URLSearchParams(body)
  if (form.get('answer') !== 'yes') {
    await provider.interactionFinished(req, res, { error: 'access_denied' })
  } else if (prompt.name === 'login') {
    await provider.interactionFinished(req, res, { login: { accountId: form.get('login') } })
  } else {
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
    grant.addOIDCScope(params.scope)
    await provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true })
  }
}

server.on('request', (req, res) => {
  if (!req.url.startsWith('/interaction/')) return callback(req, res)
  interact(req, res).catch((err) => { res.statusCode = 500; res.end(String(err)) })
})

for (const event of ['server_error', 'backchannel.error', 'authorization.error', 'grant.error']) {
  provider.on(event, (ctx, err) => console.error(event, err?.message, err?.error_description ?? ''))
}
process.stdin.on('end', () => process.exit()).resume()
console.log(issuer)
