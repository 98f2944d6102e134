// What cookie, cookie-signature and express-session's getcookie return for given texts.

import { createHash } from 'node:crypto'

import cookie from 'cookie'
import signature from 'cookie-signature'

import { FakeRedis, visit } from './express.mjs'
import { now } from './clock.mjs'

const ascii = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code))

// attempt returns {ok: f()} or {error: message}.
function attempt(f, key = 'ok') {
  try {
    return { [key]: f() }
  } catch (err) {
    return { error: err.message }
  }
}

// generatedId returns an id like express-session's own: 24 bytes in base64url.
const generatedId = n => createHash('sha256').update(`id ${n}`).digest('base64url').slice(0, 32)

const oddIds = [
  '', 'a', '.', '..', 'a.b', 'a.b.c', '.leading', 'trailing.', '%', '%41', '100%', 'a%2Fb', '%zz', '%C3%BC', 'a/b', '/', '//x',
  'a:b', 's:nested', 's%3Anested', '6c84fb90-12c4-11e1-840d-7b25c5ee775a', 'UPPER_lower-09', "~!*'()", '#$&^`|<>?@[]', '+', '=', 'a=b',
  'with space', 'tab\there', 'a,b', 'a;b', 'a"b', 'a\\b', '{tag}', 'ü', '日本', '🔑', 'e\u0301', '\u2028', '\u007f', 'x'.repeat(512), 'x'.repeat(513),
]

const secrets = [
  'a', 'sup3rs3cr3t', 'thirty-two bytes is the minimum!', 'x'.repeat(63), 'x'.repeat(64), 'x'.repeat(65), 'z'.repeat(200),
  'pässwörd', '日本語の秘密の鍵', '🔑🔑🔑🔑🔑🔑🔑🔑', '\u00e9', 'e\u0301', ' blanks around ', 'line\nbreak', 'nul\u0000inside', '\ufeffbom', 'quote"\\',
]

export function signatures() {
  const pairs = []
  for (let n = 0; n < 64; n++) pairs.push([generatedId(n), secrets[n % secrets.length]])
  for (const id of oddIds) for (const secret of [secrets[2], secrets[8]]) pairs.push([id, secret])
  for (const secret of secrets) for (const id of ['a.b', generatedId(100)]) pairs.push([id, secret])
  return pairs.map(([id, secret]) => {
    const signed = 's:' + signature.sign(id, secret)
    return { id, secret, signed, encoded: encodeURIComponent(signed), setCookie: cookie.serialize('connect.sid', signed, { path: '/' }) }
  })
}

export function unsign() {
  const values = ['', '.', '..', 'abc', 'abc.', '.abc', 'a.b.c']
  const signed = signature.sign('abc', 'k1')
  const other = signature.sign('a.b', 'k1')
  for (let i = 0; i < signed.length; i++) {
    values.push(signed.slice(0, i) + (signed[i] === 'A' ? 'B' : 'A') + signed.slice(i + 1))
  }
  values.push(
    signed, other, signed + '=', signed + 'A', signed.slice(0, -1), signed + '.', '.' + signed, ' ' + signed, signed + ' ',
    signed.toLowerCase(), signed.replaceAll('+', '-').replaceAll('/', '_'), 's:' + signed, signed + '.' + signed, signature.sign(signed, 'k1'),
  )
  const rows = values.map(value => ({ value, secret: 'k1', result: signature.unsign(value, 'k1') }))
  for (const secret of ['', 'k2', 'K1', 'k1 ', 'k1\u0000']) rows.push({ value: signed, secret, result: signature.unsign(signed, secret) })
  return rows
}

const goodSecrets = ['first secret, thirty-two bytes ..', 'second, older, also thirty-two b.']

// requests lists which id express-session itself takes from a Cookie header.
export async function requests() {
  const sign = (id, secret = goodSecrets[0]) => 's:' + signature.sign(id, secret)
  const raw = sign('ID1')
  const escaped = encodeURIComponent(raw)
  const all = [...raw].map(c => '%' + c.charCodeAt(0).toString(16).padStart(2, '0')).join('')
  const headers = [
    `connect.sid=${escaped}`,
    `connect.sid=${raw}`,
    `connect.sid=${all}`,
    `connect.sid=${all.toUpperCase()}`,
    `connect.sid=${escaped.replace('%3A', '%3a')}`,
    `connect.sid="${escaped}"`,
    `connect.sid="${raw}"`,
    `connect.sid="${raw}`,
    `connect.sid=${raw}"`,
    `connect.sid=""${raw}""`,
    `connect.sid=\t ${raw} \t`,
    ` \tconnect.sid \t= ${raw}`,
    `a=b;connect.sid=${raw};c=d`,
    `a=b; c; =; ; connect.sid=${raw}`,
    `a="x; connect.sid=${raw}; b=y"`,
    `a=b, connect.sid=${raw}`,
    `connect.sid=${raw}, a=b`,
    `Connect.sid=${raw}`,
    `connect.sid =${raw}`,
    `connect%2Esid=${raw}`,
    `xconnect.sid=${raw}; connect.sidx=${raw}`,
    `connect.sid`,
    `connect.sid=`,
    `connect.sid=; connect.sid=${raw}`,
    `connect.sid=stale; connect.sid=${raw}`,
    `connect.sid=${raw}; connect.sid=stale`,
    `connect.sid=${sign('ID2')}; connect.sid=${raw}`,
    `connect.sid=${raw.slice(2)}`,
    `connect.sid=S:${raw.slice(2)}`,
    `connect.sid=s::${raw.slice(2)}`,
    `connect.sid=j:${raw.slice(2)}`,
    `connect.sid=s%253A${raw.slice(2)}`,
    `connect.sid=${raw}%`,
    `connect.sid=${raw}%00`,
    `connect.sid=${raw}=`,
    `connect.sid=${raw.slice(0, -1)}`,
    `connect.sid=s:ID1.`,
    `connect.sid=s:ID1`,
    `connect.sid=s:`,
    `connect.sid=s:.${sign('').slice(3)}`,
    `connect.sid=${encodeURIComponent(sign('ID1', goodSecrets[1]))}`,
    `connect.sid=${sign('ID1', 'not one of them')}`,
    `connect.sid=${encodeURIComponent(sign('a.b%2F/c'))}`,
    `connect.sid=${sign('a.b%2F/c')}`,
    `connect.sid=${sign('100%')}`,
    `connect.sid=${encodeURIComponent(sign('100%'))}`,
    ...oddIds.filter(id => id && id.length <= 512).map(id => `connect.sid=${encodeURIComponent(sign(id))}`),
  ]
  const rows = []
  for (const header of headers) {
    const redis = new FakeRedis()
    let asked = null
    redis.get = async key => {
      asked = key.slice('sess:'.length)
      return null
    }
    await visit(redis, { options: { secret: goodSecrets }, headers: { cookie: header } })
    rows.push({ header, secrets: goodSecrets, id: asked })
  }
  return rows
}

export function cookieParse() {
  const headers = [
    '', 'a', '=', 'a=', '=b', 'a=b', ' a=b', 'a=b ', '\ta\t=\tb\t', 'a =b', 'a= b', 'a=b;', ';a=b', ';;a=b;;', 'a=b;c=d', 'a=b; c=d', 'a=b ;c=d', 'a=b,c=d',
    'a=1, b=2', 'foo; a=b', 'a=b; foo', 'a=b; foo; c=d', '; a=b', ' ; ; a=b', 'a=b=c', 'a==b', 'a===', 'a=b; a=c', 'a=; a=c', 'a; a=c', 'A=1; a=2', 'a=1; A=2',
    'a="b"', 'a="b', 'a=b"', 'a="', 'a=""', 'a="""', 'a=""b""', 'a=" b "', 'a= "b" ', 'a="b;c"', 'a="b" c', "a='b'", 'a=\\"b\\"',
    'a=%20x%3A', 'a=%', 'a=%4', 'a=%41', 'a=%zz', 'a=%41%', 'a=%41%zz', 'a=%E2%82%AC', 'a=%E2%82', 'a=%C0%AF', 'a=%ED%A0%80', 'a=%F4%90%80%80', 'a=%F0%9F%94%91', 'a=%ff',
    'a=%22b%22', 'a="%22"', 'a=%3B', 'a=+', 'a=b+c', 'a=b\tc', 'a=b c', 'a=b  c ; d=e', 'a b=c', 'a\tb=c', '%61=b', 'a%3Db=c', 'a=ü', 'ü=a', 'a=日本; b=1', 'a=\u00a0b\u00a0', 'a=\u2028',
    'a=\u0001', 'a=\u007f', 'a=\u000bb', 'a=\r\nb', 'toString=1', 'constructor=1; a=b', '$Version=1; a=b; $Path=/', 'a[]=1; a[b]=2', 'a={"b":1}', 'a=b; Path=/; HttpOnly',
    '__Host-sid=1; sid=2', 'connect.sid=s:SID.2aZ5yCBQ2WkdCwYUPIJg1G28Nj89DJyH9AtxSd5T4S0', 'connect.sid=old; connect.sid=s%3ASID.2aZ5yCBQ2WkdCwYUPIJg1G28Nj89DJyH9AtxSd5T4S0',
    Array.from({ length: 50 }, (_, i) => `c${i}=${i}`).join('; '),
  ]
  return headers.map(header => ({ header, result: Object.entries(cookie.parse(header)) }))
}

export function percentEncode() {
  const texts = [...ascii, 'ü', '日本', '🔑', '\u2028', '\ufeff', 's:id.mac+/', 'a b%c']
  return texts.map(text => ({ text, encoded: encodeURIComponent(text) }))
}

export function percentDecode() {
  const hex = n => '%' + n.toString(16).padStart(2, '0')
  const raws = Array.from({ length: 256 }, (_, n) => hex(n))
  raws.push(
    '', 'plain', '%', '%%', '%4', '%4g', '%g4', 'a%', 'a%4', '%41%42', '%41x%42', 'x%41', '%2541', '%25%34%31', '%3a', '%3A', '%c3%bc', '%C3%BC', '%C3', '%C3x', '%C3%', '%C3%4', '%C3%41', '%BC%C3', 'ü%41', 'ü%',
    '%C0%80', '%C1%BF', '%E0%80%80', '%E0%9F%BF', '%E0%A0%80', '%ED%9F%BF', '%ED%A0%80', '%ED%BF%BF', '%EE%80%80', '%EF%BF%BD', '%EF%BF%BF', '%E2%82', '%E2%82%41', '%E2x%82%AC',
    '%F0%80%80%80', '%F0%8F%BF%BF', '%F0%90%80%80', '%F0%9F%94%91', '%F0%9F%94', '%F4%8F%BF%BF', '%F4%90%80%80', '%F5%80%80%80', '%F8%88%80%80%80', '%F0%9F%94%91%F0%9F%94%91', 'a%C3%BCb%E2%82%ACc%F0%9F%94%91d',
  )
  return raws.map(raw => ({ raw, ...attempt(() => decodeURIComponent(raw)) }))
}

const serialize = opts => ({ opts, ...attempt(() => cookie.serialize('n', 'v', opts), 'result') })

export function cookieSerialize() {
  const alone = {
    domain: ['example.com', '.example.com', 'EXAMPLE.com', 'localhost', 'a-b.c', '1.2.3.4', 'x'.repeat(63) + '.com', '', 'exa mple', 'a..b', '..a', 'a.', '.', '-a.com', 'a-.com', 'a_b.com', 'a.com;x', 'bücher.example', 'x'.repeat(64) + '.com', 'a:80'],
    path: ['/', '/x', '/a/b/', '/a?b=c', '/~x', '/%20', '/a b', ''],
    expires: [new Date(now), new Date(now + 60000), new Date(now + 999), new Date(0), new Date(999), new Date(Date.UTC(2026, 0, 1)), new Date(Date.UTC(2028, 1, 29, 23, 59, 59, 999)), new Date(Date.UTC(9999, 11, 31)), null],
    httpOnly: [true, false],
    secure: [true, false],
    partitioned: [true, false],
    priority: ['low', 'medium', 'high', 'LOW', 'Medium', '', 'nope', 'High '],
    sameSite: [true, false, 'lax', 'strict', 'none', 'LAX', 'Strict', 'NONE', '', 'nope', 'auto'],
  }
  const rows = [serialize({})]
  const names = Object.keys(alone)
  for (const name of names) for (const value of alone[name]) rows.push(serialize({ [name]: value }))
  const typical = { domain: 'example.com', path: '/x', expires: new Date(now + 60000), httpOnly: true, secure: true, partitioned: true, priority: 'high', sameSite: 'lax' }
  for (let i = 0; i < names.length; i++) {
    for (let j = i + 1; j < names.length; j++) rows.push(serialize({ [names[j]]: typical[names[j]], [names[i]]: typical[names[i]] }))
  }
  rows.push(serialize(typical))
  return rows
}

const names = ['', 'connect.sid', '__Host-sid', '__Secure-sid', ...ascii.map(c => `a${c}b`), ...ascii, 'ü', '日本', 'a\u00ff']

export function cookieName() {
  return names.map(name => ({ name, ...attempt(() => cookie.serialize(name, 'v')) }))
}

export function cookieValue() {
  const values = ['', 'plain', ...ascii.map(c => `a${c}b`), 'ü', 'a\u00ffb']
  return values.map(value => ({ value, ...attempt(() => cookie.serialize('n', value, { encode: String })) }))
}

export function cookiePath() {
  return [...ascii.map(c => `/a${c}b`), '/ü'].map(path => ({ path, ...attempt(() => cookie.serialize('n', 'v', { path })) }))
}
