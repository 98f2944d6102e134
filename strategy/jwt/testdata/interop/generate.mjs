// Makes node.json: tokens that jose and jsonwebtoken sign, with fixed keys and times.
// Go's tests start their clock at that time.
//
//   node generate.mjs           writes the file
//   node generate.mjs --check   fails if the packages would make other tokens. If a
//                               signature is random, the signed part is compared, and the
//                               package verifies the committed token

import { readFileSync, writeFileSync } from 'node:fs'

import * as jose from 'jose'
import jsonwebtoken from 'jsonwebtoken'

import { algorithms, deterministic, privateKey, publicKey, secret } from './keys.mjs'

export const now = 946684800 // 2000-01-01T00:00:00Z, when a synctest bubble begins
const issuer = 'https://id.example'
const audience = 'https://api.example'
const subject = '42'

const access = { iss: issuer, sub: subject, aud: audience, iat: now, exp: now + 300, jti: 'a-jti', client_id: 'spa', scope: 'read write', auth_time: now - 60 }
const plain = { username: 'joefoo@test.com', iat: now }

const version = name => JSON.parse(readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url))).version

const byJose = (alg, header, claims) => new jose.SignJWT(claims).setProtectedHeader({ alg, ...header }).sign(privateKey(alg))
const byJsonwebtoken = (alg, options, claims) => jsonwebtoken.sign(claims, privateKey(alg), { algorithm: alg, ...options })

async function accepted() {
  const rows = []
  for (const alg of algorithms) {
    rows.push({ name: `jose ${alg}`, by: 'jose', alg, typ: 'at+jwt', token: await byJose(alg, { typ: 'at+jwt', kid: alg }, access) })
    if (alg.startsWith('Ed')) continue // jsonwebtoken has no such algorithm
    rows.push({ name: `jsonwebtoken ${alg}`, by: 'jsonwebtoken', alg, typ: 'JWT', token: byJsonwebtoken(alg, { keyid: alg, issuer, audience, subject, expiresIn: 300 }, plain) })
  }
  rows.push({ name: 'jsonwebtoken, audience a list', by: 'jsonwebtoken', alg: 'HS256', typ: 'JWT', token: byJsonwebtoken('HS256', { issuer, audience: ['https://other.example', audience], subject, expiresIn: 300 }, plain) })
  rows.push({ name: 'jose, typ written in full', by: 'jose', alg: 'ES256', typ: 'at+jwt', token: await byJose('ES256', { typ: 'application/at+jwt' }, access) })
  return rows
}

// The token of Nest's guide: JwtService passes this to jsonwebtoken. The sub is a
// number, and there is no iss and no aud.
const nest = () => [{ name: "Nest's guide", token: jsonwebtoken.sign({ sub: 1, username: 'joefoo@test.com', iat: now }, secret('HS256'), { expiresIn: '60s' }) }]

async function refused() {
  const withoutExp = { ...access, exp: undefined }
  const other = claims => byJose('HS256', { typ: 'at+jwt' }, claims)
  const nested = await byJose('HS256', { typ: 'at+jwt' }, access)
  return [
    { name: 'jsonwebtoken none', token: jsonwebtoken.sign({ ...access }, null, { algorithm: 'none' }) },
    { name: 'jose UnsecuredJWT', token: new jose.UnsecuredJWT(access).encode() },
    { name: 'jose EncryptJWT', token: await new jose.EncryptJWT(access).setProtectedHeader({ alg: 'dir', enc: 'A256GCM' }).encrypt(secret('HS256')), random: true },
    { name: 'jose nested', token: await new jose.CompactSign(Buffer.from(nested)).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', cty: 'JWT' }).sign(secret('HS256')) },
    { name: 'jose crit and b64', token: await new jose.CompactSign(Buffer.from(JSON.stringify(access))).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', b64: true, crit: ['b64'] }).sign(secret('HS256')) },
    { name: 'jose, expired', token: await other({ ...access, exp: now - 31 }) },
    { name: 'jose, no exp', token: await other(withoutExp) },
    { name: 'jose, not yet', token: await other({ ...access, nbf: now + 31 }) },
    { name: 'jose, issued in the future', token: await other({ ...access, iat: now + 31 }) },
    { name: 'jose, another audience', token: await other({ ...access, aud: ['https://other.example'] }) },
    { name: 'jose, another issuer', token: await other({ ...access, iss: issuer + '/' }) },
    { name: 'jose, an ID token', token: await byJose('HS256', { typ: 'JWT' }, access) },
    { name: 'jose, another secret', token: await new jose.SignJWT(access).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' }).sign(Buffer.alloc(32, 'x')) },
  ]
}

async function keySet() {
  const keys = []
  for (const alg of algorithms.filter(alg => !alg.startsWith('HS'))) {
    keys.push({ ...await jose.exportJWK(publicKey(alg)), kid: alg, alg, use: 'sig' })
  }
  return { keys }
}

const made = {
  generatedWith: { jose: version('jose'), jsonwebtoken: version('jsonwebtoken') },
  accepted: await accepted(),
  nest: nest(),
  refused: await refused(),
  keySet: await keySet(),
}

const file = new URL('./node.json', import.meta.url)
const text = value => '{\n' + Object.entries(value).map(([section, rows]) =>
  `${JSON.stringify(section)}: ` + (Array.isArray(rows)
    ? '[\n' + rows.map(row => JSON.stringify(row)).join(',\n') + '\n]'
    : JSON.stringify(rows))).join(',\n') + '\n}\n'

if (!process.argv.includes('--check')) {
  writeFileSync(file, text(made))
  process.exit(0)
}

const fail = message => {
  console.error(`node.json: ${message}: run node generate.mjs`)
  process.exit(1)
}
const committed = JSON.parse(readFileSync(file, 'utf8'))
for (const section of ['accepted', 'nest', 'refused']) {
  if (committed[section].length !== made[section].length) fail(`${section} has other rows`)
  for (const [i, want] of made[section].entries()) {
    const got = committed[section][i]
    const exact = !want.random && (!want.alg || deterministic(want.alg))
    const compared = row => JSON.stringify({ ...row, token: want.random ? '' : exact ? row.token : row.token.slice(0, row.token.lastIndexOf('.')) })
    if (compared(got) !== compared(want)) fail(`${want.name} differs`)
    if (!want.alg) continue
    if (want.by === 'jose') await jose.jwtVerify(got.token, publicKey(want.alg), { currentDate: new Date(now * 1000) })
    else jsonwebtoken.verify(got.token, publicKey(want.alg), { clockTimestamp: now, algorithms: [want.alg] })
  }
}
for (const section of ['generatedWith', 'keySet']) {
  if (JSON.stringify(committed[section]) !== JSON.stringify(made[section])) fail(`${section} differs`)
}
console.log(`node.json: ${made.accepted.length + made.nest.length + made.refused.length} tokens as jose and jsonwebtoken make them`)
