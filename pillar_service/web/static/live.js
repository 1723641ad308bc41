'use strict'
// While the parts of a page that renew themselves can't, says on the page since when it has been out of date.
;(() => {
  const clock = () => new Date().toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
  let renewed = clock()
  let notice = null

  const fails = () => {
    if (notice) return
    notice = document.createElement('p')
    notice.className = 'notice'
    notice.setAttribute('role', 'status')
    notice.textContent = `This page has not been updated since ${renewed}: what it shows may be out of date. It keeps trying.`
    document.getElementById('main').prepend(notice)
  }

  const works = () => {
    renewed = clock()
    if (notice) notice.remove()
    notice = null
  }

  for (const wrong of ['responseError', 'sendError', 'timeout']) document.addEventListener(`htmx:${wrong}`, fails)
  document.addEventListener('htmx:afterRequest', (event) => { if (event.detail.successful) works() })
})()
