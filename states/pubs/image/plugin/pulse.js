'use strict'
// The pulse: a file whose age tells the node, and the container's health check, whether this pub works.

const fs = require('fs')
const MultiServer = require('multiserver')
const Net = require('multiserver/plugins/net')
const Shs = require('multiserver/plugins/shs')
const { promisify } = require('util')

const EVERY_MS = 5000
const PATIENCE_MS = 4000

function inTime (promise) {
  let timer
  const late = new Promise((resolve) => { timer = setTimeout(resolve, PATIENCE_MS, false) })
  return Promise.race([promise.then(() => true), late]).finally(() => clearTimeout(timer))
}

// Knocks with a whole handshake, as peers do: ssb-server logs a stack trace for each connection without one.
function knocker (server, port) {
  const bytes = (text) => Buffer.from(text.replace(/\.ed25519$/, ''), 'base64')
  const keys = { publicKey: bytes(server.keys.public), secretKey: bytes(server.keys.private) }
  const appKey = Buffer.from(server.config.caps.shs, 'base64')
  const client = MultiServer([[Net({}), Shs({ keys, appKey, auth: (id, cb) => cb(null, false), timeout: PATIENCE_MS })]])
  const address = `net:127.0.0.1:${port}~shs:${keys.publicKey.toString('base64')}`
  return async () => {
    const stream = await promisify(client.client)(address)
    stream.source(true, () => {})
  }
}

// While indexes are rebuilt (after an import: minutes) the database answers nobody, but moves on.
function progressOf (server) {
  return JSON.stringify([server.progress(), server.since()])
}

async function check (server, knock, before) {
  if (!await inTime(knock())) throw new Error('the port does not answer')
  if (await inTime(promisify(server.getVectorClock)())) return
  if (progressOf(server) === before) throw new Error('the database neither answers nor moves on')
}

function touch (file) {
  const now = new Date()
  try {
    fs.utimesSync(file, now, now)
  } catch (err) {
    if (err.code !== 'ENOENT') throw err
    fs.writeFileSync(file, '', { mode: 0o600 })
  }
}

// Touches the file every five seconds as long as the port answers and the database does; returns how to stop it.
module.exports = function pulse (server, port, file) {
  const knock = knocker(server, port)
  let before = progressOf(server)
  let timer = null
  let stopped = false
  async function beat () {
    try {
      await check(server, knock, before)
      if (!stopped) touch(file)
    } catch (err) {
      if (!stopped) console.error('pulse:', err.message)
    }
    before = progressOf(server)
    if (!stopped) timer = setTimeout(beat, EVERY_MS)
  }
  fs.rmSync(file, { force: true })
  beat()
  return () => { stopped = true; clearTimeout(timer) }
}
