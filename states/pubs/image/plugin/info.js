'use strict'

const { promisify } = require('util')
const { version } = require('../package.json')
const Refusal = require('./refusal')

const PATIENCE_MS = 4000

// Waits for the database for a few seconds; it does not answer while it rebuilds its indexes.
function inTime (promise) {
  let timer
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Refusal(503, 'The pub is still reading its database: try again in a minute.')), PATIENCE_MS)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

function followsOf (graph, id) {
  return Object.entries(graph || {}).filter(([feed, value]) => value === true && feed !== id).length
}

module.exports = async function info (server, config, peers, warnings) {
  const [clock, graph] = await inTime(Promise.all([
    promisify(server.getVectorClock)(),
    promisify(server.friends.get)({ source: server.id })
  ]))
  const net = config.connections.incoming.net[0]
  return {
    id: server.id,
    version,
    sequence: clock[server.id] || 0,
    peers: peers.list().length,
    follows: followsOf(graph, server.id),
    uptime_s: Math.floor(process.uptime()),
    memory_rss: process.memoryUsage.rss(),
    name: (config.saltcellar && config.saltcellar.name) || null,
    external: net.external || null,
    port: net.port,
    feeds: Object.keys(clock).length,
    warnings
  }
}
