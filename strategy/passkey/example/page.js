// The two pages of the example: log in, and the list of passkeys.
import * as passkeys from './passkeys.js'

const $ = (id) => document.getElementById(id)

function say(err) {
  if (err.name === 'AbortError') return // another call has taken its place
  if (err.type?.endsWith('#ProblemFresh')) return location.assign('/?again')
  $('problem').textContent = err.name === 'NotAllowedError' ? 'No passkey was used.' : err.message
}

// autofill offers passkeys in the field for the e-mail address. A challenge is good for five minutes.
async function autofill() {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return
  setTimeout(autofill, 4 * 60_000)
  const quiet = (err) => err.name === 'NotAllowedError' || say(err) // the user has done nothing that was to fail
  passkeys.logIn({ mediation: 'conditional' }).then(() => location.assign('/'), quiet)
}

if ($('with-passkey')) {
  $('with-passkey').onclick = () => passkeys.logIn().then(() => location.assign('/'), say)
  autofill()
}

function show({ passkeys: all }) {
  const rows = all.map((p) => {
    const row = $('row').content.cloneNode(true)
    row.querySelector('input').value = p.name
    row.querySelector('small').textContent =
      `${p.model ?? 'unknown model'}, made ${new Date(p.created).toLocaleString()}` +
      (p.lastUsed ? `, used ${new Date(p.lastUsed).toLocaleString()}` : '') + (p.backedUp ? ', on all your devices' : '')
    row.querySelector('.rename').onclick = (e) => passkeys.rename(p.id, e.target.parentNode.querySelector('input').value).then(show, say)
    row.querySelector('.remove').onclick = () => passkeys.remove(p.id).then(show, say)
    return row
  })
  $('list').replaceChildren(...rows)
  $('none').hidden = all.length > 0
  $('problem').textContent = ''
}

if ($('add')) {
  $('add').onclick = () => passkeys.register().then(passkeys.list).then(show, say)
  passkeys.list().then(show, say)
}
