// Logs users in at the first of two programs, opens a socket in each, and logs the users out at the first.
// After some seconds it prints how many sockets have ended in each. Arguments: two URLs, number of users,
// seconds.

import { setTimeout as pause } from 'node:timers/promises'
import { io } from 'socket.io-client'

const [first, second, users, seconds] = process.argv.slice(2)
const all = []
for (let i = 0; i < Number(users); i++) {
  const answer = await fetch(`${first}/login?user=${i}`, { method: 'POST' })
  const cookie = answer.headers.get('set-cookie').split(';')[0]
  const sockets = await Promise.all([first, second].map(url => new Promise((resolve, reject) => {
    const s = io(url, { extraHeaders: { cookie }, reconnection: false, transports: ['websocket'], forceNew: true })
    s.on('connect', () => resolve(s))
    s.on('connect_error', reject)
  })))
  all.push({ cookie, sockets })
}
for (const { cookie } of all) {
  const answer = await fetch(`${first}/logout`, { method: 'POST', headers: { cookie } })
  if (!answer.ok) throw new Error(`log-out: ${answer.status}`)
}
await pause(Number(seconds) * 1000)
console.log([0, 1].map(k => all.filter(v => !v.sockets[k].connected).length).join(' '))
process.exit()
