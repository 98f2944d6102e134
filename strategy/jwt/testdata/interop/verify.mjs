// Verifies tokens that Go made. Standard input is JSON:
//
//   { "keySetURL": "http://127.0.0.1:…/jwks.json", "issuer": "…", "audience": "…",
//     "tokens": [{ "alg": "ES256", "token": "…" }] }
//
// Each token is verified by jose, and by jsonwebtoken if it supports the algorithm. jose
// takes the key from the set that Go serves, if the algorithm has public keys.
// Standard output is a list of { alg, by, claims } or { alg, by, error }.

import { readFileSync } from 'node:fs'

import * as jose from 'jose'
import jsonwebtoken from 'jsonwebtoken'

import { publicKey } from './keys.mjs'

const { keySetURL, issuer, audience, tokens } = JSON.parse(readFileSync(0, 'utf8'))
const remote = jose.createRemoteJWKSet(new URL(keySetURL))
const answers = []

async function attempt(alg, by, verify) {
  try {
    answers.push({ alg, by, claims: await verify() })
  } catch (error) {
    answers.push({ alg, by, error: `${error.code ?? error.name}: ${error.message}` })
  }
}

for (const { alg, token } of tokens) {
  const key = alg.startsWith('HS') ? publicKey(alg) : remote
  await attempt(alg, 'jose', async () =>
    (await jose.jwtVerify(token, key, { issuer, audience, algorithms: [alg], typ: 'at+jwt', requiredClaims: ['sub', 'jti', 'client_id'] })).payload)
  if (alg.startsWith('Ed')) continue
  await attempt(alg, 'jsonwebtoken', () =>
    jsonwebtoken.verify(token, publicKey(alg), { issuer, audience, algorithms: [alg] }))
}
console.log(JSON.stringify(answers))
