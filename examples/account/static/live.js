// Shows the events of the stream, and leaves the page when the log-in ends.
const state = document.getElementById('live-state'), clock = document.getElementById('live-clock')
const leave = () => {
  stream.close() // else it connects again, and the refusal loads this page once more
  location.replace('/login?ended')
}

const stream = new EventSource('/account/live/stream')
stream.onmessage = (e) => {
  state.textContent = 'Connected'
  state.classList.add('good')
  clock.textContent = e.data
}
stream.addEventListener('end', leave)
stream.onerror = () => {
  state.textContent = 'Connecting'
  state.classList.remove('good')
  // The server refused, in an outage or because nobody is logged in. The page itself tells which.
  if (stream.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 3000)
}
addEventListener('pagehide', () => stream.close())
