// Shows the events of the stream, and leaves the page when the log-in ends.
const state = document.getElementById('live-state'), clock = document.getElementById('live-clock')
const leave = () => location.replace('/login?ended')

const stream = new EventSource('/account/live/stream')
stream.onmessage = (e) => {
  state.textContent = 'Connected'
  state.classList.add('good')
  clock.textContent = e.data
}
stream.addEventListener('end', leave)
stream.onerror = () => {
  if (stream.readyState === EventSource.CLOSED) return leave() // the server refused: nobody is logged in
  state.textContent = 'Connecting'
  state.classList.remove('good')
}
addEventListener('pagehide', () => stream.close())
