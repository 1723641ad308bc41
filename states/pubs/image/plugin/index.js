'use strict'
// Saltcellar's plugin for ssb-server: an invite ledger, peers, info, a control socket and a pulse.

const path = require('path')
const Ledger = require('./ledger')
const Invites = require('./invites')
const Peers = require('./peers')
const info = require('./info')
const control = require('./control')
const pulse = require('./pulse')

function open (config) {
  const ledger = new Ledger(path.join(config.path, 'invites.json'))
  const warnings = []
  if (ledger.aside) {
    warnings.push(`The invite ledger was corrupt and is kept as ${path.basename(ledger.aside)}; it was rebuilt ` +
      'without dates and without who used which invite.')
    console.error('ledger:', warnings[0])
  }
  return { ledger, warnings }
}

exports.init = function (server, config) {
  const { ledger, warnings } = open(config)
  const invites = new Invites(server, ledger)
  const peers = new Peers(server, (id) => Boolean(ledger.get(id)))
  const pub = { invites, peers, info: () => info(server, config, peers, warnings) }
  const stops = []
  server.close.hook(function (fn, args) {
    for (const stop of stops) stop()
    return fn.apply(this, args)
  })
  // Only now is it certain that no other process runs on this data, so only now is the socket taken over.
  invites.ready.then(() => {
    if (server.closed) return
    const door = control(pub, path.join(config.path, 'control.sock'))
    stops.push(() => { door.close(); door.closeAllConnections() })
    stops.push(pulse(server, config.connections.incoming.net[0].port, path.join(config.path, 'alive')))
    console.log('control: ready')
  })
}
