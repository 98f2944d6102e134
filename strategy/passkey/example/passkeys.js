// All the script that passkeys need: no library. The browser turns the server's JSON into what
// navigator.credentials takes, and its own answer into JSON again (WebAuthn Level 3).

async function send(method, url, body) {
  const headers = { 'Content-Type': 'application/json', Accept: 'application/json' }
  const response = await fetch(url, { method, headers, body: body && JSON.stringify(body) })
  const answer = await response.json().catch(() => ({}))
  if (answer.unknownCredential) await PublicKeyCredential.signalUnknownCredential?.(answer.unknownCredential)
  if (answer.signals) await PublicKeyCredential.signalAllAcceptedCredentials?.(answer.signals.allAcceptedCredentials)
  if (!response.ok) throw Object.assign(new Error(answer.detail ?? response.statusText), answer)
  return answer
}

// register makes a passkey for the user who is logged in.
export async function register() {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(await send('POST', '/passkeys/options'))
  return send('POST', '/passkeys', await navigator.credentials.create({ publicKey }))
}

// logIn asks for a passkey. With { mediation: 'conditional' } the browser offers it in the form field
// that has autocomplete="username webauthn", and shows nothing until the user goes there. A further
// call ends one that waits.
let waiting
export async function logIn(how, route = '/passkey') {
  waiting?.abort()
  const { signal } = (waiting = new AbortController())
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await send('POST', route + '/options'))
  return send('POST', route, await navigator.credentials.get({ publicKey, signal, ...how }))
}

export const list = () => send('GET', '/passkeys')
export const rename = (id, name) => send('PATCH', '/passkeys/' + id, { name })
export const remove = (id) => send('DELETE', '/passkeys/' + id)
