'use strict'
// Keeps a double click from sending a form twice: the second answer would replace the first.
;(() => {
  const AGAIN_MS = 10000 // after a download the form is still there, and may be sent again
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
