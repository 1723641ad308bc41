'use strict'
// A form that was sent is not sent again by a double click: the second answer would take the place of the first.
;(() => {
  const AGAIN_MS = 10000 // where the answer was a file, the form stays, and may be sent once more
  let sent = new WeakSet()
  document.addEventListener('submit', (event) => {
    const form = event.target
    if (event.defaultPrevented || form.method !== 'post') return
    if (sent.has(form)) return event.preventDefault()
    sent.add(form)
    setTimeout(() => sent.delete(form), AGAIN_MS)
  })
  window.addEventListener('pageshow', () => { sent = new WeakSet() })
})()
