// The whole script for passkeys: docs/PASSKEYS.md explains it. A log-in button has the addresses to call, and
// to open then.
const $ = (id) => document.getElementById(id)

async function send(url, body) {
  const headers = { 'Content-Type': 'application/json', Accept: 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: body && JSON.stringify(body) })
  const answer = await response.json().catch(() => ({}))
  if (answer.unknownCredential) await PublicKeyCredential.signalUnknownCredential?.(answer.unknownCredential)
  if (answer.signals) await PublicKeyCredential.signalAllAcceptedCredentials?.(answer.signals.allAcceptedCredentials)
  if (!response.ok) throw Object.assign(new Error(answer.detail ?? response.statusText), answer)
  return answer
}

function say(err) {
  if (err.name === 'AbortError') return // a newer call has replaced this one
  if (err.type?.endsWith('#ProblemFresh')) return location.reload() // the reloaded page asks for a log-in
  $('passkey-problem').textContent = err.name === 'NotAllowedError' ? 'No passkey was used.' : err.message
}

let waiting
async function logIn(button, how) {
  waiting?.abort()
  const { signal } = (waiting = new AbortController())
  const url = button.dataset.options
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await send(url + '/options'))
  await send(url, await navigator.credentials.get({ publicKey, signal, ...how }))
  location.assign(button.dataset.to)
}

// autofill offers passkeys in the address field. It starts again after four minutes, since a challenge is
// valid for five.
async function autofill(button) {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return
  setTimeout(autofill, 4 * 60_000, button)
  logIn(button, { mediation: 'conditional' }).catch((err) => err.name === 'NotAllowedError' || say(err))
}

if (window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  const use = $('with-passkey'), add = $('add-passkey')
  if (use) {
    use.hidden = false
    use.onclick = () => logIn(use).catch(say)
    if (document.querySelector('[autocomplete~=webauthn]')) autofill(use)
  }
  if (add) {
    add.hidden = false
    add.onclick = async () => {
      add.disabled = true
      try {
        const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(await send('/account/passkeys/options'))
        await send('/account/passkeys', await navigator.credentials.create({ publicKey }))
        location.assign('/account/security')
      } catch (err) {
        say(err)
      }
      add.disabled = false
    }
  }
}
