// Buttons that copy a text: <button type="button" data-copy="ID" hidden>. Without this script they stay hidden, and the
// text can be selected by hand.
(function () {
  'use strict'

  function reveal () {
    if (!navigator.clipboard) return
    document.querySelectorAll('button[data-copy][hidden]').forEach(function (button) { button.hidden = false })
  }

  function tell (button, said) {
    var before = button.dataset.label || button.textContent
    button.dataset.label = before
    button.textContent = said
    setTimeout(function () { button.textContent = before }, 2000)
  }

  document.addEventListener('click', function (event) {
    var button = event.target.closest('button[data-copy]')
    var source = button && document.getElementById(button.dataset.copy)
    if (!source) return
    navigator.clipboard.writeText(source.textContent.trim()).then(
      function () { tell(button, 'Copied') },
      function () {
        window.getSelection().selectAllChildren(source)
        tell(button, 'Press Ctrl+C')
      }
    )
  })
  document.addEventListener('DOMContentLoaded', reveal)
  document.addEventListener('htmx:afterSettle', reveal)
})()
