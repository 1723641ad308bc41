'use strict'
// Starts the pub on ~/.ssb. Exit codes: 0 stopped, 1 crashed (Docker restarts it), 78 the data directory needs a person.

const fs = require('fs')
const os = require('os')
const path = require('path')
const durable = require('./plugin/durable')

const STOP_MS = 5000
const NEEDS_A_PERSON = 78
const home = path.join(os.homedir(), '.ssb')
const secret = path.join(home, 'secret')
const log = path.join(home, 'flume', 'log.offset')
const unpublished = path.join(home, 'unpublished')

function give_up (sentence) {
  console.error('pub:', sentence)
  process.exit(NEEDS_A_PERSON)
}

function crash (err) {
  console.error('pub: crashed:', err && err.stack ? err.stack : err)
  process.exit(1)
}
process.on('uncaughtException', crash)
process.on('unhandledRejection', crash)

function readConfig () {
  const file = path.join(home, 'config')
  let config
  try {
    config = JSON.parse(fs.readFileSync(file, 'utf8'))
  } catch (err) {
    give_up(`${file} cannot be read (${err.code || 'it is not JSON'}): write it, then start the pub again.`)
  }
  const net = config?.connections?.incoming?.net?.[0]
  if (!net || !Number.isInteger(net.port) || typeof net.external !== 'string' || !net.external) {
    give_up(`${file} must have connections.incoming.net with one entry that has a "port" and an "external" host name.`)
  }
  return config
}

function sizeOf (file) {
  try {
    return fs.statSync(file).size
  } catch (err) {
    if (err.code === 'ENOENT') return null
    throw err
  }
}

// Who the pub is stands in its configuration once it is known. A new identity in its place would be another pub.
function guardName (expected) {
  if (!expected) return
  const found = sizeOf(secret) === null ? 'no identity is there' : `it is ${secretIn()?.id}`
  if (found !== `it is ${expected}`) {
    give_up(`the bot should be ${expected}, but ${found}. Bring its data directory back: nothing is made anew in its place.`)
  }
}

// A secret without its log would publish from sequence 1 again under the same id, and that destroys the feed. Only an
// identity made here, marked until its first message is in the log, may start without one.
function guardIdentity () {
  if (sizeOf(log)) return fs.rmSync(unpublished, { force: true })
  if (sizeOf(secret) === null) return fs.writeFileSync(unpublished, '')
  if (sizeOf(unpublished) !== null) return
  give_up('there is a secret but no messages: starting would destroy this identity\'s feed. Import flume/log.offset ' +
    'together with the secret.')
}

// Its own parse: ssb-keys prints the parser's message, which can quote the secret.
function secretIn () {
  const text = fs.readFileSync(secret, 'ascii').replace(/\s*#[^\n]*/g, '')
  try {
    return JSON.parse(text)
  } catch (_) {
    return null
  }
}

function checkSecret () {
  if (sizeOf(secret) === null || secretIn()?.private) return
  if (sizeOf(unpublished) === null) give_up(`${secret} is damaged: put back a backup of it.`)
  // Cut off while it was first made, and nothing was ever signed with it.
  fs.rmSync(secret, { force: true })
}

function createServer (config) {
  const plugins = [
    require('ssb-master'), require('ssb-gossip'), require('ssb-replicate'), require('ssb-friends'), require('ssb-blobs'),
    require('./plugin/codes').invite, require('ssb-logging'), require('ssb-ebt'), require('./plugin')
  ]
  const complete = require('ssb-config/defaults')('ssb', { ...config, path: home, local: false })
  delete complete.connections.outgoing.onion
  return require('ssb-server').createSsbServer().use(plugins)(complete)
}

function stopOn (signal, server) {
  process.once(signal, () => {
    console.log(`pub: stopping on ${signal}`)
    setTimeout(() => crash(new Error('stopping took too long')), STOP_MS).unref()
    server.close(true, (err) => err ? crash(err) : process.exit(0))
  })
}

const config = readConfig()
guardName(config.saltcellar?.pub_id)
guardIdentity()
checkSecret()
const server = createServer(config)
durable.sync(secret)
durable.sync(home)
durable.publish(server, log, () => fs.rmSync(unpublished, { force: true }))
stopOn('SIGTERM', server)
stopOn('SIGINT', server)
console.log(`pub: ${server.id} as ${config.connections.incoming.net[0].external}`)
