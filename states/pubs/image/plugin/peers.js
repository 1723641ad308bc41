'use strict'

// Who is connected now, in both directions; ssb-gossip does not know those who came to us.
module.exports = class Peers {
  // isInvite(id) tells the short-lived connections that are made with an invite's own key: they are no peers.
  constructor (server, isInvite) {
    this.connections = new Set()
    server.on('rpc:connect', (rpc) => {
      if (rpc.id === server.id || isInvite(rpc.id)) return
      const connection = { id: rpc.id, address: rpc.stream.address || null, since: new Date().toISOString() }
      this.connections.add(connection)
      rpc.once('closed', () => this.connections.delete(connection))
    })
  }

  // One row for a peer: two connections of the same feed are one peer, since the older one.
  list () {
    const byId = new Map()
    for (const connection of this.connections) {
      if (!byId.has(connection.id)) byId.set(connection.id, connection)
    }
    return [...byId.values()]
  }
}
